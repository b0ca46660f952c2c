"""The makers' rules: how each camera lays out its card, the most telling marks first."""

from __future__ import annotations

from engine.media.makers import action, avchd, canon, cinema, hdv, panasonic, sony, stills
from engine.media.makers.base import Maker

MAKERS: tuple[Maker, ...] = (
    sony.XAVC,
    sony.XDCAM_EX,
    sony.XDCAM,
    sony.DISC,
    hdv.HDV,
    panasonic.P2,
    canon.XF,
    cinema.RED,
    cinema.ARRI,
    cinema.BLACKMAGIC,
    action.GOPRO,
    action.GOPRO_FILES,
    action.INSTA360,
    action.DJI,
    avchd.AVCHD,
    canon.RAW,
    stills.DCIM,
)
"""In the order in which a card is told: the first whose structure is there names it."""

__all__ = ["MAKERS", "Maker"]
