"""Numbers kept beside the data by triggers, so that lists over a million copies stay instant.

Counting distinct clips per volume reads every copy; a screen asks four times a
second. These tables hold the answers, changed in the transaction that changes
the data. A remount touches none of them: whether a volume can be reached is
its own row's fact.

``clip_places``
    How many essence and span copies of a clip lie on a volume (``files``) and how
    many of them are missing or damaged (``lost``). This is *the* definition of a
    clip on a volume.
``volume_counts``
    Sums per volume: its clips, clips with a lost file, copies, bytes, missing, damaged.
``asset_safety``
    Verified copies of a content that count towards the policy (not a card's, not
    lost), and the devices they lie on. Of content with very many copies only the
    first :data:`ENOUGH` are counted: both numbers may then be too low, never too high.
    ``asset_size`` is the content's. ``sole`` is the one volume on which it is stored, cards and lost copies
    aside: NULL when there are several, or none. What a pool shows of a branch that is known counts once: the
    branch's.

``copies_in_bulk``
    Copies that :mod:`engine.storage.moving` is changing or entering within its transaction: their triggers
    rest, and it does their work with :data:`MOVED` or :data:`ENTERED`. Empty in every committed state.

Every trigger runs after the change and is written without conflict clauses: a
trigger takes over that of the statement that fired it.
"""

from __future__ import annotations

ENOUGH = 64
"""Counted copies per content; far above any policy, and keeps an identical sidecar of 10,000 cards cheap."""

_ESSENTIAL = "role IN ('essence', 'span')"
_STORED = "{row}.role <> 'source' AND {row}.state = 'present'"
_COUNTING = "{row}.role <> 'source' AND {row}.state = 'present' AND {row}.verified_at IS NOT NULL"


SHADOWED = """(volumes.view_of IS NOT NULL AND EXISTS
    (SELECT 1 FROM copies AS below INDEXED BY copies_by_asset CROSS JOIN volume_shadows AS shadow
     WHERE below.asset_id = copies.asset_id AND below.role <> 'source' AND below.state = 'present'
       AND (below.verified_at IS NOT NULL OR copies.verified_at IS NULL)
       AND shadow.view_id = copies.volume_id AND shadow.other_id = below.volume_id))"""
"""SQL over ``copies JOIN volumes``: on a pool, and the file may be recorded in one of its branches."""

SHOWN_TWICE = (
    "(SELECT asset_id FROM copies AS below WHERE below.volume_id = {pair}.other_id AND EXISTS"
    " (SELECT 1 FROM copies AS above WHERE above.asset_id = below.asset_id"
    "  AND above.volume_id = {pair}.view_id))"
)
"""SQL: the contents of which both volumes of a row ``pair`` of ``volume_shadows`` hold a copy."""


def _copy_counted(row: str, sign: str) -> str:
    """Count a row of ``copies`` in (``+``) or out (``-``)."""
    clips = f"SELECT clip_id FROM clip_files WHERE asset_id = {row}.asset_id AND {_ESSENTIAL}"
    entered = (
        f"INSERT INTO clip_places (volume_id, clip_id) SELECT DISTINCT {row}.volume_id, clip_id"
        f" FROM clip_files WHERE asset_id = {row}.asset_id AND {_ESSENTIAL} AND NOT EXISTS"
        f" (SELECT 1 FROM clip_places AS held WHERE held.volume_id = {row}.volume_id"
        "  AND held.clip_id = clip_files.clip_id);"
    )
    parts = (
        f"(SELECT count(*) FROM clip_files WHERE asset_id = {row}.asset_id AND {_ESSENTIAL}"
        " AND clip_files.clip_id = clip_places.clip_id)"
    )
    return f"""
        {entered if sign == "+" else ""}
        UPDATE clip_places SET files = files {sign} {parts},
               lost = lost {sign} ({row}.state <> 'present') * {parts}
         WHERE volume_id = {row}.volume_id AND clip_id IN ({clips});
        {_emptied(f"{row}.volume_id", clips) if sign == "-" else ""}
        UPDATE volume_counts SET copies = copies {sign} 1, bytes = bytes {sign} {row}.size,
               missing = missing {sign} ({row}.state = 'missing'),
               damaged = damaged {sign} ({row}.state = 'damaged')
         WHERE volume_id = {row}.volume_id;
    """


