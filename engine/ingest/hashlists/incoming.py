"""An incoming drive against the hash lists that came with it: every file is read. Nothing is written."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import NotFound, Refused
from engine.ingest.ends.reach import Pulse, Reach
from engine.ingest.planning.scan import left_out
from engine.media.hashing import Digester
from engine.media.mhl import reading
from engine.media.mhl.folders import maker, text_of
from engine.media.mhl.records import FOLDER, Digest, FileHash, History, expected
from engine.media.mhl.trees import Facts, walk
from engine.media.rereading import Reread
from engine.names import display, json_name
from engine.volumes import mounts, places
from engine.volumes.mounts import Mount

_LINK = "It is a link; links are not followed."


@dataclass(frozen=True)
class Finding:
    """Something that is not as the lists say.

    Attributes:
        kind: ``damaged`` (other bytes), ``missing``, ``moved`` (here under another name, its bytes as
            recorded), ``new`` (in no list), ``unreadable``, ``list`` (a list is missing, was changed, or
            cannot be read).
        path: relative to the folder that was asked about.
        sentence: what is wrong.
        form, expected, found: the digest that differs; None for other kinds.
    """

    kind: str
    path: str
    sentence: str
    form: str | None = None
    expected: str | None = None
    found: str | None = None


@dataclass
class Verdict:
    """The answer.

    Attributes:
        path: the folder, absolute.
        lists: folders with a history.
        generations: lists in them.
        verified: files whose bytes are as recorded, and ``size`` their bytes.
        levels: how they were read, files by level.
        findings: what is wrong; empty when all is well.
    """

    path: str
    lists: int = 0
    generations: int = 0
    verified: int = 0
    size: int = 0
    levels: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The answer in words."""
        where = display(self.path)
        if not self.findings:
            return f"All {self.verified:,} files in {where} are as their hash lists say."
        counts: dict[str, int] = {}
        for finding in self.findings:
            counts[finding.kind] = counts.get(finding.kind, 0) + 1
        words = ", ".join(f"{count:,} {_WORDS[kind]}" for kind, count in counts.items())
        if set(counts) == {"moved"}:
            return f"All {self.verified:,} files in {where} have the bytes that were recorded; {words}."
        return f"{where} is NOT as its hash lists say: {words}; {self.verified:,} files are well."

    def to_json(self) -> dict[str, Any]:
        """As ``mhl verify --json`` prints it."""
        return {
            **json_name("path", self.path),
            "good": not self.findings,
            "sentence": self.sentence,
            "lists": self.lists,
            "generations": self.generations,
            "verified": self.verified,
            "bytes": self.size,
            "levels": self.levels,
            "findings": [
                {
                    "kind": finding.kind,
                    **json_name("path", finding.path),
                    "sentence": finding.sentence,
                    "format": finding.form,
                    "expected": finding.expected,
                    "found": finding.found,
                }
                for finding in self.findings
            ],
        }


@dataclass(frozen=True)
class Result:
    """What one reading of a file gave.

    Attributes:
        size, mtime_ns: of the file as it was read.
        level: how it was read.
        form, digest: the digest that a list asked for.
    """

    size: int
    mtime_ns: int
    level: str
    form: str
    digest: str


_WORDS = {
    "damaged": "damaged",
    "missing": "missing",
    "moved": "moved or renamed",
    "new": "in no list",
    "unreadable": "not readable",
    "list": "wrong with the lists themselves",
}


