"""Job and task rows: one statement claims, one transaction changes, every transition is audited."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import IllegalTransition, NotFound, Refused
from engine.jobs import states
from engine.names import display
from engine.storage import audit
from engine.storage.database import Row, execute, row, rows, scalar, write

QUEUE_ORDER = "priority DESC, place, created_at, job_id"
"""Order in which waiting jobs are started."""

PRIORITIES = {"low": -1, "normal": 0, "high": 1, "urgent": 10}
"""Words for the order in the queue, from the last to the first, and their numbers in the table."""


def priority_word(number: int) -> str:
    """The word of a number of the table; of one between two words, the lower."""
    words = [word for word, least in PRIORITIES.items() if least <= number]
    return words[-1] if words else "low"


@dataclass(frozen=True)
class Job:
    """One job row, with JSON decoded. ``total`` and ``eta_seconds`` are None while unknown.

    ``place`` orders jobs of the same priority (lower first); ``needs`` is the room that it will take, see
    :mod:`engine.jobs.room`; ``progress_at`` is when it last advanced; ``told`` says whether the end of the
    job was followed by what the settings ask for, see :mod:`engine.supervisor.aftermath`.

    ``free_eta_seconds`` is the time until the sources of an ingest are no longer needed, None while that is
    unknown and once it is over; ``parts`` is how fast each part of the job works, see
    :mod:`engine.ingest.carrying.pace` (JSON text, None when the job has no parts).
    """

    job_id: str
    kind: str
    version: int
    batch_id: str | None
    title: str
    params: dict[str, Any]
    resources: tuple[str, ...]
    priority: int
    place: int
    needs: list[dict[str, Any]]
    status: str
    intent: str | None
    stage: str | None
    message: str | None
    done: int
    total: int | None
    bytes_done: int
    bytes_total: int | None
    rate: float | None
    eta_seconds: float | None
    free_eta_seconds: float | None
    parts: str | None
    waiting_for: str | None
    error: str | None
    result: dict[str, Any] | None
    created_by: str
    created_at: str
    started_at: str | None
    progress_at: str | None
    ended_at: str | None
    told: int

    @property
    def progress(self) -> float | None:
        """Share done, 0..1, by bytes when they are known, else by items; None while totals are unknown."""
        if self.status == "completed":
            return 1.0
        if self.bytes_total:
            return min(1.0, self.bytes_done / self.bytes_total)
        if self.total:
            return min(1.0, self.done / self.total)
        return None


def create(
    db: Database,
    kind: str,
    title: str,
    params: dict[str, Any],
    *,
    batch_id: str | None = None,
    resources: tuple[str, ...] = (),
    priority: int = 0,
    job_id: str | None = None,
    needs: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Queue a job; the engine takes it up. Returns its id (UUID).

    Args:
        db: the library's database.
        kind: a key of the engine's handler table.
        title: one line for people; names in it already escaped.
        params: JSON object that the handler understands.
        batch_id: the batch it works for.
        resources: things of which it needs the only use while it runs, e.g.
            ``device:8:0`` or ``encoder``; jobs that share one run in turn.
        priority: order in the queue, higher first; then age.
        job_id: given when the id had to be known beforehand.
        needs: room that it will take on volumes, see :mod:`engine.jobs.room`.
    """
    job_id = job_id or str(uuid.uuid4())
    with write(db):
        db.execute(
            "INSERT INTO jobs (job_id, kind, batch_id, title, params, resources, priority, place, needs,"
            " created_by, created_at) VALUES (?, ?, ?, ?, ?, ?, ?,"
            " (SELECT coalesce(max(place), 0) + 1 FROM jobs WHERE status = 'pending'), ?, ?, ?)",
            (
                job_id,
                kind,
                batch_id,
                title,
                json.dumps(params),
                json.dumps(list(resources)),
                priority,
                json.dumps([dict(need) for need in needs]),
                audit.who(),
                clock.now(),
            ),
        )
        audit.record(db, f"{kind} queued", target=title, job_id=job_id, to_state="pending")
    return job_id


