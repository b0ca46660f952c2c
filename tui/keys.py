"""THE registry of keys: bindings, footer, help, palette and the README's table all come from here.

Rules: letters, digits, arrows, tab, enter, esc, space and a few ctrl keys
only; nothing needs alt or a shifted arrow. A key that costs something asks
first, and the answer "yes" is another key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType

SCOPES = {
    "app": "Everywhere",
    "list": "In every list",
    "volumes": "Volumes",
    "ingest": "Ingest",
    "files": "Files of a job",
    "exports": "Exports",
    "relink": "Relink",
}
"""Where a key works, and the heading of that place in the help."""

PRETTY = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "space": "space",
    "asterisk": "*",
    "escape": "esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "up": "↑",
    "down": "↓",
    "f1": "F1",
}


@dataclass(frozen=True)
class Key:
    """One thing that can be done.

    Attributes:
        id: ``scope.verb``; the action that a screen or the app offers.
        keys: Textual's names of the keys, the main one first, separated by commas.
        verb: one or two words for the footer.
        text: a sentence for the help.
        scope: a key of :data:`SCOPES`.
        danger: whether it asks before it acts.
        rank: place in the footer, low first; 0 keeps it out of the footer.
    """

    id: str
    keys: str
    verb: str
    text: str
    scope: str
    danger: bool = False
    rank: int = 0

    @property
    def shown(self) -> str:
        """The main key as a person writes it."""
        return pretty(self.keys.split(",")[0])

    @property
    def all_shown(self) -> str:
        """All its keys as a person writes them."""
        return " ".join(pretty(key) for key in self.keys.split(","))

    @property
    def action(self) -> str:
        """The Textual action: the id with its scope's dot replaced."""
        return "key('" + self.id + "')"


def pretty(key: str) -> str:
    """A key's name as a person writes it: ``ctrl+p`` is ``^p``."""
    if key.startswith("ctrl+"):
        return "^" + pretty(key[5:])
    return PRETTY.get(key, key)


def _lists(
    scope: str, *entries: tuple[str, str, str, str, int] | tuple[str, str, str, str, int, bool]
) -> list[Key]:
    return [
        Key(
            id=f"{scope}.{entry[0]}",
            keys=entry[1],
            verb=entry[2],
            text=entry[3],
            scope=scope,
            rank=entry[4],
            danger=len(entry) > 5 and bool(entry[-1]),
        )
        for entry in entries
    ]


