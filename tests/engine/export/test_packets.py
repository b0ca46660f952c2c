"""One reading gives a file's BLAKE3 and the digests of its packets: what ffmpeg says of them decides."""

from __future__ import annotations

import os
import struct
import subprocess

import pytest
import xxhash

from engine.export.rendering import packets, proof
from engine.media.hashing import full_hash


def made(tools, path, *args: str, frames: int = 25, size: str = "160x90") -> str:
    picture = f"testsrc2=s={size}:r=25,format=yuv420p"
    command = [tools.ffmpeg, "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", picture]
    sound = ["-f", "lavfi", "-i", "sine=r=48000", "-frames:v", str(frames), "-t", str(frames / 25)]
    subprocess.run([*command, *sound, *args, f"file:{path}"], check=True)
    return str(path)


def by_ffmpeg(tools, path: str, counts: tuple[int, ...]) -> tuple[str, ...]:
    """The digests, made of what ffmpeg gives out of the file."""
    asked = [tools.ffprobe, "-v", "error", "-select_streams", "v", "-show_entries", "packet=size"]
    listed = subprocess.run([*asked, "-of", "csv=p=0", path], check=True, capture_output=True).stdout
    sizes = [int(line.strip(b",")) for line in listed.split()]
    copied = [tools.ffmpeg, "-v", "error", "-i", path, "-map", "0:v:0", "-c", "copy", "-f", "data", "-"]
    data = subprocess.run(copied, check=True, capture_output=True).stdout
    assert len(data) == sum(sizes)
    digests, begin, packet = [], 0, 0
    for count in counts:
        own = sizes[packet : packet + count]
        end = begin + sum(own)
        digests.append(xxhash.xxh3_128_hexdigest(data[begin:end] + struct.pack(f"<{count}Q", *own)))
        begin, packet = end, packet + count
    return tuple(f"xxh3:{digest}" for digest in digests)


