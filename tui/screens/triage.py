"""The base of the screens: a table, the detail of a row, a filter, verbs on marked rows or the cursor's."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget

from engine.api.rows import Filter, Id, Show, Source
from engine.errors import RushesError
from tui import format as fmt
from tui import keys
from tui.feed import HeaderChanged, Looked
from tui.keys import BY_ID, Key
from tui.looks import Cell, Piece
from tui.screens.choose import ChoiceDialog
from tui.screens.list_keys import ListKeys
from tui.widgets.bars import KeyLine, NoteLine, StatusLine, TopBar
from tui.widgets.columns import Column
from tui.widgets.filter_bar import LONG_LIST, FilterBar
from tui.widgets.line_view import Line, LineView
from tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from tui.app import RushesApp

WIDE = 110
"""From this many columns on the detail is shown without being asked for."""

TALL = 30
"""A detail below the table needs this many lines to be shown without being asked for."""

SHOWS: tuple[Show, ...] = ("all", "active", "failed")


class TriageScreen(ListKeys):
    """One queue. Subclasses say what its rows look like and what can be done with them.

    ``LONG`` queues are read beside the event loop: their source's ``ids`` may be called in any thread.
    """

    PLACE: ClassVar[str]
    SCOPE: ClassVar[str]
    COLUMNS: ClassVar[tuple[Column, ...]]
    NOUN: ClassVar[str]
    NOUNS: ClassVar[str | None] = None
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "active", "failed": "failed"}
    FILTER_HINT: ClassVar[str] = "text to keep, !text to hide"
    DETAIL_BELOW: ClassVar[bool] = False
    LONG: ClassVar[bool] = False
    AUTO_FOCUS = "RowTable"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("list")

    def __init__(self) -> None:
        super().__init__()
        self._detail_wish: bool | None = None
        self._detail_at = float("-inf")
        self._notes: Sequence[str] = ()

    # -- what a subclass says ------------------------------------------------
    def source(self) -> Source[Any, Any]:
        """Where the rows come from."""
        raise NotImplementedError

    def detail_lines(self, detail: Any) -> list[Line]:
        """What is shown of one row beside the table."""
        raise NotImplementedError

    def empty_lines(self) -> Sequence[Cell]:
        """What to do first, shown when there is nothing at all."""
        raise NotImplementedError

    def group_of(self) -> Callable[[Any], Hashable] | None:
        """What rows of one group have in common; None when rows stand alone."""
        return None

    def why_not(self, verb: str, row: Any | None) -> str | None:
        """Why a verb of this screen's own cannot act on ``row`` now, or None when it can."""
        raise NotImplementedError

    def pictures(self) -> Sequence[Widget]:
        """What is shown above the detail, or beside it where that is below the table."""
        return ()

    def extra_parts(self) -> list[Piece]:
        """More about the list for the status line."""
        return []

    # -- frame ---------------------------------------------------------------
    @property
    def rushes(self) -> RushesApp:
        """The app, by its own type."""
        return cast("RushesApp", self.app)

    @property
    def filter_bar(self) -> FilterBar:
        """The filter line."""
        return self.query_one(FilterBar)

    def compose(self) -> ComposeResult:
        """Places, filter, table and detail, state, keys."""
        yield TopBar(id="top")
        yield FilterBar(self.rushes.pace.filter_seconds, self.FILTER_HINT)
        with Container(id="body", classes="-below" if self.DETAIL_BELOW else ""):
            yield RowTable(
                self.COLUMNS,
                glyphs=self.rushes.glyphs,
                now=self.rushes.pace.now,
                empty=self._empty,
                monotonic=self.rushes.pace.monotonic,
                group=self.group_of(),
                beside=lambda work, done: self.rushes.runner.submit(work, done, slow=True),
                slow=self.LONG,
                id="table",
            )
            with Container(id="side"):
                pictures = self.pictures()
                if pictures:
                    yield Vertical(*pictures, id="pictures")
                yield LineView(id="detail")
        yield NoteLine(id="note")
        yield StatusLine(id="state")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Fill the table."""
        self._read(lambda: self.table.read_from(self.source()))

    def on_screen_resume(self) -> None:
        """Show what happened while another screen was in front."""
        self._read(self.table.reload)
        self.draw()

    def on_resize(self) -> None:
        """Decide anew whether the detail has room."""
        self._place_detail()
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Draw everything around the table; what looks the same is not sent."""
        app = self.rushes
        if self.table.glyphs is not app.glyphs:
            self.table.set_glyphs(app.glyphs)
        header = app.feed.header
        self.query_one("#top", TopBar).display_header(self.PLACE, header, app.glyphs)
        self.query_one("#state", StatusLine).display_state(
            header, app.feed.problem, self._list_parts(), app.glyphs
        )
        self._notes = app.demo_notes()
        self.query_one(NoteLine).display_notes(self._notes, app.glyphs)
        self.query_one("#keys", KeyLine).display_keys(
            keys.footer((self.SCOPE, "list", "app")), lambda key: self.reason(key.id) is None, app.glyphs
        )
        if self.filter_bar.is_open:
            total = fmt.plural(self.table.count, self.NOUN, self.NOUNS)
            fits = "fits" if self.table.count == 1 else "fit"
            self.filter_bar.count(((f"{total} {fits}", "dim"),))
            self.filter_bar.long_list = self.table.count > LONG_LIST

    def _list_parts(self) -> list[Piece]:
        table = self.table
        parts: list[Piece] = [(fmt.plural(table.count, self.NOUN, self.NOUNS), "")]
        if table.reading:
            parts.append(("reading", "busy"))
        if table.note:
            parts.append((table.note, "warn"))
        if table.filter.show != "all":
            parts.append((f"only {self.SHOW_WORDS[table.filter.show]}", "warn"))
        if table.marks:
            shown = len(table.shown_marks())
            hidden = len(table.marks) - shown
            parts.append((f"{shown:,} marked" + (f" ({hidden:,} hidden)" if hidden else ""), "strong"))
        if table.ranging:
            parts.append(("range: move, v ends", "busy"))
        order = table.filter.order or self.source().orders[0]
        arrow = self.rushes.glyphs.down if table.filter.reverse else self.rushes.glyphs.up
        return [*parts, *self.extra_parts(), (f"by {order} {arrow}", "dim")]

    def _empty(self, wanted: Filter) -> Sequence[Cell]:
        if self.table.reading:
            return ((("reading", "dim"),),)
        if wanted.text:
            return ((("Nothing holds that text.", ""),), (("esc", "key"), (" shows all again", "dim")))
        if wanted.show != "all":
            word = self.SHOW_WORDS[wanted.show]
            return (((f"No {self.NOUN} is {word}.", ""),), (("f", "key"), (" shows the others", "dim")))
        return self.empty_lines()

    # -- detail --------------------------------------------------------------
    def _place_detail(self) -> None:
        size = self.size
        roomy = size.width >= WIDE and (not self.DETAIL_BELOW or size.height >= TALL)
        shown = roomy if self._detail_wish is None else self._detail_wish
        body = self.query_one("#body")
        body.set_class(shown, "-detail")
        # Where both do not fit beside each other, the detail goes below the table.
        body.set_class(self.DETAIL_BELOW or size.width < WIDE, "-below")
        if shown:
            self._show_detail()

    @property
    def detail_shown(self) -> bool:
        """Whether the detail pane is there."""
        return self.query_one("#body").has_class("-detail")

    def _show_detail(self, *, top: bool = False) -> None:
        if not self.detail_shown:
            return
        self._detail_at = self.rushes.pace.monotonic()
        row_id = self.table.cursor_id
        if row_id is None:
            self.detail.show(())
            return
        try:
            lines = self.detail_lines(self.source().detail(row_id))
        except RushesError as error:
            lines = [Line(((str(error), "warn"),))]
        self.detail.show(lines, top=top)

    # -- what the feed tells ---------------------------------------------------
    @on(HeaderChanged)
    def _header_changed(self, event: HeaderChanged) -> None:
        event.stop()
        self.rushes.ends.look(event.header)
        self.rushes.bulletin.look(event.header, self.rushes.feed.problem or event.header.problem)
        self.draw()

    @on(Looked)
    def _looked(self, event: Looked) -> None:
        event.stop()
        self._read(lambda: self.table.poll(event.changed))
        if event.changed or self.rushes.demo_notes() != self._notes:
            if not event.calm or self.rushes.pace.monotonic() - self._detail_at >= 1.0:
                self._read(self._show_detail)
            self.draw()

    @on(RowTable.CursorMoved)
    def _cursor_moved(self, event: RowTable.CursorMoved) -> None:
        event.stop()
        self._read(lambda: self._show_detail(top=True))
        self.draw()

    @on(RowTable.Changed)
    def _table_changed(self, event: RowTable.Changed) -> None:
        event.stop()
        self.draw()

    @on(FilterBar.Wanted)
    def _filter_wanted(self, event: FilterBar.Wanted) -> None:
        event.stop()
        self._read(lambda: self.table.wish(text=event.text))
        self.draw()

    @on(FilterBar.Closed)
    def _filter_closed(self, event: FilterBar.Closed) -> None:
        event.stop()
        if not self.table.filter.text:
            self.filter_bar.close()
        self.table.focus()

    def _read(self, work: Callable[[], object]) -> None:
        """Do a read; a library that cannot be read becomes a line on the screen."""
        self.rushes.guarded(work)

    # -- keys ------------------------------------------------------------------
    def reason(self, key_id: str) -> str | None:
        """Why a key cannot act now, or None when it can."""
        scope, verb = key_id.split(".")
        if scope == self.SCOPE:
            return self.why_not(verb, self.table.current())
        if scope == "app":
            return self.rushes.reason(key_id)
        if not self.table.count and verb in ("mark", "range", "mark_all", "invert"):
            return f"There is no {self.NOUN} to mark."
        return None

    def action_key(self, key_id: str) -> None:
        """A key of the registry was pressed, or chosen in the help or the palette."""
        key = BY_ID[key_id]
        if key.scope == "app":
            self.rushes.action_key(key_id)
            return
        why = self.reason(key_id)
        if why is not None:
            self.rushes.tell(why, "warning")
            return
        verb = key_id.split(".")[1]
        handler = getattr(self, f"do_{verb}", None) if key.scope == self.SCOPE else None
        if handler is None:
            handler = getattr(self, f"list_{verb}")
        try:
            handler()
        except RushesError as error:  # what the row stands for may have gone a moment ago
            self.rushes.tell(str(error), "error")

    def commands(self) -> list[Key]:
        """All keys of this place, its own first."""
        return keys.of(self.SCOPE, "list", "app")

    def list_filter(self) -> None:
        """Type a filter."""
        self.filter_bar.open()
        self.draw()

    def list_show(self) -> None:
        """All, active, troubled rows in turn."""
        at = SHOWS.index(self.table.filter.show)
        self._read(lambda: self.table.wish(show=SHOWS[(at + 1) % len(SHOWS)]))
        self.draw()

    def list_order(self) -> None:
        """Choose the order."""
        orders = self.source().orders
        now = self.table.filter.order or orders[0]

        def chosen(order: str | None) -> None:
            if order is not None:
                self._read(lambda: self.table.wish(order=order))
                self.draw()

        self.rushes.push_screen(
            ChoiceDialog("Order by", [(order, order) for order in orders], now, self.rushes.glyphs), chosen
        )

    def list_reverse(self) -> None:
        """Turn the order round."""
        self._read(lambda: self.table.wish(reverse=not self.table.filter.reverse))
        self.draw()

    def list_detail(self) -> None:
        """Show or hide the detail."""
        self._detail_wish = not self.detail_shown
        self._place_detail()

    def list_refresh(self) -> None:
        """Read again and redraw."""
        self.rushes.feed.poll()
        self._read(self.table.reload)
        self.refresh(repaint=True, layout=True)
        self.rushes.tell("Read again.")

    def list_back(self) -> None:
        """One step back; never leaves."""
        table = self.table
        if self.filter_bar.typing or table.filter.text:
            self.filter_bar.close()
            self._read(lambda: table.wish(text=""))
            table.focus()
        elif table.ranging:
            table.toggle_range()
        elif table.marks:
            table.clear_marks()
        elif table.filter.show != "all":
            self._read(lambda: table.wish(show="all"))
        elif self._detail_wish:
            self._detail_wish = None
            self._place_detail()
        else:
            self.step_out()
        self.draw()

    def step_out(self) -> None:
        """What ``esc`` does when there is nothing left to undo here."""
        key = BY_ID["app.quit"].shown
        self.rushes.tell(f"Nothing to go back to; {key} leaves.")

    # -- verbs on rows -----------------------------------------------------------
    def on_each(
        self,
        rows: Sequence[Any],
        work: Callable[[Any], object],
        done: str,
        *,
        after: Callable[[list[Id]], None] | None = None,
        slow: bool = False,
    ) -> None:
        """Do ``work`` for each row, outside the event loop, and tell how it went.

        Args:
            rows: what to act on.
            work: the verb; raises RushesError for a row that cannot.
            done: what happened, e.g. ``pausing``; follows the number of rows.
            after: called with the ids of the rows that were acted on.
            slow: whether it may take seconds and must not hold up other verbs.
        """
        if self.table.ranging:  # a verb ends the range that it acts on
            self.table.toggle_range()

        def all_of_them() -> tuple[list[Id], list[str]]:
            did: list[Id] = []
            refused: list[str] = []
            for row in rows:
                try:
                    work(row)
                    did.append(row.id)
                except RushesError as error:
                    refused.append(str(error))
            return did, refused

        def finished(result: Any, error: RushesError | None) -> None:
            if error is not None:
                self.rushes.tell(str(error), "error")
                return
            did, refused = cast("tuple[list[Id], list[str]]", result)
            self.table.forget_marks(set(did))
            if refused:
                reasons = list(dict.fromkeys(refused))
                more = f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else ""
                head = f"{len(did)} {done}, {len(refused)} not: " if len(rows) > 1 else ""
                self.rushes.tell(f"{head}{reasons[0]}{more}", "warning")
            elif len(did) > 1:
                self.rushes.tell(f"{len(did)} {done}.")
            self.rushes.feed.poll()
            if after is not None:
                after(did)

        self.rushes.runner.submit(all_of_them, finished, slow=slow)
