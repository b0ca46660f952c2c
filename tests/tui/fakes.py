"""A desk without an engine, and rows with readable defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from engine.api.candidates import CandidateDetail, CandidateRow, Scan, Side
from engine.api.file_rows import FileDetail, FileRow, TransferRow
from engine.api.rows import (
    Counts,
    Filter,
    Header,
    Id,
    ItemRow,
    JobDetail,
    JobRow,
    LogLine,
    Notice,
    OutputRow,
    RecipeRow,
    RunDetail,
    RunRow,
)
from engine.api.volume_rows import VolumeDetail, VolumeEvent, VolumeRow
from engine.errors import NotFound, RushesError
from tests.tui.fake_making import FakeMaking
from tests.tui.fake_parts import (
    FakeDrives,
    FakeFinding,
    FakeFootage,
    FakeIntake,
    FakeSettings,
    FakeShelf,
)

NOW = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)


class Ticks:
    """A clock that stands still until it is pushed on."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class FakeSource:
    """Rows in a list."""

    def __init__(
        self,
        rows: Sequence[Any],
        name: Callable[[Any], str],
        active: Callable[[Any], bool],
        failed: Callable[[Any], bool],
        detail: Callable[[Any], Any],
        orders: tuple[str, ...] = ("newest", "name"),
    ) -> None:
        self.all = {row.id: row for row in rows}
        self.sequence: list[Id] = [row.id for row in rows]
        self.orders = orders
        self._name, self._active, self._failed, self._detail = name, active, failed, detail

    def ids(self, wanted: Filter) -> Sequence[Id]:
        text = wanted.text.strip().lower()
        negated, text = text.startswith("!"), text.removeprefix("!")
        found = [
            row_id
            for row_id in self.sequence
            if (not text or (text in self._name(self.all[row_id]).lower()) != negated)
            and {"all": lambda _: True, "active": self._active, "failed": self._failed}[wanted.show](
                self.all[row_id]
            )
        ]
        if wanted.order == "name":
            found.sort(key=lambda row_id: self._name(self.all[row_id]).lower())
        return found[::-1] if wanted.reverse else found

    def rows(self, ids: Sequence[Id]) -> list[Any]:
        return [self.all[row_id] for row_id in ids if row_id in self.all]

    def detail(self, row_id: Id) -> Any:
        if row_id not in self.all:
            raise NotFound("This row is gone.")
        return self._detail(self.all[row_id])

    def change(self, row_id: Id, **changes: Any) -> None:
        self.all[row_id] = dataclasses.replace(self.all[row_id], **changes)


