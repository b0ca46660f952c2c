"""Action cameras and drones: GoPro, Insta360, DJI."""

from __future__ import annotations

import re
from collections import defaultdict

from engine.media.grouping import Grouping, Role, role_beside
from engine.media.kinds import kind_of
from engine.media.listing import Entry, Listing, Reader, join
from engine.media.makers.base import Maker, by_stem, folders_like, gaps, last
from engine.names import display

# -- GoPro ---------------------------------------------------------------------

_NEW = re.compile(r"g([hxsl])(\d{2}|[a-z]{2})(\d{4})")
"""``GX020012``: chapter 02 of recording 0012; H = AVC, X = HEVC, S = spherical, L = proxy; letters = loop."""

_OLD_FIRST = re.compile(r"gopr(\d{4})")
_OLD_NEXT = re.compile(r"gp(\d{2})(\d{4})")

_GOPRO_MEDIA = frozenset({"mp4", "360"})


def _gopro_folders(listing: Listing) -> list[str]:
    return [f for f in folders_like(listing, r"\d{3}gopro") if last(f.rpartition("/")[0]) == "dcim"]


def _gopro_roots(listing: Listing) -> list[str]:
    """The ``DCIM`` folders that hold ``nnnGOPRO``."""
    return sorted({folder.rpartition("/")[0] for folder in _gopro_folders(listing)})


def _gopro_model(listing: Listing, root: str, read: Reader | None) -> str | None:
    entry = listing.named(join(root.rpartition("/")[0], "misc"), "version.txt")
    model = version_of(read(entry.path)).get("camera type") if entry and read else None
    return display(model) if model else None


def version_of(data: bytes | None) -> dict[str, str]:
    """Read ``MISC/version.txt``: JSON in form, but written with commas that JSON forbids."""
    text = (data or b"").decode("utf-8", "replace")
    return {key.lower(): value for key, value in re.findall(r'"([^"\n]+)"\s*:\s*"([^"\n]*)"', text)}


def chapter_of(entry: Entry) -> tuple[str, str, str] | None:
    """Return (family, recording, chapter) of a GoPro name; chapters sort as text. ``None`` = other name."""
    if (match := _NEW.fullmatch(entry.stem)) is not None:
        return ("g", match[3], match[2])
    if (match := _OLD_FIRST.fullmatch(entry.stem)) is not None:
        return ("gopr", match[1], "00")
    if (match := _OLD_NEXT.fullmatch(entry.stem)) is not None:
        return ("gopr", match[2], match[1])
    return None


def _group_gopro(grouping: Grouping, root: str) -> None:
    """A recording may run over from ``100GOPRO`` into ``101GOPRO``; the same chapter twice is another one."""
    listing = grouping.listing
    folders = [f for f in listing.folders_in(root) if re.fullmatch(r"\d{3}gopro", last(f))]
    together = [e for folder in folders for e in listing.files_in(folder)]
    chapters = [chapter_of(e) for e in together if e.extension in _GOPRO_MEDIA]
    if len(set(chapters)) == len(chapters):
        _group_chapters(grouping, together)
    else:
        for folder in folders:
            _group_chapters(grouping, listing.files_in(folder))


def _group_chapters(grouping: Grouping, files: list[Entry]) -> None:
    recordings: dict[tuple[str, str], list[tuple[str, Entry]]] = defaultdict(list)
    beside: dict[tuple[str, str], list[tuple[str, Entry]]] = defaultdict(list)
    for entry in grouping.free(files):
        named = chapter_of(entry)
        if named is None:
            continue
        target = recordings if entry.extension in _GOPRO_MEDIA else beside
        target[named[:2]].append((named[2], entry))
    for key, parts in recordings.items():
        parts.sort(key=lambda part: (part[0], part[1].path))
        essence = parts[0][1]
        rest: list[tuple[Role, Entry]] = [("span", e) for _, e in parts[1:]]
        others = sorted(beside.get(key, ()), key=lambda part: (part[0], part[1].path))
        rest += [(role_beside(e), e) for _, e in others if kind_of(e.name) != "image"]
        grouping.add(essence.title, essence, rest)
        _warn_of_missing(grouping, key, [chapter for chapter, _ in parts])
    lonely = [e for key, files_ in beside.items() if key not in recordings for _, e in files_]
    grouping.warn_orphans([e for e in lonely if kind_of(e.name) in {"proxy", "sidecar"}])


def _warn_of_missing(grouping: Grouping, key: tuple[str, str], chapters: list[str]) -> None:
    numbers = [int(chapter) for chapter in chapters if chapter.isdigit()]
    lost = gaps(numbers, 1 if key[0] == "g" else 0) if numbers else []
    if lost:
        which = ", ".join(f"{n:02d}" for n in lost)
        grouping.warn(f"The GoPro recording {display(key[1])} lacks its chapter {which}.")


GOPRO = Maker("gopro", "GoPro", True, _gopro_roots, _group_gopro, model=_gopro_model)


def _loose_gopro(listing: Listing) -> list[str]:
    """Folders outside a card that hold chaptered recordings: copied by hand, names kept."""
    inside = set(_gopro_folders(listing))
    return [
        folder
        for folder in listing.folders_with(*sorted(_GOPRO_MEDIA))
        if folder not in inside
        and any(e.extension in _GOPRO_MEDIA and chapter_of(e) for e in listing.files_in(folder))
    ]


