"""The house: watch folders, the audit log, and the engine that is there."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    """
    CREATE TABLE watch_folders (
        watch_id   INTEGER PRIMARY KEY,
        path       BLOB NOT NULL UNIQUE,
        params     TEXT NOT NULL,
        enabled    INTEGER NOT NULL DEFAULT 1,
        created_at TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE audit (
        audit_id   INTEGER PRIMARY KEY,
        at         TEXT NOT NULL,
        who        TEXT NOT NULL,
        command    TEXT NOT NULL,
        target     TEXT,
        job_id     TEXT,
        from_state TEXT,
        to_state   TEXT,
        why        TEXT,
        outcome    TEXT NOT NULL,
        error      TEXT
    ) STRICT
    """,
    # How far each person has read the notices: events up to one, and jobs up to a moment.
    """
    CREATE TABLE notices_seen (
        who      TEXT PRIMARY KEY,
        at       TEXT NOT NULL,
        event_id INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE engine (
        only         INTEGER PRIMARY KEY CHECK (only = 1),
        host         TEXT NOT NULL,
        boot_id      TEXT NOT NULL,
        pid          INTEGER NOT NULL,
        start_time   TEXT NOT NULL,
        started_at   TEXT NOT NULL,
        heartbeat_at TEXT NOT NULL,
        ready        INTEGER NOT NULL DEFAULT 0,
        version      TEXT NOT NULL,
        intent       TEXT CHECK (intent IN ('stop', 'rescan'))
    ) STRICT
    """,
    # Up to which event of volumes an engine has acted: survives the engine.
    """
    CREATE TABLE engine_position (
        only         INTEGER PRIMARY KEY CHECK (only = 1),
        volume_event INTEGER NOT NULL,
        mounts       TEXT NOT NULL DEFAULT '{}'
    ) STRICT
    """,
)

WATCHING: tuple[str, ...] = (
    "ALTER TABLE watch_folders ADD COLUMN error TEXT",
    "ALTER TABLE watch_folders ADD COLUMN looked_at TEXT",
    """
    CREATE TABLE watch_taken (
        watch_id INTEGER NOT NULL REFERENCES watch_folders ON DELETE CASCADE,
        path     BLOB NOT NULL,
        size     INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        PRIMARY KEY (watch_id, path)
    ) STRICT, WITHOUT ROWID
    """,
)
"""What was taken from each watch folder: remembered over a restart, so that nothing is queued twice."""
