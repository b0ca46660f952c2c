"""ASC MHL of what was taken in: from the digests of the ingest's own reading, nothing is read again."""

from __future__ import annotations

import os
import platform
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlite_utils import Database

from engine import __version__, clock
from engine.errors import NotFound, Refused, RushesError
from engine.ingest.ends.ends import Destination
from engine.ingest.hashlists.firstlist import first_list
from engine.ingest.hashlists.generations import FORM, IGNORED, Listed, Record, add, known_digests
from engine.ingest.records.catalogue import Content, record_asset, record_copy
from engine.ingest.records.known import join, under
from engine.jobs.context import JobContext
from engine.library import Library
from engine.media.hashing import Digester, digest_fd, open_for_reading
from engine.media.mhl import reading, writing
from engine.media.mhl.records import CHAIN, FOLDER, Creator, History
from engine.media.mhl.trees import Facts, Tree, walk
from engine.names import display, from_blob, json_name, to_blob
from engine.storage.database import Row, rows, scalar
from engine.volumes import places

_TAKEN = ("c4", "md5", "sha1", "xxh128")
"""Digests of the catalogue that a list can hold."""


def write_for_item(job: JobContext, item_id: int, destinations: Sequence[Destination]) -> None:
    """Write or continue the list of a card at every destination, once all its files are decided.

    A list that cannot be written is said in the job's log; the files are
    verified all the same, so it never fails the ingest. Doing it again adds
    nothing.
    """
    begun = scalar(job.db, "SELECT started_at FROM batch_items WHERE item_id = ?", (item_id,)) or clock.now()
    for number, target in enumerate(destinations):
        if target.away is not None or target.root is None:
            continue
        where = display(target.path)
        try:
            made = _write_at(job, item_id, number, target, destinations, begun)
        except RushesError as error:
            job.log("error", f"No hash list was written to {where}. {error}")
            continue
        except OSError as error:
            why = os.strerror(error.errno or 0)
            job.log("error", f"No hash list was written to {where}: {why}. The files are verified.")
            continue
        _tell(job, where, made)


def _write_at(
    job: JobContext,
    item_id: int,
    number: int,
    target: Destination,
    destinations: Sequence[Destination],
    begun: str,
) -> Listed | None:
    own = _card_folder(_transfers(job, item_id, number), target.order.relative)
    if own is None:
        return None
    whole, folder = own != target.order.relative, own
    below = folder[len(target.order.relative) :].strip("/")
    root = os.path.join(target.path, below)
    place = join(target.order.relative, below)
    if _is_copied(job.db, target.order.volume_id, join(place, f"{FOLDER}/{CHAIN}")):
        job.log(
            "info",
            f"{display(root)} brought its own hash lists; they were kept as they are. "
            "To continue them: rushes mhl create PATH",
        )
        return None
    others = ", ".join(display(other.path) for index, other in enumerate(destinations) if index != number)
    source = scalar(job.db, "SELECT source FROM batch_items WHERE item_id = ?", (item_id,))
    comment = f"Job {job.job_id}: {display(from_blob(source))} to {display(root)}" + (
        f"; also to {others}" if others else ""
    )
    history = reading.load(root)
    # A further generation is a work of its own: a retry, or a card that came back.
    begun = clock.now() if history.generations else begun
    creator = Creator(begun, platform.node(), "rushes", __version__, job.record.created_by, comment)
    pages = _records(_transfers(job, item_id, number), folder)
    if whole and not history.generations:
        return first_list(
            root,
            history,
            pages,
            creator,
            db=job.db,
            volume_id=target.order.volume_id,
            place=place,
            check=job.check_now,
        )
    # What older lists say is compared file by file, in memory.
    records = [record for page in pages for record in page]
    # A folder that others fill too may hold anything: only what a list speaks of is looked at there.
    tree = walk(root, IGNORED, check=job.check_now) if whole else _only(root, records, history)
    known = known_digests(job.db, target.order.volume_id, place, tree)
    return add(
        root,
        history,
        records,
        tree,
        {**known, **{record.path: record.digests.get(FORM) for record in records}},
        creator,
        "transfer",
        whole=whole,
    )


def _records(pages: Iterable[list[Row]], folder: str) -> Iterator[list[Record]]:
    """What was proven of the files in a folder of a volume, page by page."""
    for page in pages:
        yield [
            Record(
                path=path[len(folder) :].lstrip("/"),
                size=int(entry["size"]),
                mtime_ns=entry["mtime_ns"],
                digests=_digests(entry),
                proven_at=entry["verified_at"] or entry["ended_at"],
                renewed=entry["status"] == "completed",
            )
            for entry in page
            if under(path := from_blob(entry["path"]), folder) and path != folder
        ]


