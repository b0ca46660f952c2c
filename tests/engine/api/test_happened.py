"""Events of volumes as sentences: every kind that the engine writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.api.views.happened import _TELLERS, told

SWEPT = {"known": 38, "present": 38, "back": 0, "missing": 0, "newly_missing": 0, "seconds": 0.2}


@pytest.mark.parametrize(
    ("kind", "detail", "sentence"),
    [
        (
            "appeared",
            {"mount_point": "/mnt/x", "evidence": ["never seen"]},
            "seen for the first time at /mnt/x",
        ),
        (
            "appeared",
            {"mount_point": "/mnt/x", "stand_in": True},
            "a folder that stands in for a volume, appeared at /mnt/x",
        ),
        (
            "online",
            {"mount_point": "/mnt/y", "was": "/mnt/x", "evidence": ["same size"], "score": 1.0},
            "back at /mnt/y (was /mnt/x): same size",
        ),
        (
            "online",
            {"mount_point": "/mnt/y", "marker": "cannot be read"},
            "back at /mnt/y; its marker: cannot be read",
        ),
        ("offline", {}, "offline"),
        ("offline", {"mount_point": "/mnt/x"}, "offline"),
        ("remounted", {"mount_point": "/mnt/y", "was": "/mnt/x"}, "mounted at /mnt/y (was /mnt/x)"),
        ("not_responding", {"mount_point": "/mnt/x"}, "does not answer at /mnt/x"),
        ("answering", {"mount_point": "/mnt/x"}, "answers again at /mnt/x"),
        (
            "conflict",
            {"mount_point": "/mnt/x", "evidence": ["fits both"], "rivals": ["a"]},
            "conflict at /mnt/x, what is there claims the identity of another volume: fits both",
        ),
        (
            "conflict",
            {"mount_point": "/a", "folders": ["/a", "/b"]},
            "conflict in /a, /b, what is there claims the identity of another volume",
        ),
        ("identified", {"mount_point": "/mnt/x", "evidence": ["k1"]}, "identity settled by hand at /mnt/x"),
        (
            "reformatted",
            {"mount_point": "/mnt/x", "evidence": ["same hardware"]},
            "another file system is on its hardware now at /mnt/x: same hardware",
        ),
        ("changed", {"name": ["old", "new"]}, "renamed from old to new"),
        (
            "changed",
            {
                "mount_point": "/m",
                "read_only": [0, 1],
                "size_bytes": [None, 1024**3],
                "label": [None, "A\n1"],
            },
            "read-only from now on, size 1.0 GiB (was unknown), label A\\n1 (was none)",
        ),
        ("changed", {"mount_point": "/m", "read_only": [1, 0]}, "can be written again"),
        ("tracked", {"name": "NAS"}, "tracked as NAS"),
        ("untracked", {}, "no longer tracked"),
        (
            "speed tested",
            {"write_rate": 2 * 1024**2, "read_rate": 3 * 1024**2, "cached": False, "mount_point": "/m"},
            "speed measured: writes 2.0 MiB/s, reads 3.0 MiB/s",
        ),
        (
            "speed tested",
            {"write_rate": 2 * 1024**2, "read_rate": 3 * 1024**3, "cached": True},
            "speed measured: writes 2.0 MiB/s, reads 3.0 GiB/s (from memory, says nothing about the drive)",
        ),
        ("swept", SWEPT, "looked through: 38 known, 38 there, 0 missing"),
        (
            "swept",
            {**SWEPT, "missing": 2, "newly_missing": 1, "moved": 3},
            "looked through: 38 known, 38 there, 2 missing (1 of them new), 3 renamed or moved",
        ),
        (
            "swept",
            {**SWEPT, "changed": 1, "changed_files": ["a.mov"]},
            "looked through: 38 known, 38 there, 0 missing, 1 changed; changed: a.mov",
        ),
        ("new files", {"count": 1200, "folder": "/mnt/x/DCIM"}, "1,200 new files below /mnt/x/DCIM"),
        ("new files", {"count": 0}, "no new files wait any more"),
        ("later_kind", {"some_fact": [1, 2], "none": None}, "later kind: some fact 1, 2"),
    ],
)
def test_an_event_is_a_sentence(kind: str, detail: dict[str, Any], sentence: str) -> None:
    assert told(kind, detail) == sentence


@pytest.mark.parametrize("kind", sorted(_TELLERS))
def test_no_kind_needs_facts(kind: str) -> None:
    assert re.fullmatch(r"[\w ,:/-]+", told(kind, {}))


def test_every_kind_that_is_written_by_its_name_is_known() -> None:
    root = Path(engine.__file__).parent
    source = "".join(path.read_text() for path in (root / "volumes").glob("*.py"))
    written = re.findall(r"add_event\([^\n]*?, \"([a-z_ ]+)\"", source)
    assert {"appeared", "tracked", "untracked", "changed", "identified", "speed tested"} <= set(written)
    assert set(written) <= set(_TELLERS)
