"""Speaks to DaVinci Resolve Studio through its own scripting module. Runs as a child process of its own.

The module loads a library of the vendor's; whatever that does, the engine
goes on. The order is a JSON file; every line on standard output is a JSON
object: ``percent`` while it renders, then ``done`` or ``error``.
"""

from __future__ import annotations

import importlib
import json
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

_POLL_SECONDS = 0.5
_DONE = "complete"


class Unable(Exception):
    """Resolve cannot do what is asked; the text is a sentence."""


def say(**words: Any) -> None:
    """Print one line for the parent."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def connect(module: Any) -> Any:
    """The running Resolve.

    Raises:
        Unable: it does not run, or is not the Studio edition, which alone can be scripted from outside.
    """
    resolve = module.scriptapp("Resolve")
    if resolve is None:
        raise Unable(
            "DaVinci Resolve Studio does not answer: start it, and allow external scripting for this machine "
            "in its preferences (System, General). The free edition cannot be scripted from outside."
        )
    return resolve


def render(
    resolve: Any,
    order: Mapping[str, Any],
    report: Callable[[float], None],
    stopped: Callable[[], bool],
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Make a project, import the timeline, render it, remove the project.

    Args:
        resolve: the running program.
        order: ``project``, ``timeline`` (file), ``folder``, ``name`` (without ending), ``container``,
            ``codec`` (as :func:`.resolve.codec_of` names it), ``width``, ``height``, ``fps``.
        report: gets how far it is, 0 to 100.
        stopped: whether the operator wants it to end.
        pause: waits; tests give another.

    Raises:
        Unable: with what Resolve refused.
    """
    manager = resolve.GetProjectManager()
    project = manager.CreateProject(order["project"])
    if project is None:
        raise Unable("DaVinci Resolve makes no project for the export; is another dialog of it open?")
    try:
        _render(project, order, report, stopped, pause)
    finally:
        manager.CloseProject(project)
        manager.DeleteProject(order["project"])


def _render(
    project: Any,
    order: Mapping[str, Any],
    report: Callable[[float], None],
    stopped: Callable[[], bool],
    pause: Callable[[float], None],
) -> None:
    project.SetSetting("timelineFrameRate", str(order["fps"]))
    project.SetSetting("timelineResolutionWidth", str(order["width"]))
    project.SetSetting("timelineResolutionHeight", str(order["height"]))
    timeline = project.GetMediaPool().ImportTimelineFromFile(order["timeline"], {"importSourceClips": True})
    if timeline is None:
        raise Unable("DaVinci Resolve cannot import the timeline; can it see the clips' drives?")
    project.SetCurrentTimeline(timeline)
    codec = _codec(project, str(order["container"]), str(order["codec"]))
    if not project.SetCurrentRenderFormatAndCodec(order["container"], codec):
        raise Unable(f"DaVinci Resolve refuses {codec} in {order['container']}.")
    project.SetRenderSettings(
        {
            "SelectAllFrames": True,
            "TargetDir": order["folder"],
            "CustomName": order["name"],
            "UniqueFilenameStyle": 1,
            "ExportVideo": True,
            "ExportAudio": True,
            "FormatWidth": order["width"],
            "FormatHeight": order["height"],
            "FrameRate": float(order["fps"]),
        }
    )
    job = project.AddRenderJob()
    if not job or not project.StartRendering(job):
        raise Unable("DaVinci Resolve does not start to render.")
    while project.IsRenderingInProgress():
        if stopped():
            project.StopRendering()
            raise Unable("The export was stopped.")
        report(float(project.GetRenderJobStatus(job).get("CompletionPercentage", 0)))
        pause(_POLL_SECONDS)
    status = project.GetRenderJobStatus(job)
    project.DeleteRenderJob(job)
    if str(status.get("JobStatus", "")).lower() != _DONE:
        raise Unable(f"DaVinci Resolve could not render: {status.get('Error') or status.get('JobStatus')}.")
    report(100.0)


def _codec(project: Any, container: str, wanted: str) -> str:
    """Resolve's own name of a codec: its lists differ by version and machine."""
    offered: dict[str, str] = project.GetRenderCodecs(container) or {}
    for told, name in offered.items():
        if _plain(wanted) in (_plain(told), _plain(name)) or _plain(told).endswith(_plain(wanted)):
            return name
    known = ", ".join(offered) or "none"
    raise Unable(f"This DaVinci Resolve has no {wanted} for {container}; it offers: {known}.")


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def main(arguments: list[str]) -> int:
    """``FOLDER_OF_THE_MODULE [ORDER]``; without an order it is only asked whether it answers."""
    stop = False

    def on_signal(_number: int, _frame: object) -> None:
        nonlocal stop
        stop = True

    signal.signal(signal.SIGTERM, on_signal)
    sys.path.insert(0, arguments[0])
    try:
        resolve = connect(importlib.import_module("DaVinciResolveScript"))
        if len(arguments) > 1:
            with open(arguments[1], encoding="utf-8") as file:
                order = json.load(file)
            render(resolve, order, lambda percent: say(percent=percent), lambda: stop)
        say(done=True, version=str(resolve.GetVersionString()))
    except Unable as error:
        say(error=str(error))
        return 1
    except (ImportError, OSError, AttributeError, TypeError) as error:
        say(error=f"The scripting module of DaVinci Resolve does not work: {error}.")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
