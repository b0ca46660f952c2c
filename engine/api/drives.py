"""The desk's part for volumes: their past, their colour, conflicts, and what is new on them."""

from __future__ import annotations

from collections.abc import Sequence

from engine.api import views
from engine.api.facts import Claim, OfferRow, PastRow
from engine.api.rows import Source
from engine.library import Library


class Drives:
    """Threads as of :class:`engine.api.desk.Desk`: reads where it was made, verbs anywhere."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def past(self, volume_id: str) -> Source[PastRow, PastRow]:
        """What happened to the device under a volume."""
        return views.past_source(self._library, volume_id)

    def offers(self, volume_id: str | None) -> Source[OfferRow, OfferRow]:
        """New footage that waits on a tracked volume, or on all."""
        return views.offer_source(self._library, volume_id)

    def offered(self, offer_id: int) -> Sequence[str]:
        """The paths that an ingest of an offer is given."""
        from engine.api import offers

        return offers.sources(self._library, offer_id)

    def dismiss(self, offer_id: int) -> None:
        """Wave an offer aside, until something newer lies there."""
        from engine.api import offers

        offers.dismiss(self._library, offer_id)

    def restore_offers(self, volume_id: str | None) -> int:
        """Offer again what was waved aside last, on one volume or on all; return how many came back."""
        from engine.api import offers

        return len(offers.restore_last(self._library, volume_id))

    def colour(self, volume_id: str, wanted: str | None) -> None:
        """Give a volume one of the colours, or none."""
        from engine.api import volumes

        volumes.colour(self._library, volume_id, wanted)

    def claims(self, volume_id: str) -> Sequence[Claim]:
        """The answers to "which is it?" for a volume in conflict; empty when nothing is to be asked.

        Of one that came back on another disk the only answer that changes something: it is a clone.
        """
        from engine.volumes import settling, store
        from engine.volumes.conflicts import open_conflicts

        for conflict in open_conflicts(self._library.db()):
            involved = {volume.volume_id for volume in conflict.volumes}
            involved |= {claim.volume_id for claim in conflict.claims}
            if volume_id in involved and conflict.can_settle:
                found = [
                    Claim(volume.volume_id, volume.name, claim.mount_point, volume.clips)
                    for volume in conflict.volumes
                    for claim in conflict.claims
                ]
                if len(conflict.claims) == 1:
                    (claim,) = conflict.claims
                    found.append(Claim(None, conflict.volumes[0].name, claim.mount_point, 0))
                return found
        if settling.came_from(self._library.db(), volume_id) is not None:
            there = store.get(self._library.db(), volume_id)
            return [Claim(None, there.name, there.mount_point or "", 0)]
        return ()

    def settle(self, volume_id: str | None, mount_point: str) -> None:
        """Decide a conflict: what is mounted there is this volume; None: a drive of its own."""
        from engine.api import volumes

        if volume_id is None:
            volumes.set_apart(self._library, mount_point)
        else:
            volumes.settle(self._library, volume_id, mount_point)

    def is_settled(self, volume_id: str) -> bool:
        """Whether somebody said which of several this volume is, and it can be taken back."""
        from engine.volumes import settling

        return settling.standing(self._library.db(), volume_id) is not None

    def unsettle(self, volume_id: str) -> None:
        """Take back what was said: it is asked again."""
        from engine.api import volumes

        volumes.unsettle(self._library, volume_id)
