"""The doctor: tools, rights, places and mounts; what works, and the one command that helps."""

from __future__ import annotations

import os
import sys
from typing import Any

from engine.errors import RushesError, ToolMissing
from engine.export.editors import resolve
from engine.export.planning import ability
from engine.library import Library
from engine.media.doctor import Finding, inspect_tools
from engine.media.tools import find_tools
from engine.names import display
from engine.storage import config
from engine.supervisor import process
from engine.volumes import mounts, platforms
from engine.watch.notices import unwatched


def examine(library: Library | None = None) -> list[dict[str, Any]]:
    """Look at everything the work needs. Takes about a second and writes nothing but the settings folder.

    Args:
        library: also look at this library; None leaves it out.
    """
    findings = [_python(), *inspect_tools(), *_cards(), _resolve(), _rights(), _mount_table(), _settings()]
    if library is not None:
        findings += _library(library)
    return [{"subject": f.subject, "status": f.status, "text": f.text, "remedy": f.remedy} for f in findings]


def _python() -> Finding:
    return Finding("python", "ok", f"{sys.version.split()[0]}, {display(sys.executable)}")


def _cards() -> list[Finding]:
    """Encoders of graphics cards: those that work, and why the others do not. Never needed."""
    try:
        cards = ability.cards(find_tools())
    except ToolMissing:
        return []
    findings = [
        Finding(f"encoder {card.encoder}", "ok", f"works: preset {card.encoder.replace('_', '-')}")
        for card in cards
        if card.works
    ]
    reasons: dict[str, list[str]] = {}
    for card in cards:
        if card.why:
            reasons.setdefault(card.why, []).append(card.encoder)
    words = [f"{', '.join(names)}: {why}" for why, names in reasons.items()]
    if words:
        text = "; ".join(words) + ". Not needed: processors encode everything"
        findings.append(Finding("graphics cards", "ok", text))
    return findings


def _resolve() -> Finding:
    """DaVinci Resolve Studio, which may render instead of ffmpeg. Never needed."""
    if resolve.folder() is None:
        return Finding(
            "DaVinci Resolve",
            "ok",
            "not on this machine; not needed: recipes name it as executor, ffmpeg is the default",
        )
    why = resolve.trouble()
    if why is None:
        return Finding("DaVinci Resolve", "ok", "answers: recipes may name it as executor")
    return Finding("DaVinci Resolve", "warning", why)


def _rights() -> Finding:
    if os.geteuid() == 0:
        return Finding("rights", "ok", "root: drives can be mounted, ejected and identified in full")
    return Finding(
        "rights",
        "ok",
        "an ordinary user: everything works but mounting; some drives are known by less evidence",
    )


def _mount_table() -> Finding:
    try:
        count = len(mounts.read())
    except (OSError, RushesError) as error:
        return Finding("mounts", "problem", f"the mount table cannot be read: {error}")
    if platforms.system().name == "macOS":
        return Finding(
            "mounts",
            "warning",
            f"{count} mounts; a change is noticed within seconds. Drives are read as the manuals of macOS"
            " say, which was not proven on a Mac: look twice before you trust what is said of a drive",
        )
    return Finding("mounts", "ok", f"{count} mounts; a change is noticed at once")


def _settings() -> Finding:
    folder = config.config_folder()
    try:
        config.open_config().close()
    except RushesError as error:
        return Finding(
            "settings", "problem", str(error), "export RUSHES_CONFIG=/a/folder/that/can/be/written"
        )
    return Finding("settings", "ok", display(str(folder)))


def _library(library: Library) -> list[Finding]:
    findings = []
    if library.read_only:
        findings.append(
            Finding(
                "library",
                "warning",
                f"{display(str(library.folder))} is read-only: listings work, nothing else",
            )
        )
    else:
        findings.append(Finding("library", "ok", display(str(library.root))))
    mount = mounts.locate(mounts.read(), str(library.folder))
    if mount is not None and mount.is_network:
        findings.append(
            Finding(
                "catalogue",
                "warning",
                f"{display(str(library.folder))} is on a network file system; SQLite needs a local disk",
                "make it anew: rushes init PATH --cache-root LOCAL_FOLDER",
            )
        )
    hours = _rescan_hours()
    later = f"it is looked through every {hours} hours" if hours else "it is looked through when you say so"
    findings += [
        Finding(
            f"drive {display(name)}",
            "ok",
            f"what others change on it is not noticed at once ({reason}); {later}: volumes.rescan_hours",
        )
        for name, reason in unwatched(library.db()).items()
    ]
    running = process.status(library).running
    findings.append(Finding("engine", "ok", "running" if running else "not running; started when needed"))
    return findings


def _rescan_hours() -> int:
    settings = config.open_config()
    try:
        return int(config.get(settings, "volumes.rescan_hours"))
    finally:
        settings.close()
