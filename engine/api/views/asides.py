"""Rows of the places beside the four queues: damage, notices, watch folders, history, sessions, rules.

What only one of them needs is imported by it: the first picture does not wait for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from engine.api.facts import DamagedRow, Notice, OfferRow, PastRow, RuleRow, SessionRow, WatchRow
from engine.api.rows import Filter, Id
from engine.api.views.base import Table, like
from engine.api.views.happened import told
from engine.errors import NotFound
from engine.library import Library
from engine.names import display, from_blob
from engine.storage import audit
from engine.storage.database import Row, row, rows, scalar, write
from engine.volumes import places, store

R = TypeVar("R")

MOST = 2000
"""Entries of a history that are shown."""


class Short(Generic[R]):
    """A list of at most a few thousand rows, read as a whole; its detail is the row itself."""

    def __init__(
        self,
        read: Callable[[], Sequence[R]],
        name: Callable[[R], str],
        troubled: Callable[[R], bool],
        orders: Sequence[tuple[str, Callable[[R], Any]]],
    ) -> None:
        """Make the source.

        Args:
            read: reads all rows, in the first order.
            name: the text that a filter looks at.
            troubled: rows of the choice ``failed``; ``active`` are the others.
            orders: name and sort key of each order; the first key is not used.
        """
        self._read = read
        self._name = name
        self._troubled = troubled
        self._sorts = dict(orders)
        self.orders = tuple(self._sorts)
        self._held: dict[Id, R] = {}

    def ids(self, wanted: Filter) -> Sequence[Id]:
        """Ids of the rows that pass."""
        found = list(self._read())
        self._held = {one.id: one for one in found}  # type: ignore[attr-defined]  # every row has an id
        text = wanted.text.strip()
        negated = text.startswith("!")
        text = text.removeprefix("!").lower()
        if text:
            found = [one for one in found if (text in self._name(one).lower()) != negated]
        if wanted.show != "all":
            found = [one for one in found if self._troubled(one) == (wanted.show == "failed")]
        if wanted.order and wanted.order != self.orders[0]:
            found.sort(key=self._sorts[wanted.order])
        if wanted.reverse:
            found.reverse()
        return [one.id for one in found]  # type: ignore[attr-defined]

    def rows(self, ids: Sequence[Id]) -> list[R]:
        """The rows with these ids, as last read."""
        return [self._held[wanted] for wanted in ids if wanted in self._held]

    def detail(self, row_id: Id) -> R:
        """The row itself.

        Raises:
            NotFound: it is gone.
        """
        if row_id not in self._held:
            self.ids(Filter())  # asked before the list was read
        if row_id not in self._held:
            raise NotFound("This row is no longer in the library.")
        return self._held[row_id]


class Damaged(Table):
    """Copies with other bytes than recorded, then those whose file is gone from a drive that is here.

    ``active`` are the damaged ones, ``failed`` the missing ones.
    """

    orders = ("state", "volume", "size")
    _key = "copies.copy_id"
    _from = "copies"
    _text = like("CAST(copies.path AS TEXT)")
    _shows: ClassVar[dict[str, str]] = {
        "active": "copies.state = 'damaged'",
        "failed": "copies.state = 'missing'",
    }
    _sorts: ClassVar[dict[str, str]] = {
        "state": "copies.state, copies.volume_id, copies.path",
        "volume": "copies.volume_id, copies.path",
        "size": "copies.size DESC, copies.copy_id",
    }

    def _scope(self) -> tuple[str, dict[str, Any]]:
        # A file that is gone is a fact only while its drive is here.
        lost = (
            "copies.state <> 'present' AND copies.role <> 'source' AND"
            " (copies.state = 'damaged' OR EXISTS (SELECT 1 FROM volumes"
            " WHERE volumes.volume_id = copies.volume_id AND volumes.state = 'online'))"
        )
        return lost, {}

    def rows(self, ids: Sequence[Id]) -> list[DamagedRow]:
        """Copies by id."""
        return [_damaged(entry) for entry in self._by_id(_DAMAGED, ids)]

    def detail(self, row_id: Id) -> DamagedRow:
        """One copy.

        Raises:
            NotFound: it is gone.
        """
        found = self.rows([row_id])
        if not found:
            raise NotFound("This copy is no longer in the library.")
        return found[0]


_GOOD = (
    "(SELECT count(*) FROM copies AS good JOIN volumes AS home ON home.volume_id = good.volume_id"
    " WHERE good.asset_id = copies.asset_id AND good.copy_id <> copies.copy_id AND good.state = 'present'"
    " AND home.state {})"
)
_DAMAGED = (
    "SELECT copies.copy_id AS the_id, copies.*, volumes.name AS volume, volumes.state AS volume_state,"
    " volumes.mount_point, volumes.mount_root, volumes.mounts,"
    f" {_GOOD.format('= ' + chr(39) + 'online' + chr(39))} AS good,"
    f" {_GOOD.format('<> ' + chr(39) + 'online' + chr(39))} AS good_away,"
    " (SELECT title FROM clips JOIN clip_files USING (clip_id) WHERE clip_files.asset_id = copies.asset_id"
    "  LIMIT 1) AS title FROM copies JOIN volumes USING (volume_id)"
)


def _damaged(entry: Row) -> DamagedRow:
    path = from_blob(entry["path"])
    return DamagedRow(
        copy_id=entry["copy_id"],
        state=entry["state"],
        title=entry["title"] or os.path.basename(path),
        volume=entry["volume"],
        volume_state=entry["volume_state"],
        path=path,
        size_bytes=entry["size"],
        good=entry["good"],
        good_away=entry["good_away"],
        verified_at=entry["verified_at"],
        seen_at=entry["seen_at"],
        place=places.last_known(entry, path) or path,
    )


# -- notices ------------------------------------------------------------------
_TELLING = {
    "conflict": "error",
    "reformatted": "warning",
    "not_responding": "warning",
    "offline": "warning",
    "online": "info",
    "new files": "info",
    "low space": "warning",
}
"""Events of volumes that are notices, and their level."""

_WARNED = "kind = 'ingest' AND json_array_length(result, '$.warnings') > 0"
_TOLD = (
    ("jobs_by_status", "status IN ('failed', 'interrupted', 'completed_with_warnings')"),
    ("jobs_by_status", "status = 'paused' AND waiting_for IS NOT NULL"),
    (
        "jobs_of_scans",
        "status = 'completed' AND kind = 'relink_scan' AND result ->> 'announcement' IS NOT NULL",
    ),
    ("jobs_warned", f"status = 'completed' AND {_WARNED}"),
)
"""Jobs that are notices: an index and a condition; no job fulfils two."""

_JOBS = " UNION ALL ".join(
    "SELECT job_id, kind, title, status, error, result ->> 'announcement' AS said,"
    " json_array_length(result, '$.damaged') AS damaged,"
    " json_array_length(result, '$.warnings') AS warned, result ->> '$.warnings[0]' AS warning,"
    " result ->> 'applied' AS linked, result ->> 'candidates' AS candidates,"
    " result ->> 'contradicted' AS contradicted,"
    f" coalesce(ended_at, progress_at, started_at, created_at) AS at FROM jobs INDEXED BY {index}"
    " WHERE kind <> 'sweep' AND (kind <> 'relink_prove' OR result ->> 'contradicted' > 0)"
    f" AND {told}"
    for index, told in _TOLD
)


def _kinds() -> str:
    return ", ".join(f"'{kind}'" for kind in _TELLING)


_EVENTS = (
    "SELECT event_id, at, volume_events.kind, detail, name FROM volume_events JOIN volumes USING (volume_id)"
    f" WHERE volume_events.kind IN ({_kinds()}) AND (volume_events.kind NOT IN ('online', 'offline')"
    " OR EXISTS (SELECT 1 FROM volume_counts AS held WHERE held.volume_id = volumes.volume_id"
    "  AND held.copies > 0))"
    " AND (volume_events.kind <> 'new files' OR detail ->> 'count' > 0)"
)


def me() -> str:
    """Whose look at the notices counts: ``user@host``, wherever the terminal is."""
    return audit.who().partition(" from ")[0]


def _seen(library: Library) -> tuple[str, int]:
    found = row(library.db(), "SELECT at, event_id FROM notices_seen WHERE who = ?", (me(),))
    return (found["at"], found["event_id"]) if found else ("", 0)


def notices(library: Library, *, unseen: bool = False, limit: int = MOST) -> list[Notice]:
    """What a person should know of, the newest first; ``unseen`` leaves out what was looked at."""
    db = library.db()
    at, event_id = _seen(library) if unseen else ("", 0)
    found = [
        _of_event(entry)
        for entry in rows(db, f"{_EVENTS} AND event_id > ? ORDER BY event_id DESC LIMIT ?", (event_id, limit))
    ]
    found += [
        _of_job(entry)
        for entry in rows(
            db,
            f"SELECT * FROM ({_JOBS}) WHERE at > ? ORDER BY at DESC LIMIT ?",
            (at, limit),
        )
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def unseen(library: Library) -> int:
    """How many notices were not looked at, at most :data:`MOST` of each kind: no more are listed."""
    at, event_id = _seen(library)
    db = library.db()
    events = scalar(db, f"SELECT count(*) FROM ({_EVENTS} AND event_id > ? LIMIT {MOST})", (event_id,))
    jobs = scalar(db, f"SELECT count(*) FROM (SELECT 1 FROM ({_JOBS}) WHERE at > ? LIMIT {MOST})", (at,))
    return int(events) + int(jobs)


def saw_all(library: Library) -> None:
    """Remember that every notice so far was looked at by this person."""
    db = library.db()
    newest = notices(library, limit=1)
    with write(db):
        db.execute(
            "INSERT OR REPLACE INTO notices_seen (who, at, event_id) VALUES (?, ?, ?)",
            (me(), newest[0].at if newest else "", store.last_event(db)),
        )


def _of_event(entry: Row) -> Notice:
    text = told(entry["kind"], json.loads(entry["detail"] or "{}"))
    return Notice(
        f"event-{entry['event_id']}",
        entry["at"],
        _TELLING[entry["kind"]],
        f"{display(entry['name'])}: {text}",
        "volumes",
    )


def _of_job(entry: Row) -> Notice:
    place = {"export": "exports", "relink_scan": "relink"}.get(entry["kind"], "ingest")
    level = "error" if entry["status"] == "failed" else "warning"
    if entry["damaged"]:
        count = int(entry["damaged"])
        copies = "1 damaged copy" if count == 1 else f"{count:,} damaged copies"
        text, level, place = f"{display(entry['title'])}: {copies} found", "error", "damaged"
    elif entry["contradicted"]:
        count = int(entry["contradicted"])
        was = "1 link was" if count == 1 else f"{count:,} links were"
        text = f"{display(entry['title'])}: {was} taken back, for the files have other content than recorded"
        level, place = "error", "relink"
    elif entry["said"]:
        text, level = f"{display(entry['said'])}{_became(entry)}", "info"
    else:
        words = entry["status"].replace("_", " ")
        text = f"{display(entry['title'])}: {words}" + (
            f". {display(' '.join(entry['error'].split()))}" if entry["error"] else ""
        )
        if entry["warned"]:
            more = f" And {entry['warned'] - 1} more; L shows them." if entry["warned"] > 1 else ""
            text += f". {display(entry['warning'])}{more}"
    return Notice(f"{entry['job_id']}-{entry['status']}", entry["at"], level, text, place)


def _became(entry: Row) -> str:
    """What became of the files that a scan found."""
    linked = int(entry["linked"] or 0)
    waiting = max(0, int(entry["candidates"] or 0) - linked)
    parts = [f"{linked:,} linked"] if linked else []
    parts += [f"{waiting:,} to be decided on"] if waiting else []
    return f" {' and '.join(parts).capitalize()}." if parts else ""


def notice_source(library: Library) -> Short[Notice]:
    """The log of notices."""
    return Short(
        lambda: notices(library),
        lambda one: one.text,
        lambda one: one.level != "info",
        (("newest", lambda one: one.at), ("place", lambda one: one.place)),
    )


# -- watch folders, history, sessions, rules ------------------------------------
def watch_source(library: Library) -> Short[WatchRow]:
    """All watched folders; ``failed`` are those whose last look took nothing for a reason."""
    from engine.watch import folders

    def read() -> list[WatchRow]:
        return [
            WatchRow(
                one.watch_id,
                one.path,
                tuple(one.destinations),
                one.mode,
                one.enabled,
                one.taken,
                one.looked_at,
                one.error,
            )
            for one in folders.list_folders(library.db())
        ]

    return Short(
        read,
        lambda one: display(one.path),
        lambda one: one.error is not None,
        (("added", lambda one: one.watch_id), ("path", lambda one: one.path)),
    )


_BAD = ("conflict", "not_responding", "reformatted")

_KINDS = {
    "appeared": "first seen",
    "online": "back",
    "not_responding": "no answer",
    "identified": "settled",
    "swept": "look",
    "sweep": "look",
    "speed tested": "speed",
    "relink_scan": "scan",
    "relink_prove": "proof",
}
"""Kinds of events and jobs in a word or two, where their own are not those of the screens."""


def past_source(library: Library, volume_id: str) -> Short[PastRow]:
    """What happened to the device under a volume: mounts, changes, jobs; ``failed`` are the errors."""

    def read() -> list[PastRow]:
        db = library.db()
        events = [
            (change.at, change.name, change.kind, told(change.kind, change.detail), change.kind in _BAD)
            for change in store.history(db, volume_id, MOST)
        ]
        jobs = [
            (
                job["at"],
                job["volume"],
                job["kind"],
                f"{job['status'].replace('_', ' ')}: {display(job['title'])}"
                + (f". {display(' '.join(job['error'].split()))}" if job["error"] else ""),
                job["status"] in ("failed", "completed_with_warnings"),
            )
            for job in store.jobs_of(db, volume_id, MOST)
        ]
        merged = sorted([*events, *jobs], key=lambda entry: str(entry[0]))
        return [
            PastRow(number, at, volume, _KINDS.get(kind, kind.replace("_", " ")), text, bad)
            for number, (at, volume, kind, text, bad) in enumerate(merged)
        ][::-1]

    return Short(
        read,
        lambda one: f"{one.what} {one.text} {display(one.volume)}",
        lambda one: one.bad,
        (("newest", lambda one: one.at), ("kind", lambda one: one.what)),
    )


def session_source(library: Library) -> Short[SessionRow]:
    """Scans and mappings, the newest first; ``failed`` are those that did not end well."""
    from engine.relink import sessions

    def read() -> list[SessionRow]:
        return [
            SessionRow(
                session_id=one.session_id,
                kind=one.kind,
                path=one.scan_path,
                status=one.status,
                files_scanned=one.files_scanned,
                files_hashed=one.files_hashed,
                offline=one.offline,
                candidates=one.candidates,
                waiting=one.waiting,
                applied=one.applied,
                created_at=one.created_at,
                completed_at=one.completed_at,
                error=one.error,
            )
            for one in sessions.list_sessions(library.db(), MOST)
        ]

    return Short(
        read,
        lambda one: display(one.path),
        lambda one: one.status in ("failed", "cancelled"),
        (("newest", lambda one: one.created_at), ("applied", lambda one: -one.applied)),
    )


def offer_source(library: Library, volume_id: str | None) -> Short[OfferRow]:
    """What waits on tracked volumes, or on one; ``failed`` lie on drives that are away."""
    from engine.relink import offers

    def read() -> list[OfferRow]:
        return [
            OfferRow(
                one.offer_id,
                one.volume,
                one.shown,
                one.whole,
                one.online,
                one.files,
                one.bytes,
                one.found_at,
            )
            for one in offers.list_offers(library.db(), volume_id)
        ]

    return Short(
        read,
        lambda one: display(one.path),
        lambda one: not one.online,
        (("found", lambda one: one.found_at), ("size", lambda one: -one.size_bytes)),
    )


def rule_source(library: Library) -> Short[RuleRow]:
    """Prefix mappings that are kept."""
    from engine.relink import rules

    def read() -> list[RuleRow]:
        return [
            RuleRow(one.rule_id, one.old, one.new, one.created_at) for one in rules.list_rules(library.db())
        ]

    return Short(
        read,
        lambda one: display(f"{one.old} {one.new}"),
        lambda _: False,
        (("kept", lambda one: one.rule_id), ("old", lambda one: one.old)),
    )
