"""Every copy of a clip, or of a content: copied to one more place, moved, put into the trash, taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.facts import LyingRow
from engine.api.rows import Show, Source
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import COPY_LOOKS, Cell, look_of
from tui.screens.aside import AsideScreen
from tui.screens.inputs import PathDialog
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading, plain

OURS = ("managed", "backup", "export")
"""Roles of copies that were written by us: only these are ever moved or put aside."""

SENTENCES = 4
"""Refusals and warnings that a question shows; more are counted."""


def _state(row: LyingRow, context: Context) -> Cell:
    return look_of(COPY_LOOKS, row.state).cell(context.glyphs)


def _name(row: LyingRow, context: Context) -> Cell:
    del context
    return ((display(row.name), "strong" if row.path is not None else ""),)


def _volume(row: LyingRow, context: Context) -> Cell:
    del context
    return ((display(row.volume), "" if row.path is not None else "warn"),)


def _role(row: LyingRow, context: Context) -> Cell:
    del context
    return (("the card" if row.role == "source" else row.role, "dim"),)


def _size(row: LyingRow, context: Context) -> Cell:
    del context
    return ((fmt.size(row.size_bytes), ""),)


def _proven(row: LyingRow, context: Context) -> Cell:
    return ((fmt.moment(row.verified_at, context.now), "") if row.verified_at else ("never", "warn"),)


def _shown(row: LyingRow, context: Context) -> Cell:
    del context
    return ((row.shown, ""),)


class CopiesScreen(AsideScreen):
    """Every copy of each file of a clip, or of one content."""

    PLACE = "clips"
    SCOPE = "copies"
    NOUN = "copy"
    NOUNS = "copies"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "online", "failed": "not online"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("copies")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("STATE", 10, _state),
        Column("FILE", 14, _name, flex=2, most=30, middle=True),
        Column("ON", 10, _volume, flex=1, most=20),
        Column("AS", 8, _role, drop=2),
        Column("SIZE", 8, _size, right=True, drop=3),
        Column("PROVEN", 12, _proven, drop=1),
        Column("PATH", 18, _shown, flex=4, middle=True),
    )

    def __init__(self, wanted: str, title: str) -> None:
        """``wanted`` is the id of a clip, or the BLAKE3 of a content; ``title`` what it is called."""
        super().__init__()
        self._wanted = wanted
        self._title = title
        self._copies: Source[Any, Any] | None = None
        self._back: list[tuple[str, Callable[[], int]]] = []

    def source(self) -> Source[Any, Any]:
        """The copies."""
        if self._copies is None:
            self._copies = self.rushes.desk.shelf.copies(self._wanted)
        return self._copies

    def extra_parts(self) -> list[Any]:
        """Of what."""
        return [(f"of {fmt.fit(display(self._title), 40, self.rushes.glyphs.ellipsis)}", "strong")]

    def empty_lines(self) -> Sequence[Cell]:
        """No copy at all."""
        return (
            (("No copy is on record.", "strong"),),
            (("T", "key"), ("  shows the trash", "")),
            (("h", "key"), ("  goes back", "dim")),
        )

    def detail_lines(self, detail: LyingRow) -> list[Line]:
        """One copy, and how safe its content is."""
        now, glyphs = self.rushes.pace.now(), self.rushes.glyphs
        holds = f"{fmt.plural(detail.verified, 'proven copy', 'proven copies')} on"
        holds += f" {fmt.plural(detail.devices, 'device')}{'; enough' if detail.safe else '; not enough'}"
        lines = [
            heading(display(detail.name)),
            fact("State", *_state(detail, Context(glyphs, now, 20))[0]),
            fact("Policy", holds, "good" if detail.safe else "warn"),
            fact("On", display(detail.volume)),
            fact("As", "the card itself" if detail.role == "source" else detail.role),
            fact("File", detail.shown),
            fact("Size", fmt.size(detail.size_bytes)),
            fact("Proven", fmt.moment(detail.verified_at, now) if detail.verified_at else "never"),
        ]
        if detail.level:
            lines.append(fact("Proof", detail.level, "good"))
        lines.append(fact("Seen", fmt.moment(detail.seen_at, now)))
        if detail.part:
            lines.append(fact("Part", detail.part))
        if detail.blake3:
            lines.append(fact("BLAKE3", detail.blake3))
        if detail.role not in OURS:
            lines += [BLANK, plain("Not a copy of ours: it is never moved and never put aside.", "dim")]
        return lines

    def why_not(self, verb: str, row: Any | None) -> str | None:
        """The trash needs no row; what can be taken back is known here."""
        if verb == "bin":
            return None
        if verb == "undo":
            return None if self._back else "Nothing was moved or put into the trash from here."
        return super().why_not(verb, row)

    def why_not_row(self, verb: str, row: LyingRow) -> str | None:
        """What acts on a file needs its drive; what changes one needs it to be ours."""
        if verb == "yank":
            return None
        if self.table.marks:
            return None
        if row.path is None:
            return f"{display(row.volume)} is offline, or the file is not there; nothing can be done to it."
        if verb in ("move", "trash") and row.role not in OURS:
            return "This is not a copy of ours: rushes never moves or deletes it."
        return None

    # -- verbs ---------------------------------------------------------------
    def _chosen(self) -> list[str]:
        """Paths of the marked copies, else of this one; those that cannot be reached are left out."""
        return [row.path for row in cast("list[LyingRow]", self.table.chosen()) if row.path is not None]

    def _what(self, paths: Sequence[str]) -> str:
        return display(paths[0]) if len(paths) == 1 else fmt.plural(len(paths), "file")

    def _places(self) -> tuple[list[str], list[str]]:
        from tui.screens.ingest import mounted

        rows, dead = mounted(self)
        return [
            cast("str", row.mount_point) for row in rows if not row.read_only and row.volume_class != "card"
        ], dead

    def _changed(self, ids: Iterable[Any] = ()) -> None:
        self.table.forget_marks(set(ids))
        self.rushes.feed.poll()
        self.table.reload()

    def do_copy(self) -> None:
        """Ask where to, and queue a verified copy."""
        paths, rushes = self._chosen(), self.rushes
        if not paths:
            rushes.tell("None of these copies can be read now.", "warning")
            return
        places, dead = self._places()

        def queued(job_id: str | None) -> None:
            if job_id is not None:
                rushes.tell("The copy is queued; screen 2 shows it.")
                self._changed(row.id for row in self.table.chosen())

        rushes.push_screen(
            PathDialog(
                f"Copy {self._what(paths)}",
                "Read once, written, read back and compared; the file itself stays.",
                lambda folder: rushes.desk.shelf.copy(paths, folder),
                places,
                dead,
            ),
            queued,
        )

    def do_move(self) -> None:
        """Ask where to; say what that comes to; ask; do it."""
        paths, rushes = self._chosen(), self.rushes
        if not paths:
            rushes.tell("None of these copies can be reached now.", "warning")
            return
        places, dead = self._places()
        planned: list[tuple[str, dict[str, Any]]] = []

        def plan(folder: str) -> str:
            planned.append((folder, rushes.desk.shelf.plan_move(paths, folder)))
            return folder

        def asked(folder: str | None) -> None:
            if folder is not None:
                self._ask_move(paths, *planned[-1])

        rushes.push_screen(
            PathDialog(
                f"Move {self._what(paths)}",
                "On its own drive it is renamed; to another it is copied and proven first.",
                plan,
                places,
                dead,
            ),
            asked,
        )

    def _ask_move(self, paths: Sequence[str], folder: str, plan: dict[str, Any]) -> None:
        rushes = self.rushes
        if plan["copied"]:
            sentence = (
                f"{fmt.plural(plan['copied'], 'file')}, {fmt.size(plan['bytes'])}: copied to another drive"
                " and read back. When all are proven the old ones go into the trash of their drive."
            )
        else:
            sentence = f"{fmt.plural(plan['renamed'], 'file')} renamed on the same drive. u takes it back."

        def answered(yes: bool | None) -> None:
            if not yes:
                return

            def done(result: Any, error: RushesError | None) -> None:
                if error is not None:
                    rushes.tell(str(error), "error")
                else:
                    moved, job_id = cast("tuple[list[tuple[str, str]], str | None]", result)
                    if job_id is None:
                        self._back.append(("moved", lambda: rushes.desk.shelf.move_back(moved)))
                        rushes.tell(f"{fmt.plural(len(moved), 'file')} moved; u takes it back.")
                    else:
                        rushes.tell("The move is queued; screen 2 shows it.")
                self._changed(row.id for row in self.table.chosen())

            rushes.runner.submit(lambda: rushes.desk.shelf.move(paths, folder), done, slow=True)

        rushes.ask(
            f"Move {self._what(paths)}?", f"To {display(folder)}.\n{sentence}", "move", "leave", answered
        )

    def do_trash(self) -> None:
        """Say what would go and what stays; ask; put aside."""
        paths, rushes = self._chosen(), self.rushes
        if not paths:
            rushes.tell("None of these copies can be reached now.", "warning")
            return

        def looked(result: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "warning")
                return
            plan = cast("dict[str, Any]", result)
            if not plan["files"]:
                rushes.tell(_few(plan["refused"]), "warning")
                return
            self._ask_trash(paths, plan)

        rushes.runner.submit(lambda: rushes.desk.shelf.preview_trash(paths), looked, slow=True)

    def _ask_trash(self, paths: Sequence[str], plan: dict[str, Any]) -> None:
        rushes = self.rushes

        def answered(yes: bool | None) -> None:
            if not yes:
                return

            def done(result: Any, error: RushesError | None) -> None:
                if error is not None:
                    rushes.tell(str(error), "error")
                else:
                    numbers = list(result)
                    self._back.append(("put aside", lambda: rushes.desk.shelf.restore(numbers)))
                    rushes.tell(f"{fmt.plural(len(numbers), 'file')} in the trash; u brings back.")
                self._changed(row.id for row in self.table.chosen())

            rushes.runner.submit(lambda: rushes.desk.shelf.put_aside(paths), done, slow=True)

        count = fmt.plural(plan["files"], "file")
        said = [f"{fmt.size(plan['bytes'])}, kept on the same drive; room is made when the trash is emptied."]
        said += [part for part in (_few(plan["refused"]), _few(plan["warnings"])) if part]
        rushes.ask(f"Put {count} into the trash?", "\n".join(said), "into the trash", "leave", answered)

    def do_undo(self) -> None:
        """Take back the newest."""
        what, back = self._back.pop()
        rushes = self.rushes

        def done(result: Any, error: RushesError | None) -> None:
            if error is not None:
                self._back.append((what, back))
                rushes.tell(str(error), "error")
            else:
                rushes.tell(f"Taken back: {fmt.plural(int(result), 'file')} {what}.")
            self._changed()

        rushes.runner.submit(back, done, slow=True)

    def do_yank(self) -> None:
        """Copy the path."""
        row = cast("LyingRow", self.table.current())
        self.rushes.copy_path(row.path or row.shown)

    def do_bin(self) -> None:
        """The trash."""
        from tui.screens.shelf import BinScreen

        self.rushes.push_screen(BinScreen())


def _few(sentences: Sequence[str]) -> str:
    shown = [display(sentence) for sentence in sentences[:SENTENCES]]
    if len(sentences) > SENTENCES:
        shown.append(f"And {len(sentences) - SENTENCES} more.")
    return "\n".join(shown)
