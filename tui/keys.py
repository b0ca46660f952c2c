"""THE registry of keys: bindings, footer, help, palette and the README's table all come from here.

Rules: letters, digits, arrows, tab, enter, esc, space and a few ctrl keys
only; nothing needs alt or a shifted arrow. A key that costs something asks
first, and the answer "yes" is another key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from tui import key_places

SCOPES = {
    "app": "Everywhere",
    "list": "In every list",
    "volumes": "Volumes",
    "ingest": "Ingest",
    "files": "Files of a job",
    "exports": "Exports",
    "relink": "Relink",
    **key_places.SCOPES,
    "recipes": "Recipes",
    "presets": "Presets",
    "parts": "Parts of presets",
    "form": "In a form",
    "items": "List of clips",
    "picker": "Choosing clips",
}
"""Where a key works, and the heading of that place in the help."""

PRETTY = {
    "question_mark": "?",
    "slash": "/",
    "exclamation_mark": "!",
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
    "plus": "+",
    "minus": "-",
    "left": "←",
    "right": "→",
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
            "Track this volume: it is looked through when it comes, and new footage is offered.",
            30,
        ),
        (
            "untrack",
            "T",
            "untrack",
            "Stop tracking this volume; records are kept, no file is touched.",
            58,
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
            "Go on with what is paused, interrupted, failed or cancelled; finished segments are kept.",
            40,
        ),
        ("cancel", "c", "cancel", "Stop at once. r goes on later with the finished segments.", 50, True),
        ("rerun", "a", "again", "Export once more with the same clips and settings, into a new file.", 55),
        ("delete", "D", "delete", "Delete this run that has ended, and the films that it made.", 57, True),
        ("yank", "y", "copy path", "Copy the path of the finished film (OSC 52, works over SSH).", 60),
        ("recipes", "e", "recipes", "Recipes: make, change, copy, delete them; presets from there.", 25),
        ("earlier", "plus", "earlier", "Move a run that waits for its turn one place up in the queue.", 0),
        ("later", "minus", "later", "Move a run that waits for its turn one place down.", 0),
        ("first", "t", "next in line", "Move a run that waits to the top of the queue.", 0),
        ("urgency", "u", "priority", "Choose the priority: low, normal, high or urgent.", 0),
        ("compare", "m", "compare", "Compare two marked runs side by side: settings, clips, results.", 0),
        ("deliver", "x", "deliver", "Copy or move the finished files to one more folder, verified.", 0),
        ("report", "w", "report", "Write the run's report as CSV, JSON, TXT, HTML and PDF.", 0),
    ),
    *_lists(
        "recipes",
        ("edit", "enter,l,e", "edit", "Change this recipe, field by field, with what it comes to.", 10),
        ("new", "n", "new", "Make a recipe.", 20),
        ("queue", "a", "export", "Queue a run of this recipe, or of the marked ones.", 30),
        ("copy", "d", "copy", "Make a recipe like this one, under another name.", 40),
        ("presets", "P", "presets", "Presets: how films are encoded.", 50),
        ("delete", "D", "delete", "Delete this recipe; its runs and films stay.", 60, True),
        ("write", "w", "to file", "Write this recipe to a file that any rushes reads.", 0),
        ("read", "W", "from file", "Make a recipe from a file.", 0),
        ("editors", "t", "for editors", "Write the timeline for an editing program: OTIO, EDL or FCPXML.", 0),
        ("back", "h", "back", "Back to the runs.", 70),
    ),
    *_lists(
        "presets",
        ("edit", "enter,l,e", "edit", "Change this preset; a system preset is copied.", 10),
        ("new", "n", "new", "Make a preset.", 20),
        ("copy", "d", "copy", "Make a preset like this one, under another name.", 30),
        ("delete", "D", "delete", "Delete this preset; runs keep their own copy of it.", 40, True),
        ("compose", "m", "compose", "Put a preset together from parts, one for each concern.", 50),
        ("parts", "P", "parts", "Parts that presets are put together from: make, change, delete them.", 55),
        ("write", "w", "to file", "Write this preset to a file that any rushes reads.", 0),
        ("read", "W", "from file", "Make a preset from a file.", 0),
        ("back", "h", "back", "Back to the recipes.", 60),
    ),
    *_lists(
        "parts",
        ("edit", "enter,l,e", "edit", "Change this part; one that is always there is copied.", 10),
        ("new", "n", "new", "Make a part.", 20),
        ("copy", "d", "copy", "Make a part like this one, under another name.", 30),
        ("delete", "D", "delete", "Delete this part, unless a preset is put together from it.", 40, True),
        ("back", "h", "back", "Back to the presets.", 60),
    ),
    *_lists(
        "form",
        ("edit", "enter,e", "change", "Change this field.", 10),
        ("turn", "l,right,space", "next choice", "The next choice of this field.", 20),
        ("turn_back", "h,left", "choice before", "The choice before.", 0),
        ("clear", "x,backspace", "default", "Back to the default.", 30),
        ("save", "s", "save", "Store it, unless something is wrong.", 40),
        ("command", "c", "command", "Show the whole ffmpeg command that will run.", 50),
        ("down", "j,down,tab", "down", "Next field; takes over what is being typed.", 0),
        ("up", "k,up", "up", "Field above; takes over what is being typed.", 0),
        ("top", "g,home", "top", "First field.", 0),
        ("bottom", "G,end", "bottom", "Last field.", 0),
        ("outcome_down", "J", "outcome down", "Scroll down in what it comes to.", 0),
        ("outcome_up", "K", "outcome up", "Scroll up in what it comes to.", 0),
        ("back", "escape", "back", "Leave; asks when something would be lost.", 60),
    ),
    *_lists(
        "items",
        ("add", "a,n", "add", "Choose clips and put them at the end of the list.", 10),
        ("points", "enter,l,e", "in and out", "Set where this clip begins and ends, in its own frames.", 20),
        ("earlier", "plus", "earlier", "Move this clip one place towards the beginning.", 30),
        ("later", "minus", "later", "Move this clip one place towards the end.", 40),
        ("remove", "x,D", "take out", "Take this clip, or the marked ones, out of the list.", 50),
        ("take", "s", "done", "Take this list over into the recipe.", 60),
        ("back", "h", "back", "Back to the recipe; a changed list is taken over.", 70),
    ),
    *_lists(
        "picker",
        ("take", "enter,l", "add", "Put the marked clips, or this one, at the end of the list.", 10),
        ("back", "h", "back", "Back to the list.", 20),
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
            "Take back the verdict here, or of the marked rows; else what the newest key decided.",
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
    *(
        key
        for table in (key_places.ENTRIES, key_places.MORE)
        for scope, entries in table.items()
        for key in _lists(scope, *entries)
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
    for scope, name in SCOPES.items():
        lines += [f"**{name}**", "", "| key | does |", "|---|---|"]
        lines += [
            f"| {' '.join(f'`{pretty(one)}`' for one in key.keys.split(','))} | {key.text}"
            f"{' Asks first.' if key.danger else ''} |"
            for key in of(scope)
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
