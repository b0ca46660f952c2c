"""Cards that only follow the DCIM rule: stills and films of every other camera."""

from __future__ import annotations

import re

from engine.media.grouping import Grouping
from engine.media.listing import Listing, Reader
from engine.media.makers.base import Maker, last

_DCF = re.compile(r"\d{3}(?!gopro|media)\w{5}|[a-z]{3}_\d{4}")
"""``100CANON``, ``100_PANA``, ``XXX_0101``: folders below DCIM of cameras without rules of their own."""

_BRANDS = (
    ("canon", "Canon"),
    ("msdcf", "Sony"),
    ("pana", "Panasonic Lumix"),
    ("fuji", "Fujifilm"),
    ("nikon", "Nikon"),
    ("ncz_", "Nikon"),
    ("nz", "Nikon"),
    ("olymp", "Olympus"),
    ("omsys", "OM System"),
    ("leica", "Leica"),
    ("apple", "Apple"),
)


def _roots(listing: Listing) -> list[str]:
    return [
        folder
        for folder in listing.folders()
        if last(folder) == "dcim" and any(_DCF.fullmatch(last(f)) for f in listing.folders_in(folder))
    ]


def _brand(listing: Listing, root: str, read: Reader | None) -> str | None:
    del read  # the folder's name is all there is
    for folder in listing.folders_in(root):
        for mark, brand in _BRANDS:
            if mark in last(folder)[3:]:
                return brand
    return None


def _leave(grouping: Grouping, root: str) -> None:
    """Nothing of its own: what lies here is grouped by folder and stem."""
    del grouping, root


DCIM = Maker("dcim", "DCIM card", True, _roots, _leave, model=_brand)
