"""Volumes: which drives, cards and shares there are, what can be read now, and how full they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.facts import ClipScope
from engine.api.rows import Show, Source
from engine.api.volume_rows import VolumeDetail, VolumeRow
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import Cell
from tui.screens import settling
from tui.screens.card import check_card
from tui.screens.cells import no_row
from tui.screens.choose import ChoiceDialog
from tui.screens.inputs import AnswerDialog, WordDialog
from tui.screens.triage import TriageScreen
from tui.screens.volume_cells import CLASS_WORDS, COLUMNS, not_here, state, used
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading, plain

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "grey")
"""Colours that a volume can have; the catalogue refuses others."""


class VolumesScreen(TriageScreen):
    """All volumes."""

    PLACE = "volumes"
    SCOPE = "volumes"
    NOUN = "volume"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "online", "failed": "not online"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("volumes")
    COLUMNS: ClassVar[tuple[Column, ...]] = COLUMNS

    def source(self) -> Source[Any, Any]:
        """All volumes."""
        return self.rushes.desk.volumes()

    def empty_lines(self) -> Sequence[Cell]:
        """No volume was met yet."""
        return (
            (("No volume yet.", "strong"),),
            (),
            (("Drives, cards and shares show up here by themselves when they are mounted.", ""),),
            (
                ("To begin:  ", "dim"),
                ("2", "key"),
                (" then ", "dim"),
                ("n", "key"),
                (" takes a card in.", "dim"),
            ),
            (("No drive at hand?  ", "dim"), ("rushes demo", "key"), (" shows a whole day on set.", "dim")),
        )

    def detail_lines(self, detail: VolumeDetail) -> list[Line]:
        """The evidence a volume is known by, and what happened to it."""
        row, now = detail.row, self.rushes.pace.now()
        state_cell = state(row, Context(self.rushes.glyphs, now, 20))
        lines = [heading(display(row.name)), fact("State", *state_cell[0])]
        if row.state == "offline":
            lines.append(plain("Its clips are kept here and come back with it.", "dim"))
        elif row.state == "not_responding":
            lines.append(plain("It is mounted and does not answer. No job starts on it.", "warn"))
        elif row.state == "conflict":
            lines.append(
                plain("Another drive may claim its identity. Nothing is attached to it; S settles it.", "bad")
            )
        elif detail.other_disk:
            lines.append(
                plain("Another disk than before: an enclosure, or a clone? S tells a clone apart.", "warn")
            )
        flags = [
            word
            for yes, word in (
                (row.read_only, "read-only"),
                (row.is_network, "network"),
                (row.is_removable, "removable"),
                (detail.rotational, "spinning"),
                (detail.rotational is False, "solid state"),
                (row.tracked, "tracked"),
                (row.kind == "stand_in", "a folder stood in for a volume"),
            )
            if yes
        ]
        unknown = [
            word
            for answer, word in (
                (row.is_network, "network"),
                (row.is_removable, "removable"),
                (detail.rotational, "spinning"),
            )
            if answer is None
        ]
        lines += [
            fact("Class", CLASS_WORDS.get(row.volume_class, row.volume_class)),
            fact("File system", row.fs_type or "-"),
            *self._shown(detail),
            *([fact("", ", ".join(flags))] if flags else []),
            *([fact("Unknown", f"whether {' or '.join(unknown)}")] if unknown else []),
            fact("Mounted at" if row.state != "offline" else "Was at", fmt.path(row.mount_point)),
            fact("Space", f"{fmt.size(row.free_bytes)} free of {fmt.size(row.size_bytes)}"),
            *self._more(row),
            fact("Last seen", fmt.moment(row.last_seen_at, now)),
            BLANK,
            heading("Holds"),
            fact("Clips", fmt.number(row.clips)),
            fact("Copies", f"{fmt.number(detail.copies)}, {fmt.size(detail.copies_bytes)}"),
        ]
        if detail.missing:
            lines.append(
                fact("Missing", f"{fmt.plural(detail.missing, 'file')}; 4 then n looks for them", "warn")
            )
        if detail.damaged:
            lines.append(fact("Damaged", f"{fmt.plural(detail.damaged, 'file')}; ! lists them", "bad"))
        known = [
            ("UUID", detail.fs_uuid),
            ("Label", detail.label),
            ("Partition", detail.part_uuid),
            ("Share", detail.share),
            ("Serial", detail.serial),
            ("WWN", detail.wwn),
            ("Model", detail.model),
            ("Marker", detail.marker_id),
        ]
        if any(value for _, value in known):
            lines += [BLANK, heading("Known by")]
            lines += [fact(label, display(value)) for label, value in known if value]
        if detail.mounted:
            lines += [BLANK, heading("Mounted as")]
            lines += [fact(fmt.path(source), options) for source, options in detail.mounted]
        if detail.events:
            lines += [BLANK, heading("History")]
            for event in detail.events:
                at = fmt.moment(event.at, now)
                lines.append(Line(((f"{at}  ", "dim"), (event.text, "")), indent=fmt.cells(at) + 2))
        return lines

    def _shown(self, detail: VolumeDetail) -> list[Line]:
        """What a pool shows lies on other volumes."""
        if detail.shows_files_of is None:
            return []
        named = ", ".join(detail.shows_files_of)
        return [
            fact("Shows", f"files of {named or 'other disks; it does not say of which'}"),
            fact("", "A file counts once, here and there."),
        ]

    def _more(self, row: VolumeRow) -> list[Line]:
        """Space, speed, colour, and what is new there: only what there is to say."""
        glyphs, now = self.rushes.glyphs, self.rushes.pace.now()
        lines = []
        share = used(row)
        if share is not None:
            full, rest = fmt.bar(share, 16, glyphs.full, glyphs.rest)
            tone = "bad" if row.low_space else "warn" if share >= 0.85 else "busy"
            percent = (f" {fmt.percent(share)} used", "")
            lines.append(Line(((f"{'':<12}", ""), (full, tone), (rest, "rest"), percent), indent=12))
        if row.low_space:
            lines.append(fact("", f"{glyphs.warn} low on space", "bad"))
        if row.write_rate or row.read_rate:
            read = fmt.rate(row.read_rate) or "not measured"
            at = f" ({fmt.moment(row.speed_at, now)})" if row.speed_at else ""
            lines.append(fact("Speed", f"writes {fmt.rate(row.write_rate)}, reads {read}{at}"))
        if row.colour:
            lines.append(Line(((f"{'Colour':<12}", "dim"), ("■ ", f"colour-{row.colour}"), (row.colour, ""))))
        if row.new_files:
            below = f" below {row.new_files_in}" if row.new_files_in else ""
            lines.append(
                fact("New", f"{fmt.plural(row.new_files, 'file')}{below} never taken in; a shows them", "key")
            )
        return lines

    def why_not(self, verb: str, row: VolumeRow | None) -> str | None:
        """Verbs need a volume; some need it to be there."""
        if verb == "offers":
            return None
        if row is None:
            return no_row("volume")
        if verb in ("clips", "only") and not row.clips:
            return f"{display(row.name)} holds no clip."
        if verb == "track" and row.tracked:
            return f"{display(row.name)} is tracked already."
        if verb == "track" and row.state != "online":
            return not_here(row)
        if verb == "untrack" and not row.tracked:
            return f"{display(row.name)} is not tracked."
        if verb in ("scan", "check", "sweep", "eject", "measure", "mark") and (
            row.state != "online" or row.mount_point is None
        ):
            return not_here(row)
        if verb == "check" and row.volume_class in ("system", "pool", "network"):
            return f"{display(row.name)} is no card and no drive that one formats."
        if verb == "eject" and row.volume_class in ("system", "virtual"):
            return f"{display(row.name)} is part of this system and is not ejected."
        if verb in ("measure", "mark") and (row.read_only or row.volume_class == "card"):
            why = "a camera card" if row.volume_class == "card" else "read-only"
            return f"{display(row.name)} is {why}, and this would have to write there."
        return None

    def do_open(self) -> None:
        """Show the detail."""
        if not self.detail_shown:
            self.list_detail()
        else:
            self.detail.scroll_to(y=0, animate=False)
            self.rushes.tell("All that is known is shown beside the list; J and K scroll it.")

    def do_track(self) -> None:
        """Track."""
        desk = self.rushes.desk
        rows = [row for row in self.table.chosen() if not row.tracked]
        self.on_each(
            rows,
            lambda row: desk.volume(row.volume_id, "track"),
            "tracked",
            after=lambda did: self.rushes.tell(f"{fmt.plural(len(did), 'volume')} tracked.") if did else None,
        )

    def do_untrack(self) -> None:
        """Stop tracking, after a question."""
        rows = [row for row in self.table.chosen() if row.tracked]
        desk = self.rushes.desk
        clips = sum(row.clips for row in rows)
        what = display(rows[0].name) if len(rows) == 1 else f"{len(rows)} volumes"

        def answered(yes: bool | None) -> None:
            if yes:
                self.on_each(rows, lambda row: desk.volume(row.volume_id, "untrack"), "no longer tracked")

        self.rushes.ask(
            f"Stop tracking {what}?",
            f"{fmt.plural(clips, 'clip')} with a copy there stay in the catalogue; no file is touched.",
            "stop tracking",
            "keep tracking",
            answered,
        )

    def do_rename(self) -> None:
        """Ask for a name."""
        row = cast("VolumeRow", self.table.current())
        desk = self.rushes.desk

        def named(name: str | None) -> None:
            if name is not None and name != row.name:
                self.on_each([row], lambda one: desk.volume(one.volume_id, "rename", name=name), "renamed")

        self.rushes.push_screen(WordDialog(f"Name of {display(row.name)}", row.name), named)

    def do_favourite(self) -> None:
        """On top, or back."""
        desk = self.rushes.desk
        self.on_each(
            self.table.chosen(),
            lambda row: desk.volume(row.volume_id, "unfavourite" if row.favourite else "favourite"),
            "changed",
        )

    def do_scan(self) -> None:
        """Look on the volume for files of clips that are away."""
        desk = self.rushes.desk
        rows = [row for row in self.table.chosen() if row.state == "online" and row.mount_point]
        self.on_each(
            rows,
            lambda row: desk.scan(row.mount_point),
            "scans queued",
            after=lambda did: (
                self.rushes.tell("Looking there; what is found waits on the relink screen (4).")
                if did
                else None
            ),
        )

    def do_sweep(self) -> None:
        """Queue a look through the volume."""
        desk = self.rushes.desk
        self.on_each(
            [row for row in self.table.chosen() if row.state == "online"],
            lambda row: desk.sweep(row.volume_id),
            "looks queued",
            after=lambda did: (
                self.rushes.tell("Looking through it; what it finds is told in the history here.")
                if len(did) == 1
                else None
            ),
            slow=True,
        )

    def do_eject(self) -> None:
        """Say who holds the volume, or ask, then unmount."""
        row = cast("VolumeRow", self.table.current())
        rushes, name = self.rushes, display(row.name)

        def answered(yes: bool | None) -> None:
            if yes:
                rushes.tell(f"Flushing and unmounting {name}.")
                self.on_each(
                    [row],
                    lambda one: rushes.desk.eject(one.volume_id),
                    "ejected",
                    after=lambda did: rushes.tell(f"{name} can be taken off now.") if did else None,
                    slow=True,
                )

        def looked(holders: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "error")
            elif holders:
                lines = [Line(((display(holder), ""),), indent=2) for holder in holders]
                lines += [BLANK, plain("Close what holds it, then x ejects it.", "dim")]
                rushes.push_screen(
                    AnswerDialog(f"{name} is held and cannot be ejected now", lines, danger=True)
                )
            else:
                rushes.ask(
                    f"Eject {name}?",
                    "Nobody is known to hold it. What was written is flushed first; its clips are away then.",
                    "eject it",
                    "keep it mounted",
                    answered,
                )

        rushes.read_then(lambda: rushes.desk.held_by(row.volume_id), looked)

    def do_measure(self) -> None:
        """Queue a measurement, after a question."""
        row = cast("VolumeRow", self.table.current())
        desk = self.rushes.desk

        def answered(yes: bool | None) -> None:
            if yes:
                self.on_each(
                    [row],
                    lambda one: desk.measure(one.volume_id),
                    "measurements queued",
                    after=lambda did: (
                        self.rushes.tell("Measuring; the speed is told in the history here.") if did else None
                    ),
                    slow=True,
                )

        self.rushes.ask(
            f"Measure the speed of {display(row.name)}?",
            "A file of our own is written there, read back and removed. Other jobs on it wait.",
            "measure it",
            "leave it alone",
            answered,
        )

    def do_offers(self) -> None:
        """What is new on this volume, or on all when it offers nothing."""
        from tui.screens.drive_lists import OffersScreen

        row = cast("VolumeRow | None", self.table.current())
        self.rushes.push_screen(OffersScreen(row.volume_id if row is not None and row.new_files else None))

    def do_clips(self) -> None:
        """Clips on this volume."""
        row = cast("VolumeRow", self.table.current())
        self.rushes.show_clips(ClipScope(volume_id=row.volume_id), row.name)

    def do_only(self) -> None:
        """Clips only on this volume."""
        row = cast("VolumeRow", self.table.current())
        self.rushes.show_clips(ClipScope(volume_id=row.volume_id, only=True), row.name)

    def do_past(self) -> None:
        """What happened to its drive."""
        from tui.screens.drive_lists import PastScreen

        row = cast("VolumeRow", self.table.current())
        self.rushes.push_screen(PastScreen(row.volume_id, row.name))

    def do_colour(self) -> None:
        """Choose a colour."""
        rows = cast("list[VolumeRow]", self.table.chosen())
        drives = self.rushes.desk.drives

        def chosen(colour: str | None) -> None:
            if colour is not None:
                self.on_each(rows, lambda row: drives.colour(row.volume_id, colour or None), "coloured")

        choices = [("", "none"), *((name, name) for name in COLOURS)]
        now = rows[0].colour or ""
        self.rushes.push_screen(ChoiceDialog("Colour", choices, now, self.rushes.glyphs), chosen)

    def do_mark(self) -> None:
        """Write the marker file, after a question."""
        row = cast("VolumeRow", self.table.current())
        desk, name = self.rushes.desk, display(row.name)

        def answered(yes: bool | None) -> None:
            if yes:
                self.on_each(
                    [row],
                    lambda one: desk.volume(one.volume_id, "mark"),
                    "marked",
                    after=lambda did: self.rushes.tell(f"{name} is marked.") if did else None,
                    slow=True,
                )

        self.rushes.ask(
            f"Write a marker to {name}?",
            "The file .rushes-volume goes into its root, and tells it from its clones from now on. "
            "Nothing else is written.",
            "write it",
            "leave it as it is",
            answered,
        )

    def do_settle(self) -> None:
        """Ask which of two that claim one identity is which, or take that back."""
        settling.settle_or_back(self, cast("VolumeRow", self.table.current()))

    def do_check(self) -> None:
        """Is the card safe to format?"""
        row = cast("VolumeRow", self.table.current())
        check_card(self, display(row.name), cast("str", row.mount_point))
