"""What the places beside the four queues read: clips, damaged copies, notices, histories."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.api import views
from engine.api.facts import ClipScope
from engine.api.rows import Filter, Show
from engine.errors import NotFound, WrongUse
from engine.library import Library
from engine.storage.database import scalar, write

from .test_views import T, clip, job, put, volume


@pytest.fixture
def drives(library: Library) -> Library:
    volume(library, "nas", state="online", device_id=None)
    volume(library, "shuttle", state="offline")
    volume(library, "card", state="online", **{"class": "card"})
    return library


def copy(library: Library, copy_id: int, asset_id: int, volume_id: str, **values: Any) -> None:
    defaults = {
        "path": b"b/%d.mov" % copy_id, "role": "backup", "state": "present", "size": 1000 + asset_id,
        "mtime_ns": 1, "seen_at": T, "created_at": T,
    }  # fmt: skip
    put(library, "copies", copy_id=copy_id, asset_id=asset_id, volume_id=volume_id, **{**defaults, **values})


def titles(library: Library, scope: ClipScope, **wanted: Any) -> list[str]:
    source = views.Clips(library, scope)
    return [row.title for row in source.rows(source.ids(Filter(**wanted)))]


@pytest.fixture
def shelf(drives: Library) -> Library:
    """Four clips: proven on both drives, away, missing, damaged."""
    for number, where, state in (
        (1, "nas", "present"),
        (2, "shuttle", "present"),
        (3, "nas", "missing"),
        (4, "nas", "damaged"),
    ):
        clip(drives, number, where, b"a/%d.mov" % number, state)
    copy(drives, 11, 1, "shuttle", verified_at=T, verify_level="device re-read")
    with write(drives.db()) as db:
        db.execute("UPDATE copies SET verified_at = ? WHERE copy_id = 1", (T,))
    return drives


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("", ["C0001", "C0002", "C0003", "C0004"]),
        ("online", ["C0001"]),
        ("offline", ["C0002"]),
        ("missing", ["C0003"]),
        ("damaged", ["C0004"]),
        ("risk", ["C0002", "C0003", "C0004"]),
        ("favourite", []),
    ],
)
def test_clips_by_their_state(shelf: Library, state: str, found: list[str]) -> None:
    assert titles(shelf, ClipScope(state), order="name") == found


@pytest.mark.parametrize(("show", "found"), [("active", ["C0001"]), ("failed", ["C0002", "C0003", "C0004"])])
def test_clips_that_can_and_cannot_be_read_now(shelf: Library, show: Show, found: list[str]) -> None:
    assert titles(shelf, ClipScope(), order="name", show=show) == found


def test_the_state_of_a_row_is_that_of_the_view(shelf: Library) -> None:
    """The screen's query for some clips and the catalogue's view for all are one definition."""
    copy(shelf, 20, 3, "card", role="source")  # a card is not storage
    copy(shelf, 21, 4, "shuttle")
    source = views.Clips(shelf)
    shown = {row.clip_id: row.state for row in source.rows(source.ids(Filter()))}
    assert shown == dict(shelf.db().conn.execute("SELECT clip_id, state FROM clip_states").fetchall())
    assert shown["clip-4"] == "offline"


def test_a_clip_that_only_its_card_holds_is_not_only_there_when_a_drive_has_it(shelf: Library) -> None:
    assert titles(shelf, ClipScope(volume_id="shuttle"), order="name") == ["C0001", "C0002"]
    assert titles(shelf, ClipScope(volume_id="shuttle", only=True)) == ["C0002"]
    copy(shelf, 30, 2, "card", role="source")
    assert titles(shelf, ClipScope(volume_id="shuttle", only=True)) == ["C0002"]
    copy(shelf, 31, 2, "nas")
    assert titles(shelf, ClipScope(volume_id="shuttle", only=True)) == []


def test_text_looks_at_titles_and_tags_and_wildcards_mean_themselves(shelf: Library) -> None:
    put(shelf, "tags", tag_id=1, name="hero_shot")
    put(shelf, "clip_tags", clip_id="clip-2", tag_id=1, added_at=T)
    assert titles(shelf, ClipScope(), text="HERO_") == ["C0002"]
    assert titles(shelf, ClipScope(), text="0_01") == []
    assert "C0002" not in titles(shelf, ClipScope(), text="!hero")


def test_orders(shelf: Library) -> None:
    with write(shelf.db()) as db:
        db.execute("UPDATE clips SET recorded_at = '2026-11-2' || rowid")
    assert titles(shelf, ClipScope()) == ["C0004", "C0003", "C0002", "C0001"]
    assert titles(shelf, ClipScope(), order="oldest") == ["C0001", "C0002", "C0003", "C0004"]
    assert titles(shelf, ClipScope(), reverse=True) == ["C0001", "C0002", "C0003", "C0004"]
    with pytest.raises(WrongUse):
        titles(shelf, ClipScope(), order="colour")
    with pytest.raises(WrongUse):
        views.Clips(shelf, ClipScope("purple"))


def test_a_row_says_how_safe_it_is_and_where_it_lies(shelf: Library) -> None:
    source = views.Clips(shelf)
    rows = {row.title: row for row in source.rows(source.ids(Filter()))}
    assert (rows["C0001"].verified, rows["C0001"].devices, rows["C0001"].safe) == (2, 2, True)
    assert rows["C0001"].places == (("NAS", "online"), ("SHUTTLE", "offline"))
    assert (rows["C0004"].verified, rows["C0004"].safe) == (0, False)
    assert rows["C0004"].places == (("NAS", "lost"),)


def test_where_is_it_lists_every_copy_online_or_not(shelf: Library) -> None:
    number = scalar(shelf.db(), "SELECT rowid FROM clips WHERE clip_id = 'clip-1'")
    (part,) = views.Clips(shelf).detail(number).parts
    assert [(one.volume, one.state, one.counts) for one in part.copies] == [
        ("NAS", "online", True),
        ("SHUTTLE", "offline", True),
    ]
    assert part.safe
    with pytest.raises(NotFound):
        views.Clips(shelf).detail(999)


# -- damaged ---------------------------------------------------------------------------
def test_damaged_copies_first_and_what_they_can_be_made_from(shelf: Library) -> None:
    copy(shelf, 40, 4, "shuttle")
    copy(shelf, 41, 3, "nas")
    source = views.Damaged(shelf)
    rows = source.rows(source.ids(Filter()))
    assert [(row.state, row.good, row.good_away) for row in rows] == [("damaged", 0, 1), ("missing", 1, 0)]
    assert [row.state for row in source.rows(source.ids(Filter(show="failed")))] == ["missing"]
    with write(shelf.db()) as db:
        db.execute("UPDATE volumes SET mount_point = ? WHERE volume_id = 'nas'", (b"/mnt/nas",))
    (missing,) = source.rows(source.ids(Filter(show="failed")))
    assert missing.place == f"/mnt/nas/{missing.path}", "the path that is copied opens the file"
    assert views.counts(shelf).damaged == 1
    with pytest.raises(NotFound):
        source.detail(999)


def test_a_missing_file_of_a_drive_that_is_away_is_no_fact(shelf: Library) -> None:
    with write(shelf.db()) as db:
        db.execute("UPDATE volumes SET state = 'offline'")
    source = views.Damaged(shelf)
    assert [row.state for row in source.rows(source.ids(Filter()))] == ["damaged"]


# -- notices ---------------------------------------------------------------------------
def event(library: Library, volume_id: str, kind: str, at: str = T, **detail: Any) -> None:
    put(library, "volume_events", volume_id=volume_id, at=at, kind=kind, detail=json.dumps(detail))


def test_notices_are_what_matters_and_are_seen_once(shelf: Library) -> None:
    event(shelf, "shuttle", "offline", "2026-11-20T11:00:00.000Z")
    event(shelf, "shuttle", "speed tested")
    event(shelf, "card", "offline")  # nothing of the library lies there
    job(shelf, "well", status="completed", ended_at=T)
    job(shelf, "ill", status="failed", error="No room.\nFree some.", ended_at="2026-11-20T12:00:00.000Z")
    job(
        shelf,
        "found",
        kind="relink_scan",
        status="completed",
        result=json.dumps(
            {"announcement": "3 of 3 offline clips of Day 2 found at /mnt/x.", "applied": 2, "candidates": 3}
        ),
        ended_at="2026-11-20T10:30:00.000Z",
    )
    told = [(one.level, one.text, one.place) for one in views.notices(shelf)]
    assert told == [
        ("error", "ill: failed. No room. Free some.", "ingest"),
        ("warning", "SHUTTLE: offline", "volumes"),
        (
            "info",
            "3 of 3 offline clips of Day 2 found at /mnt/x. 2 linked and 1 to be decided on.",
            "relink",
        ),
    ]
    assert views.counts(shelf).notices == 3
    views.saw_all(shelf)
    assert views.counts(shelf).notices == 0
    assert views.notices(shelf, unseen=True) == []
    event(shelf, "nas", "conflict", "2026-11-20T13:00:00.000Z")
    assert [one.level for one in views.notices(shelf, unseen=True)] == ["error"]
    assert len(views.notices(shelf)) == 4


@pytest.mark.parametrize(
    ("count", "said"), [(0, None), (1, "1 link was taken back"), (1200, "1,200 links were taken back")]
)
def test_links_that_their_content_contradicts_are_told(shelf: Library, count: int, said: str | None) -> None:
    status = "completed_with_warnings" if count else "completed"
    result = json.dumps({"checked": 2000, "contradicted": count, "unreadable": 0})
    job(shelf, "proof", kind="relink_prove", title="Prove A", status=status, result=result, ended_at=T)
    told = [(one.level, one.text, one.place) for one in views.notices(shelf)]
    assert [(level, place) for level, _, place in told] == ([("error", "relink")] if said else [])
    assert views.counts(shelf).notices == len(told)
    assert said is None or told[0][1].startswith(f"Prove A: {said}, for")


def test_a_scrub_that_found_damage_leads_to_the_damaged_copies(shelf: Library) -> None:
    job(
        shelf,
        "scrub",
        kind="verify",
        status="completed_with_warnings",
        result=json.dumps({"damaged": [{}, {}]}),
        ended_at=T,
    )
    (notice,) = views.notices(shelf)
    assert (notice.level, notice.place) == ("error", "damaged")
    assert "2 damaged copies" in notice.text


# -- short lists -----------------------------------------------------------------------
def test_the_history_of_a_drive_has_its_jobs_and_errors_among_its_mounts(shelf: Library) -> None:
    event(shelf, "nas", "online", "2026-11-20T08:00:00.000Z", mount_point="/mnt/nas")
    job(
        shelf,
        "copying",
        status="failed",
        error="NAS is full.",
        params=json.dumps({"to": "nas"}),
        ended_at="2026-11-20T09:00:00.000Z",
    )
    with write(shelf.db()) as db:
        db.execute("UPDATE jobs SET params = json_object('volume', 'nas')")
    source = views.past_source(shelf, "nas")
    rows = source.rows(source.ids(Filter()))
    assert [(row.what, row.bad) for row in rows] == [("ingest", True), ("back", False)]
    assert "NAS is full." in rows[0].text
    assert len(source.ids(Filter(show="failed"))) == 1
    assert source.ids(Filter(text="mnt")) == [rows[1].id]
    assert source.detail(rows[0].id) == rows[0]
    assert views.past_source(shelf, "nas").detail(rows[0].id) == rows[0], "asked before the list was read"


def test_short_lists_filter_order_and_turn_round(library: Library) -> None:
    for number, path in enumerate((b"/mnt/b", b"/mnt/a [1]"), 1):
        put(
            library, "watch_folders", watch_id=number, path=path, params="{}", created_at=T,
            error="gone" if number == 2 else None,
        )  # fmt: skip
    source = views.watch_source(library)
    assert source.ids(Filter()) == [1, 2]
    assert source.ids(Filter(order="path")) == [2, 1]
    assert source.ids(Filter(reverse=True)) == [2, 1]
    assert source.ids(Filter(text="!a [1]")) == [1]
    assert source.ids(Filter(show="failed")) == [2]
    with pytest.raises(NotFound):
        source.detail(9)
