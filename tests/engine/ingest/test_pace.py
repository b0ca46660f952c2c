"""Which part of an ingest held the others up."""

from __future__ import annotations

import time

from engine.api.views.files import Files
from engine.api.views.jobs import Jobs
from engine.ingest.carrying.carrier import Carrier
from engine.ingest.carrying.pace import Lane, Pace, bottleneck, parts
from engine.ingest.ends.landing import Landing
from engine.jobs import store

from .conftest import tree, write


def test_the_busiest_part_is_the_bottleneck():
    lanes = {"card": Lane(read=10, read_seconds=2.0), "NAS": Lane(written=10, write_seconds=1.5, read=10)}
    assert bottleneck(lanes) == "card"
    lanes["NAS"].read_seconds = 1.0
    assert bottleneck(lanes) == "NAS"
    assert bottleneck({}) is None
    assert bottleneck({"card": Lane()}) is None


def test_rates_are_bytes_per_second_of_work():
    assert Lane(written=300, write_seconds=1.5).to_json() == {
        "kind": "destination",
        "write_rate": 200,
        "read_rate": None,
        "busy_seconds": 1.5,
    }


def test_a_slow_destination_is_named(desk, tmp_path, monkeypatch):
    source = tmp_path / "card"
    write(source / "film.mov", 4 << 20)
    for number in range(10):
        write(source / f"small{number}.dat", 5000)
    size = (4 << 20) + 50_000
    slow = Landing.settle

    def settle(self, original, *, sync=True):
        begun = time.perf_counter()
        time.sleep(0.2 if original.size > 1 << 20 else 0)
        self.write_seconds += time.perf_counter() - begun
        slow(self, original, sync=sync)

    monkeypatch.setattr(Landing, "settle", settle)
    result = desk.ingest(source, to=[tmp_path / "nas"])
    name = result["destinations"][0]["volume"]
    assert result["bottleneck"] == name
    rates = result["rates"]
    assert set(rates) == {name, "hashing", str(source)}
    assert 0 < rates[name]["write_rate"] < size / 0.2
    assert rates[name]["read_rate"] > rates[name]["write_rate"]
    assert rates[str(source)]["read_rate"] > 0


def test_a_pace_goes_on_where_an_earlier_run_stopped():
    first = Pace(None)
    first.lane("NAS", "destination").written = 100
    first.lane("NAS", "destination").write_seconds = 2.0
    flying = {"NAS": Lane("destination", written=50, write_seconds=1.0), "card": Lane("source", read=60)}
    text = first.to_text(flying, {"NAS": "write"})
    second = Pace(text)
    second.lanes["NAS"] = second.lane("NAS", "destination").plus(Lane(written=50, write_seconds=2.0))
    found = {part["name"]: part for part in parts(second.to_text({}, {}))}
    assert (found["NAS"]["bytes_written"], found["NAS"]["write_rate"]) == (200, 40)
    assert found["NAS"]["bottleneck"]
    assert (found["card"]["kind"], found["card"]["bytes_read"]) == ("source", 60)
    assert [part["stage"] for part in parts(text)] == [None, "write"]
    assert parts(None) == []


def test_the_rate_of_now_is_that_of_the_last_seconds(monkeypatch):
    moments = iter([0.0, 5.0, 30.0, 31.0])
    monkeypatch.setattr("engine.ingest.carrying.pace.time.monotonic", lambda: next(moments))
    pace = Pace(None)
    lane = pace.lane("NAS", "destination")
    for written, seconds in ((0, 0.0), (1000, 1.0), (1100, 2.0), (1200, 3.0)):
        pace.lanes["NAS"] = lane = Lane("destination", written=written, write_seconds=seconds)
        text = pace.to_text({}, {})
    (part,) = parts(text)
    assert (part["write_rate"], part["write_rate_now"]) == (400, 100)
    assert lane.read == 0


def test_rates_of_files_and_parts_are_stored_and_add_up_over_a_resume(desk, card, tmp_path, monkeypatch):
    """A job that is stopped after its first files names the same bytes as one in a single run."""
    job_id = desk.queue(card, to=[tmp_path / "nas", tmp_path / "disk"])
    carry = Carrier.carry
    rounds = 0

    def stop(self, parcels):
        nonlocal rounds
        rounds += 1
        carry(self, parcels)
        if rounds == 1:
            self.job.send("pause")

    with monkeypatch.context() as patch:
        patch.setattr(Carrier, "carry", stop)
        assert desk.start(job_id) is None
    half = {part["name"]: part for part in parts(store.get(desk.db, job_id).parts)}
    total = sum(len(data) for data in tree(card).values())
    assert 0 < half[str(card)]["bytes_read"] < total
    outcome = desk.start(job_id, intent="resume")
    assert outcome is not None
    whole = {part["name"]: part for part in parts(store.get(desk.db, job_id).parts)}
    assert whole[str(card)]["bytes_read"] == total
    written = [part for part in whole.values() if part["kind"] == "destination"]
    assert sum(part["bytes_written"] for part in written) == 2 * total
    assert sum(part["bytes_read"] for part in written) == 2 * total
    assert sum(part["bottleneck"] for part in whole.values()) == 1
    large = desk.row("SELECT * FROM tasks WHERE name = CAST('DCIM/large.dat' AS BLOB)")
    assert large["read_seconds"] > 0
    assert large["hash_seconds"] > 0
    moved = desk.rows("SELECT * FROM transfers WHERE task_id = ?", large["task_id"])
    assert [(row["written"], row["reread"]) for row in moved] == [(large["size"], large["size"])] * 2
    assert all(row["write_seconds"] > 0 and row["read_seconds"] > 0 for row in moved)
    shown = Jobs(desk.library).rows([job_id])[0]
    assert shown.bottleneck is not None
    assert shown.freed_at is not None
    (file,) = Files(desk.library, job_id).rows([large["task_id"]])
    assert file.read_rate
    assert all(transfer.write_rate and transfer.read_rate for transfer in file.transfers)
