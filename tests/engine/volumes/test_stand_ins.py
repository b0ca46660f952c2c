"""Folders that stand in for a volume: the marker, and being found again."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from engine.errors import NotFound, Refused, WrongUse
from engine.library import Library
from engine.storage.database import row, scalar
from engine.volumes import stand_ins, store, touch
from engine.volumes.markers import MARKER
from engine.volumes.monitor import refresh
from engine.volumes.places import absolute, place_of, still_there
from engine.volumes.stand_ins import make_stand_in


@pytest.fixture
def drives(tmp_path: Path) -> Path:
    folder = tmp_path / "drives"
    (folder / "A").mkdir(parents=True)
    (folder / "A" / "day 1").mkdir()
    (folder / "A" / "day 1" / "x.mov").write_bytes(b"x" * 10)
    return folder


def test_paths_in_it_are_relative_to_it(library: Library, drives: Path) -> None:
    db = library.db()
    volume_id = make_stand_in(db, str(drives / "A"), "Drive A")
    place = place_of(db, str(drives / "A" / "day 1" / "x.mov"))
    assert (place.volume_id, place.path, place.mount_point) == (volume_id, "day 1/x.mov", str(drives / "A"))
    assert still_there(place)
    assert place_of(db, str(drives / "A")).path == ""
    assert place_of(db, str(drives)).volume_id != volume_id
    found = store.get(db, volume_id)
    assert (found.kind, found.state, found.name) == ("stand_in", "online", "Drive A")
    marker = json.loads((drives / "A" / MARKER).read_text())
    assert marker["label"] == "Drive A"
    assert set(marker) == {"id", "created_at", "label"}
    assert os.listdir(drives / "A") == [MARKER, "day 1"] or set(os.listdir(drives / "A")) == {MARKER, "day 1"}


def test_it_goes_and_is_recognised_under_another_name(library: Library, drives: Path, tmp_path: Path) -> None:
    db = library.db()
    volume_id = make_stand_in(db, str(drives / "A"), "Drive A")
    assert refresh(db) == [] or {change.volume_id for change in refresh(db)} != {volume_id}
    place = place_of(db, str(drives / "A" / "day 1"))
    (drives / "A").rename(tmp_path / "away")
    assert not still_there_in_folder(place.mount_point)
    assert [change.kind for change in refresh(db) if change.volume_id == volume_id] == ["offline"]
    gone = row(db, "SELECT * FROM volumes WHERE volume_id = ?", (volume_id,))
    assert gone is not None
    assert absolute(gone, "day 1/x.mov") is None
    assert gone["offline_since"] is not None
    (tmp_path / "away").rename(drives / "New Name")
    assert [change.kind for change in refresh(db) if change.volume_id == volume_id] == ["online"]
    back = row(db, "SELECT * FROM volumes WHERE volume_id = ?", (volume_id,))
    assert back is not None
    assert absolute(back, "day 1/x.mov") == str(drives / "New Name" / "day 1" / "x.mov")
    assert refresh(db) == []


def still_there_in_folder(folder: str) -> bool:
    return touch.read_marker(os.path.join(folder, MARKER))[0] is not None


def test_a_path_in_it_is_enough_to_find_it_anywhere(library: Library, drives: Path, tmp_path: Path) -> None:
    db = library.db()
    volume_id = make_stand_in(db, str(drives / "A"), "Drive A")
    elsewhere = tmp_path / "other" / "deep"
    elsewhere.mkdir(parents=True)
    (drives / "A").rename(elsewhere / "Z")
    refresh(db)
    assert store.get(db, volume_id).state == "offline"
    place = place_of(db, str(elsewhere / "Z" / "day 1"))
    assert place.volume_id == volume_id
    assert store.get(db, volume_id).mount_point == str(elsewhere / "Z")


def test_an_empty_folder_in_its_place_is_not_it(library: Library, drives: Path, tmp_path: Path) -> None:
    db = library.db()
    volume_id = make_stand_in(db, str(drives / "A"), "Drive A")
    place = place_of(db, str(drives / "A"))
    (drives / "A").rename(tmp_path / "away")
    (drives / "A").mkdir()
    refresh(db)
    assert store.get(db, volume_id).state == "offline"
    assert place_of(db, str(drives / "A")).volume_id != volume_id
    assert not still_there(place)


def test_two_folders_with_one_marker_are_a_conflict(library: Library, drives: Path) -> None:
    db = library.db()
    volume_id = make_stand_in(db, str(drives / "A"), "Drive A")
    shutil.copytree(drives / "A", drives / "B")
    (change,) = [change for change in refresh(db) if change.volume_id == volume_id]
    assert change.kind == "conflict"
    assert change.detail["folders"] == [str(drives / "A"), str(drives / "B")]
    with pytest.raises(Refused, match="Several folders"):
        place_of(db, str(drives / "B"))
    shutil.rmtree(drives / "B")
    refresh(db)
    assert store.get(db, volume_id).state == "online"


def test_made_twice_is_the_same_volume(library: Library, drives: Path) -> None:
    db = library.db()
    first = make_stand_in(db, str(drives / "A"), "Drive A")
    content = (drives / "A" / MARKER).read_bytes()
    assert make_stand_in(db, str(drives / "A"), "Another name") == first
    assert (drives / "A" / MARKER).read_bytes() == content
    assert store.get(db, first).name == "Drive A"


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"id": 5}', b"\xff\xfe", b'{"id": "' + b"x" * 5000 + b'"}', b""]
)
def test_an_unusable_marker_is_reported_and_left_alone(
    library: Library, drives: Path, content: bytes
) -> None:
    (drives / "A" / MARKER).write_bytes(content)
    with pytest.raises(Refused, match="left as it is"):
        make_stand_in(library.db(), str(drives / "A"), "Drive A")
    assert (drives / "A" / MARKER).read_bytes() == content


def test_a_marker_that_is_a_link_is_not_followed(library: Library, drives: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text('{"id": "12345678-1234"}')
    (drives / "A" / MARKER).symlink_to(tmp_path / "secret")
    with pytest.raises(Refused, match="left as it is"):
        make_stand_in(library.db(), str(drives / "A"), "Drive A")


def test_what_cannot_be_one(library: Library, drives: Path) -> None:
    db = library.db()
    with pytest.raises(WrongUse):
        make_stand_in(db, str(drives / "A"), "  ")
    with pytest.raises(NotFound):
        make_stand_in(db, str(drives / "none"), "X")
    with pytest.raises(NotFound):
        make_stand_in(db, str(drives / "A" / "day 1" / "x.mov"), "X")
    assert scalar(db, "SELECT COUNT(*) FROM volumes WHERE kind = 'stand_in'") == 0


def test_adopted_again_where_it_is_nothing_has_happened(
    library: Library, drives: Path, tmp_path: Path
) -> None:
    folder = drives / "A"
    folder.mkdir(exist_ok=True)
    volume_id = make_stand_in(library.db(), str(folder), "A")
    before = [event.kind for event in store.events(library.db(), volume_id)]
    marker_id = scalar(library.db(), "SELECT marker_id FROM volumes WHERE volume_id = ?", (volume_id,))
    assert stand_ins.adopt(library.db(), str(folder), marker_id) == volume_id
    assert [event.kind for event in store.events(library.db(), volume_id)] == before
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    assert stand_ins.adopt(library.db(), str(elsewhere), marker_id) == volume_id
    assert [event.kind for event in store.events(library.db(), volume_id)] == [*before, "remounted"]
