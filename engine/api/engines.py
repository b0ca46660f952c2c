"""The engine of a library: its state, its start and stop, and a unit file for systemd."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from engine.errors import Refused
from engine.library import Library
from engine.names import display, json_name
from engine.supervisor import process


def status(library: Library) -> dict[str, Any]:
    """The document of ``engine status``. Starts nothing."""
    found = process.status(library)
    return {
        "running": found.running,
        "ready": found.ready,
        "pid": found.pid,
        "since": found.since,
        "host": found.host,
        "version": found.version,
        "heartbeat_at": found.heartbeat_at,
        "library_id": library.library_id,
        "jobs_running": found.jobs_running,
    }


def ensure(library: Library, *, take_over: bool = False) -> dict[str, Any]:
    """Have an engine that is ready, starting one when there is none; see ``process.ensure`` for refusals."""
    process.ensure(library, take_over=take_over)
    return status(library)


def stop(library: Library) -> dict[str, Any]:
    """Stop the engine at its checkpoints and wait until it is gone. None running is as good as stopped."""
    if not process.status(library).running:
        return {"stopped": True, "was_running": False, "interrupted": []}
    return {"stopped": True, "was_running": True, "interrupted": process.stop(library)}


def run_here(library: Library, *, take_over: bool = False) -> None:
    """Be the engine in this process until stopped."""
    from engine.supervisor import service  # everything the engine needs; a client never loads it

    service.run_here(library, take_over=take_over)


def unit_file(library: Library) -> str:
    """A systemd unit that keeps this library's engine running."""
    command = " ".join(
        _quoted(word) for word in (sys.executable, "-P", "-m", "engine", "--library", str(library.cache_root))
    )
    return (
        "[Unit]\n"
        f"Description=rushes engine of {display(library.name).replace('%', '%%')}\n"
        "After=local-fs.target remote-fs.target\n\n"
        "[Service]\n"
        f"ExecStart={command}\n"
        "Restart=on-failure\n"
        "KillMode=mixed\n"
        "TimeoutStopSec=45\n\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def install_unit(library: Library, folder: str | None = None) -> dict[str, Any]:
    """Write the unit file; systemd is not asked to start it, the answer says how.

    Args:
        library: the library whose engine it runs.
        folder: where to write; None takes the user's systemd folder.

    Raises:
        Refused: the folder cannot be written, or another file has the name.
    """
    target = Path(folder) if folder else Path.home() / ".config" / "systemd" / "user"
    unit = target / f"rushes-{library.library_id[:8]}.service"
    text = unit_file(library)
    try:
        target.mkdir(parents=True, exist_ok=True)
        if unit.exists() and unit.read_text() != text:
            raise Refused(f"{display(str(unit))} exists with other content. It was left as it is.")
        unit.write_text(text)
    except OSError as error:
        raise Refused(f"{display(str(unit))} cannot be written: {error.strerror}.") from error
    return {
        **json_name("unit", str(unit)),
        # Without lingering a user's units run only while that user is logged in.
        "next": f"systemctl --user daemon-reload && systemctl --user enable --now {shlex.quote(unit.name)}"
        " && loginctl enable-linger",
    }


def _quoted(word: str) -> str:
    """Quote a word for ExecStart: double quotes, with systemd's own escapes and specifiers."""
    safe = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return '"' + "".join(char if char.isprintable() else _escaped(char) for char in safe) + '"'


def _escaped(char: str) -> str:
    """The bytes of a line break, or of what is no text, as systemd.syntax(7) writes them."""
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(char))
