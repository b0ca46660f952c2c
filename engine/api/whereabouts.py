"""Where is it? All copies of a clip, file or hash; clips at risk; what is only on one drive."""

from __future__ import annotations

import os
from typing import Any

from engine.library import Library
from engine.names import json_name
from engine.relink import whereis
from engine.volumes import store


def where_is(library: Library, wanted: str) -> list[dict[str, Any]]:
    """All copies of what ``wanted`` names, online or not, and whether the policy holds.

    Args:
        library: the catalogue that is asked; every volume may be away.
        wanted: a clip's id or title, a file name, a path (now or last known), or a hash of 64 digits.

    Raises:
        NotFound, Refused: nothing, or several clips fit.
    """
    given = os.path.abspath(wanted) if os.path.exists(wanted) else wanted
    return [_describe(found) for found in whereis.where_is(library.db(), given)]


def at_risk(library: Library, limit: int = 1000, offset: int = 0) -> list[dict[str, Any]]:
    """Clips of which some file has too few verified copies, or too few devices; the worst first.

    ``offset`` leaves out so many first.
    """
    return [
        {
            "clip_id": risk.clip_id,
            "title": risk.title,
            "size": risk.size,
            "verified": risk.verified,
            "devices": risk.devices,
        }
        for risk in whereis.at_risk(library.db(), limit=limit, offset=offset)
    ]


def only_on(library: Library, given: str, limit: int = 1000, offset: int = 0) -> list[dict[str, Any]]:
    """Files that lie on this volume and on no other; the largest first.

    Raises:
        NotFound: there is no such volume.
    """
    db = library.db()
    volume = store.find(db, given)
    return [
        {
            "clip_id": file.clip_id,
            **json_name("path", file.path),
            "size": file.size,
            "verified_at": file.verified_at,
        }
        for file in whereis.only_on(db, volume.volume_id, limit=limit, offset=offset)
    ]


def _describe(found: whereis.Whereabouts) -> dict[str, Any]:
    return {
        "clip_id": found.clip_id,
        "clip_title": found.clip_title,
        **json_name("name", found.name),
        "role": found.role,
        "size": found.size,
        "blake3": found.blake3,
        "verified": found.verified,
        "devices": found.devices,
        "policy_holds": found.policy_holds,
        "copies": [
            {
                "copy_id": copy.copy_id,
                "volume": copy.volume_name,
                "volume_id": copy.volume_id,
                **json_name("path", copy.path),
                **json_name("absolute_path", copy.found_path),
                **json_name("last_known_path", copy.shown),
                "role": copy.role,
                "state": copy.state,
                "seen_at": copy.seen_at,
                "verified_at": copy.verified_at,
                "verify_level": copy.verify_level,
                "counts": copy.counts,
            }
            for copy in found.copies
        ],
    }