def _part_counted(row: str, sign: str) -> str:
    """Count an essential row of ``clip_files`` in (``+``) or out (``-``)."""
    on_volumes = f"SELECT volume_id FROM copies WHERE asset_id = {row}.asset_id"
    there = f"FROM copies WHERE asset_id = {row}.asset_id AND copies.volume_id = clip_places.volume_id"
    entered = (
        f"INSERT INTO clip_places (volume_id, clip_id) SELECT DISTINCT volume_id, {row}.clip_id"
        f" FROM copies WHERE asset_id = {row}.asset_id AND NOT EXISTS (SELECT 1 FROM clip_places AS held"
        f"  WHERE held.volume_id = copies.volume_id AND held.clip_id = {row}.clip_id)"
        f" AND {row}.{_ESSENTIAL};"
    )
    return f"""
        {entered if sign == "+" else ""}
        UPDATE clip_places SET files = files {sign} (SELECT count(*) {there}),
               lost = lost {sign} (SELECT count(*) {there} AND copies.state <> 'present')
         WHERE clip_id = {row}.clip_id AND volume_id IN ({on_volumes}) AND {row}.{_ESSENTIAL};
        {_emptied(f"IN ({on_volumes})", f"SELECT {row}.clip_id") if sign == "-" else ""}
    """


def _emptied(volume: str, clips: str) -> str:
    of_volume = f"volume_id {volume}" if volume.startswith("IN") else f"volume_id = {volume}"
    return f"DELETE FROM clip_places WHERE {of_volume} AND clip_id IN ({clips}) AND files = 0;"


def _safety(which: str) -> str:
    """Count the copies again of the contents that the condition ``which`` on ``asset_id`` names."""
    return f"""
        UPDATE asset_safety SET (verified, devices, sole) =
            (SELECT coalesce(sum(proven), 0), count(DISTINCT home),
                    CASE WHEN min(volume_id) = max(volume_id) THEN min(volume_id) END
             FROM (SELECT copies.verified_at IS NOT NULL AS proven, copies.volume_id,
                          CASE WHEN copies.verified_at IS NOT NULL
                               THEN coalesce(volumes.device_id, volumes.volume_id) END AS home
                   FROM copies JOIN volumes USING (volume_id)
                   WHERE copies.asset_id = asset_safety.asset_id AND {_STORED.format(row="copies")}
                     AND NOT {SHADOWED}
                   ORDER BY copies.verified_at IS NULL
                   LIMIT {ENOUGH}))
         WHERE {which};
    """


def _trigger(name: str, event: str, body: str, when: str = "") -> str:
    condition = f" WHEN {when}" if when else ""
    return f"CREATE TRIGGER {name} AFTER {event}{condition} BEGIN {body} END"


_SAFETY_CHANGED = (
    f"OLD.asset_id <> NEW.asset_id OR ({_COUNTING.format(row='OLD')}) <> ({_COUNTING.format(row='NEW')})"
    f" OR ({_STORED.format(row='OLD')}) <> ({_STORED.format(row='NEW')})"
    " OR OLD.volume_id <> NEW.volume_id"
)

NOT_IN_BULK = "NOT EXISTS (SELECT 1 FROM copies_in_bulk AS held WHERE held.copy_id = NEW.copy_id)"
"""Whether a trigger has to count a copy itself."""

LEFT_OR_NOT_IN_BULK = f"(OLD.asset_id <> NEW.asset_id OR {NOT_IN_BULK})"
"""The same of a change: what a copy of the block leaves is not among the contents counted at its end."""

