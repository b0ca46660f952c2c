"""Reading hash lists. They come with drives from strangers: nothing in them is believed to be harmless."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from engine.errors import RushesError
from engine.media.hashing import c4_text
from engine.media.mhl.records import (
    CHAIN,
    FOLDER,
    FORMATS,
    Creator,
    Digest,
    FileHash,
    FolderHash,
    Generation,
    HashList,
    History,
    Reference,
)
from engine.names import display

_OURS = "{urn:ASC:MHL:"
_NUMBERED = re.compile(r"(\d{4,})_.*\.mhl")


class UnreadableList(RushesError):
    """A hash list is not XML, or not one of this format; the sentence says why."""


def load(root: str) -> History:
    """Read the history of a folder; one without ``ascmhl/`` has no generations.

    The chain says which lists there are. A list that differs from its C4 in
    the chain, is missing, or cannot be read is said in ``problems``. A list that
    lies there whole but is not in the chain is the last step of a writing that
    was cut off: it is taken, and marked.

    Raises:
        OSError: the folder cannot be read.
    """
    folder = os.path.join(root, FOLDER)
    if not os.path.isdir(folder):
        return History()
    problems: list[str] = []
    try:
        chain = _chain(os.path.join(folder, CHAIN))
    except FileNotFoundError:
        chain = []
        problems.append(
            f"{display(os.path.join(FOLDER, CHAIN))} is missing: nothing says which lists belong."
        )
    except UnreadableList as error:
        chain = []
        problems.append(str(error))
    found: list[Generation] = []
    for number, name, c4 in chain:
        shown = display(os.path.join(FOLDER, name))
        if "/" in name or name in ("", ".", ".."):
            problems.append(f"The chain names {display(name)}, which is no file beside it.")
            continue
        path = os.path.join(folder, name)
        try:
            whole = c4_of(path) == c4
            if not whole:
                problems.append(f"{shown} was changed after it was written: it differs from the chain.")
            found.append(Generation(number, name, c4, parse(path), whole))
        except FileNotFoundError:
            problems.append(f"{shown} is missing: the chain knows it.")
        except UnreadableList as error:
            problems.append(str(error))
    known = {name for _, name, _ in chain}
    for name in sorted(os.listdir(folder)):
        match = _NUMBERED.fullmatch(name)
        if match is None or name in known:
            continue
        path = os.path.join(folder, name)
        try:
            found.append(Generation(int(match[1]), name, c4_of(path), parse(path), listed=False))
        except UnreadableList as error:
            problems.append(str(error))
    found.sort(key=lambda generation: (generation.number, generation.name))
    return History(tuple(found), tuple(problems))


def c4_of(path: str) -> str:
    """The C4 of a small file (a list).

    Raises:
        OSError: it cannot be read.
    """
    import hashlib

    with open(path, "rb") as file:
        return c4_text(hashlib.file_digest(file, "sha512").digest())


def parse(path: str) -> HashList:
    """Read one list. Paths that lead out of their folder are refused.

    Raises:
        UnreadableList: it is none.
        OSError: it cannot be read.
    """
    shown = display(os.path.join(FOLDER, os.path.basename(path)))
    creator = Creator("", "", "", "")
    process = ""
    ignored: list[str] = []
    files: list[FileHash] = []
    folders: list[FolderHash] = []
    top: FolderHash | None = None
    references: list[Reference] = []
    for element in _elements(
        path, {"creatorinfo", "process", "ignore", "roothash", "hash", "directoryhash", "hashlistreference"}
    ):
        tag = _tag(element)
        if tag == "creatorinfo":
            creator = _creator(element)
        elif tag == "process":
            process = element.text or ""
        elif tag == "ignore":
            ignored = [child.text or "" for child in element if child.text]
        elif tag == "roothash":
            top = _folder(element, ".")
        elif tag == "hash":
            files.append(_file(element, shown))
        elif tag == "directoryhash":
            folders.append(_folder(element, _path(element, "path", shown)))
        else:
            references.append(Reference(_path(element, "path", shown), _child(element, "c4").text or ""))
    return HashList(creator, process, tuple(files), tuple(folders), top, tuple(ignored), tuple(references))


def _chain(path: str) -> list[tuple[int, str, str]]:
    shown = display(os.path.join(FOLDER, os.path.basename(path)))
    found = []
    for element in _elements(path, {"hashlist"}):
        try:
            number = int(element.attrib.get("sequencenr", ""))
        except ValueError as error:
            raise UnreadableList(f"{shown} has an entry without a number.") from error
        found.append((number, _child(element, "path").text or "", _child(element, "c4").text or ""))
    return found


def _elements(path: str, wanted: set[str]) -> Iterator[Element]:
    """Elements with one of these names, each given up after use: a list may hold 200,000 files."""
    shown = display(os.path.join(FOLDER, os.path.basename(path)))
    top: Element | None = None
    try:
        with open(path, "rb") as file:
            events: Any = iterparse(file, events=("start", "end"), forbid_dtd=True)
            for event, element in events:
                if event == "start":
                    top = element if top is None else top
                elif (
                    element.tag.startswith(_OURS) and _tag(element) in wanted and element is not top
                ):  # metadata may hold elements of any other kind
                    yield element
                    element.clear()
    except (ParseError, DefusedXmlException, UnicodeDecodeError, ValueError) as error:
        raise UnreadableList(f"{shown} cannot be read: it is no hash list, or it was cut off.") from error


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if _tag(child) == name)


def _child(element: Element, name: str) -> Element:
    return next(_children(element, name), Element(name))


def _path(element: Element, name: str, shown: str) -> str:
    text = _child(element, name).text or ""
    parts = text.split("/")
    if not text or text.startswith("/") or ".." in parts or "\x00" in text:
        raise UnreadableList(
            f"{shown} names {display(text)!r}, which leads out of its folder. It is refused."
        )
    return os.path.normpath(text)


def _file(element: Element, shown: str) -> FileHash:
    where = _child(element, "path")
    size = where.attrib.get("size", "")
    renamed = next(_children(element, "previousPath"), None) is not None
    return FileHash(
        _path(element, "path", shown),
        int(size) if size.isdecimal() else None,
        where.attrib.get("lastmodificationdate"),
        tuple(
            Digest(
                _tag(child),
                (child.text or "").strip(),
                child.attrib.get("action"),
                child.attrib.get("hashdate"),
            )
            for child in element
            if _tag(child) in FORMATS
        ),
        _path(element, "previousPath", shown) if renamed else None,
    )


def _folder(element: Element, path: str) -> FolderHash:
    def digests(name: str) -> dict[str, str]:
        return {_tag(child): (child.text or "").strip() for child in _child(element, name)}

    return FolderHash(
        path,
        _child(element, "path").attrib.get("lastmodificationdate"),
        digests("content"),
        digests("structure"),
    )


def _creator(element: Element) -> Creator:
    def text(name: str) -> str:
        return _child(element, name).text or ""

    return Creator(
        text("creationdate"),
        text("hostname"),
        text("tool"),
        _child(element, "tool").attrib.get("version", ""),
        text("author") or None,
        text("comment") or None,
    )
