"""The parts of the desk for what lies beside the four queues; see :mod:`tui.desk`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from engine.api.facts import (
    Claim,
    ClipDetail,
    ClipRow,
    ClipScope,
    DamagedRow,
    LostClips,
    LyingRow,
    Notice,
    OfferRow,
    PastRow,
    Prefixes,
    RuleRow,
    SessionRow,
    TrashRow,
    TwiceRow,
    WatchRow,
)
from engine.api.rows import Source
from engine.api.settings import SettingRow
from engine.api.views.journal import Journal


class Footage(Protocol):
    """Clips, damaged copies, notices."""

    def clips(self, scope: ClipScope) -> Source[ClipRow, ClipDetail]:
        """The clips within a scope; its ids may be read in any thread."""
        ...

    def damaged(self) -> Source[DamagedRow, DamagedRow]:
        """Damaged and missing copies."""
        ...

    def notices(self) -> Source[Notice, Notice]:
        """What should be known, the newest first."""
        ...

    def unseen(self) -> Sequence[Notice]:
        """The newest notices that this person has not looked at."""
        ...

    def saw_all(self) -> None:
        """This person has looked at the notices."""
        ...

    def tag(self, clip_id: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Add and remove tags."""
        ...

    def favourite(self, clip_id: str, *, on: bool) -> None:
        """Mark or unmark a favourite."""
        ...

    def repair(self, copy_ids: Sequence[int]) -> str:
        """Queue a repair; returns the job's id."""
        ...

    def verify(self) -> str:
        """Queue a scrub of all; returns the job's id."""
        ...


class Shelf(Protocol):
    """Files of ours: every copy of a clip, what lies twice, the trash. Paths are absolute and exact."""

    def copies(self, wanted: str) -> Source[LyingRow, LyingRow]:
        """Every copy of a clip, by its id, or of a content, by its BLAKE3."""
        ...

    def twice(self, *, same_device: bool) -> Source[TwiceRow, TwiceRow]:
        """Contents that lie in more than one file."""
        ...

    def trash(self) -> Source[TrashRow, TrashRow]:
        """What is in the trash."""
        ...

    def copy(self, paths: Sequence[str], folder: str) -> str:
        """Queue a verified copy; returns the job's id."""
        ...

    def plan_move(self, paths: Sequence[str], folder: str) -> dict[str, Any]:
        """What a move would do: ``renamed``, ``copied``, ``bytes``."""
        ...

    def move(self, paths: Sequence[str], folder: str) -> tuple[Sequence[tuple[str, str]], str | None]:
        """Move: old and new path of what was renamed, or the job that copies to another volume."""
        ...

    def move_back(self, moved: Sequence[tuple[str, str]]) -> int:
        """Take renames back; how many."""
        ...

    def preview_trash(self, paths: Sequence[str]) -> dict[str, Any]:
        """What putting aside would do: ``files``, ``bytes``, ``refused``, ``warnings``."""
        ...

    def put_aside(self, paths: Sequence[str]) -> Sequence[int]:
        """Put files into the trash; their numbers there."""
        ...

    def restore(self, numbers: Sequence[int]) -> int:
        """Bring files back from the trash; how many."""
        ...

    def delete(self, numbers: Sequence[int]) -> int:
        """Delete files in the trash for good; how many."""
        ...


