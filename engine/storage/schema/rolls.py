"""Clips side by side in the orders of their lists: a filter looks at a few megabytes instead of at each clip.

A roll holds what filters look at of about :data:`ROWS` clips that follow one another in an order: ``time``
(``clips_by_time``) or ``title`` (``clips_by_title``). It reaches from its first clip to that of the next
roll, and the first of an order from the beginning; so each clip, also one that comes, is of one roll. Rolls
are made in the background (:mod:`engine.storage.rolls`). A change of one of its clips opens a roll
(``made`` is 0): its clips are read from the index of the order until it is made again.

``first_time`` is empty for a clip without a time, which comes first, else ``t`` and the time; always empty in
the order of titles. ``sets`` has a byte for each clip, the place of its ``set_id`` within ``set_ids`` (eight
bytes each); ``favourites`` a 0 or 1 for each; ``words`` what a text is looked for in, small letters only,
each ended by a NUL; ``ids`` the numbers of the clips, eight bytes each.

A clip that comes has no words before the end of its transaction gives them to it, which is a change.
"""

from __future__ import annotations

SHIFT = 10
ROWS = 1 << SHIFT
"""Clips of a roll when it is made."""


def _opened(row: str) -> str:
    """Open the rolls of a clip."""
    keys = {"time": f"coalesce('t' || {row}.recorded_at, '')", "title": "''"}
    return " ".join(
        f"UPDATE clip_rolls SET made = 0 WHERE made AND roll_id ="
        f" (SELECT roll_id FROM clip_rolls WHERE list = '{name}' AND (first_time, first_title, first_clip)"
        f" <= ({key}, {row}.title, {row}.clip_id)"
        " ORDER BY first_time DESC, first_title DESC, first_clip DESC LIMIT 1);"
        for name, key in keys.items()
    )


def _trigger(name: str, event: str, body: str, when: str = "") -> str:
    condition = f" WHEN {when}" if when else ""
    return f"CREATE TRIGGER {name} AFTER {event}{condition} BEGIN {body} END"


def _other(*columns: str) -> str:
    return " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in columns)


TABLES: tuple[str, ...] = (
    """
    CREATE TABLE clip_rolls (
        roll_id     INTEGER PRIMARY KEY AUTOINCREMENT,
        list        TEXT NOT NULL,
        first_time  TEXT NOT NULL,
        first_title TEXT NOT NULL,
        first_clip  TEXT NOT NULL,
        made        INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE clip_roll_contents (
        roll_id    INTEGER PRIMARY KEY REFERENCES clip_rolls ON DELETE CASCADE,
        sets       BLOB NOT NULL,
        set_ids    BLOB NOT NULL,
        favourites BLOB NOT NULL,
        words      BLOB NOT NULL,
        ids        BLOB NOT NULL
    ) STRICT
    """,
    "CREATE UNIQUE INDEX clip_rolls_by_first ON clip_rolls (list, first_time, first_title, first_clip)",
    _trigger(
        "clips_rolled_again",
        "UPDATE OF recorded_at, title, clip_id, set_id, favourite, words ON clips",
        _opened("OLD"),
        _other("recorded_at", "title", "clip_id", "set_id", "favourite", "words"),
    ),
    _trigger(
        "clips_rolled_on",
        "UPDATE OF recorded_at, title, clip_id ON clips",
        _opened("NEW"),
        _other("recorded_at", "title", "clip_id"),
    ),
    _trigger("clips_rolled_out", "DELETE ON clips", _opened("OLD")),
)

RECOUNT: tuple[str, ...] = ("DELETE FROM clip_rolls",)
"""Statements after which every clip is read from its index, until rolls are made again."""
