"""Lists that belong to a volume: what happened to its drive, and the new footage that it offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.facts import OfferRow, PastRow
from engine.api.rows import Id, Show, Source
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import Cell, Piece
from tui.screens.aside import AsideScreen
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading, plain


def _when(row: PastRow, context: Context) -> Cell:
    return ((fmt.moment(row.at, context.now), "dim"),)


def _what(row: PastRow, context: Context) -> Cell:
    return ((f"{context.glyphs.bad if row.bad else ' '} {row.what}", "bad" if row.bad else ""),)


def _past_text(row: PastRow, context: Context) -> Cell:
    del context
    return ((fmt.one_line(row.text), "bad" if row.bad else ""),)


def _past_volume(row: PastRow, context: Context) -> Cell:
    del context
    return ((display(row.volume), "dim"),)


class PastScreen(AsideScreen):
    """What happened to the device under a volume, every partition and every format of it."""

    PLACE = "volumes"
    SCOPE = "past"
    NOUN = "entry"
    NOUNS = "entries"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "well", "failed": "errors"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("past")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("WHEN", 12, _when),
        Column("WHAT", 15, _what),
        Column("", 40, _past_text, flex=1),
        Column("VOLUME", 12, _past_volume, drop=1),
    )

    def __init__(self, volume_id: str, name: str) -> None:
        super().__init__()
        self._volume_id, self._whose = volume_id, name
        self._past: Source[Any, Any] | None = None

    def source(self) -> Source[Any, Any]:
        """The history."""
        if self._past is None:
            self._past = self.rushes.desk.drives.past(self._volume_id)
        return self._past

    def extra_parts(self) -> list[Piece]:
        """Whose history it is."""
        return [(display(self._whose), "strong")]

    def empty_lines(self) -> Sequence[Cell]:
        """Nothing is on record."""
        return ((("Nothing is on record.", "strong"),), (("h", "key"), ("  goes back", "dim")))

    def detail_lines(self, detail: PastRow) -> list[Line]:
        """The whole sentence."""
        now = self.rushes.pace.now()
        return [
            heading(detail.what),
            fact("When", fmt.moment(detail.at, now)),
            fact("Volume", display(detail.volume)),
            BLANK,
            *(plain(part, "bad" if detail.bad else "") for part in detail.text.split("\n")),
        ]


def _offer_state(row: OfferRow, context: Context) -> Cell:
    if row.online:
        return ((f"{context.glyphs.here} waits", "strong"),)
    return ((f"{context.glyphs.away} offline", "warn"),)


def _offer_what(row: OfferRow, context: Context) -> Cell:
    del context
    return (("new folder" if row.whole else "new files", ""),)


def _offer_files(row: OfferRow, context: Context) -> Cell:
    del context
    return ((f"{row.files:,}", ""),)


def _offer_size(row: OfferRow, context: Context) -> Cell:
    del context
    return ((fmt.size(row.size_bytes), ""),)


def _offer_path(row: OfferRow, context: Context) -> Cell:
    del context
    return ((display(row.path), "strong"),)


def _offer_found(row: OfferRow, context: Context) -> Cell:
    return ((fmt.moment(row.found_at, context.now), "dim"),)


class OffersScreen(AsideScreen):
    """What was never taken in: whole new folders, and new files beside known ones."""

    PLACE = "volumes"
    SCOPE = "offers"
    NOUN = "offer"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "here", "failed": "offline"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("offers")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("STATE", 9, _offer_state),
        Column("WHAT", 10, _offer_what),
        Column("FILES", 7, _offer_files, right=True),
        Column("SIZE", 9, _offer_size, right=True),
        Column("FOLDER", 24, _offer_path, flex=1, middle=True),
        Column("FOUND", 12, _offer_found, drop=1),
    )

    def __init__(self, volume_id: str | None) -> None:
        super().__init__()
        self._volume_id = volume_id
        self._offers: Source[Any, Any] | None = None

    def source(self) -> Source[Any, Any]:
        """The offers."""
        if self._offers is None:
            self._offers = self.rushes.desk.drives.offers(self._volume_id)
        return self._offers

    def empty_lines(self) -> Sequence[Cell]:
        """Nothing new."""
        return (
            (("Nothing new waits there.", "strong"),),
            (("Tracked volumes are looked through when they come back;", "dim"),),
            (("s", "key"), (" on a volume does it now.", "dim")),
            (),
            (
                ("u", "key"),
                ("  offers again what was waved aside   ", "dim"),
                ("h", "key"),
                ("  goes back", "dim"),
            ),
        )

    def detail_lines(self, detail: OfferRow) -> list[Line]:
        """One offer."""
        now = self.rushes.pace.now()
        return [
            heading(display(detail.path)),
            fact("Volume", display(detail.volume)),
            fact("What", "a whole new folder" if detail.whole else "new files beside known ones"),
            fact("Files", f"{detail.files:,}, {fmt.size(detail.size_bytes)}"),
            fact("Found", fmt.moment(detail.found_at, now)),
            BLANK,
            plain("n takes it in; x waves it aside, u takes that back."),
        ]

    def why_not(self, verb: str, row: OfferRow | None) -> str | None:
        """What was waved aside last may have been the last row."""
        return None if verb == "undo" else super().why_not(verb, row)

    def why_not_row(self, verb: str, row: OfferRow) -> str | None:
        """Only what is here can be taken in."""
        if verb == "take" and not row.online:
            return f"{display(row.volume)} is offline; connect it first."
        return None

    def do_take(self) -> None:
        """Open the ingest dialog with the paths of the offer."""
        from tui.screens.ingest import new_ingest

        row = cast("OfferRow", self.table.current())
        rushes = self.rushes

        def known(paths: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "error")
            else:
                new_ingest(self, cast("list[str]", list(paths)))

        rushes.read_then(lambda: rushes.desk.drives.offered(row.offer_id), known)

    def do_dismiss(self) -> None:
        """Wave aside."""
        drives = self.rushes.desk.drives

        def dismissed(did: list[Id]) -> None:
            self.table.reload()
            if len(did) == 1:
                self.rushes.tell("Waved aside; u offers it again.")

        self.on_each(
            self.table.chosen(),
            lambda row: drives.dismiss(row.offer_id),
            "waved aside",
            after=dismissed,
        )

    def do_undo(self) -> None:
        """Offer again what was last waved aside, here or by another terminal."""
        rushes, drives = self.rushes, self.rushes.desk.drives

        def restored(count: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "warning")
                return
            if not count:
                rushes.tell("Nothing here was waved aside.", "warning")
                return
            rushes.tell(f"{fmt.plural(cast('int', count), 'offer')} back.")
            rushes.feed.poll()
            self.table.reload()

        rushes.runner.submit(lambda: drives.restore_offers(self._volume_id), restored)
