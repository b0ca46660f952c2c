"""Contents that lie in more than one file: kept by triggers, so that their list is read from an index.

``asset_twice`` has a row for each content, known by its full hash, of which two or more files are stored: a
card's files and those that are gone or damaged do not count, hard links of one file are one, and so is what a
pool shows of a branch that is known. ``devices`` is
on how many devices they lie, ``near`` whether two lie on one, ``wasted`` the bytes beyond one file. Of a
content with very many copies only the first :data:`~engine.storage.schema.tallies.ENOUGH` are counted.

A content with one copy costs a look at an index, and no row.
"""

from __future__ import annotations

from engine.storage.schema.tallies import ENOUGH, LEFT_OR_NOT_IN_BULK, NOT_IN_BULK, SHADOWED, SHOWN_TWICE

_STORED = "{row}.role <> 'source' AND {row}.state = 'present'"


_FILE = "CASE WHEN inode IS NULL THEN 'copy ' || copy_id ELSE volume_id || ' ' || inode END"
_HOME = "coalesce(volumes.device_id, volumes.volume_id)"


def _counted(which: str) -> str:
    """Count the files of the contents that the condition ``which`` on ``asset_id`` names."""
    return f"""
        INSERT INTO asset_twice (asset_id, size) SELECT asset_id, size FROM assets
         WHERE {which} AND blake3 IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM asset_twice AS held WHERE held.asset_id = assets.asset_id)
           AND 2 = (SELECT count(*) FROM (SELECT 1 FROM copies WHERE copies.asset_id = assets.asset_id
                                          AND {_STORED.format(row="copies")} LIMIT 2));
        UPDATE asset_twice SET (files, devices) =
            (SELECT count(DISTINCT file), count(DISTINCT home)
             FROM (SELECT {_FILE} AS file, {_HOME} AS home
                   FROM copies JOIN volumes USING (volume_id)
                   WHERE copies.asset_id = asset_twice.asset_id AND {_STORED.format(row="copies")}
                     AND NOT {SHADOWED}
                   LIMIT {ENOUGH}))
         WHERE {which};
        DELETE FROM asset_twice WHERE {which} AND files < 2;
    """


def _counted_one(asset: str) -> str:
    """Count the files of one content: a row is made as it will be, because an ingest makes very many."""
    return f"""
        DELETE FROM asset_twice WHERE asset_id = {asset};
        INSERT INTO asset_twice (asset_id, size, files, devices)
        SELECT assets.asset_id, assets.size, found.files, found.devices
        FROM (SELECT count(DISTINCT file) AS files, count(DISTINCT home) AS devices
              FROM (SELECT {_FILE} AS file, {_HOME} AS home FROM copies JOIN volumes USING (volume_id)
                    WHERE copies.asset_id = {asset} AND {_STORED.format(row="copies")}
                      AND NOT {SHADOWED}
                    LIMIT {ENOUGH})) AS found
        JOIN assets ON assets.asset_id = {asset} AND assets.blake3 IS NOT NULL
        WHERE found.files > 1;
    """


def _trigger(name: str, event: str, body: str, when: str) -> str:
    return f"CREATE TRIGGER {name} AFTER {event} WHEN {when} BEGIN {body} END"


_OTHERS = (
    "EXISTS (SELECT 1 FROM copies AS other WHERE other.asset_id = {row}.asset_id"
    f" AND other.copy_id <> {{row}}.copy_id AND {_STORED.format(row='other')})"
)

TABLES: tuple[str, ...] = (
    """
    CREATE TABLE asset_twice (
        asset_id INTEGER PRIMARY KEY REFERENCES assets ON DELETE CASCADE,
        size     INTEGER NOT NULL,
        files    INTEGER NOT NULL DEFAULT 0,
        devices  INTEGER NOT NULL DEFAULT 0,
        wasted   INTEGER NOT NULL AS (size * (files - 1)) VIRTUAL,
        near     INTEGER NOT NULL AS (files > devices) VIRTUAL
    ) STRICT
    """,
    # The orders of the list; each also holds what chooses contents, so that a list is read from it alone.
    "CREATE INDEX asset_twice_by_waste ON asset_twice (wasted DESC, asset_id, size, near)",
    # Most lie twice and on two devices: those need no index of their own.
    "CREATE INDEX asset_twice_by_files ON asset_twice (files DESC, asset_id, size, near) WHERE files > 2",
    "CREATE INDEX asset_twice_near ON asset_twice (wasted DESC, asset_id, size, files) WHERE near = 1",
    _trigger(
        "copies_twice_in",
        "INSERT ON copies",
        _counted_one("NEW.asset_id"),
        f"{_STORED.format(row='NEW')} AND {_OTHERS.format(row='NEW')} AND {NOT_IN_BULK}",
    ),
    _trigger(
        "copies_twice_out",
        "DELETE ON copies",
        _counted_one("OLD.asset_id"),
        f"{_STORED.format(row='OLD')} AND {_OTHERS.format(row='OLD')}",
    ),
    _trigger(
        "copies_twice_again",
        "UPDATE OF asset_id, volume_id, role, state, inode ON copies",
        _counted("asset_id IN (OLD.asset_id, NEW.asset_id)"),
        "(OLD.asset_id <> NEW.asset_id OR OLD.volume_id <> NEW.volume_id OR OLD.inode IS NOT NEW.inode"
        f" OR ({_STORED.format(row='OLD')}) <> ({_STORED.format(row='NEW')}))"
        f" AND ({_OTHERS.format(row='OLD')} OR {_OTHERS.format(row='NEW')}) AND {LEFT_OR_NOT_IN_BULK}",
    ),
    _trigger(
        "assets_twice_known",
        "UPDATE OF blake3 ON assets",
        _counted_one("NEW.asset_id"),
        "OLD.blake3 IS NULL AND NEW.blake3 IS NOT NULL",
    ),
    # As in tallies: which volumes share a device changes only where another volume has one of the two.
    _trigger(
        "volumes_twice_again",
        "UPDATE OF device_id ON volumes",
        _counted("asset_id IN (SELECT asset_id FROM copies WHERE volume_id = NEW.volume_id)"),
        "OLD.device_id IS NOT NEW.device_id AND EXISTS (SELECT 1 FROM volumes AS other WHERE"
        " other.volume_id <> NEW.volume_id AND other.device_id IN (OLD.device_id, NEW.device_id))",
    ),
    *(
        _trigger(
            f"volume_shadows_twice_{word}",
            f"{event} ON volume_shadows",
            _counted(f"asset_id IN {SHOWN_TWICE.format(pair=pair)}"),
            "true",
        )
        for word, event, pair in (("in", "INSERT", "NEW"), ("out", "DELETE", "OLD"))
    ),
)

RECOUNT: tuple[str, ...] = ("DELETE FROM asset_twice", *_counted("1").strip().rstrip(";").split(";"))
"""Statements that count everything from the data again; run in one transaction."""

ENTERED: tuple[str, ...] = tuple(
    _counted("asset_id IN (SELECT asset_id FROM copies_in_bulk CROSS JOIN copies USING (copy_id))")
    .strip()
    .rstrip(";")
    .split(";")
)
"""Statements that count the contents of the copies in ``copies_in_bulk``."""

MOVED: tuple[str, ...] = tuple(
    _counted("asset_id IN (SELECT asset_id FROM temp.moves)").strip().rstrip(";").split(";")
)
"""Statements that count the contents of the copies in ``temp.moves``."""
