"""Which found file is which lost copy: the ladder of evidence. Pure decisions over plain data.

==============  ==========  ====================================================================
match type      confidence  what agrees
==============  ==========  ====================================================================
full_hash       1.0         size and BLAKE3 of the whole file
moved           0.99        volume, inode, size, mtime, and the fast hash: a rename on the same drive
fast_hash       0.95        size and fast hash (a sample, never a proof)
embedded_id     0.92        size and an identifier that the camera wrote into the file
identity        0.9         name, size, start timecode and reel
size_duration   0.8         size and duration
filename        0.5         name and size; nothing else is known of either
derivative      0.3         name alone, of a film but for its ending: a transcode or proxy at most
==============  ==========  ====================================================================

A hash that is known on both sides and differs ends the comparison: no weaker
evidence can bring the pair back. The first two rungs prove content (the
second: the identity of the file); only they can be certain, and only when the
assignment is unambiguous.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.relink.likeness import base_name, common_tail, film_name, fold, same_name

CONFIDENCE: dict[str, float] = {
    "full_hash": 1.0,
    "moved": 0.99,
    "fast_hash": 0.95,
    "embedded_id": 0.92,
    "identity": 0.9,
    "size_duration": 0.8,
    "filename": 0.5,
    "derivative": 0.3,
}
"""Confidence of each match type, 0..1."""

PROVEN = frozenset({"full_hash", "moved"})
"""Match types that prove content or identity; only these are ever certain."""

SMALL_BYTES = 64 * 1024
"""Below this size a file is matched by its full hash or not at all: sidecars of one camera are too alike."""

ALTERNATIVES = 8
"""Most candidates kept per lost copy; the best come first."""

HINTS = 3
"""Most derivative hints per lost copy, and only for names that few found files share."""

COMPARED = 200
"""Most lost copies of one size or content compared with a found file; of more, those named like it."""


# Not frozen: a scan makes very many of these, and a frozen one takes four times as long to make.
@dataclass(slots=True)
class Lost:
    """A copy that cannot be reached: missing, or on a volume that is away.

    Attributes:
        copy_id: the copy's row.
        asset_id: its content; copies of one asset are interchangeable.
        clip_id: the clip it belongs to (the first, when there are several); None for files of no clip.
        volume_id: the volume it was last on.
        path: where it was, relative to that volume's root.
        size: bytes.
        mtime_ns: modification time when last seen.
        inode: inode number when last seen; None when unknown.
        missing: the volume is here and the file is not; False: the volume is away.
        role: of the copy.
        blake3: full hash, None when never taken.
        fast_hash: fast hash of the current scheme, None when never taken.
        duration_ms, timecode, reel: media facts; None when unknown.
        identifiers: what the camera wrote into the file, as ``kind:value``; empty when unknown.
    """

    copy_id: int
    asset_id: int
    clip_id: str | None
    volume_id: str
    path: str
    size: int
    mtime_ns: int
    inode: int | None = None
    missing: bool = False
    role: str = "managed"
    blake3: str | None = None
    fast_hash: str | None = None
    duration_ms: int | None = None
    timecode: str | None = None
    reel: str | None = None
    identifiers: tuple[str, ...] = ()

    @property
    def hashed(self) -> bool:
        """Whether the hash that a scan takes of a found file can be compared.

        Of a film that was exported, only the full hash is on record: a sample says nothing of it.
        """
        return self.fast_hash is not None


@dataclass(slots=True)
class Found:
    """A file seen on a volume. Facts that were not looked at are None.

    ``duration_ms``, ``timecode``, ``reel`` and ``identifiers`` come from a probe.
    """

    volume_id: str
    path: str
    size: int
    mtime_ns: int
    inode: int | None = None
    blake3: str | None = None
    fast_hash: str | None = None
    duration_ms: int | None = None
    timecode: str | None = None
    reel: str | None = None
    identifiers: tuple[str, ...] = ()

    def __hash__(self) -> int:
        # A tree of 100,000 files asks often; there is one Found per path.
        return hash(self.path)


@dataclass(slots=True)
class Match:
    """One candidate: a found file that may be a lost copy.

    Attributes:
        lost: the copy.
        found: the file.
        match_type: a key of :data:`CONFIDENCE`.
        confidence: 0..1.
        certain: content or identity is proven and no other pairing is as good.
        ambiguous: another pairing is as good; a person has to choose.
        evidence: what agrees and what does not, for the screen; JSON-ready.
    """

    lost: Lost
    found: Found
    match_type: str
    confidence: float
    certain: bool
    ambiguous: bool
    evidence: dict[str, Any] = field(default_factory=dict)


def judge(lost: Lost, found: Found) -> str | None:
    """Return the match type of one pair, the strongest that holds, or None.

    Files of another size are never the same; see :func:`assign` for hints.
    """
    if lost.size != found.size:
        return None
    if lost.blake3 and found.blake3:
        # Every empty file has the same content: only its name tells it apart.
        alike = lost.blake3 == found.blake3 and (lost.size or same_name(lost.path, found.path))
        return "full_hash" if alike else None
    if lost.size < SMALL_BYTES:
        return None
    if lost.fast_hash and found.fast_hash:
        if lost.fast_hash != found.fast_hash:
            return None
        return "moved" if _same_inode(lost, found) else "fast_hash"
    return _weak(lost, found)


def _weak(lost: Lost, found: Found) -> str | None:
    """The rungs for pairs of equal size of which no comparable hash is known."""
    recognised = same_identifiers(lost.identifiers, found.identifiers)
    if recognised is False or _differs(lost.duration_ms, found.duration_ms):
        return None
    if recognised:
        return "embedded_id"
    named_alike = same_name(lost.path, found.path)
    if named_alike and lost.timecode and lost.timecode == found.timecode and lost.reel == found.reel:
        return "identity"
    if lost.duration_ms and found.duration_ms:
        return "size_duration"
    return "filename" if named_alike else None


def same_identifiers(one: Sequence[str], other: Sequence[str]) -> bool | None:
    """Whether identifiers (``kind:value``) of all shared kinds are equal; None when no kind is shared."""
    if not one or not other:
        return None
    known = dict(each.split(":", 1) for each in other)
    shared = [value == known[kind] for kind, value in (each.split(":", 1) for each in one) if kind in known]
    return all(shared) if shared else None


def _differs(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other


def _same_inode(lost: Lost, found: Found) -> bool:
    return lost.inode is not None and (lost.volume_id, lost.inode, lost.mtime_ns) == (
        found.volume_id,
        found.inode,
        found.mtime_ns,
    )


def assign(lost: Sequence[Lost], found: Sequence[Found]) -> list[Match]:
    """Match lost copies with found files, one to one, and say what is certain.

    A pair on a strong rung hides the weaker pairs of both its sides. Copies of
    one asset are interchangeable, so as many found files as there are lost
    copies of it are all assigned. Ambiguous, and so never certain, are: more
    equally good files than copies, and a file that fits copies of different
    content. Between equally good files of proven content one that is the same
    inode, or lies at the recorded path of another volume, is preferred.

    Returns:
        Candidates, best first; at most :data:`ALTERNATIVES` per copy.
    """
    pairs = _strongest(_pairs(lost, found))
    by_asset: dict[int, list[tuple[Lost, Found, str]]] = defaultdict(list)
    # By ``id``: there is one Found per path, and its own hash costs as much as all the rest.
    assets_of: dict[int, set[int]] = defaultdict(set)
    for pair in pairs:
        by_asset[pair[0].asset_id].append(pair)
        assets_of[id(pair[1])].add(pair[0].asset_id)
    shared = {file for file, assets in assets_of.items() if len(assets) > 1}
    matches = [match for group in by_asset.values() for match in _assign_group(group, shared)]
    matches += _hints(lost, found, matches)
    return sorted(matches, key=lambda match: (-match.confidence, match.lost.path, match.found.path))


def _pairs(lost: Sequence[Lost], found: Sequence[Found]) -> Iterable[tuple[Lost, Found, str]]:
    """Every pair with some rung, found by look-up so that equal sizes and equal contents stay cheap."""
    by_hash: dict[tuple[int, str], _Alike] = defaultdict(_Alike)
    unhashed: dict[int, _Alike] = defaultdict(_Alike)
    by_size: dict[int, _Alike] = defaultdict(_Alike)
    for copy in lost:
        by_size[copy.size].add(copy)
        if not copy.hashed:
            unhashed[copy.size].add(copy)
        for value in {copy.blake3, copy.fast_hash} - {None}:
            assert value is not None
            by_hash[copy.size, value].add(copy)
    for file in found:
        full, fast = file.blake3, file.fast_hash
        groups: list[_Alike | None] = []
        if full:
            groups.append(by_hash.get((file.size, full)))
        if fast and fast != full:
            groups.append(by_hash.get((file.size, fast)))
        groups.append((unhashed if groups else by_size).get(file.size))
        yield from _judged(file, [group for group in groups if group is not None])


def _judged(file: Found, groups: Sequence[_Alike]) -> Iterable[tuple[Lost, Found, str]]:
    """The pairs of one file with copies of these groups, each copy once."""
    if len(groups) == 1:
        for copy in groups[0].near(file.path):
            if rung := judge(copy, file):
                yield copy, file, rung
    elif groups:
        seen: set[int] = set()
        for copy in (copy for group in groups for copy in group.near(file.path)):
            if copy.copy_id not in seen and (rung := judge(copy, file)):
                seen.add(copy.copy_id)
                yield copy, file, rung


class _Alike:
    """Lost copies that have a size or a hash in common."""

    def __init__(self) -> None:
        self._copies: list[Lost] = []
        self._by_tail: dict[tuple[str, ...], list[Lost]] | None = None

    def add(self, copy: Lost) -> None:
        """Add one; all are added before the first look-up."""
        self._copies.append(copy)

    def near(self, path: str) -> list[Lost]:
        """The copies to compare with the file at ``path``: all, or of very many those named like it."""
        if len(self._copies) <= COMPARED:
            return self._copies
        if self._by_tail is None:
            self._by_tail = defaultdict(list)
            for copy in self._copies:
                for parts in (1, 2):
                    self._by_tail[_tail(copy.path, parts)].append(copy)
        for parts in (2, 1):
            fits = self._by_tail.get(_tail(path, parts))
            if fits:
                return fits[:COMPARED]
        return self._copies[:ALTERNATIVES]


def _tail(path: str, parts: int) -> tuple[str, ...]:
    return (str(parts), *(fold(part) for part in path.split("/")[-parts:]))


def _strongest(pairs: Iterable[tuple[Lost, Found, str]]) -> list[tuple[Lost, Found, str]]:
    """Drop a file's pairs below its strongest rung, and unproven pairs of a copy that has a proven one."""
    kept = list(pairs)
    top_of_file: dict[int, float] = defaultdict(float)
    top_of_copy: dict[int, float] = defaultdict(float)
    for copy, file, rung in kept:
        confidence, which = CONFIDENCE[rung], id(file)
        top_of_file[which] = max(top_of_file[which], confidence)
        top_of_copy[copy.copy_id] = max(top_of_copy[copy.copy_id], confidence)
    hashed = CONFIDENCE["fast_hash"]
    return [
        (copy, file, rung)
        for copy, file, rung in kept
        if CONFIDENCE[rung] == top_of_file[id(file)]
        and (CONFIDENCE[rung] >= hashed or top_of_copy[copy.copy_id] < hashed)
    ]


