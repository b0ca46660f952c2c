"""Words in pictures: stamps that count, title cards, names that could be anything."""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from engine.export.planning import drawing
from engine.export.planning.plan import segment_fingerprint
from engine.export.recipes import timecode
from engine.export.recipes.spec import checked
from engine.export.runs import ledger, records
from engine.media import letters

ALL = (
    "timecode@bottom; record_timecode@top; clip@top-left:6; frame@bottom-right;"
    " recipe@top-right; text=50% %{n}@left"
)
NAMES = [
    "-y.mov",
    "line\nbreak.mov",
    "%03d %{n} %s.mov",
    "back\\slash:and=equals,comma;semi[x].mov",
]


@pytest.mark.parametrize(
    ("text", "rate", "frames"),
    [
        ("00:00:00:00", "25", 0),
        ("01:00:00:00", "25", 90000),
        ("01:00:00;00", "30000/1001", 107892),
        ("00:01:00;02", "30000/1001", 1800),
        ("00:10:00;00", "30000/1001", 17982),
        ("00:00:10:23", "24000/1001", 263),
        ("00:01:00;04", "60000/1001", 3600),
    ],
)
def test_timecode_counts_as_the_standard_says(text, rate, frames):
    assert timecode.frames(text, Fraction(rate)) == frames
    assert timecode.text_of(frames, Fraction(rate), drop=timecode.is_drop(text)) == text


def test_every_drop_frame_number_of_a_day_is_met_once():
    rate = Fraction(30000, 1001)
    day = 17982 * 6 * 24
    for count in (*range(0, 40_000, 7), *range(day - 4000, day)):
        assert timecode.frames(timecode.text_of(count, rate, drop=True), rate) == count
    assert timecode.text_of(day, rate, drop=True) == "00:00:00;00"


def test_what_is_no_timecode_of_the_rate_counts_nothing():
    for text in ("", "1:2:3:4", "00:00:00:25", "00:61:00:00", "00:00:61:00"):
        assert timecode.frames(text, Fraction(25)) is None


