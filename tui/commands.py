"""The entries of the lists that say what can be done: the keys of a place, and every command by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui import keys
from tui.looks import ASCII, UNICODE
from tui.screens.finder import Entry
from tui.themes import CHOICES

if TYPE_CHECKING:
    from tui.app import RushesApp
    from tui.screens.keyed import KeyedScreen
    from tui.screens.triage import TriageScreen

MOVES_NAMED = ("list.show", "list.order", "list.reverse")
"""Keys of lists that are commands though no bar shows them; the others only move."""


_ARROWS = str.maketrans({"↑": "up", "↓": "down", "←": "left", "→": "right"})


def of_keys(app: RushesApp, front: TriageScreen | KeyedScreen[Any]) -> list[Entry]:
    """Every key that acts on the screen in front, as the help shows it."""
    return [
        Entry(
            heading=keys.SCOPES[key.scope],
            keys=key.all_shown.translate(_ARROWS) if app.glyphs is ASCII else key.all_shown,
            text=key.text + (" Asks first." if key.danger else ""),
            able=front.reason(key.id) is None,
            run=lambda key=key: front.action_key(key.id),  # type: ignore[misc]  # bound now, not later
            also=key.verb,
        )
        for key in front.commands()
    ]


def by_name(app: RushesApp, front: TriageScreen | KeyedScreen[Any]) -> list[Entry]:
    """Every command by its name, then the looks."""
    entries = [
        Entry(
            heading=keys.SCOPES[key.scope],
            keys=key.shown,
            text=f"{key.verb}: {key.text}",
            able=front.reason(key.id) is None,
            run=lambda key=key: front.action_key(key.id),  # type: ignore[misc]  # bound now, not later
        )
        for key in front.commands()
        if key.scope != "list" or key.rank or key.id in MOVES_NAMED
    ]
    entries += [
        Entry(
            "Looks",
            "",
            f"theme: {name}",
            able=name != app.theme,
            run=lambda name=name: setattr(app, "theme", name),  # type: ignore[misc]  # bound now
        )
        for name in CHOICES
    ]
    other = ASCII if app.glyphs.name == "unicode" else UNICODE
    entries.append(Entry("Looks", "", f"signs: {other.name}", able=True, run=lambda: app.use_glyphs(other)))
    return entries
