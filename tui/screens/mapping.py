"""From one link to all its neighbours: proposed prefixes, what each would do, and one key that does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from engine.api.facts import Prefixes
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui.desks import Finding
from tui.looks import Glyphs
from tui.screens.dialog import Dialog
from tui.screens.inputs import WordDialog, foot
from tui.widgets.line_view import BLANK, Line, LineView, plain
from tui.widgets.one_line import OneLine


class MapDialog(Dialog[str]):
    """Dismissed with a sentence on what was done, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j,tab", "move(1)", "next proposal", show=False),
        Binding("up,k", "move(-1)", "proposal above", show=False),
        Binding("enter", "apply", "apply", show=False),
        Binding("space,K", "keep", "keep as a rule", show=False),
        Binding("e", "type", "type folders", show=False),
        Binding("pagedown,ctrl+d", "scroll(6)", "down", show=False),
        Binding("pageup,ctrl+u", "scroll(-6)", "up", show=False),
        Binding("q,h", "leave", "back", show=False),
    ]

    def __init__(self, finding: Finding, candidate_id: int | None, glyphs: Glyphs) -> None:
        """``candidate_id`` is a linked candidate to infer from first; None asks the newest links."""
        super().__init__()
        self._finding = finding
        self._candidate_id = candidate_id
        self._glyphs = glyphs
        self._proposals: list[Prefixes] | None = None
        self._at = 0
        self._keep = False
        self._preview: dict[str, Any] | None = None
        self._said: tuple[str, str] | None = None
        self._asked = 0
        self._applying = False

    def compose(self) -> ComposeResult:
        """The proposals, and the preview of the one under the cursor."""
        with Vertical(classes="box -wide") as box:
            box.border_title = "Where are the others?"
            yield LineView(id="proposals")
            yield LineView(id="preview")
            yield OneLine(id="foot", classes="foot")

    def on_mount(self) -> None:
        """Ask for proposals."""
        self.query_one("#proposals", LineView).styles.height = "auto"
        self.query_one("#preview", LineView).styles.height = max(4, min(16, self.app.size.height - 14))
        self._draw()

        def known(found: Any, error: RushesError | None) -> None:
            if not self.is_attached:
                return
            self._proposals = list(cast("Sequence[Prefixes]", found or ()))
            if error is not None:
                self._said = (str(error), "bad")
            self._draw()
            self._look()

        self.rushes.runner.submit(lambda: self._finding.proposals(self._candidate_id), known, slow=True)

    def _look(self) -> None:
        """Ask what the proposal under the cursor would do."""
        if not self._proposals:
            return
        self._asked += 1
        number, wanted = self._asked, self._proposals[self._at]
        self._preview, self._said = None, ("Looking there; nothing is changed.", "busy")
        self._draw()

        def looked(found: Any, error: RushesError | None) -> None:
            if number != self._asked or not self.is_attached:
                return
            self._preview = None if error is not None else cast("dict[str, Any]", found)
            self._said = None if error is None else (str(error), "bad")
            self._draw()

        self.rushes.runner.submit(
            lambda: self._finding.map(wanted.old, wanted.new, dry_run=True, keep=False), looked, slow=True
        )

    def _draw(self) -> None:
        self.query_one("#proposals", LineView).show(self._proposal_lines())
        lines = [plain(self._said[0], self._said[1])] if self._said else []
        if self._preview is not None:
            lines += preview_lines(self._preview, self._glyphs)
        self.query_one("#preview", LineView).show(lines)
        able = bool(self._preview and self._preview["hits"] and not self._applying)
        pairs = (("enter", "apply"), ("space", "keep as a rule")) if able else ()
        self.query_one("#foot", OneLine).show(
            foot(*pairs, ("j k", "choose"), ("e", "type folders"), ("esc", "back"))
        )

    def _proposal_lines(self) -> list[Line]:
        if self._proposals is None:
            return [plain("Asking the links that were made.", "busy")]
        if not self._proposals:
            return [
                plain("No link speaks for a move of a whole folder that still has lost files."),
                BLANK,
                plain("Apply one candidate of the folder first, then press m on it.", "dim"),
                Line((("e", "key"), ("  types the two folders by hand", "dim"))),
            ]
        lines = []
        for at, one in enumerate(self._proposals[:SHOWN]):
            here = at == self._at
            lines.append(
                Line(
                    (
                        (f"{self._glyphs.cursor if here else ' '} ", "strong"),
                        (display(one.old), "strong" if here else ""),
                        (f" {self._glyphs.arrow} ", "dim"),
                        (display(one.new), "strong" if here else ""),
                        (f"  {fmt.plural(one.votes, 'link') if one.votes else 'typed'}", "dim"),
                    ),
                    indent=4,
                )
            )
        sign = self._glyphs.good if self._keep else " "
        lines += [
            BLANK,
            Line(
                (("[", "dim"), (sign, "good"), ("] ", "dim"), ("keep for what goes missing later", "")),
                indent=4,
            ),
            BLANK,
        ]
        return lines

    def action_move(self, by: int) -> None:
        """Another proposal."""
        if self._proposals and not self._applying:
            self._at = (self._at + by) % min(SHOWN, len(self._proposals))
            self._look()

    def action_keep(self) -> None:
        """Keep it as a rule, or not."""
        self._keep = not self._keep
        self._draw()

    def action_type(self) -> None:
        """Type the folder as it was and as it is; what that would do is shown like a proposal."""
        if self._applying:
            return
        now = self._proposals[self._at] if self._proposals else Prefixes("", "", 0)

        def old_typed(old: str | None) -> None:
            def new_typed(new: str | None) -> None:
                if old and new and self.is_attached:
                    typed = Prefixes(old, new, 0)
                    self._proposals = [typed, *(self._proposals or ())]
                    self._at = 0
                    self._look()

            if old:
                self.rushes.push_screen(
                    WordDialog("Where is it now? The whole path of the folder", now.new), new_typed
                )

        self.rushes.push_screen(WordDialog("Where was it? The whole path of the folder", now.old), old_typed)

    def action_scroll(self, by: int) -> None:
        """Scroll the preview."""
        self.query_one("#preview", LineView).scroll_relative(y=by, animate=False)

    def action_apply(self) -> None:
        """Apply what is shown."""
        if self._applying or not self._proposals:
            return
        if self._preview is None or not self._preview["hits"]:
            self.rushes.tell("There is nothing to apply here.", "warning")
            return
        wanted, keep = self._proposals[self._at], self._keep
        self._applying = True
        self._said = ("Applying it in one transaction.", "busy")
        self._draw()

        def done(found: Any, error: RushesError | None) -> None:
            if not self.is_attached:
                return
            self._applying = False
            if error is not None:
                self._said = (str(error), "bad")
                self._draw()
                return
            kept = " The mapping is kept." if keep else ""
            self.dismiss(f"{fmt.plural(int(found['applied']), 'file')} linked; H takes all back.{kept}")

        self.rushes.runner.submit(
            lambda: self._finding.map(wanted.old, wanted.new, dry_run=False, keep=keep), done, slow=True
        )


