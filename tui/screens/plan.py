"""The plan of an ingest before it is queued: what it would do, live, under what can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Input

from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui.desks import Intake
from tui.looks import Glyphs
from tui.screens.dialog import Dialog
from tui.screens.inputs import foot
from tui.widgets.filter_bar import QuietInput
from tui.widgets.line_view import Line, LineView, plain
from tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from engine.api.ingests import Options

TOKENS = "{project} {date} {camera} {reel} {card} {counter} {original} {blake3}"
"""What a template may hold."""


WIDEST = 110
"""Columns of the dialog at most; see the style of its box."""


@dataclass(frozen=True)
class Field:
    """One thing that can be chosen: values with their words, or text when there are none."""

    name: str
    label: str
    choices: tuple[tuple[Any, str], ...] = ()


FIELDS = (
    Field(
        "layout",
        "Layout",
        (("tree", "keep the tree of the card"), ("template", "by the template"), ("content", "by content")),
    ),
    Field("template", "Template"),
    Field("then", "Second stage"),
    Field("duplicates", "Known files", (("skip", "are skipped"), ("copy", "are copied again"))),
    Field("verify_source", "Source", ((False, "is read once"), (True, "is read twice and compared"))),
    Field("hash_lists", "ASC MHL", ((False, "none"), (True, "begun or continued at every destination"))),
    Field(
        "checksums",
        "Checksums",
        (
            ((), "BLAKE3 and xxh128"),
            (("md5",), "and MD5"),
            (("sha1",), "and SHA-1"),
            (("c4",), "and C4"),
            (("md5", "sha1", "c4"), "and MD5, SHA-1, C4"),
        ),
    ),
    Field("thumbnails", "Pictures", ((True, "one of every clip"), (False, "none"))),
    Field(
        "priority",
        "Priority",
        (("low", "low"), ("normal", "normal"), ("high", "high"), ("urgent", "urgent")),
    ),
    Field("name", "Name"),
)
"""What can be chosen, in the order of the list; names are those of :class:`engine.api.ingests.Options`."""


class PlanDialog(Dialog[str]):
    """Dismissed with the id of the job that was queued, or None to correct the folders."""

    DEFAULT_CSS = """
    PlanDialog #edit { display: none; }
    PlanDialog #edit.-shown { display: block; }
    PlanDialog #plan { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j,tab", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("space,right,l", "turn(1)", "change", show=False),
        Binding("left,h", "turn(-1)", "change back", show=False),
        Binding("e", "edit", "type", show=False),
        Binding("enter,ctrl+n", "start", "queue", show=False),
        Binding("J,pagedown,ctrl+d", "scroll(6)", "plan down", show=False),
        Binding("K,pageup,ctrl+u", "scroll(-6)", "plan up", show=False),
    ]
    AUTO_FOCUS = ""

    def __init__(self, intake: Intake, sources: Sequence[str], destinations: Sequence[str]) -> None:
        super().__init__()
        from engine.api.ingests import Options  # brings half of an ingest: not before the first picture

        self._intake = intake
        self._sources, self._destinations = list(sources), list(destinations)
        self._options: Options = Options()
        self._at = 0
        self._plan: dict[str, Any] | None = None
        self._refusal: str | None = None
        self._asked = 0
        self._looking = False
        self._queueing = False
        self._start_wanted = False
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """What can be chosen, the field for text, the plan."""
        with Vertical(classes="box -wide") as box:
            box.border_title = "Plan of the ingest"
            yield LineView(id="fields")
            yield QuietInput(id="edit")
            yield LineView(id="plan")
            yield OneLine(id="foot", classes="foot")

    def on_mount(self) -> None:
        """Draw, and ask for the plan."""
        self.query_one("#fields", LineView).styles.height = "auto"
        self._place()
        self._ask_plan()

    def on_resize(self) -> None:
        """The plan has what the fields leave."""
        self._place()

    def _place(self) -> None:
        room = self.app.size.height - len(FIELDS) - 8
        self.query_one("#plan", LineView).styles.height = max(3, min(18, room))

    # -- the plan --------------------------------------------------------------
    def _ask_plan(self) -> None:
        self._asked += 1
        self._looking = True
        self._draw()
        number, options = self._asked, self._options
        sources, destinations = list(self._sources), list(self._destinations)

        def planned(found: Any, error: RushesError | None) -> None:
            if number != self._asked or not self.is_attached:
                return  # something else was chosen meanwhile
            self._looking = False
            self._plan = None if error is not None else cast("dict[str, Any]", found)
            self._refusal = None if error is None else str(error)
            self._draw()
            if self._start_wanted:
                self.action_start()

        self.rushes.runner.submit(
            lambda: self._intake.plan(sources, destinations, options), planned, slow=True
        )

    def _change(self, **changes: Any) -> None:
        self._options = replace(self._options, **changes)
        self._start_wanted = False
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        pause = self.rushes.pace.filter_seconds
        if pause > 0:
            self._looking = True
            self._draw()
            self._timer = self.set_timer(2 * pause, self._ask_plan)
        else:
            self._ask_plan()

    # -- drawing ---------------------------------------------------------------
    def _draw(self) -> None:
        glyphs = self.rushes.glyphs
        self.query_one("#fields", LineView).show(
            [self._field_line(at, field, glyphs) for at, field in enumerate(FIELDS)]
        )
        self.query_one("#plan", LineView).show(self._plan_lines(glyphs))
        editing = self._editing
        pairs = (
            (("enter", "take it"), ("esc", "as it was"))
            if editing is not None
            else (
                ("enter", "queue it"),
                ("space", "change"),
                ("J K", "scroll"),
                ("esc", "back to the folders"),
            )
        )
        self.query_one("#foot", OneLine).show(foot(*pairs))

    def _field_line(self, at: int, field: Field, glyphs: Glyphs) -> Line:
        here = at == self._at
        value = getattr(self._options, field.name)
        usual = value == getattr(type(self._options)(), field.name)
        # One line for each field: what is chosen must not push the plan off a small screen.
        room = max(20, min(self.app.size.width, WIDEST) - 25)
        words = fmt.fit_path(self._words(field, value), room, glyphs.ellipsis)
        return Line(
            (
                (f"{glyphs.cursor if here else ' '} {field.label:<13}", "strong" if here else "dim"),
                (words, "strong" if here else "" if usual else "key"),
            ),
            indent=15,
        )

    def _words(self, field: Field, value: Any) -> str:
        if field.choices:
            return next(word for known, word in field.choices if known == value)
        if field.name == "then":
            return ", ".join(display(path) for path in value) or "none: every copy is read from the card"
        if field.name == "template":
            from engine.api.ingests import USUAL_TEMPLATE

            used = value or USUAL_TEMPLATE
            return used if self._options.layout == "template" else "not used"
        return display(value) if value else "after its sources"

    def _plan_lines(self, glyphs: Glyphs) -> list[Line]:
        if self._queueing:
            return [plain("Queueing it.", "busy")]
        lines = (
            [plain("Looking at the sources and the space at the destinations.", "busy")]
            if self._looking
            else []
        )
        if self._refusal:
            lines += [
                Line(((f"{glyphs.bad} ", "bad"), (fmt.path(part), "bad")), indent=2)
                for part in self._refusal.split("\n")
            ]
        if self._editing is not None and FIELDS[self._at].name == "template":
            lines.append(plain(TOKENS, "dim"))
        return lines + (plan_lines(self._plan, glyphs) if self._plan is not None else [])

    # -- keys ------------------------------------------------------------------
    @property
    def _editing(self) -> Field | None:
        field = self.query_one("#edit", QuietInput)
        return FIELDS[self._at] if field.has_class("-shown") else None

    def action_move(self, by: int) -> None:
        """Move among the fields."""
        if self._editing is None:
            self._at = (self._at + by) % len(FIELDS)
            self._draw()

    def action_turn(self, by: int) -> None:
        """The next or the choice before; text is typed."""
        field = FIELDS[self._at]
        if not field.choices:
            self.action_edit()
            return
        values = [value for value, _ in field.choices]
        now = values.index(getattr(self._options, field.name))
        self._change(**{field.name: values[(now + by) % len(values)]})

    def action_edit(self) -> None:
        """Type the text of a field."""
        field = FIELDS[self._at]
        if field.choices:
            self.action_turn(1)
            return
        value = getattr(self._options, field.name)
        if field.name == "then":
            value = ":".join(value)
        if field.name == "template" and not value:
            from engine.api.ingests import USUAL_TEMPLATE

            value = USUAL_TEMPLATE
        self._before = self._options
        edit = self.query_one("#edit", QuietInput)
        with edit.prevent(Input.Changed):
            edit.value = value or ""
        edit.placeholder = "folders, with : between them" if field.name == "then" else ""
        edit.add_class("-shown")
        edit.focus()
        edit.cursor_position = len(edit.value)
        if field.name == "template" and self._options.layout != "template":
            self._change(layout="template", template=value)
        self._draw()

    def on_input_changed(self, event: Input.Changed) -> None:
        """A template is planned as it is typed."""
        event.stop()
        if self._editing is not None and self._editing.name == "template":
            self._change(template=event.value.strip() or None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the text."""
        event.stop()
        field, text = FIELDS[self._at], event.value.strip()
        self._close_edit()
        if field.name == "then":
            self._change(then=tuple(part.strip() for part in text.split(":") if part.strip()))
        else:
            self._change(**{field.name: text or None})

    def _close_edit(self) -> None:
        self.query_one("#edit").remove_class("-shown")
        self.set_focus(None)
        self._draw()

    def action_leave(self) -> None:
        """Out of the text, as it was before; else back to the folders."""
        if self._editing is None:
            super().action_leave()
            return
        self._close_edit()
        if self._options != self._before:
            self._options = self._before
            self._ask_plan()

    def action_scroll(self, by: int) -> None:
        """Scroll the plan."""
        self.query_one("#plan", LineView).scroll_relative(y=by, animate=False)

    def action_start(self) -> None:
        """Queue it, as soon as the plan is there and nothing is wrong with it."""
        if self._editing is not None or self._queueing:
            return
        self._start_wanted = self._looking
        if self._looking:
            return
        if self._refusal:
            self.rushes.tell("Not as it is: change what is said below, or esc to the folders.", "warning")
            return
        self._queueing = True
        self._draw()
        sources, destinations, options = list(self._sources), list(self._destinations), self._options

        def queued(job_id: Any, error: RushesError | None) -> None:
            if not self.is_attached:
                if error is None:
                    self.rushes.tell("The ingest is queued.")
                return
            self._queueing = False
            if error is None:
                self.dismiss(cast("str", job_id))
                return
            self._refusal = str(error)
            self._draw()

        self.rushes.runner.submit(
            lambda: self._intake.queue(sources, destinations, options), queued, slow=True
        )


def plan_lines(plan: dict[str, Any], glyphs: Glyphs) -> list[Line]:
    """A plan (the document of ``ingest --dry-run``) in words."""
    known = int(plan["duplicates"])
    head = f"{fmt.plural(plan['files'], 'file')}, {fmt.size(plan['bytes'])}"
    if plan["expected_seconds"]:
        head += f", about {fmt.eta(max(1.0, plan['expected_seconds']))} with verification"
        head += " (a guess by the kind of the drives)" if plan.get("expected_from") == "guess" else ""
    lines = [Line(((f"{glyphs.good} ", "good"), (head, "strong")))]
    if known:
        fresh = max(0, plan["files"] - known)
        what = "all are" if known == plan["files"] else f"{known:,} are"
        lines.append(plain(f"  {what} verified at the destinations already; {fresh:,} new", "warn"))
    for source in plan["sources"]:
        lines.append(
            Line(
                (
                    ("from ", "dim"),
                    (display(source["source"]), ""),
                    (f"  {source['kind'].replace('_', ' ')}, {source['files']:,} files", "dim"),
                    (f"  {glyphs.arrow} {display(source['folder'])}/", ""),
                ),
                indent=5,
            )
        )
        lines += [
            Line(((f"{glyphs.warn} {display(text)}", "warn"),), indent=2) for text in source["warnings"]
        ]
        for named in source["names"][:NAMES_SHOWN]:
            lines.append(
                Line(
                    (
                        (f"  {display(named['file'])} ", "dim"),
                        (f"{glyphs.arrow} ", "dim"),
                        (display(named["name"]), ""),
                    ),
                    indent=4,
                )
            )
    for target in plan["destinations"]:
        stage = "  second stage" if target["stage"] == 2 else ""
        room = f"  needs {fmt.size(target['needed'])} of {fmt.size(target['free'])} free"
        lines.append(
            Line((("to   ", "dim"), (display(target["path"]), ""), (f"{room}{stage}", "dim")), indent=5)
        )
        if target["conflicts"]:
            count = fmt.plural(target["conflicts"], "name")
            lines.append(plain(f"  {count} taken by other content: numbered, nothing is overwritten", "warn"))
    return lines


NAMES_SHOWN = 6
"""New names that are shown of each source."""
