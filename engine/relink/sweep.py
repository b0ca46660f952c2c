"""The sweep: what the catalogue knows of one volume, held against what lies on it.

``missing`` is written only after a complete look at the volume that was
identified before and after; a folder that cannot be read is unknown, not
empty; a volume that goes away in the middle leaves the catalogue as it was.
A sweep that finds everything as recorded writes one row: the event.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock, names
from engine.errors import NotFound, VolumeGone
from engine.jobs import store
from engine.jobs.context import JobContext, JobPaused, Outcome
from engine.library import Library
from engine.media.hashing import FAST_SCHEME, FAST_WHOLE
from engine.relink import ledger, offers, returning, rules, sessions, targets
from engine.relink.ledger import Placement
from engine.relink.look import Known, Look, read_fast
from engine.relink.marks import Marks
from engine.relink.match import CONFIDENCE, Found, Match, evidence
from engine.relink.tree import Seen, Tally, Tree, hold
from engine.storage import audit, deciding, moving
from engine.storage.database import execute, row, scalar, write
from engine.volumes import pools, settling

BATCH = 1000
"""Copies changed per transaction."""

MOVED_AT_ONCE = 5000
"""Renames written per transaction."""

_GONE = "UPDATE copies SET state = 'missing' WHERE copy_id = ?"
_BACK = "UPDATE copies SET state = 'present', seen_at = ?, inode = ? WHERE copy_id = ?"
_RENUMBERED = "UPDATE copies SET inode = ? WHERE copy_id = ?"
# Size and time stay as recorded: they belong to the content that should be here.
_DAMAGED = """
    UPDATE copies SET state = 'damaged', verified_at = NULL, verify_level = NULL, seen_at = ?
    WHERE copy_id = ? AND (state <> 'damaged' OR verified_at IS NOT NULL)
"""
_TOUCHED = """
    UPDATE copies SET state = CASE state WHEN 'missing' THEN 'present' ELSE state END,
           verified_at = NULL, verify_level = NULL, mtime_ns = ?, inode = ?, seen_at = ?
    WHERE copy_id = ?
"""

SPOKEN = 20
"""Most single files named in the job's log, per kind of finding."""


@dataclass(frozen=True)
class Swept:
    """What a sweep has found, in copies.

    Attributes:
        volume_id: the volume.
        known: copies that the catalogue has on it.
        present: of these, on the disk and as recorded.
        back: were missing, are here again.
        missing: are not here any more (those known to be missing before included).
        newly_missing: of these, the ones that were there at the last look.
        changed: have another size or time than recorded; their verification no longer holds.
        damaged: of these, certainly other bytes than recorded.
        moved: renamed within the volume; the copy's path was changed.
        unknown: in folders that could not be read, or that this mount does not show.
        new: files beside the known ones that the catalogue does not have.
        session_id: the relink session that records the moves, None without moves.
        warnings: sentences on what could not be read.
        seconds: time it took.
    """

    volume_id: str
    known: int
    present: int
    back: int
    missing: int
    newly_missing: int
    changed: int
    damaged: int
    moved: int
    unknown: int
    new: int
    session_id: str | None
    warnings: tuple[str, ...]
    seconds: float


def queue_sweep(library: Library, volume_id: str, *, moves: str = "apply") -> str:
    """Queue a sweep of one volume and return the job's id; one that waits, or waits for it, is not doubled.

    Args:
        library: the library.
        volume_id: the volume; full id.
        moves: ``apply`` renames within the volume, ``propose`` them as
            candidates, or ``ignore`` them.

    Raises:
        NotFound: there is no such volume.
    """
    db = library.db()
    volume = row(db, "SELECT name FROM volumes WHERE volume_id = ?", (volume_id,))
    if volume is None:
        raise NotFound(f"There is no volume {names.display(volume_id)}.")
    with write(db):
        waiting = scalar(
            db,
            "SELECT job_id FROM jobs WHERE kind = 'sweep' AND params ->> 'volume_id' = ?"
            " AND (status = 'pending' OR (status = 'paused' AND waiting_for = ?))",
            (volume_id, volume_id),
        )
        if waiting is not None:
            return str(waiting)
        return store.create(
            db,
            "sweep",
            f"Look through {names.display(volume['name'])}",
            {"volume_id": volume_id, "moves": moves},
            resources=(f"sweep:{volume_id}",),
        )


