"""Path completion, the runner, the feed, the terminal's defaults, the palette of themes."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.api.rows import Header
from engine.errors import Refused, RushesError
from tests.tui.fakes import FakeDesk, Ticks
from tui import paths, terminal
from tui.feed import Feed, HeaderChanged, Looked
from tui.runner import InlineRunner, ThreadRunner
from tui.themes import CHOICES, default_theme
from tui.timing import Pace


# -- paths ------------------------------------------------------------------------------
def test_a_path_is_completed_with_folders_only(tmp_path: Path) -> None:
    for name in ("CARD_A", "CARD_B", "card_c", "other", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "CARD.txt").touch()
    root = f"{tmp_path}/"
    assert paths.complete(root + "CARD", ()) == [f"{root}CARD_A/", f"{root}CARD_B/", f"{root}card_c/"]
    assert paths.complete(root, ())[-1] == f"{root}other/"
    assert paths.complete(root + ".h", ()) == [f"{root}.hidden/"]
    assert paths.common(paths.complete(root + "CARD_", ())[:2]) == f"{root}CARD_"


def test_nothing_typed_offers_the_known_places() -> None:
    assert paths.complete("", ["/mnt/nas", "/media/A/"]) == ["/mnt/nas/", "/media/A/"]
    assert paths.complete("nas", ["/mnt/nas", "/media/A/"]) == ["/mnt/nas/"]


def test_what_cannot_be_listed_or_typed_is_left_out(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/ok")
    os.mkdir(os.fsencode(tmp_path) + b"/o\xff")
    os.mkdir(os.fsencode(tmp_path) + b"/o\x1b[2J")
    os.symlink("o_loop", tmp_path / "o_loop")
    assert paths.complete(f"{tmp_path}/o", ()) == [f"{tmp_path}/ok/"]
    assert paths.complete(f"{tmp_path}/nowhere/x", ()) == []
    assert paths.complete("/proc/self/fd/999/", ()) == []


def test_a_mount_that_does_not_answer_is_never_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(_: str) -> Any:
        raise AssertionError("the dead mount was touched")

    monkeypatch.setattr(os, "scandir", hang)
    assert paths.complete(f"{tmp_path}/dead/sub/x", (), (f"{tmp_path}/dead",)) == []
    assert paths.complete(f"{tmp_path}/dead/", (), (f"{tmp_path}/dead",)) == []


# -- runner -----------------------------------------------------------------------------
def test_verbs_run_in_order_and_outside_the_callers_thread() -> None:
    done: list[tuple[Any, Any]] = []
    ready = threading.Event()
    runner = ThreadRunner(lambda function, *args: function(*args))
    threads: list[int] = []
    for number in range(20):
        runner.submit(
            lambda number=number: threads.append(threading.get_ident()) or number,  # type: ignore[misc,func-returns-value]
            lambda result, error: done.append((result, error)) or (len(done) == 20 and ready.set()),  # type: ignore[func-returns-value]
        )
    assert ready.wait(30)
    assert done == [(number, None) for number in range(20)]
    assert threading.get_ident() not in threads


def test_a_slow_verb_does_not_hold_up_a_quick_one() -> None:
    runner = ThreadRunner(lambda function, *args: function(*args))
    release, slow_done, quick_done = threading.Event(), threading.Event(), threading.Event()
    runner.submit(lambda: release.wait(30), lambda *_: slow_done.set(), slow=True)
    runner.submit(lambda: None, lambda *_: quick_done.set())
    assert quick_done.wait(30)
    assert not slow_done.is_set()
    release.set()
    assert slow_done.wait(30)


def test_a_verb_that_breaks_becomes_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    said: list[RushesError] = []
    InlineRunner().submit(lambda: 1 / 0, lambda _, error: said.append(error))  # type: ignore[arg-type]
    InlineRunner().submit(lambda: (_ for _ in ()).throw(Refused("No.")), lambda _, error: said.append(error))  # type: ignore[arg-type]
    assert "division by zero" in str(said[0])
    assert str(said[1]) == "No."
    assert "ZeroDivisionError" in caplog.text


def test_a_verb_that_ends_after_the_screen_was_closed_is_no_crash() -> None:
    ended = threading.Event()

    def closed(*_: Any) -> None:
        ended.set()
        raise RuntimeError("Event loop is closed")

    runner = ThreadRunner(closed)
    runner.submit(lambda: None, lambda *_: None)
    assert ended.wait(30)
    again = threading.Event()
    runner.submit(again.set, lambda *_: None)
    assert again.wait(30)


# -- feed -------------------------------------------------------------------------------
def test_the_feed_posts_a_header_only_when_it_differs(ticks: Ticks) -> None:
    desk, posted = FakeDesk(header=Header("L", "h", "running")), []
    feed = Feed(desk, Pace(monotonic=ticks), posted.append)
    feed.poll()
    feed.poll()
    assert [type(message) for message in posted] == [HeaderChanged, Looked, Looked]
    desk.header_now = Header("L", "h", "absent")
    feed.poll()
    assert isinstance(posted[3], HeaderChanged)


def test_a_calm_look_counts_once_a_second_and_forgets_nothing(ticks: Ticks) -> None:
    counted: list[float] = []

    class Counting(FakeDesk):
        def header(self) -> Header:
            counted.append(ticks.seconds)
            return Header("L", "h", "running")

    desk = Counting()
    feed = Feed(desk, Pace(monotonic=ticks), lambda _: None)
    feed.tick()
    for _ in range(8):
        ticks.seconds += 0.25
        desk.write()
        feed.tick()
    assert counted == [1000.0, 1001.0, 1002.0]
    desk.write()
    feed.tick()
    for _ in range(4):
        ticks.seconds += 0.25
        feed.tick()
    assert counted[-1] == 1003.0, "the change that was put off is counted after all"


def test_behind_another_window_the_feed_looks_once_a_second(ticks: Ticks) -> None:
    posted: list[Any] = []
    feed = Feed(FakeDesk(header=Header("L", "h", "running")), Pace(monotonic=ticks), posted.append)
    feed.blurred = True
    for _ in range(9):
        feed.tick()
        ticks.seconds += 0.25
    assert sum(isinstance(message, Looked) for message in posted) == 3


def test_a_look_that_is_overtaken_keeps_what_it_saw() -> None:
    newer = Looked(changed=False, calm=True)
    assert newer.can_replace(Looked(changed=True, calm=False))
    assert (newer.changed, newer.calm) == (True, False)


# -- terminal ---------------------------------------------------------------------------
def test_defaults_for_a_slow_line_never_override_a_wish() -> None:
    env = {"TEXTUAL_FPS": "5"}
    terminal.prepare(env)
    assert env["TEXTUAL_FPS"] == "5"
    assert env["TEXTUAL_ANIMATIONS"] == "none"
    assert "ESCDELAY" not in env
    env = {"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}
    terminal.prepare(env)
    assert (env["ESCDELAY"], env["TEXTUAL_FPS"]) == ("200", "60")


@pytest.mark.parametrize(
    ("env", "colours"),
    [
        ({"TERM": "xterm-ghostty"}, "256"),
        ({"TERM": "xterm-ghostty", "COLORTERM": "truecolor"}, None),
        ({"TERM": "xterm-256color"}, None),
    ],
)
def test_colours_that_the_name_of_the_terminal_does_not_tell(
    env: dict[str, str], colours: str | None
) -> None:
    terminal.prepare(env)
    assert env.get("TEXTUAL_COLOR_SYSTEM") == colours


def test_setting_the_defaults_does_not_import_textual() -> None:
    import subprocess

    script = "import tui.terminal, sys; print('textual' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_a_terminal_that_hung_up_is_noticed() -> None:
    master, slave = os.openpty()
    assert not terminal.terminal_is_gone(slave)
    os.close(master)
    assert terminal.terminal_is_gone(slave)
    os.close(slave)
    assert terminal.terminal_is_gone(slave)


@pytest.mark.parametrize(
    ("term", "wanted", "theme"),
    [
        ("xterm-256color", "", "rushes-dark"),
        ("xterm", "", "ansi-dark"),
        ("xterm-ghostty", "", "rushes-dark"),
        ("linux", "", "ansi-dark"),
        ("xterm-256color", "rushes-light", "rushes-light"),
        ("linux", "no such theme", "ansi-dark"),
    ],
)
def test_the_theme_fits_the_terminal(term: str, wanted: str, theme: str) -> None:
    assert default_theme(term, wanted) == theme
    assert theme in CHOICES