def _only(root: str, records: Sequence[Record], history: History) -> Tree:
    """The files of these records and of a history, as far as they are there."""
    tree = Tree()
    for path in sorted({*(record.path for record in records), *history.files()}):
        try:
            facts = os.lstat(os.path.join(root, path))
        except OSError:
            continue
        tree.files[path] = Facts(facts.st_size, facts.st_mtime_ns, stat.S_ISREG(facts.st_mode))
    return tree


def _transfers(job: JobContext, item_id: int, number: int) -> Iterator[list[Row]]:
    """Files of an item that are proven at one of its destinations (counted from 0), with their digests.

    Page by page, in the order of the tasks.
    """
    after = -1
    while tasks := rows(
        job.db,
        "SELECT position, task_id FROM tasks WHERE job_id = ? AND item_id = ? AND position > ?"
        " ORDER BY position LIMIT ?",
        (job.job_id, item_id, after, _PAGE),
    ):
        after = int(tasks[-1]["position"])
        yield rows(
            job.db,
            "SELECT tasks.name, tasks.size, tasks.ended_at, transfers.path, transfers.status,"
            " transfers.verified_at, copies.mtime_ns, assets.xxh128, assets.md5, assets.sha1, assets.c4"
            " FROM (SELECT *, row_number() OVER (PARTITION BY task_id ORDER BY transfer_id) AS number"
            f" FROM transfers WHERE task_id IN ({', '.join('?' * len(tasks))})) AS transfers"
            " JOIN tasks USING (task_id) JOIN assets USING (asset_id) LEFT JOIN copies"
            " ON copies.volume_id = transfers.volume_id AND copies.path = transfers.path"
            " WHERE number = ? AND transfers.status IN ('completed', 'skipped')"
            " AND transfers.stage IS NOT 'duplicate' ORDER BY tasks.position",
            [*(task["task_id"] for task in tasks), number + 1],
        )


_PAGE = 1000
"""Tasks that are in memory at once."""


def _card_folder(pages: Iterable[list[Row]], relative: str) -> str | None:
    """The folder in which a card's tree begins; ``relative`` for files that lie right in the destination.

    Those have their list in the destination itself, beside the lists of what else comes there. None when
    there are no files.
    """
    tops: Counter[str] = Counter()
    common: str | None = None
    for page in pages:
        for entry in page:
            path, name = from_blob(entry["path"]), from_blob(entry["name"])
            if path.endswith(f"/{name}"):
                tops[path[: -len(name) - 1]] += 1
            elif not tops:
                above = os.path.dirname(path)
                common = above if common is None else os.path.commonpath([common, above])
    if common is None and not tops:
        return None
    # Renamed on the way: the folder that all of them have in common.
    top = tops.most_common(1)[0][0] if tops else str(common)
    return top if top != relative and under(top, relative) else relative


def _is_copied(db: Database, volume_id: str, path: str) -> bool:
    """Whether the chain there is a copy of somebody's file: then it is not ours to change."""
    return (
        scalar(
            db, "SELECT 1 FROM copies WHERE volume_id = ? AND path = ? LIMIT 1", (volume_id, to_blob(path))
        )
        is not None
    )


def _digests(entry: Row) -> dict[str, str]:
    return {form: str(entry[form]) for form in _TAKEN if entry[form]}


def _tell(job: JobContext, where: str, made: Listed | None) -> None:
    if made is None:
        return
    if made.list_path is not None:
        job.log("info", f"Hash list {display(made.list_path)}: {made.files} files.")
    if made.failed:
        names = ", ".join(display(path) for path in made.failed[:3])
        job.log("error", f"{len(made.failed)} files differ from an earlier hash list at {where}: {names}.")
    if made.missing:
        names = ", ".join(display(path) for path in made.missing[:3])
        job.log("warning", f"{len(made.missing)} files of earlier hash lists are not at {where}: {names}.")
    if made.left_out:
        names = ", ".join(display(path) for path in made.left_out[:3])
        job.log("warning", f"{len(made.left_out)} files at {where} are in no hash list: {names}.")


