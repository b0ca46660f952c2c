"""What an ingest will do, as plain data: sources, destinations, and how it is printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.names import json_name


@dataclass(frozen=True)
class PlannedSource:
    """One source, as it was found.

    Attributes:
        path: absolute path as given, links resolved.
        volume_id, relative: where that is.
        is_file: a single file, kept without a folder of its own.
        kind: kind of card (``folder`` when it is none).
        label: name under which its files are kept.
        folder: folder below each destination that is foreseen; decided when the copying begins.
        files, size: regular files and their bytes.
        known_files, known_bytes: of these, what every destination holds verified already, as far as
            size and fast hash can tell.
        ignored, links, special: numbers of what is not copied.
        warnings: sentences; they do not stop the ingest.
        names: (path on the source, path below each destination) of the first files that get new names.
        device: the queue that it shares with others on the same hardware.
        firsts: (path on the source, path below each destination) of the first files, renamed or not.
    """

    path: str
    volume_id: str
    relative: str
    is_file: bool
    kind: str
    label: str
    folder: str
    files: int
    size: int
    known_files: int
    known_bytes: int
    ignored: int
    links: int
    special: int
    warnings: tuple[str, ...]
    names: tuple[tuple[str, str], ...] = ()
    device: str = ""
    firsts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PlannedDestination:
    """One destination folder.

    Attributes:
        path: absolute path, links resolved; made when the copying begins if it is missing.
        volume_id, relative: where that is.
        volume: name of the volume.
        role: ``managed`` for the first, ``backup`` for the others.
        fs_type, device: file system, and the queue it shares with others on the same hardware.
        needed: bytes that will be written here.
        free: bytes free on its volume now; None when it cannot be asked.
        numbered: files whose name is taken by a file of another size, to be kept under a numbered name.
        hop: 1 is copied to from the source, 2 from the first verified copy afterwards.
        present: files whose name and size are there already, to be compared by content.
    """

    path: str
    volume_id: str
    relative: str
    volume: str
    role: str
    fs_type: str
    device: str
    needed: int
    free: int | None
    numbered: int
    present: int
    hop: int = 1


@dataclass(frozen=True)
class Plan:
    """What an ingest will do. Made by :func:`plan`, carried out by :func:`engine.ingest.planning.queue`.

    Attributes:
        mode: ``copy`` or ``reference``.
        sources, destinations: what was found, in the order given.
        duplicates: ``skip`` or ``copy``.
        verify_source: whether every source is read a second time.
        thumbnails: whether each clip gets a picture.
        resources: what the job keeps from other jobs while it runs.
        seconds: expected time.
        basis: what it is known from, see :class:`engine.ingest.planning.forecast.Forecast`.
        checksums: further digests taken from the same read, of ``md5 sha1 c4``.
        name: what the batch is called; None names it after its sources.
        layout: how files are named, see :data:`engine.ingest.planning.naming.LAYOUTS`.
        template: the template that is used; None keeps every tree.
    """

    mode: str
    sources: tuple[PlannedSource, ...]
    destinations: tuple[PlannedDestination, ...]
    duplicates: str
    verify_source: bool
    thumbnails: bool
    resources: tuple[str, ...]
    seconds: float
    basis: str
    checksums: tuple[str, ...] = ()
    name: str | None = None
    layout: str = "tree"
    template: str | None = None

    @property
    def files(self) -> int:
        """Files of all sources."""
        return sum(source.files for source in self.sources)

    @property
    def size(self) -> int:
        """Bytes of all sources."""
        return sum(source.size for source in self.sources)

    def to_json(self) -> dict[str, Any]:
        """The plan as ``ingest --dry-run --json`` prints it; sizes in bytes, times in seconds."""
        return {
            "mode": self.mode,
            "files": self.files,
            "bytes": self.size,
            "duplicates": sum(source.known_files for source in self.sources),
            "expected_seconds": round(self.seconds, 3),
            "expected_from": self.basis,
            "verify_source": self.verify_source,
            "duplicates_are": "skipped" if self.duplicates == "skip" else "copied",
            "checksums": list(self.checksums),
            "thumbnails": self.thumbnails,
            "name": self.name,
            "layout": self.layout,
            "template": self.template,
            "sources": [
                {
                    **json_name("source", source.path),
                    "volume": source.volume_id,
                    "kind": source.kind,
                    **json_name("folder", source.folder),
                    "files": source.files,
                    "bytes": source.size,
                    "duplicates": source.known_files,
                    "duplicate_bytes": source.known_bytes,
                    "ignored": source.ignored,
                    "links": source.links,
                    "special": source.special,
                    "warnings": list(source.warnings),
                    "names": [
                        {**json_name("file", file), **json_name("name", name)} for file, name in source.names
                    ],
                }
                for source in self.sources
            ],
            "destinations": [
                {
                    **json_name("path", target.path),
                    "volume": target.volume,
                    "volume_id": target.volume_id,
                    "role": target.role,
                    "stage": target.hop,
                    "needed": target.needed,
                    "free": target.free,
                    "conflicts": target.numbered,
                    "present": target.present,
                }
                for target in self.destinations
            ],
        }
