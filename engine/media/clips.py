"""From files to clips: what belongs together is one shot.

Every maker's grouping takes what its structure owns; what is left is grouped
by folder and stem. A file that lands in no clip (an index, a firmware log) is
copied all the same: grouping never decides what is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.media.cards import Card
from engine.media.grouping import Clip, Grouping, Part, Role
from engine.media.listing import FileList, Listed, Listing, Reader
from engine.media.loose import group_loose
from engine.media.makers import MAKERS

__all__ = ["Clip", "Part", "Role", "group", "group_each"]


def group(
    files: FileList | Iterable[Listed], card: Card | None = None, read: Reader | None = None
) -> tuple[list[Clip], list[str]]:
    """Return (clips sorted by the path of their essence, warnings). See :func:`group_each`."""
    clips: list[Clip] = []
    warnings = group_each(files, card, read, clips.append)
    return sorted(clips, key=lambda clip: clip.essence), warnings


def group_each(
    files: FileList | Iterable[Listed],
    card: Card | None,
    read: Reader | None,
    take: Callable[[Clip], None],
) -> list[str]:
    """Give every clip to ``take`` as soon as it is whole; return the warnings. What ``take`` raises ends it.

    Every maker's rules are tried wherever their structure is found, whatever
    ``card`` says: a card may hold stills of one kind beside films of another,
    and a folder several cards. ``card`` only decides whether loose sidecars are
    worth a warning. ``read`` (see :func:`engine.media.listing.reader`) lets the
    card's own indexes be believed: without it nothing is said about them.

    No file is in two clips. Files in no clip are indexes and the like; they are
    copied as well.
    """
    grouping = Grouping(Listing(files), read, take)
    for maker in MAKERS:
        for root in maker.roots(grouping.listing):
            maker.group(grouping, root)
    group_loose(grouping, orphans=card is None or card.structured)
    return grouping.warnings