def verify(
    path: str,
    *,
    check: Callable[[], None] | None = None,
    on_file: Callable[[int, int, str], None] | None = None,
    known: Mapping[str, Result] | None = None,
    on_result: Callable[[str, Result], None] | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Verdict:
    """Verify everything below a folder against the hash lists found there.

    Lists of folders inside a folder with lists are used for what is in them.
    Files outside of every list are findings too: a list can only speak for
    what it knows. Needs no library, and writes nothing: the drive may be a source.

    Args:
        path: a drive's mount point, or a folder.
        check: called between buffers; raises to stop.
        on_file: gets (number, of how many, path) before each file.
        known: files that were read before, by path; those that are unchanged are not read again.
        on_result: gets what the reading of each file gave.
        on_bytes: gets the length of each buffer that was read.

    Raises:
        NotFound: there is no such folder, or no hash list in it.
        Refused: it is no folder.
        VolumeGone: the drive does not answer.
    """
    top = places.resolve(path)
    if not os.path.isdir(top):
        raise Refused(f"{display(top)} is no folder; name the folder that holds {FOLDER}/, or one above it.")
    mount = mounts.locate(mounts.read(), top)
    way = Reach(display(top), direct=mount is not None and mount.is_trusted, check=check or _go_on)
    try:
        return _verify(top, way, mount, on_file, known or {}, on_result, on_bytes, check)
    finally:
        way.end(lambda: None)


def _go_on() -> None:
    """Nobody wants to stop."""


def _verify(
    top: str,
    way: Reach,
    mount: Mount | None,
    on_file: Callable[[int, int, str], None] | None,
    done: Mapping[str, Result],
    on_result: Callable[[str, Result], None] | None,
    on_bytes: Callable[[int], None] | None,
    check: Callable[[], None] | None,
) -> Verdict:
    tree = way.follow(lambda pulse: walk(top, (), check=pulse.check))
    roots = sorted(
        {
            os.path.dirname(folder)
            for folder in tree.folders
            if os.path.basename(folder) == FOLDER
            and any(name.startswith(f"{folder}/") and name.endswith((".mhl", ".xml")) for name in tree.files)
        }
    )
    if not roots:
        raise NotFound(f"There is no ASC MHL hash list in {display(top)} or below it.")
    verdict = Verdict(top, lists=len(roots))
    reader = _Reader(top, mount.fs_type if mount else "", mount.is_network if mount else None, verdict, way)
    reader.known, reader.on_result, reader.on_bytes = done, on_result, on_bytes
    listed = _known(top, roots, verdict)
    verdict.findings.extend(
        Finding("unreadable", folder, f"The folder {display(folder)} cannot be listed: {why}.")
        for folder, why in tree.unreadable.items()
    )
    present = {name: facts for name, facts in tree.files.items() if not listed.left_out(name)}
    wanted, strays = _paired(listed, present)
    for number, (name, record, file) in enumerate(wanted):
        if check is not None:
            check()
        if on_file is not None:
            on_file(number, len(wanted), name)
        if not present[name].regular:
            verdict.findings.append(Finding("damaged", name, _LINK))
        else:
            reader.file(name, record, file, present[name])
    found = {name for name, _, _ in wanted}
    gone = sorted(set(listed.files) - {listed.spelling.get(name, name) for name in found})
    moved = _moved(listed, gone, strays, present, reader)
    gone = [name for name in gone if name not in moved.values()]
    strays = [name for name in strays if name not in moved]
    verdict.findings.extend(
        Finding("moved", name, f"{display(old)} is here as {display(name)}; its bytes are as recorded.")
        for name, old in sorted(moved.items())
    )
    verdict.findings.extend(
        Finding("missing", name, f"{display(name)} is in a hash list, but not here.") for name in gone
    )
    verdict.findings.extend(
        Finding("new", name, f"{display(name)} is in no hash list, so nothing is known about it.")
        for name in strays
    )
    return verdict


def _moved(
    listed: _Known, gone: Sequence[str], strays: Sequence[str], present: Mapping[str, Facts], reader: _Reader
) -> dict[str, str]:
    """Files that no list knows by name but whose bytes are those of one that is missing: old by new name.

    Only files of the size of a missing one are read. Of equal ones each new name takes one old name.
    """
    by_size: dict[int, list[tuple[str, Digest]]] = {}
    for name in gone:
        digest, size = expected(listed.files[name]), listed.files[name][0][1].size
        if digest is not None and size:  # all empty files are alike
            by_size.setdefault(size, []).append((name, digest))
    found: dict[str, str] = {}
    for name in strays:
        candidates = by_size.get(present[name].size, []) if present[name].regular else []
        read: dict[str, str | None] = {}
        for old, digest in candidates:
            if digest.form not in read:
                read[digest.form] = reader.digest(name, digest.form, present[name])
            if read[digest.form] == _value(digest):
                found[name] = old
                candidates.remove((old, digest))
                reader.well(present[name].size)
                break
    return found


def _value(digest: Digest) -> str:
    """A recorded digest as :class:`_Wanted` writes it."""
    return digest.value if digest.form == "c4" else digest.value.lower()


def _count_nothing(_: int) -> None:
    """Nobody counts bytes."""


@dataclass
class _Known:
    """What all lists together say, by path relative to the folder that was asked about."""

    files: dict[str, list[tuple[int, FileHash]]] = field(default_factory=dict)
    roots: dict[str, History] = field(default_factory=dict)
    spelling: dict[str, str] = field(default_factory=dict)
    _specs: dict[str, Any] = field(default_factory=dict)

    def left_out(self, path: str) -> bool:
        """Whether a file is none that a list would hold: the lists themselves, ignored, system rubbish."""
        if FOLDER in path.split("/")[:-1]:
            return True
        if left_out(path):
            return path not in self.files
        root = self.root_of(path)
        if root is None:
            return False
        if root not in self._specs:
            from pathspec import GitIgnoreSpec

            self._specs[root] = GitIgnoreSpec.from_lines(self.roots[root].ignored)
        inside = path[len(root) + 1 :] if root else path
        return bool(self._specs[root].match_file(inside))

    def root_of(self, path: str) -> str | None:
        """The closest folder with a history above a file."""
        folder = os.path.dirname(path)
        while True:
            if folder in self.roots:
                return folder
            if not folder:
                return None
            folder = os.path.dirname(folder)


def _known(top: str, roots: list[str], verdict: Verdict) -> _Known:
    known = _Known()
    for root in roots:
        try:
            history = reading.load(os.path.join(top, root))
        except OSError as error:
            why = os.strerror(error.errno or 0)
            verdict.findings.append(
                Finding("list", os.path.join(root, FOLDER), f"The hash lists cannot be read: {why}.")
            )
            continue
        known.roots[root] = history
        verdict.generations += len(history.generations)
        verdict.findings.extend(
            Finding("list", os.path.join(root, FOLDER), sentence) for sentence in history.problems
        )
        verdict.findings.extend(_references(top, root, history))
        for path, records in history.files().items():
            # The closest history has the word about a file; the roots come from the outside in.
            known.files[os.path.join(root, path) if root else path] = records
    return known


def _references(top: str, root: str, history: History) -> list[Finding]:
    """Lists further down that a list vouches for by their C4."""
    found = []
    for generation in history.generations:
        for reference in generation.hash_list.references:
            path = os.path.join(root, reference.path)
            try:
                same = reading.c4_of(os.path.join(top, path)) == reference.c4
            except OSError:
                found.append(Finding("list", path, f"{display(path)} is missing: another list refers to it."))
                continue
            if not same:
                found.append(Finding("list", path, f"{display(path)} was changed after it was referred to."))
    return found


def _paired(known: _Known, present: dict[str, Any]) -> tuple[list[tuple[str, Digest, FileHash]], list[str]]:
    """Files that are here and in a list; and files that are in none.

    File systems of different make spell accents differently: a file whose name
    is only spelled otherwise is the same file.
    """
    spelled = {unicodedata.normalize("NFC", path): path for path in known.files if path not in present}
    wanted: list[tuple[str, Digest, FileHash]] = []
    strays: list[str] = []
    for name in sorted(present):
        listed = name if name in known.files else spelled.get(unicodedata.normalize("NFC", name))
        digest = expected(known.files[listed]) if listed is not None else None
        if listed is None or digest is None:
            strays.append(name)
            continue
        if listed != name:
            known.spelling[name] = listed
        wanted.append((name, digest, known.files[listed][0][1]))
    return wanted, strays


class _Wanted(Digester):
    """A digester that takes one digest of a list besides its own."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form
        self._wanted = maker(form)() if form != "xxh128" else None

    def update(self, data: memoryview) -> None:
        super().update(data)
        if self._wanted is not None:
            self._wanted.update(data)

    @property
    def value(self) -> str:
        """The digest as a list writes it."""
        return self.xxh128 if self._wanted is None else text_of(self._form, self._wanted)


class _Reader:
    """Reads files from below the page cache and holds them against their records."""

    def __init__(
        self,
        top: str,
        fs_type: str,
        is_network: bool | None,
        verdict: Verdict,
        way: Reach,
    ) -> None:
        self._top, self._fs_type, self._is_network = top, fs_type, is_network
        self._verdict, self._way = verdict, way
        self.known: Mapping[str, Result] = {}
        self.on_result: Callable[[str, Result], None] | None = None
        self.on_bytes: Callable[[int], None] | None = None

    def file(self, name: str, record: Digest, file: FileHash, facts: Facts) -> None:
        """Verify one file."""
        try:
            result = self._result(name, record.form, facts)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            self._verdict.findings.append(
                Finding("unreadable", name, f"{display(name)} cannot be read: {why}.")
            )
            return
        if result.digest == _value(record):
            self.well(result.size)
            return
        longer = "" if file.size in (None, result.size) else f" It has {result.size} bytes, not {file.size}."
        self._verdict.findings.append(
            Finding(
                "damaged",
                name,
                f"{display(name)} does not have the bytes that were recorded.{longer}",
                record.form,
                record.value,
                result.digest,
            )
        )

    def digest(self, name: str, form: str, facts: Facts) -> str | None:
        """One digest of a file that no list knows; None when it cannot be read."""
        try:
            return self._result(name, form, facts).digest
        except OSError:
            return None  # it is told of as one that is in no list

    def well(self, size: int) -> None:
        """Count a file whose bytes are as recorded."""
        self._verdict.verified += 1
        self._verdict.size += size

    def _result(self, name: str, form: str, facts: Facts) -> Result:
        result = self.known.get(name)
        if result is None or (result.size, result.mtime_ns, result.form) != (
            facts.size,
            facts.mtime_ns,
            form,
        ):
            result = self._read(name, form, facts)
        self._verdict.levels[result.level] = self._verdict.levels.get(result.level, 0) + 1
        return result

    def _read(self, name: str, form: str, facts: Facts) -> Result:
        digester = _Wanted(form)

        def read(pulse: Pulse) -> str:
            reread = Reread(os.path.join(self._top, name), self._fs_type, self._is_network)
            try:
                with self._way.holding(reread.fileno()):
                    return reread.read(pulse.check, pulse.count, digester).level
            finally:
                reread.close()

        level = self._way.follow(read, self.on_bytes or _count_nothing)
        result = Result(digester.size, facts.mtime_ns, level, form, digester.value)
        if self.on_result is not None:
            self.on_result(name, result)
        return result