def _key(copy: Lost, file: Found, rung: str) -> tuple[float, bool, bool]:
    """What makes one file better than another for ``copy``; equal keys are a tie."""
    elsewhere_same = copy.path == file.path and copy.volume_id != file.volume_id
    return CONFIDENCE[rung], _same_inode(copy, file), elsewhere_same


def _assign_group(group: list[tuple[Lost, Found, str]], shared: set[int]) -> list[Match]:
    """One-to-one assignment between the lost copies of one asset and the files that fit it.

    ``shared`` holds the ``id`` of each file that fits other assets as well.
    """
    if len(group) == 1:  # nearly always, and nothing to weigh
        (only,) = group
        several = id(only[1]) in shared
        return [_match(*only, ambiguous=several, equals=1, shared=several)]
    ranked = sorted(
        group,
        key=lambda pair: (
            *(-part for part in _key(*pair)),
            -common_tail(pair[0].path, pair[1].path),
            # The drive at hand first, then copies known to be gone, then those merely away.
            pair[0].volume_id != pair[1].volume_id,
            not pair[0].missing,
            pair[0].role != "managed",
            pair[0].copy_id,
            pair[1].path,
        ),
    )
    taken_files: set[Found] = set()
    chosen: dict[int, tuple[Lost, Found, str]] = {}
    for copy, file, rung in ranked:
        if copy.copy_id not in chosen and file not in taken_files:
            chosen[copy.copy_id] = (copy, file, rung)
            taken_files.add(file)
    spare: dict[int, list[tuple[Lost, Found, str]]] = defaultdict(list)
    for pair in ranked:
        if pair[1] not in taken_files and pair[0].copy_id in chosen:
            spare[pair[0].copy_id].append(pair)
    matches: list[Match] = []
    for copy_id, best in chosen.items():
        rivals = [pair for pair in spare[copy_id] if _key(*pair) == _key(*best)]
        several = id(best[1]) in shared
        finds = 1 + len(rivals)
        matches.append(_match(*best, ambiguous=bool(rivals) or several, equals=finds, shared=several))
        matches += [
            _match(*pair, ambiguous=True, equals=finds if pair in rivals else 1, shared=id(pair[1]) in shared)
            for pair in spare[copy_id][: ALTERNATIVES - 1]
        ]
    return matches


