"""The relink scan as a job: know what is lost, look through a folder, match, apply what may be applied."""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import dataclass, replace
from typing import Any

from engine import names
from engine.errors import RushesError, VolumeGone, WrongUse
from engine.jobs import store
from engine.jobs.context import JobCancelled, JobContext, JobPaused, JobStopped, Outcome
from engine.library import Library
from engine.relink import announce, decisions, scan, sessions, targets, upgrade
from engine.relink.match import Found, Lost, Match, assign
from engine.relink.meter import Meter
from engine.relink.sampling import Sampling
from engine.relink.scan import Reading, Scan
from engine.relink.sweep import sweep
from engine.relink.tree import Tree, hold
from engine.storage.database import rows, write
from engine.volumes import places

_NOTHING: dict[str, Any] = {
    "files_scanned": 0, "files_hashed": 0, "bytes_hashed": 0, "offline": 0, "candidates": 0,
    "applied": 0, "conflicts": 0, "unreadable": 0, "announcement": None, "seconds": 0.0, "phases": {},
}  # fmt: skip

SPOKEN = 100
"""Most warnings written to the job's log."""


def queue_scan(
    library: Library,
    path: str,
    *,
    auto_apply: bool = False,
    min_confidence: float = 0.95,
    full_hash: bool = False,
    origin: str = "operator",
) -> tuple[str, str]:
    """Queue a look through a folder for lost files; return the session's id and the job's.

    Args:
        library: the library.
        path: an existing folder, absolute or relative.
        auto_apply: apply by themselves the candidates that are certain, and the
            unambiguous ones of at least ``min_confidence``. Those whose content
            can be proven are read in full first.
        min_confidence: 0..1; 1 means certain ones only.
        full_hash: read every file whose fast hash fits in full, for certainty.
        origin: ``operator``, or ``mount`` when a drive has just come in: the
            known volumes are then not looked through first, but a sweep of this one that waits is.

    Raises:
        WrongUse: ``min_confidence`` is out of range, or ``path`` is a file.
        NotFound: there is no such folder.
        VolumeGone: it lies on a mount that does not answer.
    """
    if not 0 <= min_confidence <= 1:
        raise WrongUse("The least confidence is a number from 0 to 1.")
    db = library.db()
    place = places.place_of(db, path)
    absolute = os.path.join(place.mount_point, _below(place.path, place.mount_root)).rstrip("/") or "/"
    if not os.path.isdir(absolute):
        raise WrongUse(f"{names.display(path)} is a file; give the folder to look through.")
    session_id, job_id = str(uuid.uuid4()), str(uuid.uuid4())
    params = {
        "session_id": session_id,
        "path": absolute,
        "volume_id": place.volume_id,
        "auto_apply": auto_apply,
        "min_confidence": min_confidence,
        "full_hash": full_hash,
        "origin": origin,
    }
    # Stat and samples do not disturb a copy on the same disk; reading whole files does.
    resources: tuple[str, ...] = (f"device:{place.device}",) if auto_apply or full_hash else ()
    if origin == "mount":
        resources += (f"sweep:{place.volume_id}",)  # a renamed file is a rename first
    with write(db):
        store.create(
            db,
            "relink_scan",
            f"Look for lost files in {names.display(absolute)}",
            params,
            resources=resources,
            priority=store.PRIORITIES["low" if origin == "mount" else "normal"],
            job_id=job_id,
        )
        sessions.create(db, absolute, job_id=job_id, volume_id=place.volume_id, session_id=session_id)
    return session_id, job_id


def _below(path: str, mount_root: str) -> str:
    root = mount_root.strip("/")
    return path[len(root) :].lstrip("/") if root else path


def run_scan(job: JobContext) -> Outcome:
    """Handler of jobs of kind ``relink_scan``; params as :func:`queue_scan` writes them.

    The result has the keys ``session_id, files_scanned, files_hashed, offline
    (clips looked for), candidates, applied, conflicts, seconds``, and
    ``bytes_hashed, unreadable, announcement, phases`` (seconds spent on what is known, the
    look-up of what is lost, the walk, comparing, matching, the records). Nothing lost: it ends at once
    with zeros. A volume that goes away pauses the job until it is back (a look
    that nobody asked for just ends); a resumed scan walks again, and does not
    read again in full what it has read.
    """
    session_id = str(job.params["session_id"])
    try:
        return _Run(job, session_id).run()
    except VolumeGone as error:
        if job.params.get("origin") == "mount":
            # Nobody asked for it, and the drive is looked through anew when it comes again.
            sessions.update(job.db, session_id, status="cancelled", error=str(error))
            return Outcome("completed", {**_NOTHING, "session_id": session_id, "announcement": str(error)})
        raise JobPaused(str(error), waiting_for=str(job.params["volume_id"])) from error
    except JobCancelled:
        sessions.update(job.db, session_id, status="cancelled")
        raise
    except (JobPaused, JobStopped):
        raise
    except Exception as error:
        known = isinstance(error, RushesError)
        sessions.update(
            job.db, session_id, status="failed", error=str(error) if known else "An error inside rushes."
        )
        raise


