"""Clips as rows: 300,000 of them are a list of numbers, and what is on the screen is read by number."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.api.facts import ClipDetail, ClipRow, ClipScope, CopyLine, PartLines
from engine.api.rows import Filter, Id
from engine.api.views import hits, order, remaining
from engine.api.views.base import condition, like, terms_of
from engine.errors import NotFound, WrongUse
from engine.library import Library
from engine.names import to_blob
from engine.storage import holdings, rolled
from engine.storage.database import Row, parts, row, rows
from engine.storage.schema.views import states_of_clips

if TYPE_CHECKING:
    from engine.relink import whereis

_SORTS = {
    "newest": "clips.recorded_at DESC, clips.title DESC, clips.clip_id DESC",
    "oldest": "clips.recorded_at, clips.title, clips.clip_id",
    "name": "clips.title, clips.clip_id",
}

SOME = 5000
"""Fewer clips of a state are sorted."""

STATES = ("online", "offline", "missing", "damaged", "risk", "favourite")
"""What a :class:`ClipScope` may ask for, beside everything."""


class Clips:
    """The clips within a scope; every call may come from the thread that asks only."""

    orders: tuple[str, ...] = tuple(_SORTS)

    def __init__(self, library: Library, scope: ClipScope | None = None) -> None:
        """``scope`` None is every clip.

        Raises:
            WrongUse: a state that does not exist.
        """
        self._library = library
        self._scope = scope or ClipScope()
        if self._scope.state and self._scope.state not in STATES:
            raise WrongUse(f"Clips can be looked at by: {', '.join(STATES)}.")
        self._needs: whereis.Policy | None = None

    def _policy(self) -> whereis.Policy:
        if self._needs is None:
            from engine.relink import whereis  # not before the first picture

            self._needs = whereis.policy()
        return self._needs

    # -- which -----------------------------------------------------------------
    def ids(self, wanted: Filter) -> Sequence[Id]:
        """Numbers of all clips that pass, in order. ``active`` can be read now, ``failed`` cannot.

        Raises:
            WrongUse: an order that is not known.
        """
        terms = terms_of(_SORTS, wanted)
        params = dict[str, Any]()
        text = condition(like("clips.words"), wanted, params)
        tests = self._tests(wanted)
        among, chosen = "1", None
        if tests:
            chosen, count = holdings.sets(self._library.db(), lambda clip: all(test(clip) for test in tests))
            # Few are found by their set and sorted, more are met soon on the way through the index of the
            # order: the + keeps SQLite to that.
            plus = "" if count < SOME else "+"
            among = f"{plus}clips.set_id IN ({', '.join(str(one) for one in chosen)})"
        else:
            count = holdings.clips(self._library.db())
        few = SOME if tests and count < SOME else None
        if few is None and (text or tests or self._scope.state == "favourite"):
            found = self._rolled(wanted, chosen)
            if found is not None:
                return found
        tables = "clips" if few is None else "clips INDEXED BY clips_by_set"
        query = order.Query("clips.rowid", tables, among, terms, params)
        if self._scope.state == "favourite":
            # What is quickest to look at comes first: a number, a text, a set among many.
            where = " AND ".join(("clips.favourite", *([text] if text else ()), among))
            return order.read(self._library, replace(query, where=where, scarce=bool(text)), None, few)
        if text is None:
            return order.read(self._library, query, count, few)
        if few is None:
            return remaining.remaining(self._library, query, count, text)
        where = f"{text} AND {among}"
        return order.read(self._library, replace(query, where=where, scarce=True), None, few)

    def _rolled(self, wanted: Filter, sets: Sequence[int] | None) -> Sequence[Id] | None:
        """The clips of some sets (None is any) that pass, from rolls; None where those are no help."""
        text = wanted.text.strip()
        test = rolled.Test(
            to_blob(text.removeprefix("!")),
            hidden=text.startswith("!"),
            sets=sets,
            favourite=self._scope.state == "favourite",
        )
        found = rolled.look(self._library.db(), "title" if wanted.order == "name" else "time", test)
        if found is None:
            return None
        listed = hits.Found(
            self._library, found, backwards=(wanted.order in ("", "newest")) != wanted.reverse
        )
        return listed[:] if len(listed) <= order.FEW else listed

    def _tests(self, wanted: Filter) -> list[Callable[[tuple[holdings.Part, ...]], bool]]:
        """What the places of a clip must fulfil, asked of some hundred sets whatever the number of clips."""
        scope = self._scope
        here = holdings.volumes(self._library.db())
        tests: list[Callable[[tuple[holdings.Part, ...]], bool]] = []
        if scope.volume_id is not None:
            volume_id = scope.volume_id
            if scope.only:
                tests.append(lambda clip: holdings.only_on(clip, volume_id, here.shadows))
            else:
                tests.append(lambda clip: holdings.on(clip, volume_id))
        if scope.state == "risk":
            needs = self._policy()
            tests.append(lambda clip: bool(clip) and not _enough(holdings.safety(clip, here), needs))
        elif scope.state and scope.state != "favourite":
            tests.append(lambda clip: holdings.state(clip, here) == scope.state)
        if wanted.show != "all":
            tests.append(lambda clip: (holdings.state(clip, here) == "online") == (wanted.show == "active"))
        return tests

    # -- rows ------------------------------------------------------------------
    def rows(self, ids: Sequence[Id]) -> list[ClipRow]:
        """Clips by number; those that are gone are left out."""
        found: dict[Id, ClipRow] = {}
        for part in parts(ids):
            for clip in self._page(part):
                found[clip.row_id] = clip
        return [found[wanted] for wanted in ids if wanted in found]

    def _page(self, ids: Sequence[Id]) -> list[ClipRow]:
        db = self._library.db()
        marks = ", ".join("?" * len(ids))
        clips = rows(
            db, f"SELECT clips.rowid AS row_id, * FROM clips WHERE clips.rowid IN ({marks})", tuple(ids)
        )
        names = tuple(clip["clip_id"] for clip in clips)
        inner = ", ".join("?" * len(names))
        states = dict(db.conn.execute(states_of_clips(inner), names).fetchall())
        safety = {
            entry[0]: entry[1:]
            for entry in db.conn.execute(
                "SELECT clip_id, min(verified), min(devices), sum(size) FROM"
                " (SELECT DISTINCT clip_id, asset_id FROM clip_files"
                f" WHERE role <> 'derivative' AND clip_id IN ({inner}))"
                " JOIN asset_safety USING (asset_id) JOIN assets USING (asset_id) GROUP BY clip_id",
                names,
            ).fetchall()
        }
        places: dict[str, list[tuple[str, str]]] = {}
        for clip_id, name, state in db.conn.execute(
            "SELECT clip_id, volumes.name, CASE WHEN held.lost > 0 THEN 'lost' ELSE volumes.state END"
            " FROM clip_places AS held JOIN volumes USING (volume_id)"
            f" WHERE clip_id IN ({inner}) ORDER BY volumes.state = 'offline', volumes.name",
            names,
        ).fetchall():
            places.setdefault(clip_id, []).append((name, state))
        tags: dict[str, list[str]] = {}
        for clip_id, name in db.conn.execute(
            f"SELECT clip_id, name FROM clip_tags JOIN tags USING (tag_id) WHERE clip_id IN ({inner})"
            " ORDER BY name",
            names,
        ).fetchall():
            tags.setdefault(clip_id, []).append(name)
        needs = self._policy()
        return [
            _clip_row(
                clip,
                states.get(clip["clip_id"]) or "missing",
                safety.get(clip["clip_id"]) or (0, 0, 0),
                tuple(tags.get(clip["clip_id"], ())),
                tuple(places.get(clip["clip_id"], ())),
                needs,
            )
            for clip in clips
        ]

    def detail(self, row_id: Id) -> ClipDetail:
        """A clip, and where every file of it is.

        Raises:
            NotFound: the clip is gone.
        """
        from engine.media.thumbs import thumbnail_path  # not before the first picture

        db = self._library.db()
        known = self.rows([row_id])
        more = row(
            db,
            "SELECT clips.*, cards.label AS card, assets.blake3 FROM clips LEFT JOIN cards USING (card_id)"
            " JOIN assets USING (asset_id) WHERE clips.rowid = ?",
            (row_id,),
        )
        if not known or more is None:
            raise NotFound("This clip is no longer in the library.")
        picture = thumbnail_path(str(self._library.thumbs), more["blake3"]) if more["blake3"] else None
        needs = self._policy()
        return ClipDetail(
            row=known[0],
            card=more["card"],
            timecode=more["timecode"],
            reel=more["reel"],
            notes=more["notes"],
            warnings=tuple(json.loads(more["warnings"])) if more["warnings"] else (),
            parts=where_lines(self._library, known[0].clip_id, needs),
            thumbnail=picture if picture and os.path.exists(picture) else None,
            wanted_copies=needs.copies,
            wanted_devices=needs.devices,
        )


def where_lines(library: Library, clip_id: str, needs: whereis.Policy) -> tuple[PartLines, ...]:
    """Every file of a clip with all its copies; empty when the clip has none."""
    from engine.relink import whereis

    try:
        parts = whereis.where_is(library.db(), clip_id, needs)
    except NotFound:
        return ()
    return tuple(
        PartLines(
            name=part.name,
            role=part.role,
            size_bytes=part.size,
            blake3=part.blake3,
            verified=part.verified,
            devices=part.devices,
            safe=part.policy_holds,
            copies=tuple(
                CopyLine(
                    volume=copy.volume_name,
                    path=copy.shown,
                    role=copy.role,
                    state=copy.state,
                    seen_at=copy.seen_at,
                    verified_at=copy.verified_at,
                    level=copy.verify_level,
                    counts=copy.counts,
                )
                for copy in part.copies
            ),
        )
        for part in parts
    )


def _clip_row(
    clip: Row,
    state: str,
    safety: tuple[int, int, int],
    tags: tuple[str, ...],
    places: tuple[tuple[str, str], ...],
    needs: whereis.Policy,
) -> ClipRow:
    verified, devices, size = safety
    camera = " ".join(part for part in (clip["camera_make"], clip["camera_model"]) if part)
    return ClipRow(
        row_id=clip["row_id"],
        clip_id=clip["clip_id"],
        title=clip["title"],
        state=state,
        kind=clip["kind"],
        duration_ms=clip["duration_ms"],
        width=clip["width"],
        height=clip["height"],
        fps=clip["fps"],
        codec=clip["codec"],
        camera=camera or None,
        recorded_at=clip["recorded_at"],
        size_bytes=int(size or 0),
        favourite=bool(clip["favourite"]),
        tags=tags,
        verified=int(verified or 0),
        devices=int(devices or 0),
        safe=(verified or 0) >= needs.copies and (devices or 0) >= needs.devices,
        places=places,
    )


def _enough(safety: tuple[int, int], needs: whereis.Policy) -> bool:
    return safety[0] >= needs.copies and safety[1] >= needs.devices
