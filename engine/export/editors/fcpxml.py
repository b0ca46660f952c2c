"""FCPXML 1.9, which Final Cut Pro, Resolve and Premiere's converters read. Pure.

Every time is a fraction of seconds in whole frames, as the format asks.
"""

from __future__ import annotations

from fractions import Fraction
from xml.etree import ElementTree as ET

from engine.export.editors.cutlist import CutList, Event, Media

VERSION = "1.9"

_DISSOLVE = "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"
"""Final Cut Pro's own cross dissolve, which every sequence with one names."""


def text(cuts: CutList) -> str:
    """The content of an ``.fcpxml`` file."""
    root = ET.Element("fcpxml", version=VERSION)
    resources = ET.SubElement(root, "resources")
    formats: dict[tuple[Fraction, int, int], str] = {}
    own = _format(resources, formats, cuts.rate, cuts.width, cuts.height)
    dissolves = any(event.fade for event in cuts.events)
    if dissolves:
        ET.SubElement(resources, "effect", id="fade", name="Cross Dissolve", uid=_DISSOLVE)
    assets = _assets(resources, formats, cuts)
    library = ET.SubElement(root, "library")
    event = ET.SubElement(library, "event", name=_clean(cuts.name))
    project = ET.SubElement(event, "project", name=_clean(cuts.name))
    sequence = ET.SubElement(
        project,
        "sequence",
        format=own,
        duration=_seconds(cuts.frames, cuts.rate),
        tcStart=_seconds(cuts.start, cuts.rate),
        tcFormat="DF" if cuts.drop else "NDF",
        audioLayout="stereo",
        audioRate="48k",
    )
    spine = ET.SubElement(sequence, "spine")
    for entry in cuts.events:
        _spine(spine, cuts, entry, assets)
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{body}\n'


def _format(
    resources: ET.Element,
    formats: dict[tuple[Fraction, int, int], str],
    rate: Fraction,
    width: int,
    height: int,
) -> str:
    key = (rate, width, height)
    if key not in formats:
        formats[key] = f"r{len(formats) + 1}"
        ET.SubElement(
            resources,
            "format",
            id=formats[key],
            frameDuration=_seconds(1, rate),
            width=str(width),
            height=str(height),
        )
    return formats[key]


def _assets(
    resources: ET.Element, formats: dict[tuple[Fraction, int, int], str], cuts: CutList
) -> dict[Media, str]:
    assets: dict[Media, str] = {}
    files = dict.fromkeys(event.media for event in cuts.events if event.media is not None)
    wanted = [(media, _format(resources, formats, media.rate, media.width, media.height)) for media in files]
    for media, form in wanted:
        assets[media] = f"a{len(assets) + 1}"
        asset = ET.SubElement(
            resources,
            "asset",
            id=assets[media],
            name=_clean(media.name),
            start=_seconds(media.start, media.rate),
            duration=_seconds(media.frames, media.rate),
            hasVideo="1",
            format=form,
            videoSources="1",
        )
        if media.channels:
            asset.set("hasAudio", "1")
            asset.set("audioSources", "1")
            asset.set("audioChannels", str(media.channels))
            asset.set("audioRate", str(media.sound_rate or 48000))
        ET.SubElement(asset, "media-rep", kind="original-media", src=media.url or "file:///")
        if media.reel:
            metadata = ET.SubElement(asset, "metadata")
            ET.SubElement(metadata, "md", key="com.apple.proapps.studio.reel", value=_clean(media.reel))
    return assets


def _spine(spine: ET.Element, cuts: CutList, event: Event, assets: dict[Media, str]) -> None:
    at = cuts.start + event.at
    if event.fade:
        transition = ET.SubElement(
            spine,
            "transition",
            name="Cross Dissolve",
            offset=_seconds(at - event.fade_before, cuts.rate),
            duration=_seconds(event.fade, cuts.rate),
        )
        ET.SubElement(transition, "filter-video", ref="fade", name="Cross Dissolve")
    place = {
        "name": _clean(event.name),
        "offset": _seconds(at, cuts.rate),
        "duration": _seconds(event.frames, cuts.rate),
    }
    if event.media is None:
        ET.SubElement(spine, "gap", {**place, "start": "0s"})
        return
    media = event.media
    ET.SubElement(
        spine,
        "asset-clip",
        {
            **place,
            "ref": assets[media],
            "start": _seconds(media.start + event.first, media.rate),
            "tcFormat": "DF" if media.drop else "NDF",
        },
    )


def _seconds(frames: int, rate: Fraction) -> str:
    """``1001/30000s``: whole numbers of the frame's length, not shortened."""
    if not frames:
        return "0s"
    if rate.denominator == 1:
        value = Fraction(frames) / rate
        return f"{value.numerator}s" if value.denominator == 1 else f"{frames}/{rate.numerator}s"
    return f"{frames * rate.denominator}/{rate.numerator}s"


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(
        char if char >= " " and not "\ud800" <= char <= "\udfff" and char not in "\ufffe\uffff" else "?"
        for char in text
    )
