"""A form by keyboard: fields below each other, each with what is wrong with it, and what it all comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from engine.api.forms import Check, Field, Values
from engine.api.making_rows import spoken
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.screens.choose import ChoiceDialog
from tui.screens.finder import Entry, PickScreen
from tui.screens.form_lines import answered, command_line, in_words
from tui.screens.form_typing import TypingLine
from tui.screens.inputs import AnswerDialog
from tui.screens.keyed import KeyedScreen
from tui.widgets.bars import KeyLine, StatusLine, TopBar
from tui.widgets.line_view import BLANK, Line, LineView, heading, plain

LABEL = 22
"""Cells of a field's label."""

WIDE = 110
"""From this many columns on, what it comes to stands beside the form."""

FEW = 4
"""Up to so many choices are turned through with enter; more are shown in a list."""

MANY = 12
"""From more choices than this one is found by typing."""

Draft = dict[str, Any]


class FormScreen(KeyedScreen[str]):
    """Dismissed with the name under which the answers were stored, or None."""

    SCOPE = "form"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("form")
    DEFAULT_CSS = """
    FormScreen #form { width: 1fr; height: 1fr; padding: 0 1; }
    FormScreen #outcome { width: 52; height: 1fr; padding: 0 1; border-left: solid $tone-rest; }
    FormScreen #body.-below #outcome { width: 1fr; height: 9; border-left: none;
        border-top: solid $tone-rest; }
    FormScreen #body.-below.-path #outcome { display: none; }
    FormScreen #hint { height: 2; padding: 0 1; }
    """

    def __init__(
        self,
        title: str,
        values: Values,
        *,
        fields: Callable[[Values], Sequence[Field]],
        check: Callable[[Values], Check],
        save: Callable[[Values], str],
        pick: Callable[[list[dict[str, Any]], Callable[[list[dict[str, Any]] | None], None]], None]
        | None = None,
    ) -> None:
        """Make the form.

        Args:
            title: what is edited, escaped.
            values: the answers to begin with.
            fields: the fields for some answers.
            check: what is wrong and what it comes to; runs outside the event loop.
            save: stores the answers and returns the name; runs outside the event loop.
            pick: opens the list of clips and hands back the chosen ones, None when it was left.
        """
        super().__init__()
        self._title = title
        self._before: Draft = dict(values)
        self._draft: Draft = dict(values)
        self._fields, self._check, self._save, self._pick = fields, check, save, pick
        self._at = 0
        self._checked: Check | None = None
        self._checking = False
        self._stale = False
        self._saving = False
        self._kept: Any = None
        self._asked: list[Field] | None = None

    # -- frame -------------------------------------------------------------------
    def compose(self) -> ComposeResult:
        """The fields, what they come to, the line that is typed into."""
        yield TopBar(id="top")
        with Container(id="body"):
            yield LineView(id="form")
            yield LineView(id="outcome")
        yield TypingLine(self._answer, self._close)
        yield LineView(id="hint")
        yield StatusLine(id="state")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Draw, and check what is there."""
        self._place()
        self._look()
        self.call_after_refresh(self.draw)

    def on_resize(self) -> None:
        """Decide anew where the outcome goes."""
        self._place()
        self.call_after_refresh(self.draw)

    def on_screen_resume(self) -> None:
        """A dialog is gone."""
        self.draw()

    def _place(self) -> None:
        self.query_one("#body").set_class(self.size.width < WIDE, "-below")

    @property
    def typing(self) -> TypingLine:
        """The line that is typed into."""
        return self.query_one(TypingLine)

    @property
    def changed(self) -> bool:
        """Whether anything differs from what is stored."""
        return answered(self._draft) != answered(self._before)

    @property
    def asked(self) -> list[Field]:
        """The fields that the answers make meaningful, group by group; asked for once per change."""
        if self._asked is not None:
            return self._asked
        fields = [field for field in self._fields(self._draft) if field.is_asked(self._draft)]
        groups = list(dict.fromkeys(field.group for field in fields))
        self._asked = sorted(fields, key=lambda field: groups.index(field.group))
        return self._asked

    @property
    def field(self) -> Field:
        """The field under the cursor."""
        fields = self.asked
        return fields[min(self._at, len(fields) - 1)]

    def draw(self) -> None:
        """Draw everything again; what looks the same is not sent."""
        app = self.rushes
        self.query_one("#top", TopBar).display_header("exports", app.feed.header, app.glyphs)
        state: list[tuple[str, str]] = [(self._title, "strong")]
        if self.changed:
            state.append(("not saved", "warn"))
        problems = self._checked.problems if self._checked else {}
        if problems:
            state.append((fmt.plural(len(problems), "problem"), "bad"))
        self.query_one("#state", StatusLine).display_state(
            app.feed.header, app.feed.problem, state, app.glyphs
        )
        self._draw_keys()
        lines, at = self._lines()
        form = self.query_one("#form", LineView)
        form.show(lines)
        form.reveal(at)
        self.query_one("#hint", LineView).show([Line(((self.field.hint, "dim"),))])
        self.query_one("#outcome", LineView).show(self._outcome())

    def _draw_keys(self) -> None:
        """The keys of the form; while something is typed those that do not type."""
        line = self.query_one("#keys", KeyLine)
        if self.typing.field is None:
            line.display_keys(
                keys.footer(("form", "app")), lambda key: self.reason(key.id) is None, self.rushes.glyphs
            )
            return
        line.show(self.typing.keys())

    def _lines(self) -> tuple[list[Line], int]:
        """The form line by line, and the line of the cursor."""
        glyphs = self.rushes.glyphs
        problems = self._checked.problems if self._checked else {}
        lines: list[Line] = []
        group, at = "", 0
        for index, field in enumerate(self.asked):
            if field.group != group:
                group = field.group
                lines += [BLANK, heading(group)] if lines else [heading(group)]
            here = index == min(self._at, len(self.asked) - 1)
            if here:
                at = len(lines)
            lines.append(self._line(field, here))
            if field.key in problems:
                lines.append(
                    Line(
                        ((f"    {glyphs.bad} ", "bad"), (fmt.path(in_words(field, problems)), "bad")),
                        indent=6,
                    )
                )
        if "" in problems:
            lines += [BLANK, Line(((f"{glyphs.bad} ", "bad"), (fmt.path(problems[""]), "bad")), indent=2)]
        return lines, at

    def _line(self, field: Field, here: bool) -> Line:
        glyphs = self.rushes.glyphs
        value = self._draft.get(field.key)
        text = spoken(field, value)
        if field.kind == "flag":
            text = "yes" if value else "no"
        shown = (
            (text, "strong" if here else "") if text else (field.empty or spoken(field, field.default), "dim")
        )
        width = max(8, self.query_one("#form").size.width - LABEL - 6)
        mark = glyphs.cursor if here else " "
        pieces = (
            (f"{mark} ", "strong"),
            (fmt.pad(fmt.fit(field.label, LABEL - 1, glyphs.ellipsis), LABEL), "head" if here else "dim"),
            (fmt.fit(shown[0], width, glyphs.ellipsis), shown[1]),
        )
        return Line(pieces)

    def _outcome(self) -> list[Line]:
        """What the answers come to."""
        check = self._checked
        if check is None:
            return [plain("Looking.", "dim")]
        if check.problems:
            return [plain("This cannot be saved yet; what is wrong stands below its field.", "dim")]
        lines = [
            Line(((f"{fact.label:<9} ", "dim"), (fmt.path(fact.text), fact.tone)), indent=10)
            for fact in check.facts
        ]
        if check.command:
            lines += [
                Line((("Runs      ", "dim"), (command_line(check.command), "")), indent=10),
            ]
        return lines

    # -- checking ------------------------------------------------------------------
    def _look(self) -> None:
        """Check the draft outside the event loop; while that goes on the newest draft waits."""
        if self._checking:
            self._stale = True
            return
        self._checking, self._stale = True, False
        draft = dict(self._draft)

        def told(check: Any, error: RushesError | None) -> None:
            self._checking = False
            if not self.is_attached:
                return
            self._checked = Check({"": str(error)}) if error is not None else cast("Check", check)
            if self._stale:
                self._look()
            self.draw()

        self.rushes.runner.submit(lambda: self._check(draft), told, slow=True)

    def _set(self, field: Field, value: Any) -> None:
        """Answer a field; None takes the answer away."""
        if value in (None, "", []):
            self._draft.pop(field.key, None)
        else:
            self._draft[field.key] = value
        self._asked = None
        self._look()
        self.draw()

    def _answer(self, field: Field, value: Any) -> None:
        """Answer a field unless that is its answer already."""
        if self._draft.get(field.key) != (None if value in ("", []) else value):
            self._set(field, value)

    # -- keys ------------------------------------------------------------------------
    def why_not(self, verb: str) -> str | None:
        """What cannot be done with this field, and why."""
        if verb in ("turn", "turn_back") and self.field.kind not in ("choice", "flag"):
            return "Only choices are turned; enter changes this field."
        if verb == "clear" and self.field.key not in self._draft:
            return "This field is at its default."
        if verb == "command" and not (self._checked and self._checked.command):
            return "There is no command while something is wrong, or nothing fits."
        if verb == "save" and self._saving:
            return "It is being saved."
        return None

    def do_down(self) -> None:
        """Next field."""
        self._close()
        self._at = min(self._at + 1, len(self.asked) - 1)
        self.draw()

    def do_up(self) -> None:
        """Field above."""
        self._close()
        self._at = max(0, min(self._at, len(self.asked) - 1) - 1)
        self.draw()

    def do_top(self) -> None:
        """First field."""
        self._at = 0
        self.draw()

    def do_bottom(self) -> None:
        """Last field."""
        self._at = len(self.asked) - 1
        self.draw()

    def do_outcome_down(self) -> None:
        """Scroll down in what it comes to."""
        self.query_one("#outcome", LineView).scroll_relative(y=3, animate=False)

    def do_outcome_up(self) -> None:
        """Scroll up in what it comes to."""
        self.query_one("#outcome", LineView).scroll_relative(y=-3, animate=False)

    def do_turn(self) -> None:
        """The next choice."""
        self._turn(1)

    def do_turn_back(self) -> None:
        """The choice before."""
        self._turn(-1)

    def _turn(self, by: int) -> None:
        field = self.field
        if field.kind == "flag":
            self._set(field, None if self._draft.get(field.key) else True)
            return
        values = [value for value, _ in field.choices]
        if field.empty:
            values.insert(0, None)
        if not values:
            return
        now = self._draft.get(field.key, field.default)
        at = values.index(now) if now in values else (-1 if by > 0 else 0)
        self._set(field, values[(at + by) % len(values)])

    def do_clear(self) -> None:
        """Back to the default."""
        self._set(self.field, None)

    def do_edit(self) -> None:
        """Change the field under the cursor."""
        field = self.field
        if field.kind == "clips":
            self._pick_clips(field)
        elif field.kind == "flag" or (field.kind == "choice" and len(field.choices) <= FEW):
            self._turn(1)
        elif field.kind == "choice":
            self._choose(field)
        else:
            self._type(field)

    def _choose(self, field: Field) -> None:
        choices = [(str(at), word) for at, (_, word) in enumerate(field.choices)]
        if field.empty:
            choices.insert(0, ("", field.empty))
        now = next(
            (
                str(at)
                for at, (value, _) in enumerate(field.choices)
                if value == self._draft.get(field.key, field.default)
            ),
            "",
        )

        def chosen(at: str | None) -> None:
            if at is not None:
                self._set(field, field.choices[int(at)][0] if at else None)

        if len(choices) <= MANY:
            self.rushes.push_screen(ChoiceDialog(field.label, choices, now, self.rushes.glyphs), chosen)
            return
        entries = []
        for value, word in choices:
            name, _, what = word.partition("  ")
            entries.append(Entry("", display(name), display(what), True, lambda: None, value))
        at = next((at for at, (value, _) in enumerate(choices) if value == now), 0)

        def found(entry: Entry | None) -> None:
            chosen(entry.also if entry is not None else None)

        self.rushes.push_screen(PickScreen(field.label, entries, self.rushes.glyphs, at), found)

    def _pick_clips(self, field: Field) -> None:
        if self._pick is None:
            return

        def picked(items: list[dict[str, Any]] | None) -> None:
            if items is not None:
                self._set(field, items)

        self._pick(list(self._draft.get(field.key) or ()), picked)

    # -- typing ------------------------------------------------------------------------
    def _type(self, field: Field) -> None:
        """Open the line at the bottom with the field's answer."""
        self._kept = self._draft.get(field.key)
        self.typing.open(field, self._kept)
        self.query_one("#body").set_class(self.typing.takes_path, "-path")
        self._draw_keys()

    def _close(self) -> None:
        """Take over what is typed, and hide the line; nothing when nothing is."""
        field = self.typing.field
        if field is None:
            return
        if not self.typing.takes_path:
            self._answer(field, self.typing.answer)  # what was typed last may not have been told yet
        self.typing.close()
        self.query_one("#body").remove_class("-path")
        self.draw()

    # -- leaving -----------------------------------------------------------------------
    def do_save(self) -> None:
        """Store the answers, unless something is wrong."""
        check = self._checked
        if check is not None and check.problems and not self._checking:
            self._go_to_problem(check.problems)
            return
        draft = dict(self._draft)
        self._saving = True

        def saved(name: Any, error: RushesError | None) -> None:
            self._saving = False
            if error is not None:
                self.rushes.tell(str(error), "error")
                return
            if self.is_attached:
                self.dismiss(cast("str", name))
            self.rushes.tell(f"{name} is saved.")

        self.rushes.runner.submit(lambda: self._save(draft), saved, slow=True)

    def _go_to_problem(self, problems: Mapping[str, str]) -> None:
        fields = self.asked
        at = next((at for at, field in enumerate(fields) if field.key in problems), None)
        if at is not None:
            self._at = at
        key = fields[at].key if at is not None else ""
        self.rushes.tell(f"Not saved: {problems.get(key) or next(iter(problems.values()))}", "warning")
        self.draw()

    def do_command(self) -> None:
        """Show the whole ffmpeg command."""
        check = self._checked
        assert check is not None
        self.rushes.push_screen(
            AnswerDialog("What ffmpeg is asked to do", [plain(command_line(check.command))])
        )

    def do_back(self) -> None:
        """Leave; asks when something would be lost."""
        if self.typing.field is not None:
            field, kept = self.typing.field, self._kept
            self._close()
            self._answer(field, kept)
            return
        if not self.changed:
            self.dismiss(None)
            return

        def left(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        self.rushes.ask(
            "Leave without saving?",
            f"What was changed in {self._title} is forgotten.",
            "forget it",
            "go on",
            left,
        )
