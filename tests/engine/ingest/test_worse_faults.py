"""Faults that only a real device shows: a file system shut down, one full disk of three, bytes that rot."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import threading

import pytest

from engine.ingest.carrying import carrier
from engine.ingest.ends import folders
from engine.ingest.ends.gait import LOCAL
from engine.ingest.ends.landing import Landing, Original
from engine.jobs import store

from .conftest import temps, tree, write
from .mounting import ext4, mount, need_root

SHUTDOWN = 0x8004587D
"""``EXT4_IOC_SHUTDOWN``; 2 forgets the log too, as a drive that is pulled does."""


def shut_down(point):
    fd = os.open(point, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", 2))
    finally:
        os.close(fd)


def on_publish(monkeypatch, number, act):
    """Call ``act`` after so many files have got their names."""
    publish, published = folders.publish, []

    def counted(folder, temp, name):
        publish(folder, temp, name)
        published.append(name)
        if len(published) == number:
            act()

    monkeypatch.setattr(folders, "publish", counted)


@pytest.mark.mount
def test_one_full_destination_of_three(desk, tmp_path):
    source = tmp_path / "card"
    for number in range(6):
        write(source / f"clip{number}.mov", 2 << 20)
    with ext4(tmp_path, "small", 24) as small:
        job_id = desk.queue(source, to=[tmp_path / "nas", small / "in", tmp_path / "backup"])
        facts = os.statvfs(small)
        write(small / "filler", facts.f_bavail * facts.f_frsize - (5 << 20))
        assert desk.start(job_id) is None
        assert store.get(desk.db, job_id).status == "paused"
        assert tree(tmp_path / "nas/card") == tree(tmp_path / "backup/card") == tree(source)
        here = tree(small / "in/card")
        assert 1 <= len(here) < 6
        assert temps(small) == []
        (small / "filler").unlink()
        resumed = desk.start(job_id, intent="resume")
        assert (resumed.status, resumed.result["ingested"], resumed.result["failed"]) == ("completed", 6, 0)
        assert tree(small / "in/card") == tree(source)


@pytest.mark.mount
@pytest.mark.parametrize("size", [2 << 20, 3000], ids=["large", "small"])
def test_a_destination_whose_file_system_shuts_down(desk, tmp_path, monkeypatch, size):
    source = tmp_path / "card"
    for number in range(30):
        write(source / f"clip{number:02d}.mov", size if number < 6 or size < 1 << 20 else 100)
    with ext4(tmp_path, "drive", 64) as drive:
        on_publish(monkeypatch, 3, lambda: shut_down(drive))
        job_id = desk.queue(source, to=[drive / "in", tmp_path / "nas"])
        outcome = desk.start(job_id)
        monkeypatch.undo()
        assert tree(tmp_path / "nas/card") == tree(source)
        assert outcome is None or outcome.status == "completed_with_warnings"
        status = store.get(desk.db, job_id).status
        subprocess.run(["umount", drive], check=True)
        mount(tmp_path / "drive.img", drive)
        again = desk.start(job_id, intent="resume" if status == "paused" else "retry")
        assert (again.status, again.result["ingested"], again.result["failed"]) == ("completed", 30, 0)
        assert tree(drive / "in/card") == tree(source)
        assert temps(drive) == []


@pytest.mark.mount
def test_a_source_whose_file_system_shuts_down(desk, tmp_path, monkeypatch):
    with ext4(tmp_path, "card", 64) as card:
        for number in range(6):
            write(card / f"clip{number}.mov", 4 << 20)
        whole = tree(card)
        subprocess.run(["umount", card], check=True)
        mount(tmp_path / "card.img", card)
        on_publish(monkeypatch, 2, lambda: shut_down(card))
        job_id = desk.queue(card, to=[tmp_path / "nas"])
        desk.start(job_id)
        monkeypatch.undo()
        here = tree(tmp_path / "nas/card")
        complete = {name: data for name, data in here.items() if not name.endswith(".damaged")}
        assert all(whole[name] == data for name, data in complete.items())
        assert 2 <= len(complete) < 6
        status = store.get(desk.db, job_id).status
        subprocess.run(["umount", card], check=True)
        mount(tmp_path / "card.img", card)
        again = desk.start(job_id, intent="resume" if status == "paused" else "retry")
        assert (again.status, again.result["ingested"]) == ("completed", 6)
        here = tree(tmp_path / "nas/card")
        assert {name: here.get(name) for name in whole} == whole


@pytest.mark.mount
def test_a_card_that_gives_other_bytes_on_the_second_reading(desk, tmp_path, monkeypatch):
    """The byte is changed in the image beneath the mounted card, between the two readings."""
    with ext4(tmp_path, "card", 64) as card:
        write(card / "good.mov", 3 << 20)
        (card / "liar.mov").write_bytes(b"THE BYTES THAT ROT" + os.urandom(3 << 20))
        subprocess.run(["umount", card], check=True)
        image = tmp_path / "card.img"
        place = image.read_bytes().index(b"THE BYTES THAT ROT")
        mount(image, card)
        second, readings = carrier.source_digest, []

        def rot(original: Original):
            if original.shown.endswith("liar.mov"):
                readings.append(1)
                with open(image, "r+b") as file:
                    file.seek(place)
                    file.write(b"the" if len(readings) % 2 else b"THE")
            return second(original)

        monkeypatch.setattr(carrier, "source_digest", rot)
        result = desk.ingest(card, to=[tmp_path / "nas"], verify_source=True)
        assert (result["ingested"], result["failed"]) == (1, 1)
        failure = result["failures"][0]
        assert (failure["file"], failure["kind"]) == ("liar.mov", "source_unstable")
        assert sorted(tree(tmp_path / "nas")) == ["card/good.mov"]


@pytest.mark.mount
@pytest.mark.parametrize("kind", ["xfs", "btrfs"])
def test_a_copy_within_one_volume_shares_no_blocks(desk, tmp_path, kind):
    """Where a plain copy could be a second name for the same blocks, the bytes are written again."""
    need_root()
    if shutil.which(f"mkfs.{kind}") is None or shutil.which("filefrag") is None:
        pytest.skip(f"mkfs.{kind} or filefrag is not installed")
    image, point = tmp_path / "pool.img", tmp_path / "pool"
    with image.open("wb") as file:
        file.truncate(320 << 20)
    subprocess.run([f"mkfs.{kind}", "-q", image], check=True)
    point.mkdir()
    mount(image, point)
    try:
        write(point / "card/film.mov", 8 << 20)
        subprocess.run(["cp", "--reflink=always", point / "card/film.mov", point / "twin.mov"], check=True)
        assert "shared" in _extents(point / "twin.mov"), "this test can see shared blocks"
        (point / "twin.mov").unlink()
        result = desk.ingest(point / "card", to=[point / "in"])
        assert result["ingested"] == 1
        assert "shared" not in _extents(point / "in/card/film.mov")
        assert tree(point / "in/card") == tree(point / "card")
    finally:
        subprocess.run(["umount", "-l", point], check=True)


def _extents(path):
    subprocess.run(["sync", "-f", path], check=True)
    return subprocess.run(["filefrag", "-v", path], check=True, capture_output=True, text=True).stdout


def test_a_slow_destination_holds_the_fast_one_up_by_no_more_than_the_buffer(desk, tmp_path, monkeypatch):
    size = (LOCAL.buffers + 30) << 20
    write(tmp_path / "card/film.mov", size)
    buffer = LOCAL.buffers << 20
    written, reached = {"slow": 0, "fast": 0}, threading.Event()
    ahead = []
    write_landing = Landing.write

    def unequal(landing, data):
        who = "slow" if "/slow/" in landing.shown else "fast"
        length = len(data)
        if who == "slow" and not reached.is_set():
            # The slow one takes nothing until the fast one has had all that the buffer can hold.
            assert reached.wait(60), "the fast destination was held up before the buffer was full"
        write_landing(landing, data)
        written[who] += length
        ahead.append(written["fast"] - written["slow"])
        if written["fast"] >= buffer:
            reached.set()

    monkeypatch.setattr(Landing, "write", unequal)
    result = desk.ingest(tmp_path / "card", to=[tmp_path / "slow", tmp_path / "fast"])
    assert (result["ingested"], result["failed"]) == (1, 0)
    assert reached.is_set()
    assert max(ahead) <= buffer
    assert tree(tmp_path / "slow/card") == tree(tmp_path / "fast/card") == tree(tmp_path / "card")
