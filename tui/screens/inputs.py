"""The dialogs that ask: a folder to scan, a name, recipes; and an answer to read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from engine.api.rows import RecipeRow
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui.looks import Glyphs, Piece
from tui.screens.dialog import Dialog
from tui.screens.path_field import PathField
from tui.widgets.filter_bar import QuietInput
from tui.widgets.line_view import BLANK, Line, LineView, plain
from tui.widgets.one_line import OneLine


def foot(*pairs: tuple[str, str]) -> tuple[Piece, ...]:
    """Keys and what they do, for the last line of a dialog."""
    return tuple(piece for key, word in pairs for piece in ((key, "key"), (f" {word}  ", "dim")))


class PathDialog(Dialog[str]):
    """One folder. Dismissed with what ``submit`` returned, or None."""

    AUTO_FOCUS = "QuietInput"

    def __init__(
        self,
        title: str,
        why: str,
        submit: Callable[[str], str],
        places: Sequence[str],
        avoid: Collection[str],
        *,
        label: str = "Folder",
        placeholder: str = "where to look",
        does: str = "start",
        ending: str | None = None,
    ) -> None:
        """Make the dialog.

        Args:
            title: what it is for, escaped.
            why: a sentence.
            submit: does it; a refusal stays in the dialog. Runs outside the event loop.
            places: folders that are offered while nothing is typed.
            avoid: folders that do not answer.
            label: what is typed.
            placeholder: shown while nothing is typed.
            does: what enter does.
            ending: files with this ending are offered too.
        """
        super().__init__()
        self._label, self._placeholder, self._does, self._ending = label, placeholder, does, ending
        self._title = title
        self._why = why
        self._submit = submit
        self._places = places
        self._avoid = avoid
        self._waiting = False

    def compose(self) -> ComposeResult:
        """What it is for, the field, what is wrong."""
        with Vertical(classes="box") as box:
            box.border_title = Content(self._title)
            yield LineView(id="why")
            yield PathField(self._label, self._placeholder, self._places, self._avoid, id="path")
            yield from self.more()
            yield LineView(id="said")
            yield OneLine(id="foot", classes="foot")

    def on_mount(self) -> None:
        """Draw."""
        for name in ("#why", "#said"):
            self.query_one(name).styles.height = "auto"
        self.query_one("#said").display = False
        self.query_one("#why", LineView).show([plain(self._why, "dim"), BLANK])
        self.query_one("#foot", OneLine).show(
            foot(("enter", self._does), ("tab", "complete"), ("esc", "back"))
        )
        path = self.query_one(PathField)
        path.ending = self._ending
        self.call_after_refresh(path.type_into)

    def more(self) -> Sequence[Widget]:
        """What is asked for below the field."""
        return ()

    @on(PathField.Entered)
    def _entered(self, event: PathField.Entered) -> None:
        event.stop()
        self.enter(event.path)

    def enter(self, path: str) -> None:
        """Do it with this path."""
        if self._waiting:
            return
        if not path:
            self._say(f"Type a {self._label.lower()}, or choose one with the arrows and tab.", "warn")
            return
        self._waiting = True
        self.rushes.runner.submit(lambda: self._submit(path), self._answered, slow=True)

    def _say(self, text: str, tone: str) -> None:
        self.query_one("#said").display = True
        self.query_one("#said", LineView).show(
            [BLANK, *(plain(fmt.path(part), tone) for part in text.split("\n"))]
        )

    def _answered(self, result: Any, error: RushesError | None) -> None:
        self._waiting = False
        if not self.is_attached:
            return
        if error is None:
            self.dismiss(cast("str", result))
        else:
            self._say(str(error), "bad")


class WordDialog(Dialog[str]):
    """One line of text. Dismissed with it, or None."""

    AUTO_FOCUS = "QuietInput"

    def __init__(self, title: str, value: str) -> None:
        super().__init__()
        self._title = title
        self._value = value

    def compose(self) -> ComposeResult:
        """The field."""
        with Vertical(classes="box") as box:
            box.border_title = Content(self._title)
            yield QuietInput(self._value)
            yield OneLine(id="foot", classes="foot")

    def on_mount(self) -> None:
        """Draw."""
        self.query_one(OneLine).show(foot(("enter", "take it"), ("esc", "back")))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the text, unless it is blank."""
        event.stop()
        if event.value.strip():
            self.dismiss(event.value.strip())


