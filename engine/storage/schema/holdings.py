"""Where the files of each clip lie, in one word: 300,000 clips are asked by a few hundred words.

Whether a clip can be reached, is at risk, or lies on one drive alone follows
from the places of its files and from the volumes' own rows. Very many clips lie
in the same places. Each such constellation is one row of ``clip_sets``; a
question is put to those, and clips are chosen by their ``set_id`` from an index.

``clip_sets.holds`` lists the different parts of a clip, parted by ``|``, each as
``KIND copy copy ...``. KIND is ``e`` for essence and spans, ``a`` for sound of its
own, ``o`` for the others (derivatives do not count). A copy is ``VOLUME:S``; S is
``V`` verified, ``P`` present, ``M`` missing, ``D`` damaged; in lower case it is a card's.
Of a content with very many copies only the first :data:`ENOUGH` are listed.

A set without clips stays: where its clips come back to it, it has the same number again.

``clips.words`` is what a text filter looks at: title, reel, camera model and tags, a line each.
It is part of the indexes of the orders, so that a filter reads one index, once, in the order of the list.

Triggers note in ``clips_dirty`` what may have changed; the end of the write
transaction (:mod:`engine.storage.holdings`) looks at those clips once.
"""

from __future__ import annotations

from engine.storage.schema.tallies import ENOUGH, LEFT_OR_NOT_IN_BULK, NOT_IN_BULK

_STATE = (
    "CASE {row}.state WHEN 'missing' THEN 'M' WHEN 'damaged' THEN 'D'"
    " ELSE CASE WHEN {row}.verified_at IS NULL THEN 'P' ELSE 'V' END END"
)


def _noted(clips: str) -> str:
    """Note the clips that a query names (column ``clip_id``)."""
    return (
        f"INSERT INTO clips_dirty SELECT DISTINCT clip_id FROM ({clips}) AS changed WHERE NOT EXISTS"
        " (SELECT 1 FROM clips_dirty AS noted WHERE noted.clip_id = changed.clip_id);"
    )


def _of(asset: str) -> str:
    return f"SELECT clip_id FROM clip_files WHERE asset_id = {asset} AND role <> 'derivative'"


def _trigger(name: str, event: str, body: str, when: str = "") -> str:
    condition = f" WHEN {when}" if when else ""
    return f"CREATE TRIGGER {name} AFTER {event}{condition} BEGIN {body} END"


