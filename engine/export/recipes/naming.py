"""Names of finished files from a template. Pure; what comes out is safe on Linux, SMB and exFAT.

Tokens: ``{recipe}``, ``{preset}``, ``{clip}`` (the clip's title; of a film its
first clip's), ``{reel}``, ``{camera}``, ``{date}`` and ``{time}`` of the run
(UTC), ``{recorded}`` (day of recording), ``{width}``, ``{height}``, ``{fps}``,
``{codec}`` and ``{counter}`` (three digits, the file's place in its run).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.errors import WrongUse
from engine.names import display, safe_component

TOKENS = frozenset(
    {
        "recipe",
        "preset",
        "clip",
        "reel",
        "camera",
        "date",
        "time",
        "recorded",
        "width",
        "height",
        "fps",
        "codec",
        "counter",
    }
)

JOINED_TEMPLATE = "{recipe}"
PER_CLIP_TEMPLATE = "{clip}"

_TOKEN = re.compile(r"\{([^{}]*)\}")


def check_template(template: str) -> None:
    """See that a template has known tokens only.

    Raises:
        WrongUse: an unknown token, a lone brace, or a slash.
    """
    for token in _TOKEN.findall(template):
        if token not in TOKENS:
            raise WrongUse(
                f"There is no name token {{{display(token)}}}; known: {', '.join(sorted(TOKENS))}."
            )
    rest = _TOKEN.sub("", template)
    if "{" in rest or "}" in rest:
        raise WrongUse(f"A brace in the name template {display(template)} has no partner.")
    if "/" in rest:
        raise WrongUse("A name template is a file name; the folder is the recipe's destination.")


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return the file name (without extension) that ``template`` gives. Unknown values are empty."""
    text = _TOKEN.sub(lambda match: values.get(match.group(1), ""), template)
    # A leading dash would be an option to the next program, a leading dot hides the file.
    return safe_component(text.lstrip("-."), fallback="export")


def stem_of(title: str) -> str:
    """A clip's title without a file extension, when it ends in something that looks like one."""
    return re.sub(r"(?<=.)\.[A-Za-z0-9]{2,4}$", "", title)