class Intake(Protocol):
    """What is taken in, beside the queue itself. ``options`` are :class:`engine.api.ingests.Options`."""

    def plan(self, sources: Sequence[str], destinations: Sequence[str], options: Any) -> dict[str, Any]:
        """The document of ``ingest --dry-run``; slow."""
        ...

    def queue(self, sources: Sequence[str], destinations: Sequence[str], options: Any) -> str:
        """Queue an ingest; returns the job's id."""
        ...

    def watches(self) -> Source[WatchRow, WatchRow]:
        """All watched folders."""
        ...

    def watch(self, path: str, destinations: Sequence[str], mode: str | None = None) -> str:
        """Watch a folder; returns its number as text. ``mode``: None is the library's."""
        ...

    def unwatch(self, watch_id: int) -> None:
        """Watch a folder no longer."""
        ...

    def rest(self, watch_id: int, *, on: bool) -> None:
        """Go on watching, or rest."""
        ...

    def report(self, job_id: str, formats: Sequence[str]) -> tuple[str, Sequence[tuple[str, str]]]:
        """Write reports: the verdict, and format and path of each."""
        ...

    def journal(self, task_id: int) -> Journal:
        """Everything recorded of one file."""
        ...


class Drives(Protocol):
    """Volumes, beside their list."""

    def past(self, volume_id: str) -> Source[PastRow, PastRow]:
        """What happened to the device."""
        ...

    def offers(self, volume_id: str | None) -> Source[OfferRow, OfferRow]:
        """New footage on a volume, or on all."""
        ...

    def offered(self, offer_id: int) -> Sequence[str]:
        """The paths of an offer."""
        ...

    def dismiss(self, offer_id: int) -> None:
        """Wave an offer aside."""
        ...

    def restore_offers(self, volume_id: str | None) -> int:
        """Offer again what was waved aside last, on one volume or on all; return how many came back."""
        ...

    def colour(self, volume_id: str, wanted: str | None) -> None:
        """Give a volume a colour, or none."""
        ...

    def claims(self, volume_id: str) -> Sequence[Claim]:
        """The answers to "which is it?"."""
        ...

    def settle(self, volume_id: str | None, mount_point: str) -> None:
        """Decide a conflict; None: what is mounted there is a drive of its own."""
        ...

    def is_settled(self, volume_id: str) -> bool:
        """Whether a decision about this volume stands."""
        ...

    def unsettle(self, volume_id: str) -> None:
        """Take a decision back."""
        ...


class Finding(Protocol):
    """Relinking, beside the candidates."""

    def sessions(self) -> Source[SessionRow, SessionRow]:
        """Scans and mappings."""
        ...

    def lost(self) -> LostClips:
        """How many clips cannot be read now."""
        ...

    def rules(self) -> Source[RuleRow, RuleRow]:
        """Mappings that are kept."""
        ...

    def proposals(self, candidate_id: int | None) -> Sequence[Prefixes]:
        """Mappings that confirmed links speak for; slow."""
        ...

    def map(self, old: str, new: str, *, dry_run: bool, keep: bool) -> dict[str, Any]:
        """The document of ``relink map``; slow."""
        ...

    def drop_rule(self, rule_id: int) -> None:
        """Keep a mapping no longer."""
        ...

    def restore_rule(self) -> str:
        """Keep the mapping again that was dropped last; returns its old folder."""
        ...

    def undo_session(self, session_id: str) -> int:
        """Take back what a session applied; how many links."""
        ...

    def redo_session(self, session_id: str) -> int:
        """Apply again what was taken back of a session; how many links."""
        ...

    def redo(self, candidate_id: int | None) -> int:
        """Give a verdict again; returns the candidate."""
        ...

    def look_inside(self, candidate_id: int) -> None:
        """Find out length and codec of the file that was found, for its detail; slow."""
        ...

    def picture(
        self, candidate_id: int, side: Literal["known", "found"], *, make: bool
    ) -> tuple[str | None, str | None] | None:
        """The picture of one side and why there is none; None when it would have to be made."""
        ...


class Settings(Protocol):
    """What all libraries of this machine share."""

    def source(self) -> Source[SettingRow, SettingRow]:
        """All settings."""
        ...

    def problem(self, key: str, text: str) -> str | None:
        """What is wrong with a value; None when it would be taken."""
        ...

    def put(self, key: str, text: str | None) -> str | None:
        """Set one, None puts the default back; what was set before, None for nothing."""
        ...
