"""The global config database: library registry, settings, presets."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    """
    CREATE TABLE libraries (
        library_id     TEXT PRIMARY KEY,
        name           TEXT NOT NULL,
        root           BLOB NOT NULL UNIQUE,
        cache_root     BLOB NOT NULL,
        created_at     TEXT NOT NULL,
        last_opened_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    """
    CREATE TABLE presets (
        preset_id   INTEGER PRIMARY KEY,
        name        TEXT NOT NULL UNIQUE COLLATE NOCASE,
        description TEXT NOT NULL DEFAULT '',
        is_system   INTEGER NOT NULL DEFAULT 0,
        body        TEXT NOT NULL,
        created_at  TEXT NOT NULL
    ) STRICT
    """,
    # Names that presets had, as recipes of libraries that were away then may still say.
    """
    CREATE TABLE preset_names (
        was       TEXT PRIMARY KEY COLLATE NOCASE,
        preset_id INTEGER NOT NULL REFERENCES presets ON DELETE CASCADE
    ) STRICT
    """,
    "CREATE INDEX preset_names_by_preset ON preset_names (preset_id)",
)
