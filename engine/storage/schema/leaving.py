"""Leaving: recipes, runs, their outputs and segments."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    """
    CREATE TABLE recipes (
        recipe_id  TEXT PRIMARY KEY,
        name       TEXT NOT NULL UNIQUE COLLATE NOCASE,
        spec       TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE runs (
        run_id             TEXT PRIMARY KEY,
        recipe_id          TEXT REFERENCES recipes ON DELETE SET NULL,
        job_id             TEXT NOT NULL UNIQUE REFERENCES jobs ON DELETE CASCADE,
        name               TEXT NOT NULL,
        recipe_name        TEXT NOT NULL,
        snapshot           TEXT NOT NULL,
        plan               TEXT,
        frames_total       INTEGER,
        frames_done        INTEGER NOT NULL DEFAULT 0,
        output_path        BLOB,
        output_size        INTEGER,
        output_duration_ms INTEGER,
        output_blake3      TEXT,
        thumbnail          BLOB,
        segments_reused    INTEGER NOT NULL DEFAULT 0,
        resumed_from       TEXT REFERENCES runs ON DELETE SET NULL,
        error_category     TEXT,
        error_details      TEXT,
        created_at         TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX runs_by_time ON runs (created_at)",
    "CREATE INDEX runs_by_output ON runs (output_path) WHERE output_path IS NOT NULL",
    "CREATE INDEX runs_by_resumed ON runs (resumed_from) WHERE resumed_from IS NOT NULL",
    """
    CREATE TABLE run_outputs (
        run_id      TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        position    INTEGER NOT NULL,
        clip_id     TEXT REFERENCES clips ON DELETE SET NULL,
        path        BLOB,
        status      TEXT NOT NULL DEFAULT 'queued' CHECK (status IN
                    ('queued', 'running', 'completed', 'skipped', 'failed', 'cancelled')),
        size        INTEGER,
        duration_ms INTEGER,
        frames      INTEGER,
        blake3      TEXT,
        error       TEXT,
        -- What the verification found, as JSON: level, checks, quality, problems.
        verification TEXT,
        PRIMARY KEY (run_id, position)
    ) STRICT
    """,
    "CREATE INDEX run_outputs_by_clip ON run_outputs (clip_id) WHERE clip_id IS NOT NULL",
    "CREATE INDEX run_outputs_by_path ON run_outputs (path) WHERE path IS NOT NULL",
    """
    CREATE TABLE segments (
        segment_id   INTEGER PRIMARY KEY,
        run_id       TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        output       INTEGER NOT NULL DEFAULT 0,
        position     INTEGER NOT NULL,
        kind         TEXT NOT NULL DEFAULT 'video' CHECK (kind IN ('video', 'audio')),
        fingerprint  TEXT NOT NULL,
        frames       INTEGER NOT NULL,
        status       TEXT NOT NULL DEFAULT 'queued' CHECK (status IN
                     ('queued', 'running', 'completed', 'skipped', 'failed', 'cancelled')),
        reused       INTEGER NOT NULL DEFAULT 0,
        attempts     INTEGER NOT NULL DEFAULT 0,
        file         BLOB,
        size         INTEGER,
        blake3       TEXT,
        extradata    TEXT,
        digest       TEXT,
        error        TEXT,
        started_at   TEXT,
        completed_at TEXT,
        UNIQUE (run_id, output, kind, position)
    ) STRICT
    """,
    "CREATE INDEX segments_by_fingerprint ON segments (fingerprint, status)",
)
