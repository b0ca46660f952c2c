"""Taking back what was said of two volumes that claim one identity: the table is what it was, to the byte."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine import clock
from engine.api import volumes as api
from engine.errors import NotFound, Refused
from engine.library import Library
from engine.storage.database import execute, rows, scalar
from engine.volumes import settling, store
from engine.volumes.monitor import refresh
from engine.volumes.places import place_of

if TYPE_CHECKING:
    Mounts = Any


def dump(library: Library) -> list[dict[str, Any]]:
    """Every volume, but for when and how full it was seen last."""
    found = rows(library.db(), "SELECT * FROM volumes WHERE label = 'SHUTTLE' ORDER BY volume_id")
    return [{key: value for key, value in one.items() if key not in SEEN} for one in found]


SEEN = ("last_seen_at", "free_bytes")


def twins(library: Library, mounted: Mounts) -> tuple[str, Path, Path]:
    """A drive and its clone, mounted together: the known volume, and both mount points."""
    db = library.db()
    image = mounted.image("A", label="SHUTTLE")
    clone = mounted.folder / "clone.img"
    shutil.copy(image, clone)
    first = mounted.mount(image, "first")
    volume_id = place_of(db, str(first)).volume_id
    second = mounted.mount(clone, "second")
    refresh(db)
    return volume_id, first, second


@pytest.mark.mount
@pytest.mark.parametrize("which", ["first", "second"])
def test_taken_back_it_is_the_same_question_again(library: Library, mounted: Mounts, which: str) -> None:
    db = library.db()
    volume_id, first, second = twins(library, mounted)
    before, asked = dump(library), api.conflicts(library)
    assert len(asked) == 1
    api.settle(library, volume_id, str({"first": first, "second": second}[which]))
    assert api.conflicts(library) == []
    assert dump(library) != before
    found = api.unsettle(library, volume_id)
    assert found["volume_id"] == volume_id
    assert dump(library) == before
    (again,) = api.conflicts(library)
    assert again["claims"] == asked[0]["claims"]
    assert [one["volume_id"] for one in again["volumes"]] == [one["volume_id"] for one in asked[0]["volumes"]]
    refresh(db)
    assert dump(library) == before, "the next look asks the same"
    with pytest.raises(NotFound, match="Nothing was said"):
        api.unsettle(library, volume_id)
    assert scalar(db, "SELECT count(*) FROM audit WHERE command = 'volumes unsettle'") == 1


@pytest.mark.mount
def test_said_anew_after_it_was_taken_back(library: Library, mounted: Mounts) -> None:
    db = library.db()
    volume_id, first, second = twins(library, mounted)
    before = dump(library)
    api.settle(library, volume_id, str(second))
    api.unsettle(library, volume_id)
    api.settle(library, volume_id, str(first))
    assert place_of(db, str(first)).volume_id == volume_id
    assert place_of(db, str(second)).volume_id != volume_id
    api.unsettle(library, volume_id)
    assert dump(library) == before


@pytest.mark.mount
def test_taken_back_by_the_name_of_the_other_one(library: Library, mounted: Mounts) -> None:
    volume_id, _, second = twins(library, mounted)
    before = dump(library)
    api.settle(library, volume_id, str(second))
    other = next(one["volume_id"] for one in before if one["volume_id"] != volume_id)
    api.unsettle(library, other)
    assert dump(library) == before


@pytest.mark.mount
def test_while_both_are_away_only_the_word_is_forgotten(library: Library, mounted: Mounts) -> None:
    db = library.db()
    volume_id, first, second = twins(library, mounted)
    api.settle(library, volume_id, str(second))
    mounted.unmount(first)
    mounted.unmount(second)
    refresh(db)
    api.unsettle(library, volume_id)
    assert {one["state"] for one in dump(library)} == {"offline"}
    assert {one["settled"] for one in dump(library)} == {"[]"}
    mounted.mount(mounted.folder / "A.img", "first")
    mounted.mount(mounted.folder / "clone.img", "second")
    refresh(db)
    assert len(api.conflicts(library)) == 1, "nobody has said which is which"


@pytest.mark.mount
@pytest.mark.parametrize("what", ["taken in", "linked"])
def test_refused_once_something_was_entered_on_either(library: Library, mounted: Mounts, what: str) -> None:
    db = library.db()
    volume_id, _, second = twins(library, mounted)
    api.settle(library, volume_id, str(second))
    execute(db, "INSERT INTO assets (size, created_at) VALUES (1, ?)", (clock.now(),))
    long_ago = "2020-01-01T00:00:00.000Z"
    execute(
        db,
        "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
        " VALUES (1, ?, x'61', 'managed', 1, 1, ?, ?)",
        (volume_id, clock.now(), clock.now() if what == "taken in" else long_ago),
    )
    if what == "linked":
        execute(
            db, "INSERT INTO relinks (copy_id, before, after, at) VALUES (1, '{}', '{}', ?)", (clock.now(),)
        )
    settled = dump(library)
    with pytest.raises(Refused, match="1 file was entered"):
        api.unsettle(library, volume_id)
    assert dump(library) == settled
    if what == "linked":
        execute(db, "UPDATE relinks SET undone_at = ?", (clock.now(),))
        settling.unsettle(db, volume_id)


def test_what_nobody_settled(library: Library) -> None:
    execute(
        library.db(),
        "INSERT INTO volumes (volume_id, name, first_seen_at, last_seen_at) VALUES ('v' , 'A', ?, ?)",
        (clock.now(), clock.now()),
    )
    assert settling.standing(library.db(), "v") is None
    with pytest.raises(NotFound, match="Nothing was said"):
        settling.unsettle(library.db(), "A")
    assert store.get(library.db(), "v").name == "A"
