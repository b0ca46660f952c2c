"""The fields of a recipe's form, group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.api.forms import Field, Values
from engine.export.recipes import naming, stamps
from engine.export.recipes import spec as spec_rules

MODE_WORDS = {
    "all": "all clips",
    "by_date": "all, by date",
    "by_event": "all, by event",
    "by_favorites": "favourites",
    "filter": "by a filter",
    "list": "an explicit list",
}
"""How clips are chosen, in words."""

LAYOUT_WORDS = {"joined": "one film", "per-clip": "one file per clip"}
"""What comes out, in words."""

DEFAULTS = spec_rules.DEFAULTS


def _is(key: str, *wanted: Any) -> Any:
    return lambda values: values.get(key, DEFAULTS.get(key)) in wanted


def words_of(values: Sequence[Any], words: Mapping[Any, str] | None = None) -> tuple[tuple[Any, str], ...]:
    """Values that can be chosen, each with its word; one without is its own."""
    return tuple((value, (words or {}).get(value, str(value))) for value in values)


def _crossfaded(values: Values) -> bool:
    return values.get("transition") == "crossfade" and bool(_film(values))


def _titled(values: Values) -> bool:
    return bool(values.get("title.text")) and bool(_film(values))


_filtered = _is("mode", "all", "by_date", "by_event", "by_favorites", "filter")
_film = _is("layout", "joined")


def fields(presets: Sequence[tuple[Any, str]] = ()) -> list[Field]:
    """The fields of a recipe, in the order of the form; ``presets`` are those that can be chosen."""
    listed = [*_WHICH, *_SHAPE, *_LOOK, *_WHERE, *_AFTER, *_CARE]
    return [
        replace(
            field,
            choices=tuple(presets) if field.key == "preset" else field.choices,
            default=DEFAULTS.get(field.key) if field.kind == "choice" else None,
        )
        for field in listed
    ]


_WHICH = (
    Field("name", "Name", "text", "What the recipe, and without a template its film, is called.", "Recipe"),
    Field(
        "mode",
        "Clips",
        "choice",
        "Which clips go in. By event: recordings less than two hours apart, one camera after the other.",
        "What goes in",
        words_of(spec_rules.MODES, MODE_WORDS),
    ),
    Field(
        "items",
        "List",
        "clips",
        "Clips in the order of the film, each with its own in and out point.",
        "What goes in",
        asked=_is("mode", "list"),
        empty="nothing chosen yet",
    ),
    Field(
        "filter.text",
        "Title holds",
        "text",
        "Only clips whose title holds this text, whatever the letter case.",
        "What goes in",
        asked=_filtered,
        empty="any",
    ),
    Field(
        "filter.tags",
        "Tags",
        "words",
        "Only clips with all of these tags; separated by commas.",
        "What goes in",
        asked=_filtered,
        empty="any",
    ),
    Field(
        "filter.since",
        "Recorded from",
        "text",
        "Only clips recorded at or after this: 2026-11-20, or 2026-11-20T18:00.",
        "What goes in",
        asked=_filtered,
        empty="any time",
    ),
    Field(
        "filter.until",
        "Recorded until",
        "text",
        "Only clips recorded at or before this; a day counts as all of it.",
        "What goes in",
        asked=_filtered,
        empty="any time",
    ),
    Field(
        "filter.event",
        "Event",
        "text",
        "Only the event of this moment: 2026-11-20T18:00, or a day for its first event.",
        "What goes in",
        asked=_filtered,
        empty="any",
    ),
    Field(
        "filter.volume",
        "On volume",
        "text",
        "Only clips with a copy on this volume (name or id).",
        "What goes in",
        asked=_filtered,
        empty="any",
    ),
    Field(
        "filter.favourite",
        "Favourites only",
        "flag",
        "Only clips that are marked as favourites.",
        "What goes in",
        asked=_is("mode", "all", "by_date", "by_event", "filter"),
    ),
    Field(
        "order",
        "Order",
        "choice",
        "By time of recording, by title (numbers counted), or as they were taken in.",
        "What goes in",
        words_of(
            spec_rules.ORDERS,
            {"time": "by time of recording", "title": "by title", "added": "as they were taken in"},
        ),
        asked=_is("mode", "all", "by_favorites", "filter"),
    ),
)

_SHAPE = (
    Field(
        "layout",
        "Makes",
        "choice",
        "One film of all clips, or one file per clip (proxies, transcodes).",
        "What comes out",
        words_of(spec_rules.LAYOUTS, LAYOUT_WORDS),
    ),
    Field(
        "preset",
        "Preset",
        "choice",
        "How it is encoded; P on the recipes screen lists and edits presets.",
        "What comes out",
    ),
    Field(
        "transition",
        "Transition",
        "choice",
        "From clip to clip: a cut, or a crossfade of picture and sound.",
        "What comes out",
        words_of(spec_rules.TRANSITIONS),
        asked=_film,
    ),
    Field(
        "transition_ms",
        "Crossfade",
        "number",
        "How long a crossfade is, in milliseconds, 1 to 10000.",
        "What comes out",
        asked=_crossfaded,
        empty=f"{spec_rules.DEFAULT_CROSSFADE_MS} ms",
    ),
    Field(
        "width",
        "Width",
        "number",
        "Even number of pixels; given together with the height.",
        "What comes out",
        empty="the first clip's",
    ),
    Field(
        "height",
        "Height",
        "number",
        "Even number of pixels; given together with the width.",
        "What comes out",
        empty="the first clip's",
    ),
    Field(
        "fps",
        "Frames per second",
        "text",
        "25, 29.97 or 30000/1001; frames are repeated or left out to keep time.",
        "What comes out",
        empty="the first clip's",
    ),
)

_LOOK = (
    Field(
        "title.text",
        "Title card",
        "text",
        "Words on a card before the film.",
        "Look and sound",
        asked=_film,
        empty="none",
    ),
    Field(
        "title.seconds",
        "Card stays",
        "number",
        "How long the title card stays, in seconds, 1 to 60.",
        "Look and sound",
        asked=_titled,
        empty=f"{stamps.DEFAULT_CARD_SECONDS} s",
    ),
    Field(
        "burn_in",
        "Burn-in",
        "text",
        "WHAT@PLACE:SIZE; ... with " + ", ".join(stamps.WHAT) + "; e.g. timecode@bottom-left:4; clip@top.",
        "Look and sound",
        empty="none",
    ),
    Field(
        "hdr",
        "HDR clips",
        "choice",
        "Keep their colours and warn, map them to BT.709, or refuse them.",
        "Look and sound",
        words_of(
            spec_rules.HDR,
            {"flag": "keep and warn", "tonemap": "map to BT.709", "refuse": "refuse the export"},
        ),
    ),
    Field(
        "lut",
        "Colour table",
        "file",
        "A .cube file that every picture goes through.",
        "Look and sound",
        empty="none",
        ending=".cube",
    ),
    Field(
        "loudness",
        "Loudness",
        "number",
        "Target in LUFS, -40 to -5: -23 for television, -14 for the web.",
        "Look and sound",
        empty="as it is",
    ),
    Field(
        "timecode",
        "First timecode",
        "text",
        "Timecode of the film's first frame, such as 10:00:00:00.",
        "Look and sound",
        asked=_film,
        empty="none",
    ),
)

_WHERE = (
    Field(
        "destination",
        "Folder",
        "folder",
        "Where the files go; tab completes.",
        "Where it goes",
        empty="exports, in the library",
    ),
    Field(
        "template",
        "File name",
        "text",
        "Text and tokens: " + " ".join(f"{{{token}}}" for token in sorted(naming.TOKENS)) + ".",
        "Where it goes",
        empty=f"{naming.JOINED_TEMPLATE}, or {naming.PER_CLIP_TEMPLATE} for one file per clip",
    ),
)

_AFTER = (
    Field(
        "deliver",
        "Afterwards",
        "choice",
        "Copy finished files to one more folder, or move them there; each is read back and compared.",
        "Where it goes",
        words_of(spec_rules.DELIVERIES, {"no": "stay there", "copy": "copied on", "move": "moved on"}),
    ),
    Field(
        "deliver_to",
        "To this folder",
        "folder",
        "Where finished files are copied or moved to; tab completes.",
        "Where it goes",
        asked=_is("deliver", "copy", "move"),
        empty="say which",
    ),
)

_CARE = (
    Field(
        "offline",
        "Clips that are away",
        "choice",
        "Refuse the export until they are back, or leave them out with a warning.",
        "Care",
        words_of(spec_rules.UNUSABLE, {"refuse": "refuse the export", "skip": "leave them out"}),
    ),
    Field(
        "unreadable",
        "Unreadable clips",
        "choice",
        "Refuse the export, or leave them out with a warning.",
        "Care",
        words_of(spec_rules.UNUSABLE, {"refuse": "refuse the export", "skip": "leave them out"}),
    ),
    Field(
        "verify",
        "Proof",
        "choice",
        "Quick: packets, streams, lengths. Decode: every frame too. Quality: compared with the source too.",
        "Care",
        words_of(
            spec_rules.CHECKS,
            {"quick": "quick", "decode": "every frame decoded", "quality": "compared with the source"},
        ),
    ),
    Field(
        "quality_metric",
        "Compared by",
        "choice",
        "How like the source the film is measured; vmaf needs a filter that not every ffmpeg has.",
        "Care",
        words_of(spec_rules.METRICS),
        asked=_is("verify", "quality"),
        empty="ssim",
    ),
    Field(
        "quality_min",
        "Lowest score",
        "number",
        "The run fails below this: 0 to 100 for vmaf, 0 to 1 for ssim, decibels for psnr.",
        "Care",
        asked=_is("verify", "quality"),
        empty="measured only",
    ),
    Field(
        "executor",
        "Rendered by",
        "choice",
        "ffmpeg, or DaVinci Resolve Studio where it is installed.",
        "Care",
        words_of(spec_rules.EXECUTORS, {"resolve": "DaVinci Resolve Studio"}),
    ),
    Field(
        "overwrite",
        "Overwrite",
        "flag",
        "Replace an earlier run's film of the same name, once the new one is proven; nothing else ever.",
        "Care",
    ),
    Field(
        "single",
        "In one piece",
        "flag",
        "No segments, no checkpoints: what is cancelled begins anew.",
        "Care",
    ),
    Field(
        "segment_seconds",
        "Segment",
        "number",
        "About how long a segment is, in seconds, 1 to 180; what is lost at most by a crash.",
        "Care",
        asked=_is("single", False),
        empty=f"{spec_rules.DEFAULT_SEGMENT_SECONDS} s",
    ),
)
