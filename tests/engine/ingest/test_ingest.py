"""The whole way of an ingest, with real files and a real library."""

from __future__ import annotations

import os

import pytest
from blake3 import blake3

from engine.errors import Refused
from engine.jobs import store

from .conftest import fill, temps, tree, write


def test_two_destinations_are_verified(desk, card, tmp_path):
    one, two = tmp_path / "nas", tmp_path / "backup"
    one.mkdir()
    result = desk.ingest(card, to=[one, two])
    assert (result["status"], result["found"], result["ingested"], result["failed"]) == ("completed", 8, 8, 0)
    assert tree(one / "A001") == tree(two / "A001") == tree(card)
    copies = desk.rows("SELECT * FROM copies WHERE role != 'source'")
    assert sorted(copy["role"] for copy in copies) == ["backup"] * 8 + ["managed"] * 8
    assert all(copy["verified_at"] and copy["verify_level"] == "device re-read" for copy in copies), copies
    assert temps(tmp_path) == []


def test_hashes_and_places_are_in_the_catalogue(desk, card, tmp_path):
    desk.ingest(card, to=[tmp_path / "nas"])
    for path, data in tree(card).items():
        found = desk.row(
            "SELECT assets.*, copies.path FROM copies JOIN assets USING (asset_id) WHERE role = 'managed'"
            " AND substr(path, -?) = ?",
            len(os.fsencode(path)),
            os.fsencode(path),
        )
        assert (found["size"], found["blake3"]) == (len(data), blake3(data).hexdigest())
        assert found["xxh128"]
    assert desk.row("SELECT count(*) AS n FROM copies WHERE role = 'source'")["n"] == 8


def test_times_and_permissions_come_along(desk, tmp_path):
    source = tmp_path / "card"
    write(source / "a.mov", 5000)
    (source / "a.mov").chmod(0o754)
    os.utime(source / "a.mov", ns=(1, 1_600_000_000_123_456_789))
    desk.ingest(source, to=[tmp_path / "nas"])
    facts = (tmp_path / "nas/card/a.mov").stat()
    assert facts.st_mtime_ns == 1_600_000_000_123_456_789
    assert facts.st_mode & 0o777 == 0o754


def test_without_destination_the_library_root_gets_it(desk, card):
    result = desk.ingest(card)
    assert result["ingested"] == 8
    assert tree(desk.library.root / "A001") == tree(card)
    assert {copy["role"] for copy in desk.rows("SELECT role FROM copies")} == {"managed", "source"}


def test_a_single_file_is_a_source(desk, tmp_path):
    write(tmp_path / "x" / "film.mov", 4000)
    result = desk.ingest(tmp_path / "x/film.mov", to=[tmp_path / "nas"])
    assert result["found"] == result["ingested"] == 1
    assert tree(tmp_path / "nas") == {"film.mov": (tmp_path / "x/film.mov").read_bytes()}


def test_the_source_is_not_touched(desk, card, tmp_path):
    def state():
        return {
            os.path.join(top, name): (s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_mode)
            for top, folders, names in os.walk(card)
            for name in [*folders, *names]
            for s in [os.lstat(os.path.join(top, name))]
        }

    before = state()
    desk.ingest(card, to=[tmp_path / "nas"])
    assert state() == before


def test_progress_ends_full_and_never_falls(desk, card, tmp_path, monkeypatch):
    seen = []
    original = store.write_progress

    def note(db, job_id, **changes):
        seen.append(changes.get("bytes_done", 0))
        original(db, job_id, **changes)

    monkeypatch.setattr(store, "write_progress", note)
    monkeypatch.setattr("engine.jobs.context.REPORT_SECONDS", 0.0)
    monkeypatch.setattr("engine.ingest.carrying.meter.REPORT_SECONDS", 0.0)
    desk.ingest(card, to=[tmp_path / "nas", tmp_path / "backup"])
    total = sum(len(data) for data in tree(card).values())
    job = store.get(desk.db, desk.jobs[0])
    assert (job.bytes_done, job.bytes_total) == (4 * total, 4 * total)
    assert job.done == job.total == 8
    figures = [value for value in seen if value]
    assert figures == sorted(figures)
    assert len(set(figures)) > 4


