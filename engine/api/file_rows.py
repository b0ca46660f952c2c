"""Files of a job as a front end sees them; conventions as of :mod:`engine.api.rows`."""

from __future__ import annotations

from dataclasses import dataclass

from engine.api.rows import LogLine


@dataclass(frozen=True)
class TransferRow:
    """One file on its way to one destination.

    Attributes:
        level: how far its verification went.
        hop: stage of the ingest that brings it here, 1 or 2 (from the first verified copy).
        write_rate, read_rate: bytes per second of the device while it wrote and flushed the file, and while
            it read it back.
    """

    volume: str
    path: str
    status: str
    stage: str | None
    level: str | None
    error: str | None
    verified_at: str | None
    volume_id: str = ""
    hop: int = 1
    write_rate: int | None = None
    read_rate: int | None = None


@dataclass(frozen=True)
class FileRow:
    """One task of a job: a file, with its state at every destination.

    ``read_rate`` is bytes per second of the source while the file was read.
    """

    task_id: int
    name: str
    size_bytes: int | None
    status: str
    stage: str | None
    attempts: int
    error: str | None
    source: str | None = None
    transfers: tuple[TransferRow, ...] = ()
    read_rate: int | None = None

    @property
    def id(self) -> int:
        """The row's id."""
        return self.task_id


@dataclass(frozen=True)
class FileDetail:
    """A file and what the log says about it."""

    row: FileRow
    log: tuple[LogLine, ...] = ()
