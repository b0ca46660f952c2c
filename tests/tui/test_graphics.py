"""Real pictures by the kitty protocol: what is sent, when, and to whom."""

from __future__ import annotations

import base64
import fcntl
import io
import os
import random
import re
import signal
import struct
import termios
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from rich.cells import cell_len
from rich.color import Color, ColorSystem
from textual.app import ComposeResult
from textual.color import Color as Tint
from textual.screen import Screen

from tests.tui.fakes import FakeDesk
from tests.tui.in_pty import Screen as Terminal
from tui import graphics, pictures
from tui.app import RushesApp
from tui.graphics import DIACRITICS, KEPT, PLACEHOLDER, SLOTS, Album, Sheet
from tui.looks import ASCII, choose_pictures
from tui.screens.thumbs import Thumbs
from tui.widgets.picture import Picture

MakeApp = Callable[..., RushesApp]

APC = re.compile(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\")
WIRE = 20_000


def commands(sent: str) -> list[tuple[dict[str, str], str]]:
    """The graphics commands in what was sent: keys and data."""
    return [(dict(part.split("=") for part in keys.split(",")), data) for keys, data in APC.findall(sent)]


def image_of(sent: str) -> Image.Image:
    """The one picture in what was sent, decoded."""
    return Image.open(
        io.BytesIO(base64.b64decode("".join(data for _, data in commands(sent)), validate=True))
    )


@pytest.fixture
def noise(tmp_path: Path) -> str:
    """A picture that no compression helps, 640 x 360."""
    image = Image.frombytes("RGB", (640, 360), random.Random(7).randbytes(640 * 360 * 3))
    image.save(tmp_path / "noise.png")
    return str(tmp_path / "noise.png")


def sheet(number: int = 0, columns: int = 4, rows: int = 2) -> Sheet:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), (number, 0, 0)).save(made, "PNG")
    return Sheet(made.getvalue(), columns, rows)


# -- what is sent ---------------------------------------------------------------------
def test_the_diacritics_are_those_that_the_protocol_lists() -> None:
    # Its rule: combining class 230, no decomposition, and none that melts into a letter.
    melting = {0x306, 0x307, 0x308, 0x309, 0x30A, 0x30B, 0x30C, 0x30F, 0x311, 0x313, 0x314, 0x342}
    wanted = [
        chr(code)
        for code in range(0x305, 0x5B0)
        if unicodedata.combining(chr(code)) == 230
        and not unicodedata.decomposition(chr(code))
        and code not in melting
        and unicodedata.category(chr(code)) == "Mn"
    ]
    # What Unicode has added since 6.0, from which the list was made, is not in it.
    assert list(DIACRITICS) == [char for char in wanted if char in DIACRITICS]
    assert len(set(DIACRITICS)) == len(DIACRITICS) == 48
    assert [ord(char) for char in DIACRITICS[:6]] == [0x305, 0x30D, 0x30E, 0x310, 0x312, 0x33D]
    assert ord(DIACRITICS[47]) == 0x5A1


def test_every_cell_says_its_row_and_column() -> None:
    lines = graphics.placeholders(3, 2, "#00ff00")
    assert lines == (
        (("\U0010eeee\u0305\u0305\U0010eeee\u0305\u030d\U0010eeee\u0305\u030e", "#00ff00"),),
        (("\U0010eeee\u030d\u0305\U0010eeee\u030d\u030d\U0010eeee\u030d\u030e", "#00ff00"),),
    )
    assert [cell_len(text) for ((text, _),) in lines] == [3, 3]


