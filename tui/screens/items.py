"""The explicit list of a recipe: which clips, in which order, from where to where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from engine.api import points
from engine.api.facts import ClipRow
from engine.api.making_rows import ItemLine
from engine.api.rows import Filter, Id, Source
from engine.errors import NotFound, RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import Cell
from tui.screens.cells import no_row
from tui.screens.dialog import Dialog
from tui.screens.inputs import foot
from tui.screens.triage import TriageScreen
from tui.widgets.columns import Column, Context
from tui.widgets.filter_bar import QuietInput
from tui.widgets.line_view import BLANK, Line, LineView, fact, heading, plain
from tui.widgets.one_line import OneLine

Item = dict[str, Any]
Take = Callable[[list[Item] | None], None]


@dataclass(frozen=True)
class _Row:
    """One entry of the list; ``id`` stays with it when it moves."""

    id: int
    place: int
    line: ItemLine

    @property
    def frames(self) -> int | None:
        """Frames between its points; None when the clip's length is not known."""
        end = self.line.out_frame if self.line.out_frame is not None else self.line.frames
        return None if end is None else max(0, end - (self.line.in_frame or 0))


class _Items:
    """The entries as a source of rows; the list is the screen's own, nothing is stored yet."""

    orders = ("film",)

    def __init__(self) -> None:
        self.rows_now: list[_Row] = []

    def ids(self, wanted: Filter) -> Sequence[Id]:
        text = wanted.text.strip().lower()
        negated, text = text.startswith("!"), text.removeprefix("!")
        ids: list[Id] = [
            row.id for row in self.rows_now if not text or (text in (row.line.title or "").lower()) != negated
        ]
        return ids[::-1] if wanted.reverse else ids

    def rows(self, ids: Sequence[Id]) -> Sequence[_Row]:
        by_id = {row.id: row for row in self.rows_now}
        return [by_id[int(row_id)] for row_id in ids if row_id in by_id]

    def detail(self, row_id: Id) -> _Row:
        found = self.rows([row_id])
        if not found:
            raise NotFound("This entry is gone.")
        return found[0]


def _place(row: _Row, context: Context) -> Cell:
    del context
    return ((str(row.place), "dim"),)


def _clip(row: _Row, context: Context) -> Cell:
    if row.line.title is None:
        return ((f"{context.glyphs.bad} not in this library", "bad"),)
    if row.line.state != "online":
        return ((f"{context.glyphs.away} {display(row.line.title)}", "warn"),)
    return ((display(row.line.title), "strong"),)


def _in(row: _Row, context: Context) -> Cell:
    del context
    return ((points.spoken(row.line.in_frame or 0, row.line.fps), "" if row.line.in_frame else "dim"),)


def _out(row: _Row, context: Context) -> Cell:
    del context
    if row.line.out_frame is None:
        return ((points.spoken(row.line.frames, row.line.fps) if row.line.frames else "end", "dim"),)
    return ((points.spoken(row.line.out_frame, row.line.fps), ""),)


def _length(row: _Row, context: Context) -> Cell:
    del context
    return (("-" if row.frames is None else f"{row.frames:,}", ""),)


