"""Real faults: full disks, flipped bytes, bad media, files that change, drives that go."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from engine.ingest.carrying import copying
from engine.ingest.ends import failures
from engine.ingest.ends.landing import Landing
from engine.ingest.job import run
from engine.jobs import store
from engine.jobs.context import JobContext, JobPaused
from engine.media import rereading

from .conftest import temps, tree, write
from .mounting import ext4, mount


def test_a_byte_flipped_on_the_medium_is_caught_and_copied_again(desk, card, tmp_path, monkeypatch):
    flipped = []
    settle = Landing.settle

    def spoil(landing, original, **options):
        settle(landing, original, **options)
        if "/nas/" in landing.shown and landing.name == "large.dat" and not flipped:
            fd = os.open(landing.temp, os.O_RDWR, dir_fd=landing.folder)
            byte = os.pread(fd, 1, 2_000_000)
            os.pwrite(fd, bytes([byte[0] ^ 1]), 2_000_000)
            os.fsync(fd)
            os.close(fd)
            flipped.append(landing.shown)

    monkeypatch.setattr(Landing, "settle", spoil)
    result = desk.ingest(card, to=[tmp_path / "nas", tmp_path / "backup"])
    assert len(flipped) == 1
    assert (result["ingested"], result["failed"]) == (8, 0)
    assert tree(tmp_path / "nas/A001") == tree(tmp_path / "backup/A001") == tree(card)
    assert "does not hold what was read from the source" in desk.log()
    assert temps(tmp_path) == []


def test_a_medium_that_always_flips_fails_that_destination_only(desk, card, tmp_path, monkeypatch):
    settle = Landing.settle

    def spoil(landing, original, **options):
        settle(landing, original, **options)
        if "/backup/" in landing.shown and landing.name == "large.dat":
            fd = os.open(landing.temp, os.O_RDWR, dir_fd=landing.folder)
            os.pwrite(fd, b"spoiled", 77)
            os.close(fd)

    monkeypatch.setattr(Landing, "settle", spoil)
    result = desk.ingest(card, to=[tmp_path / "nas", tmp_path / "backup"])
    assert (result["status"], result["ingested"], result["failed"]) == ("completed_with_warnings", 7, 1)
    assert tree(tmp_path / "nas/A001") == tree(card)
    assert "DCIM/large.dat" not in tree(tmp_path / "backup/A001")
    failure = result["failures"][0]
    assert failure["kind"] == "verify_mismatch"
    assert "written " in failure["error"]
    assert "read back " in failure["error"]
    assert "It is verified on" in failure["error"]
    assert temps(tmp_path) == []


def test_a_source_that_gives_other_bytes_each_time_is_named(desk, tmp_path, monkeypatch):
    source = tmp_path / "card"
    write(source / "a.mov", 3 << 20)
    write(source / "b.mov", 100)
    monkeypatch.setattr("engine.ingest.carrying.carrier.source_digest", lambda original: "0" * 64)
    result = desk.ingest(source, to=[tmp_path / "nas"], verify_source=True)
    assert result["failed"] == 2
    assert result["status"] == "failed"
    assert {failure["kind"] for failure in result["failures"]} == {"source_unstable"}
    assert "gave different bytes" in result["failures"][0]["error"]
    assert tree(tmp_path / "nas") == {}


def test_a_second_reading_that_agrees_proves_the_source(desk, card, tmp_path):
    result = desk.ingest(card, to=[tmp_path / "nas"], verify_source=True)
    assert result["ingested"] == 8
    assert (
        desk.row("SELECT count(*) AS n FROM copies WHERE role = 'source' AND verified_at IS NOT NULL")["n"]
        == 8
    )


def test_a_file_that_grows_is_not_taken(desk, tmp_path, monkeypatch):
    source = tmp_path / "card"
    write(source / "done.mov", 5000)
    write(source / "recording.mov", 4 << 20)
    read = copying.read_into
    grown = []

    def grow(fd, buffer):
        if len(buffer) == 1 << 20 and not grown:
            grown.append(1)
            with open(source / "recording.mov", "ab") as file:
                file.write(b"more")
        return read(fd, buffer)

    monkeypatch.setattr(copying, "read_into", grow)
    result = desk.ingest(source, to=[tmp_path / "nas"])
    assert (result["ingested"], result["failed"]) == (1, 1)
    assert result["failures"][0]["kind"] == "changed_while_reading"
    assert sorted(tree(tmp_path / "nas")) == ["card/done.mov"]
    assert temps(tmp_path) == []
    retried = desk.start(desk.jobs[0], intent="retry")
    assert (retried.status, retried.result["ingested"], retried.result["failed"]) == ("completed", 2, 0)
    assert tree(tmp_path / "nas/card") == tree(source)


def test_unreadable_file_and_folder_fail_alone(desk, tmp_path):
    source = tmp_path / "card"
    write(source / "a.mov", 100)
    write(source / "b.mov", 100)
    write(source / "locked/c.mov", 100)
    (source / "b.mov").chmod(0)
    if os.access(source / "b.mov", os.R_OK):
        pytest.skip("this user reads everything; failing reads are tested with EIO")
    (source / "locked").chmod(0)
    try:
        result = desk.ingest(source, to=[tmp_path / "nas"])
        assert (result["ingested"], result["failed"]) == (1, 2)
        (source / "b.mov").chmod(0o600)
        (source / "locked").chmod(0o700)
        retried = desk.start(desk.jobs[0], intent="retry")
        assert (retried.status, retried.result["ingested"]) == ("completed", 3)
    finally:
        (source / "locked").chmod(0o700)


@pytest.mark.mount
def test_one_full_destination_of_two_waits_alone(desk, tmp_path):
    source = tmp_path / "card"
    for number in range(6):
        write(source / f"clip{number}.mov", 2 << 20)
    with ext4(tmp_path, "small", 24) as small:
        filler = small / "filler"
        job_id = desk.queue(source, to=[tmp_path / "nas", small / "in"])
        free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
        write(filler, free - (5 << 20))
        assert desk.start(job_id) is None
        assert store.get(desk.db, job_id).status == "paused", "a verdict with a hole in it is none"
        assert tree(tmp_path / "nas/card") == tree(source)
        here = tree(small / "in/card")
        assert 1 <= len(here) < 6
        assert all(data == (source / name).read_bytes() for name, data in here.items())
        why = desk.row("SELECT why FROM audit WHERE to_state = 'paused'")["why"]
        assert f"is full: {6 - len(here)} files (" in why
        assert "the ingest goes on by itself then" in why
        assert store.task_counts(desk.db, job_id) == {"completed": len(here), "queued": 6 - len(here)}
        assert temps(small) == []
        assert desk.start(job_id, intent="resume") is None, "nothing has changed"
        filler.unlink()
        resumed = desk.start(job_id, intent="resume")
        assert (resumed.status, resumed.result["ingested"], resumed.result["failed"]) == ("completed", 6, 0)
        assert tree(small / "in/card") == tree(source)


@pytest.mark.mount
def test_no_space_in_the_middle_of_a_file(desk, tmp_path, monkeypatch):
    source = tmp_path / "card"
    write(source / "big.mov", 16 << 20)
    write(source / "later.mov", 1000)
    with ext4(tmp_path, "small", 24) as small:
        monkeypatch.setattr("engine.ingest.ends.ends.Destination.room", lambda self: 1 << 40)
        monkeypatch.setattr("engine.ingest.planning.plan.free_bytes", lambda path: 1 << 40)
        write(small / "filler", 8 << 20)
        job_id = desk.queue(source, to=[small / "in", tmp_path / "nas"])
        assert desk.start(job_id) is None
        assert tree(tmp_path / "nas/card") == tree(source)
        assert sorted(tree(small / "in/card")) == ["later.mov"], "what is small finds its place"
        assert temps(small) == []
        (small / "filler").unlink()
        resumed = desk.start(job_id, intent="resume")
        assert (resumed.status, resumed.result["ingested"]) == ("completed", 2)
        assert tree(small / "in/card") == tree(source)


def running(desk, job_id):
    """The job's row as the engine hands it to the handler."""
    store.transition(desk.db, job_id, "running")
    return store.get(desk.db, job_id)


