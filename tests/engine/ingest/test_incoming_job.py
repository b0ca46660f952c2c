"""An incoming drive is verified by its hash lists as a job: with progress, pause, cancel, and a resume."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import NotFound
from engine.ingest.hashlists import hashlists, incoming, incoming_job
from engine.jobs import store
from tests.engine.ingest.conftest import Desk, tree, write


@pytest.fixture
def drive(desk: Desk, tmp_path: Path) -> Path:
    folder = tmp_path / "DRIVE"
    for number in range(6):
        write(folder / "A001" / f"{number}.mov", 50_000 + number)
    hashlists.create(desk.library, str(folder / "A001"))
    return folder


def test_the_verdict_is_that_of_mhl_verify(desk: Desk, drive: Path) -> None:
    (drive / "A001/2.mov").write_bytes(b"x" * 50_002)
    os.unlink(drive / "A001/3.mov")
    before = tree(drive)
    job_id = incoming_job.queue_incoming(desk.library, str(drive))
    outcome = desk.start(job_id, handler=incoming_job.run_incoming)
    assert outcome is not None
    assert outcome.status == "completed_with_warnings"
    assert outcome.result == incoming.verify(str(drive)).to_json()
    assert {finding["kind"] for finding in outcome.result["findings"]} == {"damaged", "missing"}
    job = store.get(desk.db, job_id)
    assert (job.done, job.total) == (4, 5)
    assert tree(drive) == before


def test_a_paused_one_reads_only_the_rest_when_it_is_resumed(
    desk: Desk, drive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = incoming_job.queue_incoming(desk.library, str(drive))
    read: list[str] = []
    taken = incoming._Reader._read

    def note(self, name, record, facts):
        read.append(name)
        if len(read) == 3:
            contexts[0].send("pause")
        return taken(self, name, record, facts)

    contexts: list = []
    monkeypatch.setattr(incoming._Reader, "_read", note)
    assert desk.start(job_id, handler=incoming_job.run_incoming, watch=contexts.append) is None
    assert len(read) == 3
    write(drive / "A001/0.mov", 50_000)  # changed since it was read: read again, and found out
    outcome = desk.start(job_id, intent="resume", handler=incoming_job.run_incoming)
    assert outcome is not None
    assert read == [f"A001/{n}.mov" for n in (0, 1, 2, 0, 3, 4, 5)]
    assert outcome.result["verified"] == 5
    assert [finding["path"] for finding in outcome.result["findings"]] == ["A001/0.mov"]


def test_a_cancel_stops_at_once_and_what_is_no_drive_is_refused(
    desk: Desk, drive: Path, tmp_path: Path
) -> None:
    job_id = incoming_job.queue_incoming(desk.library, str(drive))
    assert desk.start(job_id, handler=incoming_job.run_incoming, watch=lambda job: job.send("cancel")) is None
    assert store.get(desk.db, job_id).status == "cancelled"
    with pytest.raises(NotFound):
        incoming_job.queue_incoming(desk.library, str(tmp_path / "nowhere"))
