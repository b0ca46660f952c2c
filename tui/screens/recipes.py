"""Recipes: what can be exported; made, changed, copied, queued from here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from engine.api.forms import Check, Field, Values
from engine.api.making_rows import Answers, RecipeEntry
from engine.api.recipe_fields import LAYOUT_WORDS, MODE_WORDS
from engine.api.rows import Id, Show, Source
from engine.errors import NameTaken, RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import JOB_LOOKS, Cell, look_of
from tui.screens.cells import no_row
from tui.screens.form import FormScreen
from tui.screens.form_lines import command_line
from tui.screens.inputs import PathDialog, WordDialog
from tui.screens.triage import TriageScreen
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading, plain


def _name(row: RecipeEntry, context: Context) -> Cell:
    del context
    return ((display(row.name), "strong"),)


def _what(row: RecipeEntry, context: Context) -> Cell:
    del context
    return ((MODE_WORDS.get(row.mode, row.mode), ""),)


def _layout(row: RecipeEntry, context: Context) -> Cell:
    del context
    return ((LAYOUT_WORDS.get(row.layout, row.layout), ""),)


def _preset(row: RecipeEntry, context: Context) -> Cell:
    if row.is_lost:
        return ((f"{context.glyphs.bad} {display(row.preset)}", "bad"),)
    return ((display(row.preset), ""),)


def _last(row: RecipeEntry, context: Context) -> Cell:
    if row.last_run_at is None or row.last_status is None:
        return (("never", "dim"),)
    look = look_of(JOB_LOOKS, row.last_status)
    sign = getattr(context.glyphs, look.glyph)
    return ((f"{sign} ", look.tone), (fmt.moment(row.last_run_at, context.now), "dim"))


def _to(row: RecipeEntry, context: Context) -> Cell:
    del context
    return ((display(row.destination), "dim"),) if row.destination else (("in the library", "dim"),)


def answer_lines(detail: Answers) -> list[Line]:
    """What a recipe or preset says, group by group."""
    lines = [heading(display(detail.name))]
    lines += [Line(((fmt.path(sentence), "warn"),)) for sentence in detail.problems]
    group = ""
    for next_group, label, value in detail.answers:
        if next_group != group:
            group = next_group
            lines += [BLANK, plain(group, "head")]
        lines.append(fact(label, fmt.path(value), width=19))
    if detail.facts:
        lines += [BLANK, plain("What it comes to", "head")]
        lines += [fact(one.label, fmt.path(one.text), one.tone, width=19) for one in detail.facts]
    if detail.command:
        lines += [BLANK, plain("ffmpeg", "head"), plain(command_line(detail.command))]
    return lines


Pick = Callable[[list[dict[str, Any]], Callable[[list[dict[str, Any]] | None], None]], None]
FormRules = tuple[
    Callable[[Values], Sequence[Field]],
    Callable[[Values, str | None], Check],
    Callable[[Values, str | None], str],
]
"""The fields of a form, its check, and what stores it; the last two get the name of what is changed."""


class MakingScreen(TriageScreen):
    """What the lists of recipes and of presets share."""

    PLACE = "exports"

    def name_of(self) -> str:
        """The name of the row under the cursor."""
        return str(self.table.current().name)  # type: ignore[union-attr]  # why_not saw to it

    def open_form(
        self,
        title: str,
        values: dict[str, Any],
        was: str | None,
        rules: FormRules,
        pick: Pick | None = None,
    ) -> None:
        """Show a form; what it stored is under the cursor afterwards.

        Args:
            title: of the form, escaped.
            values: the answers to begin with.
            was: name of what is changed; None makes something new.
            rules: the fields, the check, and what stores the answers.
            pick: see :class:`FormScreen`.
        """
        fields, check, save = rules
        form = FormScreen(
            title,
            values,
            fields=fields,
            check=lambda draft: check(draft, was),
            save=lambda draft: save(draft, was),
            pick=pick,
        )

        def stored(name: str | None) -> None:
            if name is not None:
                self.find(name)

        self.rushes.push_screen(form, stored)

    def find(self, name: str) -> None:
        """Put the cursor on the row of this name."""
        self.rushes.guarded(self.table.reload)
        for row in self.source().rows(self.table.ids):
            if row.name == name:
                self.table.go_to(row.id)
        self.draw()

    def ask_path(
        self,
        title: str,
        why: str,
        work: Callable[[str], str],
        done: Callable[[str], None],
        *,
        label: str = "File or folder",
        reads: bool = False,
    ) -> None:
        """Ask for a path and do something with it; a refusal stays in the dialog.

        Args:
            title: what for, escaped.
            why: a sentence.
            work: does it with the path, outside the event loop.
            done: told what ``work`` returned.
            label: what is typed.
            reads: a JSON file is read; else one is written.
        """

        def answered(result: str | None) -> None:
            if result is not None:
                done(result)

        dialog = PathDialog(
            title,
            why,
            work,
            (),
            (),
            label="File" if reads else label,
            placeholder="the file to read" if reads else "where it goes",
            does="read" if reads else "write",
            ending=".json" if reads else None,
        )
        self.rushes.push_screen(dialog, answered)

    def ask_file(self, noun: str, command: str, read: Callable[[str, str | None], str]) -> None:
        """Make a recipe or preset from a file; where its name is taken, ask for another one."""
        taken: list[str] = []

        def work(path: str) -> str:
            try:
                return read(path, None)
            except NameTaken:
                taken.append(path)
                return ""

        def made(name: str) -> None:
            if name:
                self.find(name)
                return
            dialog = WordDialog(f"There is a {noun} of that name already; what is this one called?", "")
            self.rushes.push_screen(dialog, named)

        def named(name: str | None) -> None:
            if name:
                self.verb(lambda: read(taken[-1], name), self.find)

        self.ask_path(
            f"Make a {noun} from a file",
            f"A file that was written by w here, or by rushes {command} export.",
            work,
            made,
            reads=True,
        )

    def verb(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Do something outside the event loop; what it refuses is told."""

        def ended(result: Any, error: RushesError | None) -> None:
            if error is not None:
                self.rushes.tell(str(error), "error")
                return
            self.rushes.guarded(self.table.reload)
            done(result)

        self.rushes.runner.submit(work, ended, slow=True)

    def delete_rows(self, chosen: Sequence[Any], why: str, delete: Callable[[str], None]) -> None:
        """Delete these rows by name, after a question."""
        what = display(chosen[0].name) if len(chosen) == 1 else fmt.plural(len(chosen), self.NOUN)

        def reread(did: Sequence[Id]) -> None:
            del did
            self.rushes.guarded(self.table.reload)

        def answered(yes: bool | None) -> None:
            if yes:
                self.on_each(chosen, lambda row: delete(row.name), "deleted", after=reread)

        it = "it" if len(chosen) == 1 else "them"
        self.rushes.ask(f"Delete {what}?", why, f"delete {it}", f"keep {it}", answered)

    def do_back(self) -> None:
        """Back to where this was opened from."""
        self.rushes.pop_screen()

    def step_out(self) -> None:
        """``esc`` with nothing left to undo goes back."""
        self.rushes.pop_screen()


