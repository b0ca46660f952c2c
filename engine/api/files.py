"""Files of ours: copy, move, put aside, bring back, and where content lies twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from engine.api import ingests
from engine.errors import Refused, RushesError
from engine.files import duplicates as _duplicates
from engine.files import entries, leaving, moving, trash
from engine.files.entries import Trashed
from engine.files.ours import recorded
from engine.files.trash import Preview
from engine.jobs.store import Job
from engine.library import Library
from engine.names import json_name

_AS_TOLD = ingests.Options(duplicates="copy", thumbnails=False)


def copy(library: Library, paths: Sequence[str], destinations: Sequence[str]) -> dict[str, Any]:
    """Queue a verified copy of recorded files to other places: ``batch_id`` and ``job_id``.

    Raises:
        NotFound: nothing is recorded at one of the paths.
        Refused: every problem that was found; nothing was queued.
    """
    recorded(library.db(), paths)
    return ingests.queue(library, paths, destinations, "copy", _AS_TOLD)


def plan_move(library: Library, paths: Sequence[str], folder: str) -> dict[str, Any]:
    """What :func:`move` would do: files ``renamed`` on their volume or ``copied`` to another, ``bytes``."""
    wanted = moving.plan(library.db(), paths, folder)
    return {
        "renamed": len(wanted.moves),
        "copied": len(wanted.across),
        "bytes": sum(ours.size for ours in wanted.across),
    }


def queue_move(library: Library, paths: Sequence[str], folder: str) -> dict[str, Any]:
    """Move recorded files of ours into a folder; the caller has asked.

    On the same volume they are renamed at once: ``moved[]``. To another volume
    they are copied and verified as a job, ``job_id``, and only when all of it
    is done the old files go into the trash of their volume, from where they
    can be brought back; that happens whoever is still there to see it.

    Raises:
        NotFound: nothing is recorded there, or the folder does not exist.
        Refused: every file that cannot be moved, at once; or files lie on this volume and on others.
    """
    db = library.db()
    wanted = moving.plan(db, paths, folder)
    if wanted.moves and wanted.across:
        raise Refused(
            "Some of these lie on the volume of the new folder and some do not. "
            "Move them one volume at a time; nothing was moved."
        )
    if not wanted.across:
        return {"moved": _moved(moving.rename_all(db, wanted)), "job_id": None}
    queued = ingests.queue(library, paths, [folder], "copy", _AS_TOLD)
    leaving.remember(db, queued["job_id"], wanted.across)
    leaving.settle(db, queued["job_id"])  # a small file may be there already
    return {"moved": [], "job_id": queued["job_id"]}


def move(
    library: Library,
    paths: Sequence[str],
    folder: str,
    on_change: Callable[[Job], None] | None = None,
) -> dict[str, Any]:
    """Move recorded files as :func:`queue_move` does, and wait for the end of it."""
    done = queue_move(library, paths, folder)
    answer: dict[str, Any] = {"moved": done["moved"], "trashed": [], "ingest": None, "status": "completed"}
    if done["job_id"] is not None:
        answer["ingest"] = ended = ingests.wait(library, done["job_id"], on_change)
        answer["status"] = ended["status"]
        answer["trashed"] = _left(library, done["job_id"])
    return answer


def _left(library: Library, job_id: str) -> list[dict[str, Any]]:
    """What went into the trash with a job; done here when the engine has not done it yet."""
    db = library.db()
    gone = leaving.settle(db, job_id)
    if gone is not None:
        return [_trashed(one) for one in gone]
    return [_trashed(one) for one in entries.of(db, leaving.put_aside_by(db, job_id))]


def move_back(library: Library, moved: Sequence[tuple[str, str]]) -> int:
    """Take renames back: ``(old, new)`` of each, absolute and exact. Returns how many are back.

    Raises:
        NotFound, Refused: one of them cannot go back; those before it have.
    """
    for number, (old, new) in enumerate(moved):
        try:
            os.makedirs(os.path.dirname(old), exist_ok=True)
            moving.rename_all(library.db(), moving.plan(library.db(), [new], os.path.dirname(old)))
        except RushesError as error:
            raise Refused(f"{error} {number} of {len(moved)} went back.") from error
    return len(moved)


def _moved(done: Sequence[moving.Moved]) -> list[dict[str, Any]]:
    return [{**json_name("from", one.old), **json_name("to", one.new)} for one in done]


def preview_trash(library: Library, paths: Sequence[str]) -> dict[str, Any]:
    """What :func:`put_aside` would do: ``files``, ``bytes``, ``paths``, ``refused``, ``warnings``."""
    return _preview(trash.preview(library.db(), paths))


def put_aside(library: Library, paths: Sequence[str]) -> dict[str, Any]:
    """Put recorded files of ours into the trash of their own volume; the caller has asked.

    Raises:
        NotFound: nothing is recorded at one of the paths.
        Refused: none of them may go; the sentences say why.
    """
    db = library.db()
    wanted = trash.preview(db, paths)
    if not wanted.going:
        raise Refused("\n".join(wanted.refused))
    return {**_preview(wanted), "trashed": [_trashed(gone) for gone in trash.put_aside(db, wanted)]}


def trashed(library: Library, limit: int | None = 1000, offset: int = 0) -> list[dict[str, Any]]:
    """What is in the trash, the newest last: the ``limit`` newest (None is all) but ``offset`` of them."""
    return [_trashed(gone) for gone in trash.contents(library.db(), limit, offset)]


def in_trash(library: Library) -> int:
    """How many files are in the trash."""
    return entries.count(library.db())


def restore(library: Library, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Bring files back from the trash by number or path; see :func:`engine.files.trash.restore`."""
    return [_trashed(back) for back in trash.restore(library.db(), wanted)]


def empty(library: Library, wanted: Sequence[str] | None = None) -> dict[str, Any]:
    """Delete what is in the trash for good; the caller has asked once more.

    ``deleted[]``, and ``kept[]``: sentences; see :func:`engine.files.trash.empty`.
    """
    done = trash.empty(library.db(), wanted)
    return {"deleted": [_trashed(gone) for gone in done.deleted], "kept": list(done.kept)}


def duplicates(
    library: Library,
    *,
    smallest: int = _duplicates.SMALLEST,
    largest: int | None = None,
    extensions: Sequence[str] = (),
    same_device: bool = False,
    limit: int = 1000,
) -> dict[str, Any]:
    """Contents that lie in several files: ``groups[]`` and ``wasted`` bytes, at most, in all of them."""
    found = _duplicates.groups(
        library.db(),
        smallest=smallest,
        largest=largest,
        extensions=extensions,
        same_device=same_device,
        limit=limit,
    )
    return {
        "wasted": sum(group.wasted for group in found),
        "groups": [
            {
                "blake3": group.blake3,
                "size": group.size,
                "wasted": group.wasted,
                "devices": group.devices,
                "files": [
                    {
                        **{key: value for key, value in asdict(lying).items() if key != "path"},
                        **json_name("path", lying.path),
                    }
                    for lying in group.files
                ],
            }
            for group in found
        ],
    }


def _preview(wanted: Preview) -> dict[str, Any]:
    return {
        "files": len(wanted.going),
        "bytes": wanted.size,
        "paths": [json_name("path", ours.path) for ours in wanted.going],
        "refused": list(wanted.refused),
        "warnings": list(wanted.warnings),
    }


def _trashed(gone: Trashed) -> dict[str, Any]:
    return asdict(gone)