def get(db: Database, job_id: str) -> Job:
    """Return one job by its full id.

    Raises:
        NotFound: there is no such job.
    """
    found = row(db, "SELECT * FROM jobs WHERE job_id = ?", (job_id,))
    if found is None:
        raise NotFound(f"There is no job {display(job_id)}.")
    return from_row(found)


def find(db: Database, given: str) -> Job:
    """Return the job with this id, or the only one whose id begins with it (8 characters or more).

    Raises:
        NotFound: none fits.
        Refused: several fit; they are listed.
    """
    full = resolve(db, "jobs", "job_id", given, "job")
    return get(db, full)


def resolve(db: Database, table: str, column: str, given: str, noun: str) -> str:
    """Return the full id of the row whose ``column`` equals ``given`` or begins with it.

    A prefix needs 8 characters or more; letter case does not matter.

    Raises:
        NotFound: none fits.
        Refused: several fit; the candidates are listed.
    """
    exact = scalar(db, f"SELECT {column} FROM {table} WHERE {column} = ?", (given,))
    if exact is not None:
        return str(exact)
    wanted = given.lower()
    if len(wanted) >= 8 and all(c in "0123456789abcdef-" for c in wanted):
        fits = [
            str(found[column])
            for found in rows(
                db, f"SELECT {column} FROM {table} WHERE {column} LIKE ? LIMIT 9", (f"{wanted}%",)
            )
        ]
        if len(fits) == 1:
            return fits[0]
        if fits:
            raise Refused(f"{display(given)} fits several {noun}s: {', '.join(fits)}.")
    raise NotFound(f"There is no {noun} {display(given)}.")


def list_jobs(db: Database, statuses: tuple[str, ...] = (), limit: int = 1000) -> list[Job]:
    """Jobs, the newest first; ``statuses`` empty means all."""
    marks = ", ".join("?" * len(statuses))
    where = f"WHERE status IN ({marks})" if statuses else ""
    return [
        from_row(found)
        for found in rows(
            db, f"SELECT * FROM jobs {where} ORDER BY created_at DESC, job_id LIMIT ?", (*statuses, limit)
        )
    ]


def from_row(found: Row) -> Job:
    """Decode a row of the table ``jobs``."""
    return Job(
        **{
            **found,
            "params": json.loads(found["params"]),
            "resources": tuple(json.loads(found["resources"])),
            "needs": json.loads(found["needs"]),
            "result": json.loads(found["result"]) if found["result"] else None,
        }
    )


def transition(
    db: Database,
    job_id: str,
    after: str,
    *,
    why: str | None = None,
    error: str | None = None,
    result: dict[str, Any] | None = None,
    by: str | None = None,
) -> None:
    """Change a job's state, in one transaction with its audit row.

    Sets ``started_at`` on the first start, ``ended_at`` on an end; leaving an
    end or a pause clears ``error``. The intent that is fulfilled is cleared.

    Raises:
        IllegalTransition: the table in :mod:`engine.jobs.states` forbids it.
        NotFound: there is no such job.
    """
    with write(db):
        job = get(db, job_id)
        states.check_job(job.status, after, job.kind)
        moment = clock.now()
        db.execute(
            "UPDATE jobs SET status = ?, error = ?, waiting_for = NULL, rate = NULL,"
            # Asked to go on before it had paused: it pauses, and goes on.
            " intent = CASE WHEN ? = 'paused' AND intent = 'resume' THEN intent END,"
            " eta_seconds = NULL, free_eta_seconds = NULL, result = COALESCE(?, result),"
            " started_at = CASE WHEN ? = 'running' THEN COALESCE(started_at, ?) ELSE started_at END,"
            " ended_at = ?, told = 0 WHERE job_id = ?",
            (
                after,
                error,
                after,
                json.dumps(result) if result is not None else None,
                after,
                moment,
                moment if after in states.ENDED else None,
                job_id,
            ),
        )
        audit.record(
            db,
            f"{job.kind} {states.spoken(after)}",
            target=job.title,
            job_id=job_id,
            from_state=job.status,
            to_state=after,
            why=why,
            error=error,
            outcome="failed" if after == "failed" else "done",
            by=by,
        )
        _tell(db, job, after, why)


