"""Content identity, against independent implementations and by the definition of ``fast1``."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys

import pytest
import xxhash
from blake3 import blake3

from engine.media.hashing import Digester, c4_text, digest_fd, fast_hash, full_hash

WHOLE = 10_485_760


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000])
def test_digests_of_every_length(tmp_path, size):
    data = os.urandom(size)
    path = tmp_path / "x"
    path.write_bytes(data)
    assert full_hash(str(path)) == full_hash(str(path), direct=True) == blake3(data).hexdigest()
    fd = os.open(path, os.O_RDONLY)
    try:
        digester = digest_fd(fd, digester=Digester(("md5", "sha1", "c4")))
        assert full_hash(fd) == blake3(data).hexdigest()
    finally:
        os.close(fd)
    assert digester.size == size
    assert digester.xxh128 == xxhash.xxh3_128(data).hexdigest()
    extras = digester.extras()
    assert extras["md5"] == hashlib.md5(data).hexdigest()
    assert extras["sha1"] == hashlib.sha1(data).hexdigest()
    assert len(extras["c4"]) == 90


def test_c4_of_nothing_is_the_published_one():
    known = "c459dsjfscH38cYeXXYogktxf4Cd9ibshE3BHUo6a58hBXmRQdZrAkZzsWcbWtDg5oQstpDuni4Hirj75GEmTc1sFT"
    assert c4_text(hashlib.sha512(b"").digest()) == known


def test_fast_hash_is_the_whole_up_to_10_mib_and_three_windows_above(tmp_path):
    path = tmp_path / "x"
    data = os.urandom(WHOLE)
    path.write_bytes(data)
    assert fast_hash(str(path), WHOLE) == blake3(data).hexdigest()
    data += b"!"
    path.write_bytes(data)
    size = len(data)
    middle = size // 2 - 4096
    windows = data[:8192] + data[middle : middle + 8192] + data[-8192:]
    assert fast_hash(str(path), size) == blake3(struct.pack("<Q", size) + windows).hexdigest()


def test_a_file_that_is_shorter_than_said_is_an_error(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    with pytest.raises(ValueError, match="5 bytes"):
        fast_hash(str(path), 6)
    with pytest.raises(ValueError, match="ends at byte"):
        fast_hash(str(path), WHOLE + 1)


def test_short_reads_give_the_same_hash(tmp_path, monkeypatch):
    path = tmp_path / "x"
    data = os.urandom(2_500_000)
    path.write_bytes(data)
    readv = os.readv
    monkeypatch.setattr(os, "readv", lambda fd, buffers: readv(fd, [buffers[0][:70_001]]))
    assert full_hash(str(path)) == blake3(data).hexdigest()


def test_a_link_and_a_pipe_are_not_read(tmp_path):
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="symbolic"):
        full_hash(str(tmp_path / "link"))
    assert full_hash(str(tmp_path / "pipe")) == blake3(b"").hexdigest()  # does not hang


def test_the_check_stops_it(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(bytes(5 << 20))
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        full_hash(str(path), check)
    assert len(calls) == 3


def test_a_sparse_giant_needs_no_memory(tmp_path):
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    script = (
        "import sys; from engine.media.hashing import full_hash, fast_hash;"
        "full_hash(sys.argv[1]); fast_hash(sys.argv[1], 1 << 30);"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    ran = subprocess.run([sys.executable, "-c", script, path], check=True, capture_output=True, text=True)
    assert int(ran.stdout) < 100 << 10