TABLES: tuple[str, ...] = (
    "CREATE TABLE copies_in_bulk (copy_id INTEGER PRIMARY KEY) STRICT",
    """
    CREATE TABLE clip_places (
        volume_id TEXT NOT NULL,
        clip_id   TEXT NOT NULL,
        files     INTEGER NOT NULL DEFAULT 0,
        lost      INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (volume_id, clip_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE volume_counts (
        volume_id  TEXT PRIMARY KEY REFERENCES volumes ON DELETE CASCADE,
        clips      INTEGER NOT NULL DEFAULT 0,
        lost_clips INTEGER NOT NULL DEFAULT 0,
        copies     INTEGER NOT NULL DEFAULT 0,
        bytes      INTEGER NOT NULL DEFAULT 0,
        missing    INTEGER NOT NULL DEFAULT 0,
        damaged    INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE asset_safety (
        asset_id INTEGER PRIMARY KEY REFERENCES assets ON DELETE CASCADE,
        verified INTEGER NOT NULL DEFAULT 0,
        devices  INTEGER NOT NULL DEFAULT 0,
        asset_size INTEGER NOT NULL DEFAULT 0,
        sole     TEXT
    ) STRICT
    """,
    "CREATE INDEX asset_safety_sole ON asset_safety (sole, asset_size DESC, asset_id) WHERE sole IS NOT NULL",
    "CREATE INDEX asset_safety_worst ON asset_safety (devices, verified, asset_id)",
    "CREATE INDEX copies_of_cards ON copies (volume_id, asset_id) WHERE role = 'source'",
    # Whereabouts of a title or a file name are asked for by hand; these answer without a scan.
    "CREATE INDEX clips_by_title ON clips (title)",
    "CREATE INDEX clip_files_by_name ON clip_files (name)",
    _trigger(
        "volumes_counted",
        "INSERT ON volumes",
        "INSERT INTO volume_counts (volume_id) VALUES (NEW.volume_id);",
    ),
    _trigger(
        "clip_places_entered",
        "INSERT ON clip_places",
        "UPDATE volume_counts SET clips = clips + 1, lost_clips = lost_clips + (NEW.lost > 0)"
        " WHERE volume_id = NEW.volume_id;",
    ),
    _trigger(
        "clip_places_changed",
        "UPDATE OF lost ON clip_places",
        "UPDATE volume_counts SET lost_clips = lost_clips + (NEW.lost > 0) - (OLD.lost > 0)"
        " WHERE volume_id = NEW.volume_id;",
        "(NEW.lost > 0) <> (OLD.lost > 0)",
    ),
    _trigger(
        "clip_places_left",
        "DELETE ON clip_places",
        "UPDATE volume_counts SET clips = clips - 1, lost_clips = lost_clips - (OLD.lost > 0)"
        " WHERE volume_id = OLD.volume_id;",
    ),
    _trigger("copies_counted_in", "INSERT ON copies", _copy_counted("NEW", "+"), NOT_IN_BULK),
    _trigger("copies_counted_out", "DELETE ON copies", _copy_counted("OLD", "-")),
    _trigger(
        "copies_counted_again",
        "UPDATE OF asset_id, volume_id, state, size ON copies",
        _copy_counted("OLD", "-") + _copy_counted("NEW", "+"),
        "(OLD.asset_id <> NEW.asset_id OR OLD.volume_id <> NEW.volume_id OR OLD.state <> NEW.state"
        f" OR OLD.size <> NEW.size) AND {NOT_IN_BULK}",
    ),
    _trigger("clip_files_counted_in", "INSERT ON clip_files", _part_counted("NEW", "+")),
    _trigger("clip_files_counted_out", "DELETE ON clip_files", _part_counted("OLD", "-")),
    _trigger(
        "clip_files_counted_again",
        "UPDATE OF clip_id, role, asset_id ON clip_files",
        _part_counted("OLD", "-") + _part_counted("NEW", "+"),
    ),
    _trigger(
        "assets_safe",
        "INSERT ON assets",
        "INSERT INTO asset_safety (asset_id, asset_size) VALUES (NEW.asset_id, NEW.size);",
    ),
    _trigger(
        "assets_sized",
        "UPDATE OF size ON assets",
        "UPDATE asset_safety SET asset_size = NEW.size WHERE asset_id = NEW.asset_id;",
        "OLD.size <> NEW.size",
    ),
    _trigger(
        "copies_safe_in",
        "INSERT ON copies",
        _safety("asset_id = NEW.asset_id"),
        f"{_STORED.format(row='NEW')} AND {NOT_IN_BULK}",
    ),
    _trigger(
        "copies_safe_out",
        "DELETE ON copies",
        _safety("asset_id = OLD.asset_id"),
        _STORED.format(row="OLD"),
    ),
    _trigger(
        "copies_safe_again",
        "UPDATE OF asset_id, volume_id, role, state, verified_at ON copies",
        _safety("asset_id IN (OLD.asset_id, NEW.asset_id)"),
        f"({_SAFETY_CHANGED}) AND {LEFT_OR_NOT_IN_BULK}",
    ),
    # Which volumes share a device changes only where another volume has one of the two.
    _trigger(
        "volumes_safe_again",
        "UPDATE OF device_id ON volumes",
        _safety("asset_id IN (SELECT asset_id FROM copies WHERE volume_id = NEW.volume_id)"),
        "OLD.device_id IS NOT NEW.device_id AND EXISTS (SELECT 1 FROM volumes AS other WHERE"
        " other.volume_id <> NEW.volume_id AND other.device_id IN (OLD.device_id, NEW.device_id))",
    ),
    *(
        _trigger(
            f"volume_shadows_safe_{word}",
            f"{event} ON volume_shadows",
            _safety(f"asset_id IN {SHOWN_TWICE.format(pair=pair)}"),
        )
        for word, event, pair in (("in", "INSERT", "NEW"), ("out", "DELETE", "OLD"))
    ),
)