def run_sweep(job: JobContext) -> Outcome:
    """Handler of jobs of kind ``sweep``; params ``volume_id`` and ``moves`` (see :func:`queue_sweep`).

    The result holds the numbers of :class:`Swept`. A volume that is away, or
    goes away, pauses the job until it is back.
    """
    volume_id = str(job.params["volume_id"])
    try:
        again = returning.enter(job.db, volume_id, job.checkpoint)
        if again:
            job.log("info", f"{again} files are here that were linked elsewhere meanwhile: further copies.")
        swept = sweep(
            job.library,
            volume_id,
            check=job.checkpoint,
            progress=lambda stage, done, total: job.progress(stage=stage, done=done, total=total),
            log=lambda message: job.log("warning", message),
            moves=str(job.params.get("moves", "apply")),
            job_id=job.job_id,
        )
    except _GoneLate as error:
        raise JobPaused(str(error), waiting_for=volume_id) from error
    except VolumeGone as error:
        raise JobPaused(f"{error} Nothing was marked missing.", waiting_for=volume_id) from error
    if swept.missing and job.params.get("moves", "apply") == "apply":
        rules.apply(job.library, lambda message: job.log("info", message), job.checkpoint)
    job.progress(force=True, done=swept.known, total=swept.known)
    result = {key: value for key, value in vars(swept).items() if key != "warnings"}
    return Outcome("completed_with_warnings" if swept.warnings else "completed", result)


class _GoneLate(VolumeGone):
    """The volume went away when what is known of it had been looked for and recorded."""


def _told_late(name: str, look: Look) -> str:
    missing = sum(copy.state != "missing" for copy in look.findings.gone)
    verb = "is" if missing == 1 else "are"
    return (
        f"{name} went away while new files were looked for. All recorded files had been looked for before:"
        f" {missing or 'none'} {verb} missing."
    )


def _nothing(*_: object) -> None:
    """Say nothing."""


