"""The desk's part for relinking beside the candidates: prefixes, rules, sessions, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from engine.api import views
from engine.api.facts import ClipScope, LostClips, Prefixes, RuleRow, SessionRow
from engine.api.rows import Filter, Source
from engine.library import Library


class Finding:
    """Threads as of :class:`engine.api.desk.Desk`: reads where it was made, verbs anywhere."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def sessions(self) -> Source[SessionRow, SessionRow]:
        """Scans and mappings, the newest first."""
        return views.session_source(self._library)

    def rules(self) -> Source[RuleRow, RuleRow]:
        """Prefix mappings that are kept."""
        return views.rule_source(self._library)

    def lost(self) -> LostClips:
        """How many clips cannot be read now."""
        count = {
            state: len(views.Clips(self._library, ClipScope(state)).ids(Filter()))
            for state in ("missing", "offline")
        }
        return LostClips(count["missing"], count["offline"])

    def proposals(self, candidate_id: int | None) -> Sequence[Prefixes]:
        """Mappings that confirmed links speak for: one applied candidate, then the newest hundred. Slow."""
        from engine.relink import prefixes

        db = self._library.db()
        found = prefixes.propose(db, candidate_id) if candidate_id is not None else []
        known = {(one.old, one.new) for one in found}
        found += [one for one in prefixes.propose(db) if (one.old, one.new) not in known]
        return [Prefixes(one.old, one.new, one.votes) for one in found]

    def map(self, old: str, new: str, *, dry_run: bool, keep: bool) -> dict[str, Any]:
        """Relink what was lost below ``old``, or say what would be: the document of ``relink map``. Slow."""
        from engine.api import relinks

        return relinks.map_prefix(self._library, old, new, dry_run=dry_run, keep=keep)

    def drop_rule(self, rule_id: int) -> None:
        """Keep a mapping no longer; what it relinked stays."""
        from engine.api import relinks

        relinks.delete_rule(self._library, rule_id)

    def restore_rule(self) -> str:
        """Keep the mapping again that was dropped last; returns its old folder."""
        from engine.api import relinks

        return str(relinks.restore_rule(self._library)["old"])

    def undo_session(self, session_id: str) -> int:
        """Take back everything a session applied; returns how many links."""
        from engine.api import relinks

        return int(relinks.undo_session(self._library, session_id)["undone"])

    def redo_session(self, session_id: str) -> int:
        """Apply again what of a session was taken back; returns how many links."""
        from engine.api import relinks

        return int(relinks.redo_session(self._library, session_id)["redone"])

    def redo(self, candidate_id: int | None) -> int:
        """Give a verdict again that was taken back, None the last one; returns the candidate."""
        from engine.api import relinks

        return int(relinks.redo(self._library, candidate_id)["candidate_id"])

    def look_inside(self, candidate_id: int) -> None:
        """Find out length and codec of the file that was found, for its detail. Slow."""
        from engine.relink import insides

        insides.of_found(self._library, candidate_id)

    def picture(
        self, candidate_id: int, side: Literal["known", "found"], *, make: bool
    ) -> tuple[str | None, str | None] | None:
        """The picture of one side and, when there is none, why; None when it would have to be made."""
        from engine.api import pictures

        found = pictures.of_candidate(self._library, candidate_id, side, make=make)
        return None if found is None else (found.path, found.why)
