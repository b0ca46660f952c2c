"""Clips as rows: 300,000 of them are a list of numbers, and what is on the screen is read by number."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.api.facts import ClipDetail, ClipRow, ClipScope, CopyLine, PartLines
from engine.api.rows import Filter, Id
from engine.api.views.base import CHUNK, literal
from engine.errors import NotFound, WrongUse
from engine.library import Library
from engine.storage.database import Row, row, rows
from engine.storage.schema.views import states_of_clips

if TYPE_CHECKING:
    from engine.relink import whereis

_AWAY = "('offline', 'conflict')"

_PREFILTERS = {
    "offline": "SELECT held.clip_id FROM clip_places AS held JOIN volumes USING (volume_id)"
    f" WHERE volumes.state IN {_AWAY}",
    "missing": "SELECT clip_id FROM clip_places WHERE lost > 0"
    " UNION SELECT clip_id FROM clip_files WHERE role IN ('essence', 'span', 'audio')"
    " AND NOT EXISTS (SELECT 1 FROM copies WHERE copies.asset_id = clip_files.asset_id)",
    "damaged": "SELECT clip_id FROM clip_places WHERE lost > 0",
}
"""Clips that may be in a state, from the indexes alone; what a clip is exactly costs a look at each part."""

_SORTS = {
    "newest": "clips.recorded_at DESC, clips.title DESC",
    "oldest": "clips.recorded_at, clips.title",
    "name": "clips.title, clips.rowid",
}

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
        order = wanted.order or self.orders[0]
        if order not in _SORTS:
            raise WrongUse(f"Rows can be ordered by: {', '.join(self.orders)}.")
        where, params = self._conditions(wanted)
        terms = [term.strip() for term in _SORTS[order].split(",")]
        if wanted.reverse:
            terms = [term[:-5] if term.endswith(" DESC") else f"{term} DESC" for term in terms]
        sql = f"SELECT clips.rowid FROM clips WHERE {' AND '.join(where)} ORDER BY {', '.join(terms)}"
        return [found[0] for found in self._library.db().conn.execute(sql, params).fetchall()]

    def _conditions(self, wanted: Filter) -> tuple[list[str], dict[str, Any]]:
        where, params = ["1"], dict[str, Any]()
        scope = self._scope
        if scope.volume_id is not None:
            params["volume"] = scope.volume_id
            where.append(f"clips.clip_id IN ({_ONLY if scope.only else _ON})")
        if scope.state in _PREFILTERS:
            where.append(_exactly(f"= '{scope.state}'", _PREFILTERS[scope.state]))
        elif scope.state == "online":
            where.append(f"NOT ({_not_online()})")
        elif scope.state == "favourite":
            where.append("clips.favourite")
        elif scope.state == "risk":
            where.append(f"clips.clip_id IN ({_RISK})")
            params.update(copies=self._policy().copies, devices=self._policy().devices)
        if wanted.show != "all":
            where.append(_not_online() if wanted.show == "failed" else f"NOT ({_not_online()})")
        text = wanted.text.strip()
        if text.lstrip("!"):
            negated = text.startswith("!")
            where.append(f"{'NOT ' if negated else ''}({_TEXT})")
            params["text"] = f"%{literal(text[1:] if negated else text)}%"
        return where, params

    # -- rows ------------------------------------------------------------------
    def rows(self, ids: Sequence[Id]) -> list[ClipRow]:
        """Clips by number; those that are gone are left out."""
        found: dict[Id, ClipRow] = {}
        for start in range(0, len(ids), CHUNK):
            for clip in self._page(ids[start : start + CHUNK]):
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


def clip_number(library: Library, clip_id: str) -> int:
    """The number of a clip in these lists.

    Raises:
        NotFound: there is no such clip.
    """
    found = row(library.db(), "SELECT rowid AS number FROM clips WHERE clip_id = ?", (clip_id,))
    if found is None:
        raise NotFound("This clip is no longer in the library.")
    return int(found["number"])


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


_ON = "SELECT clip_id FROM clip_places WHERE volume_id = :volume"

_ONLY = (
    f"{_ON} AND NOT EXISTS (SELECT 1 FROM clip_files AS part JOIN copies AS other USING (asset_id)"
    " WHERE part.clip_id = clip_places.clip_id AND part.role IN ('essence', 'span')"
    " AND other.volume_id <> :volume AND other.state = 'present' AND other.role <> 'source')"
)

_RISK = (
    "SELECT clip_id FROM asset_safety CROSS JOIN clip_files USING (asset_id)"
    " WHERE clip_files.role <> 'derivative' AND (devices < :devices OR verified < :copies)"
)

_TEXT = (
    "clips.title LIKE :text ESCAPE '\\' OR clips.clip_id IN (SELECT clip_id FROM clip_tags"
    " JOIN tags USING (tag_id) WHERE name LIKE :text ESCAPE '\\')"
    " OR clips.reel LIKE :text ESCAPE '\\' OR clips.camera_model LIKE :text ESCAPE '\\'"
)


def _exactly(test: str, among: str) -> str:
    return f"clips.clip_id IN (SELECT clip_id FROM ({states_of_clips(among)}) WHERE state {test})"


def _not_online() -> str:
    """A condition: some part of the clip cannot be read now."""
    return _exactly("<> 'online'", " UNION ".join((_PREFILTERS["offline"], _PREFILTERS["missing"])))
