"""What no maker's rules own: one clip for each media file, its sidecars by stem."""

from __future__ import annotations

from engine.media.grouping import Grouping, Role, role_beside
from engine.media.kinds import kind_of
from engine.media.listing import Entry, join

_PROXY_FOLDERS = frozenset({"proxy", "proxies"})
_RANK = {"video": 0, "audio": 1, "image": 2}
_BESIDE = frozenset({"sidecar", "proxy", "lut"})
_OF_ONE_CLIP = frozenset({"thm", "lrv", "lrf", "srt", "xmp", "aae", "bim", "ppn", "rmd", "sidecar", "cpi"})
"""Sidecars that always belong to one recording; others (``xml``, ``mpl``) may index a whole card."""


def group_loose(grouping: Grouping, *, orphans: bool) -> None:
    """Make a clip of every media file that is in none yet; ``orphans``: tell of sidecars that stay alone."""
    for folder in grouping.listing.folders():
        if folder.rpartition("/")[2] not in _PROXY_FOLDERS:
            _group_folder(grouping, folder)
    for (
        folder
    ) in grouping.listing.folders():  # proxies whose originals are elsewhere are clips like any other
        _group_folder(grouping, folder)
    if orphans:
        grouping.warn_orphans(e for e in grouping.listing.entries if e.extension in _OF_ONE_CLIP)


def _group_folder(grouping: Grouping, folder: str) -> None:
    for part in grouping.listing.parts_of(folder):
        _group_part(grouping, folder, grouping.free(part))


def _group_part(grouping: Grouping, folder: str, files: list[Entry]) -> None:
    media = sorted(
        (e for e in files if kind_of(e.name) in _RANK), key=lambda e: (_RANK[kind_of(e.name)], e.path)
    )
    if not media:
        return
    beside: dict[str, list[Entry]] = {}
    for entry in files:
        if kind_of(entry.name) not in _RANK:
            beside.setdefault(entry.stem, []).append(entry)
    proxies: dict[str, list[Entry]] = {}
    for name in sorted(_PROXY_FOLDERS):
        for entry in grouping.free(grouping.listing.alike(join(folder, name), files)):
            proxies.setdefault(entry.stem, []).append(entry)
    for essence in media:
        kind = kind_of(essence.name)
        rest: list[tuple[Role, Entry]] = [
            (role_beside(e), e) for e in beside.get(essence.stem, ()) if kind_of(e.name) in _BESIDE
        ]
        rest += [("sidecar", e) for e in beside.get(essence.name, ())]  # clip.mov.xmp, clip.mov.md5
        if kind == "video":
            rest += [("proxy", e) for e in proxies.get(essence.stem, ()) if kind_of(e.name) == "video"]
        grouping.add(
            essence.title,
            essence,
            grouping_free(grouping, rest),
            kind="video" if kind == "video" else "audio" if kind == "audio" else "image",
        )


def grouping_free(grouping: Grouping, parts: list[tuple[Role, Entry]]) -> list[tuple[Role, Entry]]:
    """Those parts whose file is in no clip yet."""
    free = {e.path for e in grouping.free([entry for _, entry in parts])}
    return [(role, entry) for role, entry in parts if entry.path in free]
