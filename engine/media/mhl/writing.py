"""Hash lists as XML, in the order of elements that the format's schema asks for. Bytes only, no files."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from engine import clock
from engine.media.mhl.records import (
    CHAIN_NAMESPACE,
    FORMATS,
    NAMESPACE,
    SUFFIX,
    Creator,
    FileHash,
    FolderHash,
    HashList,
)
from engine.names import display, safe_component

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES = {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
"""Written so that a reader gives them back as they are."""


def nameable(path: str) -> bool:
    """Whether a path can be written in a list: XML knows no control characters, and UTF-8 only."""
    return _NOT_IN_XML.search(path) is None


def manifest_name(number: int, folder: str, moment: str) -> str:
    """``0001_A001_2026-11-20_180300Z.mhl``: number, folder, and when the work began, in UTC."""
    stem = safe_component(display(folder), "folder")
    return f"{number:04d}_{stem}_{clock.parse(moment):%Y-%m-%d_%H%M%S}Z{SUFFIX}"


def moment(text: str) -> str:
    """A stored moment as the format wants it, with its milliseconds."""
    return clock.stamp(clock.parse(text)).replace("Z", "+00:00")


def moment_ns(nanoseconds: int) -> str:
    """A file time as the format wants it."""
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def manifest(hash_list: HashList) -> Iterator[bytes]:
    """The list as XML, piece by piece."""
    yield f'{_HEAD}<hashlist version="2.0" xmlns="{NAMESPACE}">\n'.encode()
    yield _creator(hash_list.creator).encode()
    yield f"  <processinfo>\n    <process>{_text(hash_list.process)}</process>\n".encode()
    if hash_list.top is not None:
        yield _folder(hash_list.top, "roothash", "    ").encode()
    if hash_list.ignored:
        yield b"    <ignore>\n"
        for pattern in hash_list.ignored:
            yield f"      <pattern>{_text(pattern)}</pattern>\n".encode()
        yield b"    </ignore>\n"
    yield b"  </processinfo>\n"
    hashes = itertools.chain(
        map(_file, hash_list.files),
        (_folder(folder, "directoryhash", "    ") for folder in hash_list.folders),
    )
    first = next(hashes, None)
    if first is not None:
        yield f"  <hashes>\n{first}".encode()
        for entry in hashes:
            yield entry.encode()
        yield b"  </hashes>\n"
    if hash_list.references:
        yield b"  <references>\n"
        for reference in hash_list.references:
            yield (
                f"    <hashlistreference>\n      <path>{_text(reference.path)}</path>\n"
                f"      <c4>{_text(reference.c4)}</c4>\n    </hashlistreference>\n"
            ).encode()
        yield b"  </references>\n"
    yield b"</hashlist>\n"


def chain(generations: Sequence[tuple[int, str, str]]) -> bytes:
    """The chain as XML, from (number, file name, C4) of every list."""
    lines = [f'{_HEAD}<ascmhldirectory xmlns="{CHAIN_NAMESPACE}">\n']
    for number, name, c4 in generations:
        lines.append(
            f'  <hashlist sequencenr="{number}">\n    <path>{_text(name)}</path>\n'
            f"    <c4>{_text(c4)}</c4>\n  </hashlist>\n"
        )
    lines.append("</ascmhldirectory>\n")
    return "".join(lines).encode()


def _creator(creator: Creator) -> str:
    lines = [
        "  <creatorinfo>\n",
        f"    <creationdate>{moment(creator.created)}</creationdate>\n",
        f"    <hostname>{_text(creator.host)}</hostname>\n",
        f"    <tool version={_attribute(creator.version)}>{_text(creator.tool)}</tool>\n",
    ]
    if creator.author:
        lines.append(f"    <author>{_text(creator.author)}</author>\n")
    if creator.comment:
        lines.append(f"    <comment>{_text(creator.comment)}</comment>\n")
    lines.append("  </creatorinfo>\n")
    return "".join(lines)


def _file(file: FileHash) -> str:
    size = "" if file.size is None else f' size="{file.size}"'
    modified = "" if file.modified is None else f" lastmodificationdate={_attribute(file.modified)}"
    lines = [f"    <hash>\n      <path{size}{modified}>{_text(file.path)}</path>\n"]
    for digest in sorted(file.digests, key=lambda one: FORMATS.index(one.form)):
        action = f' action="{digest.action}"' if digest.action else ""
        at = f' hashdate="{moment(digest.at)}"' if digest.at else ""
        lines.append(f"      <{digest.form}{action}{at}>{_text(digest.value)}</{digest.form}>\n")
    if file.previous is not None:
        lines.append(f"      <previousPath>{_text(file.previous)}</previousPath>\n")
    lines.append("    </hash>\n")
    return "".join(lines)


def _folder(folder: FolderHash, tag: str, indent: str) -> str:
    at = f' hashdate="{moment(folder.at)}"' if folder.at else ""
    lines = [f"{indent}<{tag}>\n"]
    if tag == "directoryhash":
        modified = f" lastmodificationdate={_attribute(folder.modified)}" if folder.modified else ""
        lines.append(f"{indent}  <path{modified}>{_text(folder.path)}</path>\n")
    for word, digests in (("content", folder.content), ("structure", folder.structure)):
        lines.append(f"{indent}  <{word}>\n")
        lines.extend(
            f"{indent}    <{form}{at}>{_text(value)}</{form}>\n" for form, value in sorted(digests.items())
        )
        lines.append(f"{indent}  </{word}>\n")
    lines.append(f"{indent}</{tag}>\n")
    return "".join(lines)


def _text(text: str) -> str:
    return escape(_NOT_IN_XML.sub("\ufffd", text), {"\r": _ENTITIES["\r"]})


def _attribute(text: str) -> str:
    return quoteattr(_NOT_IN_XML.sub("\ufffd", text), _ENTITIES)
