"""One file, shown twice: what a pool shows lies in one of its branches, and counts as a copy once.

Which volumes show the files of others is found out by :mod:`engine.volumes.pools` and kept in the table
``volume_shadows``. The counts that triggers keep follow the same rule, see
:data:`engine.storage.schema.tallies.SHADOWED`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlite_utils import Database

Shadows = Mapping[str, frozenset[str]]
"""Of each volume that shows files of others: the volumes beside which its copies count as no further ones."""


UNTOLD = ("", "")
"""Stands in the column ``view_of`` for the branches of a view that does not say which they are."""


def shadows(db: Database) -> Shadows:
    """Read which volumes show what lies on others."""
    found: dict[str, set[str]] = {}
    for view_id, other_id in db.conn.execute("SELECT view_id, other_id FROM volume_shadows"):
        found.setdefault(view_id, set()).add(other_id)
    return {view_id: frozenset(others) for view_id, others in found.items()}


def counted(volumes: Iterable[str], known: Shadows) -> list[str]:
    """Of the volumes with a copy of one content, as often as they are given: those whose copies count."""
    given = list(volumes)
    if not known:
        return given
    there = set(given)
    return [volume_id for volume_id in given if not known.get(volume_id, frozenset()) & there]


def may_be_one(one: str, other: str, known: Shadows) -> bool:
    """Whether a file on ``one`` and a file on ``other`` may be the same: one volume shows the other's."""
    return other in known.get(one, ()) or one in known.get(other, ())


def branches_of(column: str | None) -> tuple[str, ...] | None:
    """Ids of the volumes whose files a volume shows, from its column ``view_of``; None: it is no view.

    An empty id stands for "some of the fixed disks".
    """
    if column is None:
        return None
    return tuple(dict.fromkeys(volume for _, volume in json.loads(column)))
