"""``rushes volumes``: colour, space, what is new, and the history of a device."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from engine.library import open_library
from engine.volumes import stand_ins
from tests.tui.cli.conftest import rushes


def test_colour_space_news_and_history(home: Path) -> None:
    drive, source, lib = home / "drive", home / "card", home / "lib"
    drive.mkdir()
    source.mkdir()
    (source / "A001.MP4").write_bytes(os.urandom(50_000))
    library = open_library(str(lib))
    volume_id = stand_ins.make_stand_in(library.db(), str(drive), "Shuttle")
    assert rushes("ingest", source, "--to", drive / "in", "--wait", "--library", lib).code in (0, 1)
    assert rushes("volumes", "colour", "Shuttle", "beige", "--library", lib).code == 2
    assert rushes("volumes", "colour", "Shuttle", "green", "--library", lib, "--json").document["colour"] == (
        "green"
    )
    assert (
        rushes("volumes", "colour", "Shuttle", "none", "--library", lib, "--json").document["colour"] is None
    )

    assert rushes("volumes", "track", "Shuttle", "--library", lib).code == 0
    (made,) = drive.rglob("A001.MP4")
    made.with_name("A002.MP4").write_bytes(b"new")
    assert rushes("volumes", "sweep", "Shuttle", "--library", lib).code == 0
    shown = rushes("volumes", "show", "Shuttle", "--library", lib, "--json").document
    assert (shown["new_files"], shown["new_files_in"]) == (1, str(made.parent))
    said = rushes("volumes", "show", "Shuttle", "--library", lib).out
    assert f"1 new file below {made.parent}" in said
    events = [entry["event"] for entry in shown["history"]]
    assert "ingest completed" in events or "ingest completed with warnings" in events
    assert events.index("appeared") < events.index("new files")
    (entry,) = [
        v for v in rushes("volumes", "list", "--library", lib, "--json").document if v["name"] == "Shuttle"
    ]
    assert (entry["volume_id"], entry["low_space"]) == (volume_id, False)
    library.close()


def test_offers_are_taken_and_waved_aside(home: Path) -> None:
    drive, nas, lib = home / "drive", home / "nas", home / "lib"
    for folder in (drive / "card/DCIM/100", drive / "other", nas):
        folder.mkdir(parents=True)
    library = open_library(str(lib))
    stand_ins.make_stand_in(library.db(), str(drive), "Shuttle")
    library.close()
    assert "Nothing new" in rushes("volumes", "offers", "--library", lib).out
    (drive / "card/DCIM/100/A001.MP4").write_bytes(os.urandom(50_000))
    (drive / "other/B001.MP4").write_bytes(os.urandom(50_000))
    assert rushes("volumes", "track", "Shuttle", "--library", lib).code == 0
    assert rushes("volumes", "sweep", "Shuttle", "--library", lib).code == 0
    found = rushes("volumes", "offers", "--library", lib, "--json").document
    by_path = {offer["path"]: offer["offer_id"] for offer in found}
    assert set(by_path) == {str(drive / "card"), str(drive / "other")}
    assert {(offer["volume"], offer["files"], offer["whole_folder"]) for offer in found} == {
        ("Shuttle", 1, True)
    }
    card = by_path[str(drive / "card")]
    taken = rushes("volumes", "take", card, "--to", nas, "--wait", "--library", lib, "--json")
    assert taken.document["ingested"] == 1
    (made,) = nas.rglob("A001.MP4")
    assert made.read_bytes() == (drive / "card/DCIM/100/A001.MP4").read_bytes()
    (left,) = rushes("volumes", "offers", "Shuttle", "--library", lib, "--json").document
    assert left["path"] == str(drive / "other")
    assert rushes("volumes", "take", card, "--to", nas, "--library", lib).code == 4
    assert rushes("volumes", "dismiss", by_path[str(drive / "other")], "--library", lib).code == 0
    assert rushes("volumes", "dismiss", 999, "--library", lib).code == 4
    assert "waved aside" in rushes("volumes", "offers", "--all", "--library", lib).out
    assert rushes("volumes", "offers", "--library", lib, "--json").document == []
    back = rushes("volumes", "restore", by_path[str(drive / "other")], "--library", lib, "--json")
    assert back.document["dismissed_at"] is None
    assert rushes("volumes", "offers", "--library", lib, "--json").document == [back.document]
    assert rushes("volumes", "restore", 999, "--library", lib).code == 4


def test_a_favourite_its_history_and_its_facts(home: Path) -> None:
    drive, lib = home / "drive", home / "lib"
    drive.mkdir()
    library = open_library(str(lib))
    volume_id = stand_ins.make_stand_in(library.db(), str(drive), "Shuttle")
    library.close()
    on = rushes("volumes", "favourite", "Shuttle", "--library", lib, "--json").document
    off = rushes("volumes", "favourite", "Shuttle", "--off", "--library", lib, "--json").document
    assert (on["favourite"], off["favourite"]) == (True, False)
    (entry,) = rushes("volumes", "history", "Shuttle", "--library", lib, "--json").document
    assert (entry["event"], entry["volume"]) == ("appeared", "Shuttle")
    assert "stands in for a volume" in rushes("volumes", "history", volume_id[:8], "--library", lib).out
    assert rushes("volumes", "history", "nobody", "--library", lib).code == 4
    assert rushes("volumes", "conflicts", "--library", lib, "--json").document == []
    shown = rushes("volumes", "show", "Shuttle", "--library", lib).out
    assert "rotational     unknown" in shown
    assert "is_network     no" in shown


def test_a_look_through_what_is_away_is_refused(home: Path, wait_until: Callable[..., None]) -> None:
    drive, lib = home / "drive", home / "lib"
    (drive / "day").mkdir(parents=True)
    library = open_library(str(lib))
    stand_ins.make_stand_in(library.db(), str(drive), "Shuttle")
    for name in ("A001.MP4", "A002.MP4"):
        (drive / "day" / name).write_bytes(os.urandom(50_000))
    mode = ("--mode", "reference", "--wait", "--library", lib)
    assert rushes("ingest", drive / "day", *mode).code in (0, 1)
    said = rushes("volumes", "sweep", "Shuttle", "--library", lib)
    assert (said.code, said.out) == (
        0,
        "2 known, 2 present, 0 missing, 0 moved, 0 changed, 0 damaged, 0 new.\n",
    )
    (home / "hidden").mkdir()
    drive.rename(home / "hidden" / "drive")
    show = ("volumes", "show", "Shuttle", "--library", lib, "--json")
    wait_until(lambda: rushes(*show).document["state"] == "offline", 10, "the word that it is away")
    refused = rushes("volumes", "sweep", "Shuttle", "--library", lib)
    assert (refused.code, refused.out) == (3, "")
    assert "Shuttle is offline; a volume is looked through while it is there." in refused.err
