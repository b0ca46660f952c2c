"""What is new on a tracked volume: whole folders and single files, offered until they are taken in."""

from __future__ import annotations

import os
from typing import Any

import pytest

from engine.api import offers as api
from engine.errors import NotFound, Refused
from engine.relink import offers
from engine.relink.offers import units
from engine.storage.database import scalar, write
from engine.volumes import store


@pytest.mark.parametrize(
    ("known", "path", "unit"),
    [
        ([], "A.MP4", ("", False)),
        ([], "card/DCIM/100/A.MP4", ("card", True)),
        (["day1/A.MP4"], "day1/B.MP4", ("day1", False)),
        (["day1/A.MP4"], "day2/x/B.MP4", ("day2", True)),
        (["day1/cam A/A.MP4"], "day1/cam B/sub/B.MP4", ("day1/cam B", True)),
        (["day1/cam A/A.MP4"], "day1/B.MP4", ("day1", False)),
        (["day/A.MP4"], "day 2/B.MP4", ("day 2", True)),
    ],
)
def test_the_highest_folder_without_anything_known_is_one_offer(
    known: list[str], path: str, unit: tuple[str, bool]
) -> None:
    assert units([path], known) == {path: unit}


def tracked(world: Any) -> tuple[str, Any]:
    volume_id, a = world.volume("A")
    world.catalogue(world.file(a, "day1/C0001.MP4"))
    store.track(world.db, volume_id)
    return str(volume_id), a


def listed(world: Any) -> list[tuple[str, bool, int]]:
    return [(o["path"], o["whole_folder"], o["files"]) for o in api.list_offers(world.library)]


def test_a_whole_new_folder_is_offered_until_all_of_it_is_known(world: Any) -> None:
    volume_id, a = tracked(world)
    for name in ("card/DCIM/100/A.MP4", "card/DCIM/101/B.MP4", "card/MISC/info.txt", "day1/C0002.MP4"):
        world.file(a, name)
    world.sweep(volume_id)
    assert sorted(listed(world)) == [(str(a / "card"), True, 2), (str(a / "day1"), False, 1)]
    card, single = sorted(api.list_offers(world.library), key=lambda offer: not offer["whole_folder"])
    assert api.sources(world.library, card["offer_id"]) == [str(a / "card")]
    assert api.sources(world.library, single["offer_id"]) == [str(a / "day1/C0002.MP4")]
    assert card["bytes"] == 200_000
    world.catalogue(str(a / "card/DCIM/100/A.MP4"))
    assert sorted(listed(world)) == [(str(a / "card"), True, 1), (str(a / "day1"), False, 1)]
    world.catalogue(str(a / "card/DCIM/101/B.MP4"))
    world.catalogue(str(a / "day1/C0002.MP4"))
    assert listed(world) == []
    with pytest.raises(NotFound, match="all of it was taken in"):
        api.sources(world.library, card["offer_id"])
    world.sweep(volume_id)
    assert scalar(world.db, "SELECT count(*) FROM volume_offers") == 0


def test_what_is_deleted_again_is_no_longer_offered(world: Any) -> None:
    volume_id, a = tracked(world)
    path = world.file(a, "new/A.MP4")
    world.sweep(volume_id)
    os.unlink(path)
    world.sweep(volume_id)
    assert listed(world) == []


def test_waved_aside_stays_aside_until_something_newer_lies_there(world: Any) -> None:
    volume_id, a = tracked(world)
    world.file(a, "new/A.MP4")
    world.sweep(volume_id)
    (offer,) = api.list_offers(world.library)
    api.dismiss(world.library, offer["offer_id"])
    world.sweep(volume_id)
    assert listed(world) == []
    assert offers.waiting(world.db, volume_id) == (0, None)
    world.file(a, "new/B.MP4")
    world.sweep(volume_id)
    assert listed(world) == [(str(a / "new"), True, 1)]