SHOWN = 6
"""Proposals that are shown, those with most links first."""


def preview_lines(preview: dict[str, Any], glyphs: Glyphs) -> list[Line]:
    """What a mapping would do (the document of ``relink map --dry-run``): hits, misses, conflicts."""
    hits, misses, conflicts = preview["hits"], preview["misses"], preview["conflicts"]
    lines = [
        Line(
            (
                (f"{glyphs.good} {fmt.plural(hits, 'file')} found there", "good" if hits else "dim"),
                (f"   {glyphs.away} {misses:,} not there", "warn" if misses else "dim"),
                (f"   {glyphs.bad} {fmt.plural(conflicts, 'conflict')}", "bad" if conflicts else "dim"),
            )
        )
    ]
    lines += [Line(((display(text), "bad"),), indent=2) for text in preview["conflict_list"]]
    lines += [
        Line(((f"{glyphs.away} ", "warn"), (display(one["path"]), "dim")), indent=2)
        for one in preview["miss_list"]
    ]
    lines += [
        Line(
            ((f"{glyphs.good} ", "good"), (display(one["from"]), "dim"), (f" {glyphs.arrow} ", "dim"),
             (display(one["to"]), "")),
            indent=2,
        )
        for one in preview["hit_list"]
    ]  # fmt: skip
    return lines
