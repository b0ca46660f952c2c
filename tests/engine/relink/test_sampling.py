"""Samples taken beside a walk: by children and here alike, whatever becomes of a child."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from engine.media.hashing import fast_hash
from engine.relink import job as relink_job
from engine.relink import sampler, sampling
from engine.relink.match import Found
from engine.relink.sampling import Sampling
from engine.relink.tree import hold

LARGE = (10 << 20) + 1


def made(folder: Path, name: str | bytes, size: int = LARGE, fill: bytes = b"x") -> str:
    path = os.path.join(str(folder), os.fsdecode(name))
    with open(path, "wb") as file:
        file.truncate(size)
        for at in (0, size // 2, size - len(fill)):
            file.seek(at)
            file.write(fill)
    return path


def many(folder: Path, count: int) -> list[Found]:
    """Large files of which each has bytes of its own."""
    files = []
    for n in range(count):
        facts = os.stat(made(folder, f"{n}.mxf", LARGE + n % 3, b"%d" % n))
        files.append(Found("", f"{n}.mxf", facts.st_size, facts.st_mtime_ns, facts.st_ino))
    return files


def open_files() -> int:
    """How many of the files above, and pipes of children, are open here."""
    held = []
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the listing itself
            held.append(os.readlink(f"/proc/self/fd/{number}"))
    return sum(name.endswith(".mxf") or name.startswith("pipe:") for name in held)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children are worth starting for a few files, and there are processors for two."""
    monkeypatch.setattr(sampling, "BATCH", 4)
    monkeypatch.setattr(sampling, "BACKLOG", 2)
    monkeypatch.setattr(sampling, "_processors", lambda: range(4))


@contextmanager
def asked_for(world: Any, files: list[Found], volume_id: str) -> Iterator[Sampling]:
    with hold(world.db, volume_id) as tree, Sampling(tree) as samples:
        for number, file in enumerate(files):
            samples.add(number, file)
        yield samples


def right(files: list[Found], folder: Path, told: dict[int, sampler.Sample]) -> None:
    assert sorted(told) == list(range(len(files)))
    for number, (value, reason, facts) in told.items():
        file = files[number]
        assert reason is None
        assert value == fast_hash(str(folder / file.path), file.size)
        assert facts == (file.size, file.mtime_ns, file.inode)


def nothing() -> None:
    pass


def test_children_and_whoever_waits_take_every_sample_once(world: Any, small_batches: None) -> None:
    volume_id, a = world.volume("A")
    files = many(a, 50)
    before = open_files()
    with asked_for(world, files, volume_id) as samples:
        told = list(samples.taken(nothing))
        children = list(samples._children)
    assert len(told) == 50
    right(files, a, dict(told))
    assert len(children) == sampling.MOST
    assert [child.returncode for child in children] == [0] * len(children)
    assert open_files() == before


def test_a_child_is_given_what_is_found_while_more_is_looked_for(world: Any, small_batches: None) -> None:
    volume_id, a = world.volume("A")
    files = many(a, 8)
    with asked_for(world, files, volume_id) as samples:
        told: dict[int, sampler.Sample] = {}
        for _ in range(2):  # nobody asks for the samples yet: only a child can have taken them
            batch, taken = samples._told.get(timeout=60) or pytest.fail("the child did not answer")
            told |= dict(zip(batch.numbers, taken, strict=True))
    right(files, a, told)


@pytest.mark.parametrize("processors", [1, 4])
def test_few_files_or_one_processor_need_no_child(
    world: Any, small_batches: None, monkeypatch: pytest.MonkeyPatch, processors: int
) -> None:
    monkeypatch.setattr(sampling, "_processors", lambda: range(processors))
    volume_id, a = world.volume("A")
    files = many(a, 3 if processors > 1 else 9)
    with asked_for(world, files, volume_id) as samples:
        right(files, a, dict(samples.taken(nothing)))
        assert samples._children == []


