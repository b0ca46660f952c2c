"""Faults in the middle of a bundle of small files: each is caught, said, and costs only its own file."""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import contextmanager

import pytest

from engine.ingest.carrying import bundle as steps
from engine.ingest.ends import folders
from engine.ingest.ends.ends import Destination
from engine.ingest.ends.landing import Landing
from engine.media.rereading import Reread

from .conftest import temps, tree, write

FILES = 30


@pytest.fixture
def source(tmp_path):
    for number in range(FILES):
        write(tmp_path / f"card/{number % 3}/{number:02d}.dat", 500 + number)
    return tmp_path / "card"


def flip(path):
    """Other bytes on the medium, of the same size and time."""
    facts = os.stat(path)
    with open(path, "r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@contextmanager
def after_writing(monkeypatch, act):
    """Call ``act(bundle)`` when a bundle is written and before it is flushed."""
    prove = steps.prove

    def proved(bundle, check):
        act(bundle)
        prove(bundle, check)

    with monkeypatch.context() as patch:
        patch.setattr(steps, "prove", proved)
        yield


def path_of(leg):
    return os.path.join(os.readlink(f"/proc/self/fd/{leg.folder}"), leg.temp)


def test_a_byte_flipped_on_the_medium_is_caught_and_copied_again(desk, source, tmp_path, monkeypatch):
    def act(bundle):
        for item in bundle.items[7:8]:
            flip(path_of(item.legs[0]))

    with after_writing(monkeypatch, act):
        result = desk.ingest(source, to=[tmp_path / "nas", tmp_path / "backup"])
    assert (result["status"], result["ingested"]) == ("completed", FILES)
    assert tree(tmp_path / "nas/card") == tree(tmp_path / "backup/card") == tree(source)
    assert "does not hold what was read from the source" in desk.log()
    assert temps(tmp_path) == []
    again = desk.rows("SELECT first_hash, second_hash FROM tasks WHERE attempts > 1")
    assert len(again) == 1
    assert again[0]["first_hash"] == again[0]["second_hash"]
    proven = desk.row("SELECT count(*) AS n FROM copies WHERE role = 'source' AND verified_at IS NOT NULL")
    assert proven["n"] == 1  # its source was read twice, to tell who is to blame


def test_a_medium_that_always_flips_fails_that_destination_only(desk, source, tmp_path, monkeypatch):
    settle = Landing.settle

    def spoil(landing, original, *, sync=True):
        settle(landing, original, sync=sync)
        if landing.shown.endswith("nas/card/1/07.dat"):
            flip(f"/proc/self/fd/{landing.folder}/{landing.temp}")

    monkeypatch.setattr(Landing, "settle", spoil)

    def act(bundle):
        for item in bundle.items:
            if item.name == "07.dat":
                flip(path_of(item.legs[0]))

    with after_writing(monkeypatch, act):
        result = desk.ingest(source, to=[tmp_path / "nas", tmp_path / "backup"])
    assert (result["status"], result["failed"]) == ("completed_with_warnings", 1)
    assert result["failures"][0]["kind"] == "verify_mismatch"
    whole = tree(source)
    assert tree(tmp_path / "backup/card") == whole
    assert tree(tmp_path / "nas/card") == {name: data for name, data in whole.items() if name != "1/07.dat"}
    assert temps(tmp_path) == []


def test_a_source_that_gives_other_bytes_the_second_time_is_named(desk, source, tmp_path, monkeypatch):
    digests, given = steps.digests_of, []

    def unstable(data, extra):
        blake3, *others = digests(data, extra)
        given.append(blake3)
        return ("0" * 64 if len(given) == 5 else blake3), *others

    monkeypatch.setattr(steps, "digests_of", unstable)
    result = desk.ingest(source, to=[tmp_path / "nas"])
    assert (result["failed"], result["failures"][0]["kind"]) == (1, "source_unstable")
    assert "gave different bytes when it was read again: first 000000" in result["failures"][0]["error"]
    task = desk.row("SELECT first_hash, second_hash FROM tasks WHERE status = 'failed'")
    assert (task["first_hash"], task["second_hash"]) == ("0" * 64, given[4])
    assert len(tree(tmp_path / "nas/card")) == FILES - 1
    assert temps(tmp_path) == []


def test_what_changed_grew_or_went_since_it_was_listed(desk, source, tmp_path, monkeypatch):
    aim = steps.aim

    def changed(parcels, *others):
        bundle = aim(parcels, *others)
        (source / "0/00.dat").write_bytes(b"changed since")
        with (source / "1/01.dat").open("ab") as file:
            file.write(b"more")
        (source / "2/02.dat").unlink()
        (source / "0/03.dat").unlink()
        (source / "0/03.dat").symlink_to(source / "1/01.dat")
        return bundle

    monkeypatch.setattr(steps, "aim", changed)
    result = desk.ingest(source, to=[tmp_path / "nas"])
    assert (result["ingested"], result["failed"]) == (FILES - 2, 2)
    assert {failure["kind"] for failure in result["failures"]} == {"not_found"}
    here = tree(tmp_path / "nas/card")
    assert here["0/00.dat"] == b"changed since"
    assert here["1/01.dat"].endswith(b"more")
    assert {name: here[name] for name in here} == {name: tree(source)[name] for name in here}
    assert "2/02.dat" not in here
    assert "0/03.dat" not in here


def test_a_name_that_is_taken_meanwhile_is_left_alone_and_a_number_is_given(
    desk, source, tmp_path, monkeypatch
):
    def act(bundle):
        for item in bundle.items:
            if item.name == "05.dat":
                (tmp_path / "nas/card/2/05.dat").write_bytes(b"somebody else's")

    with after_writing(monkeypatch, act):
        result = desk.ingest(source, to=[tmp_path / "nas"])
    assert (result["ingested"], result["failed"]) == (FILES, 0)
    here, whole = tree(tmp_path / "nas/card"), tree(source)
    assert here.pop("2/05.dat") == b"somebody else's"
    assert here.pop("2/05_001.dat") == whole.pop("2/05.dat")
    assert here == whole
    assert temps(tmp_path) == []


@pytest.mark.parametrize(
    ("owner", "name"),
    [(folders, "flush_file_system"), (folders, "publish"), (folders, "sync_folder"), (Reread, "small")],
)
def test_an_error_of_the_device_once_costs_a_second_copy_and_no_file(
    desk, source, tmp_path, monkeypatch, owner, name
):
    work, calls = getattr(owner, name), []
    (tmp_path / "nas/card").mkdir(parents=True)
    for number in range(3):
        (tmp_path / f"nas/card/{number}").mkdir()

    def fail_once(*values):
        calls.append(name)
        if len(calls) == 2 or (name == "flush_file_system" and len(calls) == 1):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return work(*values)

    monkeypatch.setattr(owner, name, fail_once)
    result = desk.ingest(source, to=[tmp_path / "nas"])
    assert len(calls) > 1
    assert (result["status"], result["ingested"], result["failed"]) == ("completed", FILES, 0)
    assert tree(tmp_path / "nas/card") == tree(source)
    assert temps(tmp_path) == []
    levels = result["destinations"][0]["levels"]
    assert sum(levels.values()) == FILES


def test_without_room_for_all_each_file_is_asked(desk, source, tmp_path, monkeypatch):
    """The file system is never filled to its last byte: others need it too, the catalogue perhaps."""
    monkeypatch.setattr("engine.ingest.planning.plan.free_bytes", lambda path: 1 << 40)
    monkeypatch.setattr(Destination, "room", lambda self: 3000)
    written = []
    monkeypatch.setattr(steps, "_write_new", lambda leg, *_: written.append(leg.name))
    desk.start(desk.queue(source, to=[tmp_path / "nas"]))
    assert written == []
    assert 1 <= len(tree(tmp_path / "nas/card")) <= 6


def test_a_full_destination_fails_no_file_of_the_other(desk, source, tmp_path, monkeypatch):
    write_new, full = steps._write_new, str(tmp_path / "nas")

    def no_space(leg, *others):
        if leg.transfer.destination.path == full and leg.name >= "20":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_new(leg, *others)

    monkeypatch.setattr(steps, "_write_new", no_space)
    result = desk.ingest(source, to=[tmp_path / "nas", tmp_path / "backup"])
    assert (result["status"], result["ingested"]) == ("completed", FILES)  # there was room after all
    assert tree(tmp_path / "nas/card") == tree(tmp_path / "backup/card") == tree(source)
    assert desk.row("SELECT count(*) AS n FROM tasks WHERE attempts = 2")["n"] == FILES - 20
    assert temps(tmp_path) == []


def test_permissions_times_and_digests_are_those_of_the_source(desk, source, tmp_path):
    os.chmod(source / "0/00.dat", 0o640)
    os.chmod(source / "1/01.dat", 0o444)
    os.utime(source / "0/00.dat", ns=(10**18, 10**18 + 123456789))
    write(source / "0/empty.dat", 0)
    result = desk.ingest(source, to=[tmp_path / "nas"], checksums=["md5"])
    assert result["ingested"] == FILES + 1
    facts = os.stat(tmp_path / "nas/card/0/00.dat")
    assert (facts.st_mode & 0o777, facts.st_mtime_ns) == (0o640, 10**18 + 123456789)
    assert os.stat(tmp_path / "nas/card/1/01.dat").st_mode & 0o777 == 0o644  # we must be able to remove it
    assert desk.row("SELECT count(*) AS n FROM assets WHERE md5 IS NULL OR xxh128 IS NULL")["n"] == 0
    data = (source / "0/00.dat").read_bytes()
    known = desk.row("SELECT md5 FROM assets WHERE size = ?", len(data))
    assert known["md5"] == hashlib.md5(data).hexdigest()


def test_few_files_are_open_at_once(desk, tmp_path, monkeypatch):
    for number in range(400):
        write(tmp_path / f"card/{number:03d}.dat", 100)
    most, write_new, small = [0], steps._write_new, Reread.small

    def counted(work):
        def count(*values):
            most[0] = max(most[0], len(os.listdir("/proc/self/fd")))
            return work(*values)

        return count

    monkeypatch.setattr(steps, "_write_new", counted(write_new))
    monkeypatch.setattr(Reread, "small", counted(small))
    before = len(os.listdir("/proc/self/fd"))
    assert desk.ingest(tmp_path / "card", to=[tmp_path / "nas"])["ingested"] == 400
    assert most[0] - before <= 2 * steps.AHEAD + 20
    assert len(os.listdir("/proc/self/fd")) <= before + 4


def test_a_file_that_is_written_to_while_it_is_read_is_read_again(desk, source, tmp_path, monkeypatch):
    read, touched = os.read, []

    def reading(fd, count):
        data = read(fd, count)
        if not touched and os.readlink(f"/proc/self/fd/{fd}") == str(source / "0/00.dat"):
            touched.append(fd)
            (source / "0/00.dat").write_bytes(b"x" * len(data))
        return data

    monkeypatch.setattr(os, "read", reading)
    result = desk.ingest(source, to=[tmp_path / "nas"])
    assert touched
    assert result["ingested"] == FILES
    assert set((tmp_path / "nas/card/0/00.dat").read_bytes()) == {ord("x")}
    assert "changed since it was listed; it is taken as it is now" in desk.log()
