"""Length and codec of a file that was found: known of the same bytes, else looked at once and kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.api import relinks as api
from engine.api import views
from engine.errors import NotFound
from engine.media import child
from engine.media.tools import find_tools
from engine.relink import decisions, insides
from engine.storage.database import execute


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of ProRes."""
    target = tmp_path_factory.mktemp("film") / "a.mov"
    ran = child.run(
        [find_tools().ffmpeg, "-nostdin", "-v", "error", "-f", "lavfi", "-i",
         "testsrc2=size=640x360:rate=25:duration=2", "-c:v", "prores", f"file:{target}"],
        seconds=60,
    )  # fmt: skip
    assert ran.code == 0, ran.err_text
    return target.read_bytes()


def candidate(world: Any, lost: bytes, found: bytes) -> Any:
    """A candidate for a clip of h264, eight seconds long, whose file was ``lost``; ``found`` has its name."""
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "x.mov", lost)
    world.catalogue(path, hashes="full")
    execute(world.db, "UPDATE clips SET codec = 'h264', duration_ms = 8000")
    if found == lost:
        shutil.move(path, b)
    else:
        world.file(b, "x.mov", found)
        Path(path).unlink()
    world.scan(b)
    (one,) = decisions.list_candidates(world.db)
    return one


def test_of_the_same_bytes_both_are_what_the_lost_one_has(world: Any, monkeypatch: Any) -> None:
    one = candidate(world, b"x" * 100_000, b"x" * 100_000)
    monkeypatch.setattr(child, "run", None)
    shown = api.show(world.library, one.candidate_id)
    for side in ("known", "found"):
        assert (shown[side]["codec"], shown[side]["duration_ms"]) == ("h264", 8000)
    assert views.Candidates(world.library).detail(one.candidate_id).looked_inside


def test_a_transcode_shows_what_it_is_made_of_and_is_opened_once(
    world: Any, film: bytes, monkeypatch: Any
) -> None:
    one = candidate(world, b"x" * 100_000, film)
    assert one.match_type == "derivative"
    table = views.Candidates(world.library)
    before = table.detail(one.candidate_id)
    assert (before.looked_inside, before.found.codec) == (False, None)
    shown = api.show(world.library, one.candidate_id)
    assert (shown["found"]["codec"], shown["found"]["duration_ms"]) == ("prores", 2000)
    assert (shown["known"]["codec"], shown["known"]["duration_ms"]) == ("h264", 8000)
    assert shown["known"]["size"] == 100_000
    assert shown["found"]["size"] == len(film)
    assert shown["found"]["why"] is None
    monkeypatch.setattr(child, "run", None)
    after = table.detail(one.candidate_id)
    assert after.looked_inside
    assert (after.found.codec, after.found.duration_ms) == ("prores", 2000)


def test_what_is_no_film_says_so_once_and_what_is_away_is_asked_again(world: Any) -> None:
    one = candidate(world, b"x" * 100_000, b"y" * 90_000)
    found = insides.of_found(world.library, one.candidate_id)
    assert found is not None
    assert found.why
    assert "x.mov" in found.why
    assert insides.of_found(world.library, one.candidate_id, make=False) == found
    Path(one.found_path).write_bytes(b"z" * 90_001)
    kept = world.library.thumbs / "found"
    for path in kept.glob("*.inside"):
        path.unlink()
    changed = insides.of_found(world.library, one.candidate_id)
    assert changed is not None
    assert "has changed since it was found" in (changed.why or "")
    assert insides.of_found(world.library, one.candidate_id, make=False) is None
    with pytest.raises(NotFound):
        api.show(world.library, 99)


def test_a_transcode_that_was_linked_is_listed_with_the_file_that_stays_lost(world: Any, film: bytes) -> None:
    one = candidate(world, b"x" * 100_000, film)
    decisions.apply(world.library, one.candidate_id)
    table = views.Candidates(world.library)
    (row,) = table.rows([one.candidate_id])
    assert (row.status, row.old_path, row.new_path) == ("applied", one.lost_path, "x.mov")
    detail = table.detail(one.candidate_id)
    assert detail.known.size_bytes == 100_000
    assert api.show(world.library, one.candidate_id)["status"] == "applied"
