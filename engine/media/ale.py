"""Avid Log Exchange, as ARRI cameras write one for each reel: a table of what was recorded."""

from __future__ import annotations

from collections.abc import Mapping


def rows_of(data: bytes | None) -> list[dict[str, str]]:
    """Read the rows of an ALE by lower-case column; [] when it is none.

    ``Heading``, then lines of settings; ``Column``, then one line with the names
    of the columns; ``Data``, then one line for each recording; all with tabs.
    """
    lines = (data or b"").decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    stripped = [line.strip().lower() for line in lines]
    if "heading" not in stripped[:3] or "column" not in stripped or "data" not in stripped:
        return []
    at = stripped.index("column") + 1
    while at < len(lines) and not lines[at].strip():
        at += 1
    if at >= len(lines):
        return []
    names = [name.strip().lower() for name in lines[at].split("\t")]
    return [
        {name: value.strip() for name, value in zip(names, line.split("\t"), strict=False) if value.strip()}
        for line in lines[stripped.index("data") + 1 :]
        if line.strip()
    ]


def first(row: Mapping[str, str], *names: str) -> str | None:
    """The first of these columns that a row fills."""
    return next((row[name] for name in names if row.get(name)), None)
