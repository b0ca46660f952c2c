"""The global config database: the library registry and the settings, shared by all libraries.

It lies at ``$XDG_CONFIG_HOME/rushes/config.db`` (``RUSHES_CONFIG`` names
another folder). Presets live in it too; ``engine.export.recipes.presets`` owns that table.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from engine import clock, names
from engine.errors import Refused, WrongUse
from engine.storage.database import execute, row, rows, write
from engine.storage.opening import open_checked
from engine.storage.schema import config_migrations


@dataclass(frozen=True)
class Setting:
    """One setting: what it means, its default, and the values it takes.

    ``choices`` lists the allowed words; ``text`` checks a free text and returns
    it as stored, or raises WrongUse; when both are None the value is a whole
    number from ``low`` to ``high``.
    """

    meaning: str
    default: str | int
    choices: tuple[str, ...] | None = None
    low: int = 0
    high: int = 1_000_000
    text: Callable[[str], str] | None = None


def words_of(text: str) -> list[str]:
    """A command as its words: a JSON list, or words with quotes as a shell reads them. Empty: no command.

    Raises:
        WrongUse: it is neither.
    """
    import shlex

    if not text.strip():
        return []
    try:
        words = json.loads(text) if text.lstrip().startswith("[") else shlex.split(text)
    except ValueError as error:
        raise WrongUse(f"{names.display(text)} is no command: {error}.") from error
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise WrongUse(f"{names.display(text)} is no command: give its words, or a JSON list of them.")
    if not os.path.isabs(words[0]):
        raise WrongUse(f"Give the command with its whole path, not {names.display(words[0])}.")
    return words


def _command(text: str) -> str:
    words = words_of(text)
    return json.dumps(words) if words else ""


def _formats(text: str) -> str:
    """Names of report formats, separated by commas, each once; ``none`` alone is no report."""
    found = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    known = ("csv", "json", "txt", "html", "pdf")
    if found == ["none"]:
        return "none"
    if not found or any(part not in known for part in found):
        raise WrongUse(f"Give formats of {', '.join(known)}, separated by commas, or none.")
    return ",".join(found)


def _folder(text: str) -> str:
    if text and not os.path.isabs(text):
        raise WrongUse("Give the folder with its whole path, beginning with /, or nothing.")
    return text.rstrip("/") or text


def _address(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    from urllib.parse import urlsplit

    parts = urlsplit(text)
    try:
        port_fits = parts.port != 0
    except ValueError:
        port_fits = False
    if parts.scheme not in ("http", "https") or not parts.hostname or not text.isascii() or not port_fits:
        raise WrongUse("A webhook is an address that begins with http:// or https://; empty is none.")
    if "@" in parts.netloc:
        raise WrongUse("A webhook's address holds no name and password: nobody would be sent them.")
    return text


SETTINGS: dict[str, Setting] = {
    "recovery.policy": Setting(
        "what an engine does at its start with work that was cut off", "ask", ("ask", "resume")
    ),
    "relink.policy": Setting(
        "which matches apply by themselves when a drive returns", "certain", ("off", "ask", "certain")
    ),
    "policy.copies": Setting(
        "verified copies every file needs before its card may be formatted", 2, low=1, high=9
    ),
    "policy.devices": Setting("different devices those copies must lie on", 2, low=1, high=9),
    "volumes.low_percent": Setting(
        "a volume is low on space below this share of its size (percent)...", 5, low=0, high=90
    ),
    "volumes.low_gigabytes": Setting("...when less than this is free as well (GB)", 20, low=0, high=100_000),
    "volumes.rescan_hours": Setting(
        "hours after which a tracked volume that stayed mounted is looked through again; 0 is never",
        24,
        low=0,
        high=8760,
    ),
    "volumes.notice_folders": Setting(
        "most folders of tracked volumes in which a change is noticed within seconds; 0 is off",
        5000,
        low=0,
        high=1_000_000,
    ),
    "export.stall_seconds": Setting(
        "seconds without a new frame after which a render is ended as stalled", 60, low=5, high=3600
    ),
    "export.workers": Setting(
        "parts or files that an export makes at the same time; 0 is as many as the processor feeds",
        0,
        high=64,
    ),
    "export.nice": Setting("niceness of encoders, 0 (as others) to 19 (last)", 5, high=19),
    "export.io": Setting(
        "how encoders read and write: as others, behind them, or only when the disk is idle",
        "low",
        ("normal", "low", "idle"),
    ),
    "export.yield": Setting(
        "what exports do while an ingest works: nothing, make their encoders nicer, or also rest at their "
        "next checkpoint when it needs the same device",
        "lower",
        ("never", "lower", "pause"),
    ),
    "export.space": Setting(
        "what happens when the room for an export is probably not there", "refuse", ("refuse", "warn")
    ),
    "report.after": Setting(
        "which jobs besides ingests leave a report (CSV, JSON, TXT) in the library's logs when they end",
        "exports",
        ("off", "exports", "all"),
    ),
    "ingest.report": Setting(
        "formats of the report that every ingest leaves when it ends, of csv json txt html pdf, or none",
        "html,pdf,json",
        text=_formats,
    ),
    "ingest.report_folder": Setting(
        "folder for those reports, never one on a card; empty is the library's own reports folder",
        "",
        text=_folder,
    ),
    "notify.after": Setting(
        "which ends of jobs are told by screen, command and webhook", "all", ("off", "failures", "all")
    ),
    "notify.screen": Setting(
        "how an open screen tells it: bell, message of the terminal (OSC 9), both, or off",
        "both",
        ("off", "bell", "message", "both"),
    ),
    "hook.command": Setting(
        "command that is run when a job has ended; gets one JSON object on standard input; empty is none",
        "",
        text=_command,
    ),
    "hook.seconds": Setting("seconds after which that command is ended", 30, low=1, high=600),
    "webhook.url": Setting(
        "address that one JSON object is posted to when a job has ended; empty is none", "", text=_address
    ),
    "webhook.seconds": Setting("seconds that one try of the webhook may take", 10, low=1, high=120),
    "webhook.tries": Setting("tries of the webhook before it is given up", 3, low=1, high=9),
}
"""Every setting there is. An unknown key is an error that names it."""


def config_folder() -> Path:
    """The folder of the config database, from the environment. Not created."""
    override = os.environ.get("RUSHES_CONFIG")
    if override:
        return Path(override)
    import platformdirs

    return Path(platformdirs.user_config_dir("rushes"))


def open_config() -> Database:
    """Open the config database for the calling thread, making it on first use.

    One that cannot be written (a home that is read-only) is opened for reading: what is set holds.

    Raises:
        DatabaseRefused: it is damaged, newer, or cannot be opened.
        Refused: its folder cannot be made.
    """
    folder = config_folder()
    file = folder / "config.db"
    if file.exists() and not (os.access(file, os.W_OK) and os.access(folder, os.W_OK)):
        return open_checked(file, config_migrations, folder / "backups", read_only=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"The settings folder {names.display(str(folder))} cannot be made: {error.strerror}. "
            "Set RUSHES_CONFIG to a folder that can be written."
        ) from error
    return open_checked(file, config_migrations, folder / "backups", create=True)


def get(db: Database, key: str) -> str | int:
    """Return the value of a setting, or its default.

    Raises:
        WrongUse: there is no such setting.
    """
    setting = _setting(key)
    stored = row(db, "SELECT value FROM settings WHERE key = ?", (key,))
    if stored is None:
        return setting.default
    value: str | int = json.loads(stored["value"])
    return value


def _setting(key: str) -> Setting:
    setting = SETTINGS.get(key)
    if setting is None:
        raise WrongUse(f"There is no setting {names.display(key)}. Settings: {', '.join(SETTINGS)}.")
    return setting


def values(*keys: str) -> dict[str, str | int]:
    """Several settings at once, from a connection of their own. As :func:`get`."""
    db = open_config()
    try:
        return {key: get(db, key) for key in keys}
    finally:
        db.close()


def checked(key: str, text: str) -> str | int:
    """The value of a setting given as text, as it would be stored.

    Raises:
        WrongUse: unknown key, or a value outside its range.
    """
    setting = _setting(key)
    if setting.choices is not None:
        if text not in setting.choices:
            raise WrongUse(f"{key} is one of: {', '.join(setting.choices)}.")
        return text
    if setting.text is not None:
        return setting.text(text)
    if not text.isascii() or not text.isdigit() or not setting.low <= int(text) <= setting.high:
        raise WrongUse(f"{key} is a whole number from {setting.low} to {setting.high}.")
    return int(text)


def reset(db: Database, key: str) -> str | int:
    """Put a setting back to its default; return that.

    Raises:
        WrongUse: there is no such setting.
    """
    setting = _setting(key)
    execute(db, "DELETE FROM settings WHERE key = ?", (key,))
    return setting.default


def put(db: Database, key: str, text: str) -> str | int:
    """Check and store a setting given as text; return the value stored.

    Raises:
        WrongUse: unknown key, or a value outside its range.
    """
    value = checked(key, text)
    execute(
        db,
        "INSERT INTO settings (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, json.dumps(value)),
    )
    return value


@dataclass(frozen=True)
class Registered:
    """A library that this machine knows: where its root is, and where its ``.rushes`` folder lies."""

    library_id: str
    name: str
    root: str
    cache_root: str
    last_opened_at: str


def register(db: Database, library_id: str, name: str, root: str, cache_root: str) -> None:
    """Remember where a library is. The same root registered again replaces the older entry."""
    moment = clock.now()
    with write(db):
        db.execute(
            "DELETE FROM libraries WHERE root = ? OR library_id = ?", (names.to_blob(root), library_id)
        )
        db.execute(
            "INSERT INTO libraries VALUES (?, ?, ?, ?, ?, ?)",
            (library_id, name, names.to_blob(root), names.to_blob(cache_root), moment, moment),
        )


def registered(db: Database) -> list[Registered]:
    """All known libraries, the most recently opened first."""
    return [_registered(entry) for entry in rows(db, "SELECT * FROM libraries ORDER BY last_opened_at DESC")]


def find_registered(db: Database, root: str) -> Registered | None:
    """The library registered at exactly ``root``, or None."""
    entry = row(db, "SELECT * FROM libraries WHERE root = ?", (names.to_blob(root),))
    return _registered(entry) if entry else None


def forget(db: Database, library_id: str) -> None:
    """Drop a registry entry. No file is touched."""
    execute(db, "DELETE FROM libraries WHERE library_id = ?", (library_id,))


def _registered(entry: dict[str, Any]) -> Registered:
    return Registered(
        entry["library_id"],
        entry["name"],
        names.from_blob(entry["root"]),
        names.from_blob(entry["cache_root"]),
        entry["last_opened_at"],
    )
