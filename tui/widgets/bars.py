"""The lines that frame every screen: places and library on top, state and keys at the bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from engine.api.rows import Counts, Header
from engine.names import display
from tui import format as fmt
from tui.keys import BY_ID, Key
from tui.looks import Cell, Glyphs, Piece
from tui.widgets.one_line import OneLine

PLACES = (
    ("volumes", "Volumes"),
    ("ingest", "Ingest"),
    ("exports", "Exports"),
    ("relink", "Relink"),
    ("clips", "Clips"),
)
"""The four queues and the clips, in the order of their keys."""


class TopBar(OneLine):
    """The places with what waits there, the library and the machine."""

    def display_header(self, place: str, header: Header | None, glyphs: Glyphs) -> None:
        """Show this header, seen from this place."""
        width = self.size.width
        counts = header.counts if header else Counts()
        for brand, letters in ((" rushes  ", None), ("", None), ("", 3), ("", 0)):
            left = _places(place, counts, glyphs, brand, letters)
            used = sum(fmt.cells(text) for text, _ in left)
            if used <= width:
                break
        right: Cell = ()
        if header is not None:
            library = fmt.path(header.library)
            host = fmt.path(header.host)
            for text in (f"{library} @ {host} ", f"{library} "):
                if used + 2 + fmt.cells(text) <= width:
                    right = ((text, "dim"),)
                    break
        self.show(tuple(left), right)


def _places(place: str, counts: Counts, glyphs: Glyphs, brand: str, letters: int | None) -> list[Piece]:
    """The places with what waits there; ``letters`` cuts the names of those that are not in front."""
    left: list[Piece] = [(brand, "key")]
    for number, (name, title) in enumerate(PLACES, 1):
        tone = "tab" if name == place else ""
        shown = title if letters is None or tone else title[:letters]
        left.append((f" {number} {shown}".rstrip(), tone))
        left += [(f" {text}", tone or colour) for text, colour in _waiting(name, counts, glyphs)]
        left.append((" ", tone))
    return left


def _waiting(place: str, counts: Counts, glyphs: Glyphs) -> list[Piece]:
    found = {
        "volumes": [(counts.volumes_away, glyphs.away, "warn")],
        "ingest": [(counts.jobs_active, glyphs.busy, "busy"), (counts.jobs_failed, glyphs.bad, "bad")],
        "exports": [(counts.exports_active, glyphs.busy, "busy"), (counts.exports_failed, glyphs.bad, "bad")],
        "relink": [(counts.candidates_open, "?", "warn")],
        "clips": [(counts.damaged, glyphs.bad, "bad")],
    }[place]
    return [(f"{glyph}{count if count < 1000 else '999+'}", tone) for count, glyph, tone in found if count]


class StatusLine(OneLine):
    """The engine, and what the list shows."""

    def display_state(
        self,
        header: Header | None,
        problem: str | None,
        parts: Sequence[Piece],
        glyphs: Glyphs,
    ) -> None:
        """Show the engine's state, then ``parts`` about the list."""
        left: list[Piece] = [(" ", "")]
        problem = problem or (header.problem if header else None)
        if problem:
            left.append((f"{glyphs.warn} {fmt.one_line(problem)}", "bad"))
        elif header is None:
            left.append(("reading", "dim"))
        elif header.engine == "running":
            left.append((f"{glyphs.here} engine", "good"))
            if header.jobs_running:
                speed = fmt.rate(header.rate) if header.rate else ""
                left.append((f" {header.jobs_running} running{' ' + speed if speed else ''}", ""))
            else:
                left.append((" idle", "dim"))
        elif header.engine == "starting":
            left.append((f"{glyphs.wait} engine starting", "warn"))
        else:
            key = BY_ID["app.engine"].shown
            left.append((f"{glyphs.away} no engine, jobs wait; {key} starts it", "warn"))
        for text, tone in (*_alarms(header, glyphs), *parts):
            left.append((f" {glyphs.dot} ", "dim"))
            left.append((text, tone))
        self.show(tuple(left))


def _alarms(header: Header | None, glyphs: Glyphs) -> list[Piece]:
    """What everyone should see wherever they are: damaged copies, and notices that were not looked at."""
    if header is None:
        return []
    found: list[Piece] = []
    if header.counts.damaged:
        key = BY_ID["app.damaged"].shown
        found.append((f"{glyphs.bad} {header.counts.damaged:,} damaged ({key})", "bad"))
    if header.counts.notices:
        key = BY_ID["app.notices"].shown
        notices = fmt.plural(header.counts.notices, "notice")
        found.append((f"{notices} ({key})", "warn"))
    return found


class NoteLine(OneLine):
    """What a running demo tells; there only while it does."""

    def display_notes(self, notes: Sequence[str], glyphs: Glyphs) -> None:
        """Show the newest note."""
        self.display = bool(notes)
        if notes:
            self.show(((" demo ", "tab"), (f" {glyphs.busy} ", "busy"), (display(notes[-1]), "strong")))


class KeyLine(OneLine):
    """The keys that matter here; those that cannot act now are grey and keep their place."""

    def display_keys(self, keys: Iterable[Key], works: Callable[[Key], bool], glyphs: Glyphs) -> None:
        """Show as many keys as fit, the most needed first; the help key is always the last."""
        last = ((" ", ""), (BY_ID["app.help"].shown, "key"), (f" all keys{glyphs.ellipsis} ", "dim"))
        room = self.size.width - sum(fmt.cells(text) for text, _ in last) - 1  # a gap before the help key
        pieces: list[Piece] = []
        used = 0
        for key in keys:
            wide = fmt.cells(f" {key.shown} {key.verb} ")
            if used + wide > room:
                break
            used += wide
            able = works(key)
            pieces += [
                (" ", ""),
                (key.shown, "key" if able else "dim"),
                (f" {key.verb} ", "" if able else "dim"),
            ]
        self.show(tuple(pieces), last)
