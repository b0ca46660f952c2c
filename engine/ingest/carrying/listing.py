"""The first step of an item: its source is listed once, and every file becomes a task with its transfers."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from engine import clock
from engine.errors import RushesError
from engine.ingest.ends.ends import Destination, Source
from engine.ingest.ends.reach import Pulse
from engine.ingest.planning import placing
from engine.ingest.planning.arranging import Arrangement, Wanted, arrange
from engine.ingest.planning.scan import Listing, left_out, scan
from engine.ingest.records.known import join
from engine.ingest.records.results import OF_ITEM
from engine.jobs.context import JobContext
from engine.media.filelist import Listed
from engine.names import display, to_blob
from engine.storage.database import execute, scalar, write

BATCH = 1000
"""Tasks per transaction."""

LISTED = "listed"
"""Stage of an item whose tasks are complete."""


def list_item(
    job: JobContext, item_id: int, source: Source, destinations: Sequence[Destination], template: str | None
) -> None:
    """Make the tasks of an item, unless that was done before. A listing that was cut off is begun anew.

    Raises:
        RushesError: the source cannot be listed.
    """
    db = job.db
    if scalar(db, "SELECT stage FROM batch_items WHERE item_id = ?", (item_id,)) is not None:
        return
    execute(db, f"DELETE FROM tasks WHERE {OF_ITEM}", (item_id,))
    job.progress(stage="scan", message=display(source.path), force=True)
    listing = _scan(source, lambda files: job.progress(done=files, total=None))
    try:
        while True:
            arrangement = _arrange(job, item_id, source, destinations, listing, template)
            try:
                _insert(
                    job,
                    item_id,
                    listing.files,
                    destinations,
                    arrangement,
                    partial(_still_ours, job, item_id, listing, destinations, arrangement),
                )
                break
            except _TakenMeanwhile:
                continue  # another ingest was quicker: the next name then
        _report(job, source, listing)
        with write(db):
            _insert_unreadable(job, item_id, len(listing.files), listing)
            db.execute(
                "UPDATE batch_items SET stage = ?, files_found = ?, started_at = COALESCE(started_at, ?)"
                " WHERE item_id = ?",
                (LISTED, len(listing.files), clock.now(), item_id),
            )
    finally:
        listing.close()


def list_again(
    job: JobContext, item_id: int, source: Source, destinations: Sequence[Destination], template: str | None
) -> None:
    """Look once more at an item whose folders could not all be read: what was unknown then becomes tasks."""
    db = job.db
    gone = execute(db, f"DELETE FROM tasks WHERE {OF_ITEM} AND error_kind = 'unreadable_folder'", (item_id,))
    if not gone:
        return
    listing = _scan(source)
    try:
        known = int(scalar(db, f"SELECT count(*) FROM tasks WHERE {OF_ITEM}", (item_id,)))
        new = (found for found in listing.files if not _is_task(job, item_id, found))
        arrangement = _arrange(job, item_id, source, destinations, listing, template)
        made = _insert(job, item_id, new, destinations, arrangement, start=known)
        with write(db):
            _insert_unreadable(job, item_id, known + made, listing)
            db.execute(
                "UPDATE batch_items SET files_found = ? WHERE item_id = ?", (len(listing.files), item_id)
            )
    finally:
        listing.close()


def _scan(source: Source, on_files: Callable[[int], None] = lambda _: None) -> Listing:
    """List a source; ``on_files`` gets the number of files found so far."""
    found = 0

    def tell(more: int) -> None:
        nonlocal found
        found += more
        on_files(found)

    def work(pulse: Pulse) -> Listing:
        return scan(source.path, is_junk=left_out, check=pulse.check, on_files=pulse.count)

    return source.reach.follow(work, tell)


def _is_task(job: JobContext, item_id: int, found: Listed) -> bool:
    return (
        scalar(
            job.db,
            "SELECT 1 FROM tasks WHERE job_id = ? AND item_id = ? AND name = ?",
            (job.job_id, item_id, to_blob(found.path)),
        )
        is not None
    )


def _arrange(
    job: JobContext,
    item_id: int,
    source: Source,
    destinations: Sequence[Destination],
    listing: Listing,
    template: str | None,
) -> Arrangement:
    return arrange(
        job.db,
        Wanted(template, job.library.name),
        path=source.path,
        is_file=source.order.is_file,
        label=source.order.label,
        files=listing.files,
        destinations=[
            (target.order.volume_id, target.order.relative, target.path) for target in destinations
        ],
        item_id=item_id,
    )


class _TakenMeanwhile(Exception):
    """The folder that was chosen for a card has been given to another one."""


def _still_ours(
    job: JobContext,
    item_id: int,
    listing: Listing,
    destinations: Sequence[Destination],
    arrangement: Arrangement,
) -> bool:
    places = [(target.order.volume_id, target.order.relative) for target in destinations]
    folder = arrangement.folder
    return not folder or placing.still_ours(job.db, folder, listing.files, places, item_id)


def _insert(
    job: JobContext,
    item_id: int,
    files: Iterable[Listed],
    destinations: Sequence[Destination],
    arrangement: Arrangement,
    still_ours: Callable[[], bool] = lambda: True,
    *,
    start: int = 0,
) -> int:
    """Make the tasks and transfers of these files; return how many."""
    db = job.db
    files, first = iter(files), 0
    while part := list(itertools.islice(files, BATCH)):
        job.check_now()
        with write(db):
            if not first and not still_ours():
                raise _TakenMeanwhile
            # Nobody else writes in this transaction, so the ids can be given here.
            base = int(scalar(db, "SELECT COALESCE(MAX(task_id), 0) + 1 FROM tasks"))
            db.conn.executemany(
                "INSERT INTO tasks (task_id, job_id, item_id, position, name, size, mtime_ns, inode, data)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        base + number,
                        job.job_id,
                        item_id,
                        start + first + number,
                        to_blob(found.path),
                        found.size,
                        found.mtime_ns,
                        found.inode,
                        json.dumps({"name": arrangement.target(found.path)}) if arrangement.hashed else None,
                    )
                    for number, found in enumerate(part)
                ],
            )
            db.conn.executemany(
                "INSERT INTO transfers (task_id, volume_id, path, hop) VALUES (?, ?, ?, ?)",
                [
                    (
                        base + number,
                        target.order.volume_id,
                        to_blob(join(target.order.relative, arrangement.target(found.path))),
                        target.order.hop,
                    )
                    for number, found in enumerate(part)
                    for target in destinations
                ],
            )
        first += len(part)
    return first


def _insert_unreadable(job: JobContext, item_id: int, start: int, listing: Listing) -> None:
    """A folder that could not be listed is a failure of its own: nobody knows what was in it."""
    for position, (path, sentence) in enumerate(listing.unreadable, start):
        job.db.execute(
            "INSERT INTO tasks (job_id, item_id, position, name, size, status, error_kind, error, ended_at)"
            " VALUES (?, ?, ?, ?, 0, 'failed', 'unreadable_folder', ?, ?)",
            (job.job_id, item_id, position, to_blob(path), sentence, clock.now()),
        )
        job.log("error", sentence)


def _report(job: JobContext, source: Source, listing: Listing) -> None:
    where = display(source.path)
    if listing.ignored:
        job.log("info", f"{listing.ignored} system files in {where} were left out.")
    for path, target in listing.links.first:
        job.log(
            "info",
            f"{display(os.path.join(source.path, path))} is a link to {display(target)}; not followed.",
        )
    if listing.links.count > len(listing.links.first):
        more = listing.links.count - len(listing.links.first)
        job.log("info", f"{more} more links in {where} were not followed.")
    for path in listing.special.first:
        job.log("info", f"{display(os.path.join(source.path, path))} is no ordinary file; left out.")
    for path in listing.other_mounts:
        job.log(
            "warning", f"{display(os.path.join(source.path, path))} is another volume; ingest it by itself."
        )
    if not listing.files and not listing.unreadable:
        job.log("info", f"{where} holds no files.")


__all__ = ["LISTED", "RushesError", "list_again", "list_item"]
