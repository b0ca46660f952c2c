"""Where is it: all copies, on how many devices, what is at risk, what is only here."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from engine.errors import NotFound
from engine.relink.whereis import Policy, at_risk, only_on, where_is
from engine.storage.database import execute, scalar
from engine.volumes.store import add_event


def spread(world: Any) -> tuple[str, str]:
    """One clip on a card and on A and B; another on A alone."""
    _, card = world.volume("CARD")
    a_id, a = world.volume("A")
    b_id, b = world.volume("B")
    source = world.file(card, "DCIM/C0001.MP4")
    world.catalogue(source, role="source")
    (a / "day").mkdir()
    for folder, role in ((a / "day", "managed"), (b, "backup")):
        world.catalogue(str(shutil.copy2(source, folder)), role=role)
    world.catalogue(world.file(a, "day/C0002.MP4"))
    return a_id, b_id


@pytest.mark.parametrize("by", ["clip", "short clip", "hash", "name", "title", "path", "relative"])
def test_found_by_whatever_is_known_with_all_volumes_away(world: Any, by: str) -> None:
    spread(world)
    clip_id = scalar(world.db, "SELECT clip_id FROM clips WHERE title = 'C0001.MP4'")
    wanted = {
        "clip": clip_id,
        "short clip": clip_id[:8],
        "hash": scalar(world.db, "SELECT blake3 FROM assets WHERE asset_id = 1"),
        "name": "C0001.MP4",
        "title": "C0001.MP4",
        "path": str(world.root / "A/day/C0001.MP4"),
        "relative": "day/C0001.MP4",
    }[by]
    for name in ("CARD", "A", "B"):
        world.unplug(world.root / name)
    (found,) = where_is(world.db, wanted)
    assert (found.clip_id, found.name, found.role) == (clip_id, "C0001.MP4", "essence")
    assert [(copy.volume_name, copy.role, copy.state, copy.counts) for copy in found.copies] == [
        ("A", "managed", "offline", True),
        ("B", "backup", "offline", True),
        ("CARD", "source", "offline", False),
    ]
    assert (found.verified, found.devices, found.policy_holds) == (2, 2, True)
    assert [copy.found_path for copy in found.copies] == [None] * 3


def test_two_volumes_of_one_device_are_one_device(world: Any) -> None:
    a_id, b_id = spread(world)
    device = scalar(world.db, "SELECT device_id FROM volumes WHERE volume_id = ?", (a_id,))
    execute(world.db, "UPDATE volumes SET device_id = ? WHERE volume_id = ?", (device, b_id))
    (found,) = where_is(world.db, "C0001.MP4")
    assert (found.verified, found.devices, found.policy_holds) == (2, 1, False)


def test_missing_damaged_and_unverified_copies_do_not_count(world: Any) -> None:
    spread(world)
    for change in ("state = 'missing'", "state = 'damaged'", "verified_at = NULL, verify_level = NULL"):
        execute(
            world.db,
            f"UPDATE copies SET state = 'present', verified_at = 'x', {change} WHERE role = 'backup'",
        )
        (found,) = where_is(world.db, "C0001.MP4")
        assert (found.verified, found.policy_holds) == (1, False), change


def test_at_risk_lists_the_worst_first(world: Any) -> None:
    spread(world)
    assert [(risk.title, risk.verified, risk.devices) for risk in at_risk(world.db)] == [("C0002.MP4", 1, 1)]
    assert [risk.title for risk in at_risk(world.db, Policy(3, 2))] == ["C0002.MP4", "C0001.MP4"]
    assert at_risk(world.db, Policy(1, 1)) == []


def test_a_sidecar_without_copies_puts_its_clip_at_risk(world: Any) -> None:
    spread(world)
    clip_id = scalar(world.db, "SELECT clip_id FROM clips WHERE title = 'C0001.MP4'")
    sidecar = world.file(world.root / "A", "day/C0001.XML", size=900)
    world.catalogue(sidecar, clip=False)
    asset_id = scalar(world.db, "SELECT asset_id FROM copies WHERE path = ?", (os.fsencode("day/C0001.XML"),))
    execute(
        world.db, "INSERT INTO clip_files VALUES (?, 'sidecar', 0, ?, ?)", (clip_id, asset_id, b"C0001.XML")
    )
    assert {risk.title for risk in at_risk(world.db)} == {"C0001.MP4", "C0002.MP4"}


def test_only_here(world: Any) -> None:
    a_id, b_id = spread(world)
    assert [each.path for each in only_on(world.db, a_id)] == ["day/C0002.MP4"]
    assert only_on(world.db, b_id) == []
    execute(world.db, "UPDATE copies SET state = 'missing' WHERE role = 'managed'")
    assert [each.path for each in only_on(world.db, b_id)] == ["C0001.MP4"]


def test_a_look_that_could_not_read_everything_has_seen_nobody_for_sure(world: Any) -> None:
    volume_id, folder = world.volume("A")
    world.catalogue(world.file(folder, "day/C0001.MP4"))
    before = where_is(world.db, "C0001.MP4")[0].copies[0].seen_at
    add_event(world.db, volume_id, "swept", {"unknown": 3})
    assert where_is(world.db, "C0001.MP4")[0].copies[0].seen_at == before
    seen = add_event(world.db, volume_id, "swept", {"unknown": 0})
    add_event(world.db, volume_id, "swept", {"unknown": 3})
    assert where_is(world.db, "C0001.MP4")[0].copies[0].seen_at == seen.at


def test_nothing_fits(world: Any) -> None:
    with pytest.raises(NotFound):
        where_is(world.db, "no such thing")
