"""An incoming drive is verified against its hash lists as a job of the engine: it outlives the terminal."""

from __future__ import annotations

import json
from typing import Any

from engine import clock
from engine.errors import VolumeGone
from engine.ingest.hashlists import incoming
from engine.jobs import store
from engine.jobs.context import JobContext, JobPaused, Outcome
from engine.library import Library
from engine.names import display, to_blob
from engine.storage.database import rows, scalar, write
from engine.volumes import places

KIND = "mhl_verify"
"""Job kind."""

STORED_AT_ONCE = 64
"""Files whose result is written in one transaction; so many are read again after a crash, no more."""


def queue_incoming(library: Library, path: str) -> str:
    """Queue the verification of everything below a folder; return the job's id.

    Raises:
        NotFound: there is no such folder.
    """
    db = library.db()
    top = places.resolve(path)
    place = places.place_of(db, top)
    return store.create(
        db,
        KIND,
        f"Verify {display(top)} by its hash lists",
        {"path": top, "volume_id": place.volume_id},
        resources=(f"device:{place.device}",),
    )


def run_incoming(job: JobContext) -> Outcome:
    """Handler of job kind ``mhl_verify``. Its result is the document of ``mhl verify``.

    Every file that was read becomes a task, so a resumed job reads the rest
    only. A file that has changed in size or time since it was read is read again.

    Raises:
        JobPaused, JobCancelled, JobStopped: see there. A drive that goes away pauses it.
        NotFound: there is no hash list there.
    """
    done = _Done(job)
    try:
        verdict = incoming.verify(
            job.params["path"],
            check=job.check_now,
            on_file=done.on_file,
            known=done.known,
            on_result=done.keep,
            on_bytes=done.on_bytes,
        )
    except VolumeGone as error:
        raise JobPaused(str(error), waiting_for=job.params["volume_id"]) from error
    except OSError as error:
        raise _gone(job) from error
    finally:
        done.flush()
    if any(finding.kind == "unreadable" for finding in verdict.findings) and _away(job):
        raise _gone(job)
    bad = [finding.kind for finding in verdict.findings]
    return Outcome("completed_with_warnings" if bad else "completed", verdict.to_json())


def _away(job: JobContext) -> bool:
    try:
        return bool(places.place_of(job.db, job.params["path"]).volume_id != job.params["volume_id"])
    except Exception:  # noqa: BLE001 - whatever forbids to look there, the drive cannot be read now
        return True


def _gone(job: JobContext) -> JobPaused:
    sentence = f"{display(job.params['path'])} went away. What was read is kept; the rest waits for it."
    return JobPaused(str(VolumeGone(sentence)), waiting_for=job.params["volume_id"])


class _Done:
    """What was read so far, in the database and not yet there."""

    def __init__(self, job: JobContext) -> None:
        self._job = job
        self._waiting: list[tuple[str, incoming.Result]] = []
        self._bytes = 0
        self.known: dict[str, incoming.Result] = {}
        for task in rows(job.db, "SELECT data FROM tasks WHERE job_id = ?", (job.job_id,)):
            data = json.loads(task["data"])
            self.known[data["path"]] = incoming.Result(
                data["size"], data["mtime_ns"], data["level"], data["form"], data["digest"]
            )
            self._bytes += data["size"]
        last = scalar(job.db, "SELECT max(position) FROM tasks WHERE job_id = ?", (job.job_id,))
        self._position = -1 if last is None else int(last)

    def on_file(self, number: int, total: int, path: str) -> None:
        """A file is about to be read, or was read before."""
        self._job.checkpoint()
        self._job.progress(
            stage="verify", message=display(path), done=number, total=total, bytes_done=self._bytes
        )

    def on_bytes(self, count: int) -> None:
        """Bytes were read."""
        self._bytes += count
        self._job.progress(bytes_done=self._bytes)

    def keep(self, path: str, result: incoming.Result) -> None:
        """A file was read."""
        self._waiting.append((path, result))
        if len(self._waiting) >= STORED_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write down what was read."""
        db, moment = self._job.db, clock.now()
        with write(db):
            for path, result in self._waiting:
                data: dict[str, Any] = {"path": path, **vars(result)}
                self._position += 1
                db.conn.execute(
                    "DELETE FROM tasks WHERE job_id = ? AND name = ?", (self._job.job_id, to_blob(path))
                )
                db.conn.execute(
                    "INSERT INTO tasks (job_id, position, name, size, mtime_ns, status, data, ended_at)"
                    " VALUES (?, ?, ?, ?, ?, 'completed', ?, ?)",
                    (
                        self._job.job_id,
                        self._position,
                        to_blob(path),
                        result.size,
                        result.mtime_ns,
                        json.dumps(data),
                        moment,
                    ),
                )
        self._waiting.clear()
