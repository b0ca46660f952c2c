"""Files put together to the clips that they make."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.library import Library
from engine.media.thumbs import thumbnail_path
from engine.names import display, from_blob
from engine.reports.report import ClipRow, FileRow
from engine.storage.database import Row, parts, rows

_MAIN = ("essence", "span", "audio")
_ROLES = ("essence", "span", "audio", "sidecar", "proxy", "thumbnail", "derivative")


@dataclass(frozen=True)
class Entry:
    """One file with the content that it is known to have; ``asset_id`` None while that is unknown."""

    asset_id: int | None
    file: FileRow


@dataclass(frozen=True)
class _Link:
    clip_id: str
    role: str
    position: int
    name: str
    card_id: str | None


def assemble(
    library: Library, entries: Sequence[Entry], card_id: str | None = None
) -> tuple[tuple[ClipRow, ...], tuple[FileRow, ...]]:
    """Return the clips that these files make, in the order of recording, and the files that belong to none.

    A clip is listed when its picture or sound is among the files. The same
    content may be in clips of several cards: those of ``card_id`` come first.
    """
    links = _links(library, [entry.asset_id for entry in entries if entry.asset_id is not None])
    kept = {
        link.clip_id
        for entry in entries
        for link in _fitting(entry, links, card_id)[:1]
        if link.role in _MAIN
    }
    members: dict[str, list[tuple[int, int, FileRow]]] = {}
    taken: set[tuple[str, str, int]] = set()
    loose: list[FileRow] = []
    for entry in entries:
        for link in _fitting(entry, links, card_id):
            place = (link.clip_id, link.role, link.position)
            if link.clip_id in kept and place not in taken:
                taken.add(place)
                row = replace(entry.file, role=link.role)
                members.setdefault(link.clip_id, []).append((_ROLES.index(link.role), link.position, row))
                break
        else:
            loose.append(entry.file)
    facts = _facts(library, sorted(members))
    found = [
        _clip(library, facts[clip_id], tuple(row for _, _, row in sorted(files, key=lambda one: one[:2])))
        for clip_id, files in members.items()
    ]
    found.sort(key=lambda clip: (clip.recorded_at or "", clip.title, clip.clip_id))
    return tuple(found), tuple(loose)


def _links(library: Library, assets: Sequence[int]) -> dict[int, list[_Link]]:
    wanted = sorted(set(assets))
    found: dict[int, list[_Link]] = {}
    for part in parts(wanted):
        for entry in rows(
            library.db(),
            "SELECT clip_id, role, position, clip_files.asset_id, clip_files.name, card_id FROM clip_files"
            f" JOIN clips USING (clip_id) WHERE clip_files.asset_id IN ({', '.join('?' * len(part))})",
            part,
        ):
            link = _Link(
                entry["clip_id"], entry["role"], entry["position"], from_blob(entry["name"]), entry["card_id"]
            )
            found.setdefault(int(entry["asset_id"]), []).append(link)
    return found


def _fitting(entry: Entry, links: dict[int, list[_Link]], card_id: str | None) -> list[_Link]:
    """Clips that this file may be part of, the likeliest first."""
    if entry.asset_id is None:
        return []
    name = os.path.basename(entry.file.name)
    return sorted(
        # All empty files have one content: only the name says which of them is meant.
        (link for link in links.get(entry.asset_id, ()) if entry.file.size or link.name == name),
        key=lambda link: (
            card_id is not None and link.card_id != card_id,
            link.name != name,
            _ROLES.index(link.role),
            link.clip_id,
            link.position,
        ),
    )


def _facts(library: Library, clip_ids: Sequence[str]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for part in parts(clip_ids):
        for entry in rows(
            library.db(),
            "SELECT clips.*, assets.blake3 FROM clips JOIN assets USING (asset_id)"
            f" WHERE clip_id IN ({', '.join('?' * len(part))})",
            part,
        ):
            found[entry["clip_id"]] = entry
    return found


def _clip(library: Library, facts: Row, files: tuple[FileRow, ...]) -> ClipRow:
    picture = thumbnail_path(str(library.thumbs), str(facts["blake3"])) if facts["blake3"] else None
    camera = " ".join(
        display(facts[key]) for key in ("camera_make", "camera_model", "camera_serial") if facts[key]
    )
    return ClipRow(
        clip_id=facts["clip_id"],
        title=display(facts["title"]),
        kind=facts["kind"],
        reel=display(facts["reel"]) if facts["reel"] else None,
        timecode=facts["timecode"],
        duration_ms=facts["duration_ms"],
        width=facts["width"],
        height=facts["height"],
        fps=facts["fps"],
        codec=facts["codec"],
        camera=camera or None,
        recorded_at=facts["recorded_at"],
        thumbnail=picture if picture and os.path.isfile(picture) else None,
        warnings=tuple(json.loads(facts["warnings"])) if facts["warnings"] else (),
        files=files,
    )
