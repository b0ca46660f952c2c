"""Rows of the places for files of ours: every copy of a clip or content, what lies twice, the trash."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from engine.api.facts import LyingRow, TrashRow, TwiceRow
from engine.api.rows import Filter, Id
from engine.api.views import hits, order
from engine.api.views.asides import Short
from engine.api.views.base import Table, like
from engine.errors import NotFound
from engine.files import duplicates, ends, entries
from engine.library import Library
from engine.names import display
from engine.storage import packs
from engine.storage.database import Row
from engine.storage.schema.tallies import ENOUGH


def copies_source(library: Library, wanted: str) -> Short[LyingRow]:
    """Every copy of each file of a clip (by its id) or of one content (by its BLAKE3).

    ``active`` are those that can be read now, ``failed`` the others.
    """
    from engine.relink import whereis

    def read() -> list[LyingRow]:
        try:
            found = whereis.where_is(library.db(), wanted)
        except NotFound:
            return []
        return [
            LyingRow(
                copy_id=copy.copy_id,
                name=part.name,
                part=part.role,
                size_bytes=copy.size,
                blake3=part.blake3,
                volume=copy.volume_name,
                path=copy.found_path,
                shown=copy.shown,
                role=copy.role,
                state=copy.state,
                seen_at=copy.seen_at,
                verified_at=copy.verified_at,
                level=copy.verify_level,
                counts=copy.counts,
                verified=part.verified,
                devices=part.devices,
                safe=part.policy_holds,
            )
            for part in found
            for copy in part.copies
        ]

    return Short(
        read,
        lambda one: f"{display(one.name)} {display(one.volume)} {one.shown}",
        lambda one: one.state != "online",
        (
            ("file", lambda one: one.name),
            ("volume", lambda one: (one.volume, one.shown)),
            ("size", lambda one: -one.size_bytes),
        ),
    )


STORED = "copies.role <> 'source' AND copies.state = 'present'"
"""Copies that count: as of :mod:`engine.storage.schema.twice`."""

FEW = 5000
"""So many files that hold a text are read, with their contents."""

LOOKED_AT = 2000
"""Where more hold it, it is looked for among so many contents."""


class Twice(Table):
    """Contents that lie in more than one file, the greatest waste first; tiny ones are left out.

    ``failed`` are those that lie twice on one device, ``active`` the others. A text is looked for in the
    paths of all files; where very many hold it, and where those without it are asked for, among the first
    contents of the order only, and the list's ``note`` says so.
    """

    orders = ("waste", "files")
    _key = "asset_twice.asset_id"
    _from = "asset_twice"
    _text = (
        f"EXISTS (SELECT 1 FROM copies WHERE copies.asset_id = asset_twice.asset_id AND {STORED}"
        f" AND {like('CAST(copies.path AS TEXT)')})"
    )
    _shows: ClassVar[dict[str, str]] = {"active": "asset_twice.near = 0", "failed": "asset_twice.near = 1"}
    _sorts: ClassVar[dict[str, str]] = {
        "waste": "asset_twice.wasted DESC, asset_twice.asset_id",
        "files": "asset_twice.files DESC, asset_twice.asset_id",
    }

    def __init__(self, library: Library, *, same_device: bool) -> None:
        """``same_device``: only what lies twice on one device."""
        super().__init__(library)
        self._same_device = same_device

    def _scope(self) -> tuple[str, dict[str, Any]]:
        near = " AND asset_twice.near = 1" if self._same_device else ""
        return f"asset_twice.size >= {duplicates.SMALLEST}{near}", {}

    def ids(self, wanted: Filter) -> Sequence[Id]:
        """See :meth:`Table.ids`."""
        negated = wanted.text.strip().startswith("!")
        needle = hits.needle(replace(wanted, text=wanted.text.strip().removeprefix("!")))
        if needle is None:
            return self._all(wanted)
        db = self._library.db()
        found = None if negated else packs.look(db, packs.COPIES, needle, most=FEW)
        if found is not None and len(found) <= FEW:
            query = self._query(replace(wanted, text="")).narrowed(f"asset_twice.asset_id IN ({_OF_COPIES})")
            copies = json.dumps(found.part(db, 0, FEW))
            return order.read(self._library, query.given(the_copies=copies), few=FEW)
        first = self._first(wanted, LOOKED_AT + 1)
        holding = order.read(self._library, self._query(wanted).only(first[:LOOKED_AT]), few=LOOKED_AT)
        if len(first) <= LOOKED_AT:
            return holding
        return hits.First(holding, f"looked for among the first {LOOKED_AT:,}")

    def _all(self, wanted: Filter) -> Sequence[Id]:
        """The contents without a look at a text."""
        return order.joined([order.read(self._library, one) for one in self._lists(wanted)])

    def _first(self, wanted: Filter, count: int) -> list[Id]:
        """The first of those, without a count of all."""
        found: list[Id] = []
        for one in self._lists(wanted):
            found += order.column(self._library, one.ids(tail=f"LIMIT {count - len(found)}"), one.params)
        return found

    def _lists(self, wanted: Filter) -> list[order.Query]:
        """One after the other they are the list; by files, those in three and more come from an index."""
        query = self._query(replace(wanted, text=""))
        if wanted.order != "files":
            return [query]
        two = replace(query.narrowed("asset_twice.files = 2"), terms=query.terms[1:])
        lists = [query.narrowed("asset_twice.files > 2"), two]
        return lists[::-1] if wanted.reverse else lists

    def rows(self, ids: Sequence[Id]) -> list[TwiceRow]:
        """Contents by number."""
        db = self._library.db()
        found = self._by_id(
            "SELECT asset_id AS the_id, asset_twice.*, blake3 FROM asset_twice JOIN assets USING (asset_id)",
            ids,
        )
        made = []
        for content in found:
            files = duplicates.files_of(db, content["asset_id"], limit=ENOUGH)
            if files:
                made.append(_twice(content, files))
        return made

    def detail(self, row_id: Id) -> TwiceRow:
        """One content.

        Raises:
            NotFound: it does not lie twice any more.
        """
        found = self.rows([row_id])
        if not found:
            raise NotFound("This content does not lie more than once any more.")
        return found[0]


_OF_COPIES = (
    f"SELECT asset_id FROM copies WHERE copy_id IN (SELECT value FROM json_each(:the_copies)) AND {STORED}"
)


def _twice(content: Row, files: Sequence[duplicates.Lying]) -> TwiceRow:
    return TwiceRow(
        blake3=content["blake3"],
        name=os.path.basename(files[0].path),
        size_bytes=content["size"],
        files=content["files"],
        devices=content["devices"],
        wasted=content["wasted"],
        places=tuple((lying.volume, display(lying.path), lying.state) for lying in files),
        asset_id=content["asset_id"],
        more=content["files"] >= ENOUGH,
    )


_AWAY = "SELECT volume_id FROM volumes WHERE state IN ('offline', 'conflict')"


class Trash(Table):
    """What is in the trash, the newest first; ``failed`` lies on drives that are away."""

    orders = ("newest", "size", "path")
    _key = "trash.trash_id"
    _from = "trash"
    _text = like("CAST(trash.path AS TEXT)")
    _shows: ClassVar[dict[str, str]] = {
        "active": f"trash.volume_id NOT IN ({_AWAY})",
        "failed": f"trash.volume_id IN ({_AWAY})",
    }
    _sorts: ClassVar[dict[str, str]] = {
        "newest": "trash.trash_id DESC",
        "size": "trash.size DESC, trash.trash_id",
        "path": "trash.path, trash.trash_id",
    }

    def _scope(self) -> tuple[str, dict[str, Any]]:
        return "trash.state = 'trashed'", {}

    def ids(self, wanted: Filter) -> Sequence[Id]:
        """See :meth:`Table.ids`."""
        ends.settle(self._library.db(), seconds=0)
        return super().ids(wanted)

    def rows(self, ids: Sequence[Id]) -> list[TrashRow]:
        """What is there, by number."""
        return [
            TrashRow(
                trash_id=gone.trash_id,
                volume=gone.volume,
                path=gone.path,
                kept=gone.kept,
                size_bytes=gone.size,
                at=gone.trashed_at,
                by=gone.trashed_by,
                reachable=gone.reachable,
            )
            for gone in entries.of(self._library.db(), ids)
        ]

    def detail(self, row_id: Id) -> TrashRow:
        """One file.

        Raises:
            NotFound: it is not in the trash any more.
        """
        found = self.rows([row_id])
        if not found:
            raise NotFound("This file is not in the trash any more.")
        return found[0]