TABLES: tuple[str, ...] = (
    """
    CREATE TABLE clip_sets (
        set_id INTEGER PRIMARY KEY,
        holds  TEXT NOT NULL UNIQUE,
        clips  INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    "CREATE TABLE clips_dirty (clip_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    "ALTER TABLE clips ADD COLUMN set_id INTEGER",
    "ALTER TABLE clips ADD COLUMN words TEXT",
    # The orders of the lists; each also holds what chooses clips, so that a list is read from it alone.
    "DROP INDEX clips_by_time",
    "CREATE INDEX clips_by_time ON clips (recorded_at, title, clip_id, set_id, favourite, words)",
    "CREATE INDEX clips_by_recording ON clips (coalesce(recorded_at, created_at), title, clip_id, set_id)",
    "DROP INDEX clips_by_title",
    "CREATE INDEX clips_by_title ON clips (title, clip_id, set_id, favourite, words)",
    "CREATE INDEX clips_by_set ON clips (set_id)",
    _trigger("copies_held_in", "INSERT ON copies", _noted(_of("NEW.asset_id")), NOT_IN_BULK),
    _trigger("copies_held_out", "DELETE ON copies", _noted(_of("OLD.asset_id"))),
    _trigger(
        "copies_held_again",
        "UPDATE OF asset_id, volume_id, role, state, verified_at ON copies",
        _noted(f"{_of('OLD.asset_id')} UNION {_of('NEW.asset_id')}"),
        f"(OLD.asset_id <> NEW.asset_id OR OLD.volume_id <> NEW.volume_id OR OLD.role <> NEW.role"
        f" OR {_STATE.format(row='OLD')} <> {_STATE.format(row='NEW')}) AND {LEFT_OR_NOT_IN_BULK}",
    ),
    _trigger("clip_files_held_in", "INSERT ON clip_files", _noted("SELECT NEW.clip_id AS clip_id")),
    _trigger("clip_files_held_out", "DELETE ON clip_files", _noted("SELECT OLD.clip_id AS clip_id")),
    _trigger(
        "clip_files_held_again",
        "UPDATE OF clip_id, role, asset_id ON clip_files",
        _noted("SELECT OLD.clip_id AS clip_id UNION SELECT NEW.clip_id"),
    ),
    _trigger("clips_held_in", "INSERT ON clips", _noted("SELECT NEW.clip_id AS clip_id")),
    _trigger(
        "clips_worded",
        "UPDATE OF title, reel, camera_model ON clips",
        _noted("SELECT NEW.clip_id AS clip_id"),
    ),
    _trigger("clip_tags_worded_in", "INSERT ON clip_tags", _noted("SELECT NEW.clip_id AS clip_id")),
    _trigger("clip_tags_worded_out", "DELETE ON clip_tags", _noted("SELECT OLD.clip_id AS clip_id")),
    _trigger(
        "tags_worded",
        "UPDATE OF name ON tags",
        _noted("SELECT clip_id FROM clip_tags WHERE tag_id = NEW.tag_id"),
    ),
    _trigger(
        "clips_held_out",
        "DELETE ON clips",
        "UPDATE clip_sets SET clips = clips - 1 WHERE set_id = OLD.set_id;"
        " DELETE FROM clips_dirty WHERE clip_id = OLD.clip_id;",
    ),
    _trigger(
        "clips_held_again",
        "UPDATE OF set_id ON clips",
        "UPDATE clip_sets SET clips = clips - 1 WHERE set_id = OLD.set_id;"
        " UPDATE clip_sets SET clips = clips + 1 WHERE set_id = NEW.set_id;",
        "OLD.set_id IS NOT NEW.set_id",
    ),
)

RECOUNT: tuple[str, ...] = (
    "DELETE FROM clips_dirty",
    "UPDATE clips SET set_id = NULL",
    "DELETE FROM clip_sets",
    "INSERT INTO clips_dirty SELECT clip_id FROM clips",
)
"""Statements after which every clip is looked at again, at the end of the transaction."""

_NOTE = (
    "INSERT OR IGNORE INTO clips_dirty SELECT clip_id FROM {assets} CROSS JOIN clip_files USING (asset_id)"
    " WHERE clip_files.role <> 'derivative'"
)

ENTERED: tuple[str, ...] = (_NOTE.format(assets="copies_in_bulk CROSS JOIN copies USING (copy_id)"),)
"""Notes the clips of the copies in ``copies_in_bulk``."""

MOVED: tuple[str, ...] = (_NOTE.format(assets="temp.moves"),)
"""Notes the clips of the copies in ``temp.moves``, whatever changed of them."""

_COPIES = (
    "coalesce((SELECT group_concat(held, ' ') FROM (SELECT volume_id || ':' ||"
    f" CASE WHEN role = 'source' THEN lower({_STATE.format(row='copies')})"
    f" ELSE {_STATE.format(row='copies')} END AS held"
    f" FROM copies WHERE copies.asset_id = part.asset_id ORDER BY 1 LIMIT {ENOUGH})), '')"
)

_WORDS = (
    "title || char(10) || coalesce(reel, '') || char(10) || coalesce(camera_model, '') || char(10) ||"
    " coalesce((SELECT group_concat(name, char(10)) FROM clip_tags JOIN tags USING (tag_id)"
    " WHERE clip_tags.clip_id = clips.clip_id), '')"
)

SETTLE: tuple[str, ...] = (
    "CREATE TEMP TABLE IF NOT EXISTS fresh (clip_id TEXT PRIMARY KEY, holds TEXT, words TEXT)",
    "DELETE FROM temp.fresh",
    f"""
    INSERT INTO temp.fresh
    SELECT clip_id, coalesce((
        SELECT group_concat(held, '|') FROM (
            SELECT DISTINCT CASE WHEN part.role IN ('essence', 'span') THEN 'e' WHEN part.role = 'audio'
                            THEN 'a' ELSE 'o' END || ' ' || {_COPIES} AS held
            FROM clip_files AS part
            WHERE part.clip_id = clips_dirty.clip_id AND part.role <> 'derivative' ORDER BY 1)), ''),
        {_WORDS}
    FROM clips_dirty JOIN clips USING (clip_id)
    """,
    """
    INSERT INTO clip_sets (holds) SELECT DISTINCT holds FROM temp.fresh
    WHERE NOT EXISTS (SELECT 1 FROM clip_sets WHERE clip_sets.holds = fresh.holds)
    """,
    """
    UPDATE clips SET set_id = clip_sets.set_id, words = fresh.words
    FROM temp.fresh JOIN clip_sets USING (holds)
    WHERE clips.clip_id = fresh.clip_id
    AND (clips.set_id IS NOT clip_sets.set_id OR clips.words IS NOT fresh.words)
    """,
    "DELETE FROM temp.fresh",
    "DELETE FROM clips_dirty",
)
"""Statements that give every noted clip its set and its words."""
