"""The library database: every table, drawn once, and the migrations that lead there.

::

    devices ─< volumes ─< copies >─ assets ─< clip_files >─ clips ─< clip_tags >─ tags
                 │           │                               │
          volume_events   relinks                          cards
                             │
    relink_sessions ─< candidates

    batches ─< batch_items ── jobs ─< tasks ─< transfers, task_blocks
                    │           └──< job_log
    recipes ─< runs ┴─< segments
                 └───< run_outputs          audit, watch_folders, engine

Conventions: names and paths are BLOBs (exact bytes); paths are relative to the
volume's root, without a leading slash; times are UTC ISO 8601 text; sizes are
bytes; flags are 0, 1 or NULL for unknown; JSON columns hold one object.
One fact has one place: a batch's numbers come from its items, a run's status
is its job's, a copy's online state comes from its volume's row, so that a
remount changes one row whatever the number of clips.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

LIBRARY_TABLES: tuple[str, ...] = (
    """
    CREATE TABLE library (
        library_id TEXT PRIMARY KEY,
        name       TEXT NOT NULL,
        mode       TEXT NOT NULL CHECK (mode IN ('copy', 'reference')),
        created_at TEXT NOT NULL
    ) STRICT
    """,
    # -- where things are ---------------------------------------------------
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
        first_seen_at TEXT NOT NULL,
        last_seen_at  TEXT NOT NULL,
        offline_since TEXT
    ) STRICT
    """,
    "CREATE INDEX volumes_by_uuid ON volumes (fs_uuid)",
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
    # -- what there is ------------------------------------------------------
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
    "CREATE UNIQUE INDEX assets_by_content ON assets (size, blake3) WHERE blake3 IS NOT NULL",
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
    # -- what is done -------------------------------------------------------
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
        waiting_for TEXT,
        error       TEXT,
        result      TEXT,
        created_by  TEXT NOT NULL,
        created_at  TEXT NOT NULL,
        started_at  TEXT,
        progress_at TEXT,
        ended_at    TEXT
    ) STRICT
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
        error          TEXT,
        started_at     TEXT,
        ended_at       TEXT,
        UNIQUE (batch_id, source)
    ) STRICT
    """,
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
        started_at TEXT,
        ended_at   TEXT,
        UNIQUE (job_id, item_id, name)
    ) STRICT
    """,
    "CREATE INDEX tasks_by_job ON tasks (job_id, status, position)",
    "CREATE INDEX tasks_by_position ON tasks (job_id, item_id, position, task_id)",
    """
    CREATE TABLE transfers (
        transfer_id INTEGER PRIMARY KEY,
        task_id     INTEGER NOT NULL REFERENCES tasks ON DELETE CASCADE,
        volume_id   TEXT NOT NULL REFERENCES volumes,
        path        BLOB NOT NULL,
        temp        BLOB,
        status      TEXT NOT NULL DEFAULT 'queued' CHECK (status IN
                    ('queued', 'running', 'completed', 'skipped', 'failed', 'cancelled')),
        stage       TEXT,
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
    # -- finding again ------------------------------------------------------
    """
    CREATE TABLE relink_sessions (
        session_id    TEXT PRIMARY KEY,
        job_id        TEXT REFERENCES jobs ON DELETE SET NULL,
        volume_id     TEXT REFERENCES volumes ON DELETE SET NULL,
        scan_path     BLOB NOT NULL,
        status        TEXT NOT NULL CHECK (status IN
                      ('scanning', 'matching', 'completed', 'cancelled', 'failed')),
        files_scanned INTEGER NOT NULL DEFAULT 0,
        files_hashed  INTEGER NOT NULL DEFAULT 0,
        offline       INTEGER NOT NULL DEFAULT 0,
        error         TEXT,
        created_at    TEXT NOT NULL,
        completed_at  TEXT
    ) STRICT
    """,
    """
    CREATE TABLE candidates (
        candidate_id INTEGER PRIMARY KEY,
        session_id   TEXT NOT NULL REFERENCES relink_sessions ON DELETE CASCADE,
        clip_id      TEXT REFERENCES clips ON DELETE CASCADE,
        copy_id      INTEGER NOT NULL REFERENCES copies ON DELETE CASCADE,
        volume_id    TEXT NOT NULL REFERENCES volumes,
        path         BLOB NOT NULL,
        size         INTEGER NOT NULL,
        mtime_ns     INTEGER NOT NULL,
        inode        INTEGER,
        match_type   TEXT NOT NULL,
        confidence   REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
        certain      INTEGER NOT NULL DEFAULT 0,
        evidence     TEXT NOT NULL,
        status       TEXT NOT NULL DEFAULT 'pending' CHECK (status IN
                     ('pending', 'later', 'applied', 'rejected', 'skipped')),
        created_at   TEXT NOT NULL,
        decided_at   TEXT,
        decided_by   TEXT,
        UNIQUE (session_id, copy_id, volume_id, path)
    ) STRICT
    """,
    # These two hold all that the relink screen sorts and filters by, so that a
    # list of 100,000 candidates is read from the index alone.
    "CREATE INDEX candidates_by_clip ON candidates (clip_id, copy_id, confidence DESC, candidate_id, status)",
    "CREATE INDEX candidates_by_confidence ON candidates (confidence DESC, clip_id, candidate_id, status)",
    "CREATE INDEX candidates_by_status ON candidates (status, confidence DESC, candidate_id)",
    "CREATE INDEX candidates_by_copy ON candidates (copy_id, status)",
    "CREATE INDEX candidates_by_place ON candidates (volume_id, path, status)",
    """
    CREATE TABLE relinks (
        relink_id    INTEGER PRIMARY KEY,
        candidate_id INTEGER REFERENCES candidates ON DELETE SET NULL,
        copy_id      INTEGER NOT NULL REFERENCES copies ON DELETE CASCADE,
        before       TEXT NOT NULL,
        after        TEXT NOT NULL,
        at           TEXT NOT NULL,
        undone_at    TEXT
    ) STRICT
    """,
    "CREATE INDEX relinks_by_copy ON relinks (copy_id, relink_id)",
    "CREATE INDEX relinks_by_candidate ON relinks (candidate_id)",
    # -- leaving ------------------------------------------------------------
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
    "CREATE INDEX runs_by_time ON runs (created_at DESC, run_id)",
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
        PRIMARY KEY (run_id, position)
    ) STRICT
    """,
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
    # -- the house ----------------------------------------------------------
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
    # What a copy is for a person: its own state, seen through its volume's.
    """
    CREATE VIEW copy_states AS
    SELECT copies.*,
           CASE WHEN volumes.state IN ('offline', 'conflict') THEN 'offline'
                WHEN copies.state = 'present' THEN 'online'
                ELSE copies.state END AS seen_as,
           volumes.name AS volume_name, volumes.mount_point, volumes.mount_root,
           volumes.mounts, volumes.state AS volume_state, volumes.device_id
    FROM copies JOIN volumes USING (volume_id)
    """,
    # What a clip is for a person: the worst of its parts, each seen through its
    # best copy. The card it came from counts only while there is nothing else:
    # a card is not storage.
    """
    CREATE VIEW clip_states AS
    SELECT clip_id, CASE min(best) WHEN 3 THEN 'online' WHEN 2 THEN 'offline'
                                   WHEN 1 THEN 'damaged' ELSE 'missing' END AS state
    FROM (SELECT clip_id, role, position,
                 coalesce(max(CASE WHEN copy_role <> 'source' THEN rank END), max(rank), 0) AS best
          FROM (SELECT clip_files.clip_id, clip_files.role, clip_files.position,
                       copy_states.role AS copy_role,
                       CASE copy_states.seen_as WHEN 'online' THEN 3 WHEN 'offline' THEN 2
                                                WHEN 'damaged' THEN 1 ELSE 0 END AS rank
                FROM clip_files LEFT JOIN copy_states USING (asset_id)
                WHERE clip_files.role IN ('essence', 'span', 'audio'))
          GROUP BY clip_id, role, position)
    GROUP BY clip_id
    """,
)

library_migrations = Migrations("rushes-library")


@library_migrations(name="0001_spine")
def _spine(db: Database) -> None:
    for statement in LIBRARY_TABLES:
        db.execute(statement)


CONFIG_TABLES: tuple[str, ...] = (
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
)

config_migrations = Migrations("rushes-config")


@config_migrations(name="0001_spine")
def _config_spine(db: Database) -> None:
    for statement in CONFIG_TABLES:
        db.execute(statement)