def _match(lost: Lost, found: Found, rung: str, *, ambiguous: bool, equals: int, shared: bool) -> Match:
    return Match(
        lost,
        found,
        rung,
        CONFIDENCE[rung],
        certain=rung in PROVEN and not ambiguous,
        ambiguous=ambiguous,
        evidence=evidence(lost, found, ambiguous=ambiguous, equals=equals, shared=shared),
    )


def evidence(
    lost: Lost, found: Found, *, ambiguous: bool = False, equals: int = 1, shared: bool = False
) -> dict[str, Any]:
    """Return what agrees (True), differs (False) or is not known on both sides (None), for the screen.

    Args:
        lost: the copy.
        found: the file.
        ambiguous: another pairing is as good.
        equals: number of files that fit this copy equally well.
        shared: the file fits copies of other content as well.
    """
    same_place = lost.volume_id == found.volume_id
    one, other = base_name(lost.path), base_name(found.path)
    return {
        "size": lost.size == found.size,
        "blake3": _same(lost.blake3, found.blake3),
        "fast_hash": _same(lost.fast_hash, found.fast_hash),
        "name": one == other or fold(one) == fold(other),
        "exact_name": one == other,
        "mtime": _same_time(lost, found),
        "inode": _same(lost.inode, found.inode) if same_place else None,
        "duration": _same(lost.duration_ms, found.duration_ms),
        "timecode": _same(lost.timecode, found.timecode),
        "reel": _same(lost.reel, found.reel),
        "embedded_id": same_identifiers(lost.identifiers, found.identifiers),
        "path_tail": common_tail(lost.path, found.path),
        "lost_size": lost.size,
        "ambiguous": ambiguous,
        "equally_good": equals,
        "fits_other_content": shared,
    }


