"""Jobs that are no export, and the files of one job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from sqlite_utils import Database

from engine.api.rows import (
    FileDetail,
    FileRow,
    Filter,
    Id,
    ItemRow,
    JobDetail,
    JobRow,
    LogLine,
    PartRow,
    TransferRow,
)
from engine.api.views import order
from engine.api.views.base import HISTORY, JOB_SHOWS, LOG_TAIL, STATE_ORDER, Table, like, log, name_or_none
from engine.errors import NotFound
from engine.ingest.carrying import pace
from engine.ingest.records import results
from engine.jobs import line, waiting
from engine.jobs.store import priority_word
from engine.library import Library
from engine.names import from_blob
from engine.storage.database import Row, row, rows, scalar

_JOB_COLUMNS = (
    "jobs.job_id, jobs.batch_id, jobs.kind, jobs.title, jobs.status, jobs.intent, jobs.stage, jobs.message,"
    " jobs.done, jobs.total, jobs.bytes_done, jobs.bytes_total, jobs.rate, jobs.eta_seconds,"
    f" {waiting.SHOWN} AS waiting_for, jobs.error, jobs.created_at, jobs.started_at, jobs.ended_at,"
    " jobs.free_eta_seconds, jobs.parts, jobs.priority"
)


class Jobs(Table):
    """Ingests, verifications, scans and sweeps: all jobs that are no export. Quiet sweeps are left out."""

    orders = ("newest", "state", "name")
    _key = "jobs.job_id"
    _from = "jobs"
    _few = HISTORY
    _text = like("jobs.title")
    _shows: ClassVar[dict[str, str]] = JOB_SHOWS
    _sorts: ClassVar[dict[str, str]] = {
        "newest": "jobs.created_at DESC, jobs.job_id",
        "state": f"{STATE_ORDER}, jobs.created_at DESC, jobs.job_id",
        "name": "jobs.title COLLATE NOCASE, jobs.job_id",
    }

    def _scope(self) -> tuple[str, dict[str, Any]]:
        return "jobs.kind <> 'export' AND NOT (jobs.kind = 'sweep' AND jobs.status = 'completed')", {}

    def rows(self, ids: Sequence[Id]) -> list[JobRow]:
        """Jobs by id."""
        places = line.places(self._library.db())
        return [
            self._row(found, places.get(found["job_id"]))
            for found in self._by_id(f"SELECT job_id AS the_id, {_JOB_COLUMNS} FROM jobs", ids)
        ]

    def detail(self, row_id: Id) -> JobDetail:
        """A job with its items and the end of its log.

        Raises:
            NotFound: there is no such job.
        """
        db = self._library.db()
        found = row(db, f"SELECT {_JOB_COLUMNS}, created_by, params FROM jobs WHERE job_id = ?", (row_id,))
        if found is None:
            raise NotFound("This job is no longer in the library.")
        items = rows(
            db,
            "SELECT * FROM batch_items WHERE batch_id = ? ORDER BY position LIMIT 100",
            (found["batch_id"],),
        )
        params = json.loads(found.pop("params"))
        created_by = found.pop("created_by")
        return JobDetail(
            row=self._row(found, line.places(db).get(found["job_id"])),
            created_by=created_by,
            items=tuple(
                ItemRow(
                    source=name_or_none(item["source"]),
                    status=item["status"],
                    stage=item["stage"],
                    files_found=item["files_found"],
                    files_ingested=item["files_ingested"],
                    duplicates=item["duplicates"],
                    failed=item["failed"],
                    size_bytes=item["bytes"],
                    error=item["error"],
                )
                for item in items
            ),
            destinations=_destinations(params),
            log=log(self._library, str(row_id), LOG_TAIL),
            warnings=(*_why(db, str(row_id)), *results.warnings_of(db, str(row_id))),
        )

    def _row(self, found: Row, place: int | None) -> JobRow:
        values = {name: value for name, value in found.items() if name != "the_id"}
        values["parts"] = tuple(PartRow(**part) for part in pace.parts(found["parts"]))
        values["priority"] = priority_word(found["priority"])
        values["queue_place"] = place
        if found["batch_id"] is not None:
            numbers = row(
                self._library.db(),
                "SELECT count(*) AS items, coalesce(sum(files_found), 0) AS files_found,"
                " coalesce(sum(files_ingested), 0) AS files_ingested,"
                " coalesce(sum(duplicates), 0) AS duplicates, coalesce(sum(failed), 0) AS failed,"
                " CASE WHEN count(freed_at) = count(*) THEN max(freed_at) END AS freed_at"
                " FROM batch_items WHERE batch_id = ?",
                (found["batch_id"],),
            )
            values.update(numbers or {})
        return JobRow(**values)


def _why(db: Database, job_id: str) -> list[str]:
    """Why files failed: a sentence for each kind of failure, with the number of its files."""
    found = rows(
        db,
        "SELECT count(*) AS files, min(error) AS error FROM tasks WHERE job_id = ? AND status = 'failed'"
        " AND error IS NOT NULL GROUP BY error_kind ORDER BY files DESC LIMIT 3",
        (job_id,),
    )
    return [
        str(entry["error"])
        if entry["files"] == 1
        else f"{entry['files']:,} files failed for one reason, the first of them: {entry['error']}"
        for entry in found
    ]


_STATES = ("failed", "running", "cancelled", "completed", "queued", "skipped")
"""States of a file, those first that want to be seen."""

SOME = 20_000
"""Fewer files of a state are read by their state and sorted, more are met soon on the way through all."""


class Files(Table):
    """The files of one job, be it a million: each order is that of an index."""

    orders = ("position", "state", "size", "name")
    _key = "tasks.task_id"
    _from = "tasks"
    _text = like("CAST(tasks.name AS TEXT)")
    _shows: ClassVar[dict[str, str]] = {
        "active": "tasks.status IN ('queued', 'running')",
        "failed": "tasks.status IN ('failed', 'cancelled')",
    }
    _sorts: ClassVar[dict[str, str]] = {
        "position": "tasks.item_id, tasks.position, tasks.task_id",
        "state": "tasks.position, tasks.task_id",
        "size": "tasks.size DESC, tasks.task_id DESC",
        "name": "tasks.item_id, tasks.name, tasks.task_id",
    }

    def __init__(self, library: Library, job_id: str) -> None:
        super().__init__(library)
        self._job_id = job_id

    def _scope(self) -> tuple[str, dict[str, Any]]:
        return "tasks.job_id = :job_id", {"job_id": self._job_id}

    def ids(self, wanted: Filter) -> Sequence[Id]:
        """See :meth:`Table.ids`; by name within each source, by state one list after another."""
        query = self._query(wanted)
        if wanted.order == "state":
            states = _STATES[::-1] if wanted.reverse else _STATES
            lists = [query.narrowed(f"tasks.status = '{state}'") for state in states]
            return order.joined([order.read(self._library, one) for one in lists])
        if wanted.show == "all":
            return order.read(self._library, query)
        by_state = replace(query, tables="tasks INDEXED BY tasks_by_job")
        few = f"SELECT 1 FROM {by_state.tables} WHERE tasks.job_id = :job_id AND {self._shows[wanted.show]}"
        found = scalar(self._library.db(), f"SELECT count(*) FROM ({few} LIMIT {SOME})", query.params)
        return order.read(self._library, by_state if found < SOME else query)

    def rows(self, ids: Sequence[Id]) -> list[FileRow]:
        """Files by id, each with its transfers."""
        found = self._by_id(
            "SELECT task_id AS the_id, tasks.*, batch_items.source FROM tasks"
            " LEFT JOIN batch_items USING (item_id)",
            ids,
        )
        return [self._row(entry) for entry in found]

    def detail(self, row_id: Id) -> FileDetail:
        """A file with its log lines.

        Raises:
            NotFound: there is no such file.
        """
        found = self.rows([row_id])
        if not found:
            raise NotFound("This file is no longer part of the job.")
        lines = rows(
            self._library.db(),
            "SELECT at, level, message FROM job_log WHERE job_id = ? AND task_id = ?"
            " ORDER BY log_id DESC LIMIT ?",
            (self._job_id, row_id, LOG_TAIL),
        )
        return FileDetail(found[0], tuple(LogLine(**line) for line in lines[::-1]))

    def _row(self, found: Row) -> FileRow:
        transfers = rows(
            self._library.db(),
            "SELECT volumes.name AS volume, volume_id, hop, path, status, stage, level, error, verified_at,"
            " written / nullif(write_seconds, 0) AS write_rate, reread / nullif(read_seconds, 0) AS read_rate"
            " FROM transfers JOIN volumes USING (volume_id) WHERE task_id = ? ORDER BY transfer_id",
            (found["task_id"],),
        )
        return FileRow(
            task_id=found["task_id"],
            name=from_blob(found["name"]),
            size_bytes=found["size"],
            status=found["status"],
            stage=found["stage"],
            attempts=found["attempts"],
            error=found["error"],
            source=name_or_none(found["source"]),
            transfers=tuple(
                TransferRow(
                    **{
                        **transfer,
                        "path": from_blob(transfer["path"]),
                        "write_rate": _whole(transfer["write_rate"]),
                        "read_rate": _whole(transfer["read_rate"]),
                    }
                )
                for transfer in transfers
            ),
            read_rate=_whole(found["size"] / found["read_seconds"])
            if found["size"] and found["read_seconds"]
            else None,
        )


def _whole(rate: float | None) -> int | None:
    return None if not rate else round(rate)


def _destinations(params: dict[str, Any]) -> tuple[str, ...]:
    found = params.get("destinations")
    if not isinstance(found, list):
        return ()
    return tuple(str(entry["path"] if isinstance(entry, dict) else entry) for entry in found)