class RecipeDialog(Dialog[list[str]]):
    """Choose recipes: space marks, enter takes the marked ones, else the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("space", "mark", "mark", show=False),
        Binding("enter", "take", "queue", show=False),
        Binding("q", "leave", "back", show=False),
    ]

    def __init__(self, recipes: Sequence[RecipeRow], glyphs: Glyphs) -> None:
        super().__init__()
        self._recipes = list(recipes)
        self._glyphs = glyphs
        self._at = 0
        self._marks: set[str] = set()

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="box") as box:
            box.border_title = "Queue an export"
            yield LineView(id="lines")
            yield OneLine(id="foot", classes="foot")

    def on_mount(self) -> None:
        """Draw."""
        view = self.query_one(LineView)
        view.styles.height = "auto"
        view.styles.max_height = max(3, self.app.size.height - 6)
        pairs = (
            (("enter", "queue"), ("space", "mark"), ("esc", "back")) if self._recipes else (("esc", "back"),)
        )
        self.query_one(OneLine).show(foot(*pairs))
        self._draw()

    def _draw(self) -> None:
        if not self._recipes:
            self.query_one(LineView).show(
                [
                    plain("There is no recipe yet."),
                    BLANK,
                    Line((("esc e n", "key"), ("  makes one: which clips, how encoded, to where.", ""))),
                ]
            )
            return
        from engine.api.recipe_fields import LAYOUT_WORDS, MODE_WORDS  # slow, and asked for once a day

        lines: list[Line] = []
        wide = min(30, max(fmt.cells(display(recipe.name)) for recipe in self._recipes))
        for at, recipe in enumerate(self._recipes):
            here = at == self._at
            name = fmt.pad(fmt.fit(display(recipe.name), wide, self._glyphs.ellipsis), wide)
            mode = MODE_WORDS.get(recipe.mode, recipe.mode)
            facts = [mode, LAYOUT_WORDS.get(recipe.layout, recipe.layout), recipe.preset]
            if recipe.clips is not None:
                facts.append(fmt.plural(recipe.clips, "clip"))
            lines.append(
                Line(
                    (
                        (self._glyphs.cursor if here else " ", "strong"),
                        (self._glyphs.mark if recipe.name in self._marks else " ", "strong"),
                        (f" {name}", "strong" if here else ""),
                        (f"  {display(', '.join(facts))}", "dim"),
                    )
                )
            )
            if here and recipe.destination:
                lines.append(Line(((f"   to {display(recipe.destination)}", "dim"),)))
        view = self.query_one(LineView)
        view.show(lines)
        view.reveal(self._at)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        if self._recipes:
            self._at = max(0, min(self._at + by, len(self._recipes) - 1))
            self._draw()

    def action_mark(self) -> None:
        """Mark this recipe, or take its mark away, and go on."""
        if self._recipes:
            self._marks ^= {self._recipes[self._at].name}
            self.action_move(1)
            self._draw()

    def action_take(self) -> None:
        """Queue."""
        if self._recipes:
            names = [recipe.name for recipe in self._recipes if recipe.name in self._marks]
            self.dismiss(names or [self._recipes[self._at].name])


class AnswerDialog(Dialog[None]):
    """An answer to read: a headline and its reasons."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q,h", "leave", "back", show=False),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("ctrl+d,pagedown,space", "scroll(15)", "page down", show=False),
        Binding("ctrl+u,pageup", "scroll(-15)", "page up", show=False),
        Binding("g,home", "edge(False)", "top", show=False),
        Binding("G,end", "edge(True)", "end", show=False),
    ]

    def __init__(
        self,
        title: str,
        lines: Sequence[Line],
        *,
        danger: bool = False,
        wide: bool = False,
        end: bool = False,
    ) -> None:
        """Make the dialog.

        Args:
            title: escaped.
            lines: the answer.
            danger: it is no good news.
            wide: as wide as there is room.
            end: begin at the end of the text.
        """
        super().__init__()
        self._end = end
        self._title = title
        self._lines = list(lines)
        self._box = f"box{' -danger' if danger else ''}{' -wide' if wide else ''}"

    def compose(self) -> ComposeResult:
        """The text."""
        with Vertical(classes=self._box) as box:
            box.border_title = Content(self._title)
            yield LineView(id="lines")
            yield OneLine(id="foot", classes="foot")

    def on_mount(self) -> None:
        """Draw."""
        view = self.query_one(LineView)
        view.styles.height = "auto"
        view.styles.max_height = max(3, self.app.size.height - 8)
        view.show(self._lines)
        self.call_after_refresh(self._drawn)

    def _drawn(self) -> None:
        """Tell how to scroll when there is more than is seen, and begin where it was asked for."""
        view = self.query_one(LineView)
        scrolls = view.max_scroll_y > 0
        self.query_one(OneLine).show(foot(*((("j k", "scroll"),) if scrolls else ()), ("esc", "back")))
        if self._end:
            view.scroll_end(animate=False)

    def action_scroll(self, by: int) -> None:
        """Scroll the text."""
        self.query_one(LineView).scroll_relative(y=by, animate=False)

    def action_edge(self, bottom: bool) -> None:
        """Go to an end of the text."""
        view = self.query_one(LineView)
        view.scroll_to(y=view.max_scroll_y if bottom else 0, animate=False)