class FakeDesk:
    """Keeps what it was asked for in ``asked``; refuses what ``refusals`` says."""

    def __init__(
        self,
        *,
        volumes: Sequence[VolumeRow] = (),
        jobs: Sequence[JobRow] = (),
        files: Sequence[FileRow] = (),
        runs: Sequence[RunRow] = (),
        candidates: Sequence[CandidateRow] = (),
        recipes: Sequence[RecipeRow] = (),
        log: Sequence[LogLine] = (),
        scan: Scan | None = None,
        header: Header | None = None,
        notes: Sequence[str] = (),
        items: Sequence[ItemRow] = (),
        thumbnail: str | None = None,
    ) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.refusals: dict[str, RushesError] = {}
        self.holders: Sequence[str] = ()
        self.left_alone: Sequence[str] = ()
        self.ends: list[Notice] = []
        self.writes = 1
        self._seen = 0
        full = bool(volumes or candidates)
        self.footage = FakeFootage(self._ask, FakeSource, full)
        self.shelf = FakeShelf(self._ask, FakeSource, full)
        self.making = FakeMaking(self._ask, FakeSource, empty=not full)
        self.intake = FakeIntake(self._ask, FakeSource, full, self.ingest)
        self.drives = FakeDrives(self._ask, FakeSource, full)
        self.finding = FakeFinding(self._ask, FakeSource, full)
        self.settings = FakeSettings(self._ask)
        self._log, self._recipes, self._scan, self._notes = log, recipes, scan, notes
        self.header_now = header
        live = ("pending", "running", "paused", "interrupted")
        bad = ("failed", "completed_with_warnings", "interrupted")
        self.volume_source = FakeSource(
            volumes,
            lambda row: row.name,
            lambda row: row.state == "online",
            lambda row: row.state != "online",
            volume_detail,
            ("name", "state", "free", "seen", "clips"),
        )
        self.job_source = FakeSource(
            jobs,
            lambda row: row.title,
            lambda row: row.status in live,
            lambda row: row.status in bad,
            lambda row: JobDetail(
                row, "ana@nas01", tuple(items), ("/mnt/nas/footage", "/mnt/shuttle"), tuple(log[-4:])
            ),
            ("newest", "state", "name"),
        )
        self.file_source = FakeSource(
            files,
            lambda row: row.name,
            lambda row: row.status in ("queued", "running"),
            lambda row: row.status == "failed",
            lambda row: FileDetail(row, tuple(log[-2:])),
            ("position", "state", "size", "name"),
        )
        self.run_source = FakeSource(
            runs,
            lambda row: row.name,
            lambda row: row.status in live,
            lambda row: row.status in bad,
            lambda row: run_detail(row, log, thumbnail),
            ("newest", "state", "name", "size"),
        )
        self.candidate_source = FakeSource(
            candidates,
            lambda row: f"{row.title} {row.new_path}",
            lambda row: row.status in ("pending", "later"),
            lambda row: row.status not in ("pending", "later"),
            candidate_detail,
            ("clip", "confidence", "newest"),
        )

    def write(self) -> None:
        """Pretend that somebody wrote to the database."""
        self.writes += 1

    def _ask(self, *what: Any) -> None:
        self.asked.append(what)
        refusal = self.refusals.get(what[0]) or self.refusals.get(
            f"{what[0]}:{what[1] if len(what) > 1 else ''}"
        )
        if refusal is not None:
            raise refusal
        self.write()

    def header(self) -> Header:
        if self.header_now is not None:
            return self.header_now
        running = [job for job in self.job_source.all.values() if job.status == "running"]
        return Header(
            library="Day 12",
            host="nas01",
            engine="running",
            jobs_running=len(running) + sum(run.status == "running" for run in self.run_source.all.values()),
            rate=sum(job.rate or 0 for job in running) or None,
            counts=Counts(
                volumes=len(self.volume_source.all),
                volumes_away=sum(row.state != "online" for row in self.volume_source.all.values()),
                jobs_active=sum(
                    job.status in ("pending", "running", "paused", "interrupted")
                    for job in self.job_source.all.values()
                ),
                jobs_failed=sum(job.status == "failed" for job in self.job_source.all.values()),
                exports_active=sum(
                    run.status in ("pending", "running", "paused", "interrupted")
                    for run in self.run_source.all.values()
                ),
                exports_failed=sum(run.status == "failed" for run in self.run_source.all.values()),
                candidates_open=sum(
                    row.status in ("pending", "later") for row in self.candidate_source.all.values()
                ),
            ),
        )

    def changed(self) -> bool:
        seen, self._seen = self._seen, self.writes
        return seen != self.writes

    def volumes(self) -> FakeSource:
        return self.volume_source

    def ingests(self) -> FakeSource:
        return self.job_source

    def files(self, job_id: str) -> FakeSource:
        del job_id
        return self.file_source

    def exports(self) -> FakeSource:
        return self.run_source

    def candidates(self) -> FakeSource:
        return self.candidate_source

    def last_scan(self) -> Scan | None:
        return self._scan

    def recipes(self) -> Sequence[RecipeRow]:
        return self._recipes

    def log(self, job_id: str) -> Sequence[LogLine]:
        del job_id
        return self._log

    def demo_notes(self) -> Sequence[str]:
        return self._notes

    def ingest(self, sources: Sequence[str], destinations: Sequence[str]) -> str:
        self._ask("ingest", list(sources), list(destinations))
        new = job("new-job", title="NEW_CARD", status="pending", bytes_done=0)
        self.job_source.all["new-job"] = new
        self.job_source.sequence.insert(0, "new-job")
        return "new-job"

    def move(self, job_id: str, where: str) -> int:
        self._ask("move", job_id, where)
        return 2

    def priority(self, job_id: str, word: str) -> None:
        self._ask("priority", job_id, word)

    def job(self, job_id: str, verb: str) -> None:
        self._ask("job", job_id, verb)
        for source in (self.job_source, self.run_source):
            for row in list(source.all.values()):
                if row.job_id == job_id:
                    source.change(row.id, intent=verb)

    def export(self, recipes: Sequence[str]) -> Sequence[str]:
        self._ask("export", list(recipes))
        return []

    def rerun(self, run_id: str) -> str:
        self._ask("rerun", run_id)
        self.run_source.all["again"] = run("again", status="pending")
        self.run_source.sequence.insert(0, "again")
        return "again"

    def goes_with(self, run_id: str) -> Sequence[str]:
        self._ask("goes_with", run_id)
        path = self.run_source.all[run_id].output_path
        return [path] if path else []

    def delete_run(self, run_id: str) -> Sequence[str]:
        self._ask("delete_run", run_id)
        del self.run_source.all[run_id]
        self.run_source.sequence.remove(run_id)
        return self.left_alone

    def scan(self, path: str, **options: Any) -> str:
        how = {key: value for key, value in options.items() if value is not False and value != 0.95}
        self._ask("scan", path, *([how] if how else []))
        return "scan-job"

    def decide(self, candidate_id: int, verdict: str) -> None:
        self._ask("decide", candidate_id, verdict)
        after = {"apply": "applied", "reject": "rejected", "later": "later", "undo": "pending"}[verdict]
        row = self.candidate_source.all[candidate_id]
        self.candidate_source.change(candidate_id, status=after)
        if verdict == "apply":
            for other in list(self.candidate_source.all.values()):
                if other.copy_id == row.copy_id and other.status == "pending":
                    self.candidate_source.change(other.id, status="skipped")

    def apply_certain(self) -> tuple[list[int], list[str]]:
        self._ask("apply_certain")
        certain = [
            row for row in self.candidate_source.all.values() if row.certain and row.status == "pending"
        ]
        for row in certain:
            self.candidate_source.change(row.id, status="applied")
        return [row.candidate_id for row in certain], []

    def volume(self, volume_id: str, verb: str, *, name: str | None = None) -> None:
        self._ask("volume", volume_id, verb, name)
        changes: dict[str, Any] = {
            "track": {"tracked": True},
            "untrack": {"tracked": False},
            "rename": {"name": name},
            "favourite": {"favourite": True},
            "unfavourite": {"favourite": False},
            "mark": {},
        }[verb]
        self.volume_source.change(volume_id, **changes)

    def sweep(self, volume_id: str) -> str:
        self._ask("sweep", volume_id)
        return "sweep-job"

    def measure(self, volume_id: str) -> str:
        self._ask("measure", volume_id)
        return "speed-job"

    def held_by(self, volume_id: str) -> Sequence[str]:
        self._ask("held_by", volume_id)
        return self.holders

    def eject(self, volume_id: str) -> None:
        self._ask("eject", volume_id)
        self.volume_source.change(volume_id, state="offline")

    def card_check(self, path: str) -> tuple[bool, Sequence[str]]:
        self._ask("card_check", path)
        return False, [
            "48 of 50 files have 2 proven copies on 2 devices.",
            "M4ROOT/CLIP/C0031.MP4: one proven copy only, on NAS.",
            "M4ROOT/CLIP/C0032.MP4: no proven copy.",
        ]

    def deliver(self, run_id: str, folder: str, *, move: bool = False) -> str:
        self._ask("deliver", run_id, folder, move)
        return "delivery"

    def notices(self) -> Sequence[Notice]:
        found, self.ends = self.ends, []
        return found

    def start_engine(self) -> None:
        self._ask("start_engine")

    def stop_engine(self) -> None:
        self._ask("stop_engine")