H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-c:a", "aac")
RAW = ("-c:v", "rawvideo", "-pix_fmt", "uyvy422", "-c:a", "pcm_s16le")  # every packet of one size
SHAPES = {
    "the index behind": ("a.mov", H264),
    "the index in front": ("a.mp4", (*H264, "-movflags", "+faststart")),
    "packets of one size": ("a.mov", RAW),
    "the sound first": ("a.mov", (*H264, "-map", "1:a", "-map", "0:v")),
    "a timecode track": ("a.mov", (*H264, "-timecode", "01:00:00:00")),
    "chunks of many packets": ("a.mov", (*H264, "-an", "-chunk_duration", "400000")),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_packets_are_those_that_ffmpeg_reads(tools, tmp_path, shape):
    name, args = SHAPES[shape]
    path = made(tools, tmp_path / name, *args)
    found = packets.read(path, (10, 15))
    assert found.packets == proof.holds(tools, path).packets == 25
    assert found.blake3 == full_hash(path)
    # The same packets in another file: cut out by ffmpeg, without the sound, laid out otherwise.
    alone = str(tmp_path / "alone.mp4")
    copied = ["-v", "error", "-i", path, "-map", "0:v:0", "-c", "copy", "-movflags", "+faststart"]
    if shape != "packets of one size":  # which MP4 does not take
        subprocess.run([tools.ffmpeg, *copied, f"file:{alone}"], check=True)
        other = packets.read(alone, (10, 15))
        assert other.digests == found.digests
        assert other.blake3 != found.blake3
    assert found.digests == by_ffmpeg(tools, path, (10, 15))
    assert len(set(found.digests)) == 2
    assert all(packets.is_own(digest) for digest in found.digests)
    assert packets.read(path, (10, 15), alone=True) == found
    assert packets.read(path, (24,)).digests == ()
    assert packets.read(path, ()).packets is None
    assert packets.read(path, ()).blake3 == found.blake3


def test_a_byte_a_border_or_an_order_makes_another_digest(tools, tmp_path):
    path = made(tools, tmp_path / "a.mov", *RAW)
    (good,) = packets.read(path, (25,)).digests
    ten, rest = packets.read(path, (10, 15)).digests
    frame = 160 * 90 * 2
    with open(path, "rb") as file:
        data = file.read()
    places = packets._places(os.open(path, os.O_RDONLY), len(data))
    assert {size for _, size in places} == {frame}

    def changed(at: int, new: bytes) -> packets.Read:
        other = tmp_path / "b.mov"
        other.write_bytes(data[:at] + new + data[at + len(new) :])
        return packets.read(str(other), (10, 15))

    for number, first, last in ((0, False, True), (9, False, True), (10, True, False), (24, True, False)):
        offset, size = places[number]
        for at in (offset, offset + size - 1):
            found = changed(at, bytes([data[at] ^ 1]))
            assert (found.digests[0] == ten, found.digests[1] == rest) == (first, last)
    a, b = places[3][0], places[7][0]
    swapped = bytearray(data)
    swapped[a : a + frame], swapped[b : b + frame] = data[b : b + frame], data[a : a + frame]
    assert changed(0, bytes(swapped)).digests[0] != ten
    # Between packets, and in the header, only BLAKE3 tells.
    sound = places[0][0] + frame
    assert sound != places[1][0]
    assert changed(sound, bytes([data[sound] ^ 1])).digests == (ten, rest)
    # The same bytes cut into packets elsewhere: the sizes differ.
    table = data.index(b"stsz")
    assert struct.unpack_from(">II", data, table + 8) == (frame, 25)
    assert changed(table + 8, struct.pack(">II", frame - 1, 25)).digests[0] != ten
    assert good not in (ten, rest)


def test_what_lies_beyond_the_end_does_not_count_and_what_is_no_film_is_not_followed(tools, tmp_path):
    path = made(tools, tmp_path / "a.mp4", *H264, "-movflags", "+faststart")
    size = os.path.getsize(path)
    os.truncate(path, size * 6 // 10)
    cut = packets.read(path, (25,))
    assert 0 < cut.packets < 25
    assert cut.digests == ()
    assert (
        cut.packets == proof.holds(tools, path).packets or cut.packets == proof.holds(tools, path).packets - 1
    )
    whole = made(tools, tmp_path / "b.mov", *H264)
    with open(whole, "rb") as file:
        data = file.read()
    other = tmp_path / "c.mov"
    for wrong in (
        b"",
        b"\0" * 64,
        data[: len(data) * 6 // 10],  # no index
        data.replace(b"stsz", b"stzz"),
        data.replace(b"vide", b"text"),
        data.replace(b"stsc", b"stsx"),
        data[: data.index(b"stsc") + 8] + b"\xff" * 4 + data[data.index(b"stsc") + 12 :],
        data[: data.index(b"stsz") - 4] + b"\0\0\0\4" + data[data.index(b"stsz") :],
    ):
        other.write_bytes(wrong)
        found = packets.read(str(other), (25,))
        assert (found.packets, found.digests) == (None, ())
        assert found.blake3 == full_hash(str(other))
    mkv = made(tools, tmp_path / "d.mkv", *H264)
    assert packets.read(mkv, (25,)).packets is None
    sound = made(tools, tmp_path / "e.mov", *H264, "-map", "1:a")
    assert packets.read(sound, (25,)).packets is None


def test_offsets_of_64_bits_and_boxes_of_64_bits_are_followed(tools, tmp_path):
    """As in a film above 4 GiB: the same file with its places moved behind a hole of that length."""
    path = made(tools, tmp_path / "a.mov", *H264, "-an", frames=5)
    with open(path, "rb") as file:
        data = file.read()
    hole = 1 << 32
    at = data.index(b"moov") - 4
    index = data[at:]
    table = index.index(b"stco") - 4
    size, _, _, count = struct.unpack_from(">I4sII", index, table)
    old = struct.unpack_from(f">{count}I", index, table + 16)
    new = struct.pack(f">I4sII{count}Q", 16 + 8 * count, b"co64", 0, count, *(hole + place for place in old))
    longer = bytearray(index[:table] + new + index[table + size :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        place = longer.index(box) - 4
        (length,) = struct.unpack_from(">I", longer, place)
        struct.pack_into(">I", longer, place, length + len(new) - size)
    large = str(tmp_path / "large.mov")
    with open(large, "wb") as file:
        file.write(struct.pack(">I4sQ", 1, b"free", hole))
        file.seek(hole)
        file.write(data[:at] + bytes(longer))
    fd = os.open(large, os.O_RDONLY)
    try:
        found = packets._places(fd, os.path.getsize(large))
    finally:
        os.close(fd)
    fd = os.open(path, os.O_RDONLY)
    try:
        assert found == [(hole + place, length) for place, length in packets._places(fd, len(data))]
    finally:
        os.close(fd)
    os.unlink(large)
