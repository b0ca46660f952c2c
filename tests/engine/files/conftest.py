"""Footage on two drives, proven: what the verbs of files work on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.library import create
from engine.volumes.stand_ins import make_stand_in
from tests.engine.ingest.conftest import Desk, write


@dataclass
class Two:
    """Two drives A and B that hold the same card."""

    desk: Desk
    a: Path
    b: Path
    card: Path

    @property
    def first(self) -> Path:
        return self.a / "A001" / "DCIM" / "one.mov"

    def copies(self) -> list[dict[str, object]]:
        return self.desk.rows("SELECT * FROM copies ORDER BY copy_id")


@pytest.fixture
def two(tmp_path: Path) -> Two:
    root = tmp_path / "library"
    root.mkdir()
    desk = Desk(create(str(root), name="Test"), tmp_path)
    places = []
    for name in "AB":
        folder = tmp_path / "drives" / name
        folder.mkdir(parents=True)
        make_stand_in(desk.db, str(folder), f"Drive {name}")
        places.append(folder)
    card = tmp_path / "A001"
    write(card / "DCIM" / "one.mov", 5000)
    write(card / "DCIM" / "two.mov", 7000)
    desk.ingest(card, to=places, thumbnails=False)
    return Two(desk, places[0], places[1], card)
