"""Watch folders: what has come to rest is taken in once; what grows is not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.errors import NotFound, Refused, WrongUse
from engine.ingest import job as ingest
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.library import Library
from engine.media.kinds import is_media
from engine.storage.database import rows, scalar
from engine.volumes import mounts
from engine.watch import folders, watcher
from engine.watch.signals import Signals, one_more_watch
from engine.watch.stability import File, Parcel, Patience, Times, groups, units
from engine.watch.watcher import Watcher, look
from tests.engine.volumes.conftest import Mounts, mounted

__all__ = ["mounted"]

QUICK = Times(age=0.2, step=0.1, looks=3, hold=1.0, poll=0.3, net=0.5)
Wait = Callable[..., None]


@dataclass
class Desk:
    library: Library
    inbox: Path
    target: Path

    @property
    def db(self) -> Any:
        return self.library.db()

    def jobs(self) -> list[str]:
        return [entry["job_id"] for entry in rows(self.db, "SELECT job_id FROM jobs ORDER BY created_at")]

    def sources(self) -> set[str]:
        return {os.fsdecode(entry["source"]) for entry in rows(self.db, "SELECT source FROM batch_items")}

    def put(self, name: str, size: int = 5000, *, age: float = 60.0) -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        os.utime(path, (time.time() - age, time.time() - age))
        return path


@pytest.fixture
def desk(library: Library, tmp_path: Path) -> Desk:
    inbox, target = tmp_path / "inbox", tmp_path / "nas"
    inbox.mkdir()
    target.mkdir()
    return Desk(library, inbox, target)


@pytest.fixture
def watching(desk: Desk) -> Iterator[Watcher]:
    made = Watcher(desk.library, QUICK)
    made.start()
    yield made
    made.stop()


def some_looks(desk: Desk, wait_until: Wait, count: int = 8) -> None:
    """Return after ``count`` looks at the only folder; each one stamps its row."""
    for _ in range(count):
        before = folders.list_folders(desk.db)[0].looked_at
        wait_until(lambda before=before: folders.list_folders(desk.db)[0].looked_at != before, 20, "a look")


def test_a_file_rests_after_three_equal_looks_and_ten_seconds() -> None:
    patience = Patience(Times())
    file = File("a.mov", 5, 1_000_000_000_000)
    wall = 1000.0
    assert patience.look([file], 0.0, wall + 9) == set()
    assert patience.look([file], 1.0, wall + 10) == set()  # too soon to count
    assert patience.look([file], 5.0, wall + 14) == set()
    assert patience.look([file], 10.0, wall + 19) == {"a.mov"}
    grown = File("a.mov", 6, 1_000_000_000_000)
    assert patience.look([grown], 15.0, wall + 24) == set()
    assert patience.look([grown], 20.0, wall + 29) == set()
    assert patience.look([grown], 25.0, wall + 34) == {"a.mov"}
    young = Patience(Times(looks=1))
    assert young.look([file], 0.0, wall + 9) == set()
    assert young.look([file], 1.0, wall + 10) == {"a.mov"}


def sources_of(parcels: list[Parcel]) -> list[str]:
    return sorted(source for parcel in parcels for source in parcel.sources)


def test_a_folder_is_taken_as_a_whole_and_only_with_something_new() -> None:
    files = [File("card/a.mov", 1, 1), File("card/b.xml", 1, 1), File("x.mov", 1, 1), File("x.xml", 1, 1),
             File("notes.txt", 1, 1), File("papers/b.txt", 1, 1)]  # fmt: skip
    everything = {file.path for file in files}
    assert sources_of(units(files, {}, everything, is_media)) == ["card", "x.mov", "x.xml"]
    assert "card" not in sources_of(units(files, {}, everything - {"card/b.xml"}, is_media))
    taken = {"card/a.mov": (1, 1), "card/b.xml": (1, 1), "x.mov": (1, 1), "x.xml": (1, 1)}
    assert units(files, taken, everything, is_media) == []
    assert sources_of(units(files, {**taken, "card/b.xml": (1, 0)}, everything, is_media)) == ["card"]


def test_a_companion_waits_for_its_media_and_the_media_for_it() -> None:
    files = [File(name, 1, 1) for name in ("C1.mov", "C1M01.xml", "C1.wav", "C10.mov", "notes.txt")]
    names = {file.path for file in files}
    assert sources_of(units(files, {}, names, is_media)) == ["C1.mov", "C1.wav", "C10.mov", "C1M01.xml"]
    for growing in ("C1.mov", "C1M01.xml"):
        assert sources_of(units(files, {}, names - {growing}, is_media)) == ["C10.mov"]
    assert sources_of(units(files, {}, names - {"C10.mov"}, is_media)) == ["C1.mov", "C1.wav", "C1M01.xml"]


def test_parts_of_a_folder_are_groups_and_say_where_they_come_from() -> None:
    names = ("day/a.mov", "day/a.xml", "day/deep/b.mov", "day/deep/c.mov", "day/notes.txt")
    files = [File(name, 1, 1) for name in names]
    still = set(names) - {"day/deep/c.mov"}
    parcels = units(files, {}, still, is_media, lambda *_: True)
    assert sorted((parcel.sources, parcel.below) for parcel in parcels) == [
        (("day/a.mov", "day/a.xml"), "day"),
        (("day/deep/b.mov",), "day/deep"),
    ]
    assert units(files, {}, still, is_media) == []


def test_what_is_finished_waits_for_the_rest_only_so_long() -> None:
    patience, files = Patience(Times(hold=30.0)), [File("day/a.mov", 1, 1), File("day/b.mov", 1, 1)]
    assert patience.holds("day", files, set(), 0.0)
    assert patience.holds("day", files, {"day/a.mov"}, 10.0)
    assert patience.holds("day", files, {"day/a.mov"}, 39.0)
    assert not patience.holds("day", files, {"day/a.mov"}, 40.0)
    assert patience.holds("day", files, set(), 41.0)
    assert patience.holds("day", files, {"day/a.mov"}, 42.0)


def test_a_growing_file_does_not_hold_back_its_finished_siblings(
    desk: Desk, watching: Watcher, wait_until: Wait
) -> None:
    folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    desk.put("day/deep/a.mov")
    desk.put("day/deep/a.xml", 20)
    growing = desk.put("day/deep/b.mov")
    ended = time.monotonic() + 8
    while not desk.jobs() and time.monotonic() < ended:
        with growing.open("ab") as file:
            file.write(b"more")
        time.sleep(0.02)  # the recording goes on
    assert desk.sources() == {str(desk.inbox / "day/deep/a.mov"), str(desk.inbox / "day/deep/a.xml")}
    (job_id,) = desk.jobs()
    store.transition(desk.db, job_id, "running")
    assert ingest.run(JobContext(desk.library, store.get(desk.db, job_id))).status == "completed"
    assert (desk.target / "day/deep/a.mov").read_bytes() == (desk.inbox / "day/deep/a.mov").read_bytes()
    wait_until(lambda: len(desk.jobs()) == 2, 8, "the rest of the folder, once it rests")
    rest = desk.jobs()[1]
    store.transition(desk.db, rest, "running")
    assert ingest.run(JobContext(desk.library, store.get(desk.db, rest))).status == "completed"
    assert sorted(str(path.relative_to(desk.target)) for path in desk.target.rglob("*.*")) == [
        "day/deep/a.mov", "day/deep/a.xml", "day/deep/b.mov",
    ]  # fmt: skip


def test_a_card_is_never_taken_in_parts(desk: Desk, watching: Watcher, wait_until: Wait) -> None:
    folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    desk.put("A001/DCIM/100MEDIA/DJI_0001.MP4")
    growing = desk.put("A001/DCIM/100MEDIA/DJI_0002.MP4")
    ended = time.monotonic() + 3
    while time.monotonic() < ended:
        with growing.open("ab") as file:
            file.write(b"more")
        time.sleep(0.02)  # the copying goes on
    assert desk.jobs() == []
    wait_until(lambda: len(desk.jobs()) == 1, 8, "the card")
    assert desk.sources() == {str(desk.inbox / "A001")}


def test_what_is_new_is_queued_once_and_taken_in(desk: Desk, watching: Watcher, wait_until: Wait) -> None:
    folder = folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    file = desk.put("A001/clip.mov")
    wait_until(lambda: len(desk.jobs()) == 1, 5, "the ingest")
    assert desk.sources() == {str(desk.inbox / "A001")}
    some_looks(desk, wait_until, 6)
    assert len(desk.jobs()) == 1
    assert folders.get(desk.db, folder.watch_id).taken == 1
    (job_id,) = desk.jobs()
    store.transition(desk.db, job_id, "running")
    outcome = ingest.run(JobContext(desk.library, store.get(desk.db, job_id)))
    assert outcome.status == "completed"
    (copy,) = desk.target.rglob("clip.mov")
    assert copy.read_bytes() == file.read_bytes()


def test_a_file_that_is_being_recorded_waits(desk: Desk, watching: Watcher, wait_until: Wait) -> None:
    folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    path = desk.put("rec.mov")
    ended = time.monotonic() + 1.5
    while time.monotonic() < ended:
        with path.open("ab") as file:
            file.write(b"more")
        time.sleep(0.02)  # the recording goes on
        assert desk.jobs() == []
    wait_until(lambda: len(desk.jobs()) == 1, 5, "the ingest after the end of the recording")


def test_a_restart_forgets_nothing(desk: Desk, wait_until: Wait) -> None:
    folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    desk.put("a.mov")
    for turn in range(2):
        made = Watcher(desk.library, QUICK)
        made.start()
        wait_until(lambda: len(desk.jobs()) == 1, 5, "the ingest")
        some_looks(desk, wait_until, 6)
        made.stop()
        assert len(desk.jobs()) == 1, turn
    time.sleep(0)
    desk.put("a.mov", 6000, age=30)  # replaced by something else: new
    made = Watcher(desk.library, QUICK)
    made.start()
    wait_until(lambda: len(desk.jobs()) == 2, 5, "the ingest of the replaced file")
    made.stop()


def test_disabled_enabled_removed_are_obeyed_while_it_runs(
    desk: Desk, watching: Watcher, wait_until: Wait
) -> None:
    folder = folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    some_looks(desk, wait_until, 1)
    folders.enable(desk.db, str(folder.watch_id), on=False)
    wait_until(lambda: not watching._states, 3, "the end of watching")
    desk.put("a.mov")
    assert desk.jobs() == []
    folders.enable(desk.db, str(desk.inbox), on=True)
    wait_until(lambda: len(desk.jobs()) == 1, 5, "the ingest")
    folders.remove(desk.db, str(desk.inbox))
    wait_until(lambda: not watching._states, 3, "the end of watching")
    assert (desk.inbox / "a.mov").exists()


def test_a_folder_in_trouble_stops_no_other(desk: Desk, watching: Watcher, wait_until: Wait) -> None:
    bad = desk.inbox.parent / "bad"
    bad.mkdir()
    broken = folders.add(desk.db, str(bad), [str(desk.target)])
    bad.rmdir()
    folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    desk.put("a.mov")
    wait_until(lambda: len(desk.jobs()) == 1, 5, "the ingest")
    wait_until(lambda: folders.get(desk.db, broken.watch_id).error, 20, "the sentence")
    assert "does not exist" in str(folders.get(desk.db, broken.watch_id).error)
    bad.mkdir()
    wait_until(lambda: folders.get(desk.db, broken.watch_id).error is None, 5, "the end of the trouble")


def test_a_refused_source_leaves_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    desk.put("good/a.mov")
    desk.put("evil/b.mov")
    real = watcher.plan.plan

    def picky(library: Library, sources: list[str], *rest: Any, **more: Any) -> Any:
        if any("evil" in source for source in sources):
            raise Refused("evil is refused.")
        return real(library, sources, *rest, **more)

    monkeypatch.setattr(watcher.plan, "plan", picky)
    error = look(desk.library, folder, Patience(Times(age=0, step=0, looks=1)))
    assert error == "evil is refused."
    assert desk.sources() == {str(desk.inbox / "good")}


def test_without_events_it_is_polled_and_the_limit_is_said(
    desk: Desk, watching: Watcher, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("watchdog.observers.api.BaseObserver.schedule", full)
    folder = folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    wait_until(lambda: folders.get(desk.db, folder.watch_id).error, 20, "the sentence")
    assert "fs.inotify.max_user_watches" in str(folders.get(desk.db, folder.watch_id).error)
    desk.put("a.mov")
    wait_until(lambda: len(desk.jobs()) == 1, 5, "the ingest")


def test_an_unknown_file_system_is_polled(
    desk: Desk, watching: Watcher, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts.Mount, "is_trusted", property(lambda _: False))
    folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    some_looks(desk, wait_until, 1)
    assert [state.signals for state in watching._states.values()] == [None]
    desk.put("a.mov")
    wait_until(lambda: len(desk.jobs()) == 1, 5, "the ingest")


def test_lost_events_are_a_reason_to_look_at_everything(
    desk: Desk, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real overflow of the kernel's queue: nobody reads it while more happens than it can hold."""
    inotify_c = pytest.importorskip("watchdog.observers.inotify_c", reason="no inotify here")
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 20_000:
        pytest.skip(f"the queue holds {limit} events: filling it would take too long")
    reading = threading.Event()
    reading.set()
    read = inotify_c.InotifyFD.read_events

    def gated(self: Any, **options: Any) -> Any:
        events = read(self, **options)
        reading.wait(30)
        return events

    monkeypatch.setattr(inotify_c.InotifyFD, "read_events", gated)
    lost, heard = threading.Event(), []
    signals = Signals(str(desk.inbox), lambda: heard.append(1), lost.set, 1.0)
    try:
        reading.clear()
        names = [str(desk.inbox / f"n{number % 2}") for number in range(2)]
        for name in names:
            Path(name).touch()
        for number in range(limit + 2000):
            os.close(os.open(names[number % 2], os.O_WRONLY))  # alike ones in a row would be one event
        assert not lost.is_set()
        reading.set()
        wait_until(lost.is_set, 20, "the word that events were lost")
    finally:
        reading.set()
        signals.stop()


