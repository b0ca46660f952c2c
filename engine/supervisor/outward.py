"""Telling the world outside: a command of the operator's, and an address that is posted to.

Neither can harm the job that it tells of: each has its deadline, and what goes
wrong comes back as a sentence.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from email.message import Message
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

from engine import __version__
from engine.names import display

_WAITS = (1.0, 3.0, 9.0)
"""Seconds before the second, third and any further try of a webhook."""

_SAID = 300
"""Characters of a failed command's own words that are kept."""

_POLL_SECONDS = 0.1


def run_command(
    words: Sequence[str], document: Mapping[str, Any], seconds: float, stop: threading.Event
) -> str | None:
    """Run a command with the document on its standard input; return what went wrong, or None.

    It has a session of its own and no terminal, and its whole group is ended
    after ``seconds``, or when ``stop`` is set.
    """
    shown = display(words[0])
    try:
        child = subprocess.Popen(
            list(words),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        return f"The command {shown} could not be started: {error.strerror}."
    text: bytes | None = json.dumps(document).encode() + b"\n"
    left = seconds
    while True:
        try:
            _, said = child.communicate(text, timeout=_POLL_SECONDS)
            break
        except subprocess.TimeoutExpired:
            text, left = None, left - _POLL_SECONDS  # the first call keeps on feeding what it was given
        if left <= 0 or stop.is_set():
            _end(child)
            why = "the engine was stopped" if left > 0 else f"it did not end within {seconds:.0f} s"
            return f"The command {shown} was ended: {why}."
    if child.returncode == 0:
        return None
    last = display(said.decode("utf-8", "replace").strip()[-_SAID:])
    how = f"signal {-child.returncode}" if child.returncode < 0 else f"exit code {child.returncode}"
    return f"The command {shown} failed with {how}{': ' + last if last else ''}."


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it has just ended by itself
    try:
        child.communicate(timeout=1)
    except subprocess.TimeoutExpired:
        pass  # a grandchild in a session of its own holds the pipe; it is left


def _host(url: str) -> str:
    """Where an address leads, without what comes after it: of many webhooks that is the password."""
    parts = urlsplit(url)
    return display(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")


class _NoDetours(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: following it would turn the POST into a GET."""

    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002 - the base class names them
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: Message,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None


def post(
    url: str, document: Mapping[str, Any], seconds: float, tries: int, stop: threading.Event
) -> str | None:
    """Post the document as JSON; return what went wrong, or None.

    Tried again after a failure of the network or of the server (5xx, 408, 429),
    at most ``tries`` times in all; ``seconds`` is the limit of each try.
    """
    request = urllib.request.Request(  # noqa: S310 - the setting allows http and https only
        url,
        data=json.dumps(document).encode(),
        headers={"Content-Type": "application/json", "User-Agent": f"rushes/{__version__}"},
        method="POST",
    )
    opener = urllib.request.build_opener(_NoDetours)
    shown = _host(url)
    why = ""
    for attempt in range(tries):
        if attempt and stop.wait(_WAITS[min(attempt, len(_WAITS)) - 1]):
            return f"The webhook {shown} was given up: the engine was stopped."
        try:
            with opener.open(request, timeout=seconds):
                return None
        except urllib.error.HTTPError as error:
            why = f"it answered {error.code}"
            error.close()
            if error.code < 500 and error.code not in (408, 429):
                break
        except (OSError, HTTPException, ValueError) as error:
            why = str(getattr(error, "reason", "")) or str(error) or type(error).__name__
    return f"The webhook {shown} could not be told: {display(why)}."