KEYS: tuple[Key, ...] = (
    *_lists(
        "volumes",
        ("open", "enter,l", "open", "Show all that is known about this volume.", 10),
        (
            "track",
            "t",
            "track",
            "Track this volume: its files are swept, and its clips come back with it.",
            30,
        ),
        (
            "untrack",
            "T",
            "untrack",
            "Stop tracking this volume; records are kept, no file is touched.",
            0,
            True,
        ),
        ("rename", "e", "rename", "Give this volume another name in this library.", 40),
        ("favourite", "b", "favourite", "Put this volume on top of the list, or take it from there.", 0),
        ("scan", "n", "find clips", "Look on this volume for files of clips that are away.", 20),
        ("sweep", "s", "look through", "Look through this volume now: what is there, missing, renamed.", 55),
        (
            "eject",
            "x",
            "eject",
            "Flush and unmount this volume, so that it can be taken off; never forced.",
            57,
            True,
        ),
        ("measure", "m", "measure", "Measure how fast this volume writes and reads, as a job.", 0, True),
        (
            "check",
            "F",
            "safe to format?",
            "Is every file of this card proven elsewhere? Says what is missing.",
            50,
        ),
    ),
    *_lists(
        "ingest",
        ("new", "n", "new", "Copy a card or folder in, to one or more places, and prove every copy.", 10),
        (
            "open",
            "enter,l",
            "files",
            "Show the files of this job, with their state at every destination.",
            20,
        ),
        ("pause", "p", "pause", "Pause at the end of the file in hand.", 30),
        ("resume", "r", "resume", "Resume what is paused or interrupted; retry what failed.", 40),
        (
            "cancel",
            "c",
            "cancel",
            "Stop at once. What is proven stays; a cancelled ingest can be resumed.",
            50,
            True,
        ),
        ("log", "L", "log", "Show the job's log and what went wrong.", 60),
        ("check", "F", "safe to format?", "Is every file of this job's card proven elsewhere?", 70),
    ),
    *_lists(
        "files",
        ("open", "enter,l", "open", "Show all that is known about this file.", 10),
        ("pause", "p", "pause", "Pause the job at the end of the file in hand.", 20),
        ("resume", "r", "resume", "Resume the job, or retry its failed files.", 30),
        ("cancel", "c", "cancel", "Stop the job at once. What is proven stays.", 40, True),
        ("log", "L", "log", "Show the job's log.", 50),
        ("back", "h", "back", "Back to the jobs.", 60),
    ),
    *_lists(
        "exports",
        ("new", "n", "new", "Choose recipes and queue them.", 10),
        ("log", "L,enter,l", "log", "Show the run's settings, files and log, and what went wrong.", 20),
        ("pause", "p", "pause", "Pause at the end of the segment in hand.", 30),
        (
            "resume",
            "r",
            "resume",
            "Resume what is paused, interrupted or failed; finished segments are kept.",
            40,
        ),
        ("cancel", "c", "cancel", "Stop at once. A new run can take over finished segments.", 50, True),
        ("rerun", "a", "again", "Export once more with the same clips and settings, into a new file.", 55),
        ("delete", "D", "delete", "Delete this run that has ended, and the films that it made.", 57, True),
        ("yank", "y", "copy path", "Copy the path of the finished film (OSC 52, works over SSH).", 60),
    ),
    *_lists(
        "relink",
        ("apply", "a", "apply", "This is the file: the clip uses it from now on.", 10),
        ("reject", "x", "reject", "This is not the file.", 20),
        ("later", "s", "later", "Decide later; go to the next.", 30),
        (
            "undo",
            "u",
            "undo",
            "Take the verdict on this row back; without one, the newest verdict of this session.",
            40,
        ),
        ("certain", "A", "all certain", "Apply every candidate that is proven by content.", 50, True),
        ("scan", "n", "scan", "Look in a folder or on a drive for files of clips that are away.", 60),
        ("open", "enter,l", "compare", "Compare both sides.", 70),
        ("yank", "y", "copy path", "Copy the path that was found (OSC 52, works over SSH).", 0),
    ),
    *_lists(
        "list",
        ("down", "j,down", "down", "Next row.", 0),
        ("up", "k,up", "up", "Row above.", 0),
        ("top", "g,home", "top", "First row.", 0),
        ("bottom", "G,end", "bottom", "Last row.", 0),
        ("half_down", "ctrl+d", "half a page down", "Half a page down.", 0),
        ("half_up", "ctrl+u", "half a page up", "Half a page up.", 0),
        ("page_down", "pagedown,ctrl+f", "page down", "A page down.", 0),
        ("page_up", "pageup", "page up", "A page up.", 0),
        ("mark", "space", "mark", "Mark this row and go on. Verbs act on marked rows, else on this one.", 0),
        ("range", "v", "range", "Mark a range: v, move, v again.", 0),
        ("mark_all", "asterisk", "mark all", "Mark all rows that are shown.", 0),
        ("invert", "i", "invert marks", "Mark what is not marked.", 0),
        ("filter", "slash", "filter", "Keep rows that hold a text; ! first keeps the others.", 80),
        ("show", "f", "show", "Show all, active, or troubled rows in turn.", 0),
        ("order", "o", "order", "Choose the order of rows.", 0),
        ("reverse", "O", "reverse", "Turn the order round.", 0),
        ("detail", "tab", "detail", "Show or hide what is known about the row.", 75),
        ("detail_down", "J", "detail down", "Scroll the detail down.", 0),
        ("detail_up", "K", "detail up", "Scroll the detail up.", 0),
        ("refresh", "R,ctrl+l", "refresh", "Read again and redraw.", 0),
        ("back", "escape", "back", "One step back: range, filter, marks, detail. Never leaves.", 0),
    ),
    *_lists(
        "app",
        ("volumes", "1", "volumes", "Go to the volumes.", 0),
        ("ingest", "2", "ingest", "Go to the ingest queue.", 0),
        ("exports", "3", "exports", "Go to the exports.", 0),
        ("relink", "4", "relink", "Go to the relink candidates.", 0),
        ("previous", "left_square_bracket", "screen before", "Go to the screen before this one.", 0),
        ("next", "right_square_bracket", "next screen", "Go to the next screen.", 0),
        ("help", "question_mark,f1", "help", "The keys of this place; type to find one, enter does it.", 95),
        ("palette", "colon,ctrl+p", "commands", "Everything that can be done, by name.", 0),
        ("engine", "E", "start engine", "Start the engine when there is none.", 0),
        ("quit", "q", "leave", "Leave. The engine goes on with its jobs.", 99),
        ("stop", "Q", "stop engine", "Stop the engine at its checkpoints, then leave.", 0, True),
        ("suspend", "ctrl+z", "suspend", "Back to the shell; fg brings the screen back.", 0),
    ),
)

BY_ID: dict[str, Key] = {key.id: key for key in KEYS}


def of(*scopes: str) -> list[Key]:
    """The keys of these scopes, in the order of the registry."""
    return [key for scope in scopes for key in KEYS if key.scope == scope]


def bindings(*scopes: str) -> list[BindingType]:
    """Textual's bindings for these scopes."""
    return [
        Binding(key.keys, key.action, key.verb, show=False, id=key.id, key_display=key.shown)
        for key in of(*scopes)
    ]


def footer(scopes: Iterable[str]) -> list[Key]:
    """The keys that the footer shows in these scopes, the most needed first."""
    return sorted((key for key in of(*scopes) if key.rank), key=lambda key: key.rank)


def markdown() -> str:
    """The table of all keys for the README."""
    lines = []
    for scope in ("app", "list", "volumes", "ingest", "files", "exports", "relink"):
        lines += [f"**{SCOPES[scope]}**", "", "| key | does |", "|---|---|"]
        lines += [
            f"| {' '.join(f'`{pretty(one)}`' for one in key.keys.split(','))} | {key.text}"
            f"{' Asks first.' if key.danger else ''} |"
            for key in of(scope)
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
