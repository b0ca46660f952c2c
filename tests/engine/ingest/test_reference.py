"""Reference mode: catalogued in place, nothing written beside the originals."""

from __future__ import annotations

import os
import shutil

import pytest

from engine.errors import WrongUse
from engine.ingest.plan import plan as ingest_plan

from .conftest import tree, write


def test_nothing_is_written_and_everything_is_known(desk, card):
    before = {path: os.lstat(card / path).st_ctime_ns for path in tree(card)}
    result = desk.ingest(card, mode="reference")
    assert (result["status"], result["ingested"], result["failed"]) == ("completed", 8, 0)
    assert {path: os.lstat(card / path).st_ctime_ns for path in tree(card)} == before
    copies = desk.rows("SELECT * FROM copies")
    assert {copy["role"] for copy in copies} == {"reference"}
    assert all(copy["verified_at"] for copy in copies)


def test_a_second_run_changes_nothing(desk, card):
    desk.ingest(card, mode="reference")
    copies = desk.rows("SELECT copy_id, asset_id, verified_at FROM copies")
    result = desk.ingest(card, mode="reference")
    assert (result["ingested"], result["duplicates"]) == (0, 8)
    assert desk.rows("SELECT copy_id, asset_id, verified_at FROM copies") == copies


def test_the_same_content_elsewhere_is_a_second_copy(desk, tmp_path):
    write(tmp_path / "one/a.mov", 100_000)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    desk.ingest(tmp_path / "one", mode="reference")
    result = desk.ingest(tmp_path / "two", mode="reference")
    assert result["ingested"] == 1
    assert desk.row("SELECT count(*) AS n FROM copies")["n"] == 2
    assert desk.row("SELECT count(*) AS n FROM assets")["n"] == 1
    assert desk.row("SELECT count(*) AS n FROM clips")["n"] == 1


def test_changed_bytes_are_read_again(desk, tmp_path):
    write(tmp_path / "one/a.mov", 100_000)
    desk.ingest(tmp_path / "one", mode="reference")
    write(tmp_path / "one/a.mov", 100_000)
    assert desk.ingest(tmp_path / "one", mode="reference")["ingested"] == 1
    assert desk.row("SELECT count(*) AS n FROM copies")["n"] == 1
    assert desk.row("SELECT count(*) AS n FROM assets")["n"] == 2


def test_destinations_make_no_sense(desk, card, tmp_path):
    with pytest.raises(WrongUse, match="copies nothing"):
        ingest_plan(desk.library, [str(card)], [str(tmp_path / "nas")], mode="reference")
