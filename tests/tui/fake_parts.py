"""The parts of a desk without an engine: clips, ingest, volumes, relinking."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from engine.api.facts import (
    Claim,
    ClipDetail,
    ClipRow,
    ClipScope,
    CopyLine,
    DamagedRow,
    LostClips,
    LyingRow,
    Notice,
    OfferRow,
    PartLines,
    PastRow,
    Prefixes,
    RuleRow,
    SessionRow,
    TrashRow,
    TwiceRow,
    WatchRow,
)
from engine.api.rows import LogLine
from engine.api.settings import Settings, described, source_of
from engine.api.views.journal import Journal, Leg, Step
from engine.storage.config import SETTINGS

Ask = Callable[..., None]


def clip(number: int, **changes: Any) -> ClipRow:
    """A clip with readable defaults."""
    defaults = ClipRow(
        row_id=number,
        clip_id=f"clip-{number}",
        title=f"A001C{number:03d}",
        state="online",
        kind="video",
        duration_ms=92_040,
        width=3840,
        height=2160,
        fps=25.0,
        codec="h264",
        camera="Sony ILCE-7SM3",
        recorded_at="2026-11-20T09:12:44.000Z",
        size_bytes=4_120_000_000,
        favourite=False,
        tags=(),
        verified=2,
        devices=2,
        safe=True,
        places=(("NAS", "online"), ("SHUTTLE", "offline")),
    )
    return dataclasses.replace(defaults, **changes)


CLIPS = (
    clip(1, favourite=True, tags=("hero", "day 11")),
    clip(2),
    clip(3, state="offline", places=(("SHUTTLE", "offline"),), verified=1, devices=1, safe=False),
    clip(4, state="damaged", places=(("NAS", "lost"),), verified=0, devices=0, safe=False),
    clip(5, state="missing", places=(), verified=0, devices=0, safe=False, width=None, height=None),
    clip(6, title="we\x1b[2Jird [1] \udcff\u6771\u4eac", tags=("\x1b[31mred",), duration_ms=None),
)

DAMAGED = (
    DamagedRow(
        11, "damaged", "A001C004", "NAS", "online", "footage/A001/C0004.MP4", 4_120_000_000, 1, 0,
        "2026-10-02T20:11:00.000Z", "2026-11-20T18:02:00.000Z",
    ),
    DamagedRow(
        12, "damaged", "A001C009", "SHUTTLE", "offline", "A001/C0009.MP4", 2_310_044_672, 1, 0,
        "2026-10-02T20:14:00.000Z", "2026-11-20T17:40:00.000Z",
    ),
    DamagedRow(
        13, "damaged", "we\x1b[2Jird", "NAS", "online", "footage/\udcff [1].mov", 880_000_000, 0, 1,
        None, "2026-11-20T18:03:00.000Z",
    ),
    DamagedRow(
        14, "missing", "A001C011", "NAS", "online", "footage/A001/C0011.MP4", 1_200_000_000, 0, 0,
        "2026-09-12T08:00:00.000Z", "2026-11-19T08:00:00.000Z",
    ),
)  # fmt: skip

NOTICES = (
    Notice("event-9", "2026-11-20T18:20:00.000Z", "warning", "SHUTTLE: offline", "volumes"),
    Notice(
        "j8-failed",
        "2026-11-20T17:58:00.000Z",
        "error",
        "E001_1120 to SHUTTLE: failed. SHUTTLE is full: 12.4 GiB are missing.",
        "ingest",
    ),
    Notice(
        "s1-completed",
        "2026-11-20T16:00:00.000Z",
        "info",
        "3 of 3 offline clips of Day 2 found at /media/ana/OLD_DRIVE.",
        "relink",
    ),
    Notice("v1", "2026-11-20T15:00:00.000Z", "error", "Verify all copies: 2 damaged copies found", "damaged"),
)

WATCHES = (
    WatchRow(
        1, "/mnt/dropbox/incoming", ("/mnt/nas/footage",), None, True, 214, "2026-11-20T18:29:30.000Z", None
    ),
    WatchRow(2, "/mnt/office/from set", (), "reference", False, 0, None, None),
    WatchRow(
        3, "/mnt/cloud/drop", ("/mnt/nas/footage", "/mnt/shuttle"), "copy", True, 12,
        "2026-11-20T18:29:00.000Z", "/mnt/cloud/drop is not there. It is looked for again.",
    ),
)  # fmt: skip

PAST = (
    PastRow(3, "2026-11-20T17:58:04.000Z", "SHUTTLE", "offline", "offline", False),
    PastRow(
        2, "2026-11-20T13:58:10.000Z", "SHUTTLE", "ingest", "failed: E001_1120. SHUTTLE is full.", True
    ),
    PastRow(
        1, "2026-11-19T08:01:00.000Z", "SHUTTLE", "online",
        "back at /mnt/shuttle: same file-system UUID, same size, 8 of 8 known files at their place", False,
    ),
)  # fmt: skip

OFFERS = (
    OfferRow(1, "NAS", "/mnt/nas/incoming/A007", True, True, 88, 64_000_000_000, "2026-11-20T18:00:00.000Z"),
    OfferRow(2, "SHUTTLE", "/mnt/shuttle/A001", False, False, 3, 9_000_000_000, "2026-11-20T09:00:00.000Z"),
)

SESSIONS = (
    SessionRow(
        "session", "mapping", "/mnt/archive2", "completed", 41_200, 96, 128, 9, 6, 1,
        "2026-11-20T18:00:00.000Z", "2026-11-20T18:01:10.000Z", None,
    ),
    SessionRow(
        "older", "scan", "/media/ana/OLD [1]", "failed", 812, 0, 128, 0, 0, 0,
        "2026-11-18T18:00:00.000Z", None, "/media/ana/OLD went away meanwhile.",
    ),
)  # fmt: skip

RULES = (RuleRow(1, "/mnt/old/projects", "/mnt/nas/projects", "2026-11-12T18:00:00.000Z"),)

PROPOSALS = (
    Prefixes("/mnt/shuttle/DAY_11", "/mnt/archive2/projects/river/day 11", 4),
    Prefixes("/mnt/shuttle", "/mnt/archive2/old", 1),
)

PREVIEW = {
    "old": "/mnt/shuttle/DAY_11",
    "new": "/mnt/archive2/projects/river/day 11",
    "dry_run": True,
    "hits": 313,
    "misses": 2,
    "conflicts": 1,
    "applied": 0,
    "session_id": None,
    "hit_list": [
        {"from": f"/mnt/shuttle/DAY_11/A001/C{at:04d}.MP4", "to": f"/mnt/archive2/day 11/A001/C{at:04d}.MP4"}
        for at in range(12)
    ],
    "miss_list": [{"path": "/mnt/archive2/day 11/A001/C0400.MP4"}, {"path": "/mnt/archive2/day 11/x.XML"}],
    "conflict_list": ["/mnt/archive2/day 11/A001/C0007.MP4 has 10 bytes, not 4120000000: other content."],
}

PLAN = {
    "mode": "copy",
    "files": 214,
    "bytes": 118_000_000_000,
    "duplicates": 12,
    "expected_seconds": 1_430.0,
    "sources": [
        {
            "source": "/media/ana/A001_1120",
            "kind": "sony_m4root",
            "folder": "A001_1120",
            "files": 214,
            "bytes": 118_000_000_000,
            "warnings": ["C0014.MP4: no sidecar", "index says 15 clips and 14 are there"],
            "names": [],
        }
    ],
    "destinations": [
        {
            "path": "/mnt/nas", "stage": 1, "needed": 118_000_000_000, "free": 6_400_000_000_000,
            "conflicts": 1, "present": 12,
        },
        {
            "path": "/mnt/shuttle", "stage": 2, "needed": 118_000_000_000, "free": 612_000_000_000,
            "conflicts": 0, "present": 0,
        },
    ],
}  # fmt: skip

DIGEST = "a3f1c09be7724d5518c2e9b7d0f4a6613ea3f1c09be7724d5518c2e9b7d0f4a6"

JOURNAL = Journal(
    name="M4ROOT/CLIP/C0031.MP4",
    size_bytes=4_120_000_000,
    status="failed",
    attempts=3,
    started_at="2026-11-20T18:24:11.000Z",
    ended_at="2026-11-20T18:25:11.000Z",
    error="SHUTTLE is full; the copy on NAS is proven and kept.",
    hashes=(("blake3", DIGEST), ("xxh128", DIGEST[:32])),
    readings=(DIGEST, DIGEST[::-1]),
    doubt="Two readings of the source gave different bytes: reader, cable or card cannot be trusted.",
    legs=(
        Leg(
            None, "/media/ana/A001_1120", 0, "failed", None, None, None,
            (Step("read", "done", 4_120_000_000, 22.4), Step("hash", "done", 4_120_000_000, 1.9)),
        ),
        Leg(
            "NAS", "footage/C0031.MP4", 1, "completed", "device re-read", "2026-11-20T18:25:00.000Z", None,
            (
                Step("write and flush", "done", 4_120_000_000, 20.1),
                Step("read back", "done", 4_120_000_000, 9.0),
                Step("in place", "done", None, None, "device re-read"),
            ),
        ),
        Leg(
            "SHUTTLE", "C0031.MP4", 2, "failed", None, None, "No space left on SHUTTLE.",
            (Step("write and flush", "failed", 1_000_000_000, 11.0),),
        ),
    ),
    log=(LogLine("2026-11-20T18:25:11.000Z", "error", "C0031.MP4: SHUTTLE is full"),),
)  # fmt: skip


def clip_detail(row: ClipRow) -> ClipDetail:
    """A clip with an essence on two drives and a sidecar."""
    copies = (
        CopyLine(
            "NAS", f"/mnt/nas/footage/{row.title}.MP4", "managed",
            row.state if row.state != "offline" else "missing", "2026-11-20T18:00:00.000Z",
            "2026-11-19T20:12:00.000Z" if row.verified else None,
            "device re-read" if row.verified else None, bool(row.verified),
        ),
        CopyLine(
            "SHUTTLE", f"/mnt/shuttle/{row.title}.MP4", "backup", "offline", "2026-11-20T09:00:00.000Z",
            "2026-11-19T20:14:00.000Z" if row.verified > 1 else None,
            "device re-read" if row.verified > 1 else None, row.verified > 1,
        ),
    )  # fmt: skip
    return ClipDetail(
        row=row,
        card="A001_1120",
        timecode="09:12:44:00",
        reel="A001",
        notes=None,
        warnings=("variable frame rate",) if row.row_id == 2 else (),
        parts=(
            PartLines(
                f"{row.title}.MP4",
                "essence",
                row.size_bytes,
                DIGEST,
                row.verified,
                row.devices,
                row.safe,
                copies,
            ),
            PartLines(f"{row.title}M01.XML", "sidecar", 4_120, DIGEST, 2, 2, True, copies[:1]),
        ),
        thumbnail=None,
        wanted_copies=2,
        wanted_devices=2,
    )


COPIES = (
    LyingRow(
        1, "A001C001.MP4", "essence", 8_400_000_000, DIGEST, "NAS", "/mnt/nas/footage/A001C001.MP4",
        "/mnt/nas/footage/A001C001.MP4", "managed", "online", "2026-11-20T18:00:00.000Z",
        "2026-11-19T20:12:00.000Z", "device re-read", True, 2, 2, True,
    ),
    LyingRow(
        2, "A001C001.MP4", "essence", 8_400_000_000, DIGEST, "SHUTTLE", None,
        "/mnt/shuttle/A001C001.MP4", "backup", "offline", "2026-11-20T09:00:00.000Z",
        "2026-11-19T20:14:00.000Z", "device re-read", True, 2, 2, True,
    ),
    LyingRow(
        3, "A001C001M01.XML", "sidecar", 4_120, DIGEST, "NAS", "/mnt/nas/footage/A001C001M01.XML",
        "/mnt/nas/footage/A001C001M01.XML", "managed", "online", "2026-11-20T18:00:00.000Z",
        "2026-11-19T20:12:00.000Z", "device re-read", True, 1, 1, False,
    ),
    LyingRow(
        4, "A001C001.MP4", "essence", 8_400_000_000, DIGEST, "A001", "/media/A001/CLIP/A001C001.MP4",
        "/media/A001/CLIP/A001C001.MP4", "source", "online", "2026-11-19T20:10:00.000Z", None, None, False,
        2, 2, True,
    ),
)  # fmt: skip
TWICE = (
    TwiceRow(
        DIGEST, "A001C001.MP4", 8_400_000_000, 3, 2, 16_800_000_000,
        (
            ("NAS", "/mnt/nas/footage/A001C001.MP4", "online"),
            ("NAS", "/mnt/nas/old/A001C001.MP4", "online"),
            ("SHUTTLE", "/mnt/shuttle/A001C001.MP4", "offline"),
        ),
    ),
    TwiceRow(
        "b" * 64, "IMG_0001.JPG", 4_120_000, 2, 2, 4_120_000,
        (("NAS", "/mnt/nas/IMG_0001.JPG", "online"), ("SHUTTLE", "/mnt/shuttle/IMG_0001.JPG", "offline")),
    ),
)  # fmt: skip
TRASH = (
    TrashRow(
        7, "NAS", "/mnt/nas/old/A001C009.MP4", "/mnt/nas/.Trash-1000/files/A001C009.MP4", 2_100_000_000,
        "2026-11-20T17:40:00.000Z", "ana@nas01", True,
    ),
    TrashRow(
        6, "SHUTTLE", "/mnt/shuttle/A001C002.MP4", "/mnt/shuttle/.Trash-1000/files/A001C002.MP4",
        3_300_000_000, "2026-11-19T08:00:00.000Z", "ana@nas01", False,
    ),
)  # fmt: skip


class FakeShelf:
    """Copies, what lies twice, and the trash in lists."""

    def __init__(self, ask: Ask, source: Callable[..., Any], full: bool) -> None:
        self._ask = ask
        self.across = False
        self.copies_source = source(
            COPIES if full else (), lambda row: row.shown, lambda row: row.state == "online",
            lambda row: row.state != "online", lambda row: row, ("file", "volume", "size"),
        )  # fmt: skip
        self.twice_source = source(
            TWICE if full else (), lambda row: row.name, lambda row: row.files <= row.devices,
            lambda row: row.files > row.devices, lambda row: row, ("waste", "files", "name"),
        )  # fmt: skip
        self.trash_source = source(
            TRASH if full else (), lambda row: row.path, lambda row: row.reachable,
            lambda row: not row.reachable, lambda row: row, ("newest", "size", "path"),
        )  # fmt: skip

    def copies(self, wanted: str) -> Any:
        self._ask("copies", wanted)
        return self.copies_source

    def twice(self, *, same_device: bool) -> Any:
        self._ask("twice", same_device)
        return self.twice_source

    def trash(self) -> Any:
        return self.trash_source

    def copy(self, paths: Sequence[str], folder: str) -> str:
        self._ask("copy", list(paths), folder)
        return "copy-job"

    def plan_move(self, paths: Sequence[str], folder: str) -> dict[str, Any]:
        self._ask("plan_move", list(paths), folder)
        count = len(paths)
        return {
            "renamed": 0 if self.across else count,
            "copied": count if self.across else 0,
            "bytes": 8_400_000_000 * count,
        }

    def move(self, paths: Sequence[str], folder: str) -> tuple[Sequence[tuple[str, str]], str | None]:
        self._ask("move_files", list(paths), folder)
        if self.across:
            return [], "move-job"
        return [(path, f"{folder}/{path.rpartition('/')[2]}") for path in paths], None

    def move_back(self, moved: Sequence[tuple[str, str]]) -> int:
        self._ask("move_back", list(moved))
        return len(moved)

    def preview_trash(self, paths: Sequence[str]) -> dict[str, Any]:
        self._ask("preview_trash", list(paths))
        return {
            "files": len(paths), "bytes": 8_400_000_000, "refused": [],
            "warnings": [f"Of {paths[0]} one verified copy would be left: SHUTTLE:A001C001.MP4."],
        }  # fmt: skip

    def put_aside(self, paths: Sequence[str]) -> Sequence[int]:
        self._ask("put_aside", list(paths))
        return [11 + number for number in range(len(paths))]

    def restore(self, numbers: Sequence[int]) -> int:
        self._ask("restore", list(numbers))
        return len(numbers)

    def delete(self, numbers: Sequence[int]) -> int:
        self._ask("delete", list(numbers))
        return len(numbers)


class FakeFootage:
    """Clips, damaged copies and notices in lists."""

    def __init__(self, ask: Ask, source: Callable[..., Any], full: bool) -> None:
        self._ask, self._source = ask, source
        self.scopes: list[ClipScope] = []
        self.clip_source = source(
            CLIPS if full else (),
            lambda row: f"{row.title} {' '.join(row.tags)}",
            lambda row: row.state == "online",
            lambda row: row.state != "online",
            clip_detail,
            ("newest", "oldest", "name"),
        )
        self.damaged_source = source(
            DAMAGED if full else (),
            lambda row: row.path,
            lambda row: row.state == "damaged",
            lambda row: row.state == "missing",
            lambda row: row,
            ("state", "volume", "size"),
        )
        self.notice_source = source(
            NOTICES if full else (),
            lambda row: row.text,
            lambda row: row.level == "info",
            lambda row: row.level != "info",
            lambda row: row,
            ("newest", "place"),
        )
        self.new: list[Notice] = []

    def clips(self, scope: ClipScope) -> Any:
        self.scopes.append(scope)
        if scope.state in ("", "risk"):
            return self.clip_source
        rows = [row for row in self.clip_source.all.values() if row.state == scope.state]
        return self._source(rows, lambda row: row.title, lambda _: True, lambda _: False, clip_detail)

    def damaged(self) -> Any:
        return self.damaged_source

    def notices(self) -> Any:
        return self.notice_source

    def unseen(self) -> Sequence[Notice]:
        return self.new

    def saw_all(self) -> None:
        self.new = []
        self._ask("saw_all")

    def tag(self, clip_id: str, add: Sequence[str], remove: Sequence[str]) -> None:
        self._ask("tag", clip_id, list(add), list(remove))

    def favourite(self, clip_id: str, *, on: bool) -> None:
        self._ask("favourite", clip_id, on)
        self.clip_source.change(int(clip_id.split("-")[1]), favourite=on)

    def repair(self, copy_ids: Sequence[int]) -> str:
        self._ask("repair", list(copy_ids))
        return "repair-job"

    def verify(self) -> str:
        self._ask("verify")
        return "verify-job"


class FakeIntake:
    """Plans, watch folders, reports."""

    def __init__(self, ask: Ask, source: Callable[..., Any], full: bool, queue: Callable[..., str]) -> None:
        self._ask, self._queue = ask, queue
        self.planned: list[tuple[Any, ...]] = []
        self.plan_now: dict[str, Any] = PLAN
        self.watch_source = source(
            WATCHES if full else (),
            lambda row: row.path,
            lambda row: row.error is None,
            lambda row: row.error is not None,
            lambda row: row,
            ("added", "path"),
        )

    def plan(self, sources: Sequence[str], destinations: Sequence[str], options: Any) -> dict[str, Any]:
        self.planned.append((list(sources), list(destinations), options))
        self._ask("plan", list(sources), list(destinations))
        return self.plan_now

    def queue(self, sources: Sequence[str], destinations: Sequence[str], options: Any) -> str:
        del options
        return self._queue(sources, destinations)

    def watches(self) -> Any:
        return self.watch_source

    def watch(self, path: str, destinations: Sequence[str], mode: str | None = None) -> str:
        self._ask("watch", path, list(destinations), mode)
        self.watch_source.all[9] = WatchRow(9, path, tuple(destinations), mode, True, 0, None, None)
        self.watch_source.sequence.append(9)
        return "9"

    def unwatch(self, watch_id: int) -> None:
        self._ask("unwatch", watch_id)
        self.watch_source.sequence.remove(watch_id)

    def rest(self, watch_id: int, *, on: bool) -> None:
        self._ask("rest", watch_id, on)
        self.watch_source.change(watch_id, enabled=on)

    def report(self, job_id: str, formats: Sequence[str]) -> tuple[str, Sequence[tuple[str, str]]]:
        self._ask("report", job_id, list(formats))
        return "214 files verified on 2 destinations", [
            (name, f"/mnt/nas/.rushes/reports/A001_1120.{name}") for name in formats
        ]

    def journal(self, task_id: int) -> Journal:
        self._ask("journal", task_id)
        return JOURNAL


class FakeDrives:
    """Histories, offers and conflicts of volumes."""

    def __init__(self, ask: Ask, source: Callable[..., Any], full: bool) -> None:
        self._ask = ask
        self.settled: set[str] = set()
        self.claimed: list[Claim] = [
            Claim("nas", "TWIN", "/media/ana/TWIN", 12),
            Claim("nas", "TWIN", "/media/ana/TWIN1", 12),
        ]
        self.past_source = source(
            PAST if full else (), lambda row: row.text, lambda row: not row.bad, lambda row: row.bad,
            lambda row: row, ("newest", "kind"),
        )  # fmt: skip
        self.offer_source = source(
            OFFERS if full else (), lambda row: row.path, lambda row: row.online, lambda row: not row.online,
            lambda row: row, ("found", "size"),
        )  # fmt: skip

    def past(self, volume_id: str) -> Any:
        del volume_id
        return self.past_source

    def offers(self, volume_id: str | None) -> Any:
        del volume_id
        return self.offer_source

    def offered(self, offer_id: int) -> Sequence[str]:
        self._ask("offered", offer_id)
        return ["/mnt/nas/incoming/A007"]

    def dismiss(self, offer_id: int) -> None:
        self._ask("dismiss", offer_id)
        self.offer_source.sequence.remove(offer_id)

    def restore_offers(self, volume_id: str | None) -> int:
        self._ask("restore_offers", volume_id)
        return 1

    def colour(self, volume_id: str, wanted: str | None) -> None:
        self._ask("colour", volume_id, wanted)

    def claims(self, volume_id: str) -> Sequence[Claim]:
        return [claim for claim in self.claimed if claim.volume_id in (volume_id, None)]

    def settle(self, volume_id: str | None, mount_point: str) -> None:
        self._ask("settle", volume_id, mount_point)
        if volume_id is not None:
            self.settled.add(volume_id)

    def is_settled(self, volume_id: str) -> bool:
        return volume_id in self.settled

    def unsettle(self, volume_id: str) -> None:
        self._ask("unsettle", volume_id)
        self.settled.remove(volume_id)


class FakeFinding:
    """Sessions, rules, proposals."""

    def __init__(self, ask: Ask, source: Callable[..., Any], full: bool) -> None:
        self._ask, self._full = ask, full
        self.paths: dict[str, str | None] = {}
        self.session_source = source(
            SESSIONS if full else (), lambda row: row.path, lambda row: row.error is None,
            lambda row: row.error is not None, lambda row: row, ("newest", "applied"),
        )  # fmt: skip
        self.lost_clips = LostClips(0, 0)
        self.rule_source = source(
            RULES if full else (), lambda row: row.old, lambda _: True, lambda _: False, lambda row: row,
            ("kept", "old"),
        )  # fmt: skip

    def sessions(self) -> Any:
        return self.session_source

    def rules(self) -> Any:
        return self.rule_source

    def lost(self) -> LostClips:
        return self.lost_clips

    def proposals(self, candidate_id: int | None) -> Sequence[Prefixes]:
        self._ask("proposals", candidate_id)
        return PROPOSALS if self._full else ()

    def map(self, old: str, new: str, *, dry_run: bool, keep: bool) -> dict[str, Any]:
        self._ask("map", old, new, dry_run, keep)
        return PREVIEW if dry_run else {**PREVIEW, "applied": 313}

    def drop_rule(self, rule_id: int) -> None:
        self._ask("drop_rule", rule_id)
        self.rule_source.sequence.remove(rule_id)

    def restore_rule(self) -> str:
        self._ask("restore_rule")
        return "/mnt/old"

    def undo_session(self, session_id: str) -> int:
        self._ask("undo_session", session_id)
        return 1

    def redo_session(self, session_id: str) -> int:
        self._ask("redo_session", session_id)
        return 1

    def redo(self, candidate_id: int | None) -> int:
        self._ask("redo", candidate_id)
        return candidate_id or 7

    def look_inside(self, candidate_id: int) -> None:
        self._ask("look_inside", candidate_id)

    def picture(self, candidate_id: int, side: str, *, make: bool) -> tuple[str | None, str | None] | None:
        del candidate_id, make
        return self.paths.get(side), "Nothing to see."


class FakeSettings:
    """The real settings with their real rules, kept in memory."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.held: dict[str, str] = {"policy.copies": "3"}

    def source(self) -> Any:
        return source_of(
            lambda: [described(key, self.held.get(key, setting.default)) for key, setting in SETTINGS.items()]
        )

    def problem(self, key: str, text: str) -> str | None:
        return Settings.problem(key, text)

    def put(self, key: str, text: str | None) -> str | None:
        self._ask("put", key, text)
        before = self.held.pop(key, None)
        if text is not None:
            self.held[key] = text
        return before
