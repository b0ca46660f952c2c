"""A drive that is unmounted while it is asked who it is: the disk below its mount point does not answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.library import Library
from engine.storage.database import rows, scalar
from engine.volumes import store, touch
from engine.volumes.places import place_of
from engine.volumes.refresh import refresh
from tests.engine.relink.conftest import World
from tests.engine.volumes.conftest import Mounts

pytestmark = pytest.mark.mount


def before_opening(monkeypatch: pytest.MonkeyPatch, point: Path, then: Callable[[], None]) -> None:
    """Let ``then`` happen once, right before the root of a mount is opened to be asked."""
    opened = touch._open
    waiting = [then]

    def hooked(path: str, *arguments: Any) -> int:
        if path == str(point) and waiting:
            waiting.pop()()
        return opened(path, *arguments)

    monkeypatch.setattr(touch, "_open", hooked)


def test_the_disk_below_does_not_claim_to_be_mounted_twice(
    library: Library, mounted: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = library.db()
    below = place_of(db, str(mounted.folder)).volume_id
    point = mounted.mount(mounted.image("one"), "drive")
    before_opening(monkeypatch, point, lambda: mounted.unmount(point))
    refresh(db)
    assert store.get(db, below).state == "online"
    assert scalar(db, "SELECT count(*) FROM volume_events WHERE kind = 'conflict'") == 0
    assert place_of(db, str(mounted.folder)).volume_id == below


def test_a_drive_that_left_before_its_files_were_looked_at_was_not_formatted_anew(
    library: Library, mounted: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(library, mounted.folder)
    image = mounted.image("one", "ntfs", label="CARD")
    point = mounted.mount(image, "drive")
    for number in range(5):
        world.catalogue(world.file(point, f"C{number}.MP4", size=1000))
    known = place_of(world.db, str(point)).volume_id
    mounted.unmount(point)
    refresh(world.db)
    again = mounted.mount(image, "again")
    spot = touch.QUESTIONS["spot"]

    def pulled(root: str, samples: list[list[Any]]) -> Any:
        mounted.unmount(again)
        return spot(root, samples)

    monkeypatch.setitem(touch.QUESTIONS, "spot", pulled)
    monkeypatch.setattr("engine.volumes.mounts.Mount.is_trusted", True)  # asked in this process
    refresh(world.db)
    monkeypatch.undo()
    refresh(world.db)
    volumes = rows(world.db, "SELECT volume_id, state FROM volumes WHERE label = 'CARD'")
    assert volumes == [{"volume_id": known, "state": "offline"}]
    kinds = {entry["kind"] for entry in rows(world.db, "SELECT kind FROM volume_events")}
    assert not kinds & {"reformatted", "conflict"}