def _group_loose_gopro(grouping: Grouping, root: str) -> None:
    _group_chapters(grouping, grouping.listing.files_in(root))


GOPRO_FILES = Maker("", "GoPro files", False, _loose_gopro, _group_loose_gopro)


# -- Insta360 ------------------------------------------------------------------

_INSTA = re.compile(r"(vid|lrv|pro_vid|pro_lrv)_(\d{8}_\d{6})_(\d{2})_(\d{3})")
"""``VID_20260101_120000_10_001``: lens 10 of recording 001; ``00`` is the first lens, ``LRV`` the proxy."""


def _insta_roots(listing: Listing) -> list[str]:
    return listing.folders_with("insv")


def _group_insta(grouping: Grouping, root: str) -> None:
    recordings: dict[tuple[str, str], list[tuple[str, str, Entry]]] = defaultdict(list)
    for entry in grouping.free(grouping.listing.files_in(root)):
        match = _INSTA.fullmatch(entry.stem)
        if match:
            recordings[match[2], match[4]].append((match[1], match[3], entry))
    lenses: dict[tuple[str, str], set[str]] = {}
    for key, files in recordings.items():
        media = sorted(
            (lens, e.path, e)
            for kind, lens, e in files
            if kind.endswith("vid") and kind_of(e.name) == "video"
        )
        others: list[tuple[Role, Entry]] = [
            ("proxy" if kind.endswith("lrv") else role_beside(e), e)
            for kind, _, e in files
            if not any(e is m for _, _, m in media)
        ]
        if not media:
            grouping.warn_orphans([e for _, e in others])
            continue
        spans: list[tuple[Role, Entry]] = [("span", e) for _, _, e in media[1:]]
        grouping.add(media[0][2].title, media[0][2], [*spans, *others])
        lenses[key] = {lens for lens, _, _ in media}
    if any("10" in found for found in lenses.values()):
        for key, found in sorted(lenses.items()):
            for lens in sorted({"00", "10"} - found):
                name = f"VID_{key[0]}_{lens}_{key[1]}"
                grouping.warn(f"The file of one lens is missing: {display(name)}; both are needed.")


INSTA360 = Maker("insta360", "Insta360", True, _insta_roots, _group_insta)


# -- DJI -----------------------------------------------------------------------

_DJI = re.compile(r"dji_\d{4}|dji_\d{14}_\d{4}(?:_[a-z]+)?|dji_\d{4}_\d{3}")


def _dji_roots(listing: Listing) -> list[str]:
    return [
        folder
        for folder in listing.folders()
        if last(folder.rpartition("/")[0]) == "dcim"
        and any(_DJI.fullmatch(e.stem) for e in listing.files_in(folder))
    ]


def _group_dji(grouping: Grouping, root: str) -> None:
    """Films with their flight log, proxy and thumbnail; the camera's splits carry no common name."""
    card = root.rpartition("/")[0].rpartition("/")[0]
    number = re.match(r"(?:dji_)?(\d{3})", last(root))
    misc = join(join(card, "misc"), "thm")
    thumbs = by_stem(grouping.listing.files_in(join(misc, number[1]))) if number else {}
    for stem, files in sorted(by_stem(grouping.free(grouping.listing.files_in(root))).items()):
        media = [e for e in files if kind_of(e.name) == "video"]
        if media and _DJI.fullmatch(stem):
            rest: list[tuple[Role, Entry]] = [
                (role_beside(e), e) for e in files if kind_of(e.name) not in {"video", "image", "audio"}
            ]
            rest += [("thumbnail", e) for e in thumbs.get(stem, ())]
            grouping.add(media[0].title, media[0], rest)
    _warn_of_splits(grouping, root)


_DJI_FULL = (3_700_000_000, 15_500_000_000)
"""Cards as FAT and firmware cut recordings just below 4 or 16 GB: from so many bytes on to the limit."""
_DJI_LIMITS = (4 << 30, 16 << 30)
_DJI_NUMBER = re.compile(r"dji_(?:\d{14}_)?(\d{4})(?:_[a-z]+)?")


def _warn_of_splits(grouping: Grouping, root: str) -> None:
    """Nothing in a name tells that a recording goes on in the next file; its size does, so it is said."""
    numbered = {
        number: entry
        for entry in grouping.listing.files_in(root)
        if (number := dji_number(entry.name)) is not None and kind_of(entry.name) == "video"
    }
    for number, entry in sorted(numbered.items()):
        if not is_dji_full(entry.file.size):
            continue
        after = numbered.get(number + 1)
        if after is None:
            grouping.warn(
                f"{display(entry.path)} has the size at which the camera begins a new file: "
                "what follows is not on this card."
            )
        else:
            grouping.warn(split_of_dji(entry.path, after.path))


def is_dji_full(size: int) -> bool:
    """Whether a file of so many bytes has the size at which the camera begins the next."""
    return any(full <= size <= limit for full, limit in zip(_DJI_FULL, _DJI_LIMITS, strict=True))


def dji_number(name: str) -> int | None:
    """The running number in the name of a DJI film, None for another name."""
    match = _DJI_NUMBER.fullmatch(name.rpartition(".")[0].casefold())
    return int(match[1]) if match else None


def split_of_dji(path: str, after: str) -> str:
    """The warning about a film that may go on in the next file."""
    return (
        f"{display(path)} has the size at which the camera begins a new file: "
        f"it may go on in {display(after)}."
    )


DJI = Maker("dji", "DJI", True, _dji_roots, _group_dji)
