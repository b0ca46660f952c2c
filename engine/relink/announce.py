"""One sentence on what a scan has found: how many of the lost clips of one shoot or drive lie here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlite_utils import Database

from engine.names import display
from engine.relink.match import Lost, Match
from engine.storage.database import parts, rows


def sentence(db: Database, lost: Sequence[Lost], matches: Sequence[Match], path: str) -> str | None:
    """Say e.g. ``3 of 3 offline clips of Day 2 found at /mnt/B``, or None when nothing was found.

    Clips are grouped by the batch that brought them in, else by the drive
    they were on; the group of which most was found is named, and the number
    of others added. Hints on derivatives do not count.
    """
    found = {match.lost.clip_id for match in matches if match.match_type != "derivative"} - {None}
    if not found:
        return None
    groups = _groups(db, lost)
    counts = sorted(
        ((len(clips & found), -len(clips), name) for name, clips in groups.items() if clips & found),
        reverse=True,
    )
    hits, negative, name = counts[0]
    text = f"{hits} of {-negative} offline clips of {display(name)} found at {display(path)}"
    others = sum(count for count, _, _ in counts[1:])
    return f"{text}, and {others} of others." if others else f"{text}."


def _groups(db: Database, lost: Sequence[Lost]) -> dict[str, set[str | None]]:
    clips = list({copy.clip_id for copy in lost if copy.clip_id is not None})
    batches: dict[str, str] = {}
    for part in parts(clips):
        batches |= dict(
            db.conn.execute(
                "SELECT clip_id, batches.name FROM clips JOIN batches USING (batch_id)"
                f" WHERE clip_id IN ({', '.join('?' * len(part))})",
                part,
            ).fetchall()
        )
    volumes = {entry["volume_id"]: entry["name"] for entry in rows(db, "SELECT volume_id, name FROM volumes")}
    groups: dict[str, set[str | None]] = defaultdict(set)
    for copy in lost:
        if copy.clip_id is not None:
            groups[batches.get(copy.clip_id) or volumes[copy.volume_id]].add(copy.clip_id)
    return groups
