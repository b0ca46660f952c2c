"""Small files opened ahead of their reading: none is lost, and none stays open."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.media.hashing import FAST_WHOLE
from engine.media.rereading import Reread
from engine.relink import ahead
from engine.relink import job as relink_job
from engine.relink.match import Found
from engine.relink.tree import hold


def found(volume_id: str, folder: Path, name: str, size: int) -> Found:
    path = folder / name
    with path.open("wb") as file:
        file.truncate(size)
        file.write(name.encode())
    facts = path.stat()
    return Found(volume_id, name, size, facts.st_mtime_ns, facts.st_ino)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_every_file_comes_once_open_in_the_way_it_is_to_be_read(world: Any) -> None:
    volume_id, a = world.volume("A")
    files = [found(volume_id, a, f"{n}.mov", 5000 + n % 3) for n in range(ahead.DEPTH + 20)]
    whole = {5000, 5001}
    before = open_files()
    most = 0
    with hold(world.db, volume_id) as tree, closing(ahead.opened(tree, files, whole)) as turns:
        seen = []
        for number, file, held in turns:
            assert files[number] is file
            if file.size in whole:
                assert isinstance(held, Reread)
                assert held.read().size == file.size
            else:
                assert held is None
            seen.append(number)
            most = max(most, open_files() - before)
    assert most <= 2 + ahead.DEPTH + 2
    assert sorted(seen) == list(range(len(files)))
    assert [files[number].inode for number in seen] == sorted(file.inode or 0 for file in files)
    assert open_files() == before


def test_only_so_many_bytes_are_asked_for_at_once(world: Any) -> None:
    volume_id, a = world.volume("A")
    files = [found(volume_id, a, f"{n}.mov", FAST_WHOLE) for n in range(12)]
    before = open_files()
    with hold(world.db, volume_id) as tree, closing(ahead.opened(tree, files, {FAST_WHOLE})) as turns:
        most = max(open_files() - before for _ in turns)
    assert 2 <= most <= ahead.AHEAD_BYTES // FAST_WHOLE + 3


def test_what_cannot_be_opened_is_handed_on_with_its_error(world: Any) -> None:
    volume_id, a = world.volume("A")
    files = [found(volume_id, a, "A.mov", 5000), found(volume_id, a, "B.mov", 5000)]
    os.unlink(a / "A.mov")
    with hold(world.db, volume_id) as tree, closing(ahead.opened(tree, files, {5000})) as turns:
        held = {file.path: held for _, file, held in turns}
    assert isinstance(held["A.mov"], FileNotFoundError)
    assert isinstance(held["B.mov"], Reread)


def test_a_scan_that_is_cut_off_leaves_nothing_open(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    for n in range(40):
        path = world.file(a, f"{n}.mov", size=70_000)
        world.catalogue(path)
        os.rename(path, b / f"{n}.mov")

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