class ItemsScreen(TriageScreen):
    """The list; hands it back when it is left."""

    PLACE = "exports"
    SCOPE = "items"
    NOUN = "clip"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("items")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("", 4, _place, right=True),
        Column("CLIP", 20, _clip, flex=3),
        Column("IN", 11, _in, right=True),
        Column("OUT", 11, _out, right=True),
        Column("FRAMES", 9, _length, right=True, drop=1),
    )

    def __init__(self, items: Sequence[Mapping[str, Any]], take: Take) -> None:
        """``take`` gets the list when the screen is left."""
        super().__init__()
        self._items: list[tuple[int, Item]] = [(at, dict(item)) for at, item in enumerate(items)]
        self._next = len(self._items)
        self._take = take
        self._source = _Items()

    def on_mount(self) -> None:
        """Look the clips up before the table is filled."""
        self._look()
        super().on_mount()

    def source(self) -> Source[Any, Any]:
        """The entries."""
        return self._source

    def _look(self) -> None:
        lines = self.rushes.desk.making.items([item for _, item in self._items])
        self._source.rows_now = [
            _Row(key, at, line) for at, ((key, _), line) in enumerate(zip(self._items, lines, strict=True), 1)
        ]

    def _show(self) -> None:
        self.rushes.guarded(self._look)
        self.rushes.guarded(self.table.reload)
        self.draw()

    def empty_lines(self) -> Sequence[Cell]:
        """Nothing chosen yet."""
        return (
            (("No clip chosen yet.", "strong"),),
            (),
            (("a", "key"), ("  chooses clips of the library.", "")),
        )

    def extra_parts(self) -> list[tuple[str, str]]:
        """How long all of it is."""
        known = [row for row in self._source.rows_now if row.frames is not None and row.line.fps]
        seconds = sum((row.frames or 0) / (row.line.fps or 1) for row in known)
        return [(fmt.duration(round(seconds * 1000)), "")] if known else []

    def detail_lines(self, detail: _Row) -> list[Line]:
        """One entry."""
        line = detail.line
        if line.title is None:
            return [heading("not in this library"), plain(line.clip_id, "dim")]
        lines = [heading(display(line.title)), fact("Place", str(detail.place))]
        if line.state != "online":
            lines.append(fact("State", str(line.state), "warn"))
        if line.frames is None:
            lines.append(fact("Length", "not known: it could not be looked into", "warn"))
        if line.fps:
            lines.append(fact("Rate", f"{line.fps:g} frames per second"))
        lines.append(fact("In", points.spoken(line.in_frame or 0, line.fps)))
        lines.append(fact("Out", points.spoken(line.out_frame or line.frames, line.fps)))
        if detail.frames is not None:
            lines.append(fact("Frames", f"{detail.frames:,}"))
        return lines

    def why_not(self, verb: str, row: _Row | None) -> str | None:
        """Most verbs need an entry."""
        if row is None and verb not in ("add", "take", "back"):
            return no_row("clip")
        if verb == "earlier" and row is not None and row.place == 1:
            return "It is the first already."
        if verb == "later" and row is not None and row.place == len(self._items):
            return "It is the last already."
        return None

    # -- verbs -----------------------------------------------------------------
    def do_add(self) -> None:
        """Choose clips."""

        def picked(clip_ids: Sequence[str]) -> None:
            for clip_id in clip_ids:
                self._items.append((self._next, {"clip_id": clip_id, "in_frame": None, "out_frame": None}))
                self._next += 1
            self._show()
            self.table.go(self.table.count)

        self.rushes.push_screen(PickerScreen(picked))

    def do_points(self) -> None:
        """Set in and out."""
        row = cast("_Row", self.table.current())

        def set_to(found: tuple[int | None, int | None] | None) -> None:
            if found is not None:
                item = next(item for key, item in self._items if key == row.id)
                item["in_frame"], item["out_frame"] = found
                self._show()

        self.rushes.push_screen(PointsDialog(row.line), set_to)

    def do_earlier(self) -> None:
        """One place up."""
        self._move(-1)

    def do_later(self) -> None:
        """One place down."""
        self._move(1)

    def _move(self, by: int) -> None:
        at = cast("_Row", self.table.current()).place - 1
        self._items.insert(at + by, self._items.pop(at))
        row_id = self._items[at + by][0]
        self._show()
        self.table.go_to(row_id)

    def do_remove(self) -> None:
        """Take entries out."""
        gone = {row.id for row in self.table.chosen()}
        self._items = [entry for entry in self._items if entry[0] not in gone]
        self.table.forget_marks(set(gone))
        self._show()

    def do_take(self) -> None:
        """Hand the list back."""
        self._leave()

    def do_back(self) -> None:
        """Hand the list back."""
        self._leave()

    def step_out(self) -> None:
        """``esc`` with nothing left to undo hands the list back too."""
        self._leave()

    def _leave(self) -> None:
        self.rushes.pop_screen()
        self._take([item for _, item in self._items])


def _state(row: ClipRow, context: Context) -> Cell:
    tone = "" if row.state == "online" else "warn"
    sign = context.glyphs.here if row.state == "online" else context.glyphs.away
    return ((f"{sign} {row.state}", tone),)


def _title(row: ClipRow, context: Context) -> Cell:
    del context
    return ((display(row.title), "strong"), (" fav" if row.favourite else "", "dim"))


def _duration(row: ClipRow, context: Context) -> Cell:
    del context
    return ((fmt.duration(row.duration_ms), ""),)


def _recorded(row: ClipRow, context: Context) -> Cell:
    return ((fmt.moment(row.recorded_at, context.now), "dim"),)


def _tags(row: ClipRow, context: Context) -> Cell:
    del context
    return ((display(", ".join(row.tags)), "dim"),)