def test_what_a_child_leaves_undone_is_done_here(
    world: Any, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume_id, a = world.volume("A")
    files = many(a, 30)
    load = sampling.marshal.load
    killed = threading.Event()

    class Marshal:
        dump = staticmethod(sampling.marshal.dump)

        @staticmethod
        def load(stream: Any) -> Any:
            if not killed.is_set():
                os.kill(samples._children[0].pid, signal.SIGKILL)
                killed.set()
            return load(stream)

    monkeypatch.setattr(sampling, "MOST", 1)
    monkeypatch.setattr(sampling, "marshal", Marshal)
    with hold(world.db, volume_id) as tree, Sampling(tree) as samples:
        for number, file in enumerate(files):
            samples.add(number, file)
        assert killed.wait(60)
        right(files, a, dict(samples.taken(nothing)))
        assert [child.wait(60) for child in samples._children] == [-signal.SIGKILL]


def test_a_machine_that_starts_no_child_takes_the_samples_here(
    world: Any, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling.sys, "executable", "/nowhere/python")
    volume_id, a = world.volume("A")
    files = many(a, 12)
    with asked_for(world, files, volume_id) as samples:
        right(files, a, dict(samples.taken(nothing)))
        assert samples._children == []


def stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children that answer nothing, as one does that waits for a dead server."""
    start = subprocess.Popen

    def asleep(command: list[str], **options: Any) -> Any:
        return start(["sleep", "1000"], **options)

    monkeypatch.setattr(sampling.subprocess, "Popen", asleep)


def test_while_a_drive_keeps_a_child_waiting_the_job_can_be_ended(
    world: Any, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck(monkeypatch)
    volume_id, a = world.volume("A")
    files = many(a, 20)

    class Ended(Exception):
        pass

    told: list[int] = []

    def check() -> None:
        if told:
            raise Ended

    before = open_files()
    with asked_for(world, files, volume_id) as samples:
        children = samples._children
        taken = samples.taken(check)
        told.extend(number for number, _ in itertools.islice(taken, 4))
        with pytest.raises(Ended):
            next(taken)
    assert [child.returncode for child in children] == [-signal.SIGKILL] * 2
    assert open_files() == before


def test_a_scan_that_is_ended_in_its_walk_leaves_no_child(
    world: Any, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck(monkeypatch)
    _, a = world.volume("A")
    _, b = world.volume("B")
    for n in range(12):
        path = made(a, f"{n}.mxf", LARGE, b"%d" % n)
        world.catalogue(path, hashes="fast")
        (b / f"{n}").mkdir()
        os.rename(path, b / f"{n}/{n}.mxf")
    started: list[Any] = []
    employ = Sampling._employ

    def note(self: Sampling) -> None:
        employ(self)
        started[:] = self._children

    monkeypatch.setattr(Sampling, "_employ", note)

    class Ended(Exception):
        pass

    def checkpoint() -> None:
        if started:
            raise Ended

    _, job_id = relink_job.queue_scan(world.library, str(b))
    context = world.context(job_id)
    context.checkpoint = checkpoint
    with pytest.raises(Ended):
        relink_job.run_scan(context)
    assert [child.returncode for child in started] == [-signal.SIGKILL]


def test_a_scan_with_children_finds_what_one_without_finds(world: Any, small_batches: None) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    for n in range(20):
        path = made(a, f"{n}.mxf", LARGE + n % 3, b"%d" % n)
        world.catalogue(path, hashes="fast")
        os.rename(path, b / f"other {n}.mxf")
        made(b, f"stranger {n}.mxf", LARGE + n % 3, b"no %d" % n)
    result = world.scan(b)
    assert (result["candidates"], result["conflicts"], result["files_hashed"]) == (20, 0, 40)
    assert result["bytes_hashed"] == 40 * 3 * 8192


def sample(world: Any, volume_id: str, wanted: list[sampler.Wanted]) -> list[sampler.Sample]:
    with hold(world.db, volume_id) as tree:
        return list(sampler.take(tree.descriptor, wanted))


def test_what_cannot_be_sampled_says_why(world: Any) -> None:
    volume_id, a = world.volume("A")
    made(a, "good.mxf")
    os.symlink(a / "good.mxf", a / "link.mxf")
    os.mkfifo(a / "pipe.mxf")
    os.mkdir(a / "folder.mxf")
    made(a, "short.mxf", 5000)
    wanted = ["none.mxf", "", "link.mxf", "pipe.mxf", "folder.mxf", "short.mxf"]
    before = open_files()
    told = sample(world, volume_id, [(name, LARGE) for name in wanted])
    assert open_files() == before
    assert [value for value, _, _ in told] == [None] * len(wanted)
    reasons = dict(zip(wanted, (reason for _, reason, _ in told), strict=True))
    assert reasons["none.mxf"] == reasons[""] == "No such file or directory"
    assert reasons["link.mxf"] == "Too many levels of symbolic links"
    assert reasons["short.mxf"] == "the file ends at byte 5000"
    assert all(reasons.values())
    assert [facts is None for _, _, facts in told] == [True, True, True, False, False, False]


def test_names_of_any_bytes_reach_a_child_and_come_back(world: Any, small_batches: None) -> None:
    volume_id, a = world.volume("A")
    files = []
    for name in (b"caf\xe9.mxf", b"a\nb.mxf", b"\x1b[2J.mxf", "Ü\u0308.mxf".encode()):
        facts = os.stat(made(a, name))
        files.append(Found("", os.fsdecode(name), facts.st_size, facts.st_mtime_ns, facts.st_ino))
    with asked_for(world, files, volume_id) as samples:
        _, taken = samples._told.get(timeout=60) or pytest.fail("the child did not answer")
    assert len(taken) == 4
    assert all(value is not None for value, _, _ in taken)


def test_a_file_that_is_not_in_memory_gives_the_same_hash(world: Any) -> None:
    volume_id, a = world.volume("A")
    paths = [made(a, f"{n}.mxf", LARGE, os.urandom(50)) for n in range(10)]
    hashes = [fast_hash(path, LARGE) for path in paths]
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    told = sample(world, volume_id, [(f"{n}.mxf", LARGE) for n in range(10)])
    assert [value for value, _, _ in told] == hashes


def test_only_so_many_are_open_at_once_and_none_stays_open(world: Any) -> None:
    volume_id, a = world.volume("A")
    count = sampler.DEPTH + 20
    many(a, count)
    wanted = [(f"{n}.mxf", LARGE + n % 3) for n in range(count)]
    with hold(world.db, volume_id) as tree:
        before = open_files()
        taken = sampler.take(tree.descriptor, wanted)
        next(taken)
        assert open_files() == before + sampler.DEPTH
        assert len(list(taken)) == count - 1
        assert open_files() == before
        taken = sampler.take(tree.descriptor, wanted)
        next(taken)
        taken.close()  # type: ignore[attr-defined]
        assert open_files() == before


def test_a_check_is_asked_for_often_while_samples_are_taken_here(world: Any) -> None:
    volume_id, a = world.volume("A")
    files = many(a, 40)
    asked: list[int] = []
    told: list[int] = []
    check: Callable[[], None] = lambda: asked.append(len(told))  # noqa: E731
    with asked_for(world, files, volume_id) as samples:
        for number, _ in samples.taken(check):
            told.append(number)
    assert {0, 16, 32} <= set(asked)
