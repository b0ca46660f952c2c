"""What lies twice and the trash as lists by pages: the same as asked of the copies themselves."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.api import files
from engine.api.ids import Ids
from engine.api.rows import Filter
from engine.api.views import order, shelf
from engine.errors import NotFound
from engine.library import Library
from engine.storage.database import rows, write
from tests.engine.api.test_order import same

MOMENT = "2026-11-20T10:00:00.000Z"
CONTENTS = 120


def volumes(db: Any) -> None:
    for name, state in (("nas", "online"), ("shuttle", "offline")):
        db.execute(
            "INSERT INTO volumes (volume_id, name, class, state, first_seen_at, last_seen_at)"
            " VALUES (?, ?, 'removable', ?, ?, ?)",
            (name, name, state, MOMENT, MOMENT),
        )


@pytest.fixture
def twice(library: Library) -> Library:
    """Contents of which most lie twice, some on one device, some tiny, some as a card's only."""
    dice = random.Random(11)
    with write(library.db()) as db:
        volumes(db)
        for number in range(1, CONTENTS):
            size = dice.choice((10, 2000, 2000, 5000 + number))
            db.execute(
                "INSERT INTO assets (asset_id, size, blake3, created_at) VALUES (?, ?, ?, ?)",
                (number, size, f"{number:064}", MOMENT),
            )
            for copy in range(dice.choice((1, 2, 2, 3))):
                db.execute(
                    "INSERT INTO copies (asset_id, volume_id, path, role, state, size, mtime_ns, seen_at,"
                    " created_at) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)",
                    (
                        number, dice.choice(("nas", "shuttle")), b"Day%d/%d/C%03d.MXF" % (copy, copy, number),
                        dice.choice(("managed", "managed", "source")),
                        dice.choice(("present", "present", "present", "missing")), size, MOMENT, MOMENT,
                    ),
                )  # fmt: skip
    return library


def lying(library: Library) -> list[dict[str, Any]]:
    found = []
    for asset in rows(library.db(), "SELECT * FROM assets WHERE size >= 1024"):
        copies = rows(
            library.db(),
            "SELECT * FROM copies WHERE asset_id = ? AND state = 'present' AND role <> 'source'",
            (asset["asset_id"],),
        )
        if len(copies) > 1:
            devices = len({copy["volume_id"] for copy in copies})
            paths = [copy["path"].lower() for copy in copies]
            found.append({**asset, "files": len(copies), "near": len(copies) > devices, "paths": paths})
    return found


@pytest.mark.parametrize("few", [5000, 3])
def test_what_lies_twice_is_listed_as_the_copies_say(
    twice: Library, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    dice, known, paged, notes = random.Random(3), lying(twice), 0, set()
    monkeypatch.setattr(order, "PAGE", 5)
    monkeypatch.setattr(order, "FEW", 10)
    monkeypatch.setattr(shelf, "FEW", few)
    for same_device in (False, True):
        source = shelf.Twice(twice, same_device=same_device)
        for wish in (
            Filter(order=one, show=show, text=text, reverse=turned)
            for one in source.orders
            for show in ("all", "active", "failed")
            for text in ("", "day1/1/c0", "!DAY1/1/c0", "c01", "zz", "!zz", "mxf", "!mxf")
            for turned in (False, True)
        ):
            text = wish.text.lower().removeprefix("!").encode()
            expected = [
                one
                for one in known
                if (not same_device or one["near"])
                and (wish.show == "all" or one["near"] == (wish.show == "failed"))
                and (not text or any(text in path for path in one["paths"]) != wish.text.startswith("!"))
            ]
            key = {
                "waste": lambda one: (-one["size"] * (one["files"] - 1), one["asset_id"]),
                "files": lambda one: (-one["files"], one["asset_id"]),
            }[wish.order]
            wanted = [one["asset_id"] for one in sorted(expected, key=key, reverse=wish.reverse)]
            found = source.ids(wish)
            notes.add(getattr(found, "note", ""))
            assert list(found) == wanted
            if isinstance(found, Ids):
                paged += 1
                same(found, wanted, dice)
    assert paged > 10
    assert notes == {""}


def test_a_text_that_very_many_files_hold_is_looked_for_among_the_first(
    twice: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = shelf.Twice(twice, same_device=False)
    everything = list(source.ids(Filter()))
    monkeypatch.setattr(shelf, "FEW", 3)
    monkeypatch.setattr(shelf, "LOOKED_AT", 6)
    found = source.ids(Filter(text="mxf"))
    assert list(found) == everything[:6]
    assert isinstance(found, Ids)
    assert found.note == "looked for among the first 6"
    assert list(source.ids(Filter(text="!mxf"))) == []


def test_a_row_tells_its_files_and_says_when_there_are_more(twice: Library) -> None:
    source = shelf.Twice(twice, same_device=False)
    (first,) = source.rows(source.ids(Filter())[:1])
    assert first.id == first.asset_id
    assert len(first.places) == first.files > 1
    assert first.wasted == first.size_bytes * (first.files - 1)
    assert not first.more
    with write(twice.db()) as db:
        for number in range(200):
            db.execute(
                "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
                " VALUES (?, 'nas', ?, 'managed', 1, 1, '', '')",
                (first.asset_id, b"again/%d" % number),
            )
    row = source.detail(first.id)
    assert (row.files, row.more, len(row.places)) == (64, True, 64)
    with write(twice.db()) as db:
        db.execute("DELETE FROM copies WHERE asset_id = ?", (first.asset_id,))
    with pytest.raises(NotFound, match="not lie more than once"):
        source.detail(first.id)


def test_the_trash_by_pages(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(4)
    with write(library.db()) as db:
        volumes(db)
        db.execute("INSERT INTO assets (asset_id, size, created_at) VALUES (1, 5, '')")
        for number in range(60):
            db.execute(
                "INSERT INTO trash (volume_id, asset_id, path, kept, size, copy, state, trashed_at,"
                " trashed_by)"
                " VALUES (?, 1, ?, ?, ?, '{}', 'trashed', ?, 'ana')",
                (
                    dice.choice(("nas", "shuttle")), b"Day/C%02d" % (number * 7 % 60), b"t/%d" % number,
                    number % 9, MOMENT,
                ),
            )  # fmt: skip
    source = shelf.Trash(library)
    for wish in (
        Filter(order=one, show=show, text=text, reverse=turned)
        for one in source.orders
        for show in ("all", "active", "failed")
        for text in ("", "c1", "!c1")
        for turned in (False, True)
    ):
        known = list(source.ids(wish))
        with monkeypatch.context() as small:
            small.setattr(order, "PAGE", 3)
            small.setattr(order, "FEW", 4)
            found = source.ids(wish)
            if isinstance(found, Ids):
                same(found, known, dice)
    assert [row.trash_id for row in source.rows(source.ids(Filter())[:2])] == [60, 59]
    paths = [row.path for row in source.rows(source.ids(Filter(order="path")))]
    assert paths == sorted(paths)
    assert {row.volume for row in source.rows(source.ids(Filter(show="failed")))} == {"shuttle"}
    assert {row.volume for row in source.rows(source.ids(Filter(show="active")))} == {"nas"}
    with pytest.raises(NotFound, match="not in the trash"):
        source.detail(99)
    listed = [gone["trash_id"] for gone in files.trashed(library, None)]
    assert listed == list(range(1, 61))  # the newest last
    assert [gone["trash_id"] for gone in files.trashed(library, 5)] == listed[-5:]
    assert [gone["trash_id"] for gone in files.trashed(library, 5, 57)] == listed[:3]
