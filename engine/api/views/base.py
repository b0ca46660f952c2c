"""What the sources of rows share: ids from a filter, rows by id in chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from engine.api.rows import Filter, Id, LogLine
from engine.api.views import order
from engine.errors import WrongUse
from engine.library import Library
from engine.names import from_blob
from engine.storage.database import Row, parts, rows

HISTORY = 50_000
"""Jobs, or runs, of which a list is read as a whole: their orders are no indexes."""

LOG_TAIL = 12
"""Log lines that a detail carries; the whole log is one key away."""


STATE_ORDER = (
    "CASE jobs.status WHEN 'running' THEN 0 WHEN 'interrupted' THEN 1 WHEN 'paused' THEN 2"
    " WHEN 'pending' THEN 3 WHEN 'failed' THEN 4 WHEN 'completed_with_warnings' THEN 5 ELSE 6 END"
)
JOB_SHOWS = {
    "active": "jobs.status IN ('pending', 'running', 'paused', 'interrupted')",
    "failed": "jobs.status IN ('failed', 'completed_with_warnings', 'interrupted')",
}


def like(expression: str) -> str:
    """A condition: ``expression`` holds the wanted text, whatever its letter case (ASCII)."""
    return f"{expression} LIKE :text ESCAPE '\\'"


class Table:
    """What the sources share: ids from a filter, rows by id in chunks."""

    orders: tuple[str, ...]
    _key: str
    _from: str
    _text: str
    """A condition on the value ``:text``, a pattern of LIKE."""
    _shows: ClassVar[dict[str, str]]
    _sorts: ClassVar[dict[str, str]]
    """The terms of each order, parted by commas; the last is unique."""

    _few: ClassVar[int | None] = None
    """So many rows are read as a whole, see :func:`order.read`."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def _scope(self) -> tuple[str, dict[str, Any]]:
        """A condition that always holds, with its values."""
        return "1", {}

    def ids(self, wanted: Filter) -> Sequence[Id]:
        """Ids of all rows that pass, in order.

        Raises:
            WrongUse: an order that this source does not know.
        """
        return order.read(self._library, self._query(wanted), few=self._few)

    def _query(self, wanted: Filter) -> order.Query:
        terms = terms_of(self._sorts, wanted)
        scope, params = self._scope()
        where = [scope]
        if wanted.show != "all":
            where.append(self._shows[wanted.show])
        text = condition(self._text, wanted, params)
        if text:
            where.append(text)
        return order.Query(self._key, self._from, " AND ".join(where), terms, params)

    def _by_id(self, sql: str, ids: Sequence[Id]) -> list[Row]:
        """Rows of ``sql`` (which ends before its WHERE) for ``ids``, in their order."""
        found: dict[Id, Row] = {}
        for part in parts(ids):
            marks = ", ".join("?" * len(part))
            for entry in rows(self._library.db(), f"{sql} WHERE {self._key} IN ({marks})", tuple(part)):
                found[entry["the_id"]] = entry
        return [found[wanted] for wanted in ids if wanted in found]


def terms_of(sorts: Mapping[str, str], wanted: Filter) -> tuple[str, ...]:
    """The terms of the order that is wanted, turned round where that is.

    Raises:
        WrongUse: an order that is not among ``sorts``.
    """
    name = wanted.order or next(iter(sorts))
    if name not in sorts:
        raise WrongUse(f"Rows can be ordered by: {', '.join(sorts)}.")
    terms = tuple(term.strip() for term in sorts[name].split(","))
    return tuple(order.turned(term) for term in terms) if wanted.reverse else terms


def condition(holds: str, wanted: Filter, params: dict[str, Any]) -> str | None:
    """The condition of the text that is wanted, its pattern put into ``params``; None without a text.

    ``holds`` is a condition on the pattern ``:text``.
    """
    text = wanted.text.strip()
    if not text.lstrip("!"):
        return None
    negated = text.startswith("!")
    params["text"] = f"%{literal(text[1:] if negated else text)}%"
    return f"{'NOT ' if negated else ''}({holds})"


def log(library: Library, job_id: str, limit: int = 2000) -> tuple[LogLine, ...]:
    """The newest ``limit`` lines of a job's log, oldest first."""
    found = rows(
        library.db(),
        "SELECT at, level, message FROM job_log WHERE job_id = ? ORDER BY log_id DESC LIMIT ?",
        (job_id, limit),
    )
    return tuple(LogLine(**line) for line in found[::-1])


def literal(text: str) -> str:
    """Text in which the wildcards of LIKE mean themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def name_or_none(blob: bytes | None) -> str | None:
    """The exact name stored as ``blob``; None stays None."""
    return None if blob is None else from_blob(blob)
