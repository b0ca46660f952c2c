"""What an ingest leaves behind by itself: one whole report, one whole hash list, also after a resume."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.errors import WrongUse
from engine.ingest.carrying.carrier import Carrier
from engine.ingest.planning.queue import queue
from engine.jobs import store
from engine.media.mhl import reading
from engine.reports import automatic
from engine.storage import config
from engine.supervisor.aftermath import Aftermath

from .conftest import tree


def follow_up(desk) -> dict[str, str]:
    Aftermath(desk.library).work_off()
    result = store.get(desk.db, desk.jobs[-1]).result or {}
    return result.get("reports", {})


def setting(key: str, value: str) -> None:
    db = config.open_config()
    try:
        config.put(db, key, value)
    finally:
        db.close()


def test_an_ingest_leaves_its_report_below_the_cache_root(desk, card, tmp_path):
    before = tree(card)
    desk.ingest(card, to=[tmp_path / "nas"])
    made = follow_up(desk)
    assert sorted(made) == ["html", "json", "pdf"]
    folder = desk.library.folder / "reports"
    assert {Path(path).parent for path in made.values()} == {folder}
    assert Path(made["pdf"]).read_bytes().startswith(b"%PDF")
    told = json.loads(Path(made["json"]).read_text())
    assert told["good"]
    assert told["totals"]["files"] == 8
    assert tree(card) == before
    assert follow_up(desk) == made
    assert len(list(folder.iterdir())) == 3, "an end is told once"


def test_formats_and_folder_are_settings(desk, card, tmp_path):
    setting("ingest.report", " TXT, csv,txt ")
    setting("ingest.report_folder", f"{tmp_path}/papers/")
    desk.ingest(card, to=[tmp_path / "nas"])
    made = follow_up(desk)
    assert sorted(made) == ["csv", "txt"]
    assert len(os.listdir(tmp_path / "papers")) == 2
    setting("ingest.report", "none")
    desk.ingest(card, to=[tmp_path / "other"])
    assert follow_up(desk) == {}
    for key, wrong in (
        ("ingest.report", "docx"),
        ("ingest.report", "none,pdf"),
        ("ingest.report", ""),
        ("ingest.report_folder", "papers"),
    ):
        with pytest.raises(WrongUse):
            setting(key, wrong)


def test_no_report_is_written_into_a_source(desk, card, tmp_path):
    before = tree(card)
    setting("ingest.report_folder", f"{card}/reports")
    desk.ingest(card, to=[tmp_path / "nas"])
    assert follow_up(desk) == {}
    assert tree(card) == before
    assert not (card / "reports").exists()
    assert "lies in the source" in desk.log()


def test_a_job_that_was_stopped_and_resumed_leaves_one_report_and_one_hash_list_of_everything(
    desk, card, tmp_path, monkeypatch
):
    from engine.ingest.planning.plan import plan

    carry = Carrier.carry

    def stop(self, parcels):
        carry(self, parcels)
        self.job.send("stop")

    planned = plan(desk.library, [str(card)], [str(tmp_path / "nas")])
    job_id = queue(desk.library, planned, hash_lists=True).job_id
    desk.jobs.append(job_id)
    with monkeypatch.context() as patch:
        patch.setattr(Carrier, "carry", stop)
        assert desk.start(job_id) is None
    done = desk.row("SELECT count(*) AS n FROM tasks WHERE status = 'completed'")["n"]
    assert 0 < done < 8
    assert follow_up(desk) == {}, "it has not ended"
    assert not (tmp_path / "nas/A001/ascmhl").exists()
    desk.start(job_id, intent="resume")
    made = follow_up(desk)
    told = json.loads(Path(made["json"]).read_text())
    assert (told["good"], told["totals"]["files"]) == (True, 8)
    history = reading.load(str(tmp_path / "nas/A001"))
    assert len(history.generations) == 1
    nameable = [name for name in tree(card) if name.isprintable()]
    assert set(history.files()) == set(nameable)


def test_a_long_report_is_made_by_a_process_of_its_own(desk, card, tmp_path, monkeypatch):
    """With the same files and formats; its refusal is told as one sentence in the job's log."""
    monkeypatch.setattr(automatic, "IN_PROCESS", 3)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    setting("ingest.report", "json,txt")
    desk.ingest(card, to=[tmp_path / "nas"])
    made = follow_up(desk)
    assert sorted(made) == ["json", "txt"]
    assert json.loads(Path(made["json"]).read_text())["totals"]["files"] == 8
    setting("ingest.report_folder", f"{tmp_path}/no/such/folder")
    desk.ingest(card, to=[tmp_path / "other"])
    assert follow_up(desk) == {}
    assert "does not exist" in desk.log()