def test_the_kernel_is_not_asked_to_tell_of_what_is_read(desk: Desk) -> None:
    """Looking at ten thousand folders would overflow its queue, and an overflow is a reason to look."""

    def masks() -> list[int]:
        told = "".join(entry.read_text() for entry in Path("/proc/self/fdinfo").iterdir() if entry.exists())
        return [int(found, 16) for found in re.findall(r"^inotify .*\bmask:([0-9a-f]+)", told, re.MULTILINE)]

    (desk.inbox / "one" / "two").mkdir(parents=True)
    before = len(masks())
    signals = Signals(str(desk.inbox), lambda: None, lambda: None, 15.0)
    try:
        assert len(masks()) == before + 3
        opened, closed_unwritten, modified, written = 0x20, 0x10, 0x2, 0x8
        assert not any(mask & (opened | closed_unwritten | modified) for mask in masks())
        assert all(mask & written for mask in masks()[before:])
    finally:
        signals.stop()


def test_after_lost_events_folders_made_meanwhile_are_watched(desk: Desk, wait_until: Wait) -> None:
    # Without the word from below the next look would be a minute away.
    times = Times(age=0.2, step=0.1, looks=1, poll=60.0, net=60.0)
    made = Watcher(desk.library, times)
    folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    made.start()
    try:
        some_looks(desk, wait_until, 1)
        (state,) = made._states.values()
        assert state.signals is not None
        first, overflow = state.signals, state.signals._overflow
        assert overflow is not None
        overflow.on_queue_overflow()
        wait_until(lambda: state.signals not in (None, first), 5, "new watches")
    finally:
        made.stop()


