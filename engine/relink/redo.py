"""Giving again a verdict that was taken back, of one candidate or of a whole session."""

from __future__ import annotations

from contextlib import ExitStack

from sqlite_utils import Database

from engine.errors import Refused
from engine.library import Library
from engine.relink import decisions, derivatives, ledger, sessions, upgrade
from engine.relink.candidates import Candidate, get, get_many
from engine.relink.tree import Tree, hold
from engine.storage import audit
from engine.storage.database import row, rows, scalar, write


def newest(db: Database) -> int | None:
    """The candidate whose verdict was taken back last and can be given again; None when there is none."""
    found = scalar(
        db,
        "SELECT candidate_id FROM undone_verdicts JOIN candidates USING (candidate_id)"
        " WHERE status IN ('pending', 'later') ORDER BY undone_id DESC LIMIT 1",
    )
    return None if found is None else int(found)


def redo(library: Library, candidate_id: int | None = None) -> Candidate:
    """Give the verdict again that an undo took back, under the same conditions as the first time.

    Args:
        library: the library.
        candidate_id: whose verdict; None takes the one that was taken back last.

    Raises:
        NotFound: there is no such candidate.
        Refused: nothing was taken back, it was decided anew since, or what :func:`decisions.apply` says.
        VolumeGone: the volume of the found file is away.
    """
    db = library.db()
    if candidate_id is None:
        candidate_id = newest(db)
        if candidate_id is None:
            raise Refused("No verdict was taken back, so there is none to give again.")
    candidate = get(db, candidate_id)
    undone = row(db, "SELECT verdict FROM undone_verdicts WHERE candidate_id = ?", (candidate_id,))
    if undone is None:
        raise Refused(
            f"No verdict on candidate {candidate_id} was taken back, so there is none to give again."
        )
    if undone["verdict"] == "applied":
        decisions.apply(library, candidate_id)
    elif undone["verdict"] == "rejected":
        decisions.reject(library, candidate_id)
    else:
        decisions.later(library, candidate_id)
    now = get(db, candidate_id)
    audit.record(
        db, "relink redo", target=str(candidate_id), from_state=candidate.status, to_state=now.status
    )
    return now


def redo_session(library: Library, session_id: str) -> int:
    """Apply again everything of one session that was applied and taken back, all or nothing.

    Returns:
        How many candidates were applied.

    Raises:
        NotFound: there is no such session.
        Refused: nothing of it was taken back; a copy is no longer lost; a file has gone or changed. Nothing
            was changed.
        VolumeGone: a volume of the found files is away.
    """
    db = library.db()
    session = sessions.get(db, session_id)
    wanted = rows(
        db,
        "SELECT candidate_id FROM undone_verdicts JOIN candidates USING (candidate_id)"
        " WHERE session_id = ? AND verdict = 'applied' ORDER BY candidate_id",
        (session.session_id,),
    )
    if not wanted:
        raise Refused("Nothing that this session applied was taken back, so there is nothing to apply again.")
    by = audit.who()
    with ExitStack() as held:
        trees: dict[str, Tree] = {}
        chosen: list[Candidate] = []
        ids = [int(entry["candidate_id"]) for entry in wanted]
        for candidate in get_many(db, ids).values():
            volume_id = candidate.volume_id
            if volume_id not in trees:
                trees[volume_id] = held.enter_context(hold(db, volume_id))
            decisions.refuse_unfit(trees[volume_id], candidate)
            chosen.append(candidate)
        with write(db):
            placed = [candidate for candidate in chosen if candidate.match_type != "derivative"]
            for candidate in get_many(db, ids).values():
                decisions.refuse_decided(candidate, "applied")
            ledger.place(db, [decisions.placement_of(candidate) for candidate in placed], by)
            for candidate in chosen:
                if candidate.match_type == "derivative":
                    derivatives.link(db, trees[candidate.volume_id], candidate, by)
            audit.record(
                db,
                "relink redo",
                target=f"session {session.session_id}",
                why=f"{len(chosen)} candidates",
                by=by,
            )
    upgrade.prove_later(library, {candidate.volume_id for candidate in placed})
    return len(chosen)