def test_what_was_waved_aside_can_be_offered_again(world: Any) -> None:
    volume_id, a = tracked(world)
    world.file(a, "new/A.MP4")
    world.sweep(volume_id)
    (offer,) = api.list_offers(world.library)
    with pytest.raises(NotFound, match="no offer"):
        api.restore(world.library, offer["offer_id"])
    api.dismiss(world.library, offer["offer_id"])
    assert listed(world) == []
    (aside,) = api.list_offers(world.library, "A", aside=True)
    assert aside["dismissed_at"] is not None
    assert (aside["offer_id"], aside["files"]) == (offer["offer_id"], 1)
    world.file(a, "new/B.MP4")
    world.sweep(volume_id)
    told = [
        (each["files"], each["dismissed_at"] is None) for each in api.list_offers(world.library, aside=True)
    ]
    assert told == [(1, True), (1, False)]
    back = api.restore(world.library, offer["offer_id"])
    assert (back["files"], back["dismissed_at"]) == (2, None)
    assert listed(world) == [(str(a / "new"), True, 2)]
    assert api.list_offers(world.library, aside=True) == api.list_offers(world.library)


def test_the_last_that_were_waved_aside_come_back_together(world: Any) -> None:
    volume_id, a = tracked(world)
    for name in ("one/A.MP4", "two/A.MP4", "three/A.MP4"):
        world.file(a, name)
    world.sweep(volume_id)
    by_path = {offer["path"]: offer["offer_id"] for offer in api.list_offers(world.library)}
    for name in ("one", "two", "three"):
        api.dismiss(world.library, by_path[str(a / name)])
    with write(world.db):
        world.db.execute("UPDATE offered_files SET found_at = '2025-12-31T00:00:00.000000Z'")
        world.db.execute(
            "UPDATE volume_offers SET dismissed_at = '2026-01-01T00:00:00.000000Z' WHERE offer_id = ?",
            (by_path[str(a / "one")],),
        )
    assert sorted(each["path"] for each in api.restore_last(world.library, "A")) == [
        str(a / "three"), str(a / "two"),
    ]  # fmt: skip
    assert [each["path"] for each in api.restore_last(world.library)] == [str(a / "one")]
    assert api.restore_last(world.library) == []


def test_a_folder_renamed_with_all_its_files_is_a_rename_and_no_offer(world: Any) -> None:
    volume_id, a = tracked(world)
    ids = [world.catalogue(world.file(a, f"day2/C{n:04}.MP4")) for n in range(5)]
    os.rename(a / "day2", a / "renamed")
    swept = world.sweep(volume_id)
    assert (swept.moved, swept.missing, swept.new) == (5, 0, 0)
    assert {world.copy(each)["path"].split(b"/")[0] for each in ids} == {b"renamed"}
    assert listed(world) == []


def test_a_drive_that_is_away_keeps_its_offers_and_cannot_be_taken_from(world: Any) -> None:
    volume_id, a = tracked(world)
    world.file(a, "new/A.MP4")
    world.sweep(volume_id)
    world.unplug(a)
    (offer,) = api.list_offers(world.library, "A")
    assert offer["online"] is False
    with pytest.raises(Refused, match="connect it first"):
        api.sources(world.library, offer["offer_id"])


def test_nothing_is_offered_of_what_nobody_tracks(world: Any) -> None:
    volume_id, a = tracked(world)
    world.file(a, "new/A.MP4")
    world.sweep(volume_id)
    store.untrack(world.db, volume_id)
    assert listed(world) == []


def test_a_folder_that_cannot_be_read_goes_on_waiting(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    volume_id, a = tracked(world)
    world.file(a, "new/A.MP4")
    world.sweep(volume_id)
    from engine.relink import tree

    opened = tree.Tree.open_folder

    def refuse(self: Any, path: str) -> int:
        if path == "new":
            raise OSError(5, "Input/output error")
        return int(opened(self, path))

    monkeypatch.setattr(tree.Tree, "open_folder", refuse)
    swept = world.sweep(volume_id)
    assert "new cannot be read" in swept.warnings[0]
    assert listed(world) == [(str(a / "new"), True, 1)]