# -- rows --------------------------------------------------------------------------
def volume(volume_id: str, **changes: Any) -> VolumeRow:
    defaults = VolumeRow(
        volume_id=volume_id,
        name=volume_id.upper(),
        state="online",
        volume_class="pool",
        kind="file_system",
        fs_type="ext4",
        is_network=False,
        is_removable=False,
        read_only=False,
        size_bytes=16_000_000_000_000,
        free_bytes=6_400_000_000_000,
        mount_point=f"/mnt/{volume_id}",
        clips=128,
        offline_clips=0,
        first_seen_at="2026-10-01T08:00:00.000Z",
        last_seen_at="2026-11-20T18:29:00.000Z",
        offline_since=None,
        tracked=True,
        favourite=False,
    )
    return dataclasses.replace(defaults, **changes)


def volume_detail(row: VolumeRow) -> VolumeDetail:
    return VolumeDetail(
        row=row,
        label=row.name.replace(" ", "_"),
        fs_uuid="6f1c2b7e-9a40-4b1e-8c11-2d5f0a7be913",
        serial="WD-WX72D41K8E2A" if row.volume_class != "network" else None,
        model="WDC WD161KRYZ" if row.volume_class != "network" else None,
        share="nas02:/export/rushes" if row.volume_class == "network" else None,
        copies=row.clips * 2,
        copies_bytes=row.clips * 2_700_000_000,
        missing=3 if row.volume_id == "shuttle" else 0,
        damaged=0,
        rotational=None if row.volume_class == "network" else row.volume_class == "pool",
        events=(
            VolumeEvent("2026-11-20T17:58:04.000Z", "offline", "offline"),
            VolumeEvent("2026-11-20T09:12:44.000Z", "remounted", "mounted at /media/ana/SHUTTLE"),
            VolumeEvent(
                "2026-11-19T20:40:00.000Z", "swept", "looked through: 128 known, 125 there, 3 missing"
            ),
            VolumeEvent(
                "2026-11-19T08:01:00.000Z",
                "online",
                "back at /mnt/shuttle: same file-system UUID, same size, 8 of 8 known files at their place",
            ),
        ),
    )