def create(
    library: Library,
    path: str,
    *,
    check: Callable[[], None] | None = None,
    on_file: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Begin or continue the hash list of a folder: the document of ``mhl create``.

    Files that are as the catalogue recorded them are taken from there; others
    are read once.

    Args:
        library: its catalogue is asked.
        path: the folder.
        check: called between buffers; raises to stop.
        on_file: gets (number, of how many, path) before each file that is read.

    Raises:
        NotFound: there is no such folder.
        Refused: it is no folder, or it lies on a card.
        RushesError: it cannot be read or written, or its lists are not whole.
    """
    root = places.resolve(path)
    if not os.path.isdir(root):
        if os.path.lexists(root):
            raise Refused(f"{display(root)} is no folder. Nothing was written.")
        raise NotFound(f"There is no folder {display(root)}.")
    db = library.db()
    place = places.place_of(db, root)
    if scalar(db, "SELECT class FROM volumes WHERE volume_id = ?", (place.volume_id,)) == "card":
        raise Refused(f"{display(root)} lies on a card; nothing is ever written to one.")
    begun = clock.now()
    try:
        tree = walk(root, IGNORED, check=check)
        known = known_digests(db, place.volume_id, place.path, tree)
        unknown = [name for name, digest in known.items() if digest is None and writing.nameable(name)]
        proven = _proven(db, place.volume_id, place.path)
        records = [
            Record(
                name,
                tree.files[name].size,
                tree.files[name].mtime_ns,
                {FORM: digest},
                proven.get(name),
                renewed=True,
            )
            for name, digest in known.items()
            if digest is not None
        ]
        unread: list[str] = []
        for number, name in enumerate(unknown):
            if on_file is not None:
                on_file(number, len(unknown), name)
            digest = _read(os.path.join(root, name), check)
            if digest is None:
                unread.append(name)
                continue
            known[name] = digest
            facts = tree.files[name]
            records.append(
                Record(name, facts.size, facts.mtime_ns, {FORM: digest}, clock.now(), True, just_read=True)
            )
        creator = Creator(begun, platform.node(), "rushes", __version__)
        made = add(root, reading.load(root), records, tree, known, creator, "in-place")
        chain = join(place.path, f"{FOLDER}/{CHAIN}")
        if made.list_path is not None and _is_copied(db, place.volume_id, chain):
            _remember_chain(db, place.volume_id, chain, os.path.join(root, FOLDER, CHAIN))
    except OSError as error:
        raise RushesError(
            f"The hash list of {display(root)} cannot be written: {os.strerror(error.errno or 0)}."
        ) from error
    return {
        **json_name("list", made.list_path),
        "generation": made.generation,
        "files": made.files,
        "read": len(unknown) - len(unread),
        "differing": [json_name("path", name) for name in made.failed],
        "moved": [
            {**json_name("path", name), **json_name("was", old)} for name, old in sorted(made.moved.items())
        ],
        "missing": [json_name("path", name) for name in made.missing],
        "left_out": [json_name("path", name) for name in (*made.left_out, *unread)],
    }


def _remember_chain(db: Database, volume_id: str, path: str, absolute: str) -> None:
    """A chain that came with a card was continued: what lies there now is no longer a copy of the card's."""
    fd = open_for_reading(absolute)
    try:
        facts = os.fstat(fd)
        digester = digest_fd(fd)
    finally:
        os.close(fd)
    role = scalar(db, "SELECT role FROM copies WHERE volume_id = ? AND path = ?", (volume_id, to_blob(path)))
    content = Content(digester.size, digester.blake3, digester.xxh128)
    record_copy(
        db,
        record_asset(db, content),
        volume_id,
        path,
        str(role),
        size=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
        inode=facts.st_ino,
        level=None,
        batch_id=None,
    )


def _proven(db: Database, volume_id: str, place: str) -> dict[str, str | None]:
    start = to_blob(f"{place}/") if place else b""
    return {
        from_blob(entry["path"])[len(os.fsdecode(start)) :]: entry["verified_at"] or entry["seen_at"]
        for entry in rows(
            db,
            "SELECT path, verified_at, seen_at FROM copies WHERE volume_id = ? AND substr(path, 1, ?) = ?",
            (volume_id, len(start), start),
        )
    }


def _read(path: str, check: Callable[[], None] | None) -> str | None:
    """The digest of a file by reading it; None when it cannot be read or changed meanwhile."""
    try:
        fd = open_for_reading(path)
    except OSError:
        return None
    try:
        before = os.fstat(fd)
        if not stat.S_ISREG(before.st_mode):
            return None
        digester = digest_fd(fd, digester=Digester(), check=check)
        after = os.fstat(fd)
        same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        return digester.xxh128 if same and digester.size == after.st_size else None
    except OSError:
        return None
    finally:
        os.close(fd)
