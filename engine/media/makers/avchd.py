"""AVCHD: transport streams, joined by binary playlists."""

from __future__ import annotations

import struct
from itertools import pairwise

from engine.media.grouping import Grouping, Role
from engine.media.listing import Entry, Listing, join
from engine.media.makers.base import Maker, folders_named

_STREAMS = frozenset({"mts", "m2ts"})
_FULL = 1_900_000_000
"""A part that the camera cut off has at least so many bytes (2 or 4 GB limits); shorter ones just ended."""

_SEAMLESS = frozenset({5, 6})
"""Connection conditions of a play item that goes on without a gap from the one before."""


def _roots(listing: Listing) -> list[str]:
    return [f for f in folders_named(listing, "bdmv") if listing.has_folder(join(f, "stream"))]


def _group(grouping: Grouping, root: str) -> None:
    listing = grouping.listing
    streams = {e.stem: e for e in listing.files_in(join(root, "stream")) if e.extension in _STREAMS}
    infos = {e.stem: e for e in listing.files_in(join(root, "clipinf"))}
    for stems in _recordings(grouping, root, streams):
        first, *more = stems
        rest: list[tuple[Role, Entry]] = [("span", streams[stem]) for stem in more]
        rest += [("sidecar", infos[stem]) for stem in stems if stem in infos]
        grouping.add(streams[first].title, streams[first], rest)
    grouping.warn_orphans([e for stem, e in sorted(infos.items()) if stem not in streams])


def _recordings(grouping: Grouping, root: str, streams: dict[str, Entry]) -> list[list[str]]:
    follows: dict[str, str] = {}
    for playlist in grouping.listing.files_in(join(root, "playlist")):
        items = play_items(grouping.read(playlist) or b"")
        for (before, _), (after, condition) in pairwise(items):
            known = before in streams and after in streams and before != after
            if known and condition in _SEAMLESS and streams[before].file.size >= _FULL:
                follows.setdefault(before, after)
    behind = set(follows.values())
    recordings = []
    done: set[str] = set()
    for stem in [*(s for s in sorted(streams) if s not in behind), *sorted(streams)]:
        members = []
        following: str | None = stem
        while following is not None and following not in done:
            done.add(following)
            members.append(following)
            following = follows.get(following)
        if members:
            recordings.append(members)
    return recordings


def play_items(data: bytes) -> list[tuple[str, int]]:
    """Return [(stem of the stream, how it connects to the one before)] of a playlist; [] when it is none.

    ``MPLS``, version, then the offset of the play list; there a length, two
    reserved bytes, the number of items, the number of sub paths; each item has
    its own length, five digits of the stream's name, ``M2TS`` and two bytes whose
    lowest four bits are the connection condition.
    """
    if data[:4] != b"MPLS" or len(data) < 12:
        return []
    try:
        (start,) = struct.unpack_from(">I", data, 8)
        (count,) = struct.unpack_from(">H", data, start + 6)
        place = start + 10
        items = []
        for _ in range(count):
            (length,) = struct.unpack_from(">H", data, place)
            name, flags = struct.unpack_from(">5s4xH", data, place + 2)
            items.append((name.decode("ascii", "replace"), flags & 0x0F))
            place += 2 + length
    except struct.error:
        return []
    return items


AVCHD = Maker("avchd", "AVCHD", True, _roots, _group)
