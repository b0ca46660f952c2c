"""Where files go by a template, as a pure decision and for real."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from blake3 import blake3

from engine.errors import Refused, WrongUse
from engine.ingest.planning import naming
from engine.ingest.planning.naming import CONTENT, USUAL, Known, folder_above, name_files, safe, template_of
from engine.ingest.planning.plan import plan
from engine.media.filelist import FileList, Listed

from .conftest import temps, tree, write

DAY = 1_700_000_000 * 10**9
KNOWN = Known("Feature", "2026-11-20", "ILCE-7SM3", "A001", "CARD")


def found(*paths: str) -> FileList:
    return FileList(Listed(path, 10, DAY, 1) for path in paths)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{project}/{nobody}", "unknown"),
        ("{project}/{original", "brace"),
        ("/{original}", "relative"),
        ("a//{original}", "relative"),
        ("../{original}", "relative"),
        ("{project}/film", "the same for every file"),
        ("", "relative"),
    ],
)
def test_templates_that_cannot_be_used(template, why):
    with pytest.raises(WrongUse, match=why):
        template_of("template", template)


def test_layouts():
    assert template_of("tree", None) is None
    assert template_of("template", None) == USUAL
    assert template_of("content", None) == CONTENT
    with pytest.raises(WrongUse, match="one of"):
        template_of("heap", None)
    with pytest.raises(WrongUse, match="belongs to"):
        template_of("content", "{original}")


def test_a_card_gets_the_folder_above():
    assert folder_above(USUAL, KNOWN) == "Feature/2026-11-20/ILCE-7SM3/A001/CARD"
    assert folder_above("{project}/{original}", KNOWN) == "Feature/CARD"
    assert folder_above("{original}", KNOWN) == "CARD"
    assert folder_above(CONTENT, KNOWN) == "Feature/source/CARD"


def test_counters_are_shared_by_a_film_and_its_sidecar():
    named = dict(name_files("{card}_{counter}", KNOWN, found("a/x.MOV", "a/x.XMP", "b/x.MOV")).items())
    assert named == {"a/x.MOV": "CARD_0001.MOV", "a/x.XMP": "CARD_0001.XMP", "b/x.MOV": "CARD_0002.MOV"}


def test_names_that_meet_are_numbered_whatever_their_case():
    named = dict(name_files("{project}/{original}", KNOWN, found("a/x.mov", "b/X.MOV", "c/x.mov")).items())
    assert sorted(named.values()) == ["Feature/X_001.MOV", "Feature/x.mov", "Feature/x_002.mov"]


def test_the_day_is_the_films():
    files = FileList([Listed("x.xmp", 1, DAY + 86_400 * 10**9 * 3), Listed("x.mov", 1, DAY)])
    named = dict(name_files("{date}/{original}", KNOWN, files).items())
    assert {path.partition("/")[0] for path in named.values()} == {naming.day_of(DAY)}


def test_what_a_camera_says_becomes_one_harmless_name():
    assert safe("../../etc", "x") == "_.._etc"
    assert safe(" . ", "x") == "x"
    assert safe(None, "x") == "x"
    assert safe('a:b*c?"<>|\x1b', "x") == "a_b_c_"


def test_loose_files_are_named_by_the_template(desk, tmp_path):
    write(tmp_path / "day/a/film.mov", 3000)
    write(tmp_path / "day/b/film.mov", 4000)
    os.utime(tmp_path / "day/a/film.mov", ns=(DAY, DAY))
    os.utime(tmp_path / "day/b/film.mov", ns=(DAY, DAY))
    wanted = {"layout": "template", "template": "{project}/{date}/{card}_{original}"}
    result = desk.ingest(tmp_path / "day", to=[tmp_path / "nas"], **wanted)
    assert (result["ingested"], result["failed"]) == (2, 0)
    day = naming.day_of(DAY)
    assert sorted(tree(tmp_path / "nas")) == [f"Test/{day}/day_film.mov", f"Test/{day}/day_film_001.mov"]
    again = desk.ingest(tmp_path / "day", to=[tmp_path / "nas"], **wanted)
    assert (again["ingested"], again["duplicates"]) == (0, 2)
    assert len(tree(tmp_path / "nas")) == 2


def test_a_structured_card_stays_whole(desk, tmp_path):
    card = tmp_path / "A001"
    write(card / "PRIVATE/M4ROOT/MEDIAPRO.XML", 10)
    write(card / "PRIVATE/M4ROOT/CLIP/C0001.MP4", 2000)
    desk.ingest(card, to=[tmp_path / "nas"], layout="template", template="{project}/{camera}/{original}")
    assert tree(tmp_path / "nas/Test/sony_xavc/A001") == tree(card)
    desk.ingest(card, to=[tmp_path / "more"], layout="content")
    assert tree(tmp_path / "more/Test/source/A001") == tree(card)


def test_content_is_its_own_name_and_there_once(desk, tmp_path):
    write(tmp_path / "day/a.mov", 3000)
    write(tmp_path / "day/large.mov", (2 << 20) + 5)
    (tmp_path / "day/b.mov").write_bytes((tmp_path / "day/a.mov").read_bytes())
    result = desk.ingest(tmp_path / "day", to=[tmp_path / "nas"], layout="content")
    assert (result["ingested"], result["duplicates"], result["failed"]) == (2, 1, 0)
    stored = tree(tmp_path / "nas")
    assert len(stored) == 2
    for path, data in stored.items():
        assert path == f"Test/source/video/folder/{blake3(data).hexdigest()}.mov"
    assert temps(tmp_path) == []


def test_a_source_that_changed_on_retry_gets_the_name_of_what_it_is_now(desk, tmp_path):
    write(tmp_path / "day/a.mov", 3000)
    job_id = desk.queue(tmp_path / "day", to=[tmp_path / "nas"], layout="content")
    desk.start(job_id, watch=lambda job: job.send("stop"))
    write(tmp_path / "day/a.mov", 3333)
    desk.start(job_id, intent="resume")
    ((path, data),) = tree(tmp_path / "nas").items()
    assert path.endswith(f"{blake3(data).hexdigest()}.mov")
    assert len(data) == 3333


def test_the_plan_shows_the_names(desk, tmp_path):
    write(tmp_path / "day/film.mov", 3000)
    made = plan(
        desk.library,
        [str(tmp_path / "day")],
        [str(tmp_path / "nas")],
        layout="template",
        template="{project}/{original}",
        dry_run=True,
    ).to_json()
    assert made["sources"][0]["names"] == [{"file": "film.mov", "name": "Test/film.mov"}]
    assert made["template"] == "{project}/{original}"
    assert not (tmp_path / "nas").exists()


def test_names_too_long_are_found_before_the_first_byte(desk, tmp_path):
    write(tmp_path / "day" / ("x" * 240 + ".mov"), 10)
    with pytest.raises(Refused, match="longer than 255"):
        desk.ingest(
            tmp_path / "day", to=[tmp_path / "nas"], layout="template", template="{card}_with_more_{original}"
        )
    assert not Path(tmp_path / "nas").exists()