def _tell(db: Database, job: Job, after: str, why: str | None) -> None:
    """Write into a job's log what its work alone does not show: that it stood still, and that it goes on."""
    if after == "running" and job.status != "pending":
        log(db, job.job_id, "info", "What failed is tried again." if why == "retry" else "It goes on.")
    elif after == "interrupted":
        log(db, job.job_id, "warning", f"Interrupted: {why or 'the engine ended'}. What is proven is kept.")
    elif after == "cancelled":
        log(db, job.job_id, "info", "Cancelled.")
    elif after == "paused" and why is None:  # with a reason, whoever pauses it tells that
        log(db, job.job_id, "info", "Paused.")


def request(db: Database, job_id: str, intent: str, *, by: str | None = None) -> None:
    """Write an operator's intent: ``pause``, ``cancel``, ``resume`` or ``retry``. The engine obeys it.

    The job's log tells who asked; ``by`` is given where it was no person, and the log left alone.
    Preconditions are checked here, whoever asks:

    ========  ==============================================================
    pause     running or pending (it is then held in the queue)
    resume    paused, pausing, held or interrupted; a cancelled ingest may be continued
    cancel    anything that has not ended
    retry     failed or completed with warnings
    ========  ==============================================================

    Raises:
        IllegalTransition: the job's state does not allow it; the sentence names the state.
    """
    with write(db):
        job = get(db, job_id)
        allowed = {
            "pause": {"running", "pending"},
            "resume": {"paused", "interrupted"}
            | ({"cancelled"} if job.kind in states.CONTINUABLE_AFTER_CANCEL else set()),
            "cancel": set(states.ACTIVE),
            "retry": {"failed", "completed_with_warnings"},
        }[intent]
        held = intent == "resume" and job.status == "pending" and job.intent == "pause"
        pausing = intent == "resume" and job.status == "running" and job.intent == "pause"
        if job.status not in allowed and not held and not pausing:
            verb = {"pause": "paused", "resume": "resumed", "cancel": "cancelled", "retry": "retried"}[intent]
            audit.record(
                db,
                f"{job.kind} {intent}",
                target=job.title,
                job_id=job_id,
                from_state=job.status,
                outcome="refused",
            )
            refusal = f"This job is {states.spoken(job.status)}; it cannot be {verb}."
        else:
            refusal = None
            db.execute("UPDATE jobs SET intent = ? WHERE job_id = ?", (None if held else intent, job_id))
            audit.record(
                db, f"{job.kind} {intent}", target=job.title, job_id=job_id, from_state=job.status, by=by
            )
            if by is None:
                log(db, job_id, "info", f"Asked to {_ASKED.get(intent, intent)}, by {audit.who()}.")
    if refusal:
        raise IllegalTransition(refusal)


def taken_back(db: Database, job_id: str) -> None:
    """A pause was taken back before the job obeyed it: it works on, and its log says so."""
    with write(db):
        changed = execute(
            db, "UPDATE jobs SET intent = NULL WHERE job_id = ? AND intent = 'resume'", (job_id,)
        )
        if changed:
            log(db, job_id, "info", "The pause was taken back; it works on.")


_ASKED = {"resume": "go on", "retry": "try again"}
"""Intents in words, where the word itself is none."""


def set_priority(db: Database, job_id: str, priority: int) -> None:
    """Change a job's place in the queue. A job that runs is not interrupted for it."""
    execute(db, "UPDATE jobs SET priority = ? WHERE job_id = ?", (priority, job_id))
    audit.record(db, "jobs priority", job_id=job_id, why=str(priority))


