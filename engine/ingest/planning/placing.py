"""In which folder a card is kept, so that a second ingest of it meets its own files and no other card's."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence

from sqlite_utils import Database

from engine.errors import RushesError
from engine.ingest.planning import layout
from engine.ingest.records.known import join
from engine.media.filelist import FileList
from engine.names import display, from_blob, to_blob


def choose_folder(
    db: Database,
    label: str,
    files: FileList,
    destinations: Sequence[tuple[str, str, str]],
    *,
    taken: Collection[str] = (),
    item_id: int | None = None,
) -> str:
    """Return the folder below every destination in which a card is kept.

    It is the first of ``label``, ``label_002``, ``label_003`` .. that at every
    destination is absent, empty, or holds files of this very card.

    Args:
        db: the library; files that other ingests are about to write count as if they were there.
        label: name of the card.
        files: what is on it.
        destinations: (volume id, path on the volume, absolute path) of each destination.
        taken: folders already given to other cards of the same batch.
        item_id: the batch item that asks; its own files do not count against it.

    Raises:
        RushesError: all numbers up to 999 are taken.
    """
    ours = _lookup(files)
    for number in range(1, layout.HIGHEST_NUMBER + 1):
        folder = layout.card_folder(label, number)
        if folder in taken:
            continue
        if all(
            layout.same_card(ours, _there(os.path.join(path, folder)))
            and layout.same_card(ours, _coming(db, volume_id, join(relative, folder), item_id))
            for volume_id, relative, path in destinations
        ):
            return folder
    raise RushesError(
        f"{layout.HIGHEST_NUMBER} other cards are kept as {display(label)} already. Rename the card's folder."
    )


def still_ours(
    db: Database,
    folder: str,
    files: FileList,
    destinations: Sequence[tuple[str, str]],
    item_id: int,
) -> bool:
    """Whether no other card has been given the folder since it was chosen.

    Asked in the transaction that enters the first files: two ingests that are
    begun at one moment choose the same.

    Args:
        db: the library.
        folder: what :func:`choose_folder` gave.
        files: what is on the card.
        destinations: (volume id, path on the volume) of each destination.
        item_id: the batch item that asks.
    """
    ours = _lookup(files)
    return all(
        layout.same_card(ours, _coming(db, volume_id, join(relative, folder), item_id))
        for volume_id, relative in destinations
    )


def _lookup(files: FileList) -> Callable[[str], tuple[int, int] | None]:
    def ours(path: str) -> tuple[int, int] | None:
        file = files.get(path)
        return (file.size, file.mtime_ns) if file else None

    return ours


def _there(folder: str) -> Iterator[tuple[str, int, int]]:
    """Files below a folder, without our temporary ones. A file under the name counts as another card."""
    try:
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            yield "", 0, 0
            return
    except OSError:
        return
    for top, _, names in os.walk(folder):
        below = os.path.relpath(top, folder)
        for name in names:
            if name.startswith(".") and name.endswith(".part"):
                continue
            try:
                facts = os.lstat(os.path.join(top, name))
            except OSError:
                continue
            path = name if below == "." else f"{below}/{name}"
            yield path, facts.st_size, facts.st_mtime_ns


def _coming(db: Database, volume_id: str, folder: str, item_id: int | None) -> Iterator[tuple[str, int, int]]:
    """Files that other ingests, not yet ended, will write below a folder of a volume."""
    start = to_blob(folder + "/")
    found = db.conn.execute(
        "SELECT transfers.path, tasks.size, tasks.mtime_ns FROM jobs JOIN tasks USING (job_id)"
        " JOIN transfers USING (task_id) WHERE jobs.kind = 'ingest'"
        " AND jobs.status IN ('pending', 'running', 'paused', 'interrupted', 'failed')"
        " AND transfers.volume_id = ? AND transfers.status IN ('queued', 'running')"
        " AND substr(transfers.path, 1, ?) = ? AND tasks.item_id IS NOT ?",
        (volume_id, len(start), start, item_id),
    )
    for path, size, mtime_ns in found:
        yield from_blob(path)[len(folder) + 1 :], int(size or 0), int(mtime_ns or 0)
