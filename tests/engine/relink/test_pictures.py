"""Pictures of what was found and what is looked for: made once, kept for a while, never beside a source."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from engine.api import pictures as api
from engine.errors import NotFound
from engine.media import child
from engine.media.probe import probe
from engine.media.thumbs import thumbnail_path
from engine.media.tools import find_tools
from engine.relink import decisions, pictures
from engine.storage.database import scalar


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("film") / "a.mp4"
    ran = child.run(
        [find_tools().ffmpeg, "-nostdin", "-v", "error", "-f", "lavfi", "-i",
         "testsrc2=size=1920x1080:rate=25:duration=2", "-c:v", "libx264", "-preset", "ultrafast",
         "-g", "50", f"file:{target}"],
        seconds=60,
    )  # fmt: skip
    assert ran.code == 0, ran.err_text
    return target


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The children that are started, by their program's name."""
    started: list[str] = []
    real = child.run

    def counted(args: Any, **options: Any) -> child.Ran:
        started.append(os.path.basename(args[0]))
        return real(args, **options)

    monkeypatch.setattr(child, "run", counted)
    return started


def found(world: Any, content: Path | bytes, name: str = "x\x1b[2J caf\udce9.mp4") -> Any:
    """A candidate whose file holds ``content``, for a clip lost on another volume."""
    _, a = world.volume("A")
    _, b = world.volume("B")
    data = content if isinstance(content, bytes) else content.read_bytes()
    path = world.file(a, name, data)
    world.catalogue(path, hashes="full")
    shutil.move(path, b)
    world.scan(b)
    (candidate,) = decisions.list_candidates(world.db)
    return candidate


def test_a_found_film_has_a_picture_at_once_and_only_once(world: Any, film: Path, runs: list[str]) -> None:
    candidate = found(world, film)
    before = sorted(os.listdir(os.path.dirname(candidate.found_path)))
    runs.clear()
    assert api.of_candidate(world.library, candidate.candidate_id, "found", make=False) is None
    assert runs == []
    begun = time.monotonic()
    taken = api.of_candidate(world.library, candidate.candidate_id, "found")
    assert time.monotonic() - begun < 2.0
    assert taken is not None
    assert taken.path is not None
    with open(taken.path, "rb") as file:
        assert file.read(3) == b"\xff\xd8\xff"
    facts = probe(find_tools(), taken.path)
    assert (facts.width, facts.height) == (320, 180)
    runs.clear()
    assert api.of_candidate(world.library, candidate.candidate_id, "found", make=False) == taken
    assert runs == []
    assert sorted(os.listdir(os.path.dirname(candidate.found_path))) == before


def test_a_lost_clip_shows_the_picture_of_its_ingest(world: Any, film: Path) -> None:
    candidate = found(world, film)
    none = api.of_candidate(world.library, candidate.candidate_id, "known")
    assert none == api.Picture(None, "No picture was taken of this clip while it could be reached.")
    blake3 = scalar(world.db, "SELECT blake3 FROM assets")
    path = Path(thumbnail_path(str(world.library.thumbs), blake3))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xd8\xff")
    assert api.of_candidate(world.library, candidate.candidate_id, "known", make=False) == api.Picture(
        str(path)
    )


def test_a_clip_that_can_be_reached_gets_its_picture_where_the_ingest_would_have_put_it(
    world: Any, film: Path
) -> None:
    _, a = world.volume("A")
    copy_id = world.catalogue(world.file(a, "C1.mp4", film.read_bytes()))
    clip_id = scalar(world.db, "SELECT clip_id FROM clip_files")
    assert api.of_clip(world.library, clip_id, make=False) is None
    taken = api.of_clip(world.library, "C1.mp4")
    blake3 = scalar(
        world.db, "SELECT blake3 FROM assets JOIN copies USING (asset_id) WHERE copy_id = ?", (copy_id,)
    )
    assert taken == api.Picture(thumbnail_path(str(world.library.thumbs), blake3))


def test_proven_content_shows_the_picture_of_the_clip(world: Any, film: Path, runs: list[str]) -> None:
    candidate = found(world, film)
    world.scan(os.path.dirname(candidate.found_path), full_hash=True)
    proven = decisions.list_candidates(world.db, statuses=["pending"])[0]
    assert proven.match_type == "full_hash"
    blake3 = scalar(world.db, "SELECT blake3 FROM assets")
    path = Path(thumbnail_path(str(world.library.thumbs), blake3))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xd8\xff")
    runs.clear()
    assert api.of_candidate(world.library, proven.candidate_id, "found") == api.Picture(str(path))
    assert runs == []


def test_what_has_no_picture_says_so_once(world: Any, runs: list[str]) -> None:
    candidate = found(world, os.urandom(200_000), "12 noise.mp4")
    runs.clear()
    taken = api.of_candidate(world.library, candidate.candidate_id, "found")
    assert taken is not None
    assert taken.path is None
    assert taken.why is not None
    assert taken.why.startswith("12 noise.mp4 ")
    assert runs
    runs.clear()
    assert api.of_candidate(world.library, candidate.candidate_id, "found", make=False) == taken
    assert runs == []


def test_a_file_that_changed_or_went_away_has_none(world: Any, film: Path) -> None:
    candidate = found(world, film, "a.mp4")
    os.utime(candidate.found_path, ns=(0, 1))
    taken = api.of_candidate(world.library, candidate.candidate_id, "found")
    assert taken == api.Picture(None, "a.mp4 has changed since it was found.")
    os.unlink(candidate.found_path)
    taken = api.of_candidate(world.library, candidate.candidate_id, "found")
    assert taken == api.Picture(None, "a.mp4 cannot be read (No such file or directory).")
    world.unplug(Path(candidate.found_path).parent)
    taken = api.of_candidate(world.library, candidate.candidate_id, "found")
    assert taken is not None
    assert taken.why is not None
    assert taken.why.startswith("B is not here")


def test_the_folder_of_found_pictures_is_bounded(
    world: Any, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "KEPT", 3)
    candidate = found(world, film)
    folder = world.library.thumbs / "found"
    folder.mkdir(parents=True)
    for number in range(9):
        (folder / f"{number}.jpg").touch()
        os.utime(folder / f"{number}.jpg", (number, number))
    taken = api.of_candidate(world.library, candidate.candidate_id, "found")
    assert taken is not None
    assert taken.path is not None
    assert sorted(os.listdir(folder)) == sorted(["7.jpg", "8.jpg", os.path.basename(taken.path)])


def test_nobody(world: Any) -> None:
    with pytest.raises(NotFound):
        api.of_candidate(world.library, 4711, "found")
    with pytest.raises(NotFound):
        api.of_clip(world.library, "nothing")
    assert json.dumps(api.document(api.Picture(None, "x"))) == '{"path": null, "why": "x"}'
