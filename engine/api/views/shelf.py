"""Rows of the places for files of ours: every copy of a clip or content, what lies twice, the trash."""

from __future__ import annotations

import os

from engine.api.facts import LyingRow, TrashRow, TwiceRow
from engine.api.views.asides import Short
from engine.errors import NotFound
from engine.library import Library
from engine.names import display


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


def twice_source(library: Library, *, same_device: bool) -> Short[TwiceRow]:
    """Contents that lie in more than one file; ``failed`` are those that lie twice on one device."""
    from engine.files import duplicates

    def read() -> list[TwiceRow]:
        return [
            TwiceRow(
                blake3=group.blake3,
                name=os.path.basename(group.files[0].path),
                size_bytes=group.size,
                files=len(group.files),
                devices=group.devices,
                wasted=group.wasted,
                places=tuple((lying.volume, display(lying.path), lying.state) for lying in group.files),
            )
            for group in duplicates.groups(library.db(), same_device=same_device)
        ]

    return Short(
        read,
        lambda one: f"{display(one.name)} {' '.join(path for _, path, _ in one.places)}",
        lambda one: one.files > one.devices,
        (
            ("waste", lambda one: -one.wasted),
            ("files", lambda one: -one.files),
            ("name", lambda one: one.name),
        ),
    )


def trash_source(library: Library) -> Short[TrashRow]:
    """What is in the trash, the newest first; ``failed`` lies on drives that are away."""
    from engine.files import trash

    def read() -> list[TrashRow]:
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
            for gone in reversed(trash.contents(library.db()))
        ]

    return Short(
        read,
        lambda one: one.path,
        lambda one: not one.reachable,
        (
            ("newest", lambda one: one.at),
            ("size", lambda one: -one.size_bytes),
            ("path", lambda one: one.path),
        ),
    )
