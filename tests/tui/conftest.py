"""Snapshots in snapshots/ at the root; frozen time; no blinking; UTC."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_textual_snapshot
from textual.widgets import Input

from tests.tui.fakes import NOW, FakeDesk, Ticks
from tui.app import RushesApp
from tui.looks import UNICODE
from tui.runner import InlineRunner
from tui.timing import Pace

ROOT = Path(__file__).parents[2]


def _dirname(cls: type, *, test_location: Any) -> str:
    del cls
    return str(ROOT / "snapshots" / test_location.basename)


pytest_textual_snapshot.SVGImageExtension.dirname = classmethod(_dirname)


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    monkeypatch.setenv("TZ", "UTC")
    for name in ("RUSHES_THEME", "RUSHES_GLYPHS", "RUSHES_PICTURES", "TERM"):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def make_app(ticks: Ticks) -> Callable[..., RushesApp]:
    """An app over a fake desk: no timers, verbs at once, dark theme."""

    def make(desk: FakeDesk, place: str = "volumes", **options: Any) -> RushesApp:
        pace = Pace(now=lambda: NOW, monotonic=ticks, poll_seconds=None, filter_seconds=0, guard=False)
        return RushesApp(
            desk,
            place=place,
            pace=pace,
            runner=options.pop("runner", None) or InlineRunner(),
            glyphs=options.pop("glyphs", UNICODE),
            theme=options.pop("theme", "rushes-dark"),
        )

    return make
