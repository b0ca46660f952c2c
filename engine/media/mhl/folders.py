"""Hashes of folders: over the hashes of what is in them, so that no file has to be read again.

The content hash does not depend on names, the structure hash does. Both are
taken over the bytes of the children's digests in sorted order. A folder in which
one file has no digest has none itself, nor have the folders above it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import xxhash

from engine.media.hashing import C4_ALPHABET, c4_text

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
