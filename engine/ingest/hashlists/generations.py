"""A new generation of a hash list, made from what is known about files and what the older ones say."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlite_utils import Database

from engine import clock
from engine.ingest.hashlists import listfolder
from engine.media.mhl import writing
from engine.media.mhl.folders import folder_hashes
from engine.media.mhl.records import (
    DEFAULT_IGNORED,
    Creator,
    Digest,
    FileHash,
    FolderHash,
    HashList,
    History,
)
from engine.media.mhl.trees import Tree
from engine.names import from_blob, to_blob
from engine.storage.database import rows

FORM = "xxh128"
"""The digest that every list holds, and that the hashes of folders are made of."""

SAME_PROOF = timedelta(seconds=30)
"""One proof is stamped in several rows, at most so far apart; what is not later is not said again."""

IGNORED = (*DEFAULT_IGNORED, ".*.part", "._*", ".rushes", ".rushes-volume", "Thumbs.db", "desktop.ini")
"""Patterns of what is never recorded: our own temporary files and what systems leave behind."""


@dataclass(frozen=True)
class Record:
    """One file with the digests that it was proven to have.

    Attributes:
        path: relative to the folder of the list.
        proven_at: when its bytes were last read; None when that is not known.
        renewed: whether this very work proved it, so that it is said again although it is known.
        just_read: whether it was read for this very list: a proof of its own, however soon after the last.
    """

    path: str
    size: int
    mtime_ns: int | None
    digests: dict[str, str]
    proven_at: str | None
    renewed: bool
    just_read: bool = False


@dataclass(frozen=True)
class Listed:
    """What came of writing a list.

    Attributes:
        list_path: the new list; None when there was nothing new to say.
        generation: its number; None without one.
        files: files in it.
        failed: paths whose bytes differ from what an earlier list says.
        left_out: paths that no list can name, or of which the digest is not known.
        moved: former path by new path, of files that are the same under another name.
        missing: paths of earlier lists that are not here under any name.
    """

    list_path: str | None
    generation: int | None
    files: int
    failed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def add(
    root: str,
    history: History,
    records: Sequence[Record],
    tree: Tree,
    digests: dict[str, str | None],
    creator: Creator,
    process: str,
    *,
    whole: bool = True,
) -> Listed:
    """Add what the history does not say yet as a new generation; without anything new there is none.

    ``whole``: the tree is everything in the folder, so the hashes of folders can be told.
    """
    files: list[FileHash] = []
    failed: list[str] = []
    left_out = [path for path in tree.files if not writing.nameable(path)]
    gone = [path for path in history.files() if path not in tree.files]
    moved = _moved(records, history, gone)
    missing = tuple(sorted(set(gone) - set(moved.values())))
    for record in records:
        if not writing.nameable(record.path):
            continue
        if not record.digests:
            left_out.append(record.path)
            continue
        made = _file(record, history, moved.get(record.path))
        if made is None:
            continue
        files.append(made)
        if any(digest.action == "failed" for digest in made.digests):
            failed.append(record.path)
    if not files:
        return Listed(None, None, 0, (), tuple(sorted(set(left_out))), moved, missing)
    counted = {path: digests.get(path) if writing.nameable(path) else None for path in tree.files}
    pairs = folder_hashes(FORM, counted, tree.folders) if whole else {}
    folders = [
        FolderHash(
            path,
            writing.moment_ns(tree.folders.get(path, 0)) if path != "." else None,
            {FORM: content},
            {FORM: structure},
            creator.created,
        )
        for path, (content, structure) in sorted(pairs.items())
    ]
    ignored = tuple(dict.fromkeys((*(history.ignored if history.generations else ()), *IGNORED)))
    path = listfolder.append(
        root,
        history,
        HashList(
            creator,
            process,
            tuple(sorted(files, key=lambda file: file.path)),
            tuple(folder for folder in folders if folder.path != "."),
            next((folder for folder in folders if folder.path == "."), None),
            ignored,
        ),
    )
    return Listed(
        path, history.latest + 1, len(files), tuple(failed), tuple(sorted(set(left_out))), moved, missing
    )


def _moved(records: Sequence[Record], history: History, gone: Sequence[str]) -> dict[str, str]:
    """The former path of each file that no list knows, but whose bytes are those of one that is gone.

    Of equal ones each new path takes one old path.
    """
    lost: dict[tuple[str, str], list[str]] = {}
    for path in gone:
        for form, value in _recorded(history.files()[path]).items():
            lost.setdefault((form, value), []).append(path)
    found: dict[str, str] = {}
    taken: set[str] = set()
    for record in records if lost else ():
        if record.path in history.files() or not record.size:  # all empty files are alike
            continue
        former = [
            path for entry in record.digests.items() for path in lost.get(entry, ()) if path not in taken
        ]
        if former:
            found[record.path] = former[0]
            taken.add(former[0])
    return found


def _recorded(records: Sequence[tuple[int, FileHash]]) -> dict[str, str]:
    """The digests that a file must have, by format: the earliest record decides."""
    return {
        digest.form: digest.value
        for _, file in reversed(records)
        for digest in file.digests
        if digest.action != "failed"
    }


def _file(record: Record, history: History, previous: str | None = None) -> FileHash | None:
    """The entry of a file; None when the history says all of it already.

    ``previous``: its path when it was recorded under another one, and proven to be that file.
    """
    before = history.files().get(previous or record.path, [])
    old = _recorded(before)
    if not old:
        action = "original"
    else:
        common = [form for form in record.digests if form in old]
        if not common or not (previous or record.just_read or (record.renewed and _newer(record, before))):
            return None  # a digest of another kind proves nothing about the recorded one
        same = all(old[form] == record.digests[form] for form in common)
        action = "verified" if same else "failed"
    return FileHash(
        record.path,
        record.size,
        writing.moment_ns(record.mtime_ns) if record.mtime_ns is not None else None,
        tuple(Digest(form, value, action, record.proven_at) for form, value in record.digests.items()),
        previous,
    )


def _newer(record: Record, before: Sequence[tuple[int, FileHash]]) -> bool:
    """Whether the file was proven after the last time that a list says so."""
    said = [digest.at for _, file in before for digest in file.digests if digest.at]
    if record.proven_at is None:
        return False
    try:
        return not said or clock.parse(record.proven_at) > max(map(clock.parse, said)) + SAME_PROOF
    except ValueError:
        return True


def known_digests(db: Database, volume_id: str, place: str, tree: Tree) -> dict[str, str | None]:
    """The digest of every file in a folder that is as the catalogue recorded it, else None."""
    known: dict[str, str | None] = dict.fromkeys(tree.files)
    start = to_blob(f"{place}/") if place else b""
    for entry in rows(
        db,
        "SELECT copies.path, copies.size, copies.mtime_ns, assets.xxh128 FROM copies"
        " JOIN assets USING (asset_id) WHERE volume_id = ? AND state = 'present'"
        " AND substr(path, 1, ?) = ?",
        (volume_id, len(start), start),
    ):
        path = from_blob(entry["path"])[len(os.fsdecode(start)) :]
        facts = tree.files.get(path)
        if facts is not None and (facts.size, facts.mtime_ns) == (entry["size"], entry["mtime_ns"]):
            known[path] = entry["xxh128"]
    return known
