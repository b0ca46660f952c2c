"""Names of very many rows side by side: a text is looked for in a few megabytes instead of in each row.

A pack holds the names of consecutive rows: of up to :data:`ROWS` tasks of one job, or copies. It is made in
the background (:mod:`engine.storage.packs`) and goes as soon as one of its rows comes, goes or gets another
name: what is there is right, and what is not there is read row by row.

``pack_id`` is the number of the rows' part of the table, times :data:`ROWS`, plus a number within it: a
part in which tasks of several jobs lie has a pack for each run of them. ``owner`` is the job, ``count`` how
many rows. ``ids`` is NULL where the ids follow one another from ``first_id`` on, else each of them in eight
bytes. ``stem`` is the folder that all names begin with, ``names`` what follows it: small letters only, each
ended by a NUL.
"""

from __future__ import annotations

SHIFT = 10
ROWS = 1 << SHIFT
"""Ids of a table that belong to one part of it."""


def _table(name: str) -> str:
    return f"""
    CREATE TABLE {name} (
        pack_id  INTEGER PRIMARY KEY,
        owner    TEXT,
        first_id INTEGER,
        count    INTEGER NOT NULL,
        ids      BLOB,
        stem     BLOB NOT NULL,
        names    BLOB NOT NULL
    ) STRICT
    """


def _opened(name: str, packs: str, event: str, row: str) -> str:
    part = f"({row} >> {SHIFT} << {SHIFT})"
    return (
        f"CREATE TRIGGER {name} AFTER {event} BEGIN"
        f" DELETE FROM {packs} WHERE pack_id BETWEEN {part} AND {part} + {ROWS - 1}; END"
    )


TABLES: tuple[str, ...] = (
    _table("task_packs"),
    "CREATE INDEX task_packs_by_owner ON task_packs (owner, first_id, count)",
    _table("copy_packs"),
    _opened("tasks_packed_in", "task_packs", "INSERT ON tasks", "NEW.task_id"),
    _opened("tasks_packed_again", "task_packs", "UPDATE OF name, job_id ON tasks", "NEW.task_id"),
    _opened("tasks_packed_out", "task_packs", "DELETE ON tasks", "OLD.task_id"),
    _opened("copies_packed_in", "copy_packs", "INSERT ON copies", "NEW.copy_id"),
    _opened("copies_packed_again", "copy_packs", "UPDATE OF path ON copies", "NEW.copy_id"),
    _opened("copies_packed_out", "copy_packs", "DELETE ON copies", "OLD.copy_id"),
)

RECOUNT: tuple[str, ...] = ("DELETE FROM task_packs", "DELETE FROM copy_packs")
"""Statements after which every name is read from its row, until packs are made again."""
