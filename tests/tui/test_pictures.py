"""Pictures of half blocks: what they look like, and where there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from rich.console import ColorSystem
from textual.app import ComposeResult
from textual.screen import Screen

from tests.tui.fakes import FakeDesk
from tui import pictures
from tui.app import RushesApp
from tui.looks import ASCII
from tui.widgets.picture import Picture

MakeApp = Callable[..., RushesApp]


@pytest.fixture
def flag(tmp_path: Path) -> str:
    """Red above, blue below, 64 x 32."""
    image = Image.new("RGB", (64, 32), (255, 0, 0))
    image.paste((0, 0, 255), (0, 16, 64, 32))
    image.save(tmp_path / "flag.png")
    return str(tmp_path / "flag.png")


def test_two_pixels_share_a_cell_and_neighbours_a_piece(flag: str) -> None:
    assert pictures.half_blocks(flag, 4, 4) == ((("▀▀▀▀", "#ff0000,#0000ff"),),)


@pytest.mark.parametrize(("width", "height", "size"), [(32, 9, (32, 8)), (32, 4, (16, 4)), (8, 9, (8, 2))])
def test_the_shape_is_kept(flag: str, width: int, height: int, size: tuple[int, int]) -> None:
    lines = pictures.half_blocks(flag, width, height)
    assert (sum(len(text) for text, _ in lines[0]), len(lines)) == size


def test_what_is_no_picture_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    for name in ("text.jpg", "empty.jpg", "gone.jpg", "\0"):
        assert pictures.half_blocks(str(tmp_path / name), 8, 8) == ()


def test_a_file_that_changed_is_read_again(flag: str) -> None:
    before = pictures.half_blocks(flag, 8, 8)
    Image.new("RGB", (64, 32), (0, 255, 0)).save(flag)
    assert pictures.half_blocks(flag, 8, 8) != before


class Frame(Screen[None]):
    def compose(self) -> ComposeResult:
        yield Picture(8, 4)


@pytest.mark.parametrize(
    ("options", "shown"), [({}, True), ({"theme": "ansi-dark"}, False), ({"glyphs": ASCII}, False)]
)
async def test_it_takes_room_only_where_it_can_be_shown(
    make_app: MakeApp, flag: str, options: dict[str, object], shown: bool
) -> None:
    app = make_app(FakeDesk(), **options)
    async with app.run_test(size=(80, 24)) as pilot:
        app.console._color_system = ColorSystem.TRUECOLOR
        await app.push_screen(Frame())
        picture = app.screen.query_one(Picture)
        picture.show(flag)
        await pilot.pause()
        assert picture.display == shown
        assert picture.size.height == (2 if shown else 0)
        picture.show(None)
        await pilot.pause()
        assert not picture.display
