"""The terminal itself: defaults set before Textual is imported, signals, the guard. No Textual here."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, MutableMapping

DEFAULTS = {
    "TEXTUAL_FPS": "120",
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_SMOOTH_SCROLL": "0",
}
"""What Textual reads from the environment when it is imported: a desk at the far end of a line.

Frames are drawn only when something looks different. A key is seen in two of them: the cursor at
once, the detail of its row in the next; so their pace is felt.
"""

SSH_DEFAULTS = {"ESCDELAY": "200", "TEXTUAL_FPS": "60"}
"""Over SSH: the bytes of one key may arrive apart from each other, and a line carries fewer frames."""

TERM_DEFAULTS = {"xterm-ghostty": {"TEXTUAL_COLOR_SYSTEM": "256"}}
"""In addition where COLORTERM did not come along (SSH) and the name does not tell the colours."""

GUARD_SECONDS = 1.0
"""How often the guard looks whether the terminal is still there."""


def prepare(environment: MutableMapping[str, str] | None = None) -> None:
    """Set defaults for a slow line. Must run before Textual is imported; what is set already stays."""
    env = os.environ if environment is None else environment
    for name, value in {**DEFAULTS, **(SSH_DEFAULTS if env.get("SSH_CONNECTION") else {})}.items():
        env.setdefault(name, value)
    if not env.get("COLORTERM"):
        for name, value in TERM_DEFAULTS.get(env.get("TERM", ""), {}).items():
            env.setdefault(name, value)


def is_interactive() -> bool:
    """Whether there is a terminal to draw on: standard input and standard error are both one."""
    return os.isatty(0) and sys.__stderr__ is not None and os.isatty(2)


def terminal_is_gone(descriptor: int = 0) -> bool:
    """Whether the terminal behind ``descriptor`` has hung up."""
    try:
        poller = select.poll()
        poller.register(descriptor, 0)
        events = poller.poll(0)
    except OSError:
        return True
    if any(flags & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, flags in events):
        return True
    return not os.isatty(descriptor)


def on_hangup(loop: asyncio.AbstractEventLoop, leave: Callable[[], object]) -> None:
    """Call ``leave`` on SIGHUP and SIGTERM instead of dying with the terminal in disarray.

    A hang-up that the parent told us to ignore (``nohup``) stays ignored; the guard sees it.
    """
    loop.add_signal_handler(signal.SIGTERM, leave)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, leave)


def leave_hard(seconds: float = 1.0) -> None:
    """End the process in ``seconds`` whatever hangs: nothing of value lives in a client."""
    timer = threading.Timer(seconds, os._exit, (129,))
    timer.daemon = True
    timer.start()
