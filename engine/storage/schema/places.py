"""Where things are: the library itself, devices, volumes, and what happened to them."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    """
    CREATE TABLE library (
        library_id TEXT PRIMARY KEY,
        name       TEXT NOT NULL,
        mode       TEXT NOT NULL CHECK (mode IN ('copy', 'reference')),
        created_at TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE devices (
        device_id     TEXT PRIMARY KEY,
        key           TEXT UNIQUE,
        serial        TEXT,
        wwn           TEXT,
        model         TEXT,
        vendor        TEXT,
        size_bytes    INTEGER,
        first_seen_at TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE volumes (
        volume_id     TEXT PRIMARY KEY,
        device_id     TEXT REFERENCES devices ON DELETE SET NULL,
        name          TEXT NOT NULL,
        kind          TEXT NOT NULL DEFAULT 'file_system' CHECK (kind IN ('file_system', 'stand_in')),
        class         TEXT NOT NULL DEFAULT 'unknown' CHECK (class IN
                      ('system', 'virtual', 'network', 'card', 'removable', 'pool', 'unknown')),
        label         TEXT,
        fs_type       TEXT,
        fs_uuid       TEXT,
        part_uuid     TEXT,
        marker_id     TEXT,
        share         TEXT,
        hardware      TEXT,
        session_key   TEXT,
        settled       TEXT NOT NULL DEFAULT '[]',
        partition_bytes INTEGER,
        size_bytes    INTEGER,
        free_bytes    INTEGER,
        is_network    INTEGER,
        is_removable  INTEGER,
        rotational    INTEGER,
        read_only     INTEGER NOT NULL DEFAULT 0,
        state         TEXT NOT NULL DEFAULT 'online' CHECK (state IN
                      ('online', 'offline', 'not_responding', 'conflict')),
        mount_point   BLOB,
        mount_root    BLOB NOT NULL DEFAULT x'2f',
        mounts        TEXT NOT NULL DEFAULT '[]',
        generation    INTEGER NOT NULL DEFAULT 1,
        tracked_at    TEXT,
        favourite     INTEGER NOT NULL DEFAULT 0,
        colour        TEXT,
        read_rate     INTEGER,
        write_rate    INTEGER,
        speed_at      TEXT,
        low_since     TEXT,
        view_of       TEXT,
        first_seen_at TEXT NOT NULL,
        last_seen_at  TEXT NOT NULL,
        offline_since TEXT
    ) STRICT
    """,
    "CREATE INDEX volumes_by_uuid ON volumes (fs_uuid)",
    # A pool shows the files of its branches: a copy on ``view_id`` may be the very file of one on
    # ``other_id``, or lie on the same device, and counts as no further copy beside it.
    """
    CREATE TABLE volume_shadows (
        view_id  TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE,
        other_id TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE,
        PRIMARY KEY (view_id, other_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE volume_events (
        event_id  INTEGER PRIMARY KEY,
        volume_id TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE,
        at        TEXT NOT NULL,
        kind      TEXT NOT NULL,
        detail    TEXT
    ) STRICT
    """,
    "CREATE INDEX volume_events_by_volume ON volume_events (volume_id, event_id)",
    "CREATE INDEX volume_events_swept ON volume_events (volume_id, at) WHERE kind = 'swept'",
    # What was said of volumes that claim one identity, with their rows as they were before it.
    """
    CREATE TABLE settlements (
        settlement_id INTEGER PRIMARY KEY,
        volume_id     TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE,
        before        TEXT NOT NULL,
        at            TEXT NOT NULL,
        undone_at     TEXT
    ) STRICT
    """,
    # What a tracked volume holds that was never taken in: an offer is a whole new folder, or the new
    # files beside known ones in a folder. How many of its files still wait is counted in ``offered``.
    """
    CREATE TABLE volume_offers (
        offer_id     INTEGER PRIMARY KEY,
        volume_id    TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE,
        path         BLOB NOT NULL,
        whole        INTEGER NOT NULL,
        found_at     TEXT NOT NULL,
        dismissed_at TEXT,
        dismissed_before TEXT NOT NULL DEFAULT '[]',
        UNIQUE (volume_id, path, whole)
    ) STRICT
    """,
    """
    CREATE TABLE offered_files (
        volume_id TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE,
        path      BLOB NOT NULL,
        size      INTEGER NOT NULL,
        mtime_ns  INTEGER NOT NULL,
        offer_id  INTEGER NOT NULL REFERENCES volume_offers ON DELETE CASCADE,
        found_at  TEXT NOT NULL,
        PRIMARY KEY (volume_id, path)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX offered_files_by_offer ON offered_files (offer_id)",
    # Folders that a sweep which was cut off found as recorded: they need no second look.
    """
    CREATE TABLE sweep_marks (
        volume_id TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE,
        folder    BLOB NOT NULL,
        session   TEXT NOT NULL,
        at        TEXT NOT NULL,
        PRIMARY KEY (volume_id, folder)
    ) STRICT, WITHOUT ROWID
    """,
)
