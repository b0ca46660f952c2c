"""OpenTimelineIO: the timeline as JSON, with schema names and versions as its documentation lists them."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from engine.export.editors.cutlist import CutList, Event, Media
from engine.export.recipes import timecode


def text(cuts: CutList) -> str:
    """The content of an ``.otio`` file: one picture track, one sound track, dissolves over the cuts."""
    rate = cuts.rate
    return (
        json.dumps(
            {
                "OTIO_SCHEMA": "Timeline.1",
                "metadata": {"rushes": {"width": cuts.width, "height": cuts.height, "drop_frame": cuts.drop}},
                "name": cuts.name,
                "global_start_time": _time(cuts.start, rate),
                "tracks": {
                    "OTIO_SCHEMA": "Stack.1",
                    "metadata": {},
                    "name": "tracks",
                    "source_range": None,
                    "effects": [],
                    "markers": [],
                    "enabled": True,
                    "children": [_track(cuts, "Video"), _track(cuts, "Audio")],
                },
            },
            indent=2,
        )
        + "\n"
    )


def _track(cuts: CutList, kind: str) -> dict[str, Any]:
    children: list[dict[str, Any]] = []
    for event in cuts.events:
        if event.fade:
            children.append(_transition(event, cuts.rate))
        sounds = kind == "Video" or (event.media is not None and event.media.channels > 0)
        if event.media is not None and sounds:
            children.append(_clip(event, event.media, cuts.rate))
        else:
            children.append(_gap(event, cuts.rate))
    return {
        "OTIO_SCHEMA": "Track.1",
        "metadata": {},
        "name": kind,
        "kind": kind,
        "source_range": None,
        "effects": [],
        "markers": [],
        "enabled": True,
        "children": children,
    }


def _clip(event: Event, media: Media, rate: Fraction) -> dict[str, Any]:
    own = media.rate
    reference: dict[str, Any] = {
        "OTIO_SCHEMA": "ExternalReference.1" if media.url else "MissingReference.1",
        "metadata": {},
        "name": media.name,
        "available_range": _range(media.start, media.frames, own),
        "available_image_bounds": None,
    }
    if media.url:
        reference["target_url"] = media.url
    # In the film's rate: neighbours must add up to whole frames of the timeline.
    begin = (media.start + event.first) / own * rate
    return {
        "OTIO_SCHEMA": "Clip.2",
        "metadata": {
            "rushes": {
                "reel": media.reel,
                "fps": str(own),
                "drop_frame": media.drop,
                "timecode": timecode.text_of(media.start + event.first, own, drop=media.drop),
            },
            "cmx_3600": {"reel": media.reel},
        },
        "name": event.name,
        "source_range": _range(begin, event.frames, rate),
        "effects": [],
        "markers": [],
        "enabled": True,
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def _gap(event: Event, rate: Fraction) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Gap.1",
        "metadata": {} if event.media else {"rushes": {"title": event.name}},
        "name": event.name,
        "source_range": _range(0, event.frames, rate),
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _transition(event: Event, rate: Fraction) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Transition.1",
        "metadata": {},
        "name": "dissolve",
        "transition_type": "SMPTE_Dissolve",
        "in_offset": _time(event.fade_before, rate),
        "out_offset": _time(event.fade_after, rate),
    }


def _range(start: int | Fraction, frames: int, rate: Fraction) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(start, rate),
        "duration": _time(frames, rate),
    }


def _time(value: int | Fraction, rate: Fraction) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(value)}