def sweep(
    library: Library,
    volume_id: str,
    *,
    check: Callable[[], None] = _nothing,
    progress: Callable[[str, int, int | None], None] = _nothing,
    log: Callable[[str], None] = _nothing,
    moves: str = "apply",
    job_id: str | None = None,
) -> Swept:
    """Look through one volume and record what has changed. Idempotent; may be ended at any moment.

    Args:
        library: the library.
        volume_id: the volume; it must be online.
        check: called once per folder; may raise to end the sweep before anything is written.
        progress: gets stage, done, total.
        log: gets sentences for the job's log.
        moves: see :func:`queue_sweep`.
        job_id: the job on whose behalf this runs.

    Raises:
        NotFound: there is no such volume.
        VolumeGone: it is away, or went away meanwhile. Nothing was changed, unless all that is recorded
            had been looked for, and only new files were not; the sentence says so.
    """
    begun = time.monotonic()
    db = library.db()
    with hold(db, volume_id) as tree:
        look = Look(tree, known_copies(db, volume_id), check)
        marks = Marks(db, volume_id, tree.place.session)
        try:
            look.list_folders(lambda done: progress("looking", done, look.total), marks.read(), marks.add)
        except JobPaused:
            marks.write()
            raise
        if look.findings.gone and moves != "ignore":
            progress("searching", 0, None)
            look.find_moved(_scope(db, tree, look), lambda seen: progress("searching", seen, None))
        look.confirm_gone()
        if look.findings.gone and (away := pools.without(db, volume_id)):
            look.doubt_gone(
                f"{_name(db, volume_id)} is here without {' and '.join(map(names.display, away))}, whose"
                " files it shows"
            )
        if look.findings.gone and _is_suspiciously_empty(db, tree, look, check):
            look.doubt_gone(f"{_name(db, volume_id)} is empty where {look.total} files were recorded")
        verdicts = _judge_changed(tree, look, check)
        if not tree.unchanged():
            raise VolumeGone(f"{_name(db, volume_id)} went away in the middle of the look.")
        unlike = look.findings.unlike()
        if unlike and settling.doubt(db, volume_id, unlike):
            raise VolumeGone(
                f"{_name(db, volume_id)} is on another disk than before and is not as recorded: say whether"
                " it is that drive or a clone (S on the volumes screen, or rushes volumes conflicts)."
            )
        # From here on only the database is touched: what was seen is complete and of this volume.
        session_id = _record_moves(db, tree, look, moves, job_id)
        if moves != "apply":
            # Where it is recorded it is not; where it was found it counts only once somebody says so.
            look.findings.gone += [copy for copy, _ in look.findings.moved]
        damaged = _record(db, volume_id, look, verdicts)
        _close_needless(db, volume_id)
        marks.clear()
        if _wants_new(db, volume_id):
            try:
                look.find_new(tree.outside(""), lambda seen: progress("searching new", seen, None))
                gone = not tree.unchanged()
            except VolumeGone:
                gone = True
            if gone:
                raise _GoneLate(_told_late(_name(db, volume_id), look))
        return _conclude(db, tree, look, damaged, session_id, log, begun)


def known_copies(db: Database, volume_id: str) -> list[Known]:
    """All copies that the catalogue has on one volume."""
    # Plain tuples: at a hundred thousand rows a dictionary per row is what takes the time.
    found = db.conn.execute(
        "SELECT copy_id, path, state, copies.size, mtime_ns, inode, blake3, fast_hash, fast_scheme"
        " FROM copies JOIN assets USING (asset_id) WHERE volume_id = ? ORDER BY path",
        (volume_id,),
    )
    decode = os.fsdecode
    return [
        Known(
            copy_id,
            decode(path),
            state,
            size,
            mtime_ns,
            inode,
            fast if scheme == FAST_SCHEME else (blake3 if size <= FAST_WHOLE else None),
        )
        for copy_id, path, state, size, mtime_ns, inode, blake3, fast, scheme in found
    ]


def _is_suspiciously_empty(db: Database, tree: Tree, look: Look, check: Callable[[], None]) -> bool:
    """Whether all is gone from what has but a name: a server whose disk is not mounted shows that."""
    if len(look.findings.gone) < look.total or look.findings.files:
        return False
    volume = row(db, "SELECT fs_uuid, marker_id, class FROM volumes WHERE volume_id = ?", (tree.volume_id,))
    if volume is None or volume["fs_uuid"] or volume["marker_id"] or volume["class"] == "virtual":
        return False
    return next(tree.walk(tree.outside(""), Tally(), check), None) is None


def _wants_new(db: Database, volume_id: str) -> bool:
    """Whether folders in which nothing is known are looked into, too: tracked, and not the system disk."""
    volume = row(db, "SELECT tracked_at, class FROM volumes WHERE volume_id = ?", (volume_id,))
    return volume is not None and volume["tracked_at"] is not None and volume["class"] != "system"


def _scope(db: Database, tree: Tree, look: Look) -> str:
    """Where to search for renamed files: the whole volume; on the system disk beside the known folders."""
    volume_class = scalar(db, "SELECT class FROM volumes WHERE volume_id = ?", (tree.volume_id,))
    start = tree.outside("")
    if volume_class != "system":
        return start
    common = os.path.commonpath([copy.path.rpartition("/")[0] or "." for copy in look.findings.gone])
    return os.path.dirname(common) or common or start


