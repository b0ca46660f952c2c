"""From likely to certain: reading in full, in the background, what was linked on weaker evidence.

A link that the full hash confirms becomes verified. One that it contradicts is
taken back: the copy is lost again as it was before, the candidate is rejected
with the reason, and its rivals are open again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

from sqlite_utils import Database

from engine import clock, names
from engine.errors import NotFound, Refused, RushesError, VolumeGone
from engine.jobs import store
from engine.jobs.context import JobContext, JobPaused, Outcome
from engine.library import Library
from engine.relink import ledger
from engine.relink.match import CONFIDENCE, Found
from engine.relink.meter import Meter
from engine.relink.scan import Scan, with_full_hash
from engine.relink.tree import Tree, hold
from engine.storage import audit
from engine.storage.database import Row, rows, scalar, write
from engine.volumes import places

logger = logging.getLogger(__name__)

KIND = "relink_prove"
"""Job kind."""

_UNPROVEN = """
    FROM candidates AS candidate
    JOIN copies AS copy USING (copy_id) JOIN assets AS asset USING (asset_id)
    WHERE candidate.volume_id = ? AND asset.blake3 IS NOT NULL
      AND ((candidate.status = 'applied' AND copy.verified_at IS NULL AND copy.state IN ('present', 'damaged')
            AND candidate.match_type NOT IN ('full_hash', 'moved', 'derivative')
            AND copy.volume_id = candidate.volume_id AND copy.path = candidate.path
            AND EXISTS (SELECT 1 FROM relinks WHERE relinks.candidate_id = candidate.candidate_id
                        AND undone_at IS NULL))
           OR (? AND candidate.status IN ('pending', 'later') AND candidate.match_type = 'fast_hash'))
