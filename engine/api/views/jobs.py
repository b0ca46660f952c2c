"""Jobs that are no export, and the files of one job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from sqlite_utils import Database

from engine.api.rows import (
    Id,
    ItemRow,
    JobDetail,
    JobRow,
    PartRow,
)
from engine.api.views.base import HISTORY, JOB_SHOWS, LOG_TAIL, STATE_ORDER, Table, like, log, name_or_none
from engine.errors import NotFound
from engine.ingest.carrying import pace
from engine.ingest.records import results
from engine.jobs import line, waiting
from engine.jobs.store import priority_word
from engine.storage.database import Row, row, rows

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


def _destinations(params: dict[str, Any]) -> tuple[str, ...]:
    found = params.get("destinations")
    if not isinstance(found, list):
        return ()
    return tuple(str(entry["path"] if isinstance(entry, dict) else entry) for entry in found)
