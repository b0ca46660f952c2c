"""What a recipe says: every field of it, checked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from engine import clock
from engine.errors import WrongUse
from engine.export.recipes import files, stamps, timecode
from engine.export.recipes.body import check_flag, check_loudness, fps_text
from engine.export.recipes.naming import check_template
from engine.names import display

SCHEMA = 1
"""Version of the spec's shape and of the exported file."""

MODES = ("all", "by_date", "by_event", "by_favorites", "filter", "list")
LAYOUTS = ("joined", "per-clip")
ORDERS = ("time", "title", "added")
TRANSITIONS = ("cut", "crossfade")
UNUSABLE = ("refuse", "skip")
HDR = ("flag", "tonemap", "refuse")
CHECKS = ("quick", "decode", "quality")
METRICS = ("vmaf", "ssim", "psnr")
EXECUTORS = ("ffmpeg", "resolve")
DELIVERIES = ("no", "copy", "move")
DEFAULT_PRESET = "share"
DEFAULT_CROSSFADE_MS = 500
DEFAULT_SEGMENT_SECONDS = 20

_LARGEST_BASE = 100  # frames of a timecode have two digits

QUALITY_LIMITS = {"vmaf": (0.0, 100.0), "ssim": (0.0, 1.0), "psnr": (0.0, 100.0)}
"""Lowest and highest sensible threshold of a metric; PSNR is in dB."""

DEFAULTS: dict[str, Any] = {
    "schema": SCHEMA,
    "mode": "all",
    "filter": {},
    "items": [],
    "order": "time",
    "layout": "joined",
    "preset": DEFAULT_PRESET,
    "destination": None,
    "template": None,
    "transition": "cut",
    "transition_ms": DEFAULT_CROSSFADE_MS,
    "width": None,
    "height": None,
    "fps": None,
    "lut": None,
    "hdr": "flag",
    "title": None,
    "burn_in": [],
    "loudness": None,
    "timecode": None,
    "offline": "refuse",
    "unreadable": "skip",
    "verify": "decode",
    "quality_metric": None,
    "quality_min": None,
    "executor": "ffmpeg",
    "deliver": "no",
    "deliver_to": None,
    "overwrite": False,
    "single": False,
    "segment_seconds": DEFAULT_SEGMENT_SECONDS,
}
"""Every field of a spec with the value that it has when nothing is said."""

FILTER_FIELDS = frozenset({"text", "tags", "since", "until", "volume", "card", "batch", "favourite", "event"})
ITEM_FIELDS = frozenset({"clip_id", "in_frame", "out_frame"})

CHOICES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("mode", MODES),
    ("layout", LAYOUTS),
    ("order", ORDERS),
    ("transition", TRANSITIONS),
    ("offline", UNUSABLE),
    ("unreadable", UNUSABLE),
    ("hdr", HDR),
    ("verify", CHECKS),
    ("executor", EXECUTORS),
    ("deliver", DELIVERIES),
)
"""Fields that take one of a few words."""


