"""What the forms of recipes and presets can do, from a shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tui.cli.conftest import make_clip, rushes

BAD: list[tuple[tuple[str, ...], int, str]] = [
    (("recipe", "create", "F", "--set", "nope=1"), 2, "no field nope"),
    (("recipe", "create", "F", "--set", "nope"), 2, "KEY=VALUE"),
    (("recipe", "create", "F", "--set", "order=sideways"), 2, "no order"),
    (("recipe", "create", "F", "--set", "items=gone"), 4, "no clip"),
    (("recipe", "create", "F", "--set", "name=x"), 2, "--name"),
    (("recipe", "create", "F", "--template", "{nope}"), 2, "no name token"),
    (("recipe", "create", "F", "--clip", "gone@1-2"), 4, "no clip"),
    (("recipe", "preview", "gone"), 4, "no recipe"),
    (("recipe", "copy", "gone", "G"), 4, "no recipe"),
    (("recipe", "timeline", "gone", "x.otio"), 4, "no recipe"),
    (("presets", "edit", "share", "--set", "video.crf=9"), 3, "system preset"),
    (("presets", "edit", "gone"), 4, "no preset"),
    (("presets", "compose", "P", "--codec", "gone"), 4, "gone"),
    (("presets", "make-part", "naming", "P", "fit=3"), 2, "no field fit"),
    (("exports", "move", "deadbeef", "up"), 4, "no run"),
    (("exports", "pause", "deadbeef"), 4, "no run"),
    (("exports", "logs", "deadbeef", "--full"), 4, "no run"),
    (("exports", "report", "deadbeef"), 4, "no run"),
    (("presets", "edit-part", "half", "scale=1/3"), 3, "always there"),
    (("presets", "edit-part", "gone"), 4, "no part"),
    (("exports", "priority", "deadbeef", "high"), 4, "no run"),
]


@pytest.mark.parametrize(("words", "code", "sentence"), BAD, ids=[" ".join(b[0]) for b in BAD])
def test_bad_input(home: Path, words: tuple[str, ...], code: int, sentence: str) -> None:
    where = () if words[0] == "presets" else ("--library", home / "lib")
    said = rushes(*words, *where, "--json", cwd=home)
    assert said.code == code, said.err
    assert sentence in said.err
    assert json.loads(said.out)["exit_code"] == code


def test_a_list_with_points_its_preview_a_copy_and_a_timeline(home: Path) -> None:
    (home / "card").mkdir()
    make_clip(home / "card" / "a.mov", 4)
    make_clip(home / "card" / "b.mov", 2)
    lib = ("--library", home / "lib", "--json")
    assert rushes("ingest", home / "card", "--wait", *lib).code == 0
    said = rushes(
        "recipe", "create", "Selects", "--clip", "a@25-75", "--clip", "b@0.5s-", "--preset", "proxy-h264",
        "--burn-in", "timecode@bottom-left", "--set", "loudness=-16", "--set", "title.text=Day 12", *lib,
        cwd=home,
    )  # fmt: skip
    assert said.code == 0, said.err
    made = said.document
    assert [(item["in_frame"], item["out_frame"]) for item in made["items"]] == [(25, 75), (12, None)]
    assert (made["mode"], made["loudness"], made["title"]["text"]) == ("list", -16, "Day 12")

    seen = rushes("recipe", "preview", "Selects", *lib).document
    facts = {fact["label"]: fact["text"] for fact in seen["facts"]}
    assert seen["problems"] == {}
    assert facts["Clips"] == "2"
    assert "163 frames" in facts["Length"]  # 75 of the card, 50, 38
    assert facts["Makes"] == "Selects.mp4"
    assert "-filter_complex" in seen["command"]

    copied = rushes("recipe", "copy", "Selects", "Again", *lib).document
    assert {**copied, "recipe_id": 0, "name": 0, "created_at": 0, "updated_at": 0} == {
        **made, "recipe_id": 0, "name": 0, "created_at": 0, "updated_at": 0,
    }  # fmt: skip
    edited = rushes("recipe", "edit", "Again", "--set", "loudness=", "--set", "title.text=", *lib).document
    assert edited["items"] == made["items"]
    assert (edited["loudness"], edited["title"]) == (None, None)

    written = rushes("recipe", "timeline", "Selects", "cut.otio", *lib, cwd=home)
    assert written.code == 0, written.err
    assert json.loads((home / "cut.otio").read_text())["OTIO_SCHEMA"].startswith("Timeline")
    again = rushes("recipe", "timeline", "Selects", "cut.otio", *lib, cwd=home)
    assert again.code == 3


def test_presets_are_copied_changed_put_together_and_tried(home: Path) -> None:
    del home
    assert rushes("presets", "copy", "share", "mine", "--json").document["category"] == "own"
    changed = rushes(
        "presets", "edit", "mine", "--name", "Mine", "--set", "video.crf=30", "--set", "fps=25", "--json"
    ).document
    assert (changed["name"], changed["video"]["crf"], changed["fps"]) == ("Mine", 30, "25")
    part = rushes("presets", "make-part", "naming", "codec-name", "template={clip}_{codec}", "--json")
    assert part.document["settings"] == {"template": "{clip}_{codec}"}
    made = rushes("presets", "compose", "Day", "--codec", "Mine", "--naming", "codec-name", "--json").document
    assert (made["template"], made["video"]["crf"]) == ("{clip}_{codec}", 30)
    listed = rushes("presets", "list", "--category", "own", "--check", "--json").document
    assert [(preset["name"], preset["unable"]) for preset in listed] == [("Day", None), ("Mine", None)]


def test_a_name_template_and_a_list_as_a_setting(home: Path) -> None:
    (home / "card").mkdir()
    make_clip(home / "card" / "a.mov", 1)
    (home / "card" / "torn.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0" * 4000)
    lib = ("--library", home / "lib", "--json")
    rushes("ingest", home / "card", "--wait", *lib)
    said = rushes("recipe", "create", "T", "--template", "{clip}_{preset}", "--set", "items=a@5-20", *lib)
    assert said.code == 0, said.err
    assert said.document["template"] == "{clip}_{preset}"
    assert [(item["in_frame"], item["out_frame"]) for item in said.document["items"]] == [(5, 20)]


@pytest.mark.parametrize(("manner", "words"), [("refuse", "refused"), ("skip", "left out")])
def test_a_preview_tells_of_clips_that_cannot_be_played(home: Path, manner: str, words: str) -> None:
    (home / "card").mkdir()
    make_clip(home / "card" / "a.mov", 1)
    (home / "card" / "torn.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0" * 4000)
    lib = ("--library", home / "lib", "--json")
    rushes("ingest", home / "card", "--wait", *lib)
    assert rushes("recipe", "create", "T", "--set", f"unreadable={manner}", *lib).code == 0
    said = [fact["text"] for fact in rushes("recipe", "preview", "T", *lib).document["facts"]]
    assert any("torn" in text and words in text for text in said), said