@pytest.mark.parametrize("size", [1, 3071, 3072, 3073, 6144, 14_700])
def test_the_data_is_cut_into_chunks(size: int) -> None:
    data = random.Random(size).randbytes(size)
    sent = graphics.transmission(Sheet(data, 28, 8), 255)
    assert APC.sub("", sent) == "", "nothing but graphics commands"
    found = commands(sent)
    assert found[0][0] == {
        "a": "T", "U": "1", "q": "2", "f": "100", "i": "255", "c": "28", "r": "8",
        "m": "0" if len(found) == 1 else "1",
    }  # fmt: skip
    assert all(set(keys) == {"q", "m"} and keys["q"] == "2" for keys, _ in found[1:])
    assert [keys["m"] for keys, _ in found] == ["1"] * (len(found) - 1) + ["0"]
    assert all(len(part) <= 4096 for _, part in found)
    assert all(len(part) % 4 == 0 for _, part in found)
    assert base64.b64decode("".join(part for _, part in found)) == data
    assert len(sent) < WIRE


@pytest.mark.parametrize("number", range(len(SLOTS)))
def test_a_colour_reaches_the_terminal_as_the_number(number: int) -> None:
    eight, colour = SLOTS[number]
    assert Color.parse(colour).downgrade(ColorSystem.EIGHT_BIT).number == eight
    numbers = {one for one, _ in SLOTS}
    for back in ("#15181c", "#f7f8f9", "#000000"):  # the tint of a dialog above
        tinted = (Tint.parse(colour) + Tint.parse(back).with_alpha(0.6)).rich_color
        assert tinted.downgrade(ColorSystem.EIGHT_BIT).number not in numbers
        assert tinted.name not in {one for _, one in SLOTS}


# -- how large ------------------------------------------------------------------------
def test_a_picture_fills_its_cells_and_keeps_its_shape(tmp_path: Path) -> None:
    Image.new("RGB", (640, 360), (200, 30, 30)).save(tmp_path / "a.jpg")
    made = pictures.drawn(str(tmp_path / "a.jpg"), 28, 8, "kitty")
    assert isinstance(made, Sheet)
    assert (made.columns, made.rows) == (28, 8)  # of 10 x 20 pixels each
    with Image.open(io.BytesIO(made.png)) as image:
        assert image.size == (280, 158)
        assert image.convert("RGB").getpixel((5, 5)) == pytest.approx((200, 30, 30), abs=4)


def test_a_small_file_is_not_blown_up(tmp_path: Path) -> None:
    Image.new("RGB", (64, 36)).save(tmp_path / "a.png")
    made = pictures.drawn(str(tmp_path / "a.png"), 28, 8, "kitty")
    assert isinstance(made, Sheet)
    assert Image.open(io.BytesIO(made.png)).size == (64, 36)
    assert (made.columns, made.rows) == (28, 8)


def test_the_worst_picture_stays_below_its_budget(noise: str) -> None:
    made = pictures.drawn(noise, 36, 9, "kitty")
    assert isinstance(made, Sheet)
    assert len(graphics.transmission(made, SLOTS[-1][0])) < WIRE
    assert Image.open(io.BytesIO(made.png)).width > 60


def test_what_is_no_picture_is_none(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    for name in ("text.jpg", "gone.jpg", "\0"):
        assert pictures.drawn(str(tmp_path / name), 8, 8, "kitty") == ()


@pytest.mark.parametrize(
    ("size", "cell"),
    [
        ((40, 120, 1440, 840), (12, 21)),
        ((40, 120, 0, 0), (10, 20)),
        ((40, 120, 60000, 60000), (10, 20)),
        ((0, 0, 900, 900), (10, 20)),
    ],
)
def test_the_terminal_says_how_large_a_cell_is(
    size: tuple[int, int, int, int], cell: tuple[int, int]
) -> None:
    master, slave = os.openpty()
    try:
        assert graphics.cell_size(slave) == (10, 20)
        # rows, columns, then width and height in pixels
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[0], size[1], size[2], size[3]))
        assert graphics.cell_size(slave) == cell
    finally:
        os.close(master)
        os.close(slave)


