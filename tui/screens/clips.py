"""Clips: what the library holds, in which state, and where every copy of each lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType
from textual.widget import Widget

from engine.api.facts import ClipDetail, ClipRow, ClipScope, CopyLine, PartLines
from engine.api.rows import Filter, Show, Source
from engine.api.volume_rows import VolumeRow
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import COPY_LOOKS, Cell, Glyphs, Piece, look_of
from tui.screens.cells import no_row
from tui.screens.choose import ChoiceDialog
from tui.screens.inputs import WordDialog
from tui.screens.triage import TriageScreen
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading, plain
from tui.widgets.picture import Picture

SCOPE_WORDS = {
    "": "everything",
    "online": "online",
    "offline": "offline",
    "missing": "missing",
    "damaged": "damaged",
    "risk": "at risk",
    "favourite": "favourites",
}
"""What the clips can be narrowed to, in words."""


def _state(row: ClipRow, context: Context) -> Cell:
    return look_of(COPY_LOOKS, row.state).cell(context.glyphs)


def _safe(row: ClipRow, context: Context) -> Cell:
    sign = context.glyphs.good if row.safe else context.glyphs.warn
    return ((f"{row.verified} on {row.devices} {sign}", "" if row.safe else "warn"),)


def _title(row: ClipRow, context: Context) -> Cell:
    del context
    tags = f"  {', '.join(row.tags)}" if row.tags else ""
    star = " fav" if row.favourite else ""
    return (
        (display(row.title), "strong" if row.state == "online" else ""),
        (star, "key"),
        (display(tags), "dim"),
    )


def _length(row: ClipRow, context: Context) -> Cell:
    del context
    return ((fmt.duration(row.duration_ms) if row.duration_ms is not None else "", ""),)


def _picture(row: ClipRow, context: Context) -> Cell:
    del context
    if row.width is None or row.height is None:
        return ((row.codec or "", "dim"),)
    rate = f" {row.fps:g}" if row.fps else ""
    return ((f"{row.width}x{row.height}{rate} {row.codec or ''}".rstrip(), "dim"),)


def _size(row: ClipRow, context: Context) -> Cell:
    del context
    return ((fmt.size(row.size_bytes), ""),)


def _recorded(row: ClipRow, context: Context) -> Cell:
    return ((fmt.moment(row.recorded_at, context.now) if row.recorded_at else "", "dim"),)


def badges(places: Sequence[tuple[str, str]], glyphs: Glyphs) -> Cell:
    """A badge for each volume that holds a clip: a sign for its state, and its name."""
    signs = {"online": (glyphs.here, "good"), "lost": (glyphs.bad, "bad"), "offline": (glyphs.away, "warn")}
    pieces: list[Piece] = []
    for name, state in places:
        sign, tone = signs.get(state, (glyphs.warn, "warn"))
        pieces.append((f"{sign}{display(name)} ", tone))
    return tuple(pieces)


def _places(row: ClipRow, context: Context) -> Cell:
    return badges(row.places, context.glyphs)


class ClipsScreen(TriageScreen):
    """All clips, or those of a scope."""

    PLACE = "clips"
    SCOPE = "clips"
    NOUN = "clip"
    LONG = True
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "online", "failed": "not online"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("clips")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("STATE", 10, _state),
        Column("PROVEN", 8, _safe),
        Column("CLIP", 18, _title, flex=4, most=44),
        Column("LENGTH", 8, _length, right=True),
        Column("ON", 14, _places, flex=4),
        Column("SIZE", 9, _size, right=True, drop=2),
        Column("PICTURE", 20, _picture, drop=4, most=26, flex=1),
        Column("RECORDED", 12, _recorded, drop=3),
    )

    def __init__(self) -> None:
        super().__init__()
        self._scope = ClipScope()
        self._drive: str | None = None
        self._pictures = True
        self._clips: Source[Any, Any] | None = None

    def pictures(self) -> Sequence[Widget]:
        """The picture of the clip."""
        return (Picture(36, 9, id="picture"),)

    def source(self) -> Source[Any, Any]:
        """The clips of the scope."""
        if self._clips is None:
            self._clips = self.rushes.desk.footage.clips(self._scope)
        return self._clips

    def look_at(self, scope: ClipScope, drive: str | None = None) -> None:
        """Show the clips of another scope; ``drive`` is the name of its volume."""
        self._scope, self._drive, self._clips = scope, drive, None
        if self.is_mounted:
            self.table.clear_marks()
            self._read(lambda: self.table.read_from(self.source()))
            self.draw()

    def extra_parts(self) -> list[Piece]:
        """What the list is narrowed to."""
        parts: list[Piece] = []
        if self._scope.state:
            parts.append((f"only {SCOPE_WORDS[self._scope.state]}", "warn"))
        if self._drive is not None:
            parts.append((f"{'only on' if self._scope.only else 'on'} {display(self._drive)}", "warn"))
        return parts

    def empty_lines(self) -> Sequence[Cell]:
        """No clip at all, or none in the scope."""
        if self._scope != ClipScope():
            return (
                (("No clip is like that.", "strong"),),
                (("esc", "key"), ("  shows all clips again", "dim")),
            )
        return (
            (("No clip yet.", "strong"),),
            (),
            (("2", "key"), (" then ", "dim"), ("n", "key"), (" takes a card in.", "dim")),
        )

    def detail_lines(self, detail: ClipDetail) -> list[Line]:
        """The clip, and where each of its files is."""
        self._picture_of(detail.thumbnail)
        return clip_lines(detail, self.rushes.glyphs, self.rushes.pace.now())

    def _picture_of(self, path: str | None) -> None:
        self.query_one("#pictures").set_class(self._pictures and path is not None, "-shown")
        self.query_one("#picture", Picture).show(path if self._pictures else None)

    def why_not(self, verb: str, row: ClipRow | None) -> str | None:
        """What acts on a clip needs one."""
        if verb in ("state", "risk", "drive", "picture", "twice", "bin"):
            return None
        if row is None:
            return no_row("clip")
        if verb == "yank" and row.state != "online":
            return f"{display(row.title)} cannot be read now."
        return None

    # -- which ---------------------------------------------------------------
    def do_state(self) -> None:
        """Choose which clips are shown."""

        def chosen(state: str | None) -> None:
            if state is not None:
                self.look_at(ClipScope(state, self._scope.volume_id, self._scope.only), self._drive)

        choices = list(SCOPE_WORDS.items())
        self.rushes.push_screen(
            ChoiceDialog("Show clips", choices, self._scope.state, self.rushes.glyphs), chosen
        )

    def do_risk(self) -> None:
        """Clips at risk, or all again."""
        state = "" if self._scope.state == "risk" else "risk"
        self.look_at(ClipScope(state, self._scope.volume_id, self._scope.only), self._drive)

    def do_drive(self) -> None:
        """Choose a drive, then whether what lies only there is meant."""
        source = self.rushes.desk.volumes()
        rows = cast("list[VolumeRow]", list(source.rows(source.ids(Filter()))))
        names = {row.volume_id: row.name for row in rows}
        choices = [("", "any drive")]
        choices += [(f"on {row.volume_id}", f"on {display(row.name)}") for row in rows if row.clips]
        choices += [(f"only {row.volume_id}", f"only on {display(row.name)}") for row in rows if row.clips]

        def chosen(answer: str | None) -> None:
            if answer is None:
                return
            how, _, volume_id = answer.partition(" ")
            scope = ClipScope(self._scope.state, volume_id or None, how == "only")
            self.look_at(scope, names.get(volume_id))

        now = f"{'only' if self._scope.only else 'on'} {self._scope.volume_id}" if self._drive else ""
        self.rushes.push_screen(
            ChoiceDialog("Clips on a drive", choices, now, self.rushes.glyphs, numbered=True), chosen
        )

    def step_out(self) -> None:
        """``esc`` shows all clips again."""
        if self._scope == ClipScope():
            super().step_out()
        else:
            self.look_at(ClipScope())

    # -- one clip --------------------------------------------------------------
    def do_open(self) -> None:
        """Where is it? All its copies, and what can be done to them."""
        row = cast("ClipRow", self.table.current())
        where_is_clip(self, row.clip_id, row.title)

    def do_twice(self) -> None:
        """What lies twice."""
        from tui.screens.shelf import TwiceScreen

        self.rushes.push_screen(TwiceScreen())

    def do_bin(self) -> None:
        """The trash."""
        from tui.screens.shelf import BinScreen

        self.rushes.push_screen(BinScreen())

    def do_tag(self) -> None:
        """Ask for tags to add or take away."""
        rows = cast("list[ClipRow]", self.table.chosen())
        footage = self.rushes.desk.footage

        def entered(text: str | None) -> None:
            if text is None:
                return
            words = [word.strip() for word in text.split(",") if word.strip()]
            remove = [word[1:].strip() for word in words if word.startswith("-") and word[1:].strip()]
            add = [word for word in words if not word.startswith("-")]
            if add or remove:
                self.on_each(
                    rows,
                    lambda row: footage.tag(row.clip_id, add, remove),
                    "tagged",
                    after=lambda _: self.table.reload(),
                )

        what = display(rows[0].title) if len(rows) == 1 else fmt.plural(len(rows), "clip")
        self.rushes.push_screen(WordDialog(f"Tags of {what}: a, b, -c takes c away", ""), entered)

    def do_favourite(self) -> None:
        """Mark as a favourite, or no longer."""
        footage = self.rushes.desk.footage
        self.on_each(
            self.table.chosen(),
            lambda row: footage.favourite(row.clip_id, on=not row.favourite),
            "changed",
            after=lambda _: self.table.reload(),
        )

    def do_picture(self) -> None:
        """Show or hide pictures."""
        self._pictures = not self._pictures
        self.rushes.tell(f"Pictures are {'shown' if self._pictures else 'hidden'}.")
        self._read(self._show_detail)

    def do_yank(self) -> None:
        """Copy the path of a copy that can be read."""
        detail = cast("ClipDetail", self.source().detail(cast("ClipRow", self.table.current()).row_id))
        path = next(
            (copy.path for part in detail.parts for copy in part.copies if copy.state == "online"), None
        )
        if path is None:
            self.rushes.tell("No copy can be read now.", "warning")
        else:
            self.rushes.copy_path(path)


def clip_lines(detail: ClipDetail, glyphs: Glyphs, now: Any) -> list[Line]:
    """A clip in words, then where each of its files is."""
    row = detail.row
    lines = [
        heading(display(row.title)),
        fact("State", *look_of(COPY_LOOKS, row.state).cell(glyphs)[0]),
        _policy(row.verified, row.devices, row.safe, detail),
    ]
    facts = (
        ("Length", fmt.duration(row.duration_ms) if row.duration_ms is not None else None),
        ("Picture", _picture(row, Context(glyphs, now, 40))[0][0] or None),
        ("Size", fmt.size(row.size_bytes)),
        ("Camera", row.camera),
        ("Reel", detail.reel),
        ("Timecode", detail.timecode),
        ("Recorded", fmt.moment(row.recorded_at, now) if row.recorded_at else None),
        ("Card", detail.card),
        ("Tags", ", ".join(row.tags) or None),
        ("Notes", detail.notes),
    )
    lines += [fact(label, display(value)) for label, value in facts if value]
    lines += [Line(((f"{glyphs.warn} {display(text)}", "warn"),), indent=2) for text in detail.warnings]
    return [*lines, *where_lines(detail.parts, glyphs, now)]


def _policy(verified: int, devices: int, safe: bool, detail: ClipDetail) -> Line:
    holds = f"{fmt.plural(verified, 'proven copy', 'proven copies')} on {fmt.plural(devices, 'device')}"
    wanted = f"{detail.wanted_copies} on {detail.wanted_devices} are wanted"
    return fact("Policy", f"{holds}; {'enough' if safe else wanted}", "good" if safe else "warn")


def where_lines(parts: Sequence[PartLines], glyphs: Glyphs, now: Any) -> list[Line]:
    """Every file with all its copies, online or not."""
    lines: list[Line] = []
    for part in parts:
        role = f"{part.role}, " if part.role and part.role != "essence" else ""
        sign = glyphs.good if part.safe else glyphs.warn
        lines += [
            BLANK,
            Line(
                (
                    (display(part.name), "head"),
                    (f"  {role}{fmt.size(part.size_bytes)}  ", "dim"),
                    (f"{sign} {part.verified} on {part.devices}", "good" if part.safe else "warn"),
                )
            ),
        ]
        for copy in part.copies:
            lines += _copy_lines(copy, glyphs, now)
        if not part.copies:
            lines.append(plain("No copy is on record.", "bad"))
    return lines


def _copy_lines(copy: CopyLine, glyphs: Glyphs, now: Any) -> list[Line]:
    look = look_of(COPY_LOOKS, copy.state)
    proof = (
        f"proven {fmt.moment(copy.verified_at, now)}, {copy.level}"
        if copy.verified_at and copy.level
        else f"proven {fmt.moment(copy.verified_at, now)}"
        if copy.verified_at
        else "never proven"
    )
    role = "the card itself" if copy.role == "source" else copy.role
    return [
        Line((*look.cell(glyphs), (f"  {display(copy.volume)}", "strong"), (f"  {role}", "dim")), indent=2),
        Line(((f"  {display(copy.path)}", ""),), indent=2),
        Line(((f"  seen {fmt.moment(copy.seen_at, now)}; {proof}", "dim"),), indent=2),
    ]


def where_is_clip(screen: TriageScreen, clip_id: str, title: str) -> None:
    """Show every copy of a clip, by the clip's own id, and what can be done to them."""
    from tui.screens.copies import CopiesScreen

    screen.rushes.push_screen(CopiesScreen(clip_id, title))