def job(job_id: str, **changes: Any) -> JobRow:
    defaults = JobRow(
        job_id=job_id,
        batch_id=f"batch-{job_id}",
        kind="ingest",
        title=job_id.upper(),
        status="running",
        intent=None,
        stage="copy",
        message=None,
        done=57,
        total=214,
        bytes_done=42_100_000_000,
        bytes_total=118_000_000_000,
        rate=182_000_000.0,
        eta_seconds=417.0,
        waiting_for=None,
        error=None,
        created_at="2026-11-20T18:20:00.000Z",
        started_at="2026-11-20T18:20:01.000Z",
        ended_at=None,
        items=1,
        files_found=214,
        files_ingested=57,
    )
    return dataclasses.replace(defaults, **changes)


def file(task_id: int, name: str, **changes: Any) -> FileRow:
    defaults = FileRow(
        task_id=task_id,
        name=name,
        size_bytes=4_120_000_000,
        status="completed",
        stage=None,
        attempts=1,
        error=None,
        source="/media/CARD_A",
        transfers=(
            TransferRow(
                "NAS",
                f"footage/{name}",
                "completed",
                None,
                "device re-read",
                None,
                "2026-11-20T18:24:10.000Z",
            ),
            TransferRow(
                "SHUTTLE", f"{name}", "completed", None, "device re-read", None, "2026-11-20T18:24:31.000Z"
            ),
        ),
    )
    return dataclasses.replace(defaults, **changes)


def run(run_id: str, **changes: Any) -> RunRow:
    defaults = RunRow(
        run_id=run_id,
        job_id=f"job-{run_id}",
        name=run_id,
        recipe_name="Dailies",
        status="running",
        intent=None,
        stage="encode",
        message="segment 4 of 9",
        frames_done=5_130,
        frames_total=14_400,
        rate=96.0,
        eta_seconds=97.0,
        segments="cccrqqqqq",
        outputs_done=0,
        outputs=1,
        waiting_for=None,
        output_path=None,
        output_bytes=None,
        output_duration_ms=None,
        error=None,
        error_category=None,
        created_at="2026-11-20T18:10:00.000Z",
        started_at="2026-11-20T18:10:02.000Z",
        progress_at="2026-11-20T18:29:59.000Z",
        ended_at=None,
    )
    return dataclasses.replace(defaults, **changes)


def run_detail(row: RunRow, log: Sequence[LogLine], thumbnail: str | None = None) -> RunDetail:
    proof = "every frame decoded, 14,400 frames" if row.status == "completed" else None
    outputs = (
        OutputRow(
            row.output_path,
            row.status,
            row.output_bytes,
            row.output_duration_ms,
            None,
            proof=proof,
            blake3="5d41" * 16 if proof else None,
        ),
    )
    details = (
        "Error writing trailer of seg_0003.mov: No space left on device" if row.status == "failed" else None
    )
    return RunDetail(
        row,
        {
            "preset": {"name": "share"},
            "recipe": {"spec": {"mode": "by_date", "layout": "joined"}},
            "clips": [{}] * 41,
            "destination": "/mnt/nas/exports",
        },
        2 if "u" in row.segments else 0,
        details,
        outputs,
        tuple(log[-4:]),
        thumbnail,
    )


