"""How values look, how columns share a line, how text is cut: pure."""

from __future__ import annotations

import itertools
import random
import subprocess
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from tui import format as fmt
from tui.looks import ASCII, CANDIDATE_LOOKS, JOB_LOOKS, TASK_LOOKS, UNICODE, VOLUME_LOOKS, choose_glyphs
from tui.screens import compare
from tui.widgets.columns import Column, place
from tui.widgets.toned import fitted, wrapped

NOW = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.98 KiB"),
        (1024, "1.00 KiB"),
        (10_236, "10.0 KiB"),
        (48_200_000, "46.0 MiB"),
        (1_047_527_423, "999 MiB"),
        (1_048_100_000, "0.98 GiB"),
        (1_073_741_824, "1.00 GiB"),
        (1_860_000_000_000, "1.69 TiB"),
        (5 * 1024**6, "5120 PiB"),
        (None, "-"),
    ],
)
def test_sizes(count: int | None, shown: str) -> None:
    assert fmt.size(count) == shown


def test_sizes_never_need_more_than_eight_cells() -> None:
    for exponent in range(18):
        for mantissa in (1, 9.994, 9.995, 9.9999, 99.95, 5):
            assert len(fmt.size(mantissa * 10**exponent)) <= 8


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        (None, ""),
        (0, "0 B/s"),
        (182_000_000.4, "174 MiB/s"),
        (10_420_000, "9.9 MiB/s"),
        (10_440_000, "10 MiB/s"),
    ],
)
def test_rates(rate: float | None, shown: str) -> None:
    assert fmt.rate(rate) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(None, ""), (0, "0.0%"), (0.3567, "35.6%"), (0.99999, "99.9%"), (1.0, "100%"), (1.2, "100%")],
)
def test_percent_is_never_rounded_up_to_the_end(share: float | None, shown: str) -> None:
    assert fmt.percent(share) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (-1, ""),
        (8.9, "8s"),
        (59, "55s"),
        (97, "1m35s"),
        (417, "6m50s"),
        (3599, "59m"),
        (3900, "1h05m"),
        (90_000, "1d01h"),
    ],
)
def test_time_left(seconds: float | None, shown: str) -> None:
    assert fmt.eta(seconds) == shown
    assert len(shown) <= 6


@pytest.mark.parametrize(
    ("ms", "shown"), [(None, "-"), (0, "0:00"), (92_040, "1:32"), (3_723_000, "1:02:03")]
)
def test_durations(ms: int | None, shown: str) -> None:
    assert fmt.duration(ms) == shown


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (None, "-"),
        ("2026-11-20T09:05:00.000Z", "09:05"),
        ("2026-11-19T09:05:00.000Z", "19 Nov 09:05"),
        ("2025-02-03T09:05:00.000Z", "3 Feb 2025"),
    ],
)
def test_moments(at: str | None, shown: str) -> None:
    assert fmt.moment(at, NOW) == shown


def test_a_bar_is_neither_empty_nor_full_before_it_is_true() -> None:
    assert fmt.bar(0, 10, "#", "-") == ("", "----------")
    assert fmt.bar(0.001, 10, "#", "-") == ("#", "---------")
    assert fmt.bar(0.999, 10, "#", "-") == ("#########", "-")
    assert fmt.bar(1, 10, "#", "-") == ("##########", "")
    assert fmt.bar(None, 10, "#", "-") == ("", "")


def test_paths_lose_their_middle_and_keep_the_end_of_the_name() -> None:
    path = "/mnt/nas/projects/river/day 11/camera A/C0001.MP4"
    for width in range(1, 60):
        cut = fmt.fit_path(path, width)
        assert cell_len(cut) <= width
        if width >= 16:
            assert cut.endswith("C0001.MP4")
    assert fmt.fit_path(path, 99) == path


def test_cutting_counts_cells_and_never_splits_a_wide_letter() -> None:
    for width in range(1, 14):
        assert cell_len(fmt.fit("東京ドライブ", width)) <= width
        assert cell_len(fmt.fit_path("東京/ドライブ.mov", width)) <= width


def test_what_is_cut_before_a_mark_loses_the_mark_as_well() -> None:
    decomposed = "nfd/Zu\u0308rich.mp4"
    for width in range(6, 14):
        cut = fmt.fit_path(decomposed, width)
        assert not cut.partition("…")[2].startswith("\u0308")
        assert cell_len(cut) <= width
    assert fmt.fit_path("a folder/ b.mov", 8).endswith(" b.mov"), "a blank of the name stays"


def test_a_cell_is_exactly_as_wide_as_its_column() -> None:
    rng = random.Random(7)
    for _ in range(300):
        cell = tuple(
            ("".join(rng.choice("ab 東/.") for _ in range(rng.randrange(9))), "")
            for _ in range(rng.randrange(4))
        )
        width = rng.randrange(1, 20)
        made = fitted(cell, width, right=rng.random() < 0.5, middle=rng.random() < 0.5)
        assert sum(cell_len(text) for text, _ in made) == width


