"""Keys act one after another: what is typed while a dialog is about to open waits for it.

Textual hands each key to the widget that has the focus when it arrives; a binding acts only when the key
has gone up from there to the app. A second key that comes in between would meet the list behind the
dialog that the first one opens. Here a key is handed on only when the one before has acted, and a screen
that it opened has been mounted and has its focus.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from textual import events
from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App
    from textual.message_pump import MessagePump
    from textual.screen import Screen

PATIENCE_SECONDS = 1.0
"""Longest time for which typed keys wait; a read that takes longer must not make the screen seem dead."""

ROUNDS = 2
"""A key that a widget takes for itself may make it post a message (an input its text): one round is for
the key, one for what it posted."""


class KeyPassed(Message):
    """Goes the way of a key, behind it: what it arrives at has dealt with the key."""

    def __init__(self, number: int, round_: int) -> None:
        """``number`` is that of the key, ``round_`` counts from 1."""
        super().__init__()
        self.number = number
        self.round = round_


class TypeAhead:
    """The keys of an app that wait for their turn. All methods belong to the event loop's thread."""

    def __init__(self, app: App[Any], hand_on: Callable[[events.Event], Awaitable[None]]) -> None:
        """``hand_on`` does with a key or a paste what Textual would do at once."""
        self._app = app
        self._hand_on = hand_on
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._number = 0
        self._acting = False
        self._reads: set[object] = set()
        self._before: Screen[Any] | None = None
        self._late: asyncio.TimerHandle | None = None
        self._target: MessagePump = app

    @property
    def waiting(self) -> int:
        """How many keys and pastes have not had their turn."""
        return len(self._waiting)

    async def take(self, event: events.Key | events.Paste) -> None:
        """Hand a key on, now or when it is its turn."""
        self._waiting.append(event)
        await self._next()

    def passed(self, number: int, round_: int = ROUNDS) -> None:
        """A key has been dealt with up to the app; ``number`` tells a late word of an earlier key apart."""
        if not self._acting or number != self._number:
            return
        if round_ < ROUNDS and self._send(round_ + 1):
            return
        self._app.call_later(self._settle, number, None)

    def acted(self) -> None:
        """The app itself has dealt with a key that came up from a widget.

        What its binding did may have made the widget post a message too (an input that it was submitted).
        """
        self.passed(self._number, 1)

    def reading(self) -> Callable[[], None]:
        """Let keys wait for a read that may open a dialog, at most :data:`PATIENCE_SECONDS`.

        The function that is returned ends it; call it when the dialog has been pushed.
        """
        read = object()
        self._reads.add(read)

        def ended() -> None:
            if read in self._reads:
                late.cancel()
                self._reads.discard(read)
                if not self._acting:
                    self._app.call_later(self._settle, self._number, None)

        late = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, ended)
        return ended

    async def _next(self) -> None:
        if self._acting or self._reads or not self._waiting:
            return
        self._acting = True
        self._number += 1
        self._before = self._app.screen
        self._late = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._give_up, self._number)
        self._target = self._app.focused or self._app.screen
        await self._hand_on(self._waiting.popleft())
        if not self._send(1):
            self.passed(self._number)

    def _send(self, round_: int) -> bool:
        return self._target.post_message(KeyPassed(self._number, round_))

    async def _settle(self, number: int, seen: Screen[Any] | None) -> None:
        """Go on when the screen in front is one that keys can reach."""
        if number != self._number:
            return
        front = self._app.screen
        if front not in (seen, self._before):
            front.call_after_refresh(lambda: self._app.call_later(self._settle, number, front))
            return
        self._before = front
        await self._done()

    def _give_up(self, number: int) -> None:
        if self._acting and number == self._number:
            self._app.call_later(self._done)

    async def _done(self) -> None:
        self._acting = False
        if self._late is not None:
            self._late.cancel()
        await self._next()