def candidate(candidate_id: int, **changes: Any) -> CandidateRow:
    defaults = CandidateRow(
        candidate_id=candidate_id,
        session_id="session",
        copy_id=candidate_id,
        clip_id=f"clip-{candidate_id}",
        title=f"C{candidate_id:04d}",
        confidence=1.0,
        certain=True,
        match_type="full_hash",
        status="pending",
        old_volume="SHUTTLE",
        old_path=f"DAY_11/A001/C{candidate_id:04d}.MP4",
        new_volume="ARCHIVE 2",
        new_path=f"projects/river/day 11/camera A/C{candidate_id:04d}.MP4",
        size_bytes=2_310_044_672,
    )
    return dataclasses.replace(defaults, **changes)


def candidate_detail(row: CandidateRow) -> CandidateDetail:
    same = row.confidence >= 0.95
    return CandidateDetail(
        row,
        known=Side(
            row.old_volume,
            "offline",
            row.old_path,
            2_310_044_672,
            1_763_560_800_000_000_000,
            "a3f1c09be7724d5518c2e9b7d0f4a6613e",
            "77e0b1c2d3a4",
            92_040,
            "hevc",
        ),
        found=Side(
            row.new_volume,
            "online",
            row.new_path,
            row.size_bytes,
            1_763_560_800_000_000_000 if same else 1_763_647_200_000_000_000,
            "a3f1c09be7724d5518c2e9b7d0f4a6613e" if same else None,
            "77e0b1c2d3a4" if same else None,
            92_040,
            "hevc",
        ),
        evidence={
            "size": True,
            "blake3": same or None,
            "fast_hash": same or None,
            "name": True,
            "exact_name": same,
            "mtime": same,
            "timecode": True,
            "inode": None,
            "path_tail": 1,
            "lost_size": row.size_bytes,
            "ambiguous": row.rivals > 1,
            "equally_good": row.rivals,
            "fits_other_content": False,
        },
        decided_at=None if row.status in ("pending", "later") else "2026-11-20T18:25:00.000Z",
        decided_by=None if row.status in ("pending", "later") else "ana@nas01",
    )


LOG = (
    LogLine("2026-11-20T18:20:01.000Z", "info", "214 files, 118 GiB; 2 destinations have room for all of it"),
    LogLine("2026-11-20T18:22:40.000Z", "warning", "C0014.MP4: no sidecar; taken in without it"),
    LogLine(
        "2026-11-20T18:25:11.000Z", "error", "C0031.MP4: SHUTTLE is full; the copy on NAS is proven and kept"
    ),
    LogLine("2026-11-20T18:25:12.000Z", "info", "SHUTTLE is left out from here on; NAS goes on"),
)


# -- desks -------------------------------------------------------------------------
def busy_desk(**changes: Any) -> FakeDesk:
    """A day in full swing, with something of every kind."""
    options: dict[str, Any] = {
        "volumes": VOLUMES,
        "jobs": JOBS,
        "files": FILES,
        "runs": RUNS,
        "candidates": CANDIDATES,
        "recipes": RECIPES,
        "log": LOG,
        "items": ITEMS,
        "scan": Scan("session", "/mnt/archive2", "completed", 41_200, 96, 128, 9, None),
    }
    return FakeDesk(**{**options, **changes})


VOLUMES = (
    volume("nas", name="NAS", mount_point="/mnt/nas", favourite=True, clips=1_204),
    volume(
        "archive",
        name="ARCHIVE 2",
        volume_class="network",
        fs_type="nfs4",
        is_network=True,
        size_bytes=48_000_000_000_000,
        free_bytes=2_100_000_000_000,
        mount_point="/mnt/archive2",
        clips=4_870,
        offline_clips=3,
    ),
    volume(
        "card_a",
        name="A001_1120",
        volume_class="card",
        fs_type="exfat",
        is_removable=True,
        size_bytes=128_000_000_000,
        free_bytes=9_700_000_000,
        mount_point="/media/ana/A001_1120",
        clips=0,
        tracked=False,
    ),
    volume(
        "shuttle",
        name="SHUTTLE",
        state="offline",
        volume_class="removable",
        fs_type="exfat",
        is_removable=True,
        size_bytes=4_000_000_000_000,
        free_bytes=612_000_000_000,
        mount_point="/media/ana/SHUTTLE",
        clips=128,
        offline_clips=128,
        last_seen_at="2026-11-20T17:58:04.000Z",
        offline_since="2026-11-20T17:58:04.000Z",
    ),
    volume(
        "office",
        name="office share",
        state="not_responding",
        volume_class="network",
        fs_type="cifs",
        is_network=True,
        mount_point="/mnt/office",
        size_bytes=8_000_000_000_000,
        free_bytes=3_900_000_000_000,
        clips=36,
    ),
    volume(
        "vault",
        name="[VAULT] \x1b[2J ;rm \u6771\u4eac",
        state="offline",
        volume_class="unknown",
        fs_type="xfs",
        size_bytes=2_000_000_000_000,
        free_bytes=1_200_000_000_000,
        mount_point="/mnt/vault",
        clips=512,
        offline_clips=512,
        last_seen_at="2025-12-04T10:00:00.000Z",
    ),
)