def _judge_changed(tree: Tree, look: Look, check: Callable[[], None]) -> dict[int, bool]:
    """For each changed copy: whether the bytes are certainly others than recorded."""
    verdicts: dict[int, bool] = {}
    for copy, facts in look.findings.changed:
        check()
        if facts.st_size != copy.size:
            verdicts[copy.copy_id] = True
        else:
            value = read_fast(tree, copy.path, facts) if copy.fast_hash else None
            verdicts[copy.copy_id] = value is not None and value != copy.fast_hash
    return verdicts


def _record(db: Database, volume_id: str, look: Look, verdicts: dict[int, bool]) -> int:
    """Write what was found; return how many copies were found damaged that were not before."""
    findings = look.findings
    moment = clock.now()
    changes: list[tuple[str, Known, tuple[Any, ...]]] = [
        (_GONE, copy, ()) for copy in findings.gone if copy.state != "missing"
    ]
    changes += [(_BACK, copy, (moment, facts.st_ino)) for copy, facts in findings.back]
    changes += [(_RENUMBERED, copy, (facts.st_ino,)) for copy, facts in findings.renumbered]
    damaged = 0
    for copy, facts in findings.changed:
        if verdicts[copy.copy_id]:
            damaged += copy.state != "damaged"
            changes.append((_DAMAGED, copy, (moment,)))
        else:
            changes.append((_TOUCHED, copy, (facts.st_mtime_ns, facts.st_ino, moment)))
    for start in range(0, len(changes), BATCH):
        with write(db):
            for statement, copy, params in changes[start : start + BATCH]:
                # A copy that somebody has placed elsewhere meanwhile is not ours to judge.
                db.execute(
                    f"{statement} AND volume_id = ? AND path = ?",
                    (*params, copy.copy_id, volume_id, names.to_blob(copy.path)),
                )
    return damaged


def _close_needless(db: Database, volume_id: str) -> None:
    """Set aside what was found for copies that are in their place again; lost once more, it is found anew."""
    moment = clock.now()
    needless = (
        "SELECT candidate_id FROM candidates WHERE status IN ('pending', 'later')"
        " AND match_type <> 'derivative'"
        " AND copy_id IN (SELECT copy_id FROM copies WHERE volume_id = ? AND state = 'present') LIMIT ?"
    )
    # A part at a time: a drive with very many files comes back, and others have to write meanwhile.
    while found := db.conn.execute(needless, (volume_id, sessions.BATCH)).fetchall():
        deciding.decide(
            db, [("skipped", moment, "the drive, which is back", candidate_id) for (candidate_id,) in found]
        )


def _record_moves(db: Database, tree: Tree, look: Look, moves: str, job_id: str | None) -> str | None:
    """Apply or propose the renames that were found, as a relink session of their own."""
    moved = look.findings.moved
    if not moved:
        return None
    records = targets.records_of(db, [copy.copy_id for copy, _ in moved])
    pairs = [
        (lost, seen)
        for copy, seen in moved
        # A copy that somebody has placed elsewhere since it was read is not ours to move.
        if (lost := records.get(copy.copy_id)) is not None
        and (lost.volume_id, lost.path) == (tree.volume_id, copy.path)
    ]
    if not pairs:
        return None
    session_id = sessions.create(
        db, tree.place.mount_point, job_id=job_id, volume_id=tree.volume_id, status="matching"
    )
    matches = [
        Match(
            lost,
            found := _found(tree, seen, lost.fast_hash),
            "moved",
            CONFIDENCE["moved"],
            certain=True,
            ambiguous=False,
            evidence=evidence(lost, found),
        )
        for lost, seen in pairs
    ]
    if moves != "apply":
        sessions.store_matches(db, session_id, matches)
    else:
        with moving.roomy(db):
            for batch in _independent(matches):
                _apply_moves(db, tree.volume_id, session_id, batch, job_id)
    sessions.update(db, session_id, status="completed", offline=len(matches))
    return session_id


