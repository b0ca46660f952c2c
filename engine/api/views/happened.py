"""What happened to a volume, as a sentence: a row of ``volume_events`` in, words out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.names import display

LABELS = {"name": "name", "label": "label", "size_bytes": "size", "read_only": "read-only"}
"""What of a volume can change, in words."""


NEVER_SEEN = "never seen"
"""The whole evidence of a volume that nothing is known of."""


def told(kind: str, detail: Mapping[str, Any]) -> str:
    """An event as one sentence without a full stop: ``appeared at /mnt/x``.

    Args:
        kind: the event's kind; one that this version does not know is told by its name and facts.
        detail: its facts, as stored.

    Returns:
        Text for people: no line break, no terminal escape sequence.
    """
    tell = _TELLERS.get(kind)
    return display(tell(detail) if tell else _anything(kind, detail))


def _at(detail: Mapping[str, Any]) -> str:
    was = f" (was {detail['was']})" if detail.get("was") else ""
    return f" at {detail['mount_point']}{was}" if detail.get("mount_point") else ""


def _why(detail: Mapping[str, Any]) -> str:
    reasons = detail.get("evidence")
    if isinstance(reasons, str):
        reasons = [reasons]
    return f": {', '.join(map(str, reasons))}" if reasons else ""


def _marker(detail: Mapping[str, Any]) -> str:
    return f"; its marker: {detail['marker']}" if detail.get("marker") else ""


def _appeared(detail: Mapping[str, Any]) -> str:
    word = "a folder that stands in for a volume, " if detail.get("stand_in") else ""
    if detail.get("evidence") == [NEVER_SEEN]:
        return f"{word}seen for the first time{_at(detail)}{_marker(detail)}"
    return f"{word}appeared{_at(detail)}{_why(detail)}{_marker(detail)}"


def _online(detail: Mapping[str, Any]) -> str:
    return f"back{_at(detail)}{_why(detail)}{_marker(detail)}{_disks(detail)}"


def _disks(detail: Mapping[str, Any]) -> str:
    """A drive in another enclosure and its clone look alike: the operator knows which it was."""
    if not detail.get("disks"):
        return ""
    old, new = detail["disks"]
    return f"; on {new}, was on {old}: another enclosure, or a clone"


def _conflict(detail: Mapping[str, Any]) -> str:
    folders = detail.get("folders")
    where = f" in {', '.join(map(str, folders))}" if folders else _at(detail)
    return f"conflict{where}, what is there claims the identity of another volume{_why(detail)}"


def _changed(detail: Mapping[str, Any]) -> str:
    parts = []
    for name, value in detail.items():
        if name in ("mount_point", "was") or not isinstance(value, Sequence) or len(value) != 2:
            continue
        old, new = value
        if name == "name":
            parts.append(f"renamed from {old} to {new}")
        elif name == "read_only":
            parts.append("read-only from now on" if new else "can be written again")
        elif name == "size_bytes":
            parts.append(f"size {_bytes(new)} (was {_bytes(old)})")
        else:
            parts.append(f"{LABELS.get(name, name.replace('_', ' '))} {new or 'none'} (was {old or 'none'})")
    return ", ".join(parts) or "changed"


def _measured(detail: Mapping[str, Any]) -> str:
    read = f"reads {_bytes(detail.get('read_rate'))}/s"
    if detail.get("cached"):
        read += " (from memory, says nothing about the drive)"
    return f"speed measured: writes {_bytes(detail.get('write_rate'))}/s, {read}"


def _swept(detail: Mapping[str, Any]) -> str:
    def count(name: str) -> int:
        return int(detail.get(name) or 0)

    parts = [f"{count('known'):,} known", f"{count('present'):,} there"]
    newly = f" ({count('newly_missing'):,} of them new)" if count("newly_missing") else ""
    parts.append(f"{count('missing'):,} missing{newly}")
    for name, word in (
        ("back", "back again"),
        ("moved", "renamed or moved"),
        ("changed", "changed"),
        ("damaged", "damaged"),
        ("unknown", "in folders that could not be read"),
        ("new", "not in the catalogue"),
    ):
        if count(name):
            parts.append(f"{count(name):,} {word}")
    files = detail.get("changed_files")
    named = f"; changed: {', '.join(map(str, files))}" if files else ""
    return f"looked through: {', '.join(parts)}{named}"


def _new_files(detail: Mapping[str, Any]) -> str:
    count = int(detail.get("count") or 0)
    if not count:
        return "no new files wait any more"
    word = "1 new file" if count == 1 else f"{count:,} new files"
    return f"{word} below {detail['folder']}" if detail.get("folder") else word


def _low(detail: Mapping[str, Any]) -> str:
    return f"low on space: {_bytes(detail.get('free'))} of {_bytes(detail.get('size'))} free"


def _anything(kind: str, detail: Mapping[str, Any]) -> str:
    facts = ", ".join(
        f"{name.replace('_', ' ')} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in detail.items()
        if value not in (None, 0, [], "")
    )
    return f"{kind.replace('_', ' ')}: {facts}" if facts else kind.replace("_", " ")


def _bytes(count: object) -> str:
    if not isinstance(count, int | float):
        return "unknown"
    from humanize import naturalsize  # few volumes have such an event

    return naturalsize(count, binary=True)


_TELLERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "appeared": _appeared,
    "online": _online,
    "offline": lambda _: "offline",
    "remounted": lambda detail: f"mounted{_at(detail)}{_disks(detail)}",
    "not_responding": lambda detail: f"does not answer{_at(detail)}",
    "answering": lambda detail: f"answers again{_at(detail)}",
    "conflict": _conflict,
    "identified": lambda detail: f"identity settled by hand{_at(detail)}",
    "unsettled": lambda _: "what was settled by hand was taken back",
    "reformatted": lambda detail: f"another file system is on its hardware now{_at(detail)}{_why(detail)}",
    "changed": _changed,
    "tracked": lambda detail: f"tracked as {detail['name']}" if detail.get("name") else "tracked",
    "untracked": lambda _: "no longer tracked",
    "speed tested": _measured,
    "swept": _swept,
    "new files": _new_files,
    "unwatched": lambda detail: (
        f"changes on it are not noticed at once: {detail['reason']}"
        if detail.get("reason")
        else "changes on it are noticed at once"
    ),
    "low space": _low,
    "space again": lambda detail: f"room again: {_bytes(detail.get('free'))} free",
    "drained": lambda detail: f"{detail.get('jobs', 0)} of its jobs paused, so that it can be taken off",
}
