"""Local and network storage are worked differently, at either end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.ingest.carrying import bundle as steps
from engine.ingest.carrying.carrier import Carrier
from engine.ingest.ends.gait import LOCAL, NETWORK, gait_of
from engine.volumes import places

from .conftest import tree, write


def test_the_slowest_end_decides_and_unknown_is_network():
    assert gait_of([False, False, False]) is LOCAL
    assert gait_of([True, False]) is NETWORK
    assert gait_of([False, True]) is NETWORK
    assert gait_of([False, None]) is NETWORK
    assert gait_of([None]) is NETWORK


def test_many_destinations_get_smaller_bundles():
    """Two bundles open at the source and one at each destination stay below 1024 open files."""
    for destinations in range(1, 40):
        files = gait_of([False] * (1 + destinations)).files
        assert 8 <= files <= LOCAL.files
        assert files * (2 + destinations) <= 800


def test_three_bundles_of_the_short_way_stay_below_1024_open_files_too():
    """Three bundles hold their folders open at each end, and one a few files at each."""
    for destinations in range(1, 40):
        gait = gait_of([False] * (1 + destinations))
        assert gait.folders >= 1
        bundle = steps.Bundle.nothing()
        bundle.destinations = [None] * destinations
        assert 3 * gait.folders * (1 + destinations) + bundle.ahead() * (1 + destinations) <= 900


@pytest.mark.parametrize("end", ["source", "destination", "neither"])
def test_bundles_are_smaller_and_rest_in_between_where_one_end_is_a_share(desk, tmp_path, monkeypatch, end):
    for number in range(NETWORK.files * 2 + 5):
        write(tmp_path / f"card/{number:03d}.dat", 100 + number)
    place_of, work, write_bundle = places.place_of, Carrier.work, steps.write
    remote = {"source": "card", "destination": "nas", "neither": "\0"}[end]
    sizes, waits = [], []

    def as_network(db, path):
        place = place_of(db, path)
        return replace(place, is_network=True, fs_type="nfs4") if f"/{remote}" in str(path) else place

    def counted(carrier, parcels):
        sizes.append(len(parcels))
        return work(carrier, parcels)

    def counted_bundle(bundle, *others):
        if bundle.items:
            sizes.append(len(bundle.items))
        return write_bundle(bundle, *others)

    monkeypatch.setattr(places, "place_of", as_network)
    monkeypatch.setattr(places, "still_there", lambda place: True)
    monkeypatch.setattr(Carrier, "work", counted)
    monkeypatch.setattr(steps, "write", counted_bundle)
    (tmp_path / "nas").mkdir()
    job_id = desk.queue(tmp_path / "card", to=[tmp_path / "nas"])

    def watch(context):
        context.wait = waits.append

    outcome = desk.start(job_id, watch=watch)
    assert outcome.result["ingested"] == NETWORK.files * 2 + 5
    assert tree(tmp_path / "nas/card") == tree(tmp_path / "card")
    if end == "neither":
        assert (sizes, waits) == ([NETWORK.files * 2 + 5], [])
    else:
        assert sizes == [NETWORK.files, NETWORK.files, 5]
        assert waits == [NETWORK.pause, NETWORK.pause]