def write_progress(db: Database, job_id: str, **changes: Any) -> None:
    """Store progress columns of a job that runs."""
    sets = ", ".join(f"{column} = :{column}" for column in changes)
    execute(db, f"UPDATE jobs SET {sets} WHERE job_id = :job_id", {**changes, "job_id": job_id})


def log(db: Database, job_id: str, level: str, message: str, task_id: int | None = None) -> None:
    """Add a line to a job's log. ``level`` is ``info``, ``warning`` or ``error``."""
    execute(
        db,
        "INSERT INTO job_log (job_id, task_id, at, level, message) VALUES (?, ?, ?, ?, ?)",
        (job_id, task_id, clock.now(), level, message),
    )


def log_lines(db: Database, job_id: str, limit: int = 500) -> list[Row]:
    """The newest ``limit`` log lines of a job, oldest first."""
    found = rows(db, "SELECT * FROM job_log WHERE job_id = ? ORDER BY log_id DESC LIMIT ?", (job_id, limit))
    return found[::-1]


def task_counts(db: Database, job_id: str) -> dict[str, int]:
    """Number of a job's tasks per state."""
    return {
        str(found["status"]): int(found["n"])
        for found in rows(
            db, "SELECT status, count(*) AS n FROM tasks WHERE job_id = ? GROUP BY status", (job_id,)
        )
    }


def set_task(db: Database, task_id: int, after: str, **changes: Any) -> None:
    """Change a task's state, checked, together with further columns (``stage``, ``error``, ``asset_id``).

    Raises:
        IllegalTransition: see :mod:`engine.jobs.states`.
    """
    with write(db):
        before = scalar(db, "SELECT status FROM tasks WHERE task_id = ?", (task_id,))
        if before is None:
            raise NotFound(f"There is no task {task_id}.")
        states.check_task(str(before), after)
        moment = clock.now()
        if after == "running":
            changes = {"started_at": moment, "error": None, "error_kind": None, **changes}
        elif after == "queued":
            changes = {"stage": None, "error": None, "error_kind": None, "ended_at": None, **changes}
        else:
            changes = {"ended_at": moment, **changes}
        sets = ", ".join(f"{column} = :{column}" for column in changes)
        bump = ", attempts = attempts + 1" if after == "running" else ""
        db.execute(
            f"UPDATE tasks SET status = :status{bump}, {sets} WHERE task_id = :task_id",
            {**changes, "status": after, "task_id": task_id},
        )


def interrupt_running(db: Database) -> list[str]:
    """Mark every job found running as interrupted, as an engine does at its start. Returns their ids."""
    with write(db):
        found = [
            str(entry["job_id"]) for entry in rows(db, "SELECT job_id FROM jobs WHERE status = 'running'")
        ]
        for job_id in found:
            transition(db, job_id, "interrupted", why="the engine that ran it is gone", by="engine")
            db.execute(
                "UPDATE batch_items SET status = 'pending' WHERE job_id = ? AND status = 'running'", (job_id,)
            )
        return found


def claimable(db: Database) -> list[Job]:
    """Jobs the engine may start, in queue order: pending ones, and those asked to go on."""
    found = rows(
        db,
        "SELECT * FROM jobs WHERE (status = 'pending' AND (intent IS NULL OR intent = 'resume'))"
        " OR (intent = 'resume' AND status IN ('paused', 'interrupted', 'cancelled'))"
        " OR (intent = 'retry' AND status IN ('failed', 'completed_with_warnings'))"
        f" ORDER BY {QUEUE_ORDER}",
    )
    return [from_row(entry) for entry in found]


__all__ = [
    "PRIORITIES",
    "IllegalTransition",
    "Job",
    "claimable",
    "create",
    "find",
    "from_row",
    "get",
    "interrupt_running",
    "list_jobs",
    "log",
    "log_lines",
    "request",
    "resolve",
    "set_priority",
    "set_task",
    "task_counts",
    "transition",
    "write_progress",
]
