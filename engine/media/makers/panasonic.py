"""Panasonic P2: picture, sound, index and icon of one clip in six folders."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from engine.media import cardxml
from engine.media.grouping import Grouping, Role
from engine.media.kinds import kind_of
from engine.media.listing import Entry, Listing, join
from engine.media.makers.base import Maker, folders_named
from engine.names import display

_FOLDERS = ("clip", "avclip", "video", "audio", "icon", "voice", "proxy")
_NUMBERED = re.compile(r"(.{6,})\d{2}")
"""``0001AB00``: sound track 00 of the clip ``0001AB``."""


def _roots(listing: Listing) -> list[str]:
    return [
        folder
        for folder in folders_named(listing, "contents")
        if (listing.has_folder(join(folder, "clip")) or listing.has_folder(join(folder, "avclip")))
        and (listing.has_folder(join(folder, "video")) or listing.has_folder(join(folder, "audio")))
    ]


def _check(listing: Listing, root: str) -> list[str]:
    parent = root.rpartition("/")[0]
    if listing.named(parent, "lastclip.txt") is None:
        where = display(listing.exact(root))
        return [f"LASTCLIP.TXT is not beside {where}: P2 players expect it."]
    return []


@dataclass(frozen=True)
class _Chain:
    """Where a clip's XML says that it stands in a recording over several clips or cards."""

    own: str
    previous: str | None
    next: str | None


def _group(grouping: Grouping, root: str) -> None:
    found = _by_clip(grouping.listing, root)
    chains = {stem: chain for stem, files in found.items() if (chain := _chain(grouping, files))}
    order = _recordings(list(found), chains)
    for stems in order:
        _add(grouping, [found[stem] for stem in stems])
    _warn_of_breaks(grouping, chains)


def _by_clip(listing: Listing, root: str) -> dict[str, list[tuple[str, Entry]]]:
    """{stem of a clip: [(folder name, file)]}, clips sorted."""
    all_files = [(name, e) for name in _FOLDERS for e in listing.files_in(join(root, name))]
    stems = {e.stem for name, e in all_files if name in {"clip", "avclip", "video"}}
    clips: dict[str, list[tuple[str, Entry]]] = defaultdict(list)
    for name, entry in all_files:
        match = _NUMBERED.fullmatch(entry.stem)
        stem = match[1] if match and match[1] in stems and name in {"audio", "voice", "proxy"} else entry.stem
        clips[stem].append((name, entry))
    return dict(sorted(clips.items()))


def _add(grouping: Grouping, members: list[list[tuple[str, Entry]]]) -> None:
    pictures: list[Entry] = []
    sounds: list[Entry] = []
    rest: list[tuple[Role, Entry]] = []
    for files in members:
        for name, entry in files:
            if name == "video" and kind_of(entry.name) == "video":
                pictures.append(entry)
            elif name == "audio":
                sounds.append(entry)
            elif name == "icon":
                rest.append(("thumbnail", entry))
            elif name == "proxy" and kind_of(entry.name) == "video":
                rest.append(("proxy", entry))
            else:
                rest.append(("sidecar", entry))
    if pictures:
        spans: list[tuple[Role, Entry]] = [("span", e) for e in pictures[1:]]
        grouping.add(pictures[0].title, pictures[0], [*spans, *(("audio", e) for e in sounds), *rest])
    elif sounds:
        grouping.add(sounds[0].title, sounds[0], [*(("audio", e) for e in sounds[1:]), *rest], kind="audio")
    else:
        grouping.warn_orphans([e for _, e in rest])


def _chain(grouping: Grouping, files: list[tuple[str, Entry]]) -> _Chain | None:
    index = next((e for name, e in files if name in {"clip", "avclip"} and e.extension == "xml"), None)
    data = grouping.read(index) if index else None
    if index is None or data is None:
        return None
    tree = cardxml.parse(data)
    if tree is None:
        grouping.warn(f"{display(index.path)} is damaged: what it says is not used.")
        return None
    own = cardxml.text(tree, "ClipContent", "GlobalClipID")
    if own is None:
        return None
    connection = ("Relation", "Connection")
    before = cardxml.text(tree, *connection, "Previous", "GlobalClipID")
    after = cardxml.text(tree, *connection, "Next", "GlobalClipID")
    return _Chain(own, before, after) if before or after else None


def _recordings(stems: list[str], chains: dict[str, _Chain]) -> list[list[str]]:
    """Join the clips that continue each other; each stem is in one list."""
    by_id = {chain.own: stem for stem, chain in chains.items()}
    followers = {stem for chain in chains.values() if (stem := by_id.get(chain.next or "")) is not None}
    done: set[str] = set()
    recordings = []
    # Heads first; what is left after them is a ring of damaged indexes: taken one by one.
    for stem in [*(s for s in stems if s not in followers), *stems]:
        members = []
        following: str | None = stem
        while following is not None and following not in done:
            done.add(following)
            members.append(following)
            chain = chains.get(following)
            following = by_id.get(chain.next or "") if chain else None
        if members:
            recordings.append(members)
    return recordings


def _warn_of_breaks(grouping: Grouping, chains: dict[str, _Chain]) -> None:
    known = {chain.own for chain in chains.values()}
    for stem, chain in sorted(chains.items()):
        name = display(stem.upper())
        if chain.next and chain.next not in known:
            grouping.warn(
                f"The recording of clip {name} goes on in a clip that is not here: on another card?"
            )
        if chain.previous and chain.previous not in known:
            grouping.warn(f"The recording of clip {name} begins in a clip that is not here: on another card?")


P2 = Maker("panasonic_p2", "Panasonic P2", True, _roots, _group, check=_check)
