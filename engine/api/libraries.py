"""Libraries: make, find, look at, back up; and the settings that all of them share."""

from __future__ import annotations

import os
import time
from typing import Any

from engine import library as _library
from engine.errors import Refused
from engine.library import Library
from engine.names import display, json_name
from engine.storage import audit, config, rebuilding
from engine.storage.database import row
from engine.storage.opening import back_up

open_library = _library.open_library


def create(root: str, name: str | None, mode: str, cache_root: str | None) -> dict[str, Any]:
    """Make a library; see :func:`engine.library.create`. Returns the document of ``init``."""
    made = _library.create(root, name, mode, cache_root)
    document = describe(made)
    made.close()
    return document


def describe(library: Library) -> dict[str, Any]:
    """Id, name, root, cache root and mode of a library."""
    return {
        "library_id": library.library_id,
        "name": library.name,
        **json_name("root", str(library.root)),
        **json_name("cache_root", str(library.cache_root)),
        "mode": library.mode,
    }


def info(library: Library) -> dict[str, Any]:
    """What a library holds, counted now."""
    db = library.db()
    counts = row(
        db,
        # From what is kept beside the records: they themselves are long to read.
        "SELECT (SELECT coalesce(sum(clips), 0) FROM clip_sets) AS clips, assets,"
        " (SELECT coalesce(sum(copies), 0) FROM volume_counts) AS copies,"
        " (SELECT count(*) FROM copies WHERE verified_at IS NOT NULL) AS verified_copies,"
        " (SELECT count(*) FROM volumes) AS volumes, (SELECT count(*) FROM cards) AS cards,"
        " (SELECT count(*) FROM jobs) AS jobs, asset_bytes,"
        " (SELECT created_at FROM library) AS created_at FROM"
        " (SELECT count(*) AS assets, coalesce(sum(asset_size), 0) AS asset_bytes FROM asset_safety)",
    )
    return {**describe(library), **(counts or {}), "database_bytes": library.database.stat().st_size}


def check(library: Library) -> dict[str, Any]:
    """Check the database thoroughly: every page, every reference. Changes nothing."""
    db = library.db()
    problems = [str(found[0]) for found in db.execute("PRAGMA integrity_check(20)").fetchall()]
    problems = [] if problems == ["ok"] else problems
    problems += [
        f"table {found[0]}, row {found[1]}: refers to a missing row of {found[2]}"
        for found in db.execute("PRAGMA foreign_key_check").fetchall()
    ]
    return {"ok": not problems, "problems": problems}


def backup(library: Library) -> dict[str, Any]:
    """Write a consistent backup of the database beside it; see :func:`engine.storage.opening.back_up`."""
    made = back_up(library.db(), library.folder / "backups", "library")
    audit.record(library.db(), "library backup", target=str(made))
    return {**json_name("path", str(made)), "size": os.path.getsize(made)}


def rebuild(library: Library) -> dict[str, Any]:
    """Make anew what is derived from the records: the kept numbers, the indexes, the planner's statistics.

    A backup is written first. Records are not touched; a damaged database is refused.

    Returns:
        ``backup_path``, ``changed`` (rows of kept numbers that had been wrong), ``seconds``.

    Raises:
        Refused: the database is damaged; its backups are the way.
    """
    began = time.monotonic()
    found = check(library)
    if not found["ok"]:
        raise Refused(
            f"The database is damaged: {found['problems'][0]}. Nothing was changed; its backups are in "
            f"{display(str(library.folder / 'backups'))}."
        )
    made = backup(library)
    changed = rebuilding.rebuild(library.db())
    audit.record(library.db(), "library rebuild", why=f"{changed} kept numbers were wrong")
    return {
        "changed": changed,
        "seconds": round(time.monotonic() - began, 3),
        **json_name("backup_path", str(library.folder / "backups" / os.path.basename(made["path"]))),
    }


def known() -> list[dict[str, Any]]:
    """The libraries in the registry, the most recently opened first."""
    return [
        {
            "library_id": entry.library_id,
            "name": entry.name,
            **json_name("root", entry.root),
            **json_name("cache_root", entry.cache_root),
            "last_opened_at": entry.last_opened_at,
        }
        for entry in _library.list_known()
    ]


def settings() -> list[dict[str, Any]]:
    """Every setting with its value, default and meaning."""
    db = config.open_config()
    try:
        return [
            {
                "key": key,
                "value": config.get(db, key),
                "default": setting.default,
                "choices": list(setting.choices) if setting.choices else None,
                "meaning": setting.meaning,
            }
            for key, setting in config.SETTINGS.items()
        ]
    finally:
        db.close()


def change_setting(key: str, value: str) -> dict[str, Any]:
    """Set one setting, given as text.

    Raises:
        WrongUse: unknown key, or a value outside its range.
    """
    db = config.open_config()
    try:
        return {"key": key, "value": config.put(db, key, value)}
    finally:
        db.close()


def reset_setting(key: str) -> dict[str, Any]:
    """Put one setting back to its default.

    Raises:
        WrongUse: unknown key.
    """
    db = config.open_config()
    try:
        return {"key": key, "value": config.reset(db, key)}
    finally:
        db.close()


def audit_entries(library: Library, since: str | None) -> list[dict[str, Any]]:
    """The audit log from ``since`` (stored form, None for all), oldest first."""
    return audit.entries(library.db(), since)
