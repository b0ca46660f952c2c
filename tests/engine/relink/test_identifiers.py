"""What cameras and recorders write into their files leads back to copies of which no hash was taken."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.media import child
from engine.media.facts import MediaFacts
from engine.media.probe import probe
from engine.media.stated import identifiers_of
from engine.media.tools import find_tools
from engine.relink import decisions

PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=1")
SOUND = ("-f", "lavfi", "-i", "sine=duration=1:sample_rate=48000")
CONTENT = "5F1B0A6E-0C6E-4C1B-9D57-2F1C5C2E8A11"

FILMS = {
    "a.mxf": (*PICTURE, "-c:v", "mpeg2video", "-b:v", "2M"),
    "a.wav": (*SOUND, "-write_bext", "1", "-metadata", "originator_reference=USZAX30012345678123456"),
    "a.mov": (
        *PICTURE, "-c:v", "mjpeg", "-movflags", "use_metadata_tags",
        "-metadata", f"com.apple.quicktime.content.identifier={CONTENT}",
    ),
}  # fmt: skip


def made(folder: Path, name: str) -> Path:
    target = folder / name
    command = [find_tools().ffmpeg, "-nostdin", "-v", "error", *FILMS[name], f"file:{target}"]
    ran = child.run(command, seconds=60)
    assert ran.code == 0, ran.err_text
    return target


@pytest.mark.parametrize(("name", "kind"), [("a.mxf", "umid"), ("a.wav", "bwf"), ("a.mov", "quicktime")])
def test_a_renamed_file_of_a_copy_without_hash_is_known_by_its_number(
    world: Any, tmp_path: Path, name: str, kind: str
) -> None:
    film = made(tmp_path, name)
    facts = probe(find_tools(), str(film))
    assert [each for each in facts.identifiers if each.startswith(kind + ":")]
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, name, film.read_bytes())
    world.catalogue(path, hashes="none", media=json.dumps(facts.to_json()), verified=False)
    shutil.move(path, b / f"renamed{os.path.splitext(name)[1]}")
    # Another recording of the same length and size, with a number of its own.
    other = bytearray(film.read_bytes())
    value = next(each for each in facts.identifiers if each.startswith(kind + ":")).split(":", 1)[1]
    for old in (value.encode(), bytes.fromhex(value) if kind == "umid" else value.encode()):
        for at in range(len(other) - len(old)):
            if other[at : at + len(old)] == old:
                other[at + len(old) - 1] ^= 1
    world.file(b, f"other{os.path.splitext(name)[1]}", bytes(other))
    world.scan(b)
    (candidate,) = decisions.list_candidates(world.db)
    assert (candidate.match_type, candidate.confidence, candidate.certain) == ("embedded_id", 0.92, False)
    assert candidate.path.startswith("renamed")
    assert candidate.evidence["embedded_id"] is True


def test_a_number_from_the_sidecar_of_the_camera_counts(world: Any, tmp_path: Path) -> None:
    film = made(tmp_path, "a.mxf")
    facts = probe(find_tools(), str(film)).to_json()
    assert facts["umid"]
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "a.mxf", film.read_bytes())
    facts |= {"identifiers": [], "umid": facts["umid"] + "0" * 64}
    world.catalogue(path, hashes="none", media=json.dumps(facts), verified=False)
    shutil.move(path, b / "renamed.mxf")
    world.scan(b)
    (candidate,) = decisions.list_candidates(world.db)
    assert candidate.match_type == "embedded_id"


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({"material_package_umid": "0x" + "AB" * 32}, ("umid:" + "AB" * 32,)),
        ({"umid": "0x" + "ab" * 32 + "00" * 32}, ("umid:" + "AB" * 32,)),
        ({"umid": "0x" + "00" * 64}, ()),
        ({"material_package_umid": "0xnonsense"}, ()),
        ({"originator_reference": "short"}, ()),
        ({"originator_reference": "00000000000"}, ()),
        (
            {"uuid": CONTENT, "clip_id": "second one", "file_package_umid": "0x" + "CD" * 32},
            (f"clip:{'second one'}", "package:" + "CD" * 32),
        ),
        ({}, ()),
    ],
)
def test_what_counts_as_a_number(tags: dict[str, str], found: tuple[str, ...]) -> None:
    assert identifiers_of(tags) == found


def test_they_survive_the_catalogue(tmp_path: Path) -> None:
    facts = probe(find_tools(), str(made(tmp_path, "a.wav")))
    assert MediaFacts.from_json(json.dumps(facts.to_json())) == facts
