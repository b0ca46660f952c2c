"""The files of one job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from engine.api.file_rows import FileDetail, FileRow, TransferRow
from engine.api.rows import Filter, Id, LogLine
from engine.api.views import hits, order
from engine.api.views.base import LOG_TAIL, Table, like, name_or_none, terms_of
from engine.errors import NotFound
from engine.library import Library
from engine.names import from_blob
from engine.storage import packs
from engine.storage.database import Row, row, rows, scalar

_STATES = ("failed", "running", "cancelled", "completed", "queued", "skipped")
"""States of a file, those first that want to be seen."""

_SHOWN = {"active": ("running", "queued"), "failed": ("failed", "cancelled")}
"""The states that each choice shows."""

_BY_STATE = "tasks INDEXED BY tasks_by_job"

SOME = 20_000
"""So many files of a job, or of a state, are read and sorted; for more there are packs of names."""

SO_MANY = "too many to sort: as they were listed"
BY_STATE = "too many to sort: by state"
"""What is said where the order is not the one that was asked for."""

FEW = 5000
"""So many files that hold a text are read and sorted."""

FIRST = 1024
"""Of very many files with a text, out of very many in a state, so many are listed."""

STEP = 1024
"""So many of those are looked at together."""

LOOKED_AT = 16 * STEP
"""So many are looked at for the first ones."""


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
        """See :meth:`Table.ids`; by name within each source, by state one list after another.

        Of very many files with a text or in a state no index has every order: they are given in another
        one, or only the first of them, and the list's ``note`` says so.

        Raises:
            WrongUse: an order that is not known.
        """
        terms_of(self._sorts, wanted)
        needle = hits.needle(wanted)
        if needle is not None and self._more_than(SOME, "1"):
            return self._holding(wanted, needle)
        query = self._query(wanted)
        if wanted.order == "state":
            return self._by_state(query, _STATES, wanted)
        if wanted.show == "all":
            return order.read(self._library, query, self._total())
        if not self._more_than(SOME, self._shows[wanted.show]):
            return order.read(self._library, replace(query, tables=_BY_STATE), few=SOME)
        found = self._by_state(self._query(replace(wanted, order="state")), _SHOWN[wanted.show], wanted)
        return found if wanted.order in ("", "position") else hits.First(found, BY_STATE)

    def _by_state(self, query: order.Query, states: Sequence[str], wanted: Filter) -> Sequence[Id]:
        of_states = {state: query.narrowed(f"tasks.status = '{state}'") for state in states}
        lists = {state: order.read(self._library, one) for state, one in of_states.items()}
        plain = wanted.show == "all" and not wanted.text.strip("! ")
        total = self._total() if plain and isinstance(lists["completed"], order.Order) else None
        if total is not None:  # most are completed: as many as are left of all
            others = sum(len(found) for state, found in lists.items() if state != "completed")
            lists["completed"] = order.read(self._library, of_states["completed"], max(0, total - others))
        return order.joined([lists[state] for state in (states[::-1] if wanted.reverse else states)])

    def _total(self) -> int | None:
        """How many files the job has, where that is known at once."""
        return packs.total(self._library.db(), packs.TASKS, self._job_id)

    def _more_than(self, count: int, condition: str) -> bool:
        some = f"SELECT 1 FROM {_BY_STATE} WHERE tasks.job_id = ? AND {condition} LIMIT {count + 1}"
        return int(scalar(self._library.db(), f"SELECT count(*) FROM ({some})", (self._job_id,))) > count

    def _holding(self, wanted: Filter, needle: packs.Needle) -> Sequence[Id]:
        """The files of a job of very many whose names pass."""
        if wanted.show != "all" and not self._more_than(SOME, self._shows[wanted.show]):
            return order.read(self._library, replace(self._query(wanted), tables=_BY_STATE), few=SOME)
        db = self._library.db()
        found = packs.look(db, packs.TASKS, needle, self._job_id)
        if len(found) <= FEW:
            query = self._query(replace(wanted, text="")).only(found.part(db, 0, FEW))
            if wanted.order == "state":
                return self._by_state(query, _STATES, wanted)
            return order.read(self._library, query, few=FEW)
        if wanted.show != "all":
            return self._holding_and_shown(wanted, found)
        sorted_so = wanted.order in ("", "position") and self._listed_in_turn()
        note = "" if sorted_so else SO_MANY
        return hits.Found(self._library, found, backwards=wanted.reverse, note=note)

    def _holding_and_shown(self, wanted: Filter, found: packs.Hits) -> Sequence[Id]:
        """The first of very many files whose names pass, out of very many in a state."""
        db = self._library.db()
        low, high = self._reach(wanted)
        chosen: list[Id] = []
        looked = 0
        at, end = found.around(low, high)
        query = order.Query(self._key, "tasks", self._shows[wanted.show], ("tasks.task_id",))
        while at < end and len(chosen) < FIRST and looked < LOOKED_AT:
            size = min(STEP, end - at)
            part = found.part(db, end - size, end) if wanted.reverse else found.part(db, at, at + size)
            passing = order.read(self._library, query.only(part), few=STEP)
            chosen += passing[::-1] if wanted.reverse else passing
            looked += size
            at, end = (at, end - size) if wanted.reverse else (at + size, end)
        return hits.First(chosen[:FIRST], f"{SO_MANY}, the first of more" if at < end else SO_MANY)

    def _listed_in_turn(self) -> bool:
        """Whether ids go with the order by position: one source was listed after the other."""
        db = self._library.db()
        end = (
            "SELECT item_id, task_id FROM tasks INDEXED BY tasks_by_position WHERE job_id = :job AND item_id"
            " {} :item ORDER BY item_id{way}, position{way}, task_id{way} LIMIT 1"
        )
        last = -1
        values = {"job": self._job_id, "item": 0}
        while True:
            first = row(db, end.format(">", way=""), values)
            if first is None:
                return True
            if first["task_id"] < last:
                return False
            values["item"] = first["item_id"]
            last = int(scalar(db, f"SELECT task_id FROM ({end.format('=', way=' DESC')})", values))

    def _reach(self, wanted: Filter) -> tuple[int, int]:
        """The first and the last id that a file in the state can have: in one source, those of its ends."""
        db = self._library.db()
        of_job = "FROM tasks INDEXED BY tasks_by_position WHERE job_id = ? ORDER BY item_id{0} LIMIT 1"
        ends = [scalar(db, f"SELECT item_id {of_job.format(way)}", (self._job_id,)) for way in ("", " DESC")]
        if ends[0] != ends[1]:
            return 0, 1 << 62
        ids: list[int] = []
        for state in _SHOWN[wanted.show]:
            for way in ("", " DESC"):
                found = scalar(
                    db,
                    f"SELECT task_id FROM {_BY_STATE} WHERE job_id = ? AND status = ?"
                    f" ORDER BY position{way} LIMIT 1",
                    (self._job_id, state),
                )
                ids += [] if found is None else [int(found)]
        return min(ids, default=0), max(ids, default=0)

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
