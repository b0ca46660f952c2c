"""Finding again: relink sessions, candidates, and the verdicts that can be undone."""

from __future__ import annotations

WORDS_OF = (
    "CAST(coalesce((SELECT title FROM clips WHERE clips.clip_id = {clip_id}), '')"
    " || char(10) || {path} AS BLOB)"
)
"""What a text filter looks at: the clip's title, and the path as it is."""

_WORDS = WORDS_OF.format(clip_id="candidates.clip_id", path="path")

_SHOWN_FIRST = (
    "CASE {row}status WHEN 'applied' THEN 0 WHEN 'rejected' THEN 2 WHEN 'skipped' THEN 3 ELSE 1 END,"
    " {row}certain DESC, {row}confidence DESC, {row}candidate_id DESC"
)

_SHADOW = """
        UPDATE candidates SET shadowed = NOT shadowed
         WHERE copy_id = {row}.copy_id AND volume_id = {row}.volume_id AND path = {row}.path
           AND shadowed = (candidate_id = (SELECT same.candidate_id FROM candidates AS same
               WHERE same.copy_id = {row}.copy_id AND same.volume_id = {row}.volume_id
                 AND same.path = {row}.path
               ORDER BY {order} LIMIT 1));
"""


def _shadow(row: str) -> str:
    return _SHADOW.format(row=row, order=_SHOWN_FIRST.format(row="same."))


_NOT_IN_BULK = "NOT EXISTS (SELECT 1 FROM candidates_in_bulk)"

