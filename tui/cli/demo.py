"""``rushes demo``: a whole day on set with generated footage."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from types import FrameType
from typing import Any

import click

from tui.cli import options, output

PAUSE_SECONDS = 4.0
"""Between the scenes on the screen, so that the eye can follow."""


@click.command()
@click.option("--headless", is_flag=True, help="Print each step with its proof; no screens.")
@click.option(
    "--keep", metavar="DIR", help="Play in DIR, an empty or new folder, and leave everything there."
)
@options.without_library("Headless, with one JSON document.")
def demo(headless: bool, keep: str | None, as_json: bool) -> int:
    """Play a whole day on set: ingest, unplug, remount, relink, export.

    In a terminal the screens open on the demo's library while the day runs.
    """
    from engine.errors import Refused

    folder = os.path.abspath(keep) if keep else tempfile.mkdtemp(prefix="rushes-demo-")
    if keep:
        if os.path.isdir(folder) and os.listdir(folder):
            raise Refused(
                f"{output.shown(folder)} is not empty. Give an empty or new folder; nothing was changed."
            )
        os.makedirs(folder, exist_ok=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)  # a closed terminal leaves neither mounts nor files behind
    # A demo's library, presets and settings are its own: nothing is left in the user's.
    os.environ["RUSHES_CONFIG"] = os.path.join(folder, "config")
    on_screen = not (headless or as_json) and sys.stdin.isatty() and sys.stderr.isatty()
    return _on_screen(folder, bool(keep)) if on_screen else _headless(folder, bool(keep), as_json)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _headless(folder: str, keep: bool, as_json: bool) -> int:
    from engine.demo.day import Day, DemoFailed, remove
    from engine.demo.drives import Drives

    began = time.monotonic()
    steps: list[dict[str, Any]] = []

    def tell(step: Any) -> None:
        steps.append(
            {
                "step": step.number,
                "title": step.title,
                "proof": list(step.proof),
                "seconds": round(step.seconds, 2),
            }
        )
        if not as_json:
            output.say(f"{step.number}. {step.title}  ({step.seconds:.1f} s)")
            for line in step.proof:
                output.say(f"     {output.shown(line)}")

    day = Day(folder, tell, lambda title: output.complain(f"   ... {title}") if not as_json else None)
    error: str | None = None
    try:
        library = day.open()
        with Drives(library, folder, ("A", "B"), keep=keep) as drives:
            day.play(drives)
    except DemoFailed as failed:
        error = str(failed)
    finally:
        if not keep:
            remove(folder)
    seconds = time.monotonic() - began
    if as_json:
        output.document({"ok": error is None, "seconds": round(seconds, 1), "steps": steps, "error": error})
    elif error is None:
        output.say(f"The day is done in {seconds:.0f} s: all {len(steps)} steps proven.")
        if keep:
            output.say(_how_to_go_on(folder))
    if error is not None:
        output.complain(output.shown(error))
    return 0 if error is None else 1


def _on_screen(folder: str, keep: bool) -> int:
    from engine.demo.day import Day, remove
    from engine.demo.drives import Drives
    from engine.errors import RushesError
    from tui.cli.screen import build

    notes: list[str] = []
    day = Day(
        folder,
        lambda step: notes.append(f"{step.number}. {step.title}: {step.proof[-1]}"),
        lambda title: notes.append(f"now: {title}"),
    )
    library = day.open()
    left = threading.Event()
    desk, app = build(library)

    def play() -> None:
        try:
            with Drives(library, folder, ("A", "B"), keep=keep) as drives:
                day.play(drives, PAUSE_SECONDS)
                if not left.is_set():
                    notes.append("The day is done. Look around; q leaves.")
                    desk.note(notes)
                    left.wait()
        except RushesError as error:
            notes.append(f"The demo stopped: {error}")
        desk.note(notes)

    watching = threading.Thread(target=_follow, args=(desk, notes, left), daemon=True)
    playing = threading.Thread(target=play, name="demo")
    playing.start()
    watching.start()
    try:
        app.run(mouse=False)
    finally:
        day.stop()
        left.set()
        output.complain("Leaving the demo: the step in hand ends, drives are unmounted ...")
        playing.join()
        if not keep:
            remove(folder)
    if keep:
        output.say(_how_to_go_on(folder))
    return 0


def _follow(desk: Any, notes: list[str], left: threading.Event) -> None:
    """Hand the newest notes to the screen."""
    while not left.wait(0.2):
        desk.note(list(notes))


def _how_to_go_on(folder: str) -> str:
    import shlex

    place = shlex.quote(folder)
    return (
        f"Everything is left in {output.shown(folder)}. Look at it with:\n"
        f"  RUSHES_CONFIG={place}/config rushes --library {place}/library"
    )