def test_a_quota_is_not_waited_for_as_for_room(desk, card, tmp_path, monkeypatch):
    """The volume has room and the user has none: an ingest that went on by itself would do so for ever."""
    import errno

    monkeypatch.setattr(
        "engine.ingest.ends.landing.Landing.write",
        lambda self, data: setattr(
            self, "failure", failures.of_writing(OSError(errno.EDQUOT, "quota"), self.shown)
        ),
    )
    (card / "MISC/empty.dat").unlink()
    job_id = desk.queue(card, to=[tmp_path / "nas"])
    with pytest.raises(JobPaused) as caught:
        run(JobContext(desk.library, running(desk, job_id)))
    assert caught.value.waiting_for is None
    assert "a quota or its number of files is used up. Mend that, then resume." in str(caught.value.reason)
    store.transition(desk.db, job_id, "paused")
    monkeypatch.undo()
    assert desk.start(job_id, intent="resume").result["ingested"] == 7


@pytest.mark.mount
def test_a_read_only_destination_is_refused_before_the_first_byte(desk, card, tmp_path):
    from engine.errors import Refused

    with ext4(tmp_path, "locked", 16) as locked:
        subprocess.run(["mount", "-o", "remount,ro", locked], check=True)
        with pytest.raises(Refused, match="read-only"):
            desk.queue(card, to=[locked / "in"])


