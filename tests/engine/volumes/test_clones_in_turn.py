"""A drive and its clone, never mounted together: recognised while alike, asked about once they differ."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.api import volumes as api
from engine.api.drives import Drives
from engine.api.views import happened
from engine.errors import NotFound, Refused, VolumeGone
from engine.library import Library
from engine.relink.sweep import sweep
from engine.storage.database import execute, row, rows, scalar
from engine.volumes import settling, store
from engine.volumes.evidence import Evidence, Spot, other_disk
from engine.volumes.identity import Known, decide, judge
from engine.volumes.monitor import refresh
from engine.volumes.places import place_of
from tests.engine.volumes.test_real_mounts import add_copy

if TYPE_CHECKING:
    Mounts = Any

DRIVE = Evidence(
    "ext4", "11112222-3333-4444-5555-666677778888", None, "serial:X/1#1", 10**9, "DAY1", session="b:8:1:a"
)
CLONE = replace(DRIVE, hardware="serial:X/2#1", session="b:8:17:a")


def decided(spot: Spot | None, seen: Evidence = CLONE, **known: Any) -> str:
    spots = {} if spot is None else {(0, "v"): spot}
    (decision,) = decide([seen], [Known("v", DRIVE, weight=2, **known)], spots)
    return decision.verdict


def test_what_is_asked_about_and_what_is_not() -> None:
    assert decided(Spot(fit=12)) == "same", "another enclosure: nothing to ask"
    assert decided(Spot(fit=11, touched=1)) == "same"
    assert decided(Spot(fit=11, absent=1)) == "conflict"
    assert decided(Spot(fit=11, other=1)) == "conflict"
    assert decided(Spot(absent=1)) == "conflict"
    assert decided(None) == "same", "an empty drive has nothing to lose"
    assert decided(Spot(fit=11, absent=1), replace(CLONE, hardware=DRIVE.hardware)) == "same"
    assert decided(Spot(fit=11, absent=1), replace(CLONE, hardware=None)) == "same"
    assert decided(Spot(fit=11, absent=1), settled=frozenset({"serial:X/2#1"})) == "same"
    assert "on another disk than before" in judge(DRIVE, CLONE).reasons


@pytest.mark.parametrize(
    ("one", "other", "are_two"),
    [
        ("serial:A/1#1", "serial:A/2#1", True),
        ("serial:A/1#1", "serial:A/1#2/dm-0", False),
        ("wwn:1#0", "serial:A/1#0", True),
        ("loop:/a#b.img#0", "loop:/a#c.img#0", True),
        ("md:1#0", "md:2#0", False),  # arrays are named by what they hold
        ("wwn:1#0", "btrfs:u#0", False),  # a disk was added to the pool
        (None, "wwn:1#0", False),
        ("wwn:1#0", None, False),
    ],
)
def test_when_two_names_of_hardware_are_two_disks(one: str | None, other: str | None, are_two: bool) -> None:
    assert other_disk(one, other) is are_two


# -- real drives --------------------------------------------------------------------------------
def drive_and_clone(library: Library, mounted: Mounts, files: int = 4) -> tuple[Path, Path, str]:
    """A drive with files on record, away; its image, that of a clone, and its volume."""
    image = mounted.image("A", label="SHUTTLE")
    point = mounted.mount(image, "drive")
    for number in range(files):
        path = point / f"A{number}.mov"
        path.write_bytes(os.urandom(2000))
        add_copy(library, place_of(library.db(), str(path)), path)
    volume_id = place_of(library.db(), str(point)).volume_id
    mounted.unmount(point)
    refresh(library.db())
    clone = mounted.folder / "clone.img"
    shutil.copyfile(image, clone)
    return image, clone, volume_id


def look(library: Library, mounted: Mounts, image: Path) -> Path:
    point: Path = mounted.mount(image, "drive")
    refresh(library.db())
    return point


def leave(library: Library, mounted: Mounts) -> None:
    mounted.unmount(mounted.folder / "drive")
    refresh(library.db())


def states(library: Library) -> dict[str, int]:
    found = rows(library.db(), "SELECT state, count(*) AS n FROM copies GROUP BY state")
    return {entry["state"]: entry["n"] for entry in found}


@pytest.mark.mount
def test_while_alike_it_is_recognised_and_the_history_says_on_which_disk(
    library: Library, mounted: Mounts
) -> None:
    image, clone, volume_id = drive_and_clone(library, mounted)
    look(library, mounted, clone)
    assert store.get(library.db(), volume_id).state == "online"
    change = store.events(library.db(), volume_id)[-1]
    assert change.detail["disks"] == [f"loop:{image}#0", f"loop:{clone}#0"]
    assert "another enclosure, or a clone" in happened.told(change.kind, change.detail)
    assert settling.came_from(library.db(), volume_id) == (f"loop:{image}#0", f"loop:{clone}#0")
    leave(library, mounted)
    assert settling.came_from(library.db(), volume_id) is None


@pytest.mark.mount
@pytest.mark.parametrize("how", ["deleted on the clone", "added to the original", "written over"])
def test_once_they_differ_it_is_asked_and_nothing_is_marked_missing(
    library: Library, mounted: Mounts, how: str
) -> None:
    db = library.db()
    image, clone, volume_id = drive_and_clone(library, mounted, 20)
    if how == "added to the original":
        point = look(library, mounted, image)
        path = point / "A15x.mov"  # between the others: only the newest are looked for by age
        path.write_bytes(b"new" * 500)
        add_copy(library, place_of(db, str(path)), path)
        leave(library, mounted)
    else:
        point = mounted.mount(clone, "drive")
        (point / "A0.mov").unlink()
        if how == "written over":
            (point / "A0.mov").write_bytes(b"other")
        mounted.unmount(point)
    look(library, mounted, clone)
    (conflict,) = api.conflicts(library)
    assert [one["volume_id"] for one in conflict["volumes"]] == [volume_id]
    assert any("a clone of it" in reason for reason in conflict["reasons"])
    assert refresh(db) == [], "asked once, not at every look"
    with pytest.raises(Refused):
        place_of(db, str(mounted.folder / "drive"))
    assert states(library).keys() == {"present"}
    leave(library, mounted)
    assert api.conflicts(library) == []
    look(library, mounted, image)
    assert store.get(db, volume_id).state == "online", "the drive itself is never in doubt"


@pytest.mark.mount
def test_said_to_be_the_drive_it_is_not_asked_again_in_that_enclosure(
    library: Library, mounted: Mounts
) -> None:
    image, clone, volume_id = drive_and_clone(library, mounted)
    point = mounted.mount(clone, "drive")
    (point / "A0.mov").unlink()
    mounted.unmount(point)
    look(library, mounted, clone)
    api.settle(library, volume_id, str(mounted.folder / "drive"))
    assert store.get(library.db(), volume_id).state == "online"
    assert sweep(library, volume_id).newly_missing == 1
    for back in (image, clone, image, clone):
        leave(library, mounted)
        look(library, mounted, back)
        assert api.conflicts(library) == []
        assert place_of(library.db(), str(mounted.folder / "drive")).volume_id == volume_id


@pytest.mark.mount
@pytest.mark.parametrize("alike", [True, False])
def test_said_to_be_a_clone_both_are_known_from_then_on(
    library: Library, mounted: Mounts, alike: bool
) -> None:
    db = library.db()
    image, clone, volume_id = drive_and_clone(library, mounted)
    if not alike:
        point = mounted.mount(clone, "drive")
        (point / "A0.mov").unlink()
        mounted.unmount(point)
    point = look(library, mounted, clone)
    desk = Drives(library)
    claims = desk.claims(volume_id)
    assert [claim.volume_id for claim in claims] == ([None] if alike else [volume_id, None])
    desk.settle(None, claims[-1].mount_point)
    assert api.conflicts(library) == []
    told = [change.kind for change in store.events(db) if change.kind == "conflict"]
    assert len(told) == (0 if alike else 1), "an answer is no question"
    other = place_of(db, str(point)).volume_id
    assert other != volume_id
    assert store.get(db, other).name == f"{store.get(db, volume_id).name} 2"
    assert store.get(db, volume_id).state == "offline"
    devices = dict(db.conn.execute("SELECT volume_id, key FROM volumes JOIN devices USING (device_id)"))
    assert devices[volume_id] == f"loop:{image}"
    assert devices[other] == f"loop:{clone}"
    for back, wanted in ((image, volume_id), (clone, other), (image, volume_id)):
        leave(library, mounted)
        look(library, mounted, back)
        assert api.conflicts(library) == []
        assert place_of(db, str(point)).volume_id == wanted
    assert scalar(db, "SELECT count(*) FROM copies WHERE volume_id = ?", (other,)) == 0
    with pytest.raises(Refused, match="on which it was all the time"):
        api.set_apart(library, str(point))


@pytest.mark.mount
@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("given", ["the clone", "the drive"])
def test_taken_back_the_clone_is_forgotten_and_asked_about_again(
    library: Library, mounted: Mounts, alike: bool, given: str
) -> None:
    db = library.db()
    _, clone, volume_id = drive_and_clone(library, mounted)
    if not alike:
        point = mounted.mount(clone, "drive")
        (point / "A0.mov").unlink()
        mounted.unmount(point)
    point = look(library, mounted, clone)
    kept = "volume_id, name, state, hardware, session_key, settled, mounts, device_id"
    before = rows(db, f"SELECT {kept} FROM volumes ORDER BY volume_id")
    other = api.set_apart(library, str(point), "Clone of it")["volume_id"]
    assert store.get(db, other).name == "Clone of it"
    api.unsettle(library, other if given == "the clone" else volume_id)
    assert rows(db, f"SELECT {kept} FROM volumes ORDER BY volume_id") == before
    assert len(api.conflicts(library)) == (0 if alike else 1)
    assert api.set_apart(library, str(point))["name"].endswith(" 2"), "and can be said again"


@pytest.mark.mount
def test_taken_back_after_something_was_found_on_the_clone(library: Library, mounted: Mounts) -> None:
    db = library.db()
    _, clone, volume_id = drive_and_clone(library, mounted)
    point = look(library, mounted, clone)
    other = api.set_apart(library, str(point))["volume_id"]
    copy = row(db, "SELECT copy_id FROM copies LIMIT 1")
    assert copy is not None
    execute(
        db,
        "INSERT INTO relink_sessions (session_id, scan_path, status, created_at)"
        " VALUES ('s', x'2f', 'completed', '2026-01-01T00:00:00.000Z')",
    )
    execute(
        db,
        "INSERT INTO candidates (session_id, copy_id, volume_id, path, size, mtime_ns, match_type,"
        " confidence, evidence, created_at) VALUES ('s', ?, ?, x'61', 1, 1, 'filename', 0.5, '{}', 'now')",
        (copy["copy_id"], other),
    )
    api.unsettle(library, volume_id)
    assert store.get(db, other).state == "offline", "something hangs on it, so that it stays"
    assert store.get(db, volume_id).state == "online"


def test_apart_of_what_is_not_mounted(library: Library, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="No volume is mounted"):
        api.set_apart(library, str(tmp_path))


@pytest.mark.mount
@pytest.mark.parametrize("how", ["deleted", "renamed", "written over"])
def test_what_the_first_look_through_it_finds_is_asked_about_and_not_written_down(
    library: Library, mounted: Mounts, how: str
) -> None:
    """Among many files the few that are looked at say nothing of one in the middle."""
    db = library.db()
    image, clone, volume_id = drive_and_clone(library, mounted, 60)
    point = mounted.mount(clone, "drive")
    file = point / "A30.mov"
    {"deleted": file.unlink, "renamed": lambda: file.rename(point / "B.mov")}.get(
        how, lambda: file.write_bytes(b"longer")
    )()
    mounted.unmount(point)
    look(library, mounted, clone)
    before = rows(db, "SELECT * FROM copies")
    assert store.get(db, volume_id).state == "online"
    with pytest.raises(VolumeGone, match="on another disk than before and is not as recorded"):
        sweep(library, volume_id)
    assert rows(db, "SELECT * FROM copies") == before
    for _ in range(3):
        (conflict,) = api.conflicts(library)
        assert "1 of its files is not as recorded" in conflict["reasons"]
        assert [one["volume_id"] for one in conflict["volumes"]] == [volume_id]
        assert refresh(db) == []
    leave(library, mounted)
    look(library, mounted, image)
    assert sweep(library, volume_id).present == 60, "the drive itself is never in doubt"
    leave(library, mounted)
    look(library, mounted, clone)
    assert len(api.conflicts(library)) == 1, "what was seen once is looked for at once"
    api.settle(library, volume_id, str(point))
    swept = sweep(library, volume_id)
    assert swept.newly_missing + swept.moved + swept.damaged == 1
    assert api.conflicts(library) == []


@pytest.mark.mount
def test_once_all_was_as_recorded_later_changes_are_the_drives_own(library: Library, mounted: Mounts) -> None:
    _, clone, volume_id = drive_and_clone(library, mounted, 60)
    point = look(library, mounted, clone)
    assert sweep(library, volume_id).present == 60
    (point / "A30.mov").unlink()
    assert sweep(library, volume_id).newly_missing == 1
    assert api.conflicts(library) == []
