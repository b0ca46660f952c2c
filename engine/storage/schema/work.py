"""What is done: batches, jobs, tasks, transfers, and what they tell."""

from __future__ import annotations

TABLES: tuple[str, ...] = (
    """
    CREATE TABLE batches (
        batch_id   TEXT PRIMARY KEY,
        kind       TEXT NOT NULL CHECK (kind IN ('ingest', 'export')),
        name       TEXT NOT NULL,
        created_at TEXT NOT NULL,
        created_by TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE jobs (
        job_id      TEXT PRIMARY KEY,
        kind        TEXT NOT NULL,
        version     INTEGER NOT NULL DEFAULT 1,
        batch_id    TEXT REFERENCES batches ON DELETE CASCADE,
        title       TEXT NOT NULL,
        params      TEXT NOT NULL,
        resources   TEXT NOT NULL DEFAULT '[]',
        priority    INTEGER NOT NULL DEFAULT 0,
        place       INTEGER NOT NULL DEFAULT 0,
        needs       TEXT NOT NULL DEFAULT '[]',
        status      TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'paused',
                    'completed', 'completed_with_warnings', 'failed', 'cancelled', 'interrupted')),
        intent      TEXT CHECK (intent IN ('pause', 'cancel', 'resume', 'retry')),
        stage       TEXT,
        message     TEXT,
        done        INTEGER NOT NULL DEFAULT 0,
        total       INTEGER,
        bytes_done  INTEGER NOT NULL DEFAULT 0,
        bytes_total INTEGER,
        rate        REAL,
        eta_seconds REAL,
        free_eta_seconds REAL,
        parts       TEXT,
        waiting_for TEXT,
        error       TEXT,
        result      TEXT,
        created_by  TEXT NOT NULL,
        created_at  TEXT NOT NULL,
        started_at  TEXT,
        progress_at TEXT,
        ended_at    TEXT,
        told        INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    "CREATE INDEX jobs_by_end ON jobs (ended_at)",
    "CREATE INDEX jobs_untold ON jobs (ended_at) WHERE told = 0 AND ended_at IS NOT NULL",
    "CREATE INDEX jobs_of_scans ON jobs (ended_at) WHERE kind = 'relink_scan'",
    """
    CREATE INDEX jobs_warned ON jobs (ended_at)
        WHERE kind = 'ingest' AND json_array_length(result, '$.warnings') > 0
    """,
    "CREATE INDEX jobs_by_status ON jobs (status, priority, created_at)",
    "CREATE INDEX jobs_by_time ON jobs (created_at DESC, job_id, kind, status)",
    """
    CREATE TABLE batch_items (
        item_id        INTEGER PRIMARY KEY,
        batch_id       TEXT NOT NULL REFERENCES batches ON DELETE CASCADE,
        position       INTEGER NOT NULL,
        source         BLOB,
        recipe_id      TEXT REFERENCES recipes ON DELETE SET NULL,
        job_id         TEXT REFERENCES jobs ON DELETE SET NULL,
        status         TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running',
                       'completed', 'skipped', 'failed', 'cancelled')),
        stage          TEXT,
        files_found    INTEGER NOT NULL DEFAULT 0,
        files_ingested INTEGER NOT NULL DEFAULT 0,
        duplicates     INTEGER NOT NULL DEFAULT 0,
        failed         INTEGER NOT NULL DEFAULT 0,
        bytes          INTEGER NOT NULL DEFAULT 0,
        card_id        TEXT REFERENCES cards ON DELETE SET NULL,
        warnings       TEXT,
        freed_at       TEXT,
        error          TEXT,
        started_at     TEXT,
        ended_at       TEXT,
        UNIQUE (batch_id, source)
    ) STRICT
    """,
    "CREATE INDEX batch_items_by_job ON batch_items (job_id) WHERE job_id IS NOT NULL",
    """
    CREATE TABLE tasks (
        task_id    INTEGER PRIMARY KEY,
        job_id     TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE,
        item_id    INTEGER REFERENCES batch_items ON DELETE CASCADE,
        position   INTEGER NOT NULL,
        name       BLOB NOT NULL,
        size       INTEGER,
        mtime_ns   INTEGER,
        inode      INTEGER,
        status     TEXT NOT NULL DEFAULT 'queued' CHECK (status IN
                   ('queued', 'running', 'completed', 'skipped', 'failed', 'cancelled')),
        stage      TEXT,
        asset_id   INTEGER REFERENCES assets,
        attempts   INTEGER NOT NULL DEFAULT 0,
        error_kind TEXT,
        error      TEXT,
        data       TEXT,
        read_seconds REAL,
        hash_seconds REAL,
        first_hash  TEXT,
        second_hash TEXT,
        started_at TEXT,
        ended_at   TEXT,
        UNIQUE (job_id, item_id, name)
    ) STRICT
    """,
    "CREATE INDEX tasks_by_job ON tasks (job_id, status, position)",
    "CREATE INDEX tasks_by_position ON tasks (job_id, item_id, position, task_id)",
    "CREATE INDEX tasks_by_size ON tasks (job_id, size)",
    # Without these two every asset that goes, and every task, is looked for in the whole of another table.
    "CREATE INDEX tasks_by_asset ON tasks (asset_id) WHERE asset_id IS NOT NULL",
    """
    CREATE TABLE transfers (
        transfer_id INTEGER PRIMARY KEY,
        task_id     INTEGER NOT NULL REFERENCES tasks ON DELETE CASCADE,
        volume_id   TEXT NOT NULL REFERENCES volumes,
        path        BLOB NOT NULL,
        hop         INTEGER NOT NULL DEFAULT 1,
        temp        BLOB,
        status      TEXT NOT NULL DEFAULT 'queued' CHECK (status IN
                    ('queued', 'running', 'completed', 'skipped', 'failed', 'cancelled')),
        stage       TEXT,
        written     INTEGER,
        write_seconds REAL,
        reread      INTEGER,
        read_seconds REAL,
        found_hash  TEXT,
        level       TEXT,
        error_kind  TEXT,
        error       TEXT,
        verified_at TEXT,
        UNIQUE (task_id, volume_id, path)
    ) STRICT
    """,
    """
    CREATE TABLE task_blocks (
        task_id  INTEGER NOT NULL REFERENCES tasks ON DELETE CASCADE,
        position INTEGER NOT NULL,
        blake3   TEXT NOT NULL,
        PRIMARY KEY (task_id, position)
    ) STRICT
    """,
    "CREATE INDEX transfers_by_temp ON transfers (temp) WHERE temp IS NOT NULL",
    """
    CREATE TABLE job_log (
        log_id  INTEGER PRIMARY KEY,
        job_id  TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE,
        task_id INTEGER REFERENCES tasks ON DELETE CASCADE,
        at      TEXT NOT NULL,
        level   TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
        message TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX job_log_by_job ON job_log (job_id, log_id)",
    "CREATE INDEX job_log_by_task ON job_log (task_id) WHERE task_id IS NOT NULL",
)
