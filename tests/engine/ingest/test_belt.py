"""Several bundles of small files: while one is copied the last is written down; nothing gets lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import VolumeGone
from engine.ingest.carrier import Carrier
from engine.ingest.ends import Source
from engine.ingest.gait import LOCAL
from engine.ingest.landing import Landing
from engine.ingest.ledger import Ledger
from engine.jobs import store

from .conftest import temps, tree, write

FILES = 3 * LOCAL.files + 40


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "card"
    for number in range(FILES):
        write(folder / f"{number // 150}/{number:04d}.dat", number)
    return folder


def test_all_bundles_come_through(desk, source, tmp_path):
    result = desk.ingest(source, to=[tmp_path / "nas", tmp_path / "backup"])
    assert (result["ingested"], result["failed"]) == (FILES, 0)
    assert tree(tmp_path / "nas/card") == tree(tmp_path / "backup/card") == tree(source)
    assert result["bytes"] == sum(range(FILES))
    assert temps(tmp_path) == []
    assert desk.row("SELECT count(*) AS n FROM transfers WHERE temp IS NOT NULL")["n"] == 0
    copies = desk.rows("SELECT role, count(*) AS n FROM copies GROUP BY role ORDER BY role")
    assert [(copy["role"], copy["n"]) for copy in copies] == [
        ("backup", FILES),
        ("managed", FILES),
        ("source", FILES),
    ]


def test_a_row_names_every_temporary_file_before_it_is_made(desk, source, tmp_path, monkeypatch):
    open_landing, missing = Landing.open, []

    def look(landing, start=0):
        found = desk.row("SELECT temp, status FROM transfers WHERE transfer_id = ?", landing.key)
        if found["status"] != "running" or not (found["temp"] or b"").endswith(os.fsencode(landing.temp)):
            missing.append(landing.name)
        open_landing(landing, start)

    monkeypatch.setattr(Landing, "open", look)
    assert desk.ingest(source, to=[tmp_path / "nas"])["ingested"] == FILES
    assert missing == []


def test_no_verdict_is_stored_before_the_file_has_its_name(desk, source, tmp_path, monkeypatch):
    stored, early = Ledger.store, []

    def look(ledger, parcels):
        early.extend(p.path for p in parcels if not (tmp_path / "nas/card" / p.path).exists())
        stored(ledger, parcels)

    monkeypatch.setattr(Ledger, "store", look)
    assert desk.ingest(source, to=[tmp_path / "nas"])["ingested"] == FILES
    assert early == []


@pytest.mark.parametrize("word", ["pause", "stop", "cancel"])
def test_the_operators_word_between_bundles(desk, source, tmp_path, monkeypatch, word):
    context, work, rounds = [], Carrier.work, []

    def say(carrier, parcels):
        rounds.append(len(parcels))
        if len(rounds) == 2:
            context[0].send(word)
        return work(carrier, parcels)

    monkeypatch.setattr(Carrier, "work", say)
    job_id = desk.queue(source, to=[tmp_path / "nas"])
    assert desk.start(job_id, watch=context.append) is None
    expected = {"pause": "paused", "stop": "interrupted", "cancel": "cancelled"}[word]
    assert store.get(desk.db, job_id).status == expected
    assert temps(tmp_path) == []
    whole = tree(source)
    here = tree(tmp_path / "nas/card")
    assert len(here) >= LOCAL.files
    assert all(whole[name] == data for name, data in here.items())
    assert desk.row("SELECT count(*) AS n FROM tasks WHERE status = 'running'")["n"] == 0
    assert desk.row("SELECT count(*) AS n FROM copies WHERE role = 'managed'")["n"] == len(here)
    monkeypatch.undo()
    outcome = desk.start(job_id, intent="resume")
    assert (outcome.status, outcome.result["ingested"]) == ("completed", FILES)
    assert tree(tmp_path / "nas/card") == whole


def test_a_source_that_goes_between_bundles(desk, source, tmp_path, monkeypatch):
    check, looks = Source.check, []

    def gone(end):
        looks.append(1)
        if len(looks) == 3:
            raise VolumeGone("The card went away.")
        check(end)

    monkeypatch.setattr(Source, "check", gone)
    job_id = desk.queue(source, to=[tmp_path / "nas"])
    assert desk.start(job_id) is None
    assert store.get(desk.db, job_id).status == "paused"
    assert temps(tmp_path) == []
    verified = desk.row("SELECT count(*) AS n FROM copies WHERE role = 'managed'")["n"]
    assert verified == len(tree(tmp_path / "nas/card")) == LOCAL.files
    outcome = desk.start(job_id, intent="resume")
    assert (outcome.status, outcome.result["ingested"]) == ("completed", FILES)


def test_rows_that_cannot_be_written_end_the_job_and_lose_nothing(desk, source, tmp_path, monkeypatch):
    stored, calls = Ledger.store, []

    def full(ledger, parcels):
        calls.append(len(parcels))
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        stored(ledger, parcels)

    monkeypatch.setattr(Ledger, "store", full)
    job_id = desk.queue(source, to=[tmp_path / "nas"])
    with pytest.raises(OSError, match="No space"):
        desk.start(job_id)
    monkeypatch.undo()
    assert temps(tmp_path) == []
    here = len(tree(tmp_path / "nas/card"))
    assert desk.row("SELECT count(*) AS n FROM copies WHERE role = 'managed'")["n"] == here
    store.interrupt_running(desk.db)
    outcome = desk.start(job_id, intent="resume")
    assert (outcome.status, outcome.result["ingested"], outcome.result["failed"]) == ("completed", FILES, 0)
    assert tree(tmp_path / "nas/card") == tree(source)


def test_killed_between_bundles(desk, source, tmp_path):
    job_id = desk.queue(source, to=[tmp_path / "nas"])
    chance, whole, kills = random.Random(3), tree(source), 0
    while True:
        child = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("killed.py")), str(desk.library.root), job_id],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        child.stdout.readline()
        if kills < 4:
            time.sleep(chance.uniform(0.05, 0.5))  # the instant is the subject of the test
            child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate()
        here = tree(tmp_path / "nas/card") if (tmp_path / "nas/card").exists() else {}
        seen = {name: data for name, data in here.items() if not name.endswith(".part")}
        assert all(whole[name] == data for name, data in seen.items())
        verified = desk.row("SELECT count(*) AS n FROM copies WHERE role = 'managed'")["n"]
        assert verified <= len(seen)
        if rest.strip():
            break
        kills += 1
    assert json.loads(rest)["ingested"] == FILES
    assert tree(tmp_path / "nas/card") == whole
    assert temps(tmp_path) == []