# -- who gets them --------------------------------------------------------------------
@pytest.mark.parametrize(
    ("env", "kind"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-ghostty", "SSH_CONNECTION": "a b c d"}, "kitty"),
        ({}, "blocks"),
        ({"TERM": "xterm-256color"}, "blocks"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "blocks"),
        ({"TERM": "xterm-256color", "GHOSTTY_RESOURCES_DIR": "/x"}, "blocks"),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, "blocks"),
        ({"TERM": "screen.xterm-kitty"}, "blocks"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, "blocks"),
        ({"TERM": "xterm-kitty", "STY": "1.pts-0"}, "blocks"),
        ({"TERM": "xterm-kitty", "RUSHES_PICTURES": "auto"}, "kitty"),
        ({"TERM": "xterm-kitty", "RUSHES_PICTURES": "blocks"}, "blocks"),
        ({"TERM": "xterm-kitty", "RUSHES_PICTURES": "none"}, "none"),
        ({"TERM": "xterm-256color", "RUSHES_PICTURES": "Kitty"}, "kitty"),
        ({"TERM": "xterm-kitty", "RUSHES_PICTURES": "no such"}, "kitty"),
    ],
)
def test_only_a_terminal_that_is_known_to_have_them_gets_them(env: dict[str, str], kind: str) -> None:
    assert choose_pictures(env) == kind


# -- what the terminal keeps ------------------------------------------------------------
class Owner:
    """Shows one picture."""


def test_a_picture_is_sent_once() -> None:
    sent: list[str] = []
    album, one, two = Album(sent.append, lambda: False), Owner(), Owner()
    lines = album.place(one, sheet())
    assert album.place(one, sheet()) == album.place(two, sheet()) == lines
    assert len(sent) == 1
    assert commands(sent[0])[0][0]["i"] == str(SLOTS[0][0])
    assert lines == graphics.placeholders(4, 2, SLOTS[0][1])


def test_the_number_is_the_whole_colour_where_it_leaves_whole() -> None:
    sent: list[str] = []
    lines = Album(sent.append, lambda: True).place(Owner(), sheet())
    assert int(commands(sent[0])[0][0]["i"]) == int(lines[0][0][1][1:], 16)


def test_the_longest_unseen_makes_room_and_what_is_shown_stays() -> None:
    sent: list[str] = []
    album, shown, passing = Album(sent.append, lambda: False), Owner(), Owner()
    kept = album.place(shown, sheet(0))
    for number in range(1, KEPT + 3):
        assert album.place(passing, sheet(number))
    found = [keys for text in sent for keys, _ in commands(text)]
    gone = [keys["i"] for keys in found if keys.get("a") == "d"]
    assert all(keys["d"] == "I" for keys in found if keys.get("a") == "d"), "the data goes too"
    assert gone == [str(SLOTS[1][0]), str(SLOTS[2][0]), str(SLOTS[3][0])]
    before = len(sent)
    assert album.place(shown, sheet(0)) == kept
    assert len(sent) == before


def test_a_picture_that_is_shown_again_is_not_the_oldest() -> None:
    sent: list[str] = []
    album, owner = Album(sent.append, lambda: False), Owner()
    for number in (*range(KEPT), 0, KEPT):
        album.place(owner, sheet(number))
    gone = [keys["i"] for text in sent for keys, _ in commands(text) if keys.get("a") == "d"]
    assert gone == [str(SLOTS[1][0])]


def test_where_all_are_shown_one_more_is_none() -> None:
    album, owners = Album(lambda _: None, lambda: False), [Owner() for _ in range(KEPT + 1)]
    placed = [album.place(owner, sheet(number)) for number, owner in enumerate(owners)]
    assert [bool(lines) for lines in placed] == [True] * KEPT + [False]
    assert len({lines[0][0][1] for lines in placed[:-1]}) == KEPT