def test_wrapping_loses_no_letter_and_stays_inside() -> None:
    rng = random.Random(8)
    for _ in range(300):
        text = " ".join("x" * rng.randrange(1, 14) for _ in range(rng.randrange(1, 12)))
        width, indent = rng.randrange(3, 20), rng.randrange(30)
        lines = ["".join(piece for piece, _ in line) for line in wrapped(((text, ""),), width, indent)]
        assert all(cell_len(line.rstrip()) <= width for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_columns_fill_the_line_and_the_least_needed_go_first() -> None:
    columns = (
        Column("A", 10, lambda row, context: ()),
        Column("B", 10, lambda row, context: (), flex=1, most=12),
        Column("C", 10, lambda row, context: (), flex=3),
        Column("D", 10, lambda row, context: (), drop=1),
        Column("E", 10, lambda row, context: (), drop=2),
    )
    for width in range(34, 140):
        placed = place(columns, width, 2)
        assert placed[0].start == 2
        for before, after in itertools.pairwise(placed):
            assert after.start - (before.start + before.width) in (1, 2)
        assert placed[-1].start + placed[-1].width == width
        titles = [one.column.title for one in placed]
        assert titles[:3] == ["A", "B", "C"]
        assert "E" not in titles or "D" in titles
    assert [one.column.title for one in place(columns, 60, 2)] == ["A", "B", "C", "D", "E"]
    assert [one.column.title for one in place(columns, 50, 2)] == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    "name",
    [
        "plain.mov",
        "with space.mov",
        "it's",
        "$HOME",
        "-y.mp4",
        "a\nb",
        "\x1b[2J",
        "\udcff\udcfe",
        "back\\slash\n",
        "東京",
    ],
)
def test_a_copied_path_is_one_word_of_a_shell(name: str) -> None:
    word = fmt.shell_word(name)
    assert word.isprintable()
    said = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert said.stdout == name.encode("utf-8", "surrogateescape")


def test_a_long_strip_keeps_its_failures() -> None:
    assert fmt.strip_of("ccrq", 10) == "ccrq"
    letters = "c" * 500 + "f" + "c" * 499
    assert fmt.strip_of(letters, 20).count("f") == 1
    assert len(fmt.strip_of(letters, 20)) == 20


def test_signs_are_one_cell_wide_and_neutral() -> None:
    import unicodedata

    for name in (
        "good",
        "busy",
        "wait",
        "hold",
        "bad",
        "warn",
        "away",
        "here",
        "skip",
        "mark",
        "cursor",
        "full",
        "rest",
    ):
        for glyphs in (UNICODE, ASCII):
            sign = getattr(glyphs, name)
            assert cell_len(sign) == 1
            assert unicodedata.east_asian_width(sign) in ("N", "Na"), (name, sign)
    assert all(ord(char) < 128 for char in "".join(str(value) for value in vars(ASCII).values()))


def test_no_two_states_look_the_same_without_colour() -> None:
    for looks in (JOB_LOOKS, TASK_LOOKS, VOLUME_LOOKS, CANDIDATE_LOOKS):
        assert len({look.word for look in looks.values()}) == len(looks)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"LANG": "C.UTF-8"}, "unicode"),
        ({}, "unicode"),
        ({"LANG": "C"}, "ascii"),
        ({"LANG": "de_DE.ISO-8859-1"}, "ascii"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, "ascii"),
        ({"TERM": "linux", "LANG": "C.UTF-8"}, "ascii"),
        ({"RUSHES_GLYPHS": "ascii", "LANG": "C.UTF-8"}, "ascii"),
        ({"RUSHES_GLYPHS": "unicode", "LANG": "C"}, "unicode"),
    ],
)
def test_signs_fit_the_terminal(environment: dict[str, str], name: str) -> None:
    assert choose_glyphs(environment).name == name


def test_evidence_says_in_words_what_agrees_and_what_differs() -> None:
    facts = {
        "size": True,
        "fast_hash": True,
        "mtime": True,
        "inode": True,
        "name": False,
        "exact_name": False,
    }
    others = {"path_tail": 1, "equally_good": 1, "ambiguous": False, "reel": None, "lost_size": 1}
    assert compare.compared({**facts, **others}) == (["samples", "size", "time", "inode"], ["name"])
    case = {"name": True, "exact_name": False, "blake3": False, "mapped": True}
    assert compare.compared(case) == (["name"], ["content", "letter case or Unicode form of the name"])
    assert compare.compared({"name": True, "exact_name": True}) == (["name"], [])
    lines = compare.evidence_lines({"name": True, "ambiguous": True})
    assert ["".join(text for text, _ in line.cell) for line in lines] == [
        "",
        "Agrees     name",
        "Another pairing is as good; compare before you decide.",
    ]
    assert compare.evidence_lines({"path_tail": 1}) == []
