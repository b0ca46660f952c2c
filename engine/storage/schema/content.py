"""What there is: assets, their copies, the cards they came from, clips and tags, and what was put aside."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    """
    CREATE TABLE assets (
        asset_id    INTEGER PRIMARY KEY,
        size        INTEGER NOT NULL CHECK (size >= 0),
        blake3      TEXT,
        fast_hash   TEXT,
        fast_scheme TEXT,
        xxh128      TEXT,
        md5         TEXT,
        sha1        TEXT,
        c4          TEXT,
        media       TEXT,
        probed_at   TEXT,
        probe_tool  TEXT,
        created_at  TEXT NOT NULL
    ) STRICT
    """,
    # The hash first: a content is also asked for by its hash alone.
    "CREATE UNIQUE INDEX assets_by_content ON assets (blake3, size) WHERE blake3 IS NOT NULL",
    "CREATE INDEX assets_by_fast_hash ON assets (size, fast_hash)",
    """
    CREATE TABLE copies (
        copy_id      INTEGER PRIMARY KEY,
        asset_id     INTEGER NOT NULL REFERENCES assets,
        volume_id    TEXT NOT NULL REFERENCES volumes,
        path         BLOB NOT NULL,
        role         TEXT NOT NULL CHECK (role IN ('source', 'managed', 'backup', 'reference', 'export')),
        state        TEXT NOT NULL DEFAULT 'present' CHECK (state IN ('present', 'missing', 'damaged')),
        size         INTEGER NOT NULL,
        mtime_ns     INTEGER NOT NULL,
        inode        INTEGER,
        seen_at      TEXT NOT NULL,
        verified_at  TEXT,
        verify_level TEXT CHECK (verify_level IN ('device re-read', 'cached re-read', 'network re-read')),
        batch_id     TEXT REFERENCES batches ON DELETE SET NULL,
        created_at   TEXT NOT NULL,
        UNIQUE (volume_id, path)
    ) STRICT
    """,
    "CREATE INDEX copies_by_asset ON copies (asset_id)",
    "CREATE INDEX copies_by_volume ON copies (volume_id, asset_id, state)",
    "CREATE INDEX copies_by_verified ON copies (verified_at)",
    "CREATE INDEX copies_by_batch ON copies (batch_id)",
    "CREATE INDEX copies_lost ON copies (state, volume_id) WHERE state <> 'present'",
    # Files of ours that were put aside on their own volume. ``copy`` is the row of
    # ``copies`` that restoring brings back; ``state`` says which step was begun.
    """
    CREATE TABLE trash (
        trash_id   INTEGER PRIMARY KEY,
        volume_id  TEXT NOT NULL REFERENCES volumes,
        asset_id   INTEGER NOT NULL REFERENCES assets,
        path       BLOB NOT NULL,
        kept       BLOB NOT NULL,
        size       INTEGER NOT NULL,
        copy       TEXT NOT NULL,
        state      TEXT NOT NULL CHECK (state IN ('leaving', 'trashed', 'returning', 'ending')),
        trashed_at TEXT NOT NULL,
        trashed_by TEXT NOT NULL,
        UNIQUE (volume_id, kept)
    ) STRICT
    """,
    # What a kill cut off is asked for before each look at the trash; the others are orders of its list.
    "CREATE INDEX trash_unsettled ON trash (state) WHERE state <> 'trashed'",
    "CREATE INDEX trash_by_size ON trash (size DESC, trash_id, state, volume_id)",
    "CREATE INDEX trash_by_path ON trash (path, trash_id, state, volume_id)",
    """
    CREATE TABLE cards (
        card_id      TEXT PRIMARY KEY,
        kind         TEXT NOT NULL,
        label        TEXT NOT NULL,
        listing_hash TEXT NOT NULL UNIQUE,
        files        INTEGER NOT NULL,
        bytes        INTEGER NOT NULL,
        volume_id    TEXT REFERENCES volumes ON DELETE SET NULL,
        first_seen_at TEXT NOT NULL,
        last_seen_at  TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE clips (
        clip_id            TEXT PRIMARY KEY,
        title              TEXT NOT NULL,
        kind               TEXT NOT NULL CHECK (kind IN ('video', 'audio', 'image', 'other')),
        asset_id           INTEGER NOT NULL REFERENCES assets,
        card_id            TEXT REFERENCES cards ON DELETE SET NULL,
        batch_id           TEXT REFERENCES batches ON DELETE SET NULL,
        duration_ms        INTEGER,
        width              INTEGER,
        height             INTEGER,
        fps                REAL,
        codec              TEXT,
        timecode           TEXT,
        reel               TEXT,
        camera_make        TEXT,
        camera_model       TEXT,
        camera_serial      TEXT,
        recorded_at        TEXT,
        recorded_at_source TEXT,
        warnings           TEXT,
        favourite          INTEGER NOT NULL DEFAULT 0,
        notes              TEXT,
        created_at         TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX clips_by_asset ON clips (asset_id)",
    "CREATE INDEX clips_by_time ON clips (recorded_at, title)",
    """
    CREATE TABLE clip_files (
        clip_id  TEXT NOT NULL REFERENCES clips ON DELETE CASCADE,
        role     TEXT NOT NULL CHECK (role IN
                 ('essence', 'span', 'audio', 'sidecar', 'proxy', 'thumbnail', 'derivative')),
        position INTEGER NOT NULL,
        asset_id INTEGER NOT NULL REFERENCES assets,
        name     BLOB NOT NULL,
        PRIMARY KEY (clip_id, role, position)
    ) STRICT
    """,
    "CREATE INDEX clip_files_by_asset ON clip_files (asset_id)",
    """
    CREATE TABLE tags (
        tag_id INTEGER PRIMARY KEY,
        name   TEXT NOT NULL UNIQUE COLLATE NOCASE,
        colour TEXT
    ) STRICT
    """,
    """
    CREATE TABLE clip_tags (
        clip_id  TEXT NOT NULL REFERENCES clips ON DELETE CASCADE,
        tag_id   INTEGER NOT NULL REFERENCES tags ON DELETE CASCADE,
        added_at TEXT NOT NULL,
        PRIMARY KEY (clip_id, tag_id)
    ) STRICT
    """,
)
