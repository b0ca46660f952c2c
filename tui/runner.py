"""Where verbs run: outside the event loop, in order; slow ones in a thread of their own."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol

from engine.errors import RushesError

log = logging.getLogger(__name__)

Done = Callable[[Any, RushesError | None], None]
"""Called with the result, or with the error that explains why there is none."""


class Runner(Protocol):
    """Runs verbs."""

    def submit(self, work: Callable[[], Any], done: Done, *, slow: bool = False) -> None:
        """Run ``work`` and hand its result to ``done`` in the event loop's thread.

        Quick verbs run one after another, in the order of the keys; ``slow``
        ones (a card is walked, an engine is started) do not hold those up.
        """
        ...


def attempt(work: Callable[[], Any]) -> tuple[Any, RushesError | None]:
    """Call ``work``; anything that goes wrong becomes an error with a sentence."""
    try:
        return work(), None
    except RushesError as error:
        return None, error
    except Exception as error:  # a verb must never take the screen down; the log keeps the trace
        log.exception("a verb failed")
        return None, RushesError(
            f"That did not work: {str(error) or type(error).__name__}. Nothing else was changed."
        )


class ThreadRunner:
    """Runs verbs in daemon threads: a client that leaves never waits for them."""

    def __init__(self, call_soon: Callable[..., object]) -> None:
        """``call_soon`` runs a function in the event loop's thread; it may raise when the loop is gone."""
        self._call_soon = call_soon
        self._queue: queue.SimpleQueue[tuple[Callable[[], Any], Done]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, work: Callable[[], Any], done: Done, *, slow: bool = False) -> None:
        """See :class:`Runner`."""
        if slow:
            threading.Thread(target=self._run, args=(work, done), name="verb", daemon=True).start()
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="verbs", daemon=True)
            self._thread.start()
        self._queue.put((work, done))

    def _serve(self) -> None:
        while True:
            self._run(*self._queue.get())

    def _run(self, work: Callable[[], Any], done: Done) -> None:
        result, error = attempt(work)
        try:
            self._call_soon(done, result, error)
        except RuntimeError:
            log.debug("a verb ended after the screen was closed")


class InlineRunner:
    """Runs verbs at once, in the calling thread."""

    def submit(self, work: Callable[[], Any], done: Done, *, slow: bool = False) -> None:  # noqa: ARG002
        """See :class:`Runner`; ``slow`` makes no difference here."""
        done(*attempt(work))
