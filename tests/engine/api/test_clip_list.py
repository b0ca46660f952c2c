"""The list of clips holds what the plain definition of each filter says, on random data."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.api import clips as api
from engine.api import libraries
from engine.errors import WrongUse
from engine.library import Library
from engine.storage.database import rows, scalar, write

MOMENT = "2026-01-01T00:00:00.000000Z"
STATES = ("online", "offline", "conflict", "not_responding")
CLIPS = 40


def fill(library: Library, dice: random.Random) -> None:
    with write(library.db()) as db:
        for number, state in enumerate(STATES):
            db.execute(
                "INSERT INTO volumes (volume_id, name, state, first_seen_at, last_seen_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (f"v{number}", f"Drive {number}", state, MOMENT, MOMENT),
            )
        for number in range(1, CLIPS * 2 + 1):
            db.execute("INSERT INTO assets (asset_id, size, created_at) VALUES (?, 10, ?)", (number, MOMENT))
            for turn in range(dice.randrange(4)):
                db.execute(
                    "INSERT INTO copies (asset_id, volume_id, path, role, state, size, mtime_ns, seen_at,"
                    " created_at) VALUES (?, ?, ?, ?, ?, 10, 0, 's', 'c')",
                    (
                        number, f"v{dice.randrange(4)}", b"%d-%d" % (number, turn),
                        dice.choice(("managed", "source", "backup")),
                        dice.choice(("present", "present", "missing", "damaged")),
                    ),
                )  # fmt: skip
        for number in range(CLIPS):
            clip_id = f"{number:08}-clip"
            recorded = dice.choice((None, f"2026-02-{number % 28 + 1:02}T10:00:00Z"))
            db.execute(
                "INSERT INTO clips (clip_id, title, kind, asset_id, recorded_at, created_at)"
                " VALUES (?, ?, 'video', ?, ?, ?)",
                (clip_id, f"A{number % 7}_%C{number}", number + 1, recorded, MOMENT),
            )  # fmt: skip
            for position, role in enumerate(("essence", dice.choice(("span", "audio", "sidecar")))):
                db.execute(
                    "INSERT INTO clip_files VALUES (?, ?, ?, ?, x'41')",
                    (clip_id, role, position, 1 + number * 2 + position),
                )


def plainly(db: Any, where: str, *params: Any) -> list[str]:
    found = rows(
        db,
        "SELECT clips.clip_id FROM clips LEFT JOIN clip_states USING (clip_id)"
        f" WHERE {where} ORDER BY coalesce(recorded_at, clips.created_at), title, clips.clip_id",
        params,
    )
    return [clip["clip_id"] for clip in found]


@pytest.mark.parametrize("seed", range(3))
def test_each_filter_gives_what_the_definition_says(library: Library, seed: int) -> None:
    fill(library, random.Random(seed))
    db = library.db()

    def asked(**filters: Any) -> list[str]:
        return [clip["clip_id"] for clip in api.list_clips(library, api.Filters(**filters))]

    assert len(asked()) == CLIPS
    for state in api.STATE_ORDER:
        assert asked(state=state) == plainly(db, "clip_states.state = ?", state)
        for volume in range(4):
            there = (
                "clips.clip_id IN (SELECT clip_id FROM clip_files JOIN copy_states USING (asset_id) WHERE"
                " clip_files.role IN ('essence', 'span') AND copy_states.volume_id = ? AND seen_as = ?)"
            )
            assert asked(state=state, volume=f"v{volume}") == plainly(db, there, f"v{volume}", state)
    assert sum(len(asked(state=state)) for state in api.STATE_ORDER) == CLIPS
    there = (
        "clips.clip_id IN (SELECT clip_id FROM clip_files JOIN copies USING (asset_id)"
        " WHERE clip_files.role IN ('essence', 'span') AND volume_id = ?)"
    )
    assert asked(volume="Drive 1") == plainly(db, there, "v1")
    assert asked(text="a3_%c") == plainly(db, "title LIKE 'A3#_#%C%' ESCAPE '#'") != []
    assert asked(text="_C") == []
    assert asked(since="2026-02-10") == plainly(db, "coalesce(recorded_at, clips.created_at) >= '2026-02-10'")
    states = {clip["clip_id"]: clip["state"] for clip in api.list_clips(library)}
    assert states == {clip["clip_id"]: clip["state"] for clip in rows(db, "SELECT * FROM clip_states")}


def test_pages_are_parts_of_the_whole(library: Library) -> None:
    fill(library, random.Random(9))
    whole = api.list_clips(library)
    pages = [api.list_clips(library, limit=7, offset=start) for start in range(0, CLIPS + 7, 7)]
    assert [clip for page in pages for clip in page] == whole
    assert api.list_clips(library, api.Filters(state="online"), limit=1, offset=10_000) == []


def test_a_state_that_does_not_exist_is_wrong_use(library: Library) -> None:
    with pytest.raises(WrongUse, match="online, offline"):
        api.list_clips(library, api.Filters(state="x' OR 1"))


def test_a_tag_is_found_by_its_name_and_as_a_text(library: Library) -> None:
    fill(library, random.Random(4))
    ids = [clip["clip_id"] for clip in api.list_clips(library)]
    api.tag(library, ids[0], ("Hero", "wide"), ())
    api.tag(library, ids[3], ("hero",), ())
    api.tag(library, ids[5], ("heroic",), ())

    def asked(**filters: Any) -> list[str]:
        return [clip["clip_id"] for clip in api.list_clips(library, api.Filters(**filters))]

    assert asked(tags=("HERO",)) == [ids[0], ids[3]]
    assert asked(tags=("hero", "Wide")) == [ids[0]]
    assert asked(tags=("hero", "none")) == []
    assert asked(text="hero") == [ids[0], ids[3], ids[5]]
    assert [clip["tags"] for clip in api.list_clips(library, limit=4)] == [["Hero", "wide"], [], [], ["Hero"]]
    assert api.show(library, ids[0])["tags"] == ["Hero", "wide"]
    api.tag(library, ids[0], (), ("hero",))
    assert asked(tags=("hero",)) == [ids[3]]
    assert asked(text="hero") == [ids[3], ids[5]]


def test_what_a_library_holds_is_what_its_rows_are(library: Library) -> None:
    assert libraries.info(library)["asset_bytes"] == 0
    fill(library, random.Random(5))
    said = libraries.info(library)
    for table in ("clips", "assets", "copies", "volumes", "cards", "jobs"):
        assert said[table] == scalar(library.db(), f"SELECT count(*) FROM {table}")
    assert said["asset_bytes"] == CLIPS * 2 * 10
    assert said["verified_copies"] == 0
    assert said["created_at"]
