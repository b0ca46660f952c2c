"""What is new on a tracked volume, offered to be taken in."""

from __future__ import annotations

import os
from collections.abc import Collection

from sqlite_utils import Database

from engine import names
from engine.relink.tree import Tree
from engine.storage.database import row, scalar
from engine.volumes import store

KIND = "new files"
"""Kind of the volume's event: ``count`` media files were never taken in; ``folder`` (absolute) holds all."""


def offer(db: Database, tree: Tree, fresh: Collection[str]) -> None:
    """Say on a tracked volume how many media files lie beside known ones that were never taken in.

    One event whenever that number changes.

    Args:
        db: the library's database.
        tree: the held volume, completely looked through.
        fresh: their paths, relative to the volume's root.
    """
    tracked = scalar(db, "SELECT tracked_at FROM volumes WHERE volume_id = ?", (tree.volume_id,))
    if tracked is None or len(fresh) == waiting(db, tree.volume_id)[0]:
        return
    detail: dict[str, object] = {"count": len(fresh)}
    if fresh:
        common = os.path.commonpath(["/" + path.rpartition("/")[0] for path in fresh]).strip("/")
        detail["folder"] = names.display(
            os.path.join(tree.place.mount_point, tree.inside(common) or "").rstrip("/") or "/"
        )
    store.add_event(db, tree.volume_id, KIND, detail)


def waiting(db: Database, volume_id: str) -> tuple[int, str | None]:
    """How many new files the last sweep offered, and the folder (for the eye) that holds them all."""
    last = row(
        db,
        "SELECT detail ->> 'count' AS count, detail ->> 'folder' AS folder FROM volume_events"
        " WHERE volume_id = ? AND kind = ? ORDER BY event_id DESC LIMIT 1",
        (volume_id, KIND),
    )
    return (int(last["count"]), last["folder"]) if last else (0, None)
