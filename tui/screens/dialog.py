"""What the dialogs share: a box over the screen, ``esc`` to leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

if TYPE_CHECKING:
    from tui.app import RushesApp

T = TypeVar("T")


class Dialog(ModalScreen[T], Generic[T]):
    """A dialog; dismissed with None by ``esc``."""

    DEFAULT_CLASSES = "dialog"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", show=False)]

    @property
    def rushes(self) -> RushesApp:
        """The app, by its own type."""
        return cast("RushesApp", self.app)

    def action_leave(self) -> None:
        """Go back without doing anything."""
        self.dismiss(None)