JOBS = (
    job("j1", title="A001_1120 to NAS, SHUTTLE"),
    job(
        "j2",
        title="B002_1120 to NAS, SHUTTLE",
        stage="read back",
        bytes_done=61_900_000_000,
        bytes_total=64_000_000_000,
        rate=96_400_000.0,
        eta_seconds=21.0,
        files_found=88,
        files_ingested=84,
        done=84,
        total=88,
    ),
    job(
        "j3",
        title="GoPro 3 to NAS, SHUTTLE",
        status="paused",
        rate=None,
        eta_seconds=None,
        waiting_for="SHUTTLE",
        bytes_done=3_000_000_000,
        bytes_total=31_000_000_000,
        files_found=41,
        files_ingested=4,
        done=4,
        total=41,
    ),
    job(
        "j4",
        title="C001_1120 to NAS",
        status="pending",
        bytes_done=0,
        rate=None,
        eta_seconds=None,
        files_found=0,
        files_ingested=0,
        done=0,
        total=None,
        bytes_total=None,
    ),
    job(
        "j5",
        kind="verify",
        title="verify of NAS, 2 h",
        stage="reading",
        rate=412_000_000.0,
        eta_seconds=3_900.0,
        bytes_done=900_000_000_000,
        bytes_total=2_600_000_000_000,
        files_found=0,
        files_ingested=0,
        done=301,
        total=870,
    ),
    job(
        "j6",
        title="A001_1119 to NAS",
        status="interrupted",
        rate=None,
        eta_seconds=None,
        error="The engine ended while this job ran; 102 proven files are kept.",
        created_at="2026-11-20T16:02:00.000Z",
        files_ingested=102,
    ),
    job(
        "j7",
        title="D001_1120 to NAS, SHUTTLE",
        status="completed_with_warnings",
        bytes_done=52_000_000_000,
        bytes_total=52_400_000_000,
        files_found=120,
        files_ingested=118,
        failed=2,
        error="2 of 120 files could not be read from the card; the others are proven.",
        created_at="2026-11-20T14:40:00.000Z",
        ended_at="2026-11-20T15:02:10.000Z",
    ),
    job(
        "j8",
        title="E001_1120 to SHUTTLE",
        status="failed",
        error="SHUTTLE is full: 12.4 GiB are missing. 31 proven files are kept; free space, then retry.",
        bytes_done=20_000_000_000,
        bytes_total=52_400_000_000,
        files_found=66,
        files_ingested=31,
        failed=35,
        created_at="2026-11-20T13:40:00.000Z",
        ended_at="2026-11-20T13:58:10.000Z",
    ),
    job(
        "j9",
        title="A001_1118 to NAS, SHUTTLE",
        status="completed",
        bytes_done=118_000_000_000,
        files_ingested=214,
        created_at="2026-11-18T18:00:00.000Z",
        ended_at="2026-11-18T18:22:10.000Z",
    ),
    job(
        "j10",
        kind="relink_scan",
        batch_id=None,
        title="look for lost files in /mnt/archive2",
        status="cancelled",
        bytes_total=None,
        bytes_done=0,
        done=5_200,
        total=None,
        items=0,
        files_found=0,
        files_ingested=0,
        created_at="2026-11-18T17:00:00.000Z",
        ended_at="2026-11-18T17:02:10.000Z",
    ),
)

ITEMS = (
    ItemRow("/media/ana/A001_1120", "running", "copy", 214, 57, 0, 0, 118_000_000_000, None),
    ItemRow(
        "/media/ana/notes", "failed", None, 3, 2, 0, 1, 12_000, "notes/old.txt: permission denied; left out"
    ),
)