def checked(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``spec`` with every field present, or raise with what is wrong.

    Fields: ``mode``, ``order`` (``time``, ``title``, ``added``) and ``layout``,
    see :mod:`engine.export.recipes.recipes`; ``filter`` (``text`` in the title, ``tags`` all of them,
    ``since`` and ``until`` of recording, ``volume``, ``card``, ``batch`` ids,
    ``favourite``, ``event``: a moment in it); ``items`` of mode ``list`` (``clip_id``, ``in_frame`` and
    ``out_frame`` in the clip's own frames, the out frame is not included);
    ``preset``; ``destination`` (absolute folder; None is ``exports`` in the
    library's cache root); ``template`` of file names (see :mod:`engine.export.recipes.naming`);
    ``transition`` with ``transition_ms``; ``width``, ``height``, ``fps`` of the
    film (None takes the first clip's); ``lut`` (path of a ``.cube`` file);
    ``hdr`` clips (``flag`` them with a warning, ``tonemap`` them to BT.709, or
    ``refuse`` them as unreadable ones); ``title`` (card before the film) and
    ``burn_in`` (see :mod:`engine.export.recipes.stamps`);
    ``loudness`` (target in LUFS, e.g. -23; None leaves the sound as it is); ``timecode`` of the
    film's first frame; ``offline`` clips (``refuse`` the run, or ``skip`` them with
    a warning) and ``unreadable`` ones, as well as listed ones without a picture or gone from the
    library (the same choice; ``skip`` by default: they do not get better by waiting);
    ``verify`` (``quick``: packets, streams, lengths; ``decode``: and every frame is decoded;
    ``quality``: and compared with the source by ``quality_metric``, which must reach ``quality_min``);
    ``deliver`` (``copy`` or ``move`` finished files, verified, to the absolute folder
    ``deliver_to``);
    ``overwrite`` (a film of an earlier run that lies under the same name is replaced, once the new one is
    proven; nothing else ever is); ``executor`` (``ffmpeg``, or ``resolve`` for DaVinci Resolve Studio);
    ``single`` (one piece instead of segments: no
    checkpoints); ``segment_seconds`` (about how long a segment is, 1 to 180).

    Raises:
        WrongUse: naming the unknown or unfitting value.
    """
    files.check_schema(spec.get("schema", SCHEMA), "recipe", SCHEMA)
    for field in spec:
        if field not in DEFAULTS:
            raise WrongUse(
                f"There is no recipe field {display(str(field))}; known: {', '.join(sorted(DEFAULTS))}."
            )
    full = {**DEFAULTS, **{key: value for key, value in spec.items() if value is not None}}
    for field, known in CHOICES:
        if full[field] not in known:
            raise WrongUse(f"There is no {field} {display(str(full[field]))}; known: {', '.join(known)}.")
    full["filter"] = _filter(full["filter"])
    full["items"] = _items(full["items"], full["mode"])
    full["fps"] = fps_text(full["fps"])
    full["title"] = stamps.checked_card(full["title"])
    full["burn_in"] = stamps.checked_stamps(full["burn_in"])
    _size(full)
    _text_fields(full)
    _numbers(full)
    _together(full)
    for field in ("single", "overwrite"):
        check_flag(field, full[field])
    return full


def _numbers(full: Mapping[str, Any]) -> None:
    if not is_whole(full["transition_ms"]) or not 1 <= full["transition_ms"] <= 10_000:
        raise WrongUse("transition_ms is a whole number of milliseconds from 1 to 10000.")
    if not is_whole(full["segment_seconds"]) or not 1 <= full["segment_seconds"] <= 180:
        raise WrongUse("segment_seconds is a whole number from 1 to 180.")
    check_loudness(full["loudness"])


def _together(full: dict[str, Any]) -> None:
    """Check fields that depend on one another."""
    if full["layout"] == "per-clip" and full["transition"] != "cut":
        raise WrongUse("A recipe with one file per clip has no transitions.")
    if full["layout"] == "per-clip" and full["title"] is not None:
        raise WrongUse("A recipe with one file per clip has no title card: it would shift every timecode.")
    if (full["deliver"] == "no") != (full["deliver_to"] is None):
        raise WrongUse(
            "deliver (copy or move) and deliver_to, the folder that gets the files, are given together."
        )
    metric, least = full["quality_metric"], full["quality_min"]
    if full["verify"] != "quality":
        if metric is not None or least is not None:
            raise WrongUse("quality_metric and quality_min go with verify quality.")
        return
    if metric is None:
        full["quality_metric"] = metric = "ssim"
    if metric not in METRICS:
        raise WrongUse(f"There is no quality_metric {display(str(metric))}; known: {', '.join(METRICS)}.")
    low, high = QUALITY_LIMITS[metric]
    if least is not None and not (_is_number(least) and low <= least <= high):
        raise WrongUse(f"quality_min of {metric} is a number from {low:g} to {high:g}.")


def _filter(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise WrongUse("filter is no JSON object.")
    for field in given:
        if field not in FILTER_FIELDS:
            raise WrongUse(
                f"There is no filter field {display(str(field))}; known: {', '.join(sorted(FILTER_FIELDS))}."
            )
    tags = given.get("tags") or []
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
        raise WrongUse("filter.tags is a list of tag names.")
    for field in ("since", "until", "event"):
        if given.get(field) is not None:
            try:
                clock.parse(str(given[field]))
            except ValueError as error:
                raise WrongUse(
                    f"filter.{field} is no date: {display(str(given[field]))}; "
                    "write 2026-11-20 or 2026-11-20T18:00."
                ) from error
    if given.get("favourite") is not None:
        check_flag("filter.favourite", given["favourite"])
    return {key: value for key, value in given.items() if value not in (None, [], "")}


def _items(given: Any, mode: str) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        raise WrongUse("items is a list.")
    if mode == "list" and not given:
        raise WrongUse("A recipe of mode list needs clips in items.")
    items = []
    for entry in given:
        if not isinstance(entry, Mapping) or not set(entry) <= ITEM_FIELDS or not entry.get("clip_id"):
            raise WrongUse("An item has a clip_id and may have in_frame and out_frame.")
        begin, end = entry.get("in_frame"), entry.get("out_frame")
        for value in (begin, end):
            if value is not None and (not is_whole(value) or value < 0):
                raise WrongUse("in_frame and out_frame are whole numbers, 0 or more.")
        if end is not None and end <= (begin or 0):
            raise WrongUse(
                f"The out point {end} of clip {display(str(entry['clip_id']))} has to lie after its in point"
                f" {begin or 0}."
            )
        items.append({"clip_id": str(entry["clip_id"]), "in_frame": begin, "out_frame": end})
    return items


def _size(full: Mapping[str, Any]) -> None:
    for field in ("width", "height"):
        value = full[field]
        if value is not None and (not is_whole(value) or not 16 <= value <= 16384 or value % 2):
            raise WrongUse(f"{field} is an even number of pixels from 16 to 16384.")
    if (full["width"] is None) != (full["height"] is None):
        raise WrongUse("width and height are given together, or both left out.")


def _text_fields(full: dict[str, Any]) -> None:
    for field in ("preset", "destination", "template", "lut", "timecode", "deliver_to"):
        value = full[field]
        if value is not None and (not isinstance(value, str) or not value or "\0" in value):
            raise WrongUse(f"{field} is a text that is not empty.")
    for field in ("destination", "lut", "deliver_to"):
        if full[field] is not None and not full[field].startswith("/"):
            raise WrongUse(f"{field} is an absolute path.")
    if full["template"] is not None:
        check_template(full["template"])
    given = full["timecode"]
    if given is None:
        return
    if not re.fullmatch(r"[0-2]\d:[0-5]\d:[0-5]\d[:;]\d\d", given):
        raise WrongUse("timecode is written 01:00:00:00, with ; before the frames for drop-frame.")
    # Without a rate of the recipe's own the clips decide it, when the run is queued.
    problem = timecode.problem(given, Fraction(full["fps"] or _LARGEST_BASE))
    if problem is not None and (full["fps"] or ";" not in given):
        raise WrongUse(problem)


def is_whole(value: Any) -> bool:
    """Whether ``value`` is a whole number; a truth value is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