"""
"""Candidates of a volume that a full reading can settle: those applied, and where asked those that wait."""


def queue_prove(library: Library, volume_id: str, *, pending: bool = False) -> str | None:
    """Queue the full reading of what was linked to this volume on weaker evidence; return the job's id.

    None when there is nothing to read, or such a job waits already. It runs at
    low priority.

    Args:
        library: the library.
        volume_id: the volume that holds the found files.
        pending: read files of candidates that still wait for a verdict, too.

    Raises:
        NotFound: there is no such volume.
        VolumeGone: it is away.
    """
    db = library.db()
    volume = db.execute("SELECT name, mount_point FROM volumes WHERE volume_id = ?", (volume_id,)).fetchone()
    if volume is None:
        raise NotFound(f"There is no volume {names.display(volume_id)}.")
    if not scalar(db, f"SELECT count(*) {_UNPROVEN}", (volume_id, pending)):
        return None
    device = places.place_of(db, names.from_blob(volume[1])).device
    with write(db):
        if scalar(
            db,
            "SELECT 1 FROM jobs WHERE kind = ? AND status = 'pending' AND params ->> 'volume_id' = ?",
            (KIND, volume_id),
        ):
            return None
        return store.create(
            db,
            KIND,
            f"Prove what was found on {names.display(volume[0])}",
            {"volume_id": volume_id, "pending": pending},
            resources=(f"device:{device}",),
            priority=store.PRIORITIES["low"],
        )


def prove_later(library: Library, volume_ids: Iterable[str]) -> None:
    """Queue :func:`queue_prove` for each volume, after links were made; one that is away is left out."""
    for volume_id in sorted(set(volume_ids)):
        try:
            queue_prove(library, volume_id)
        except RushesError as error:
            logger.info("what was linked to volume %s is not proven yet: %s", volume_id, error)


def run_prove(job: JobContext) -> Outcome:
    """Handler of jobs of kind ``relink_prove``; params as :func:`queue_prove` writes them.

    Each file read is a checkpoint: what is proven is in the database. Result:
    ``checked, proven, contradicted, unreadable, bytes``.
    """
    volume_id = str(job.params["volume_id"])
    waiting = rows(
        job.db,
        "SELECT candidate.*, candidate.status AS verdict, asset.blake3 AS recorded"
        f" {_UNPROVEN} ORDER BY candidate_id",
        (volume_id, bool(job.params.get("pending"))),
    )
    numbers = {"checked": 0, "proven": 0, "contradicted": 0, "unreadable": 0, "bytes": 0}
    meter = Meter(job, sum(int(entry["size"]) for entry in waiting))
    try:
        with hold(job.db, volume_id) as tree:
            for entry in waiting:
                job.checkpoint()
                meter.begin(names.from_blob(entry["path"]))
                _settle(job, tree, entry, numbers, meter)
                meter.end(int(entry["size"]))
                numbers["bytes"] += int(entry["size"])
    except VolumeGone as error:
        raise JobPaused(str(error), waiting_for=volume_id) from error
    job.flush()
    well = not numbers["contradicted"] and not numbers["unreadable"]
    return Outcome("completed" if well else "completed_with_warnings", dict(numbers))


def _settle(job: JobContext, tree: Tree, entry: Row, numbers: dict[str, int], meter: Meter) -> None:
    path = names.from_blob(entry["path"])
    scan = Scan()
    file = Found(tree.volume_id, path, entry["size"], entry["mtime_ns"], entry["inode"])
    read = with_full_hash(tree, file, scan, job.check_now, meter.add)
    numbers["checked"] += 1
    if not tree.unchanged():
        raise VolumeGone("The volume went away in the middle of the reading; what was proven is kept.")
    if read is None:
        numbers["unreadable"] += 1
        job.log("warning", scan.warnings[0])
        return
    reading = scan.readings[path]
    facts: dict[str, Any] = {"at": reading.at, "level": reading.level}
    if read.blake3 == entry["recorded"]:
        numbers["proven"] += 1
        _confirm(job.db, entry, facts)
    else:
        numbers["contradicted"] += 1
        job.log("warning", contradict(job.db, int(entry["candidate_id"]), found=read.blake3))


def _confirm(db: Database, entry: Row, read: dict[str, Any]) -> None:
    told = json.loads(entry["evidence"])
    told |= {"blake3": True, "read": read}
    certain = not told.get("ambiguous")
    with write(db):
        db.execute(
            "UPDATE candidates SET match_type = 'full_hash', confidence = ?, certain = ?, evidence = ?"
            " WHERE candidate_id = ? AND status = ?",
            (CONFIDENCE["full_hash"], certain, json.dumps(told), entry["candidate_id"], entry["verdict"]),
        )
        if entry["verdict"] == "applied":
            db.execute(
                "UPDATE copies SET verified_at = ?, verify_level = ?, state = 'present'"
                " WHERE copy_id = ? AND volume_id = ? AND path = ?",
                (read["at"], read["level"], entry["copy_id"], entry["volume_id"], entry["path"]),
            )


def contradict(db: Database, candidate_id: int, found: str | None = None) -> str:
    """Take a link back because the bytes are others than recorded; return the sentence that says so.

    Args:
        db: the library's database.
        candidate_id: applied, or still waiting.
        found: the full hash that was read.

    The candidate becomes ``rejected``. Where the old place cannot be restored
    (another copy has it) the copy stays, as ``damaged``.
    """
    moment = clock.now()
    with write(db):
        entry = rows(db, "SELECT * FROM candidates WHERE candidate_id = ?", (candidate_id,))[0]
        shown = names.display(entry["path"])
        sentence = f"{shown} has other content than recorded: it is not the file that it was taken for."
        if entry["status"] == "applied":
            try:
                ledger.take_back(db, [candidate_id])
                sentence += " The link was taken back."
            except Refused as error:
                db.execute(
                    "UPDATE copies SET state = 'damaged', verified_at = NULL, verify_level = NULL"
                    " WHERE copy_id = ?",
                    (entry["copy_id"],),
                )
                sentence += f" The link could not be taken back: {error}"
        told = {**json.loads(entry["evidence"]), "blake3": False, "contradicted_at": moment, "found": found}
        db.execute(
            "UPDATE candidates SET status = 'rejected', certain = 0, evidence = ?, decided_at = ?,"
            " decided_by = 'engine' WHERE candidate_id = ?",
            (json.dumps(told), moment, candidate_id),
        )
        audit.record(
            db, "relink reject", target=f"{candidate_id}: {shown}", from_state=entry["status"],
            to_state="rejected", why="the full hash contradicts it", by="engine",
        )  # fmt: skip
    return sentence


def reopen_contradicted(db: Database) -> list[str]:
    """Take back every link on weaker evidence whose copy was found damaged since; return a sentence for each.

    A scrub that reads such a copy finds "other bytes than recorded". They are
    not damaged: they are another file.
    """
    found = rows(
        db,
        "SELECT candidate.candidate_id FROM candidates AS candidate JOIN copies AS copy USING (copy_id)"
        " WHERE candidate.status = 'applied' AND copy.state = 'damaged'"
        " AND candidate.match_type NOT IN ('full_hash', 'moved', 'derivative')"
        " AND copy.volume_id = candidate.volume_id AND copy.path = candidate.path"
        " AND EXISTS (SELECT 1 FROM relinks WHERE relinks.candidate_id = candidate.candidate_id"
        "             AND undone_at IS NULL)",
    )
    return [contradict(db, int(entry["candidate_id"])) for entry in found]
