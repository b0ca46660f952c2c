"""A terminal without Unicode gets none: no border, no scroll bar, no sign."""

from collections.abc import Callable

import pytest

from tests.tui.fakes import busy_desk
from tui.app import RushesApp
from tui.looks import ASCII, UNICODE

NAME = "東京"
"""In names of files; those are shown as they are."""


def _drawn(app: RushesApp) -> str:
    strips = app.screen._compositor.render_strips(app.screen.size)
    text = "\n".join(strip.text for strip in strips)
    return text.replace(NAME, "")


@pytest.mark.parametrize("place", ["volumes", "ingest", "exports", "relink", "clips"])
@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_lists_their_detail_and_dialogs(
    make_app: Callable[..., RushesApp], place: str, size: tuple[int, int]
) -> None:
    app = make_app(busy_desk(), place, glyphs=ASCII)
    async with app.run_test(size=size) as pilot:
        for keys in ((), ("tab",), ("question_mark",), ("escape", "colon"), ("escape", "Q")):
            await pilot.press(*keys)
            await pilot.pause()
            drawn = _drawn(app)
            assert drawn.isascii(), (keys, [line for line in drawn.splitlines() if not line.isascii()])
        assert "+--" in drawn, "a dialog has a border"


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_forms(make_app: Callable[..., RushesApp], size: tuple[int, int]) -> None:
    app = make_app(busy_desk(), "exports", glyphs=ASCII)
    async with app.run_test(size=size) as pilot:
        for keys in (("e", "enter"), ("j",), ("question_mark",), ("escape", "escape", "P", "enter")):
            await pilot.press(*keys)
            await pilot.pause()
            drawn = _drawn(app)
            assert drawn.isascii(), (keys, [line for line in drawn.splitlines() if not line.isascii()])


async def test_messages(make_app: Callable[..., RushesApp]) -> None:
    app = make_app(busy_desk(), "exports", glyphs=ASCII)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        for severity in ("information", "warning", "error"):
            app.tell("It is said.", severity)
        await pilot.pause()
        drawn = _drawn(app)
        assert drawn.count("It is said.") == 3
        assert drawn.isascii(), [line for line in drawn.splitlines() if not line.isascii()]


async def test_signs_are_changed_while_the_screen_is_open(make_app: Callable[..., RushesApp]) -> None:
    app = make_app(busy_desk(), "exports", glyphs=UNICODE)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("Q")
        assert not _drawn(app).isascii()
        app.use_glyphs(ASCII)
        await pilot.pause()
        assert _drawn(app).isascii()
        app.use_glyphs(UNICODE)
        await pilot.pause()
        assert not _drawn(app).isascii()
