"""The whole way of an ingest, with real files and a real library."""

from __future__ import annotations

from .conftest import temps, tree


def test_two_destinations_are_verified(desk, card, tmp_path):
    one, two = tmp_path / "nas", tmp_path / "backup"
    one.mkdir()
    result = desk.ingest(card, to=[one, two])
    assert (result["status"], result["found"], result["ingested"], result["failed"]) == ("completed", 8, 8, 0)
    assert tree(one / "A001") == tree(two / "A001") == tree(card)
    copies = desk.rows("SELECT * FROM copies WHERE role != 'source'")
    assert {copy["role"] for copy in copies} == {"managed", "backup"}
    assert all(copy["verified_at"] and copy["verify_level"] == "device re-read" for copy in copies), copies
    assert temps(tmp_path) == []
