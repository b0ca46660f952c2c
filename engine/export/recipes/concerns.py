"""Presets put together from parts: each part settles one concern and knows no other. Pure.

A composed preset names one part per concern and holds no settings of its own.
The concern ``codec`` is any preset that is not composed; the others are small:
``scaling`` (``fit``, ``scale``, ``fps``), ``watermark`` (``burn_in``), ``naming``
(``template``), ``sound`` (``loudness``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import WrongUse
from engine.export.recipes import body as bodies
from engine.names import display

FIELDS: dict[str, tuple[str, ...]] = {
    "scaling": ("fit", "scale", "fps"),
    "watermark": ("burn_in",),
    "naming": ("template",),
    "sound": ("loudness",),
}
"""What a part of each concern settles."""

CONCERNS = ("codec", *FIELDS)
"""All concerns; a composed preset must have ``codec``, and may have the others."""

SYSTEM: dict[str, dict[str, dict[str, Any]]] = {
    "scaling": {
        "as-recorded": {},
        "half": {"scale": "1/2"},
        "quarter": {"scale": "1/4"},
        "hd-720": {"fit": 1280},
        "hd-1080": {"fit": 1920},
    },
    "watermark": {
        "clean": {},
        "timecode": {"burn_in": "timecode@bottom"},
        "clip-and-timecode": {"burn_in": "clip@top-left:3; timecode@bottom:4"},
        "review": {
            "burn_in": "clip@top-left:3; recorded@top-right:3; timecode@bottom-left; frame@bottom-right"
        },
    },
    "naming": {
        "clip": {"template": "{clip}"},
        "recipe-date": {"template": "{recipe}_{date}"},
        "reel-clip": {"template": "{reel}_{clip}"},
    },
    "sound": {"as-recorded": {}, "broadcast": {"loudness": -23}, "web": {"loudness": -16}},
}
"""Parts that are always there."""


def checked_part(concern: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a part, checked.

    Raises:
        WrongUse: an unknown concern, a field of another concern, or a wrong value.
    """
    if concern not in FIELDS:
        raise WrongUse(f"There is no concern {display(concern)} for parts; known: {', '.join(FIELDS)}.")
    for field in given:
        if field not in FIELDS[concern]:
            known = ", ".join(FIELDS[concern])
            raise WrongUse(f"A part for {concern} has no field {display(str(field))}; it has {known}.")
    full = bodies.checked({"video": {"codec": "libx264"}, **given})
    return {field: full[field] for field in FIELDS[concern] if full[field] not in (None, [])}


def checked_parts(given: Any) -> dict[str, str]:
    """Return the references of a composed preset: concern to name.

    Raises:
        WrongUse: an unknown concern, one without a name, or no codec.
    """
    if not isinstance(given, Mapping):
        raise WrongUse("composed is a JSON object: a name for each concern.")
    for concern, name in given.items():
        if concern not in CONCERNS:
            raise WrongUse(f"There is no concern {display(str(concern))}; known: {', '.join(CONCERNS)}.")
        if not isinstance(name, str) or not name.strip():
            raise WrongUse(f"The part for {concern} is named by a text.")
    if "codec" not in given:
        raise WrongUse("A composed preset needs a part for codec.")
    return {concern: given[concern].strip() for concern in CONCERNS if concern in given}


def put_together(
    parts: Mapping[str, str],
    codec: Callable[[str], Mapping[str, Any]],
    settings: Callable[[str, str], Mapping[str, Any]],
) -> dict[str, Any]:
    """The body that a composed preset stands for.

    Args:
        parts: checked references.
        codec: gives the body of a preset by name, or raises.
        settings: gives the settings of a part by concern and name, or raises.

    Raises:
        WrongUse: the parts do not go together.
    """
    made = dict(codec(parts["codec"]))
    for concern, fields in FIELDS.items():
        if concern in parts:
            made.update({field: bodies.DEFAULTS[field] for field in fields})
            made.update(settings(concern, parts[concern]))
    return bodies.checked({**made, "category": "own"})
