"""Pictures of the copies of a clip, of what lies twice, and of the trash."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.fakes import FakeDesk, busy_desk, volume
from tests.tui.test_snapshots import press, size
from tui.app import RushesApp

MakeApp = Callable[..., RushesApp]
Snap = Callable[..., bool]

WAYS = {"copies": ("5", "enter"), "twice": ("5", "D"), "bin": ("5", "T")}


@pytest.mark.parametrize("place", WAYS)
@size
def test_place(snap_compare: Snap, make_app: MakeApp, place: str, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=press(*WAYS[place]))


@pytest.mark.parametrize("place", ["twice", "bin"])
def test_place_empty(snap_compare: Snap, make_app: MakeApp, place: str) -> None:
    desk = FakeDesk(volumes=[volume("nas", name="NAS")])
    assert snap_compare(make_app(desk), terminal_size=(80, 24), run_before=press(*WAYS[place]))


@pytest.mark.parametrize("verb", ["x", "c"])
def test_it_asks(snap_compare: Snap, make_app: MakeApp, verb: str) -> None:
    before = press("5", "enter", verb)
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=before)
