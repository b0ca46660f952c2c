"""What a hash list says, as plain data.

Paths are relative to the folder that holds ``ascmhl/``, with ``/``, exact.
Times are ISO 8601 text as written. Digests are lower-case hex, but ``c4``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

FOLDER = "ascmhl"
CHAIN = "ascmhl_chain.xml"
SUFFIX = ".mhl"
NAMESPACE = "urn:ASC:MHL:v2.0"
CHAIN_NAMESPACE = "urn:ASC:MHL:DIRECTORY:v2.0"

FORMATS = ("c4", "md5", "sha1", "xxh128", "xxh3", "xxh32", "xxh64")
"""Digests of the format, in the alphabetical order in which a list holds them."""

PREFERRED = ("xxh128", "xxh3", "xxh64", "md5", "sha1", "c4", "xxh32")
"""Which recorded digest is checked when there are several: the fastest first."""

DEFAULT_IGNORED = (".DS_Store", "ascmhl", "ascmhl/")
"""Patterns that every list holds."""


@dataclass(frozen=True)
class Digest:
    """One digest of one file; ``action`` is ``original``, ``verified``, ``failed`` or None."""

    form: str
    value: str
    action: str | None = None
    at: str | None = None


@dataclass(frozen=True)
class FileHash:
    """One file of a list; ``previous`` is its path before it was renamed."""

    path: str
    size: int | None
    modified: str | None
    digests: tuple[Digest, ...]
    previous: str | None = None


@dataclass(frozen=True)
class FolderHash:
    """One folder: digests over what is in it, and over how it is arranged, by format. ``.`` is the top."""

    path: str
    modified: str | None
    content: Mapping[str, str]
    structure: Mapping[str, str]
    at: str | None = None


@dataclass(frozen=True)
class Reference:
    """A list of a history further down, and the C4 of that list's file."""

    path: str
    c4: str


@dataclass(frozen=True)
class Creator:
    """Who made a list, when and with what."""

    created: str
    host: str
    tool: str
    version: str
    author: str | None = None
    comment: str | None = None


@dataclass(frozen=True)
class HashList:
    """One generation.

    Attributes:
        process: ``transfer``, ``in-place`` or ``flatten``.
        files, folders: in the order of their paths; can be gone through more than once.
        top: hashes of the top folder; None when it could not be told.
        ignored: patterns of files that no list of this history records.
    """

    creator: Creator
    process: str
    files: Iterable[FileHash]
    folders: Iterable[FolderHash] = ()
    top: FolderHash | None = None
    ignored: tuple[str, ...] = DEFAULT_IGNORED
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class Generation:
    """A list with its place in the chain.

    Attributes:
        number: from 1.
        name: of its file in ``ascmhl/``.
        c4: of that file, as the chain says.
        whole: whether the file is as the chain says.
        listed: whether the chain knows it at all.
    """

    number: int
    name: str
    c4: str
    hash_list: HashList
    whole: bool = True
    listed: bool = True


@dataclass(frozen=True)
class History:
    """All generations of one folder, the oldest first.

    Attributes:
        problems: sentences about lists that are missing, changed or not to be read.
    """

    generations: tuple[Generation, ...] = ()
    problems: tuple[str, ...] = ()
    _known: dict[str, list[tuple[int, FileHash]]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Patterns of the newest generation."""
        return self.generations[-1].hash_list.ignored if self.generations else DEFAULT_IGNORED

    @property
    def latest(self) -> int:
        """Number of the newest generation; 0 for none."""
        return max((generation.number for generation in self.generations), default=0)

    def files(self) -> dict[str, list[tuple[int, FileHash]]]:
        """Every recorded file by its present path, with (generation, record), the oldest first."""
        if not self._known:
            for generation in self.generations:
                for file in generation.hash_list.files:
                    if file.previous is not None and file.previous in self._known:
                        moved = self._known.pop(file.previous)
                        self._known.setdefault(file.path, []).extend(moved)
                    self._known.setdefault(file.path, []).append((generation.number, file))
        return self._known


def expected(records: list[tuple[int, FileHash]]) -> Digest | None:
    """The digest that a file must have: of its earliest record that did not fail, the quickest format."""
    for _, file in records:
        good = {digest.form: digest for digest in file.digests if digest.action != "failed"}
        for form in PREFERRED:
            if form in good:
                return good[form]
    return None
