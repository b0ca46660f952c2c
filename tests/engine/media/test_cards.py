"""Every kind of card is told by its structure: at any depth, in any letter case, by whole names only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.media.cards import Listed, listing_hash, reader, recognise
from engine.media.listing import READ_LIMIT

from .conftest import listed
from .trees import ALL, GOPRO, SONY_XAVC


@pytest.mark.parametrize("name", ALL)
def test_every_tree_is_recognised(name: str) -> None:
    kind, paths = ALL[name]
    card = recognise(listed(paths))
    assert (card.kind, card.warnings) == (kind, ())
    assert card.structured == (kind not in {"folder", "blackmagic"})
    assert card.label


@pytest.mark.parametrize("name", ALL)
def test_neither_letter_case_nor_depth_nor_order_matters(name: str) -> None:
    kind, paths = ALL[name]
    for changed in (
        [p.lower() for p in paths],
        [p.upper() for p in paths],
        [f"day 1/CARD_A/{p}" for p in reversed(paths)],
        [*paths, ".DS_Store", "System Volume Information/x", "._x"],
    ):
        assert recognise(listed(changed)).kind == kind


@pytest.mark.parametrize(
    "paths",
    [
        ["xM4ROOTx/CLIP/C0001.MP4", "xM4ROOTx/CLIP/C0001M01.XML"],
        ["NOT_BPAV/CLPR/1/1.MP4"],
        ["CONTENTS_OLD/CLIPS001/AA0001/AA000101.MXF"],
        ["MY_DCIM/100GOPRO/clip.MP4"],
        ["DCIM.bak/100CANON/IMG_1.JPG"],
        ["CONTENTS/CLIPS0012/AA0001/AA000101.MXF"],
        ["Clip/holiday.mov", "INDEX.TXT"],
        ["BDMVX/STREAM/00000.MTS"],
    ],
)
def test_parts_of_a_name_are_no_structure(paths: list[str]) -> None:
    assert recognise(listed(paths)).kind == "folder"


def test_p2_and_canon_xf_share_a_top_folder_but_are_told_apart() -> None:
    assert recognise(listed(ALL["P2"][1])).kind == "panasonic_p2"
    assert recognise(listed(ALL["CANON_XF"][1])).kind == "canon_xf"


def test_two_kinds_on_one_source_are_both_told() -> None:
    card = recognise(listed([*SONY_XAVC, *GOPRO]))
    assert (card.kind, card.others) == ("sony_xavc", ("gopro", "dcim"))


def test_p2_without_its_lastclip_is_told() -> None:
    paths = [p for p in ALL["P2"][1] if p != "LASTCLIP.TXT"]
    assert recognise(listed(paths)).warnings == (
        "LASTCLIP.TXT is not beside CONTENTS: P2 players expect it.",
    )


def test_the_model_comes_from_the_card_itself(tmp_path: Path) -> None:
    index = tmp_path / "PRIVATE/M4ROOT/MEDIAPRO.XML"
    index.parent.mkdir(parents=True)
    index.write_text(
        '<MediaProfile xmlns="x"><Properties><System systemKind="ILME-FX3 ver.4.00"/></Properties>'
        "</MediaProfile>"
    )
    assert recognise(listed(SONY_XAVC), reader(str(tmp_path))).label == "Sony XAVC (ILME-FX3)"
    index.write_text("<MediaProfile><broken")
    assert recognise(listed(SONY_XAVC), reader(str(tmp_path))).label == "Sony XAVC"
    version = tmp_path / "MISC/version.txt"
    version.parent.mkdir()
    version.write_text('{\n"camera type":"HERO11 Black",\n"camera serial number":"C1",\n}\n')
    assert recognise(listed(GOPRO), reader(str(tmp_path))).label == "GoPro (HERO11 Black)"


def test_an_empty_source_is_a_folder() -> None:
    card = recognise([])
    assert (card.kind, card.structured) == ("folder", False)


def test_the_listing_hash_is_the_same_card_again_and_another_with_one_more_clip() -> None:
    files = listed(GOPRO)
    first = listing_hash(files)
    assert len(first) == 64
    assert listing_hash(list(reversed(files))) == first
    assert listing_hash([*files, Listed(".Trashes/501/x", 1, 1)]) == first, (
        "what a computer left is not the card"
    )
    assert listing_hash([*files, Listed("DCIM/100GOPRO/GX010015.MP4", 1, 1)]) != first
    changed = [Listed(f.path, f.size, f.mtime_ns + (1 if i == 0 else 0)) for i, f in enumerate(files)]
    assert listing_hash(changed) != first
    changed = [Listed(f.path, f.size + (1 if i == 0 else 0), f.mtime_ns) for i, f in enumerate(files)]
    assert listing_hash(changed) != first
    assert listing_hash(listed(["a\n1", "b"])) != listing_hash(listed(["a", "1\nb"]))
    assert listing_hash([Listed("a1", 2, 3)]) != listing_hash([Listed("a", 12, 3)])
    assert listing_hash([Listed("a", 1, 23)]) != listing_hash([Listed("a", 12, 3)])
    assert listing_hash(listed(["caf\udce9.mov"])) != listing_hash(listed(["cafe.mov"]))


def test_the_reader_stays_below_its_source_and_follows_no_link(tmp_path: Path) -> None:
    card = tmp_path / "card"
    (card / "in").mkdir(parents=True)
    (card / "in" / "a.xml").write_text("inside")
    (tmp_path / "secret").write_text("outside")
    (card / "link.xml").symlink_to(tmp_path / "secret")
    (card / "away").symlink_to(tmp_path)
    os.mkfifo(card / "pipe.xml")
    with open(card / "huge.xml", "wb") as file:
        file.truncate(READ_LIMIT + 1)
    read = reader(str(card))
    assert read("in/a.xml") == b"inside"
    for refused in (
        "../secret", "/etc/passwd", "link.xml", "away/secret", "pipe.xml", "huge.xml", "in", "absent", "",
        "in//a.xml", "in/../in/a.xml",
    ):  # fmt: skip
        assert read(refused) is None
    assert reader(str(tmp_path / "gone"))("a.xml") is None