@pytest.mark.mount
def test_bad_sectors_on_the_source(desk, tmp_path):
    """The image behind a mounted card ends early: what lies beyond gives EIO."""
    with ext4(tmp_path, "card", 64) as card:
        for number in range(4):
            write(card / f"clip{number}.mov", 8 << 20)
        good = tree(card)
        subprocess.run(["sync", "-f", card], check=True)
        subprocess.run(["umount", card], check=True)
        image = tmp_path / "card.img"
        mount(image, card)
        beyond = image.stat().st_size - (30 << 20)
        os.truncate(image, beyond)
        result = desk.ingest(card, to=[tmp_path / "nas"])
        assert result["found"] == 4
        assert result["failed"] >= 1
        assert result["ingested"] + result["failed"] == 4
        assert result["ingested"] >= 1
        assert {failure["kind"] for failure in result["failures"]} == {"read_error"}
        here = tree(tmp_path / "nas/card")
        complete = {name: data for name, data in here.items() if not name.endswith(".damaged")}
        assert len(complete) == result["ingested"]
        assert all(good[name] == data for name, data in complete.items())
        assert temps(tmp_path) == []


def test_what_could_be_read_of_a_damaged_file_is_kept_aside(desk, tmp_path, monkeypatch):
    import errno

    source = tmp_path / "card"
    write(source / "bad.mov", 5 << 20)
    write(source / "good.mov", 3 << 20)
    whole = (source / "bad.mov").read_bytes()
    hole = range(2_000_000, 2_010_000)
    bad_inode = (source / "bad.mov").stat().st_ino
    readv, preadv = os.readv, os.preadv

    def touches(fd, offset, length):
        return os.fstat(fd).st_ino == bad_inode and offset < hole.stop and offset + length > hole.start

    def bad_readv(fd, buffers):
        if touches(fd, os.lseek(fd, 0, os.SEEK_CUR), sum(len(part) for part in buffers)):
            raise OSError(errno.EIO, "I/O error")
        return readv(fd, buffers)

    def bad_preadv(fd, buffers, offset, *rest):
        if touches(fd, offset, sum(len(part) for part in buffers)):
            raise OSError(errno.EIO, "I/O error")
        return preadv(fd, buffers, offset, *rest)

    monkeypatch.setattr(os, "readv", bad_readv)
    monkeypatch.setattr(os, "preadv", bad_preadv)
    result = desk.ingest(source, to=[tmp_path / "nas"])
    assert (result["ingested"], result["failed"]) == (1, 1)
    assert "bytes from byte 1998848 on are lost" in result["failures"][0]["error"]
    kept = (tmp_path / "nas/card/bad.mov.damaged").read_bytes()
    assert len(kept) == len(whole)
    start, stop = hole.start // 4096 * 4096, -(-hole.stop // 4096) * 4096
    assert kept[:start] == whole[:start]
    assert kept[stop:] == whole[stop:]
    assert kept[start:stop] == bytes(stop - start)
    assert not (tmp_path / "nas/card/bad.mov").exists()
    assert desk.row("SELECT count(*) AS n FROM copies WHERE role = 'managed'")["n"] == 1


@pytest.mark.mount
def test_a_destination_that_is_unplugged_waits_and_the_other_goes_on(desk, tmp_path, monkeypatch):
    source = tmp_path / "card"
    for number in range(5):
        write(source / f"clip{number}.mov", 2 << 20)
    with ext4(tmp_path, "drive", 64) as drive:
        job_id = desk.queue(source, to=[drive / "in", tmp_path / "nas"])
        publish = Landing.publish
        published = []

        def unplug(landing):
            publish(landing)
            published.append(landing.shown)
            if len(published) == 4:
                subprocess.run(["umount", "-l", drive], check=True)

        monkeypatch.setattr(Landing, "publish", unplug)
        assert desk.start(job_id) is None
        job = store.get(desk.db, job_id)
        assert job.status == "paused"
        why = desk.row("SELECT why FROM audit WHERE to_state = 'paused'")["why"]
        assert "drive" in why
        assert tree(tmp_path / "nas/card") == tree(source)
        assert list(drive.iterdir()) == []  # nothing went into the empty mount point
        monkeypatch.undo()
        mount(tmp_path / "drive.img", drive)
        outcome = desk.start(job_id, intent="resume")
        assert (outcome.status, outcome.result["ingested"], outcome.result["failed"]) == ("completed", 5, 0)
        assert tree(drive / "in/card") == tree(source)
        assert temps(drive) == []