def clean_up(job: JobContext) -> None:
    """A scan that was cut off will not go on: its session says so. There are no temporary files."""
    sessions.update(job.db, str(job.params["session_id"]), status="cancelled")


@dataclass
class _Numbers:
    """Counts of the result that matching does not give."""

    applied: int = 0
    conflicts: int = 0


class _Run:
    """One run of one scan."""

    def __init__(self, job: JobContext, session_id: str) -> None:
        self.job = job
        self.db = job.db
        self.session_id = session_id
        self.scan = Scan()
        self.begun = time.monotonic()
        self.auto_apply = bool(job.params.get("auto_apply"))
        self.full_hash = bool(job.params.get("full_hash"))
        self.min_confidence = float(job.params.get("min_confidence", 0.95))
        self.numbers = _Numbers()
        self.phases: dict[str, float] = {}
        self._phase_begun = self.begun

    def _phase_over(self, name: str) -> None:
        """What was done since the last call is phase ``name``."""
        now = time.monotonic()
        self.phases[name] = round(self.phases.get(name, 0.0) + now - self._phase_begun, 3)
        self._phase_begun = now

    def run(self) -> Outcome:
        sessions.update(self.db, self.session_id, status="scanning", error=None)
        if self.job.params.get("origin") != "mount":
            self._look_at_what_is_known()
            self._phase_over("known")
        lost = targets.load(self.db)
        self._phase_over("look-up")
        offline = len({copy.clip_id for copy in lost if copy.clip_id is not None})
        sessions.update(self.db, self.session_id, offline=offline)
        if not lost:
            return self._finish([], 0, None)
        with hold(self.db, str(self.job.params["volume_id"]), str(self.job.params["path"])) as tree:
            with Sampling(tree) as sampling:
                self._walk(tree, lost, sampling)
            matches = assign(lost, self.scan.found)
            if self.full_hash or self.auto_apply:
                matches = self._prove(tree, lost, matches)
            if not tree.unchanged():
                raise VolumeGone("The volume went away in the middle of the scan; nothing was changed.")
        self._phase_over("matching")
        matches = [self._with_reading(match) for match in matches]
        ids = sessions.store_matches(self.db, self.session_id, matches)
        if self.auto_apply:
            self._apply(ids, matches)
        said = announce.sentence(self.db, lost, matches, str(self.job.params["path"]))
        self._phase_over("records")
        return self._finish(matches, offline, said)

    def _look_at_what_is_known(self) -> None:
        """A file that was moved a moment ago is still recorded where it was: look before searching."""
        self.job.progress(stage="looking at what is known", force=True)
        for sentence in upgrade.reopen_contradicted(self.db):
            self.job.log("warning", sentence)
        known = rows(
            self.db,
            "SELECT volume_id, name FROM volumes WHERE state = 'online'"
            " AND EXISTS (SELECT 1 FROM copies WHERE copies.volume_id = volumes.volume_id)",
        )
        for volume in known:
            try:
                sweep(
                    self.job.library,
                    volume["volume_id"],
                    check=self.job.checkpoint,
                    moves="ignore",
                    job_id=self.job.job_id,
                )
            except VolumeGone as error:
                self.job.log("warning", f"{error} Its files count as they were last seen.")

    def _walk(self, tree: Tree, lost: list[Lost], sampling: Sampling) -> None:
        job = self.job
        start = tree.outside(_inside(str(job.params["path"]), tree.place.mount_point))
        present = scan.present_paths(self.db, tree.volume_id)
        scan.collect(
            tree,
            start,
            lost,
            present,
            self.scan,
            sampling,
            job.checkpoint,
            lambda seen: job.progress(stage="scanning", done=seen, message=f"{seen:,} files seen"),
        )
        self._phase_over("walk")
        scan.read_evidence(
            tree,
            lost,
            self.scan,
            sampling,
            job.checkpoint,
            lambda done, total: job.progress(
                stage="comparing", done=done, total=total, message=f"{self.scan.tally.files:,} files seen"
            ),
        )
        self._phase_over("comparing")
        sessions.update(
            self.db,
            self.session_id,
            status="matching",
            files_scanned=self.scan.tally.files,
            files_hashed=self.scan.hashed,
        )

    def _prove(self, tree: Tree, lost: list[Lost], matches: list[Match]) -> list[Match]:
        """Read in full what something less speaks for, then match again with what that says."""
        doubtful = {
            match.found: None
            for match in matches
            if match.match_type != "derivative" and match.lost.blake3 and not match.found.blake3
        }
        if not doubtful:
            return matches
        meter = Meter(self.job, sum(file.size for file in doubtful))
        read_before = self._checkpoints()
        proven: dict[Found, Found | None] = {}
        for file in doubtful:
            self.job.checkpoint()
            meter.begin(file.path)
            known = read_before.get((file.path, file.size, file.mtime_ns))
            if known is not None:
                proven[file] = replace(file, blake3=known[0])
                self.scan.readings[file.path] = known[1]
            else:
                proven[file] = scan.with_full_hash(tree, file, self.scan, self.job.check_now, meter.add)
                self._keep(proven[file])
            meter.end(file.size)
        self.scan.found = [kept for file in self.scan.found if (kept := proven.get(file, file)) is not None]
        return assign(lost, self.scan.found)

    def _checkpoints(self) -> dict[tuple[str, int, int], tuple[str, Reading]]:
        """Full hashes that an earlier run of this job has taken."""
        found = rows(
            self.db,
            "SELECT name, size, mtime_ns, data FROM tasks WHERE job_id = ? AND status = 'completed'",
            (self.job.job_id,),
        )
        kept = {}
        for entry in found:
            data = json.loads(entry["data"])
            key = (names.from_blob(entry["name"]), entry["size"], entry["mtime_ns"])
            kept[key] = (data["blake3"], Reading(data["at"], data["level"]))
        return kept

    def _keep(self, file: Found | None) -> None:
        if file is None:
            return
        reading = self.scan.readings[file.path]
        with write(self.db):
            self.db.execute(
                "INSERT INTO tasks (job_id, position, name, size, mtime_ns, inode, status, data, ended_at)"
                " VALUES (?, (SELECT count(*) FROM tasks WHERE job_id = ?), ?, ?, ?, ?, 'completed', ?, ?)",
                (
                    self.job.job_id,
                    self.job.job_id,
                    names.to_blob(file.path),
                    file.size,
                    file.mtime_ns,
                    file.inode,
                    json.dumps({"blake3": file.blake3, "at": reading.at, "level": reading.level}),
                    reading.at,
                ),
            )

    def _with_reading(self, match: Match) -> Match:
        """Write into the evidence when and how the file was read in full, if it was and proved equal."""
        reading = self.scan.readings.get(match.found.path)
        if reading is None or match.match_type != "full_hash":
            return match
        read = {"at": reading.at, "level": reading.level}
        return replace(match, evidence={**match.evidence, "read": read})

    def _apply(self, ids: list[int], matches: list[Match]) -> None:
        wanted = [
            candidate_id
            for candidate_id, match in zip(ids, matches, strict=True)
            if not match.ambiguous and (match.certain or match.confidence >= self.min_confidence)
        ]
        pending = {
            int(entry["candidate_id"])
            for entry in rows(
                self.db,
                "SELECT candidate_id FROM candidates WHERE session_id = ? AND status = 'pending'",
                (self.session_id,),
            )
        }
        self.job.progress(stage="applying", force=True)
        result = decisions.apply_many(
            self.job.library, [each for each in wanted if each in pending], by="engine"
        )
        self.numbers.applied = len(result.applied)
        self.numbers.conflicts += len(result.refused)
        for candidate_id, sentence in result.refused[:SPOKEN]:
            self.job.log("warning", f"Candidate {candidate_id} was not applied: {sentence}")

    def _finish(self, matches: list[Match], offline: int, said: str | None) -> Outcome:
        tally = self.scan.tally
        self.numbers.conflicts += len(
            {match.lost.copy_id for match in matches if match.ambiguous and match.match_type != "derivative"}
        )
        warnings = [*tally.unreadable, *self.scan.warnings]
        for warning in warnings[:SPOKEN]:
            self.job.log("warning", warning)
        if tally.mounts:
            self.job.log(
                "info",
                f"{tally.mounts} folders below are other volumes and were not entered; scan them alone.",
            )
        if said:
            self.job.log("info", said)
        sessions.update(
            self.db,
            self.session_id,
            status="completed",
            files_scanned=tally.files,
            files_hashed=self.scan.hashed,
            offline=offline,
        )
        result: dict[str, Any] = {
            "session_id": self.session_id,
            "files_scanned": tally.files,
            "files_hashed": self.scan.hashed,
            "bytes_hashed": self.scan.bytes_hashed,
            "offline": offline,
            "candidates": len(matches),
            "applied": self.numbers.applied,
            "conflicts": self.numbers.conflicts,
            "unreadable": tally.errors,
            "announcement": said,
            "seconds": round(time.monotonic() - self.begun, 3),
            "phases": self.phases,
        }
        self.job.progress(
            done=tally.files, total=tally.files, message=said or f"{tally.files:,} files seen", force=True
        )
        return Outcome("completed_with_warnings" if warnings else "completed", result)


def _inside(path: str, mount_point: str) -> str:
    """``path`` relative to the mount point that it lies on."""
    if mount_point == "/":
        return path.strip("/")
    if path != mount_point and not path.startswith(mount_point.rstrip("/") + "/"):
        raise VolumeGone(f"{names.display(path)} is no longer on the volume that it was on.")
    return path[len(mount_point) :].strip("/")