def _apply_moves(
    db: Database, volume_id: str, session_id: str, matches: Sequence[Match], job_id: str | None
) -> None:
    with write(db):
        ids = sessions.store_applied(db, session_id, matches, "engine")
        placements = [_renamed(which, match) for which, match in zip(ids, matches, strict=True)]
        ledger.place(db, placements, "engine", entered=True)
        audit.record(
            db, "relink apply", target=f"session {session_id}", job_id=job_id, by="engine",
            to_state="applied", why=f"{len(matches)} files renamed on {_name(db, volume_id)}",
        )  # fmt: skip


def _renamed(candidate_id: int, match: Match) -> Placement:
    found = match.found
    return Placement(
        candidate_id, match.lost.copy_id, found.volume_id, found.path, found.size, found.mtime_ns,
        found.inode, keep_verified=True,
    )  # fmt: skip


def _independent(moved: Sequence[Match]) -> list[list[Match]]:
    """Split renames into transactions: those that take each other's names together, the rest in batches."""
    leaving = {match.lost.path for match in moved}
    taking = {match.found.path for match in moved} & leaving
    linked = [each for each in moved if {each.found.path, each.lost.path} & taking]
    alone = [each for each in moved if not {each.found.path, each.lost.path} & taking]
    batches = [alone[start : start + MOVED_AT_ONCE] for start in range(0, len(alone), MOVED_AT_ONCE)]
    return [linked, *batches] if linked else batches


def _found(tree: Tree, seen: Seen, fast: str | None) -> Found:
    facts = seen.stat
    return Found(tree.volume_id, seen.path, facts.st_size, facts.st_mtime_ns, facts.st_ino, fast_hash=fast)


def _conclude(
    db: Database,
    tree: Tree,
    look: Look,
    damaged: int,
    session_id: str | None,
    log: Callable[[str], None],
    begun: float,
) -> Swept:
    findings = look.findings
    newly = [copy for copy in findings.gone if copy.state != "missing"]
    for copy in newly[:SPOKEN]:
        log(f"{names.display(copy.path)} is missing.")
    for copy, facts in findings.changed[:SPOKEN]:
        log(
            f"{names.display(copy.path)} was written to since it was recorded "
            f"({copy.size} bytes then, {facts.st_size} now); its verification no longer holds."
        )
    for warning in findings.tally.unreadable:
        log(warning)
    swept = Swept(
        volume_id=tree.volume_id,
        known=look.total,
        present=look.total - len(findings.gone) - len(findings.changed) - len(findings.unknown),
        back=len(findings.back),
        missing=len(findings.gone),
        newly_missing=len(newly),
        changed=len(findings.changed),
        damaged=damaged,
        moved=len(findings.moved),
        unknown=len(findings.unknown),
        new=findings.new,
        session_id=session_id,
        warnings=tuple(findings.tally.unreadable),
        seconds=round(time.monotonic() - begun, 3),
    )
    detail = {key: value for key, value in vars(swept).items() if key not in ("volume_id", "warnings")}
    detail["changed_files"] = _named([copy.path for copy, _ in findings.changed])
    execute(
        db,
        "INSERT INTO volume_events (volume_id, at, kind, detail) VALUES (?, ?, 'swept', ?)",
        (tree.volume_id, clock.now(), json.dumps(detail)),
    )
    offers.offer(
        db,
        tree.volume_id,
        findings.fresh.values(),
        look.paths | {seen.path for _, seen in findings.moved},
        complete=not findings.tally.errors,
    )
    return swept


def _named(paths: Sequence[str]) -> list[str]:
    return [names.display(path) for path in paths[:SPOKEN]]


def _name(db: Database, volume_id: str) -> str:
    return names.display(str(scalar(db, "SELECT name FROM volumes WHERE volume_id = ?", (volume_id,))))
