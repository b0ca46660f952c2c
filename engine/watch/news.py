"""Whether what happened in a watched folder is news to the catalogue.

Most events are our own: a file that an ingest has just put into its place has
its row by the time anybody asks. Only what the catalogue does not know yet, or
knows otherwise, is a reason to look at a drive.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlite_utils import Database

from engine.media.kinds import is_media
from engine.names import to_blob
from engine.relink.targets import within
from engine.relink.tree import is_ignored
from engine.storage.database import row, scalar
from engine.volumes import places

GONE, CAME = "gone", "came"


class News(NamedTuple):
    """What the last event of one path was: ``gone`` or ``came``, relative to the volume's root."""

    path: str
    what: str
    is_folder: bool


def is_news(db: Database, volume: Mapping[str, Any], news: News) -> bool:
    """Whether the catalogue is behind. ``volume`` is a row of ``volumes``."""
    name = news.path.rpartition("/")[2]
    if is_ignored(name):
        return False
    volume_id = str(volume["volume_id"])
    if news.is_folder:
        return _known_below(db, volume_id, news.path) is (news.what == GONE)
    copy = row(
        db,
        "SELECT state, size, mtime_ns FROM copies WHERE volume_id = ? AND path = ?",
        (volume_id, to_blob(news.path)),
    )
    if news.what == GONE:
        return copy["state"] != "missing" if copy is not None else _is_offered(db, volume_id, news.path)
    if copy is None:
        return is_media(name)
    return copy["state"] == "missing" or _stat(volume, news.path) != (copy["size"], copy["mtime_ns"])


def _known_below(db: Database, volume_id: str, folder: str) -> bool:
    """Whether the catalogue has copies below a folder that it believes to be there."""
    where, params = within(volume_id, folder)
    found = scalar(db, f"SELECT 1 FROM copies AS copy WHERE {where} AND state <> 'missing' LIMIT 1", params)
    return found is not None


def _is_offered(db: Database, volume_id: str, path: str) -> bool:
    found = scalar(
        db, "SELECT 1 FROM offered_files WHERE volume_id = ? AND path = ?", (volume_id, to_blob(path))
    )
    return found is not None


def _stat(volume: Mapping[str, Any], path: str) -> tuple[int, int] | None:
    at = places.absolute(volume, path)
    try:
        facts = None if at is None else os.lstat(at)
    except OSError:
        return None
    return None if facts is None else (facts.st_size, facts.st_mtime_ns)
