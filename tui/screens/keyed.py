"""A screen of its own kind whose keys still come from the registry: footer, help and palette show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.screen import Screen

from tui import keys
from tui.keys import BY_ID, Key

if TYPE_CHECKING:
    from tui.app import RushesApp

T = TypeVar("T")


class KeyedScreen(Screen[T]):
    """A screen with keys of its own scope."""

    SCOPE: ClassVar[str]

    @property
    def rushes(self) -> RushesApp:
        """The app, by its own type."""
        return cast("RushesApp", self.app)

    def commands(self) -> list[Key]:
        """All keys of this place, its own first."""
        return keys.of(self.SCOPE, "app")

    def why_not(self, verb: str) -> str | None:
        """Why a verb of this screen cannot act now, or None when it can."""
        del verb
        return None

    def reason(self, key_id: str) -> str | None:
        """Why a key cannot act now, or None when it can."""
        scope, verb = key_id.split(".")
        return self.why_not(verb) if scope == self.SCOPE else self.rushes.reason(key_id)

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
        getattr(self, f"do_{key_id.split('.')[1]}")()

    def draw(self) -> None:
        """Draw everything again."""
