"""Which part of an ingest held the others up."""

from __future__ import annotations

import time

from engine.ingest.landing import Landing
from engine.ingest.pace import Lane, bottleneck

from .conftest import write


def test_the_busiest_part_is_the_bottleneck():
    lanes = {"card": Lane(read=10, read_seconds=2.0), "NAS": Lane(written=10, write_seconds=1.5, read=10)}
    assert bottleneck(lanes) == "card"
    lanes["NAS"].read_seconds = 1.0
    assert bottleneck(lanes) == "NAS"
    assert bottleneck({}) is None
    assert bottleneck({"card": Lane()}) is None


def test_rates_are_bytes_per_second_of_work():
    assert Lane(written=300, write_seconds=1.5).to_json() == {
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