def _same(one: object, other: object) -> bool | None:
    return None if one is None or other is None else one == other


COARSE_NS = 2_000_000_000
"""FAT keeps times in steps of two seconds, the coarsest there is; others in whole seconds (nanoseconds)."""


def _same_time(lost: Lost, found: Found) -> bool:
    """Whether the times are equal as far as both file systems keep them: a copy on another may be rounded."""
    one, other = lost.mtime_ns, found.mtime_ns
    if one == other or lost.volume_id == found.volume_id:
        return one == other
    rounded = one % 1_000_000_000 == 0 or other % 1_000_000_000 == 0
    return rounded and abs(one - other) < COARSE_NS


def _hints(lost: Sequence[Lost], found: Sequence[Found], matches: Sequence[Match]) -> list[Match]:
    """Files that share only the name of a copy for which nothing better was found."""
    settled = {match.lost.copy_id for match in matches}
    unsettled = [copy for copy in lost if copy.size >= SMALL_BYTES and copy.copy_id not in settled]
    if not unsettled:
        return []
    used = {id(match.found) for match in matches}
    by_name: dict[str, list[Found]] = defaultdict(list)
    for file in found:
        if file.size >= SMALL_BYTES and id(file) not in used:
            by_name[_hinted_by(file.path)].append(file)
    hints: list[Match] = []
    for copy in unsettled:
        alike = by_name.get(_hinted_by(copy.path), [])
        if len(alike) > ALTERNATIVES:
            continue
        fits = [
            file
            for file in alike
            if file.size != copy.size and not _differs(copy.duration_ms, file.duration_ms)
        ]
        fits.sort(key=lambda file: (-common_tail(copy.path, file.path), file.path))
        fits.sort(key=lambda file: not same_name(copy.path, file.path))
        hints += [
            _match(copy, file, "derivative", ambiguous=True, equals=len(fits), shared=False)
            for file in fits[:HINTS]
        ]
    return hints


def _hinted_by(path: str) -> str:
    return film_name(path) or fold(base_name(path))
