"""Conflicts: who claims which identity, listed as one question, and settled by a word."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.api import volumes as api
from engine.library import Library
from engine.volumes import store
from engine.volumes.monitor import refresh
from engine.volumes.places import place_of
from engine.volumes.stand_ins import make_stand_in

if TYPE_CHECKING:
    Mounts = Any


@pytest.mark.mount
def test_a_clone_mounted_together_is_one_question_about_two_volumes(
    library: Library, mounted: Mounts
) -> None:
    db = library.db()
    image = mounted.image("A", label="SHUTTLE")
    first = mounted.mount(image, "first")
    volume_id = place_of(db, str(first)).volume_id
    assert api.conflicts(library) == []
    mounted.unmount(first)
    shutil.copy(image, mounted.folder / "clone.img")
    mounted.mount(image, "first")
    second = mounted.mount(mounted.folder / "clone.img", "second")
    refresh(db)
    (conflict,) = api.conflicts(library)
    assert {claim["mount_point"] for claim in conflict["claims"]} == {str(first), str(second)}
    assert volume_id in {volume["volume_id"] for volume in conflict["volumes"]}
    assert len(conflict["volumes"]) == 2
    assert "the same identity is mounted 2 times" in conflict["reasons"]
    assert conflict["can_settle"] is True
    assert conflict["since"] == max(e.at for e in store.events(db, volume_id) if e.kind == "conflict")
    api.settle(library, volume_id, str(second))
    assert api.conflicts(library) == []
    assert store.get(db, volume_id).mount_point == str(second)


def test_two_folders_with_one_marker_are_listed_and_one_has_to_go(library: Library, tmp_path: Path) -> None:
    db = library.db()
    first, second = tmp_path / "drives" / "A", tmp_path / "drives" / "B"
    first.mkdir(parents=True)
    volume_id = make_stand_in(db, str(first), "Shuttle")
    shutil.copytree(first, second)
    refresh(db)
    (conflict,) = api.conflicts(library)
    assert [claim["mount_point"] for claim in conflict["claims"]] == [str(first), str(second)]
    assert [volume["volume_id"] for volume in conflict["volumes"]] == [volume_id]
    assert conflict["can_settle"] is False
    os.rename(second, tmp_path / "away")
    refresh(db)
    assert api.conflicts(library) == []


@pytest.mark.mount
def test_a_further_clone_in_turn_is_asked_about_until_it_is_said_which_it_is(
    library: Library, mounted: Mounts
) -> None:
    db = library.db()
    images = [mounted.image("A", label="SHUTTLE"), mounted.folder / "B.img", mounted.folder / "C.img"]
    for copy in images[1:]:
        shutil.copy(images[0], copy)
    first = mounted.mount(images[0], "first")
    original = place_of(db, str(first)).volume_id
    second = mounted.mount(images[1], "second")
    refresh(db)
    api.settle(library, original, str(first))
    clone = place_of(db, str(second)).volume_id
    mounted.unmount(first)
    mounted.unmount(second)
    refresh(db)
    for image, volume_id in ((images[1], clone), (images[0], original)):
        mounted.mount(image, "first")
        assert place_of(db, str(first)).volume_id == volume_id, "its hardware says which of the two it is"
        mounted.unmount(first)
        refresh(db)

    mounted.mount(images[2], "first")
    for _ in range(3):
        refresh(db)
        (conflict,) = api.conflicts(library)
        assert {one["volume_id"] for one in conflict["volumes"]} == {original, clone}
    api.settle(library, clone, str(first))
    for _ in range(2):
        refresh(db)
        assert api.conflicts(library) == []
        assert place_of(db, str(first)).volume_id == clone
    mounted.unmount(first)
    refresh(db)
    mounted.mount(images[2], "first")
    assert place_of(db, str(first)).volume_id == clone
    mounted.unmount(first)
    refresh(db)
    mounted.mount(images[0], "first")
    refresh(db)
    assert api.conflicts(library) == []
    assert place_of(db, str(first)).volume_id == original, "the dispute left no trace on it"
