"""Hashes of folders: over the hashes of what is in them, so that no file has to be read again.

The content hash does not depend on names, the structure hash does. Both are
taken over the bytes of the children's digests in sorted order. A folder in which
one file has no digest has none itself, nor have the folders above it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Collection, Mapping
from typing import Any

import xxhash

from engine.media.hashing import C4_ALPHABET, c4_text
from engine.names import from_blob, to_blob

_MAKERS: dict[str, Callable[[], Any]] = {
    "xxh128": xxhash.xxh3_128,
    "xxh3": xxhash.xxh3_64,
    "xxh64": xxhash.xxh64,
    "xxh32": xxhash.xxh32,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "c4": hashlib.sha512,
}


def maker(form: str) -> Callable[[], Any]:
    """What makes a digest of a format of :data:`engine.media.mhl.records.FORMATS`."""
    return _MAKERS[form]


def text_of(form: str, digest: Any) -> str:
    """A finished digest as a list writes it."""
    return c4_text(digest.digest()) if form == "c4" else str(digest.hexdigest())


def bytes_of(form: str, text: str) -> bytes:
    """The bytes of a digest as a list writes it.

    Raises:
        ValueError: it is no such digest.
    """
    if form != "c4":
        return bytes.fromhex(text)
    number = 0
    for digit in text[2:]:
        number = number * 58 + C4_ALPHABET.index(digit)
    return number.to_bytes(64, "big")


def folder_hashes(
    form: str, files: Mapping[str, str | None], folders: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Return (content, structure) of every folder that has them, by path; ``.`` is the top.

    Args:
        form: the format of all digests.
        files: every file that counts, by relative path, with its digest; None while unknown.
        folders: every folder, also empty ones, without the top.
    """
    inside: dict[str, list[str]] = {".": []}
    for folder in sorted(folders):
        inside.setdefault(folder, [])
    for path in (*files, *(folder for folder in folders if folder != ".")):
        inside.setdefault(_above(path), []).append(path)
    result: dict[str, tuple[str, str]] = {}
    # The deepest first, so that what a folder needs of its children is there.
    for folder in sorted(inside, key=lambda path: -1 if path == "." else path.count("/"), reverse=True):
        content: list[str] = []
        structure: list[str] = []
        complete = True
        for child in inside[folder]:
            name = child.rpartition("/")[2]
            if child in inside:
                pair = result.get(child)
            else:
                digest = files[child]
                pair = None if digest is None else (digest, digest)
            if pair is None or not _plain(name):
                complete = False
                break
            content.append(pair[0])
            structure.append(_one(form, name.encode("utf-8") + bytes_of(form, pair[1])))
        if complete:
            result[folder] = (_all(form, content), _all(form, structure))
    return result


class Sums:
    """The same hashes over any number of files: in a database in place of memory.

    Table ``folders`` has (path, depth, mtime_ns, content, structure) of every folder; the last two are NULL
    until :meth:`fold`, and afterwards where a hash cannot be told. ``.`` is the top.
    """

    def __init__(self, form: str, db: sqlite3.Connection) -> None:
        """``form``: the format of all digests; ``db``: a private database, used by one thread at a time."""
        self._form = form
        self._db = db
        db.execute(
            "CREATE TABLE folders (path BLOB PRIMARY KEY, depth INTEGER NOT NULL, mtime_ns INTEGER,"
            " content TEXT, structure TEXT) WITHOUT ROWID"
        )
        db.execute("CREATE TABLE children (folder BLOB NOT NULL, content TEXT, structure TEXT)")
        db.execute("INSERT INTO folders (path, depth) VALUES (?, -1)", (b".",))

    def add_folder(self, path: str, mtime_ns: int) -> None:
        """Take in a folder by its relative path."""
        self._db.execute(
            "INSERT INTO folders (path, depth, mtime_ns) VALUES (?, ?, ?)",
            (to_blob(path), path.count("/"), mtime_ns),
        )

    def add_file(self, path: str, digest: str | None) -> None:
        """Take in a file by its relative path; None: its digest is not known."""
        self._add(path, None if digest is None else (digest, digest))

    def _add(self, path: str, pair: tuple[str, str] | None) -> None:
        name = path.rpartition("/")[2]
        content = structure = None
        if pair is not None and _plain(name):
            content = pair[0]
            structure = _one(self._form, name.encode("utf-8") + bytes_of(self._form, pair[1]))
        self._db.execute("INSERT INTO children VALUES (?, ?, ?)", (to_blob(_above(path)), content, structure))

    def fold(self) -> None:
        """Tell the hashes of all folders, the deepest first. Done once, when everything was taken in."""
        for column in ("content", "structure"):
            self._db.execute(f"CREATE INDEX children_by_{column} ON children (folder, {column})")
        deepest = self._db.execute("SELECT max(depth) FROM folders").fetchone()[0]
        for depth in range(deepest, -2, -1):
            path = b""
            while found := self._db.execute(
                "SELECT path FROM folders WHERE depth = ? AND path > ? ORDER BY path LIMIT 1", (depth, path)
            ).fetchone():
                (path,) = found
                pair = self._hashes(path)
                if pair is not None:
                    self._db.execute(
                        "UPDATE folders SET content = ?, structure = ? WHERE path = ?", (*pair, path)
                    )
                if path != b".":
                    self._add(from_blob(path), pair)

    def _hashes(self, folder: bytes) -> tuple[str, str] | None:
        unknown = "SELECT 1 FROM children WHERE folder = ? AND content IS NULL LIMIT 1"
        if self._db.execute(unknown, (folder,)).fetchone():
            return None
        both = []
        for column in ("content", "structure"):
            digest = maker(self._form)()
            for (text,) in self._db.execute(
                f"SELECT {column} FROM children WHERE folder = ? ORDER BY {column}", (folder,)
            ):
                digest.update(bytes_of(self._form, text))
            both.append(text_of(self._form, digest))
        return both[0], both[1]

    def of(self, folder: str) -> tuple[str, str] | None:
        """(content, structure) of a folder; None where they cannot be told."""
        found = self._db.execute(
            "SELECT content, structure FROM folders WHERE path = ? AND content IS NOT NULL",
            (to_blob(folder),),
        ).fetchone()
        return None if found is None else (str(found[0]), str(found[1]))


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "."


def _plain(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _one(form: str, data: bytes) -> str:
    digest = maker(form)()
    digest.update(data)
    return text_of(form, digest)


def _all(form: str, digests: list[str]) -> str:
    digest = maker(form)()
    for text in sorted(digests):
        digest.update(bytes_of(form, text))
    return text_of(form, digest)
