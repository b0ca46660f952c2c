"""Sony: XAVC (``M4ROOT``), XDCAM (``XDROOT``, discs) and XDCAM EX (``BPAV``)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import unquote

from engine.media import cardxml
from engine.media.grouping import Grouping, Role, names
from engine.media.kinds import kind_of
from engine.media.listing import Entry, Listing, Reader, join
from engine.media.makers.base import Maker, below, folders_named, gaps, last
from engine.names import display

_COMPANION = re.compile(r"(.+)([a-z])\d{2}")
"""``C0001M01``, ``C0001T01``, ``C0001S03``, ``C0001R01``: stem of the clip, what it is, its number."""

_COMPANION_ROLES: dict[str, Role] = {
    "s": "proxy",
    "t": "thumbnail",
    "m": "sidecar",
    "r": "sidecar",
    "a": "audio",
}
_ESSENCE = frozenset({"mp4", "mxf", "mov"})
_INDEX = "mediapro.xml"


# -- M4ROOT, XDROOT, discs ---------------------------------------------------


def _is_clip_root(listing: Listing, folder: str) -> bool:
    return listing.has_folder(join(folder, "clip"))


def _xavc_roots(listing: Listing) -> list[str]:
    return [f for f in folders_named(listing, "m4root") if _is_clip_root(listing, f) or listing.files_in(f)]


def _disc_roots(listing: Listing) -> list[str]:
    """A professional disc: its files lie at the root of the medium, told by the indexes around ``Clip``."""
    return [
        folder
        for folder in listing.folders()
        if last(folder) not in {"m4root", "xdroot"}
        and _is_clip_root(listing, folder)
        and listing.named(folder, "index.xml")
        and (listing.named(folder, "discmeta.xml") or listing.named(folder, _INDEX))
    ]


def _xdcam_roots(listing: Listing) -> list[str]:
    """``XDROOT``, or the same tree under a reel name as newer cinema cameras write it."""
    named = folders_named(listing, "xdroot")
    discs = set(_disc_roots(listing))
    renamed = [
        folder
        for folder in listing.folders()
        if last(folder) not in {"m4root", "xdroot"}
        and folder not in discs
        and _is_clip_root(listing, folder)
        and listing.named(folder, _INDEX)
    ]
    return [*named, *renamed]


def _group_root(grouping: Grouping, root: str) -> None:
    listing = grouping.listing
    clip_folder = join(root, "clip")
    essences = [e for e in grouping.free(listing.files_in(clip_folder)) if e.extension in _ESSENCE]
    stems = {e.stem for e in essences}
    beside, orphans = _companions(listing, root, stems)
    for essence in essences:
        grouping.add(essence.title, essence, beside.get(essence.stem, ()))
    grouping.warn_orphans(orphans)
    _check_index(grouping, root)


def _companions(
    listing: Listing, root: str, stems: set[str]
) -> tuple[dict[str, list[tuple[Role, Entry]]], list[Entry]]:
    """Return ({stem of a clip: its companions}, companions of clips that are not there)."""
    beside: dict[str, list[tuple[Role, Entry]]] = defaultdict(list)
    orphans = []
    for name in ("clip", "sub", "thmbnl"):
        for entry in listing.files_in(join(root, name)):
            if name == "clip" and entry.extension in _ESSENCE:
                continue
            match = _COMPANION.fullmatch(entry.stem)
            if match and match[1] in stems:
                beside[match[1]].append((_COMPANION_ROLES.get(match[2], "sidecar"), entry))
            elif entry.stem in stems:
                beside[entry.stem].append(("proxy" if entry.extension in _ESSENCE else "sidecar", entry))
            elif match or entry.extension in _ESSENCE:
                orphans.append(entry)
    return beside, orphans


def _check_index(grouping: Grouping, root: str) -> None:
    """Compare MEDIAPRO.XML with what is there."""
    index = grouping.listing.named(root, _INDEX)
    if index is None:
        return
    data = grouping.read(index)
    if data is None:
        return
    tree = cardxml.parse(data)
    if tree is None:
        grouping.warn(f"{display(index.path)} is damaged: whether the card is complete cannot be told.")
        return
    listed = [unquote(m.get("uri", "")) for m in cardxml.each(tree, "Contents", "Material") if m.get("uri")]
    missing = [uri for uri in listed if not _is_here(grouping.listing, root, uri)]
    if missing:
        here = len(listed) - len(missing)
        what = names([uri.removeprefix("./") for uri in missing])
        grouping.warn(f"{display(index.path)} lists {len(listed)} clips, {here} are here; missing: {what}.")


def _is_here(listing: Listing, root: str, uri: str) -> bool:
    folder, _, name = uri.removeprefix("./").strip("/").casefold().rpartition("/")
    return listing.named(join(root, folder) if folder else root, name) is not None


def _model(listing: Listing, root: str, read: Reader | None) -> str | None:
    index = listing.named(root, _INDEX)
    tree = cardxml.parse(read(index.path)) if index and read else None
    if tree is None:
        return None
    kind = cardxml.attribute(tree, "systemKind", "System")
    return display(kind.split(" ver.")[0].strip()) if kind else None


XAVC = Maker("sony_xavc", "Sony XAVC", True, _xavc_roots, _group_root, model=_model)
XDCAM = Maker("sony_xdcam", "Sony XDCAM", True, _xdcam_roots, _group_root, model=_model)
DISC = Maker("sony_xdcam_disc", "Sony Professional Disc", True, _disc_roots, _group_root, model=_model)


# -- XDCAM EX ------------------------------------------------------------------

_EX_CLIP = re.compile(r"(.+_\d{4})_(\d{2})")
"""``709_0001_01``: a recording and the number of its part; parts begin anew at about 4 GB."""


def _ex_roots(listing: Listing) -> list[str]:
    return [f for f in folders_named(listing, "bpav") if listing.has_folder(join(f, "clpr"))]


def _group_ex(grouping: Grouping, root: str) -> None:
    listing = grouping.listing
    recordings: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for folder in listing.folders_in(join(root, "clpr")):
        match = _EX_CLIP.fullmatch(last(folder))
        recordings[match[1] if match else last(folder)].append((int(match[2]) if match else 1, folder))
    for folders in recordings.values():
        _add_recording(grouping, sorted(folders))
    _check_index(grouping, root)


def _add_recording(grouping: Grouping, folders: Iterable[tuple[int, str]]) -> None:
    numbers: list[int] = []
    essences: list[Entry] = []
    rest: list[tuple[Role, Entry]] = []
    for number, folder in folders:
        files = grouping.free(below(grouping.listing, folder))
        media = [e for e in files if kind_of(e.name) == "video"]
        if media:
            numbers.append(number)
            essences += media
        rest += [("sidecar", e) for e in files if e not in media]
    if not essences:
        grouping.warn_orphans([e for _, e in rest])
        return
    spans: list[tuple[Role, Entry]] = [("span", e) for e in essences[1:]]
    grouping.add(essences[0].title, essences[0], [*spans, *rest])
    lost = gaps(numbers)
    if lost:
        parts = ", ".join(f"{n:02d}" for n in lost)
        grouping.warn(f"The recording {display(essences[0].title)} lacks its part {parts}.")


XDCAM_EX = Maker("sony_xdcam_ex", "Sony XDCAM EX", True, _ex_roots, _group_ex)
