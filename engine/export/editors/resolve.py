"""DaVinci Resolve Studio as an executor: found where its maker puts it, explained when absent, never needed.

The film is handed over as a timeline; Resolve renders it in one piece, without
checkpoints. What comes back is verified like every other file.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import Any

from engine.errors import RushesError
from engine.export.recipes import dnxhd
from engine.media import child
from engine.media.ffmpeg import FfmpegFailed
from engine.names import display

MODULE = "DaVinciResolveScript.py"

_PLACES = (
    ("/opt/resolve/Developer/Scripting", "/opt/resolve/libs/Fusion/fusionscript.so"),
    ("/home/resolve/Developer/Scripting", "/home/resolve/libs/Fusion/fusionscript.so"),
    (
        "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting",
        "/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents/Libraries/Fusion/fusionscript.so",
    ),
)
"""Scripting folder and library by the README of Resolve's developer folder; ``RESOLVE_SCRIPT_API`` and
``RESOLVE_SCRIPT_LIB`` name others."""

_ASK_SECONDS = 20.0
_GRACE_SECONDS = 10.0
_POLL_SECONDS = 0.2

_PRORES = {"0": "Apple ProRes 422 Proxy", "1": "Apple ProRes 422 LT", "2": "Apple ProRes 422"}
_PRORES |= {"3": "Apple ProRes 422 HQ", "4": "Apple ProRes 4444", "5": "Apple ProRes 4444 XQ"}
_OTHERS = {"libx264": "H.264", "libx265": "H.265"}
_MISSING = (
    "DaVinci Resolve Studio is not on this machine: its scripting module was looked for in {places}. "
    "Install it, set RESOLVE_SCRIPT_API, or give the recipe the executor ffmpeg."
)


def folder() -> tuple[str, str] | None:
    """Folder of the scripting module, and the library that it loads; None when there is none."""
    given = os.environ.get("RESOLVE_SCRIPT_API")
    places = [(given, os.environ.get("RESOLVE_SCRIPT_LIB", _PLACES[0][1]))] if given else []
    for api, library in (*places, *_PLACES):
        modules = os.path.join(api, "Modules")
        if os.path.isfile(os.path.join(modules, MODULE)):
            return modules, library
    return None


def absent() -> str | None:
    """Why Resolve cannot be on this machine, as a sentence; None when it is installed. At once."""
    return _MISSING.format(places=", ".join(api for api, _ in _PLACES)) if folder() is None else None


def trouble() -> str | None:
    """Why Resolve cannot render now, as a sentence; None when it answers. Takes up to 20 s."""
    found = folder()
    if found is None:
        return absent()
    said = _last(child.run(_command(found), seconds=_ASK_SECONDS).out.decode("utf-8", "replace"))
    if said.get("done"):
        return None
    return str(said.get("error") or f"DaVinci Resolve does not answer within {_ASK_SECONDS:.0f} s.")


def fitting_problems(spec: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """What a recipe asks for that Resolve cannot be told, as sentences."""
    found = []
    lost = [name for name in ("lut", "burn_in", "title", "loudness") if spec[name]]
    lost += [name for name in ("burn_in", "loudness", "filters") if body.get(name)]
    if lost:
        found.append(
            f"A timeline for DaVinci Resolve does not carry {', '.join(dict.fromkeys(lost))}. "
            "Take that out, or give the recipe the executor ffmpeg."
        )
    if spec["layout"] != "joined":
        found.append("DaVinci Resolve renders films, not one file per clip. Make the recipe's layout joined.")
    if codec_of(body) is None:
        found.append("DaVinci Resolve gets ProRes, DNxHR, H.264 and H.265 only. Choose such a preset.")
    if spec["verify"] == "quality":
        found.append("Quality is measured on segments, and DaVinci Resolve makes none. Verify by decode.")
    return found


def codec_of(body: Mapping[str, Any]) -> str | None:
    """Resolve's name of a preset's picture codec; None when it has none."""
    video = body["video"]
    if video is None or dnxhd.asked_for(video):
        return None
    profile = str(video.get("profile") or "")
    if video["codec"] == "prores_ks":
        return _PRORES.get(profile)
    if video["codec"] == "dnxhd" and profile.startswith("dnxhr_"):
        return f"DNxHR {profile[6:].upper()}"
    return _OTHERS.get(video["codec"])


def render(
    order: Mapping[str, Any],
    order_file: str,
    check: Callable[[], None],
    on_percent: Callable[[float], None],
    stall_seconds: float,
) -> None:
    """Have Resolve render an order, see :func:`engine.export.editors.resolve_worker.render`. Blocks.

    Args:
        order: what to render.
        order_file: a file of our own that is written and removed.
        check: called a few times a second; whatever it raises stops Resolve and is raised here.
        on_percent: gets how far it is.
        stall_seconds: longest time without a higher percentage.

    Raises:
        FfmpegFailed: Resolve is not there, refuses, or makes no progress.
    """
    found = folder()
    if found is None:
        raise FfmpegFailed("tool_missing", trouble() or "DaVinci Resolve is not there.")
    with open(order_file, "w", encoding="utf-8") as file:
        json.dump(dict(order), file)
    process = subprocess.Popen(
        [*_command(found), order_file],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=child.environment(),
    )
    lines: SimpleQueue[bytes | None] = SimpleQueue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        _follow(lines, check, on_percent, stall_seconds)
    finally:
        _end(process)
        reader.join()
        os.unlink(order_file)


def _command(found: tuple[str, str]) -> list[str]:
    modules, library = found
    os.environ.setdefault("RESOLVE_SCRIPT_API", os.path.dirname(modules))
    os.environ.setdefault("RESOLVE_SCRIPT_LIB", library)
    return [sys.executable, "-m", "engine.export.editors.resolve_worker", modules]


def _follow(
    lines: SimpleQueue[bytes | None],
    check: Callable[[], None],
    on_percent: Callable[[float], None],
    stall_seconds: float,
) -> None:
    best, since = -1.0, time.monotonic()
    while True:
        check()
        try:
            line = lines.get(timeout=_POLL_SECONDS)
        except Empty:
            if time.monotonic() - since > stall_seconds:
                raise FfmpegFailed(
                    "stalled", f"DaVinci Resolve made no progress for {stall_seconds:.0f} s and was ended."
                ) from None
            continue
        said = (
            {"error": "It ended without a word."} if line is None else _last(line.decode("utf-8", "replace"))
        )
        if said.get("done"):
            return
        if "error" in said:
            raise FfmpegFailed("encoding_error", f"DaVinci Resolve: {display(str(said['error']))}")
        if float(said.get("percent", -1)) > best:
            best, since = float(said["percent"]), time.monotonic()
            on_percent(best)


def _read(pipe: Any, lines: SimpleQueue[bytes | None]) -> None:
    with pipe:
        for line in pipe:
            lines.put(line)
    lines.put(None)


def _last(text: str) -> dict[str, Any]:
    """The last JSON object among lines; the vendor's library may print things of its own."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found = value
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the child to stop Resolve's render, then end it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def made_file(folder_path: str, name: str) -> str:
    """The file that Resolve wrote: it chooses the ending.

    Raises:
        RushesError: there is none.
    """
    found = [entry for entry in os.listdir(folder_path) if entry.startswith(f"{name}.")]
    if len(found) != 1:
        raise RushesError("DaVinci Resolve says that it is done, but its file is not there.")
    return os.path.join(folder_path, found[0])