def test_a_second_ingest_of_the_card_copies_and_reads_nothing(desk, card, tmp_path):
    desk.ingest(card, to=[tmp_path / "nas"])
    before = read_bytes_of_process()
    result = desk.ingest(card, to=[tmp_path / "nas"])
    assert read_bytes_of_process() - before < 1 << 20
    assert (result["ingested"], result["duplicates"], result["failed"]) == (0, 8, 0)
    assert result["status"] == "completed"
    assert tree(tmp_path / "nas/A001") == tree(card)
    assert os.listdir(tmp_path / "nas") == ["A001"]
    clips = desk.rows("SELECT * FROM clips")
    assert len({clip["asset_id"] for clip in clips}) == len(clips)


def read_bytes_of_process() -> int:
    with open("/proc/self/io") as file:
        return int(next(line for line in file if line.startswith("read_bytes")).split()[1])


def test_a_card_that_comes_back_with_more_goes_to_its_own_folder(desk, card, tmp_path):
    desk.ingest(card, to=[tmp_path / "nas"])
    write(card / "DCIM" / "shot9.dat", 5555)
    result = desk.ingest(card, to=[tmp_path / "nas"])
    assert (result["ingested"], result["duplicates"]) == (1, 8)
    assert os.listdir(tmp_path / "nas") == ["A001"]


def test_another_card_of_the_same_label_gets_its_own_folder(desk, card, tmp_path):
    other = tmp_path / "reader2" / "A001"
    fill(other, seed=17)
    desk.ingest(card, to=[tmp_path / "nas"])
    desk.ingest(other, to=[tmp_path / "nas"])
    assert sorted(os.listdir(tmp_path / "nas")) == ["A001", "A001_002"]
    assert tree(tmp_path / "nas/A001") == tree(card)
    assert tree(tmp_path / "nas/A001_002") == tree(other)
    again = desk.ingest(other, to=[tmp_path / "nas"])
    assert again["duplicates"] == 8
    assert sorted(os.listdir(tmp_path / "nas")) == ["A001", "A001_002"]


def test_two_cards_of_one_label_in_one_batch(desk, card, tmp_path):
    other = tmp_path / "reader2" / "A001"
    fill(other, seed=17)
    result = desk.ingest(card, other, to=[tmp_path / "nas"])
    assert result["ingested"] == 16
    assert [item["files_ingested"] for item in result["items"]] == [8, 8]
    assert tree(tmp_path / "nas/A001") == tree(card)
    assert tree(tmp_path / "nas/A001_002") == tree(other)


def test_links_and_special_files_are_told_and_not_followed(desk, tmp_path):
    source = tmp_path / "card"
    write(source / "a.mov", 100)
    (source / "loop").symlink_to(source)
    (source / "out").symlink_to("/etc/passwd")
    os.mkfifo(source / "pipe")
    result = desk.ingest(source, to=[tmp_path / "nas"])
    assert (result["found"], result["ingested"], result["status"]) == (1, 1, "completed")
    assert sorted(os.listdir(tmp_path / "nas/card")) == ["a.mov"]
    log = desk.log()
    assert "loop is a link to" in log
    assert "pipe is no ordinary file" in log


def test_rubbish_is_left_out_and_counted(desk, tmp_path):
    source = tmp_path / "card"
    for name in ("a.mov", ".DS_Store", "._a.mov", ".rushes/x", ".a.mov.0badcafe.part", "SONYCARD.IND"):
        write(source / name, 10)
    result = desk.ingest(source, to=[tmp_path / "nas"])
    assert sorted(tree(tmp_path / "nas/card")) == ["SONYCARD.IND", "a.mov"]
    assert result["found"] == 2
    assert "4 system files" in desk.log()


def test_names_of_every_kind(desk, tmp_path):
    source = tmp_path / "card"
    names = [
        b"clip [1] ;rm.mov",
        b"-y.mp4",
        b"\x1b[2J.mov",
        b"a\nb.mov",
        b"\xff\xfe.mov",
        b"%d.mov",
        b"'\"$(x).mov",
    ]
    names += [b"x" * 251 + b".mov", "é".encode() * 125 + b".mov", b".hidden", b"no extension", b"trailing. "]
    for number, name in enumerate(names):
        write(source / os.fsdecode(name), 100 + number)
    result = desk.ingest(source, to=[tmp_path / "nas"])
    assert (result["ingested"], result["failed"]) == (len(names), 0)
    assert sorted(os.fsencode(name) for name in os.listdir(tmp_path / "nas/card")) == sorted(names)
    assert temps(tmp_path) == []


def test_an_empty_folder_is_refused_and_nothing_is_queued(desk, tmp_path):
    (tmp_path / "card").mkdir()
    with pytest.raises(Refused, match="holds no files"):
        desk.ingest(tmp_path / "card", to=[tmp_path / "nas"])
    assert desk.rows("SELECT * FROM jobs") == []
