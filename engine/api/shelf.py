"""The desk's part for files of ours: copies of a clip, what lies twice, the trash, and the verbs on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.api.facts import LyingRow, TrashRow, TwiceRow
from engine.api.rows import Source
from engine.library import Library
from engine.names import exact_name
from engine.supervisor import process

if TYPE_CHECKING:
    from types import ModuleType


def _files() -> ModuleType:
    from engine.api import files  # brings half of an ingest: not before it is needed

    return files


class Shelf:
    """Threads as of :class:`engine.api.desk.Desk`: reads where it was made, verbs anywhere."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def copies(self, wanted: str) -> Source[LyingRow, LyingRow]:
        """Every copy of a clip, by its id, or of a content, by its BLAKE3."""
        from engine.api.views import shelf

        return shelf.copies_source(self._library, wanted)

    def twice(self, *, same_device: bool) -> Source[TwiceRow, TwiceRow]:
        """Contents that lie in more than one file."""
        from engine.api.views import shelf

        return shelf.Twice(self._library, same_device=same_device)

    def trash(self) -> Source[TrashRow, TrashRow]:
        """What is in the trash."""
        from engine.api.views import shelf

        return shelf.Trash(self._library)

    def copy(self, paths: Sequence[str], folder: str) -> str:
        """Queue a verified copy into a folder; returns the job's id."""
        process.ensure(self._library)
        return str(_files().copy(self._library, paths, [folder])["job_id"])

    def plan_move(self, paths: Sequence[str], folder: str) -> dict[str, Any]:
        """What a move would do: ``renamed``, ``copied``, ``bytes``."""
        return dict(_files().plan_move(self._library, paths, folder))

    def move(self, paths: Sequence[str], folder: str) -> tuple[Sequence[tuple[str, str]], str | None]:
        """Move: old and new path of what was renamed, or the job that copies to another volume."""
        process.ensure(self._library)
        done = _files().queue_move(self._library, paths, folder)
        return [(exact_name("from", one), exact_name("to", one)) for one in done["moved"]], done["job_id"]

    def move_back(self, moved: Sequence[tuple[str, str]]) -> int:
        """Take renames back; how many."""
        return int(_files().move_back(self._library, moved))

    def preview_trash(self, paths: Sequence[str]) -> dict[str, Any]:
        """What putting aside would do: ``files``, ``bytes``, ``refused``, ``warnings``."""
        return dict(_files().preview_trash(self._library, paths))

    def put_aside(self, paths: Sequence[str]) -> Sequence[int]:
        """Put files of ours into the trash of their volumes; their numbers there."""
        return [int(gone["trash_id"]) for gone in _files().put_aside(self._library, paths)["trashed"]]

    def restore(self, numbers: Sequence[int]) -> int:
        """Bring files back from the trash; how many."""
        return len(_files().restore(self._library, [str(number) for number in numbers]))

    def delete(self, numbers: Sequence[int]) -> int:
        """Delete files in the trash for good; how many."""
        return len(_files().empty(self._library, [str(number) for number in numbers]))
