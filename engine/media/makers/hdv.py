"""Sony HDV recorders on memory cards: ``VIDEO/HVR`` with transport streams and an index beside each."""

from __future__ import annotations

import re
from collections import defaultdict

from engine.media.grouping import Grouping, Role
from engine.media.listing import Entry, Listing
from engine.media.makers.base import Maker, folders_named, last
from engine.names import display

_NAME = re.compile(r"(\d{2}_\d{4})_\d{4}-\d{2}-\d{2}_\d{6}")
"""``00_0003_2026-11-20_120000``: camera and clip number, day and time; parts of 4 GB share the number."""

_STREAMS = frozenset({"m2t", "avi"})


def _roots(listing: Listing) -> list[str]:
    return [
        folder
        for folder in folders_named(listing, "hvr")
        if last(folder.rpartition("/")[0]) == "video"
        and any(e.extension in ("m2t", "idx") for e in listing.files_in(folder))
    ]


def _group(grouping: Grouping, root: str) -> None:
    streams: dict[str, list[Entry]] = defaultdict(list)
    indexes: dict[str, list[Entry]] = defaultdict(list)
    for entry in grouping.free(grouping.listing.files_in(root)):
        match = _NAME.fullmatch(entry.stem)
        key = match[1] if match else entry.stem
        if entry.extension in _STREAMS:
            streams[key].append(entry)
        elif entry.extension == "idx":
            indexes[key].append(entry)
    for key, parts in streams.items():
        parts.sort(key=lambda entry: entry.name)
        rest: list[tuple[Role, Entry]] = [("span", entry) for entry in parts[1:]]
        rest += [("sidecar", entry) for entry in indexes.get(key, ())]
        grouping.add(parts[0].title, parts[0], rest)
    grouping.warn_orphans([e for key, found in indexes.items() if key not in streams for e in found])


def _check(listing: Listing, root: str) -> list[str]:
    if listing.named(root, "tracks.dat") or listing.named(root.rpartition("/")[0], "tracks.dat"):
        return []
    return [f"tracks.dat is not in {display(listing.exact(root))}: the recorder expects it there."]


HDV = Maker("sony_hdv", "Sony HDV", True, _roots, _group, check=_check)