def test_at_the_limit_of_watches_the_folder_is_polled_and_it_is_said(
    desk: Desk, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watches of folders below fail without a word; one more watch is tried, and that one says so."""
    full = [True]

    def tried(path: str) -> OSError | None:
        return OSError(28, "No space left on device") if full[0] else one_more_watch(path)

    monkeypatch.setattr("engine.watch.signals.one_more_watch", tried)
    folder = folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    made = Watcher(desk.library, Times(age=0.2, step=0.1, looks=1, poll=0.3, net=60.0))
    made.start()
    try:
        wait_until(lambda: folders.get(desk.db, folder.watch_id).error, 20, "the sentence")
        assert "no events from some folders: the limit fs.inotify.max_user_watches" in str(
            folders.get(desk.db, folder.watch_id).error
        )
        some_looks(desk, wait_until, 2)  # polled: a look a minute would not come
        full[0] = False
        wait_until(lambda: folders.get(desk.db, folder.watch_id).error is None, 5, "the sentence to go")
    finally:
        made.stop()


def test_the_kernels_own_limit_of_watches_is_noticed(desk: Desk) -> None:
    """In a user namespace of its own the limit can be lowered for real."""
    script = (
        "import ctypes, os, sys\n"
        "libc = ctypes.CDLL(None)\n"
        "uid, gid = os.getuid(), os.getgid()\n"
        "if libc.unshare(0x10000000) != 0: sys.exit(77)\n"
        "open('/proc/self/setgroups', 'w').write('deny')\n"
        "open('/proc/self/uid_map', 'w').write(f'0 {uid} 1')\n"
        "open('/proc/self/gid_map', 'w').write(f'0 {gid} 1')\n"
        "try: open('/proc/sys/user/max_inotify_watches', 'w').write('3')\n"
        "except OSError: sys.exit(77)\n"
        "from engine.watch.signals import Signals\n"
        "import threading\n"
        "root = sys.argv[1]\n"
        "for n in range(8): os.mkdir(f'{root}/d{n}')\n"
        "signals = Signals(root, lambda: None, lambda: None, 15.0)\n"
        "print(signals.alive, signals.limit)\n"
        "sys.stdout.flush(); os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(desk.inbox)],
        capture_output=True, text=True, timeout=30, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    if done.returncode == 77:
        pytest.skip("no user namespaces here: the kernel's own limit of watches was not lowered")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("True ")
    assert "max_user_watches is reached" in done.stdout


@pytest.mark.mount
def test_what_is_mounted_over_a_watched_folder_is_seen(
    desk: Desk, watching: Watcher, wait_until: Wait, mounted: Mounts
) -> None:
    folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    some_looks(desk, wait_until, 1)
    mounted.tmpfs(desk.inbox)
    watching.wake()
    desk.put("on_card.mov")
    wait_until(lambda: len(desk.jobs()) == 1, 5, "the ingest")
    mounted.unmount(desk.inbox, "-l")
    some_looks(desk, wait_until, 3)
    assert scalar(desk.db, "SELECT count(*) FROM watch_taken") == 1


def test_what_is_refused(desk: Desk) -> None:
    with pytest.raises(NotFound):
        folders.add(desk.db, str(desk.inbox / "nowhere"))
    with pytest.raises(WrongUse):
        folders.add(desk.db, str(desk.inbox), [str(desk.target)], "reference")
    with pytest.raises(WrongUse):
        folders.add(desk.db, str(desk.inbox), [], "move")
    (desk.inbox / "out").mkdir()
    with pytest.raises(Refused, match="taken again"):
        folders.add(desk.db, str(desk.inbox), [str(desk.inbox / "out")])
    folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    for path in (desk.inbox, desk.inbox / "out", desk.inbox.parent):
        with pytest.raises(Refused, match="watched already"):
            folders.add(desk.db, str(path))
    with pytest.raises(NotFound):
        folders.remove(desk.db, "77")


def test_looks_too_close_together_count_once_and_youth_is_no_rest() -> None:
    patience = Patience(Times(age=10.0, step=5.0, looks=3))
    old = [File("C1.MP4", 5, 0)]
    assert [patience.look(old, now, 1e6) for now in (1000.0, 1004.0, 1005.0, 1009.0)] == [set()] * 4
    assert patience.look(old, 1010.0, 1e6) == {"C1.MP4"}
    young = [File("C2.MP4", 5, int((1e6 - 0.5) * 1e9))]
    assert [patience.look(young, now, 1e6) for now in (2000.0, 2005.0, 2010.0)] == [set()] * 3
    ahead = [File("C3.MP4", 5, int((1e6 + 50) * 1e9))]
    assert [patience.look(ahead, now, 1e6) for now in (3000.0, 3005.0)] == [set()] * 2
    assert patience.look(ahead, 3010.0, 1e6) == {"C3.MP4"}, "a camera's clock that is ahead"


def test_a_companion_lies_in_the_same_folder() -> None:
    clip, other = File("a/C1.MP4", 5, 0), File("b/C1.XML", 5, 0)
    assert groups([clip, other], {}, {clip.path}, lambda path: path.endswith(".MP4")) == [[clip]]
