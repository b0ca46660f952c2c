"""Scrub: copies are read again from their devices, the longest unproven first, and compared."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import RushesError, VolumeGone
from engine.ingest.ends.reach import Pulse, Reach
from engine.ingest.proving.repair import repair_copy
from engine.jobs import store
from engine.jobs.context import JobContext, Outcome
from engine.library import Library
from engine.media import rereading
from engine.names import display, from_blob, json_name, to_blob
from engine.storage.database import Row, execute, rows, scalar, write
from engine.volumes import mounts, places
from engine.volumes.places import Place

BATCH = 100
"""Copies looked up at once."""


def queue_verify(
    library: Library,
    path: str | None = None,
    *,
    budget_seconds: float | None = None,
    priority: int = -1,
    repair: bool = False,
) -> str:
    """Queue a scrub; return the job's id.

    Args:
        library: whose copies are read.
        path: only copies below this folder; None is all that are online.
        budget_seconds: end after the file in hand when so much time has passed; the next
            scrub goes on from there. None is without limit.
        priority: place in the queue; below ingest and export unless said otherwise.
        repair: afterwards make damaged and missing copies anew from good ones.

    Raises:
        NotFound: there is no such path.
    """
    db = library.db()
    place = places.place_of(db, path) if path is not None else None
    return store.create(
        db,
        "verify",
        f"Verify {display(os.path.realpath(path))}" if path is not None else "Verify all copies",
        {
            "volume_id": place.volume_id if place else None,
            "folder": place.path if place else "",
            "budget_seconds": budget_seconds,
            "repair": repair,
        },
        resources=(f"device:{place.device}",) if place else ("verify",),
        priority=priority,
    )


@dataclass
class _Sums:
    checked: int
    size: int
    offline: int = 0


def run_verify(job: JobContext) -> Outcome:
    """Run a scrub: handler of the kind ``verify``. See :class:`engine.jobs.context.Handler`.

    A copy that reads as recorded is verified anew. One that does not is
    ``damaged``: silently when its time is as recorded, else written to since.
    One that is not there is ``missing``, one that cannot be read says nothing
    about its bytes. Copies on volumes that are away are not checked. With
    ``repair`` every damaged or missing copy in scope is then made anew from a
    good one, see :func:`engine.ingest.proving.repair.repair_copy`.

    Parameters: ``volume_id`` and ``folder`` (or ``path``), ``budget_seconds``, ``repair``.

    Raises:
        JobPaused, JobCancelled, JobStopped: see there.
    """
    volume_id, folder = _scope(job)
    budget = job.params.get("budget_seconds")
    begun = time.monotonic()
    since = job.record.started_at or clock.now()
    sums = _Sums(job.record.done, job.record.bytes_done)
    total = _remaining(job.db, volume_id, folder, since, job.job_id)
    job.progress(stage="verify", done=sums.checked, total=sums.checked + total[0], force=True)
    job.progress(bytes_done=sums.size, bytes_total=sums.size + total[1])
    passed: set[int] = set()
    known_places: dict[str, Place | None] = {}
    while batch := _oldest(job.db, volume_id, folder, since, job.job_id, passed):
        for entry in batch:
            job.checkpoint()
            if budget is not None and time.monotonic() - begun >= float(budget) and passed:
                return _finish(job, sums, begun, volume_id, folder)
            passed.add(int(entry["copy_id"]))
            if not _check_one(job, entry, known_places, sums):
                sums.offline += 1
            job.progress(done=sums.checked, bytes_done=sums.size)
    return _finish(job, sums, begun, volume_id, folder)


def _finish(job: JobContext, sums: _Sums, begun: float, volume_id: str | None, folder: str) -> Outcome:
    if job.params.get("repair"):
        _repair_all(job, volume_id, folder)
    return _outcome(job, sums, begun)


def _repair_all(job: JobContext, volume_id: str | None, folder: str) -> None:
    """Repair what is damaged or missing in scope; what came of it is added to the note of each copy."""
    found = rows(
        job.db,
        "SELECT copy_states.* FROM copy_states JOIN assets USING (asset_id)"
        " WHERE copy_states.state IN ('damaged', 'missing') AND role != 'source'"
        f" AND volume_state = 'online' AND blake3 IS NOT NULL{_IN_SCOPE} ORDER BY copy_id",
        _values(volume_id, folder, "", job.job_id),
    )
    for entry in found:
        job.checkpoint()
        shown = display(from_blob(entry["path"]))
        job.progress(stage="repair", message=shown, force=True)
        name = str(entry["volume_id"]).encode() + b"/" + bytes(entry["path"])
        mine = (job.job_id, name)
        if scalar(job.db, "SELECT 1 FROM tasks WHERE job_id = ? AND name = ?", mine) is None:
            sentence = f"{shown} on {display(str(entry['volume_name']))} was {entry['state']} before."
            with write(job.db):
                _note(job, entry, str(entry["state"]), sentence, {"expected": None, "found": None})
        key = "repaired"
        try:
            made = repair_copy(
                job.db, int(entry["copy_id"]), job_id=job.job_id, check=job.check_now, tick=job.flush
            )
            sentence = made.sentence
            job.log("info", sentence)
        except RushesError as error:
            key, sentence = "not_repaired", str(error)
            job.log("error", sentence)
        execute(
            job.db,
            "UPDATE tasks SET data = json_remove(json_set(data, '$.' || ?, ?), '$.' || ?),"
            " error = error || ' ' || ? WHERE job_id = ? AND name = ?",
            (key, sentence, "not_repaired" if key == "repaired" else "repaired", sentence, *mine),
        )


def _scope(job: JobContext) -> tuple[str | None, str]:
    path = job.params.get("path")
    if path is not None:
        place = places.place_of(job.db, path)
        return place.volume_id, place.path
    return job.params.get("volume_id"), job.params.get("folder") or ""


_IN_SCOPE = (
    " AND (:volume IS NULL OR volume_id = :volume)"
    " AND (:folder = x'' OR path = :folder OR substr(path, 1, length(:below)) = :below)"
)

_CANDIDATES = (
    " FROM copy_states JOIN assets USING (asset_id) WHERE copy_states.state IN ('present', 'damaged')"
    " AND role != 'source' AND volume_state = 'online' AND blake3 IS NOT NULL"
    " AND (verified_at IS NULL OR verified_at < :since)"
    f"{_IN_SCOPE}"
    " AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.job_id = :job"
    " AND tasks.name = CAST(volume_id || '/' || path AS BLOB))"
)


def _values(volume_id: str | None, folder: str, since: str, job_id: str) -> dict[str, Any]:
    return {
        "volume": volume_id,
        "folder": to_blob(folder),
        "below": to_blob(folder + "/"),
        "since": since,
        "job": job_id,
    }


def _remaining(db: Database, volume_id: str | None, folder: str, since: str, job_id: str) -> tuple[int, int]:
    found = rows(
        db,
        f"SELECT count(*) AS files, COALESCE(SUM(copy_states.size), 0) AS bytes{_CANDIDATES}",
        _values(volume_id, folder, since, job_id),
    )[0]
    return int(found["files"]), int(found["bytes"])


def _oldest(
    db: Database, volume_id: str | None, folder: str, since: str, job_id: str, passed: set[int]
) -> list[Row]:
    """The next copies, never verified ones first; those met in this run are passed over."""
    found = rows(
        db,
        f"SELECT copy_states.*, assets.blake3{_CANDIDATES} ORDER BY verified_at, copy_id LIMIT :limit",
        {**_values(volume_id, folder, since, job_id), "limit": BATCH + len(passed)},
    )
    return [entry for entry in found if int(entry["copy_id"]) not in passed][:BATCH]


def _check_one(job: JobContext, entry: Row, known_places: dict[str, Place | None], sums: _Sums) -> bool:
    """Check one copy and write down what was found. False: its volume is away, nothing was found."""
    relative = from_blob(entry["path"])
    place = _place(job.db, entry, known_places)
    path = places.absolute(entry, relative)
    if place is None or path is None:
        return False
    job.progress(message=display(path))
    counted = 0

    def count(length: int) -> None:
        nonlocal counted
        counted += length
        job.progress(bytes_done=sums.size + counted)

    try:
        facts, reading = _read(job, path, place, count)
    except VolumeGone:
        known_places[place.volume_id] = None
        name = display(str(entry["volume_name"]))
        job.log("warning", f"{name} does not answer; its copies are not checked this time.")
        return False
    except OSError as error:
        if not places.still_there(place):
            known_places[place.volume_id] = None
            return False
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        _find(job, entry, "missing" if missing else "unreadable", display(path), error)
        sums.checked += 1
        return True
    sums.checked += 1
    sums.size += counted
    if reading.blake3 == entry["blake3"]:
        execute(
            job.db,
            "UPDATE copies SET state = 'present', verified_at = ?, verify_level = ?, seen_at = ?, size = ?,"
            " mtime_ns = ?, inode = ? WHERE copy_id = ?",
            (
                clock.now(),
                reading.level,
                clock.now(),
                facts.st_size,
                facts.st_mtime_ns,
                facts.st_ino,
                entry["copy_id"],
            ),
        )
    else:
        _damaged(job, entry, display(path), reading.blake3, silent=facts.st_mtime_ns == entry["mtime_ns"])
    return True


def _read(
    job: JobContext, path: str, place: Place, count: Callable[[int], None]
) -> tuple[os.stat_result, rereading.Reading]:
    """Read a copy back from its device; a volume that does not answer holds nobody.

    Raises:
        OSError: it is not there, no file, or cannot be read.
        VolumeGone: its volume does not answer.
    """
    way = Reach(display(path), direct=place.fs_type in mounts.KERNEL_TYPES, check=job.check_now)

    def read(pulse: Pulse) -> tuple[os.stat_result, rereading.Reading]:
        facts = os.lstat(path)
        if not stat.S_ISREG(facts.st_mode):
            raise FileNotFoundError
        file = rereading.Reread(path, place.fs_type, place.is_network)
        try:
            with way.holding(file.fileno()):
                return facts, file.read(pulse.check, pulse.count)
        finally:
            file.close()

    try:
        return way.follow(read, count)
    finally:
        way.end(lambda: None)


def _place(db: Database, entry: Row, known_places: dict[str, Place | None]) -> Place | None:
    volume_id = str(entry["volume_id"])
    if volume_id not in known_places:
        try:
            where = places.absolute(entry, "")
            found = places.place_of(db, where) if where is not None else None
            known_places[volume_id] = found if found and found.volume_id == volume_id else None
        except (RushesError, VolumeGone):
            known_places[volume_id] = None
    place = known_places[volume_id]
    if place is not None and not places.still_there(place):
        known_places[volume_id] = place = None
    return place


def _find(job: JobContext, entry: Row, kind: str, shown: str, error: OSError) -> None:
    if kind == "missing":
        sentence = f"{shown} is not there any more, though its volume is."
    else:
        why = os.strerror(error.errno or 0)
        sentence = f"{shown} cannot be read: {why}. Nothing is known about its bytes."
    with write(job.db):
        if kind == "missing":
            job.db.execute("UPDATE copies SET state = 'missing' WHERE copy_id = ?", (entry["copy_id"],))
        _note(job, entry, kind, sentence, {})


def _damaged(job: JobContext, entry: Row, shown: str, found: str, *, silent: bool) -> None:
    good = _good_copies(job.db, int(entry["asset_id"]), int(entry["copy_id"]))
    how = "its time is unchanged, so the medium is to blame" if silent else "it was written to since"
    rest = f"Good copies: {', '.join(good)}." if good else "No other copy is known."
    sentence = f"{shown} no longer holds what was verified ({how}). {rest}"
    with write(job.db):
        job.db.execute("UPDATE copies SET state = 'damaged' WHERE copy_id = ?", (entry["copy_id"],))
        _note(
            job, entry, "damaged", sentence, {"expected": entry["blake3"], "found": found, "silent": silent}
        )


def _good_copies(db: Database, asset_id: int, copy_id: int) -> list[str]:
    return [
        f"{display(entry['volume_name'])}: {display(entry['path'])}"
        for entry in rows(
            db,
            "SELECT volume_name, path FROM copy_states WHERE asset_id = ? AND copy_id != ?"
            " AND state = 'present' AND verified_at IS NOT NULL AND role != 'source'",
            (asset_id, copy_id),
        )
    ]


def _note(job: JobContext, entry: Row, kind: str, sentence: str, data: dict[str, Any]) -> None:
    position = scalar(job.db, "SELECT count(*) FROM tasks WHERE job_id = ?", (job.job_id,))
    job.db.execute(
        "INSERT INTO tasks (job_id, position, name, size, status, error_kind, error, data, ended_at)"
        " VALUES (?, ?, ?, ?, 'failed', ?, ?, ?, ?)",
        (
            job.job_id,
            position,
            str(entry["volume_id"]).encode() + b"/" + bytes(entry["path"]),
            entry["size"],
            kind,
            sentence,
            json.dumps({"volume": entry["volume_name"], "volume_id": entry["volume_id"], **data}),
            clock.now(),
        ),
    )
    job.log("error", sentence)


def _outcome(job: JobContext, sums: _Sums, begun: float) -> Outcome:
    found: dict[str, list[dict[str, Any]]] = {"damaged": [], "missing": [], "unreadable": []}
    repaired: list[dict[str, Any]] = []
    not_repaired: list[dict[str, Any]] = []
    for entry in rows(
        job.db,
        "SELECT name, error_kind, error, data FROM tasks WHERE job_id = ? ORDER BY position",
        (job.job_id,),
    ):
        data = json.loads(entry["data"])
        path = from_blob(entry["name"])[len(data["volume_id"]) + 1 :]
        one: dict[str, Any] = {"volume": data["volume"], **json_name("path", path), "error": entry["error"]}
        if entry["error_kind"] == "damaged":
            one.update(expected=data["expected"], found=data["found"], silent=data.get("silent"))
        for key, listed in (("repaired", repaired), ("not_repaired", not_repaired)):
            if key in data:
                listed.append({"volume": data["volume"], **json_name("path", path), "sentence": data[key]})
        found[entry["error_kind"]].append(one)
    job.progress(done=sums.checked, bytes_done=sums.size, force=True)
    result = {
        "checked": sums.checked,
        "bytes": sums.size,
        **found,
        **({"repaired": repaired, "not_repaired": not_repaired} if job.params.get("repair") else {}),
        "offline": sums.offline,
        "seconds": round(time.monotonic() - begun, 3),
    }
    bad = any(found.values())
    return Outcome("completed_with_warnings" if bad else "completed", result)
