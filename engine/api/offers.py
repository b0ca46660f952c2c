"""New footage on tracked volumes: what waits, taking it in, waving it aside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import clock
from engine.api import ingests
from engine.errors import Refused
from engine.library import Library
from engine.names import display, json_name
from engine.relink import offers
from engine.relink.offers import Offer
from engine.storage import audit
from engine.volumes import store

TOGETHER_SECONDS = 1.0
"""Offers waved aside within this time count as one act (seconds)."""


def describe(offer: Offer) -> dict[str, Any]:
    """One entry of the document of ``volumes offers``; see :class:`engine.relink.offers.Offer`."""
    return {
        "offer_id": offer.offer_id,
        "volume_id": offer.volume_id,
        "volume": offer.volume,
        **json_name("path", offer.shown),
        "whole_folder": offer.whole,
        "online": offer.online,
        "files": offer.files,
        "bytes": offer.bytes,
        "found_at": offer.found_at,
        "dismissed_at": offer.dismissed_at,
    }


def list_offers(library: Library, given: str | None = None, *, aside: bool = False) -> list[dict[str, Any]]:
    """What waits on tracked volumes, or on one: new folders, and new files beside known ones.

    With ``aside`` also what was waved aside: ``dismissed_at`` says when. An offer with newer
    files than those that were waved aside is listed twice, each time with its own files.

    Raises:
        NotFound: no volume has this id, name or mount point.
    """
    db = library.db()
    volume_id = None if given is None else store.find_id(db, given)
    found = offers.list_offers(db, volume_id)
    if aside:
        found += offers.list_aside(db, volume_id)
    return [describe(offer) for offer in found]


def sources(library: Library, offer_id: int) -> list[str]:
    """What an ingest of an offer is given: absolute paths, exact. A form of its own starts from these.

    Raises:
        NotFound: there is no such offer, or all of it was taken in.
        Refused: its volume is not here.
    """
    db = library.db()
    offer = offers.get(db, offer_id)
    if not offer.online:
        raise Refused(f"{display(offer.volume)} is not here; connect it first.")
    return offers.sources(db, offer)


def take(
    library: Library, offer_id: int, destinations: Sequence[str] = (), mode: str | None = None
) -> dict[str, Any]:
    """Queue an ingest of what waits: ``batch_id`` and ``job_id``. What was taken in is offered no more.

    Raises:
        NotFound: there is no such offer, or all of it was taken in.
        Refused: its volume is not here, or every problem of the ingest; nothing was queued.
        WrongUse: options that contradict each other; nothing was queued.
    """
    return ingests.queue(library, sources(library, offer_id), destinations, mode)


def dismiss(library: Library, offer_id: int) -> dict[str, Any]:
    """Wave an offer aside; it comes back when something newer lies there.

    Raises:
        NotFound: there is no such offer.
    """
    offer = offers.dismiss(library.db(), offer_id)
    audit.record(library.db(), "volumes dismiss", target=f"{offer.volume} {display(offer.path)}")
    return describe(offer)


def restore(library: Library, offer_id: int) -> dict[str, Any]:
    """Offer again what was waved aside: the undo of :func:`dismiss`.

    Raises:
        NotFound: nothing of this number was waved aside, or all of it is gone or was taken in.
    """
    offer = offers.restore(library.db(), offer_id)
    audit.record(library.db(), "volumes restore", target=f"{offer.volume} {display(offer.path)}")
    return describe(offer)


def restore_last(library: Library, given: str | None = None) -> list[dict[str, Any]]:
    """Offer again what was waved aside last, on one volume or on all; empty when nothing was.

    Offers that were waved aside within a second of each other, as one key does with marked
    rows, come back together.

    Raises:
        NotFound: no volume has this id, name or mount point.
    """
    db = library.db()
    volume_id = None if given is None else store.find_id(db, given)
    held = offers.list_aside(db, volume_id)
    last: list[int] = []
    for offer in held:
        assert offer.dismissed_at is not None
        assert held[0].dismissed_at is not None
        if abs(clock.seconds_between(offer.dismissed_at, held[0].dismissed_at)) < TOGETHER_SECONDS:
            last.append(offer.offer_id)
    return [restore(library, offer_id) for offer_id in last]
