"""The expected time of an ingest: never missing, and honest about where it comes from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.ingest.planning.forecast import GUESSED_RATES, forecast
from engine.ingest.planning.plan import plan as ingest_plan

MIB = 1 << 20


def volumes(desk, **rates):
    """Enter volumes with what is known of them; return their ids by name."""
    for name, (kind, read, write) in rates.items():
        desk.db.execute(
            "INSERT INTO volumes (volume_id, name, class, read_rate, write_rate, first_seen_at, last_seen_at)"
            " VALUES (?, ?, ?, ?, ?, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')",
            (name, name, kind, read, write),
        )


@pytest.fixture
def planned(desk, card, tmp_path):
    made = ingest_plan(desk.library, [str(card)], [str(tmp_path / "nas")])
    source = replace(made.sources[0], volume_id="card", size=1000 * MIB, files=0)
    target = replace(made.destinations[0], volume_id="nas", device="nas", needed=1000 * MIB)
    return source, target


def test_measured_drives_give_the_time(desk, planned):
    source, target = planned
    volumes(desk, card=("card", 100 * MIB, 50 * MIB), nas=("network", 200 * MIB, 50 * MIB))
    found = forecast(desk.db, [source], [target])
    assert found.basis == "measured"
    assert found.seconds == pytest.approx(20 + 5)  # the slower of reading and writing, then the re-read
    assert forecast(desk.db, [source], [replace(target, needed=500 * MIB)]).seconds == pytest.approx(10 + 2.5)
    twin = replace(target, path="/other")
    assert forecast(desk.db, [source], [target, twin]).seconds == pytest.approx(40 + 10), "one spindle"
    apart = replace(twin, device="b")
    assert forecast(desk.db, [source], [target, apart]).seconds == pytest.approx(25), "side by side"
    second = replace(apart, hop=2)
    assert forecast(desk.db, [source], [target, second]).seconds == pytest.approx(25 + 20 + 5)
    assert forecast(desk.db, [source], []).seconds == pytest.approx(10), "catalogued in place"
    done = forecast(desk.db, [source], [replace(target, needed=0)])
    assert done.seconds == 0


def test_unmeasured_drives_give_a_guess_by_their_kind(desk, planned):
    source, target = planned
    volumes(desk, card=("card", None, None), nas=("network", 200 * MIB, 50 * MIB))
    found = forecast(desk.db, [source], [target])
    assert (found.basis, found.seconds) == ("guess", pytest.approx(25))
    slow, fast = GUESSED_RATES["card"], GUESSED_RATES["pool"]
    assert slow[0] < fast[0]
    many = forecast(desk.db, [replace(source, files=10_000)], [target])
    assert many.seconds > found.seconds + 10


def test_earlier_ingests_are_believed_first(desk, card, tmp_path):
    first = ingest_plan(desk.library, [str(card)], [str(tmp_path / "nas")])
    assert (first.basis, first.seconds > 0) == ("guess", True)
    desk.ingest(card, to=[tmp_path / "nas"])
    again = ingest_plan(desk.library, [str(card)], [str(tmp_path / "nas")], dry_run=True)
    assert (again.basis, again.seconds) == ("history", 0.0), "all of it is there"
    other = ingest_plan(desk.library, [str(card)], [str(tmp_path / "b")], duplicates="copy")
    assert other.basis == "history"
    assert other.seconds > 0