FILES = (
    file(1, "M4ROOT/CLIP/C0001.MP4"),
    file(2, "M4ROOT/CLIP/C0001M01.XML", size_bytes=4_120),
    file(
        3,
        "M4ROOT/CLIP/C0002.MP4",
        status="running",
        stage="copy",
        transfers=(
            TransferRow("NAS", "footage/C0002.MP4", "running", "read back", None, None, None),
            TransferRow("SHUTTLE", "C0002.MP4", "running", "copy", None, None, None),
        ),
    ),
    file(
        4,
        "M4ROOT/CLIP/C0031.MP4",
        status="failed",
        attempts=3,
        error="SHUTTLE is full; the copy on NAS is proven and kept.",
        transfers=(
            TransferRow(
                "NAS",
                "footage/C0031.MP4",
                "completed",
                None,
                "device re-read",
                None,
                "2026-11-20T18:25:00.000Z",
            ),
            TransferRow("SHUTTLE", "C0031.MP4", "failed", "copy", None, "No space left on SHUTTLE.", None),
        ),
    ),
    file(5, "M4ROOT/CLIP/clip [1] ;rm \x1b[2J\n.mov", status="queued", transfers=()),
    file(6, "M4ROOT/THMBNL/\udcff\udcfe.JPG", size_bytes=18_000, status="skipped"),
)

RUNS = (
    run("Dailies 20 Nov"),
    run(
        "Proxies 20 Nov",
        recipe_name="Proxies",
        segments="",
        outputs=40,
        outputs_done=12,
        frames_done=31_200,
        frames_total=104_000,
        rate=240.0,
        eta_seconds=303.0,
        message="C0013.mov",
    ),
    run(
        "Director's cut v3",
        segments="ccuccfqqqq",
        status="failed",
        error="The disk of /mnt/nas/exports is full. 5 finished segments are kept; "
        "free 8.2 GiB, then resume.",
        error_category="disk_full",
        rate=None,
        eta_seconds=None,
        ended_at="2026-11-20T17:44:00.000Z",
    ),
    run(
        "Social 30s",
        segments="cr",
        progress_at="2026-11-20T18:29:12.000Z",
        rate=0.0,
        eta_seconds=None,
        frames_done=402,
        frames_total=900,
    ),
    run(
        "Archive master",
        status="pending",
        segments="",
        frames_total=None,
        frames_done=0,
        rate=None,
        eta_seconds=None,
    ),
    run(
        "Dailies 19 Nov",
        status="completed",
        segments="ccccccccc",
        frames_done=14_400,
        rate=None,
        eta_seconds=None,
        output_path="/mnt/nas/exports/Dailies 19 Nov.mp4",
        output_bytes=1_840_000_000,
        output_duration_ms=576_000,
        created_at="2026-11-19T19:00:00.000Z",
        ended_at="2026-11-19T19:11:00.000Z",
    ),
    run("Trailer", status="cancelled", segments="ccxxx", frames_done=2_000, rate=None, eta_seconds=None),
)

CANDIDATES = (
    candidate(1),
    candidate(2),
    candidate(3, confidence=0.95, match_type="fast_hash", copy_id=3, rivals=2, certain=False),
    candidate(
        4,
        title="C0003",
        copy_id=3,
        clip_id="clip-3",
        confidence=0.8,
        match_type="size_duration",
        certain=False,
        rivals=2,
        new_path="old/backup/C0003 (copy).MP4",
    ),
    candidate(
        5,
        confidence=0.5,
        match_type="filename",
        certain=False,
        size_bytes=2_309_998_080,
        new_path="unsorted/C0005.MP4",
    ),
    candidate(6, status="later", confidence=0.8, match_type="size_duration", certain=False),
    candidate(7, status="applied"),
    candidate(8, status="rejected", confidence=0.5, match_type="filename", certain=False),
    candidate(
        9, title="clip [1] ;rm", new_path="we\x1b[2Jird/\udcff.mov", old_path="DAY_11/\u6771\u4eac.mov"
    ),
)

RECIPES = (
    RecipeRow("Dailies", "by_date", "joined", "share", "/mnt/nas/exports", 41),
    RecipeRow("Proxies", "all", "per-clip", "web", "/mnt/nas/proxies", 128),
    RecipeRow("Master", "by_favorites", "joined", "archive", "/mnt/archive2/masters", 0),
)