def test_a_screen_that_comes_back_sends_what_it_shows() -> None:
    sent: list[str] = []
    album, shown, passing = Album(sent.append, lambda: False), Owner(), Owner()
    album.place(passing, sheet(1))
    album.place(shown, sheet(2))
    album.place(passing, ())
    sent.clear()
    album.leave()
    assert [keys["i"] for keys, _ in commands("".join(sent))] == [str(SLOTS[0][0]), str(SLOTS[1][0])]
    sent.clear()
    album.come_back()
    assert [keys["i"] for keys, _ in commands("".join(sent))] == [str(SLOTS[1][0])]


class Frame(Screen[None]):
    def compose(self) -> ComposeResult:
        yield Picture(8, 4)


@pytest.mark.parametrize(
    ("term", "options", "real"),
    [
        ("xterm-kitty", {}, True),
        ("xterm-256color", {}, False),
        ("xterm-kitty", {"theme": "ansi-dark"}, None),
        ("xterm-kitty", {"glyphs": ASCII}, None),
    ],
)
async def test_a_widget_shows_what_the_terminal_can(
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
    noise: str,
    term: str,
    options: dict[str, object],
    real: bool | None,
) -> None:
    monkeypatch.setenv("TERM", term)
    app = make_app(FakeDesk(), **options)
    async with app.run_test(size=(80, 24)) as pilot:
        app.console._color_system = ColorSystem.TRUECOLOR
        sent: list[str] = []
        monkeypatch.setattr(app.album, "_write", sent.append)
        await app.push_screen(Frame())
        picture = app.screen.query_one(Picture)
        picture.show(noise)
        await pilot.pause()
        text = "".join(text for line in picture.drawn for text, _ in line)
        assert (PLACEHOLDER in text, "▀" in text) == (real is True, real is False)
        assert bool(sent) == (real is True)
        app.exit()
        assert (commands(sent[-1])[-1][0]["a"] == "d") if real else not sent


async def test_a_detail_shows_it_among_its_lines(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, noise: str
) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    app = make_app(FakeDesk())
    async with app.run_test(size=(80, 24)):
        app.console._color_system = ColorSystem.TRUECOLOR
        sent: list[str] = []
        monkeypatch.setattr(app.album, "_write", sent.append)
        redrawn: list[bool] = []
        thumbs = Thumbs(app.screen, lambda: redrawn.append(True))
        assert thumbs.lines(noise) == []
        assert redrawn == [True]
        lines = thumbs.lines(noise)
        assert [cell_len("".join(text for text, _ in line.cell)) for line in lines] == [28] * 8 + [0]
        assert thumbs.lines(noise) == lines
        assert len(sent) == 1


# -- in a terminal ------------------------------------------------------------------------
SCRIPT = """
import sys
from tui import terminal
terminal.prepare()
from engine.api.desk import Desk
from engine.library import open_library
from tui.app import RushesApp
from tui.widgets.picture import Picture

async def on_ready(self):
    await self.screen.mount(Picture(20, 8), before="#body")
    self.screen.query_one(Picture).show(sys.argv[2])

def on_key(self, event):
    if event.key in ("f6", "f7"):
        self.screen.query_one(Picture).show(sys.argv[2] if event.key == "f7" else None)
    if event.key == "f8":
        self.exit()

RushesApp.on_ready, RushesApp.on_key = on_ready, on_key
RushesApp(Desk(open_library(sys.argv[1]))).run(mouse=False)
"""

HIDE, SHOW, LEAVE, SUSPEND = b"\x1b[17~", b"\x1b[18~", b"\x1b[19~", b"\x1a"


@pytest.fixture
def still(tmp_path: Path) -> str:
    """Red above, blue below, 640 x 320."""
    image = Image.new("RGB", (640, 320), (255, 0, 0))
    image.paste((0, 0, 255), (0, 160, 640, 320))
    image.save(tmp_path / "still.png")
    return str(tmp_path / "still.png")


def open_terminal(root: Path, still: str, **environment: str) -> Terminal:
    return Terminal(
        str(root), still, size=(80, 24), script=SCRIPT, pixels=(80 * 8, 24 * 16), environment=environment
    )


