"""Words in the picture: what is burnt in over every frame, and the card before a film. Pure definitions.

A stamp is a small JSON object: ``what`` is shown, the ``position`` on a grid of
nine, the ``size`` in hundredths of the picture's height. People write it in one
line, ``timecode@bottom-left:4``; several are separated by semicolons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import WrongUse
from engine.names import display

WHAT = ("timecode", "record_timecode", "clip", "reel", "frame", "recorded", "recipe", "text")
"""What a stamp shows: the clip's own timecode, the film's, the clip's title, its reel, the frame's number in
the film, the day of recording, the recipe's name, or a text of one's own."""

POSITIONS = (
    "top-left",
    "top",
    "top-right",
    "left",
    "center",
    "right",
    "bottom-left",
    "bottom",
    "bottom-right",
)

MOST_STAMPS = 9
"""One per place."""

DEFAULT_SIZE = 4
"""Height of the letters in hundredths of the picture's height: 43 pixels at 1080 lines."""

SIZES = (1, 25)
TEXT_LIMIT = 200
CARD_TEXT_LIMIT = 400
CARD_LINES = 8
DEFAULT_CARD_SECONDS = 3
DEFAULT_CARD_SIZE = 8

_STAMP_FIELDS = frozenset({"what", "text", "position", "size"})
_CARD_FIELDS = frozenset({"text", "seconds", "size"})


def checked_stamps(given: Any) -> list[dict[str, Any]]:
    """Return stamps with every field present. ``given`` is a list of objects, or the one-line text.

    Raises:
        WrongUse: naming what does not fit.
    """
    if isinstance(given, str):
        given = stamps_of(given)
    if not isinstance(given, list) or len(given) > MOST_STAMPS:
        raise WrongUse(f"burn_in is a list of at most {MOST_STAMPS} stamps, such as timecode@bottom-left:4.")
    stamps = [_stamp(entry) for entry in given]
    places = [stamp["position"] for stamp in stamps]
    for place in places:
        if places.count(place) > 1:
            raise WrongUse(f"burn_in has two stamps at {place}; each place takes one.")
    return stamps


def _stamp(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not set(given) <= _STAMP_FIELDS:
        raise WrongUse("A stamp of burn_in has what, position, size, and text when what is text.")
    what, position = given.get("what"), given.get("position", "bottom-left")
    size, text = given.get("size", DEFAULT_SIZE), given.get("text")
    if what not in WHAT:
        raise WrongUse(f"burn_in cannot show {display(str(what))}; it shows {', '.join(WHAT)}.")
    if position not in POSITIONS:
        raise WrongUse(f"burn_in has no place {display(str(position))}; it has {', '.join(POSITIONS)}.")
    check_size(size, "burn_in")
    if what == "text":
        if not isinstance(text, str) or not text.strip() or len(text) > TEXT_LIMIT or "\n" in text:
            raise WrongUse(f"A text of burn_in is one line of 1 to {TEXT_LIMIT} characters.")
    elif text is not None:
        raise WrongUse(f"The stamp {what} of burn_in takes no text.")
    return {"what": what, "text": text, "position": position, "size": size}


def check_size(size: Any, field: str) -> None:
    """See that ``size`` is one that letters may have.

    Raises:
        WrongUse: naming ``field``.
    """
    low, high = SIZES
    if isinstance(size, bool) or not isinstance(size, int | float) or not low <= size <= high:
        raise WrongUse(f"The size of {field} is in hundredths of the picture's height, from {low} to {high}.")


def stamps_of(text: str) -> list[dict[str, Any]]:
    """Read the one-line form: ``timecode@bottom-left:4; clip@top; text=Draft@top-right``.

    Raises:
        WrongUse: a size that is no number.
    """
    stamps: list[dict[str, Any]] = []
    for part in (part.strip() for part in text.split(";")):
        if not part:
            continue
        what, at, place = part.rpartition("@")
        stamp: dict[str, Any] = {"what": what if at else part}
        if at:
            position, colon, size = place.partition(":")
            stamp["position"] = position.strip()
            if colon:
                stamp["size"] = _number(size)
        if stamp["what"].startswith("text="):
            stamp["text"] = stamp["what"][len("text=") :]
            stamp["what"] = "text"
        stamps.append(stamp)
    return stamps


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise WrongUse(f"{display(text)} is no size of burn_in; write timecode@bottom-left:4.") from error
    return int(value) if value.is_integer() else value


def text_of(stamps: list[dict[str, Any]]) -> str:
    """The one-line form of checked stamps."""
    words = []
    for stamp in stamps:
        what = f"text={stamp['text']}" if stamp["what"] == "text" else stamp["what"]
        words.append(f"{what}@{stamp['position']}:{stamp['size']}")
    return "; ".join(words)


def checked_card(given: Any) -> dict[str, Any] | None:
    """Return the card before a film with every field present; None for none. A text alone is a card too.

    Raises:
        WrongUse: naming what does not fit.
    """
    if given is None:
        return None
    if isinstance(given, str):
        given = {"text": given}
    if not isinstance(given, Mapping) or not set(given) <= _CARD_FIELDS:
        raise WrongUse("title has text, seconds and size.")
    text, seconds = given.get("text"), given.get("seconds", DEFAULT_CARD_SECONDS)
    size = given.get("size", DEFAULT_CARD_SIZE)
    if not isinstance(text, str) or not text.strip() or len(text) > CARD_TEXT_LIMIT:
        raise WrongUse(f"The text of title has 1 to {CARD_TEXT_LIMIT} characters.")
    if len(text.strip().splitlines()) > CARD_LINES:
        raise WrongUse(f"The text of title has at most {CARD_LINES} lines.")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= 60:
        raise WrongUse("The seconds of title are a number from 1 to 60.")
    check_size(size, "title")
    return {"text": text.strip(), "seconds": seconds, "size": size}
