"""How many new files wait on tracked volumes: counted by triggers, so that very many are listed at once.

``offer_counts`` sums the files of an offer that are no copies by now, those that were found together in one
row: whether they wait or were waved aside follows from when they were found. ``offered_files.taken`` says of
a file that there is a copy at its place.
"""

from __future__ import annotations

_PLACE = "volume_id = {row}.volume_id AND path = {row}.path"
_COUNT = "offer_id = {row}.offer_id AND found_at = {row}.found_at"


def _counted(row: str, sign: str) -> str:
    """Count a row of ``offered_files`` in (``+``) or out (``-``), if it was not taken in."""
    there = _COUNT.format(row=row)
    entered = (
        f"INSERT INTO offer_counts (offer_id, found_at) SELECT {row}.offer_id, {row}.found_at"
        f" WHERE NOT {row}.taken AND NOT EXISTS (SELECT 1 FROM offer_counts WHERE {there});"
    )
    return (
        f"{entered if sign == '+' else ''}"
        f" UPDATE offer_counts SET files = files {sign} 1, bytes = bytes {sign} {row}.size"
        f" WHERE NOT {row}.taken AND {there};"
        f" {f'DELETE FROM offer_counts WHERE {there} AND files = 0;' if sign == '-' else ''}"
    )


def _taken(row: str) -> str:
    """Say of the offered file at the place of a row of ``copies`` whether it is taken in."""
    there = _PLACE.format(row=row)
    return f"UPDATE offered_files SET taken = EXISTS (SELECT 1 FROM copies WHERE {there}) WHERE {there};"


def _trigger(name: str, event: str, body: str, when: str = "") -> str:
    condition = f" WHEN {when}" if when else ""
    return f"CREATE TRIGGER {name} AFTER {event}{condition} BEGIN {body} END"


TABLES: tuple[str, ...] = (
    "ALTER TABLE offered_files ADD COLUMN taken INTEGER NOT NULL DEFAULT 0",
    """
    CREATE TABLE offer_counts (
        offer_id INTEGER NOT NULL REFERENCES volume_offers ON DELETE CASCADE,
        found_at TEXT NOT NULL,
        files    INTEGER NOT NULL DEFAULT 0,
        bytes    INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (offer_id, found_at)
    ) STRICT, WITHOUT ROWID
    """,
    _trigger("offered_in", "INSERT ON offered_files", _counted("NEW", "+") + _taken("NEW")),
    _trigger("offered_out", "DELETE ON offered_files", _counted("OLD", "-")),
    _trigger(
        "offered_again",
        "UPDATE OF taken, offer_id, found_at, size ON offered_files",
        _counted("OLD", "-") + _counted("NEW", "+"),
    ),
    _trigger("copies_offered_in", "INSERT ON copies", _taken("NEW")),
    _trigger("copies_offered_out", "DELETE ON copies", _taken("OLD")),
    _trigger(
        "copies_offered_again",
        "UPDATE OF volume_id, path ON copies",
        _taken("OLD") + _taken("NEW"),
        "OLD.volume_id <> NEW.volume_id OR OLD.path <> NEW.path",
    ),
)

RECOUNT: tuple[str, ...] = (
    """
    UPDATE offered_files SET taken = EXISTS (SELECT 1 FROM copies
    WHERE copies.volume_id = offered_files.volume_id AND copies.path = offered_files.path)
    """,
    "DELETE FROM offer_counts",
    """
    INSERT INTO offer_counts SELECT offer_id, found_at, count(*), sum(size) FROM offered_files
    WHERE NOT taken GROUP BY offer_id, found_at
    """,
)
"""Statements that count everything from the data again; run in one transaction."""
