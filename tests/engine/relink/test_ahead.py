"""Files opened ahead of their reading: none is lost, none stays open, and cold ones give the same hash."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.media.hashing import fast_hash
from engine.media.rereading import Reread
from engine.relink import ahead
from engine.relink import job as relink_job
from engine.relink.match import Found
from engine.relink.tree import hold

LARGE = (10 << 20) + 1


def found(volume_id: str, folder: Path, name: str, size: int, fill: bytes = b"") -> Found:
    path = folder / name
    with path.open("wb") as file:
        file.truncate(size)
        file.write(fill)
        file.seek(size - len(fill))
        file.write(fill)
    facts = path.stat()
    return Found(volume_id, name, size, facts.st_mtime_ns, facts.st_ino)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_every_file_comes_once_open_in_the_way_it_is_to_be_read(world: Any) -> None:
    volume_id, a = world.volume("A")
    files = [found(volume_id, a, f"{n}.mxf", LARGE + n % 3, b"%d" % n) for n in range(ahead.DEPTH + 20)]
    files.append(found(volume_id, a, "small.mov", 5000))
    files.append(found(volume_id, a, "other.mov", 77))
    wanted = {LARGE, LARGE + 1, 5000}
    before = open_files()
    with hold(world.db, volume_id) as tree, closing(ahead.opened(tree, files, wanted)) as turns:
        seen = []
        for number, file, held in turns:
            assert files[number] is file
            if isinstance(held, Reread):
                assert file.size == 5000
                assert held.read().size == 5000
            elif held is None:
                assert file.size not in wanted
            else:
                assert isinstance(held, int)
                assert fast_hash(held, file.size) == fast_hash(str(a / file.path), file.size)
            seen.append(number)
            assert open_files() <= before + 2 + ahead.DEPTH + 2
    assert sorted(seen) == list(range(len(files)))
    assert [files[number].inode for number in seen] == sorted(file.inode or 0 for file in files)
    assert open_files() == before


def test_what_cannot_be_opened_is_handed_on_with_its_error(world: Any) -> None:
    volume_id, a = world.volume("A")
    files = [found(volume_id, a, "A.mxf", LARGE), found(volume_id, a, "B.mxf", LARGE)]
    os.unlink(a / "A.mxf")
    with hold(world.db, volume_id) as tree, closing(ahead.opened(tree, files, {LARGE})) as turns:
        held = {file.path: held for _, file, held in turns}
    assert isinstance(held["A.mxf"], FileNotFoundError)
    assert isinstance(held["B.mxf"], int)


def test_a_scan_that_is_cut_off_leaves_nothing_open(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    for n in range(40):
        path = found("", a, f"{n}.mxf", LARGE, b"%d" % n).path
        world.catalogue(str(a / path), hashes="fast")
        os.rename(a / path, b / path)

    class CutOff(Exception):
        pass

    before = open_files()
    _, job_id = relink_job.queue_scan(world.library, str(b))
    context = world.context(job_id)

    def checkpoint() -> None:
        if open_files() > before + 20:  # in the middle of the comparing, with many asked for
            raise CutOff

    context.checkpoint = checkpoint
    with pytest.raises(CutOff):
        relink_job.run_scan(context)
    del context
    assert open_files() <= before + 3  # the database's


def test_a_file_that_is_not_in_memory_gives_the_same_hash(world: Any) -> None:
    volume_id, a = world.volume("A")
    files = [found(volume_id, a, f"{n}.mxf", LARGE, os.urandom(50)) for n in range(10)]
    hashes = {file.path: fast_hash(str(a / file.path), LARGE) for file in files}
    for file in files:
        with (a / file.path).open("rb") as held_file:
            os.fsync(held_file.fileno())
            os.posix_fadvise(held_file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with hold(world.db, volume_id) as tree, closing(ahead.opened(tree, files, {LARGE})) as turns:
        read = {file.path: fast_hash(held, LARGE) for _, file, held in turns if isinstance(held, int)}
    assert read == hashes