@pytest.mark.parametrize(
    ("first", "rate"),
    [
        ("00:00:59:20", "25"),
        ("00:09:59;25", "30000/1001"),
        ("00:00:59;25", "30000/1001"),
        ("22:59:59:20", "24"),
    ],
)
def test_the_counting_text_draws_what_ffmpegs_own_timecode_draws(tools, tmp_path, first, rate):
    count = timecode.frames(first, Fraction(rate))
    drop = timecode.is_drop(first)
    (tmp_path / "font.ttf").write_bytes(Path(letters.with_the_library()).read_bytes())
    (tmp_path / "t.txt").write_text(timecode.counting(f"n+{count}", Fraction(rate), drop=drop))
    own = first.replace(":", "\\:")

    def pictures(how: str) -> str:
        draw = f"drawtext=fontfile=font.ttf:fontsize=20:x=5:y=5:fontcolor=white:{how}"
        source = f"color=black:s=200x40:r={rate}:d=2,{draw}"
        ran = subprocess.run(
            [tools.ffmpeg, "-v", "error", "-f", "lavfi", "-i", source, "-f", "framemd5", "-"],
            cwd=tmp_path, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return "\n".join(line.rpartition(",")[2] for line in ran.stdout.splitlines() if line[:1].isdigit())

    mine = pictures("textfile=t.txt:expansion=normal")
    assert mine == pictures(f"timecode='{own}':timecode_rate={rate}")
    assert len(set(mine.split())) > 40


@pytest.mark.parametrize("preset", ["archive"])
def test_words_are_the_same_however_the_film_is_divided(desk, clip, preset):
    desk.add(clip("a.mov", size="256x144", seconds="3", more=("-timecode", "00:00:59:20")), "a.mov")
    desk.add(clip("b.mov", size="256x144", rate="24", seconds="2", picture="testsrc"), "b.mov")
    wishes = {
        "preset": preset, "burn_in": ALL, "title": {"text": "Tag 1\n'Probe': 50%", "seconds": 1},
        "transition": "crossfade", "transition_ms": 400, "timecode": "00:59:59:00",
    }  # fmt: skip
    whole = desk.export(single=True, **wishes)
    parts = desk.export(segment_seconds=1, **wishes)
    plain = desk.export(segment_seconds=1, **{**wishes, "burn_in": []})
    assert whole.status == parts.status == "completed", (whole.error, parts.error)
    assert len(records.segments(desk.library.db(), parts.run_id)) > 4
    assert Path(whole.output_path).read_bytes() == Path(parts.output_path).read_bytes()
    assert len(desk.frames(parts.output_path)) == 25 + 75 + 50 - 2 * 10
    differ = [
        a != b for a, b in zip(desk.frames(parts.output_path), desk.frames(plain.output_path), strict=True)
    ]
    assert all(differ)


def test_a_clip_may_be_called_anything(desk, clip):
    for number, name in enumerate(NAMES):
        desk.add(clip(f"{number}.mov", seconds=f"0.{number + 4}"), name)
    run = desk.export(preset="archive", burn_in="clip@center:10")
    assert run.status == "completed", run.error
    assert len(desk.frames(run.output_path)) == 10 + 13 + 15 + 18
    each = desk.export(preset="proxy-h264", layout="per-clip", burn_in="clip@center:10; timecode@top")
    assert each.status == "completed", each.error
    assert len(records.outputs(desk.library.db(), each.run_id)) == len(NAMES)


def test_a_name_changes_the_picture_only_where_it_is_shown(desk, clip):
    clip_id = desk.add(clip("a.mov"), "a.mov")

    def prints(**spec) -> list[str]:
        run = desk.export(preset="archive", **spec)
        (entry,) = ledger.load_plan(desk.library.db(), run.run_id)
        return [segment_fingerprint(entry.plan, part) for part in entry.plan.segments]

    before, shown = prints(), prints(burn_in="clip@top")
    desk.library.db().execute("UPDATE clips SET title = 'other' WHERE clip_id = ?", (clip_id,))
    assert prints() == before
    assert prints(burn_in="clip@top") != shown


def test_letters_that_no_font_has_are_written_as_code_points():
    spell = letters.speller(letters.with_the_library())
    assert spell("Größe\nœ").startswith("Größe\n")
    assert spell("雪") == "\\u96ea"
    assert letters.best(["plain"]) == letters.with_the_library()


def test_a_preset_brings_its_stamps_unless_the_recipe_has_some(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    run = desk.export(preset="review")
    (entry,) = ledger.load_plan(desk.library.db(), run.run_id)
    assert [stamp["what"] for stamp in entry.plan.look["burn_in"]] == ["clip", "timecode"]
    own = desk.export(preset="review", burn_in="frame@top")
    (entry,) = ledger.load_plan(desk.library.db(), own.run_id)
    assert [stamp["what"] for stamp in entry.plan.look["burn_in"]] == ["frame"]


def test_the_one_line_form_and_the_objects_mean_the_same():
    given = checked({"burn_in": "timecode@bottom:5;text=A: b@top"})["burn_in"]
    assert given == [
        {"what": "timecode", "text": None, "position": "bottom", "size": 5},
        {"what": "text", "text": "A: b", "position": "top", "size": 4},
    ]
    assert checked({"burn_in": given})["burn_in"] == given


def _counted(word) -> Callable[[int], int]:
    """The frame count that a counting text shows on its n-th picture, read out of its expression."""
    expression = re.search(r"st\(0,mod\((.+?),\d+\)\)", word.text)[1]
    code = compile(expression.replace("floor", "math.floor"), "expression", "eval")
    return lambda n: eval(code, {"math": math, "n": n})


@pytest.mark.parametrize("rate", ["24", "30000/1001", "60"])
def test_the_clips_timecode_is_that_of_the_frame_which_is_seen(desk, clip, tools, rate):
    """Which source frame a film's frame shows is found by content, then compared with what is burnt in."""
    source = clip("s.mov", rate=rate, seconds="2", more=("-timecode", "00:00:10:00"))
    desk.add(source, "s.mov")
    clip_id = desk.clips["s.mov"]
    item = {"clip_id": clip_id, "in_frame": 6}
    run = desk.export(preset="archive", burn_in="timecode@top", fps="25", mode="list", items=[item])
    (entry,) = ledger.load_plan(desk.library.db(), run.run_id)
    plan = entry.plan

    def pictures(*chain: str) -> list[str]:
        command = [tools.ffmpeg, "-v", "error", "-i", f"file:{source}", *chain, "-f", "framemd5", "-"]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        return [line.rpartition(",")[2].strip() for line in ran.stdout.splitlines() if line[:1].isdigit()]

    own = pictures("-map", "0:v", "-fps_mode", "passthrough")
    shown = pictures("-map", "0:v", "-vf", "fps=25")
    piece = plan.segments[0].pieces[0]
    (word,) = drawing.on_piece(plan, piece)
    count = _counted(word)
    begin = timecode.frames("00:00:10:00", Fraction(rate))
    for n in range(piece.frames):
        seen = own.index(shown[piece.parts[0].start + n])
        assert count(n) == begin + seen


def test_a_dissolve_shows_each_clips_words_in_its_own_half(desk, clip):
    for name in ("a.mov", "b.mov"):
        desk.add(clip(name, seconds="2"), name)
    run = desk.export(preset="archive", burn_in="clip@top", transition="crossfade", transition_ms=400)
    (entry,) = ledger.load_plan(desk.library.db(), run.run_id)
    (fade,) = [piece for part in entry.plan.segments for piece in part.pieces if piece.is_crossfade]
    words = drawing.on_piece(entry.plan, fade)
    assert [word.text for word in words] == ["a.mov", "b.mov"]
    assert ["enable='lt(n,5)'" in words[0].filter, "enable='gte(n,5)'" in words[1].filter] == [True, True]