@pytest.mark.parametrize("colours", ["", "truecolor"], ids=["256 colours", "24 bits"])
def test_a_terminal_gets_the_picture_once_and_is_left_without_it(
    library: object, still: str, colours: str
) -> None:
    screen = open_terminal(library.root, still, TERM="xterm-kitty", COLORTERM=colours)  # type: ignore[attr-defined]
    try:
        screen.read_until(PLACEHOLDER.encode())
        screen.quiet()
        drawn = screen.seen.decode()
        found = commands(drawn)
        assert image_of(drawn).size == (160, 80)  # 20 x 5 cells of 8 x 16 pixels
        assert image_of(drawn).convert("RGB").getpixel((80, 10)) == (255, 0, 0)
        assert (found[0][0]["c"], found[0][0]["r"]) == ("20", "5")
        assert drawn.index("\x1b_G") < drawn.index(PLACEHOLDER), "the picture comes before its cells"
        number = int(found[0][0]["i"])
        sgr = f"38;2;{number >> 16};{number >> 8 & 255};{number & 255}" if colours else f"38;5;{number}"
        cells = re.findall(rf"\x1b\[[\d;]*{sgr}[\d;]*m((?:{PLACEHOLDER}..)+)", drawn)
        # The screen is laid out more than once at its start; each time it is the same cells.
        assert list(dict.fromkeys(cells)) == [text for ((text, _),) in graphics.placeholders(20, 5, "")]

        assert screen.read(1.2) == b"", "nothing changes, nothing is sent"
        screen.press(HIDE)
        screen.read(0.4)
        screen.seen = b""
        screen.press(SHOW)
        screen.read_until(PLACEHOLDER.encode())
        screen.quiet()
        assert b"\x1b_G" not in screen.seen, "the terminal has it already"
        screen.press(LEAVE)
        screen.process.wait(10)
        screen.read(0.3)
        last = screen.seen.decode()
        assert [keys for keys, _ in commands(last)] == [{"a": "d", "d": "I", "q": "2", "i": str(number)}]
        assert last.index("\x1b_G") < last.index("\x1b[?1049l"), "before the screen that has it is left"
    finally:
        screen.end()


def test_the_shell_in_between_costs_no_picture(library: object, still: str) -> None:
    screen = open_terminal(library.root, still, TERM="xterm-kitty")  # type: ignore[attr-defined]
    try:
        screen.read_until(PLACEHOLDER.encode())
        screen.quiet()
        first = commands(screen.seen.decode())
        screen.seen = b""
        screen.press(SUSPEND)
        screen.read_until(b"\x1b[?1004l")
        away = screen.seen.decode()
        assert [keys["a"] for keys, _ in commands(away)] == ["d"]
        assert away.index("\x1b_G") < away.index("\x1b[?1049l")
        screen.seen = b""
        # A shell brings a process to the front that has stopped; the sequences come before that.
        assert os.WIFSTOPPED(os.waitpid(screen.process.pid, os.WUNTRACED)[1])
        os.kill(screen.process.pid, signal.SIGCONT)
        screen.read_until(PLACEHOLDER.encode())
        screen.quiet()
        assert commands(screen.seen.decode()) == first, "the same picture under the same number, once"
    finally:
        screen.end()


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, {"TERM": "xterm-kitty", "TMUX": "/tmp/x,1,0"}],
    ids=["another terminal", "tmux"],
)
def test_another_terminal_gets_nothing_of_it(
    library: object, still: str, environment: dict[str, str]
) -> None:
    screen = open_terminal(library.root, still, **environment)  # type: ignore[attr-defined]
    try:
        screen.read_until("▀".encode())
        screen.quiet()
        screen.press(LEAVE)
        screen.process.wait(10)
        screen.read(0.3)
        assert b"\x1b_G" not in screen.seen
        assert PLACEHOLDER.encode() not in screen.seen
    finally:
        screen.end()
