"""The desk's part for clips, damaged copies and notices: what the screens read and ask for."""

from __future__ import annotations

from collections.abc import Sequence

from engine.api import views
from engine.api.facts import ClipDetail, ClipRow, ClipScope, DamagedRow, Notice
from engine.api.rows import Source
from engine.library import Library
from engine.supervisor import process


class Footage:
    """Threads as of :class:`engine.api.desk.Desk`: reads where it was made, verbs anywhere."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def clips(self, scope: ClipScope) -> Source[ClipRow, ClipDetail]:
        """The clips within a scope. Its ids may be read in any thread."""
        return views.Clips(self._library, scope)

    def damaged(self) -> Source[DamagedRow, DamagedRow]:
        """Damaged and missing copies."""
        return views.Damaged(self._library)

    def notices(self) -> Source[Notice, Notice]:
        """What a person should know of, the newest first."""
        return views.notice_source(self._library)

    def unseen(self) -> Sequence[Notice]:
        """The newest notices that this person has not looked at."""
        return views.notices(self._library, unseen=True, limit=50)

    def saw_all(self) -> None:
        """This person has looked at the notices."""
        views.saw_all(self._library)

    def tag(self, clip_id: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Add and remove tags of a clip."""
        from engine.api import clips

        clips.tag(self._library, clip_id, tuple(add), tuple(remove))

    def favourite(self, clip_id: str, *, on: bool) -> None:
        """Mark or unmark a clip as a favourite."""
        from engine.api import clips

        clips.favourite(self._library, clip_id, on=on)

    def repair(self, copy_ids: Sequence[int]) -> str:
        """Queue the repair of copies from good ones; the bad files are kept. Returns the job's id."""
        from engine.api import ingests

        return ingests.queue_repair(self._library, copy_ids)

    def verify(self) -> str:
        """Queue a scrub of everything that can be read. Returns the job's id."""
        from engine.ingest.proving import scrub

        process.ensure(self._library)
        return scrub.queue_verify(self._library)