@pytest.mark.mount
def test_a_source_that_is_unplugged_pauses_and_goes_on_elsewhere(desk, tmp_path, monkeypatch):
    with ext4(tmp_path, "card", 64) as card:
        for number in range(5):
            write(card / f"clip{number}.mov", 2 << 20)
        whole = tree(card)
        job_id = desk.queue(card, to=[tmp_path / "nas"])
        publish = Landing.publish
        published = []

        def unplug(landing):
            publish(landing)
            published.append(landing.shown)
            if len(published) == 2:
                subprocess.run(["umount", "-l", card], check=True)

        monkeypatch.setattr(Landing, "publish", unplug)
        assert desk.start(job_id) is None
        assert store.get(desk.db, job_id).status == "paused"
        assert len(tree(tmp_path / "nas/card")) == 2
        monkeypatch.undo()
        elsewhere = tmp_path / "other port"
        elsewhere.mkdir()
        mount(tmp_path / "card.img", elsewhere)
        try:
            outcome = desk.start(job_id, intent="resume")
            assert (outcome.status, outcome.result["ingested"]) == ("completed", 5)
            here = tree(tmp_path / "nas/card")
            assert {name: here.get(name) for name in whole} == whole
            assert temps(tmp_path / "nas") == []
        finally:
            subprocess.run(["umount", "-l", elsewhere], check=True)


def test_a_failing_fsync_is_never_tried_again_on_the_same_file(desk, tmp_path, monkeypatch):
    import errno

    source = tmp_path / "card"
    write(source / "a.mov", 3 << 20)
    fsync = os.fsync
    failed = []

    def fail_once(fd):
        if not failed and os.readlink(f"/proc/self/fd/{fd}").endswith(".part"):
            failed.append(os.fstat(fd).st_ino)
            raise OSError(errno.EIO, "I/O error")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", fail_once)
    result = desk.ingest(source, to=[tmp_path / "nas"])
    assert result["ingested"] == 1
    assert tree(tmp_path / "nas/card") == tree(source)
    assert desk.row("SELECT attempts FROM tasks")["attempts"] == 2


def test_cancel_at_once_with_temps_gone_and_then_continued(desk, tmp_path, monkeypatch):
    source = tmp_path / "card"
    write(source / "a.mov", 2 << 20)
    write(source / "b.mov", 40 << 20)
    write(source / "c.mov", 2 << 20)
    job_id = desk.queue(source, to=[tmp_path / "nas"])
    begun = threading.Event()
    write_landing = Landing.write

    def slow(landing, data):
        if landing.name == "b.mov":
            begun.set()
            context[0].send("cancel")
        write_landing(landing, data)

    context = []
    monkeypatch.setattr(Landing, "write", slow)
    assert desk.start(job_id, watch=context.append) is None
    assert begun.is_set()
    assert store.get(desk.db, job_id).status == "cancelled"
    assert sorted(tree(tmp_path / "nas")) == ["card/a.mov"]
    assert temps(tmp_path) == []
    assert [task["status"] for task in desk.rows("SELECT status FROM tasks ORDER BY position")] == [
        "completed",
        "cancelled",
        "cancelled",
    ]
    inode = (tmp_path / "nas/card/a.mov").stat().st_ino
    monkeypatch.undo()
    outcome = desk.start(job_id, intent="resume")
    assert (outcome.status, outcome.result["ingested"]) == ("completed", 3)
    assert (tmp_path / "nas/card/a.mov").stat().st_ino == inode
    assert tree(tmp_path / "nas/card") == tree(source)


def test_pause_lets_the_file_in_hand_end(desk, tmp_path, monkeypatch):
    source = tmp_path / "card"
    for name in "abc":
        write(source / f"{name}.mov", 2 << 20)
    job_id = desk.queue(source, to=[tmp_path / "nas"])
    context = []
    write_landing = Landing.write

    def slow(landing, data):
        context[0].send("pause")
        write_landing(landing, data)

    monkeypatch.setattr(Landing, "write", slow)
    assert desk.start(job_id, watch=context.append) is None
    assert store.get(desk.db, job_id).status == "paused"
    assert sorted(tree(tmp_path / "nas")) == ["card/a.mov"]
    assert temps(tmp_path) == []
    monkeypatch.undo()
    assert desk.start(job_id, intent="resume").result["ingested"] == 3


def test_the_level_says_cached_when_the_cache_cannot_be_dropped(tmp_path):
    shm = "/dev/shm"
    if not os.path.isdir(shm):
        pytest.skip("no tmpfs at /dev/shm")
    name = os.path.join(shm, f"rushes-test-{os.getpid()}")
    with open(name, "wb") as file:
        file.write(b"x" * 100_000)
    try:
        assert rereading.reread(name, "tmpfs", False).level == rereading.CACHED
        assert rereading.reread(name, "nfs4", True).level == rereading.NETWORK
        assert rereading.reread(name, "mystery", None).level == rereading.NETWORK
    finally:
        os.unlink(name)
