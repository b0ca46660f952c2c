"""The second stage: copies from copies, so that the card is free early."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from engine.errors import WrongUse
from engine.ingest.carrying import copying, relaying
from engine.jobs import store
from engine.storage import database
from engine.supervisor.queue import startable
from engine.supervisor.runner import Runner
from engine.volumes import stand_ins

from .conftest import temps, tree


def test_the_second_stage_reads_the_first_copies_and_not_the_card(desk, card, tmp_path, monkeypatch):
    opened: list[str] = []
    original = relaying.open_original

    def note(folder, name, shown, **options):
        opened.append(os.readlink(f"/proc/self/fd/{folder}"))
        return original(folder, name, shown, **options)

    monkeypatch.setattr(relaying, "open_original", note)
    files = tree(card)
    result = desk.ingest(card, to=[tmp_path / "nas"], then=[str(tmp_path / "vault"), str(tmp_path / "tape")])
    assert (result["status"], result["ingested"], result["failed"]) == ("completed", 8, 0)
    assert tree(tmp_path / "vault/A001") == tree(tmp_path / "tape/A001") == files
    assert len(opened) == 8
    assert all(str(tmp_path / "nas") in folder for folder in opened)
    assert result["card_free_at"] < result["all_done_at"]
    assert "is free" in desk.log()
    copies = desk.rows("SELECT * FROM copies WHERE role != 'source'")
    assert len(copies) == 24
    assert all(copy["verified_at"] for copy in copies)
    assert desk.row("SELECT count(*) AS n FROM copies WHERE role = 'source'")["n"] == 8
    assert temps(tmp_path) == []


def test_the_message_says_that_the_card_is_free(desk, card, tmp_path, monkeypatch):
    said = []
    write = store.write_progress
    monkeypatch.setattr("engine.ingest.carrying.meter.REPORT_SECONDS", 0.0)

    def note(db, job_id, **changes):
        said.append(changes.get("message") or "")
        write(db, job_id, **changes)

    monkeypatch.setattr(store, "write_progress", note)
    desk.ingest(card, to=[tmp_path / "nas"], then=[str(tmp_path / "vault")])
    assert any(text.startswith("The card is free. ") for text in said)
    job = store.get(desk.db, desk.jobs[0])
    total = sum(len(data) for data in tree(card).values())
    assert (job.bytes_done, job.bytes_total) == (4 * total, 4 * total)


def stopped_in_stage_two(desk, card, tmp_path, monkeypatch) -> str:
    job_id = desk.queue(card, to=[tmp_path / "nas"], then=[str(tmp_path / "vault")])
    opened = relaying.Relay._open

    def stop(self, parcel):
        self.job.send("stop")
        opened(self, parcel)

    with monkeypatch.context() as patch:
        patch.setattr(relaying.Relay, "_open", stop)
        desk.start(job_id)
    assert store.get(desk.db, job_id).status == "interrupted"
    return job_id


def test_a_card_that_is_gone_after_the_first_stage_stops_nothing(desk, card, tmp_path, monkeypatch):
    files = tree(card)
    job_id = stopped_in_stage_two(desk, card, tmp_path, monkeypatch)
    shutil.rmtree(card)
    outcome = desk.start(job_id, intent="resume")
    assert outcome is not None
    assert (outcome.status, outcome.result["ingested"]) == ("completed", 8)
    assert tree(tmp_path / "vault/A001") == files
    assert outcome.result["card_free_at"] < outcome.result["all_done_at"]


def test_killed_in_the_second_stage_it_goes_on(desk, card, tmp_path, monkeypatch):
    files = tree(card)
    job_id = desk.queue(card, to=[tmp_path / "nas"], then=[str(tmp_path / "vault")])
    seen = 0
    write_out = copying.write_out

    def die(original, landings, stream, **options):
        nonlocal seen
        write_out(original, landings, stream, **options)
        if "/vault/" in landings[0].shown:
            seen += 1
            if seen == 3:
                os._exit(9)

    monkeypatch.setattr("engine.ingest.carrying.carrier.write_out", die)
    if (child := os.fork()) == 0:
        desk.start(job_id)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    assert len(tree(tmp_path / "nas/A001")) == 8
    store.interrupt_running(desk.db)
    shutil.rmtree(card)
    outcome = desk.start(job_id, intent="resume")
    assert outcome is not None
    assert (outcome.status, outcome.result["ingested"]) == ("completed", 8)
    assert tree(tmp_path / "vault/A001") == files
    assert temps(tmp_path) == []


def test_a_first_copy_that_rotted_is_not_copied_on(desk, card, tmp_path, monkeypatch):
    job_id = stopped_in_stage_two(desk, card, tmp_path, monkeypatch)
    bad = tmp_path / "nas/A001/DCIM/shot2.dat"
    data = bytearray(bad.read_bytes())
    data[7] ^= 1
    bad.write_bytes(data)
    outcome = desk.start(job_id, intent="resume")
    assert outcome is not None
    assert (outcome.status, outcome.result["failed"]) == ("completed_with_warnings", 1)
    assert "no longer holds what was verified" in outcome.result["failures"][0]["error"]
    assert not (tmp_path / "vault/A001/DCIM/shot2.dat").exists()
    assert outcome.result["ingested"] == 7


def test_what_failed_in_the_first_stage_is_no_free_card(desk, card, tmp_path, monkeypatch):
    write_out = copying.write_out

    def fail(original, landings, stream, **options):
        write_out(original, landings, stream, **options)
        if original.shown.endswith("shot1.dat"):
            stream.failure = copying.failures.changed(original.shown)

    monkeypatch.setattr("engine.ingest.carrying.carrier.write_out", fail)
    result = desk.ingest(card, to=[tmp_path / "nas"], then=[str(tmp_path / "vault")])
    assert (result["failed"], result["card_free_at"]) == (1, None)
    assert "is free" not in desk.log()
    assert sorted(tree(tmp_path / "vault/A001")) == sorted(tree(tmp_path / "nas/A001"))
    monkeypatch.undo()
    outcome = desk.start(desk.jobs[0], intent="retry")
    assert outcome is not None
    assert (outcome.status, outcome.result["ingested"]) == ("completed", 8)
    assert outcome.result["card_free_at"]
    assert tree(tmp_path / "vault/A001") == tree(card)


def test_duplicates_at_the_first_destination_feed_the_second(desk, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one/film.mov").write_bytes(os.urandom(200_000))
    (tmp_path / "two").mkdir()
    (tmp_path / "two/other.mov").write_bytes((tmp_path / "one/film.mov").read_bytes())
    (tmp_path / "two/new.mov").write_bytes(os.urandom(1000))
    desk.ingest(tmp_path / "one", to=[tmp_path / "nas"])
    result = desk.ingest(tmp_path / "two", to=[tmp_path / "nas"], then=[str(tmp_path / "vault")])
    assert result["failed"] == 0
    assert "new.mov" in tree(tmp_path / "vault/two")


def test_what_the_first_destination_knew_already_goes_on_to_a_drive_of_its_own(desk, tmp_path):
    """A file that is skipped at the first destination is still to be carried from there to the second."""
    for name, drive in (("nas", "NAS"), ("vault", "Vault")):
        (tmp_path / name).mkdir()
        stand_ins.make_stand_in(desk.db, str(tmp_path / name), drive)
    (tmp_path / "one").mkdir()
    (tmp_path / "one/film.mov").write_bytes(os.urandom(200_000))
    (tmp_path / "two").mkdir()
    (tmp_path / "two/other.mov").write_bytes((tmp_path / "one/film.mov").read_bytes())
    (tmp_path / "two/new.mov").write_bytes(os.urandom(1000))
    desk.ingest(tmp_path / "one", to=[tmp_path / "nas"])
    result = desk.ingest(tmp_path / "two", to=[tmp_path / "nas"], then=[str(tmp_path / "vault")])
    assert (result["status"], result["failed"], result["failures"]) == ("completed", 0, [])
    assert tree(tmp_path / "vault/two") == tree(tmp_path / "two")


def test_without_a_second_stage_the_moments_are_there_too(desk, card, tmp_path):
    result = desk.ingest(card, to=[tmp_path / "nas"])
    assert result["card_free_at"] <= result["all_done_at"]
    assert database.scalar(desk.db, "SELECT max(hop) FROM transfers") == 1


def test_reference_mode_has_no_second_stage(desk, card, tmp_path):
    with pytest.raises(WrongUse, match="copies nothing"):
        desk.queue(card, mode="reference", then=[str(tmp_path / "vault")])


def test_two_ends_have_two_times_and_the_reader_is_free_after_the_first(desk, card, tmp_path, monkeypatch):
    """The card's reader is not kept during the second stage; while the first runs, both times are told."""
    said: list[dict[str, object]] = []
    write = store.write_progress
    monkeypatch.setattr("engine.ingest.carrying.meter.REPORT_SECONDS", 0.0)
    monkeypatch.setattr("engine.jobs.rates.SETTLING_SECONDS", 0.0)

    def note(db, job_id, **changes):
        said.append(changes)
        write(db, job_id, **changes)

    monkeypatch.setattr(store, "write_progress", note)
    contexts = []
    job_id = desk.queue(card, to=[tmp_path / "nas"], then=[str(tmp_path / "vault")])
    params = store.get(desk.db, job_id).params
    params["sources"][0]["device"] = "reader"  # as if the card were in a reader of its own
    database.execute(
        desk.db,
        "UPDATE jobs SET params = ?, resources = ? WHERE job_id = ?",
        (json.dumps(params), json.dumps(["device:reader", "device:disk"]), job_id),
    )
    held = []
    carry = relaying.Relay.carry

    def look(self, parcels):
        held.append((contexts[0].released, self.meter._second_total))
        carry(self, parcels)

    monkeypatch.setattr(relaying.Relay, "carry", look)
    outcome = desk.start(job_id, watch=contexts.append)
    assert outcome is not None
    assert outcome.status == "completed"
    assert held[0][0] == frozenset({"device:reader"})
    both = [one for one in said if one.get("free_eta_seconds") is not None]
    assert both
    assert all(one["eta_seconds"] >= one["free_eta_seconds"] >= 0 for one in both)
    assert said[-1]["free_eta_seconds"] is None
    row = desk.row("SELECT freed_at, ended_at FROM batch_items WHERE job_id = ?", job_id)
    assert row["freed_at"] < row["ended_at"]


