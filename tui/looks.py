"""What a state looks like: a word, a sign and a colour. The word alone is enough.

Signs and bar parts are of one cell in every terminal (East Asian width
neutral); the ASCII set serves terminals without UTF-8.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

Piece = tuple[str, str]
"""Text and the name of its tone: ``"" dim strong good warn bad busy rest``."""

Cell = tuple[Piece, ...]
"""What one table cell shows."""


@dataclass(frozen=True)
class Glyphs:
    """A set of signs, each one cell wide (``ellipsis`` and ``arrow`` up to two)."""

    name: str
    good: str
    busy: str
    wait: str
    hold: str
    bad: str
    warn: str
    away: str
    here: str
    skip: str
    mark: str
    cursor: str
    full: str
    rest: str
    up: str
    down: str
    dot: str
    ellipsis: str
    arrow: str
    branch: str


UNICODE = Glyphs(
    name="unicode",
    good="✓",
    busy="►",
    wait="◦",
    hold="▪",
    bad="✗",
    warn="!",
    away="◌",
    here="◉",
    skip="»",
    mark="*",
    cursor="›",
    full="▬",
    rest="-",
    up="▴",
    down="▾",
    dot="·",
    ellipsis="…",
    arrow="→",
    branch='   "',
)

ASCII = Glyphs(
    name="ascii",
    good="+",
    busy=">",
    wait=".",
    hold="=",
    bad="x",
    warn="!",
    away="o",
    here="*",
    skip="~",
    mark="*",
    cursor=">",
    full="#",
    rest="-",
    up="^",
    down="v",
    dot="|",
    ellipsis="..",
    arrow="->",
    branch='   "',
)


def choose_glyphs(environment: Mapping[str, str] | None = None) -> Glyphs:
    """The set that fits: ``RUSHES_GLYPHS`` if it says so, ASCII without UTF-8 or on the Linux console."""
    env = os.environ if environment is None else environment
    wanted = env.get("RUSHES_GLYPHS", "").lower()
    if wanted in ("ascii", "unicode"):
        return ASCII if wanted == "ascii" else UNICODE
    if env.get("TERM", "") in ("linux", "dumb", "vt100"):
        return ASCII
    locale = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    if locale and "utf" not in locale.lower():
        return ASCII
    return UNICODE


REAL_PICTURES = ("xterm-kitty", "xterm-ghostty")
"""Values of TERM whose terminal draws real pictures in placeholder cells; TERM travels over SSH."""


def choose_pictures(environment: Mapping[str, str] | None = None) -> str:
    """How thumbnails are shown: ``kitty`` (real pictures), ``blocks`` or ``none``.

    ``RUSHES_PICTURES`` says so, or (``auto``, unset) TERM does: only a terminal
    that is known to have them gets real ones, and none inside tmux or screen,
    which would have to pass them on. KITTY_WINDOW_ID and the like are not
    asked: they are inherited by other terminals that are started from there.
    """
    env = os.environ if environment is None else environment
    wanted = env.get("RUSHES_PICTURES", "").lower()
    if wanted in ("kitty", "blocks", "none"):
        return wanted
    inside = env.get("TMUX") or env.get("STY")
    return "kitty" if env.get("TERM", "") in REAL_PICTURES and not inside else "blocks"


@dataclass(frozen=True)
class Look:
    """How a state is shown: the name of its sign in :class:`Glyphs`, its word, its tone."""

    glyph: str
    word: str
    tone: str

    def cell(self, glyphs: Glyphs, word: str | None = None) -> Cell:
        """The state as a table cell."""
        return ((f"{getattr(glyphs, self.glyph)} {word or self.word}", self.tone),)


JOB_LOOKS: dict[str, Look] = {
    "pending": Look("wait", "waiting", ""),
    "running": Look("busy", "running", "busy"),
    "paused": Look("hold", "paused", "warn"),
    "interrupted": Look("warn", "interrupted", "warn"),
    "completed": Look("good", "done", "good"),
    "completed_with_warnings": Look("warn", "warnings", "warn"),
    "failed": Look("bad", "failed", "bad"),
    "cancelled": Look("skip", "cancelled", "dim"),
}
INTENT_WORDS = {"pause": "pausing", "cancel": "cancelling", "resume": "resuming", "retry": "retrying"}
STALLED = Look("warn", "stalled", "warn")

TASK_LOOKS: dict[str, Look] = {
    "queued": Look("wait", "waiting", ""),
    "running": Look("busy", "running", "busy"),
    "completed": Look("good", "done", "good"),
    "skipped": Look("skip", "skipped", "dim"),
    "failed": Look("bad", "failed", "bad"),
    "cancelled": Look("skip", "cancelled", "dim"),
}

VOLUME_LOOKS: dict[str, Look] = {
    "online": Look("here", "online", "good"),
    "offline": Look("away", "offline", "warn"),
    "not_responding": Look("warn", "no answer", "bad"),
    "conflict": Look("warn", "conflict", "bad"),
}

COPY_LOOKS: dict[str, Look] = {
    "online": Look("here", "online", "good"),
    "offline": Look("away", "offline", "warn"),
    "missing": Look("bad", "missing", "bad"),
    "damaged": Look("bad", "damaged", "bad"),
}

NOTICE_LOOKS: dict[str, Look] = {
    "info": Look("dot", "note", ""),
    "warning": Look("warn", "mind", "warn"),
    "error": Look("bad", "alarm", "bad"),
}

SESSION_LOOKS: dict[str, Look] = {
    "scanning": Look("busy", "looking", "busy"),
    "matching": Look("busy", "matching", "busy"),
    "completed": Look("good", "done", "good"),
    "cancelled": Look("skip", "cancelled", "dim"),
    "failed": Look("bad", "failed", "bad"),
}

CANDIDATE_LOOKS: dict[str, Look] = {
    "pending": Look("wait", "decide", "strong"),
    "later": Look("skip", "later", ""),
    "applied": Look("good", "applied", "good"),
    "rejected": Look("bad", "rejected", "dim"),
    "skipped": Look("skip", "skipped", "dim"),
}

MATCH_WORDS = {
    "full_hash": "same bytes",
    "moved": "moved here",
    "fast_hash": "same samples",
    "embedded_id": "same camera id",
    "identity": "name, size, tc",
    "size_duration": "size, length",
    "filename": "name and size",
    "derivative": "copy of it?",
    "mapped": "by folder",
}
"""How a candidate was found, in the words of the screen. Other match types are shown as they are called."""

UNKNOWN = Look("warn", "unknown", "warn")


def look_of(looks: dict[str, Look], state: str) -> Look:
    """The look of a state; one that this version does not know is shown as its own word."""
    return looks.get(state) or Look(UNKNOWN.glyph, state.replace("_", " "), UNKNOWN.tone)


def job_cell(status: str, intent: str | None, glyphs: Glyphs, *, waiting: bool = False) -> Cell:
    """A job's state; while the engine has not yet obeyed, what it was asked for."""
    if status == "pending" and intent == "pause":
        return JOB_LOOKS["paused"].cell(glyphs, "held")
    look = look_of(JOB_LOOKS, status)
    word = INTENT_WORDS.get(intent or "")
    if word is None and waiting and status in ("pending", "paused"):
        word = "waiting"
    return look.cell(glyphs, word)