TABLES: tuple[str, ...] = (
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
    "CREATE INDEX relink_sessions_by_job ON relink_sessions (job_id) WHERE job_id IS NOT NULL",
    "CREATE INDEX relink_sessions_by_time ON relink_sessions (created_at)",
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
        words        BLOB,
        shadowed     INTEGER NOT NULL DEFAULT 0,
        UNIQUE (volume_id, path, copy_id, session_id)
    ) STRICT
    """,
    # A row within a transaction of :mod:`engine.storage.deciding`, whose statements do once for
    # all what the triggers below do for each candidate. Empty in every committed state.
    "CREATE TABLE candidates_in_bulk (resting INTEGER PRIMARY KEY) STRICT",
    # These two hold all that the relink screen sorts and filters by, so that a
    # list of 100,000 candidates is read from the index alone.
    """
    CREATE INDEX candidates_in_order
        ON candidates (copy_id, confidence DESC, candidate_id, status, shadowed, words)
    """,
    """
    CREATE INDEX candidates_by_confidence
        ON candidates (confidence DESC, copy_id, candidate_id, status, shadowed, words)
    """,
    "CREATE INDEX candidates_by_status ON candidates (status, confidence DESC, candidate_id, shadowed)",
    "CREATE INDEX candidates_by_clip ON candidates (clip_id)",
    "CREATE INDEX candidates_by_session ON candidates (session_id, status, shadowed)",
    # One file that several scans and mappings found for one copy is one row on the screen:
    # the one that was applied, else one that waits, the surest and newest of them.
    f"""
    CREATE TRIGGER candidates_found_again AFTER INSERT ON candidates WHEN {_NOT_IN_BULK} BEGIN
        {_shadow("NEW")}
    END
    """,
    f"""
    CREATE TRIGGER candidates_decided AFTER UPDATE OF status ON candidates
    WHEN OLD.status <> NEW.status AND {_NOT_IN_BULK} BEGIN
        {_shadow("NEW")}
    END
    """,
    f"""
    CREATE TRIGGER candidates_forgotten AFTER DELETE ON candidates BEGIN
        {_shadow("OLD")}
    END
    """,
    # What a text filter looks at: the clip's title, and the path as it is.
    f"""
    CREATE TRIGGER candidates_worded AFTER INSERT ON candidates WHEN NEW.words IS NULL BEGIN
        UPDATE candidates SET words = {_WORDS} WHERE candidate_id = NEW.candidate_id;
    END
    """,
    f"""
    CREATE TRIGGER candidates_worded_again AFTER UPDATE OF title ON clips WHEN OLD.title <> NEW.title BEGIN
        UPDATE candidates SET words = {_WORDS} WHERE clip_id = NEW.clip_id;
    END
    """,
    """
    CREATE TABLE relinks (
        relink_id    INTEGER PRIMARY KEY,
        candidate_id INTEGER REFERENCES candidates ON DELETE SET NULL,
        copy_id      INTEGER NOT NULL REFERENCES copies ON DELETE CASCADE,
        before       TEXT NOT NULL,
        after        TEXT NOT NULL,
        at           TEXT NOT NULL,
        undone_at    TEXT,
        returned_id  INTEGER REFERENCES copies ON DELETE SET NULL,
        left_id      TEXT
    ) STRICT
    """,
    # ``left_id`` is the volume that a copy left for another one, and that may still hold it. Asked for
    # by every drive that comes; an index of the JSON would make each relink twice as dear.
    """
    CREATE INDEX relinks_left ON relinks (left_id, relink_id)
        WHERE left_id IS NOT NULL AND undone_at IS NULL AND returned_id IS NULL
    """,
    "CREATE INDEX relinks_by_returned ON relinks (returned_id) WHERE returned_id IS NOT NULL",
    "CREATE INDEX relinks_by_copy ON relinks (copy_id, relink_id)",
    "CREATE INDEX relinks_by_candidate ON relinks (candidate_id)",
    # What candidates were before they were rejected or put off. ``act`` numbers what somebody decided with
    # one word: what other scans say of that very file went with it, and comes back with it.
    """
    CREATE TABLE verdicts_before (
        act          INTEGER NOT NULL,
        candidate_id INTEGER NOT NULL REFERENCES candidates ON DELETE CASCADE,
        status       TEXT NOT NULL,
        decided_at   TEXT,
        decided_by   TEXT,
        PRIMARY KEY (candidate_id, act)
    ) STRICT
    """,
    "CREATE INDEX verdicts_before_by_act ON verdicts_before (act)",
    # Verdicts that were taken back and can be given again, the newest with the highest number.
    """
    CREATE TABLE undone_verdicts (
        undone_id    INTEGER PRIMARY KEY,
        candidate_id INTEGER NOT NULL UNIQUE REFERENCES candidates ON DELETE CASCADE,
        verdict      TEXT NOT NULL CHECK (verdict IN ('applied', 'rejected', 'later')),
        undone_at    TEXT NOT NULL
    ) STRICT
    """,
    # Whatever is decided anew ends what could be given again; an undo enters its row after this.
    """
    CREATE TRIGGER verdict_given AFTER UPDATE OF status ON candidates
    WHEN NEW.status IN ('applied', 'rejected', 'later')
    BEGIN DELETE FROM undone_verdicts WHERE candidate_id = NEW.candidate_id; END
    """,
)

RULES: tuple[str, ...] = (
    """
    CREATE TABLE prefix_rules (
        rule_id    INTEGER PRIMARY KEY,
        old        BLOB NOT NULL,
        new        BLOB NOT NULL,
        created_at TEXT NOT NULL,
        dropped_at TEXT,
        UNIQUE (old, new)
    ) STRICT
    """,
)
"""Mappings that were kept: applied to what a later sweep finds missing, where the policy says so.

One that was dropped stays with ``dropped_at``, so that it can be kept again as it was.
"""

SHADOWED = f"""
    UPDATE candidates SET shadowed = NOT shadowed WHERE candidate_id IN
        (SELECT candidate_id FROM
            (SELECT candidate_id, shadowed, 1 < row_number() OVER
                    (PARTITION BY copy_id, volume_id, path ORDER BY {_SHOWN_FIRST.format(row="")}) AS behind
             FROM candidates WHERE copy_id IN
                 (SELECT copy_id FROM candidates WHERE copy_id IN (SELECT copy_id FROM temp.touched)
                  GROUP BY copy_id HAVING count(*) > 1))
         WHERE shadowed <> behind)
"""
"""Settles ``shadowed`` for the candidates of the copies in ``temp.touched``, as the triggers do for one."""
