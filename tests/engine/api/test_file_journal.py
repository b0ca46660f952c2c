"""The journal of one file: what was done with it where, how long it took, and both readings in doubt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.api import ingests
from engine.errors import NotFound
from engine.ingest.planning.plan import plan
from engine.ingest.planning.queue import queue
from engine.library import Library
from tests.engine.ingest.conftest import start, write


def test_both_readings_of_a_source_in_doubt_are_kept(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "card"
    write(card / "a.mov", 3 << 20)
    odd = os.fsdecode(b"\xff\x1b.mov")
    write(card / odd, 100)
    monkeypatch.setattr("engine.ingest.carrying.carrier.source_digest", lambda original: "0" * 64)
    planned = plan(library, [str(card)], [str(tmp_path / "nas")], verify_source=True)
    job_id = queue(library, planned).job_id
    start(library, job_id)
    found = ingests.journal(library, job_id, "a.mov")
    first, second = found["readings"]
    assert len(first) == 64
    assert second == "0" * 64
    assert "cannot be trusted" in found["doubt"]
    assert found["status"] == "failed"
    (leg,) = [leg for leg in found["legs"] if leg["volume"]]
    assert leg["verdict"] == "failed"
    assert "other reader" in leg["error"] or "another reader" in leg["error"]
    assert any("different bytes" in line["message"] for line in found["log"])
    for spelling in (odd, "\\xff\\x1b.mov"):
        assert ingests.journal(library, job_id[:8], spelling)["size"] == 100
    with pytest.raises(NotFound, match="no file"):
        ingests.journal(library, job_id, "b.mov")


def test_a_source_that_proved_steady_has_no_doubt(library: Library, tmp_path: Path) -> None:
    card = tmp_path / "card"
    write(card / "a.mov", 3 << 20)
    planned = plan(library, [str(card)], [str(tmp_path / "nas")], verify_source=True)
    job_id = queue(library, planned).job_id
    start(library, job_id)
    found = ingests.journal(library, job_id, "a.mov")
    assert (found["readings"], found["doubt"]) == ([], None)
    (leg,) = [leg for leg in found["legs"] if leg["volume"]]
    moved = {step["what"]: step for step in leg["steps"]}
    assert moved["write and flush"]["bytes"] == moved["read back"]["bytes"] == 3 << 20
    assert moved["read back"]["rate"] > 0
    assert moved["compare"]["text"] == f"found {found['hashes']['blake3']}"
