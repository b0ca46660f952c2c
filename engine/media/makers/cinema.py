"""Cinema cameras: RED, ARRI, Blackmagic."""

from __future__ import annotations

import re
from collections import defaultdict

from engine.media.grouping import Grouping, Role, role_beside
from engine.media.kinds import kind_of
from engine.media.listing import Entry, Listing, join
from engine.media.makers.base import Maker, below, gaps
from engine.names import display

# -- RED -----------------------------------------------------------------------

_R3D = re.compile(r"(.+)_(\d{3})")
"""``A001_C001_0101XY_001``: part 001 of a clip; parts are cut at 4 GB and must be complete."""


def _red_roots(listing: Listing) -> list[str]:
    return listing.folders_with("r3d")


def _group_red(grouping: Grouping, root: str) -> None:
    """In a ``.RDC`` folder everything belongs to its one clip; loose parts are joined by their names."""
    clips: dict[str, list[tuple[int, Entry]]] = defaultdict(list)
    files = grouping.free(grouping.listing.files_in(root))
    for entry in files:
        if entry.extension == "r3d":
            match = _R3D.fullmatch(entry.stem)
            clips[match[1] if match else entry.stem].append((int(match[2]) if match else 1, entry))
    alone = len(clips) == 1 and root.endswith(".rdc")
    others = below(grouping.listing, root) if alone else files
    for prefix, parts in clips.items():
        parts.sort(key=lambda part: (part[0], part[1].path))
        essence = parts[0][1]
        rest: list[tuple[Role, Entry]] = [("span", e) for _, e in parts[1:]]
        rest += [(_red_role(e), e) for e in others if e.extension != "r3d" and (alone or e.stem == prefix)]
        match = _R3D.fullmatch(essence.title.casefold())
        grouping.add(essence.title[: len(match[1])] if match else essence.title, essence, rest)
        lost = gaps(number for number, _ in parts)
        if lost:
            names = ", ".join(f"{n:03d}" for n in lost)
            grouping.warn(f"The recording {display(prefix.upper())} lacks its part {names}.")


def _red_role(entry: Entry) -> Role:
    return "thumbnail" if entry.extension == "rtn" else role_beside(entry)


RED = Maker("red", "RED", True, _red_roots, _group_red)


# -- ARRI ----------------------------------------------------------------------

_ARRI_CLIP = r"[a-z]\d{3}c\d{3}_\d{6}_[a-z0-9]{4}"
_ARRI_NEW_CLIP = r"[a-z]_\d{4}c\d{3}_\d{6}_\d{6}_[a-z0-9_]{5,}"
_ARRI = re.compile(rf"(?:{_ARRI_CLIP}|{_ARRI_NEW_CLIP})")
_ARRI_FRAME = re.compile(r"(.+)[._](\d{6,8})")
_FRAMES = frozenset({"ari", "arx"})
_ARRI_MEDIA = frozenset({"mxf", "mov", "arx", "ari"})


def _arri_roots(listing: Listing) -> list[str]:
    return [
        folder
        for folder in listing.folders_with(*sorted(_ARRI_MEDIA))
        if any(
            e.extension in _FRAMES or (e.extension in _ARRI_MEDIA and _ARRI.fullmatch(e.stem))
            for e in listing.files_in(folder)
        )
    ]


def _group_arri(grouping: Grouping, root: str) -> None:
    files = grouping.free(grouping.listing.files_in(root))
    frames: dict[str, list[tuple[int, Entry]]] = defaultdict(list)
    for entry in files:
        match = _ARRI_FRAME.fullmatch(entry.stem)
        if entry.extension in _FRAMES and match:
            frames[match[1]].append((int(match[2]), entry))
        elif entry.extension in _ARRI_MEDIA:
            beside = [e for e in files if e.stem == entry.stem and e.extension not in _ARRI_MEDIA]
            grouping.add(entry.title, entry, [(role_beside(e), e) for e in beside])
    for prefix, numbered in frames.items():
        _add_sequence(grouping, prefix, numbered, [e for e in files if e.extension not in _FRAMES])


def _add_sequence(
    grouping: Grouping, prefix: str, numbered: list[tuple[int, Entry]], others: list[Entry]
) -> None:
    """One clip of single frames: the first is the essence, the rest follow in order."""
    numbered.sort(key=lambda frame: (frame[0], frame[1].path))
    first, essence = numbered[0]
    rest: list[tuple[Role, Entry]] = [("span", e) for _, e in numbered[1:]]
    rest += [(role_beside(e), e) for e in others if e.stem.startswith(prefix)]
    title = essence.title[: len(prefix)]
    grouping.add(title, essence, rest)
    lost = gaps((number for number, _ in numbered), first)
    if lost:
        grouping.warn(
            f"The recording {display(title)} lacks {len(lost)} frames, the first of them {lost[0]}."
        )


ARRI = Maker("arri", "ARRI", True, _arri_roots, _group_arri)


# -- Blackmagic ----------------------------------------------------------------

_PROXY_FOLDERS = ("proxy", "proxies")


def _braw_roots(listing: Listing) -> list[str]:
    return listing.folders_with("braw")


def _group_braw(grouping: Grouping, root: str) -> None:
    listing = grouping.listing
    files = grouping.free(listing.files_in(root))
    proxies = [e for name in _PROXY_FOLDERS for e in listing.files_in(join(root, name))]
    for entry in files:
        if entry.extension == "braw":
            beside = [e for e in files if e.stem == entry.stem and kind_of(e.name) not in {"video", "image"}]
            rest: list[tuple[Role, Entry]] = [(role_beside(e), e) for e in beside]
            rest += [("proxy", e) for e in grouping.free(proxies) if e.stem == entry.stem]
            grouping.add(entry.title, entry, rest)


BLACKMAGIC = Maker("blackmagic", "Blackmagic RAW", False, _braw_roots, _group_braw)