def test_a_job_in_its_second_stage_lets_the_next_card_be_read(library):
    """Two cards in one reader: the second ingest starts while the first copies from its copies."""
    db = library.db()
    first = store.get(db, store.create(db, "ingest", "a", {}, resources=("device:r", "x")))
    second = store.get(db, store.create(db, "ingest", "b", {}, resources=("device:r",)))
    runner = Runner(library, first, lambda: None)
    assert startable([second], [runner.holds]) == []
    runner.context.release(["device:r"])
    assert startable([second], [runner.holds]) == [second]
    assert runner.holds.resources == ("x",)


def test_the_second_stage_leaves_what_the_first_told_of_its_work(desk, card, tmp_path):
    desk.ingest(card, to=[tmp_path / "nas"], then=[str(tmp_path / "vault")])
    large = desk.row("SELECT * FROM tasks WHERE name = CAST('DCIM/large.dat' AS BLOB)")
    assert large["read_seconds"] > 0
    assert len(large["first_hash"]) == 64
    moved = desk.rows("SELECT * FROM transfers WHERE task_id = ? ORDER BY hop", large["task_id"])
    assert [(row["hop"], row["written"], row["reread"]) for row in moved] == [
        (hop, large["size"], large["size"]) for hop in (1, 2)
    ]
    assert {row["found_hash"] for row in moved} == {large["first_hash"]}


