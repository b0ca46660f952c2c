"""Which camera wrote this card, told by its structure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.media.listing import FileList, Listed, Listing, Reader, listing_hash, reader, without_junk
from engine.media.makers import MAKERS

__all__ = ["Card", "FileList", "Listed", "Listing", "listing_hash", "reader", "recognise"]


@dataclass(frozen=True)
class Card:
    """A source as recognised.

    Attributes:
        kind: ``sony_xavc``, ``sony_xdcam``, ``sony_xdcam_disc``, ``sony_xdcam_ex``, ``sony_hdv``,
            ``panasonic_p2``, ``canon_xf``, ``canon_raw``, ``avchd``, ``red``, ``arri``, ``blackmagic``,
            ``gopro``, ``insta360``, ``dji``, ``dcim``, or ``folder``.
        label: for people (``Sony XAVC (ILCE-7SM3)``).
        structured: whether the tree itself carries meaning and must be kept as it is.
        warnings: sentences about the card as a whole.
        listing_hash: identity of the content, see :func:`engine.media.listing.listing_hash`.
        others: further kinds found on the same source.
    """

    kind: str
    label: str
    structured: bool
    warnings: tuple[str, ...]
    listing_hash: str
    others: tuple[str, ...] = ()


def recognise(files: FileList | Iterable[Listed], read: Reader | None = None) -> Card:
    """Tell the kind of a card from its listing alone; ``read`` adds the camera's model to the label.

    Structures are looked for at any depth, in whole path components and without
    regard to case, the makers' own marks before ``DCIM``.
    """
    files = without_junk(files)
    listing = Listing(files)
    found = [(maker, roots) for maker in MAKERS if maker.kind and (roots := maker.roots(listing))]
    identity = listing_hash(files)
    if not found:
        return Card("folder", "folder", False, (), identity)
    maker, roots = found[0]
    model = maker.model(listing, roots[0], read) if maker.model and read else None
    warnings = [
        sentence for root in roots for sentence in (maker.check(listing, root) if maker.check else ())
    ]
    return Card(
        kind=maker.kind,
        label=f"{maker.label} ({model})" if model else maker.label,
        structured=maker.structured,
        warnings=tuple(warnings),
        listing_hash=identity,
        others=tuple(other.kind for other, _ in found[1:]),
    )
