"""``rushes volumes``: colour, space, what is new, and the history of a device."""

from __future__ import annotations

import os
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