def test_the_times_left_know_of_cards_that_wait_and_of_slow_second_stages(desk, tmp_path, monkeypatch):
    """The first word of a batch is of all its cards; files that are there already do not hide the times."""
    said: list[dict[str, object]] = []
    write = store.write_progress
    monkeypatch.setattr("engine.ingest.carrying.meter.REPORT_SECONDS", 0.0)
    monkeypatch.setattr("engine.jobs.rates.SETTLING_SECONDS", 0.0)

    def note(db, job_id, **changes):
        said.append(changes)
        write(db, job_id, **changes)

    cards = []
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "film.mov").write_bytes(os.urandom(400_000))
        (tmp_path / name / "known.mov").write_bytes(b"the same on each, and known" * 1000)
        cards.append(tmp_path / name)
    aims = {"to": [tmp_path / "nas", tmp_path / "shuttle"], "then": [str(tmp_path / "vault")]}
    (tmp_path / "vault").mkdir()
    stand_ins.make_stand_in(desk.db, str(tmp_path / "vault"), "Vault")
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "known.mov").write_bytes(b"the same on each, and known" * 1000)
    desk.ingest(tmp_path / "before", **aims)
    # The vault is slow: a byte takes it a second to write, and another to read.
    database.execute(
        desk.db, "UPDATE transfers SET write_seconds = written, read_seconds = reread WHERE hop = 2"
    )
    monkeypatch.setattr(store, "write_progress", note)
    desk.ingest(*cards, **aims)
    totals = [one["bytes_total"] for one in said if one.get("bytes_total")]
    # Every file of three cards, written and read back at three places, though no card is listed yet.
    assert totals[0] == 3 * 3 * 2 * (400_000 + 27_000)
    assert set(totals) == {totals[0]}
    shares = [one["bytes_done"] / one["bytes_total"] for one in said if one.get("bytes_total")]
    assert shares == sorted(shares)
    both = [one for one in said if one.get("free_eta_seconds") is not None]
    assert both
    assert all(one["eta_seconds"] - one["free_eta_seconds"] > 1_000_000 for one in both)
