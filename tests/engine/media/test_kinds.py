"""What names and first bytes say; which files are nobody's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.media.kinds import HEADER_BYTES, is_junk, is_media, kind_of, sniff

from .conftest import AVC, PICTURE, SOUND


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("C0001.MP4", "video"), ("a.mov", "video"), ("A001.R3D", "video"), ("x.braw", "video"),
        ("VID_1.insv", "video"), ("GS010001.360", "video"), ("a.wav", "audio"), ("IMG.HEIC", "image"),
        ("C0001M01.XML", "sidecar"), ("GX01.THM", "sidecar"), ("a.LRV", "proxy"), ("look.cube", "lut"),
        ("cut.edl", "edit"), ("film.drp", "project"), ("report.pdf", "document"), ("x.zip", "archive"),
        ("version.txt", "text"), ("STATUS.BIN", "other"), ("x.zzz", "unknown"), ("noext", "unknown"),
        ("folder.mov/readme", "unknown"), ("caf\udce9.mov", "video"),
    ],
)  # fmt: skip
def test_kinds_by_name(name: str, kind: str) -> None:
    assert kind_of(name) == kind
    assert is_media(name) == (kind in {"video", "audio", "image"})


@pytest.mark.parametrize(
    "path",
    [
        ".DS_Store", "DCIM/._GX010001.MP4", ".Spotlight-V100/x/y", ".Trashes/501/a.mov", "a/.fseventsd/0",
        "System Volume Information/x", "$RECYCLE.BIN/a.mov", "DCIM/Thumbs.db", "Icon\r", "lost+found/#1",
        "@eaDir/a.mov/x", "clips/@__thumb/1.jpg", "#recycle/a.mov", ".Trash-1000/files/a.mov",
        ".TemporaryItems/a", ".DocumentRevisions-V100/a", "THUMBS.DB",
    ],
)  # fmt: skip
def test_junk(path: str) -> None:
    assert is_junk(path)


@pytest.mark.parametrize(
    "path",
    [
        "PRIVATE/SONY/SONYCARD.IND", "SDINFO.TXT", "STATUS.BIN", "DATABASE/DATABASE.BIN", "AVF_INFO/AVIN.BNP",
        ".hidden.mov", "my lost+found notes.txt", "icon", "Trashes/a.mov", "thumbs.db.mov", "a_._b.mov",
        "Get_started_with_GoPro.url",
    ],
)  # fmt: skip
def test_camera_oddities_are_no_junk(path: str) -> None:
    assert not is_junk(path)


def test_first_bytes_of_real_files(film: Callable[..., Path]) -> None:
    cases = {
        "mov": film("a.mov", *PICTURE, *AVC),
        "mkv": film("a.mkv", *PICTURE, *AVC),
        "mxf": film("a.mxf", *PICTURE, "-c:v", "mpeg2video"),
        "ts": film("a.ts", *PICTURE, *AVC),
        "avi": film("a.avi", *PICTURE, "-c:v", "mjpeg"),
        "wav": film("a.wav", *SOUND),
        "jpg": film("a.jpg", *PICTURE, "-frames:v", "1", "-update", "1"),
        "png": film("a.png", *PICTURE, "-frames:v", "1", "-update", "1"),
        "mpg": film("a.mpg", *PICTURE),
        "dpx": film("a.dpx", *PICTURE, "-frames:v", "1", "-update", "1"),
    }
    for expected, path in cases.items():
        assert sniff(path.read_bytes()[:HEADER_BYTES]) == expected


def test_m2ts_text_and_nothing() -> None:
    m2ts = b"".join(bytes(4) + b"\x47" + bytes(187) for _ in range(4))
    assert sniff(m2ts) == "ts"
    assert sniff("Grüße\n".encode()) == "txt"
    assert sniff("ü".encode() * 4000) == "txt"
    assert sniff("ü".encode()[:1] + b"abc") is None
    assert sniff(b"\xff\xfea\x00") == "txt"
    assert sniff(b"") is None
    assert sniff(bytes(range(256))) is None
