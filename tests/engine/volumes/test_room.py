"""Low space is told once when a drive falls below the limits, and once when there is room again."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.api import volumes as api
from engine.library import Library
from engine.storage import config
from engine.storage.database import execute
from engine.volumes import room, stand_ins, store
from engine.volumes.room import Limits

GB = 10**9
USUAL = Limits(0.05, 20 * GB)


@pytest.fixture
def drive(library: Library, tmp_path: Path) -> str:
    folder = tmp_path / "drive"
    folder.mkdir()
    return stand_ins.make_stand_in(library.db(), str(folder), "Shuttle")


def free(library: Library, volume_id: str, size: int, free_bytes: int, **more: object) -> list[str]:
    values = {"size_bytes": size, "free_bytes": free_bytes, **more}
    sets = ", ".join(f"{name} = :{name}" for name in values)
    execute(
        library.db(),
        f"UPDATE volumes SET {sets} WHERE volume_id = :volume_id",
        {**values, "volume_id": volume_id},
    )
    return [change.kind for change in room.notice(library.db())]


@pytest.mark.parametrize(
    ("size", "free_bytes", "low"),
    [
        (100 * GB, 5 * GB - 1, True),
        (100 * GB, 5 * GB, False),
        (10_000 * GB, 20 * GB - 1, True),
        (10_000 * GB, 20 * GB, False),
    ],
)
def test_below_both_limits_is_low(size: int, free_bytes: int, *, low: bool) -> None:
    assert room.is_low(size, free_bytes, USUAL) is low


def test_a_figure_that_sways_is_told_once(library: Library, drive: str) -> None:
    size = 100 * GB
    assert free(library, drive, size, 30 * GB) == []
    assert free(library, drive, size, 4 * GB) == ["low space"]
    assert free(library, drive, size, 3 * GB) == []
    assert free(library, drive, size, 5 * GB + 1) == []
    assert [entry["volume_id"] for entry in api.low_space(library)] == [drive]
    assert free(library, drive, size, 6 * GB) == ["space again"]
    assert api.low_space(library) == []
    told = [entry["text"] for entry in api.history(library, drive) if "space" in entry["event"]]
    assert told == ["low on space: 3.7 GiB of 93.1 GiB free", "room again: 5.6 GiB free"]


def test_the_limits_are_settings(library: Library, drive: str) -> None:
    settings = config.open_config()
    config.put(settings, "volumes.low_percent", "50")
    config.put(settings, "volumes.low_gigabytes", "1000")
    settings.close()
    assert free(library, drive, 100 * GB, 40 * GB) == ["low space"]
    assert api.list_volumes(library)[0]["low_space"] is True


@pytest.mark.parametrize("fact", [{"read_only": 1}, {"class": "card"}, {"state": "offline"}])
def test_what_is_meant_to_be_full_or_is_away_is_not_told(
    library: Library, drive: str, fact: dict[str, object]
) -> None:
    assert free(library, drive, 100 * GB, 1, **fact) == []


def test_a_drive_that_left_low_is_not_listed(library: Library, drive: str) -> None:
    assert free(library, drive, 100 * GB, 1) == ["low space"]
    assert free(library, drive, 100 * GB, 1, state="offline") == []
    assert api.low_space(library) == []
    assert store.get(library.db(), drive).low_since is not None
