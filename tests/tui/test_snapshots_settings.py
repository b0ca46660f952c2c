"""Pictures of the settings, and of a value that is typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.fakes import busy_desk
from tests.tui.test_snapshots import press, size
from tui.app import RushesApp
from tui.looks import ASCII

MakeApp = Callable[..., RushesApp]
Snap = Callable[..., bool]


@size
def test_settings(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=press("0", "j", "j"))


def test_settings_without_colour(
    snap_compare: Snap, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(busy_desk(), theme="ansi-dark", glyphs=ASCII)
    assert snap_compare(app, terminal_size=(80, 24), run_before=press("0", "j", "j"))


def test_a_value_that_is_wrong(snap_compare: Snap, make_app: MakeApp) -> None:
    before = press("0", "j", "j", "enter", "1", "2")
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=before)


def test_a_word_to_choose(snap_compare: Snap, make_app: MakeApp) -> None:
    before = press("0", "j", "enter")
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=before)


def test_the_options_of_a_scan(snap_compare: Snap, make_app: MakeApp) -> None:
    before = press("4", "n", *"/mnt/B", "ctrl+n", "space", "j", "space", "j")
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=before)
