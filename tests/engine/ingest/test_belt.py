"""Several bundles of small files at once, each step of one beside a step of the next; nothing gets lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import VolumeGone
from engine.ingest.carrying import bundle as steps
from engine.ingest.carrying.ledger import Ledger
from engine.ingest.ends.ends import Source
from engine.ingest.ends.gait import LOCAL
from engine.jobs import store

from .conftest import temps, tree, write

BUNDLE = 128
FILES = 3 * BUNDLE + 40


@pytest.fixture(autouse=True)
def small_bundles(monkeypatch):
    """Many bundles of few files."""
    monkeypatch.setattr("engine.ingest.ends.gait.LOCAL", replace(LOCAL, together=BUNDLE))


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


def test_progress_counts_each_byte_when_written_and_when_read_back(desk, source, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.ingest.carrying.meter.REPORT_SECONDS", 0.0)
    monkeypatch.setattr("engine.jobs.context.REPORT_SECONDS", 0.0)
    seen, report = [], store.write_progress

    def look(db, job_id, **columns):
        seen.append((columns.get("bytes_done"), columns.get("bytes_total"), columns.get("done")))
        report(db, job_id, **columns)

    monkeypatch.setattr(store, "write_progress", look)
    desk.ingest(source, to=[tmp_path / "nas", tmp_path / "backup"])
    whole = 4 * sum(range(FILES))
    counted = [done for done, total, _ in seen if done is not None and total == whole]
    assert counted == sorted(counted)
    assert counted[-1] == whole
    assert len({done for done in counted if 0 < done < whole}) > FILES / 2
    assert [done for _, _, done in seen if done is not None][-1] == FILES


def test_a_row_names_every_temporary_file_before_it_is_made(desk, source, tmp_path, monkeypatch):
    write_new, missing = steps._write_new, []

    def look(leg, *others):
        found = desk.row("SELECT temp, status FROM transfers WHERE transfer_id = ?", leg.transfer.transfer_id)
        if found["status"] != "running" or not (found["temp"] or b"").endswith(os.fsencode(leg.temp)):
            missing.append(leg.name)
        write_new(leg, *others)

    monkeypatch.setattr(steps, "_write_new", look)
    assert desk.ingest(source, to=[tmp_path / "nas"])["ingested"] == FILES
    assert missing == []


def test_no_verdict_is_stored_before_the_file_has_its_name(desk, source, tmp_path, monkeypatch):
    stored, early, seen = Ledger.enter, [], []

    def look(ledger, bundle):
        paths = [item.parcel.path for item in bundle.items]
        seen.extend(paths)
        early.extend(path for path in paths if not (tmp_path / "nas/card" / path).exists())
        stored(ledger, bundle)

    monkeypatch.setattr(Ledger, "enter", look)
    assert desk.ingest(source, to=[tmp_path / "nas"])["ingested"] == FILES
    assert (early, len(seen)) == ([], FILES)


def test_no_file_gets_its_name_before_it_is_flushed_and_read_back(desk, source, tmp_path, monkeypatch):
    """The order of the promise, from the calls themselves."""
    from engine.ingest.ends import folders
    from engine.media.rereading import Reread

    told = []

    def tap(owner, name, label):
        work = getattr(owner, name)

        def tapped(*values, **options):
            told.append((label(*values, **options), name))
            return work(*values, **options)

        monkeypatch.setattr(owner, name, tapped)

    tap(steps, "_write_new", lambda leg, *_: leg.temp)
    tap(folders, "flush_file_system", lambda fd: "")
    tap(Reread, "__init__", lambda self, name, *_, **options: name)
    tap(folders, "publish", lambda folder, temp, name: temp)
    assert desk.ingest(source, to=[tmp_path / "nas"])["ingested"] == FILES
    for temp in {label for label, name in told if name == "publish"}:
        own = [name for label, name in told if label in (temp, "")]
        written, reread, named = (own.index(name) for name in ("_write_new", "__init__", "publish"))
        assert "flush_file_system" in own[written:reread], temp
        assert written < reread < named


@pytest.mark.parametrize("word", ["pause", "stop", "cancel"])
def test_the_operators_word_between_bundles(desk, source, tmp_path, monkeypatch, word):
    context, work, rounds = [], steps.write, []

    def say(bundle, *others):
        if bundle.items:
            rounds.append(len(bundle.items))
            if len(rounds) == (2 if word == "pause" else 3):
                context[0].send(word)
        return work(bundle, *others)

    monkeypatch.setattr(steps, "write", say)
    job_id = desk.queue(source, to=[tmp_path / "nas"])
    assert desk.start(job_id, watch=context.append) is None
    expected = {"pause": "paused", "stop": "interrupted", "cancel": "cancelled"}[word]
    assert store.get(desk.db, job_id).status == expected
    assert temps(tmp_path) == []
    whole = tree(source)
    here = tree(tmp_path / "nas/card")
    assert len(here) == 2 * BUNDLE or word != "pause"  # a pause loses nothing that was written
    assert BUNDLE <= len(here) < FILES
    assert all(whole[name] == data for name, data in here.items())
    assert desk.row("SELECT count(*) AS n FROM tasks WHERE status = 'running'")["n"] == 0
    assert desk.row("SELECT count(*) AS n FROM transfers WHERE temp IS NOT NULL")["n"] == 0
    assert desk.row("SELECT count(*) AS n FROM copies WHERE role = 'managed'")["n"] == len(here)
    monkeypatch.undo()
    outcome = desk.start(job_id, intent="resume")
    assert (outcome.status, outcome.result["ingested"]) == ("completed", FILES)
    assert tree(tmp_path / "nas/card") == whole


def test_a_source_that_goes_between_bundles(desk, source, tmp_path, monkeypatch):
    check, looks = Source.check, []

    def gone(end):
        looks.append(1)
        if len(looks) == 4:
            raise VolumeGone("The card went away.")
        check(end)

    monkeypatch.setattr(Source, "check", gone)
    job_id = desk.queue(source, to=[tmp_path / "nas"])
    assert desk.start(job_id) is None
    assert store.get(desk.db, job_id).status == "paused"
    assert temps(tmp_path) == []
    verified = desk.row("SELECT count(*) AS n FROM copies WHERE role = 'managed'")["n"]
    assert verified == len(tree(tmp_path / "nas/card")) == BUNDLE
    outcome = desk.start(job_id, intent="resume")
    assert (outcome.status, outcome.result["ingested"]) == ("completed", FILES)


def test_rows_that_cannot_be_written_end_the_job_and_lose_nothing(desk, source, tmp_path, monkeypatch):
    stored, calls = Ledger.enter, []

    def full(ledger, bundle):
        if bundle.items:
            calls.append(len(bundle.items))
            if len(calls) == 2:
                raise OSError(28, "No space left on device")
        stored(ledger, bundle)

    monkeypatch.setattr(Ledger, "enter", full)
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
            time.sleep(chance.uniform(0.02, 0.3))  # the instant is the subject of the test
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
