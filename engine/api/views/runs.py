"""Runs: executions of recipes, with their segments and files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from engine import clock
from engine.api.rows import Filter, Id, OutputRow, RunDetail, RunRow
from engine.api.views import order
from engine.api.views.base import HISTORY, JOB_SHOWS, LOG_TAIL, STATE_ORDER, Table, like, log, name_or_none
from engine.errors import NotFound
from engine.export.runs import conditions, proven
from engine.export.runs.records import FRAMES_DONE, HAYSTACK
from engine.jobs import line, waiting
from engine.jobs.store import priority_word
from engine.storage.database import Row, row, rows

_RUN_COLUMNS = (
    f"runs.run_id, runs.job_id, runs.name, runs.recipe_name, {FRAMES_DONE} AS frames_made, runs.frames_total,"
    " runs.output_path, runs.output_size, runs.output_duration_ms, runs.error_category, runs.created_at,"
    " jobs.status, jobs.intent, jobs.stage, jobs.message, jobs.rate, jobs.eta_seconds,"
    f" {waiting.SHOWN} AS waiting_for, jobs.error, jobs.started_at, jobs.progress_at, jobs.ended_at,"
    " jobs.priority"
)


class Runs(Table):
    """All runs of all recipes."""

    orders = ("newest", "state", "name", "size")
    _key = "runs.run_id"
    _from = "runs JOIN jobs USING (job_id)"
    _few = HISTORY
    _text = like(f"({HAYSTACK})")
    _shows: ClassVar[dict[str, str]] = JOB_SHOWS
    _sorts: ClassVar[dict[str, str]] = {
        "newest": "runs.created_at DESC, runs.rowid DESC",
        "state": f"{STATE_ORDER}, runs.created_at DESC, runs.rowid DESC",
        "name": "runs.name COLLATE NOCASE, runs.run_id",
        "size": "runs.output_size DESC, runs.run_id",
    }

    def ids(self, wanted: Filter) -> Sequence[Id]:
        """See :meth:`Table.ids`; jobs are joined only where the filter or the order needs them."""
        text, asked = conditions.parse(wanted.text, clock.parse(clock.now()))
        query = self._query(replace(wanted, text=text))
        for number, (condition, value) in enumerate(asked):
            name = f"asked{number}"
            query = query.narrowed(condition.replace("?", f":{name}")).given(**{name: value})
        if any("jobs." in condition for condition, _ in asked):
            return order.read(self._library, query, few=self._few)
        if wanted.show == "all" and (wanted.order or self.orders[0]) != "state":
            query = replace(query, tables="runs")
        return order.read(self._library, query, few=self._few)

    def rows(self, ids: Sequence[Id]) -> list[RunRow]:
        """Runs by id."""
        found = self._by_id(f"SELECT runs.run_id AS the_id, {_RUN_COLUMNS} FROM {Runs._from}", ids)
        waits = any(entry["status"] == "pending" for entry in found)
        places = line.places(self._library.db()) if waits else {}
        return [self._row(entry, places.get(entry["job_id"])) for entry in found]

    def detail(self, row_id: Id) -> RunDetail:
        """A run with its files, settings and the end of its log.

        Raises:
            NotFound: there is no such run.
        """
        db = self._library.db()
        found = row(
            db,
            f"SELECT {_RUN_COLUMNS}, runs.snapshot, runs.segments_reused, runs.error_details, runs.thumbnail"
            f" FROM {Runs._from} WHERE run_id = ?",
            (row_id,),
        )
        if found is None:
            raise NotFound("This run is no longer in the library.")
        outputs = rows(
            db,
            "SELECT path, status, size AS size_bytes, run_outputs.duration_ms, error, title,"
            " run_outputs.blake3, verification FROM run_outputs"
            " LEFT JOIN clips USING (clip_id) WHERE run_id = ? ORDER BY position LIMIT 200",
            (row_id,),
        )
        return RunDetail(
            row=self._row(found, line.places(db).get(found["job_id"])),
            settings=json.loads(found["snapshot"]),
            segments_reused=found["segments_reused"],
            error_details=found["error_details"],
            outputs=tuple(_output(output) for output in outputs),
            log=log(self._library, found["job_id"], LOG_TAIL),
            thumbnail=name_or_none(found["thumbnail"]),
        )

    def _row(self, found: Row, place: int | None) -> RunRow:
        db = self._library.db()
        letters = "".join(
            _segment_letter(status, reused)
            for status, reused in db.conn.execute(
                "SELECT status, reused FROM segments WHERE run_id = ? AND kind = 'video'"
                " ORDER BY output, position",
                (found["run_id"],),
            ).fetchall()
        )
        outputs = db.conn.execute(
            "SELECT count(*), coalesce(sum(status = 'completed'), 0) FROM run_outputs WHERE run_id = ?",
            (found["run_id"],),
        ).fetchone()
        return RunRow(
            run_id=found["run_id"],
            job_id=found["job_id"],
            name=found["name"],
            recipe_name=found["recipe_name"],
            status=found["status"],
            intent=found["intent"],
            stage=found["stage"],
            message=found["message"],
            frames_done=found["frames_made"],
            frames_total=found["frames_total"],
            rate=found["rate"],
            eta_seconds=found["eta_seconds"],
            segments=letters,
            outputs_done=outputs[1],
            outputs=outputs[0],
            waiting_for=found["waiting_for"],
            output_path=name_or_none(found["output_path"]),
            output_bytes=found["output_size"],
            output_duration_ms=found["output_duration_ms"],
            error=found["error"],
            error_category=found["error_category"],
            created_at=found["created_at"],
            started_at=found["started_at"],
            progress_at=found["progress_at"],
            ended_at=found["ended_at"],
            priority=priority_word(found["priority"]),
            queue_place=place,
        )


def _output(found: Row) -> OutputRow:
    given = {key: value for key, value in found.items() if key != "verification"}
    told = json.loads(found["verification"]) if found["verification"] else None
    return OutputRow(**{**given, "path": name_or_none(given["path"]), "proof": proven.sentence(told)})


def _segment_letter(status: str, reused: int) -> str:
    if status == "completed":
        return "u" if reused else "c"
    return {"queued": "q", "running": "r", "skipped": "s", "failed": "f", "cancelled": "x"}[status]