class PickerScreen(TriageScreen):
    """All clips of the library, to choose from."""

    PLACE = "exports"
    SCOPE = "picker"
    NOUN = "clip"
    LONG = True
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("picker")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("STATE", 10, _state),
        Column("CLIP", 20, _title, flex=3),
        Column("LENGTH", 7, _duration, right=True),
        Column("RECORDED", 12, _recorded, drop=1),
        Column("TAGS", 12, _tags, flex=1, drop=2),
    )

    def __init__(self, take: Callable[[Sequence[str]], None]) -> None:
        """``take`` gets the ids of the chosen clips."""
        super().__init__()
        self._take = take
        self._clips: Source[Any, Any] | None = None

    def source(self) -> Source[Any, Any]:
        """All clips."""
        if self._clips is None:
            self._clips = self.rushes.desk.making.clips()
        return self._clips

    def extra_parts(self) -> list[tuple[str, str]]:
        """How several are chosen, until some are."""
        return [] if self.table.marks or not self.table.count else [("space marks several", "dim")]

    def empty_lines(self) -> Sequence[Cell]:
        """No clip at all."""
        return (
            (("This library has no clip yet.", "strong"),),
            (),
            (("A card or a folder is taken in on screen 2, with n.", "dim"),),
        )

    def detail_lines(self, detail: Any) -> list[Line]:
        """One clip."""
        row = cast("ClipRow", detail.row)
        lines = [heading(display(row.title)), fact("State", row.state), fact("Kind", row.kind)]
        if row.width:
            lines.append(fact("Picture", f"{row.width}x{row.height}, {row.codec or '-'}"))
        if row.fps:
            lines.append(fact("Rate", f"{row.fps:g} frames per second"))
        lines.append(fact("Length", fmt.duration(row.duration_ms)))
        if row.camera:
            lines.append(fact("Camera", display(row.camera)))
        return lines

    def why_not(self, verb: str, row: ClipRow | None) -> str | None:
        """Adding needs a clip."""
        return no_row("clip") if row is None and verb == "take" else None

    def do_take(self) -> None:
        """Hand the chosen clips over."""
        chosen = [row.clip_id for row in self.table.chosen()]
        self.rushes.pop_screen()
        self._take(chosen)

    def do_back(self) -> None:
        """Back without choosing."""
        self.rushes.pop_screen()

    def step_out(self) -> None:
        """``esc`` with nothing left to undo goes back."""
        self.rushes.pop_screen()


class PointsDialog(Dialog[tuple[int | None, int | None]]):
    """In and out point of one clip. Dismissed with both frames, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,down", "other", "other field", show=False),
        Binding("up", "other", "other field", show=False),
    ]
    AUTO_FOCUS = "#in"

    def __init__(self, line: ItemLine) -> None:
        super().__init__()
        self._line = line

    def compose(self) -> ComposeResult:
        """Two fields and what they come to."""
        with Vertical(classes="box") as box:
            box.border_title = Content(f"In and out of {display(self._line.title or self._line.clip_id)}")
            yield OneLine(id="label-in")
            yield QuietInput(self._text(self._line.in_frame), "its beginning", id="in")
            yield OneLine(id="label-out")
            yield QuietInput(self._text(self._line.out_frame), "its end", id="out")
            yield LineView(id="said")
            yield OneLine(id="foot", classes="foot")

    def _text(self, frame: int | None) -> str:
        return "" if frame is None else points.spoken(frame, self._line.fps)

    def on_mount(self) -> None:
        """Draw."""
        self.query_one("#said").styles.height = "auto"
        self.query_one("#label-in", OneLine).show((("In", "head"), ("  first frame that is shown", "dim")))
        self.query_one("#label-out", OneLine).show((("Out", "head"), ("  first one that is not", "dim")))
        self.query_one("#foot", OneLine).show(
            foot(("enter", "take it"), ("tab", "other field"), ("esc", "back"))
        )
        self._say()

    def _found(self) -> tuple[int | None, int | None]:
        begin, end = self.query_one("#in", QuietInput).value, self.query_one("#out", QuietInput).value
        return points.range_of(begin, end, self._line.fps, self._line.frames)

    def _say(self) -> None:
        try:
            begin, end = self._found()
        except RushesError as error:
            lines = [BLANK, plain(fmt.path(str(error)), "bad")]
        else:
            last = end if end is not None else self._line.frames
            length = "" if last is None else f"{last - (begin or 0):,} frames. "
            lines = [BLANK, plain(f"{length}A frame number, seconds such as 10.5s, or 00:00:10:12.", "dim")]
        self.query_one("#said", LineView).show(lines)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what it comes to."""
        event.stop()
        self._say()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take both, when they go together."""
        event.stop()
        try:
            self.dismiss(self._found())
        except RushesError:
            return  # what is wrong is said below the fields

    def action_other(self) -> None:
        """To the other field."""
        name = "#out" if self.query_one("#in", QuietInput).has_focus else "#in"
        self.query_one(name, QuietInput).focus()
