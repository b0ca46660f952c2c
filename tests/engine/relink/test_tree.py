"""A volume held open: each of its guards holds without the others."""

from __future__ import annotations

import os
import shutil
from typing import Any, Self

import pytest

from engine.errors import NotFound, VolumeGone
from engine.relink import tree
from engine.relink.tree import Tally, hold
from engine.volumes import places


def test_unchanged_needs_the_volume_to_be_still_there(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    volume_id, _ = world.volume("A")
    with hold(world.db, volume_id) as held:
        assert held.unchanged()
        monkeypatch.setattr(places, "still_there", lambda _: False)
        assert not held.unchanged()


def test_unchanged_needs_the_same_folder(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    volume_id, folder = world.volume("A")
    monkeypatch.setattr(places, "still_there", lambda _: True)
    with hold(world.db, volume_id) as held:
        folder.rename(world.root / "aside")
        assert not held.unchanged()
        folder.mkdir()
        assert not held.unchanged()


def test_unchanged_needs_the_same_mounts_below(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    volume_id, _ = world.volume("A")
    with hold(world.db, volume_id) as held:
        monkeypatch.setattr(tree, "_mounted_below", lambda _: frozenset({"x"}))
        assert not held.unchanged()


def test_what_is_held_is_read_on_although_the_path_shows_another_folder(world: Any) -> None:
    volume_id, folder = world.volume("A")
    world.file(folder, "x/C0001.MP4")
    with hold(world.db, volume_id) as held:
        folder.rename(world.root / "aside")
        folder.mkdir()
        assert [seen.path for seen in held.walk("", Tally(), lambda: None)] == ["x/C0001.MP4"]
        assert held.stat("x/C0001.MP4").st_size == 100_000


def test_walk_counts_what_it_does_not_give(world: Any) -> None:
    volume_id, folder = world.volume("A")
    world.file(folder, "a/C0001.MP4")
    world.file(folder, "a/._C0001.MP4")
    world.file(folder, ".rushes/library.db")
    world.file(folder, "a/.C0002.MP4.1234.part")
    (folder / "a/loop").symlink_to(folder)
    os.mkfifo(folder / "a/pipe")
    tally = Tally()
    with hold(world.db, volume_id) as held:
        found = [seen.path for seen in held.walk("", tally, lambda: None)]
    assert found == ["a/C0001.MP4"]
    assert (tally.files, tally.links, tally.special, tally.ignored, tally.errors) == (1, 1, 1, 4, 0)


def test_a_folder_that_stands_in_for_another_volume_is_not_entered(world: Any) -> None:
    outer_id, outer = world.volume("A")
    world.file(outer, "C0001.MP4")
    world.root = outer
    _, inner = world.volume("INNER")
    world.file(inner, "C0002.MP4")
    tally = Tally()
    with hold(world.db, outer_id) as held:
        assert [seen.path for seen in held.walk("", tally, lambda: None)] == ["C0001.MP4"]
    assert tally.mounts == 1


def test_links_are_never_read(world: Any) -> None:
    volume_id, folder = world.volume("A")
    os.symlink("/etc/hostname", folder / "link.mov")
    os.mkfifo(folder / "pipe.mov")
    with hold(world.db, volume_id) as held:
        with pytest.raises(OSError, match=r"[Ll]evels of symbolic links"):
            held.open_file("link.mov")
        os.close(held.open_file("pipe.mov"))  # opened without waiting for a writer


def test_volumes_that_cannot_be_held(world: Any) -> None:
    volume_id, folder = world.volume("A")
    with pytest.raises(NotFound), hold(world.db, "no such volume"):
        pass
    shutil.rmtree(folder)
    with pytest.raises(VolumeGone), hold(world.db, volume_id):
        pass


def test_a_long_folder_comes_in_parts_and_each_file_once(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    volume_id, folder = world.volume("A")
    wanted = {os.path.basename(world.file(folder, f"x/C{n:04}.MP4")) for n in range(10)}
    world.file(folder, "x/Thumbs.db")
    world.file(folder, "x/deep/C0001.MP4")
    monkeypatch.setattr(tree, "AT_ONCE", 4)
    tally = Tally()
    seen = []
    with hold(world.db, volume_id) as held:
        for where, files in held.folders("x", tally, lambda: None):
            seen.append((where, len(files), tally.files))
            wanted -= {name for name, _ in files} if where == "x" else set()
    assert seen == [("x", 4, 4), ("x", 4, 8), ("x", 2, 10), ("x/deep", 1, 11)]
    assert not wanted
    assert tally.ignored == 1


def test_a_folder_that_breaks_off_gives_what_was_read_and_says_so(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume_id, folder = world.volume("A")
    for n in range(3):
        world.file(folder, f"x/C{n:04}.MP4")
    scandir = os.scandir

    class Broken:
        def __init__(self, at: int) -> None:
            self.entries = scandir(at)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.entries.close()

        def __iter__(self) -> Any:
            yield next(self.entries)
            yield next(self.entries)
            raise OSError(5, "Input/output error")

    tally = Tally()
    with hold(world.db, volume_id) as held:
        monkeypatch.setattr(os, "scandir", Broken)
        given = list(held.walk("x", tally, lambda: None))
    assert len(given) == tally.files == 2
    assert tally.errors == 1
    assert "Input/output error" in tally.unreadable[0]