class RecipesScreen(MakingScreen):
    """All recipes of the library."""

    SCOPE = "recipes"
    NOUN = "recipe"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {
        "all": "all",
        "active": "being exported",
        "failed": "in trouble",
    }
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("recipes")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("NAME", 18, _name, flex=4, most=36),
        Column("CLIPS", 16, _what, flex=1, most=22),
        Column("MAKES", 17, _layout, drop=3),
        Column("PRESET", 12, _preset, flex=1, most=20),
        Column("LAST RUN", 14, _last, drop=1),
        Column("TO", 16, _to, flex=3, middle=True, drop=2),
    )

    def source(self) -> Source[Any, Any]:
        """All recipes."""
        return self.rushes.desk.making.recipes()

    def empty_lines(self) -> Sequence[Cell]:
        """No recipe yet."""
        return (
            (("No recipe yet.", "strong"),),
            (),
            (("n", "key"), ("  makes one: which clips, how encoded, to where.", "")),
        )

    def detail_lines(self, detail: Answers) -> list[Line]:
        """What the recipe says."""
        return answer_lines(detail)

    def why_not(self, verb: str, row: RecipeEntry | None) -> str | None:
        """Most verbs need a recipe."""
        return no_row("recipe") if row is None and verb not in ("new", "read", "presets", "back") else None

    # -- verbs -----------------------------------------------------------------
    def _form(self, title: str, values: dict[str, Any], was: str | None = None) -> None:
        making = self.rushes.desk.making
        rules = (making.recipe_fields, making.check_recipe, making.save_recipe)
        self.open_form(title, values, was, rules, self._pick)

    def _pick(
        self, items: list[dict[str, Any]], picked: Callable[[list[dict[str, Any]] | None], None]
    ) -> None:
        """Let the clips of an explicit list be chosen."""
        from tui.screens.items import ItemsScreen

        self.rushes.push_screen(ItemsScreen(items, picked))

    def do_edit(self) -> None:
        """Change the recipe."""
        name = self.name_of()
        values = self.rushes.desk.making.recipe_values(name)
        self._form(f"Recipe {display(name)}", values, name)

    def do_new(self) -> None:
        """Make a recipe."""
        self._form("New recipe", self.rushes.desk.making.recipe_values(None))

    def do_copy(self) -> None:
        """Begin a recipe with the answers of this one."""
        name = self.name_of()
        values = {**self.rushes.desk.making.recipe_values(name), "name": f"{name} copy"}
        self._form(f"Copy of {display(name)}", values)

    def do_queue(self) -> None:
        """Queue a run of each chosen recipe."""
        names = [row.name for row in self.table.chosen()]
        rushes = self.rushes

        def queued(run_ids: Any) -> None:
            del run_ids
            self.table.clear_marks()
            rushes.tell(f"{fmt.plural(len(names), 'export')} queued; h goes to the runs.")
            rushes.feed.poll()

        self.verb(lambda: rushes.desk.export(names), queued)

    def do_delete(self) -> None:
        """Delete the chosen recipes, after a question."""
        chosen: list[RecipeEntry] = self.table.chosen()
        runs, its = sum(row.runs for row in chosen), "Its" if len(chosen) == 1 else "Their"
        of_it = "it" if len(chosen) == 1 else "them"
        kept = f"{its} {fmt.plural(runs, 'run')} and films stay." if runs else f"No run was made of {of_it}."
        self.delete_rows(chosen, kept, self.rushes.desk.making.delete_recipe)

    def do_write(self) -> None:
        """Write the recipe to a file."""
        name, making = self.name_of(), self.rushes.desk.making
        self.ask_path(
            f"Write {display(name)} to a file",
            "A folder, or a new file; nothing is overwritten. Listed clips are known in this library only.",
            lambda path: making.write_recipe(name, path),
            lambda path: self.rushes.tell(f"Written to {display(path)}."),
        )

    def do_read(self) -> None:
        """Make a recipe from a file."""
        self.ask_file("recipe", "recipe", self.rushes.desk.making.read_recipe)

    def do_editors(self) -> None:
        """Write the timeline for an editing program."""
        name, making, rushes = self.name_of(), self.rushes.desk.making, self.rushes
        self.ask_path(
            f"Timeline of {display(name)} for an editing program",
            "A new file; its ending says the format: .otio, .edl or .fcpxml.",
            lambda path: "\n".join(making.write_timeline(name, path)),
            rushes.tell,
            label="File",
        )

    def do_presets(self) -> None:
        """Go to the presets."""
        from tui.screens.presets import PresetsScreen

        self.rushes.push_screen(PresetsScreen())
