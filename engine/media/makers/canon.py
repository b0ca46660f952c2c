"""Canon: XF and XF-AVC (``CONTENTS/CLIPSnnn``) and Cinema RAW Light (``.CRM``)."""

from __future__ import annotations

import re

from engine.media.grouping import Grouping, Role
from engine.media.kinds import kind_of
from engine.media.listing import Entry, Listing
from engine.media.makers.base import Maker, below, by_stem, folders_like, gaps, last
from engine.names import display

_PART = re.compile(r"(.+?)(\d{2})")
"""``AA000101``: part 01 of the clip ``AA0001``; recordings are cut into parts at about 2 GB."""


def _xf_roots(listing: Listing) -> list[str]:
    return [
        folder
        for folder in folders_like(listing, r"clips\d{3}")
        if last(folder.rpartition("/")[0]) == "contents"
    ]


def _group_xf(grouping: Grouping, root: str) -> None:
    for folder in grouping.listing.folders_in(root):
        _add_folder(grouping, folder)
    stems = by_stem(grouping.free(grouping.listing.files_in(root)))
    for files in stems.values():
        media = [e for e in files if kind_of(e.name) == "video"]
        if media:
            rest = [e for e in files if e is not media[0]]
            grouping.add(media[0].title, media[0], [(_role(e), e) for e in rest])


def _add_folder(grouping: Grouping, folder: str) -> None:
    files = grouping.free(below(grouping.listing, folder))
    media = [e for e in files if kind_of(e.name) == "video"]
    rest: list[tuple[Role, Entry]] = [(_role(e), e) for e in files if e not in media]
    if not media:
        grouping.warn_orphans([e for _, e in rest])
        return
    media.sort(key=lambda e: e.name)
    spans: list[tuple[Role, Entry]] = [("span", e) for e in media[1:]]
    title = grouping.listing.exact(folder).rpartition("/")[2]
    grouping.add(title, media[0], [*spans, *rest])
    numbers = [int(m[2]) for e in media if (m := _PART.fullmatch(e.stem)) and m[1] == last(folder)]
    lost = gaps(numbers)
    if lost:
        parts = ", ".join(f"{n:02d}" for n in lost)
        grouping.warn(f"The recording {display(title)} lacks its part {parts}.")


def _role(entry: Entry) -> Role:
    if entry.extension in {"thm", "jpg"}:
        return "thumbnail"
    return "proxy" if kind_of(entry.name) == "video" else "sidecar"


XF = Maker("canon_xf", "Canon XF", True, _xf_roots, _group_xf)


def _raw_roots(listing: Listing) -> list[str]:
    return listing.folders_with("crm")


def _group_raw(grouping: Grouping, root: str) -> None:
    for files in by_stem(grouping.free(grouping.listing.files_in(root))).values():
        raw = next((e for e in files if e.extension == "crm"), None)
        if raw is not None:
            rest = [e for e in files if e is not raw]
            grouping.add(raw.title, raw, [(_role(e), e) for e in rest])


RAW = Maker("canon_raw", "Canon Cinema RAW Light", True, _raw_roots, _group_raw)