RECOUNT: tuple[str, ...] = (
    "DELETE FROM clip_places",
    "DELETE FROM volume_counts",
    "DELETE FROM asset_safety",
    """
    INSERT INTO volume_counts (volume_id, copies, bytes, missing, damaged)
    SELECT volumes.volume_id, count(copy_id), coalesce(sum(size), 0),
           coalesce(sum(copies.state = 'missing'), 0), coalesce(sum(copies.state = 'damaged'), 0)
    FROM volumes LEFT JOIN copies USING (volume_id) GROUP BY volumes.volume_id
    """,
    f"""
    INSERT INTO clip_places (volume_id, clip_id, files, lost)
    SELECT volume_id, clip_id, count(*), sum(state <> 'present')
    FROM clip_files JOIN copies USING (asset_id) WHERE clip_files.{_ESSENTIAL} GROUP BY volume_id, clip_id
    """,
    "INSERT INTO asset_safety (asset_id, asset_size) SELECT asset_id, size FROM assets",
    _safety("1"),
)
"""Statements that count everything from the data again; run in one transaction."""

ENTERED: tuple[str, ...] = (
    """
    UPDATE volume_counts SET copies = volume_counts.copies + new.copies, bytes = bytes + new.size,
           missing = volume_counts.missing + new.missing, damaged = volume_counts.damaged + new.damaged
    FROM (SELECT volume_id, count(*) AS copies, sum(size) AS size, sum(state = 'missing') AS missing,
                 sum(state = 'damaged') AS damaged
          FROM copies_in_bulk CROSS JOIN copies USING (copy_id) GROUP BY volume_id) AS new
    WHERE volume_counts.volume_id = new.volume_id
    """,
    f"""
    INSERT INTO clip_places (volume_id, clip_id, files, lost)
    SELECT volume_id, clip_id, count(*), sum(state <> 'present')
    FROM copies_in_bulk CROSS JOIN copies USING (copy_id) CROSS JOIN clip_files USING (asset_id)
    WHERE clip_files.{_ESSENTIAL} GROUP BY volume_id, clip_id
    ON CONFLICT (volume_id, clip_id)
    DO UPDATE SET files = files + excluded.files, lost = lost + excluded.lost
    """,
    _safety(
        "asset_id IN (SELECT asset_id FROM copies_in_bulk CROSS JOIN copies USING (copy_id)"
        f" WHERE {_STORED.format(row='copies')})"
    ),
)
"""Statements that count the copies in ``copies_in_bulk``, none of which was there before."""

_PLACES_MOVED = f"""
    SELECT move.volume_id, clip_id, 1 AS files, move.state <> 'present' AS lost
    FROM temp.moves AS move JOIN clip_files USING (asset_id) WHERE clip_files.{_ESSENTIAL}
    UNION ALL
    SELECT was_volume, clip_id, -1, -(was_state <> 'present')
    FROM temp.moves JOIN clip_files USING (asset_id) WHERE clip_files.{_ESSENTIAL}
"""

MOVED: tuple[str, ...] = (
    """
    UPDATE volume_counts SET copies = volume_counts.copies + moved.copies, bytes = bytes + moved.size,
           missing = volume_counts.missing + moved.missing, damaged = volume_counts.damaged + moved.damaged
    FROM (SELECT volume_id, sum(copies) AS copies, sum(size) AS size, sum(missing) AS missing,
                 sum(damaged) AS damaged
          FROM (SELECT volume_id, 1 AS copies, size, state = 'missing' AS missing,
                       state = 'damaged' AS damaged
                FROM temp.moves
                UNION ALL
                SELECT was_volume, -1, -was_size, -(was_state = 'missing'), -(was_state = 'damaged')
                FROM temp.moves)
          GROUP BY volume_id) AS moved
    WHERE volume_counts.volume_id = moved.volume_id
    """,
    f"""
    INSERT INTO clip_places (volume_id, clip_id, files, lost)
    SELECT volume_id, clip_id, sum(files), sum(lost) FROM ({_PLACES_MOVED}) WHERE true
    GROUP BY volume_id, clip_id HAVING sum(files) <> 0 OR sum(lost) <> 0
    ON CONFLICT (volume_id, clip_id)
    DO UPDATE SET files = files + excluded.files, lost = lost + excluded.lost
    """,
    """
    DELETE FROM clip_places WHERE files = 0 AND (volume_id, clip_id) IN
        (SELECT was_volume, clip_id FROM temp.moves JOIN clip_files USING (asset_id))
    """,
    _safety("asset_id IN (SELECT asset_id FROM temp.moves)"),
)
"""Statements that count what changed for the copies in ``temp.moves``, see :mod:`engine.storage.moving`."""
