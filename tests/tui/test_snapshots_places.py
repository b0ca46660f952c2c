"""Pictures of the places beside the four queues, and of the dialogs that lead to and from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from engine.api.rows import PartRow
from engine.errors import Refused
from tests.tui.fakes import FakeDesk, busy_desk, volume
from tests.tui.test_snapshots import press, size
from tui.app import RushesApp
from tui.looks import ASCII

MakeApp = Callable[..., RushesApp]
Snap = Callable[..., bool]

WAYS = {
    "clips": ("5",),
    "damaged": ("exclamation_mark",),
    "notices": ("N",),
    "watches": ("2", "W", "j", "j"),
    "past": ("1", "H", "j"),
    "offers": ("1", "a"),
    "sessions": ("4", "H", "j"),
    "rules": ("4", "M"),
}


@pytest.mark.parametrize("place", WAYS)
@size
def test_place(snap_compare: Snap, make_app: MakeApp, place: str, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=press(*WAYS[place]))


@pytest.mark.parametrize("place", WAYS)
def test_place_empty(snap_compare: Snap, make_app: MakeApp, place: str) -> None:
    desk = FakeDesk(volumes=[volume("nas", name="NAS")])
    for part in (desk.footage, desk.intake, desk.drives, desk.finding):
        for name, source in vars(part).items():
            if name.endswith("_source") and hasattr(source, "sequence"):
                source.all.clear()
                source.sequence.clear()
    assert snap_compare(make_app(desk), terminal_size=(80, 24), run_before=press(*WAYS[place]))


@pytest.mark.parametrize("place", ["clips", "damaged"])
@size
def test_place_without_colour(
    snap_compare: Snap,
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    size: tuple[int, int],
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=press(*WAYS[place]))


def test_clips_in_sixteen_colours_and_ascii(snap_compare: Snap, make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "clips", theme="ansi-dark", glyphs=ASCII)
    assert snap_compare(app, terminal_size=(80, 24))


@size
def test_where_is_it(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    before = press("5", "j", "j", "enter")
    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=before)


def test_which_clips(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(make_app(busy_desk(), "clips"), terminal_size=(80, 24), run_before=press("s"))


def test_repair(snap_compare: Snap, make_app: MakeApp) -> None:
    before = press("exclamation_mark", "r")
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=before)


def alarmed() -> FakeDesk:
    desk = busy_desk()
    header = desk.header()
    counts = dataclasses.replace(header.counts, damaged=3, notices=2)
    desk.header_now = dataclasses.replace(header, counts=counts)
    return desk


@pytest.mark.parametrize("place", ["volumes", "ingest", "exports", "relink", "clips"])
def test_damage_is_an_alarm_everywhere(snap_compare: Snap, make_app: MakeApp, place: str) -> None:
    assert snap_compare(make_app(alarmed(), place), terminal_size=(80, 24))


# -- ingest --------------------------------------------------------------------------
FOLDERS = ("n", *"/media/a", "enter", "enter", *"/mnt/nas", "enter", *"/mnt/b", "enter", "enter")


@size
def test_plan_of_an_ingest(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    before = press(*FOLDERS, "j", "j", "j", "j", "j", "space")
    assert snap_compare(make_app(busy_desk(), "ingest"), terminal_size=size, run_before=before)


def test_plan_with_a_template(snap_compare: Snap, make_app: MakeApp) -> None:
    desk = busy_desk()
    source = {
        **desk.intake.plan_now["sources"][0],
        "names": [
            {"file": f"M4ROOT/CLIP/C{at:04d}.MP4", "name": f"2026-11-20/ILCE-7SM3/C{at:04d}.MP4"}
            for at in range(3)
        ],
        "warnings": [],
    }
    desk.intake.plan_now = {**desk.intake.plan_now, "sources": [source]}
    before = press(*FOLDERS, "j", "e", *"X")
    assert snap_compare(make_app(desk, "ingest"), terminal_size=(80, 24), run_before=before)


def test_plan_refused(snap_compare: Snap, make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.refusals["plan"] = Refused(
        "/mnt/nas has 12.0 GiB free; 118 GiB are needed there.",
        "/media/ana/A001_1120/PRIVATE cannot be read: permission denied.",
    )
    app = make_app(desk, "ingest")
    assert snap_compare(app, terminal_size=(80, 24), run_before=press(*FOLDERS))


def part(name: str, kind: str, **changes: object) -> PartRow:
    usual = PartRow(name, kind, "read write", None, 182_000_000, None, 182_000_000, 41.0, 0, 0, False)
    return dataclasses.replace(usual, **changes)  # type: ignore[arg-type]


@size
def test_parts_of_a_running_ingest(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    desk = busy_desk()
    desk.job_source.change(
        "j1",
        free_eta_seconds=210.0,
        parts=(
            part("/media/ana/A001_1120", "source"),
            part("hashing", "hashing", stage=None, read_rate=None, read_rate_now=None, busy_seconds=12.0),
            part(
                "NAS", "destination", write_rate=210_000_000, write_rate_now=260_000_000,
                read_rate=180_000_000, bytes_written=24_000_000_000, bytes_read=20_000_000_000,
            ),
            part(
                "SHUTTLE", "destination", stage="read back", write_rate=96_000_000,
                write_rate_now=91_000_000, busy_seconds=180.0, bottleneck=True,
                read_rate=110_000_000, bytes_written=12_000_000_000, bytes_read=9_000_000_000,
            ),
        ),
    )  # fmt: skip
    before = press("tab") if size[0] < 100 else press()
    assert snap_compare(make_app(desk, "ingest"), terminal_size=size, run_before=before)


@size
def test_journal_of_a_file(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(busy_desk(), "ingest")
    assert snap_compare(app, terminal_size=size, run_before=press("enter", "j", "enter"))


def test_reports_are_written(snap_compare: Snap, make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    assert snap_compare(app, terminal_size=(80, 24), run_before=press("w", "enter"))


# -- volumes -------------------------------------------------------------------------
@size
def test_low_space_colour_speed_and_new_footage(
    snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]
) -> None:
    desk = busy_desk()
    desk.volume_source.change(
        "nas",
        low_space=True,
        free_bytes=18_000_000_000,
        colour="purple",
        read_rate=412_000_000,
        write_rate=388_000_000,
        speed_at="2026-11-19T08:00:00.000Z",
        new_files=88,
        new_files_in="/mnt/nas/incoming/A007",
    )
    desk.volume_source.change("archive", colour="green")
    before = press("tab") if size[0] < 100 else press()
    assert snap_compare(make_app(desk), terminal_size=size, run_before=before)


def test_two_volumes_claim_one_identity(snap_compare: Snap, make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.volume_source.change("nas", state="conflict")
    assert snap_compare(make_app(desk), terminal_size=(80, 24), run_before=press("S"))


# -- relink --------------------------------------------------------------------------
@size
def test_map_a_folder(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    before = press("G", "k", "k", "m", "space")
    assert snap_compare(make_app(busy_desk(), "relink"), terminal_size=size, run_before=before)


def test_nothing_to_map(snap_compare: Snap, make_app: MakeApp) -> None:
    desk = FakeDesk()
    assert snap_compare(make_app(desk, "relink"), terminal_size=(80, 24), run_before=press("m"))
