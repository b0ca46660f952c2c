"""Watch folders: what has come to rest is taken in once; what grows is not."""

from __future__ import annotations

import os
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
from engine.watch.stability import File, Patience, Times, units
from engine.watch.watcher import Watcher, look
from tests.engine.volumes.conftest import Mounts, mounted

__all__ = ["mounted"]

QUICK = Times(age=0.2, step=0.1, looks=3, poll=0.3, net=0.5)
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
        wait_until(lambda before=before: folders.list_folders(desk.db)[0].looked_at != before, 5, "a look")


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


def test_a_folder_is_taken_as_a_whole_and_only_with_something_new() -> None:
    files = [File("card/a.mov", 1, 1), File("card/b.xml", 1, 1), File("x.mov", 1, 1), File("x.xml", 1, 1),
             File("notes.txt", 1, 1), File("papers/b.txt", 1, 1)]  # fmt: skip
    everything = {file.path for file in files}
    assert sorted(units(files, {}, everything, is_media)) == ["card", "x.mov", "x.xml"]
    assert "card" not in units(files, {}, everything - {"card/b.xml"}, is_media)
    taken = {"card/a.mov": (1, 1), "card/b.xml": (1, 1), "x.mov": (1, 1), "x.xml": (1, 1)}
    assert units(files, taken, everything, is_media) == {}
    assert sorted(units(files, {**taken, "card/b.xml": (1, 0)}, everything, is_media)) == ["card"]


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
    wait_until(lambda: folders.get(desk.db, broken.watch_id).error, 5, "the sentence")
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
    wait_until(lambda: folders.get(desk.db, folder.watch_id).error, 5, "the sentence")
    assert "fs.inotify.max_user_watches" in str(folders.get(desk.db, folder.watch_id).error)
    desk.put("a.mov")
    wait_until(lambda: len(desk.jobs()) == 1, 5, "the ingest")


def test_an_unknown_file_system_is_polled(
    desk: Desk, watching: Watcher, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts.Mount, "is_trusted", property(lambda _: False))
    folders.add(desk.db, str(desk.inbox), [str(desk.target)])
    some_looks(desk, wait_until, 1)
    assert [state.observer for state in watching._states.values()] == [None]
    desk.put("a.mov")
    wait_until(lambda: len(desk.jobs()) == 1, 5, "the ingest")


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
