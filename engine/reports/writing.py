"""Reports as files: each appears whole under its name, and none ever replaces another."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import BinaryIO

from engine import clock
from engine.errors import NotFound, Refused, RushesError, WrongUse
from engine.ingest.ends.folders import publish, sync_folder
from engine.library import Library
from engine.names import display
from engine.reports.report import Report

FORMATS = ("csv", "json", "txt", "html", "pdf")
"""What a report can be written as; each is also its extension."""

DEFAULT = ("html", "pdf", "json")

_HIGHEST = 999

Writer = Callable[[Report, BinaryIO], None]


def check_formats(given: Sequence[str]) -> tuple[str, ...]:
    """Return the formats that were asked for, each once; none given is :data:`DEFAULT`.

    Raises:
        WrongUse: one is unknown.
    """
    wanted = tuple(dict.fromkeys(name.strip().lower() for name in given if name.strip())) or DEFAULT
    unknown = [display(name) for name in wanted if name not in FORMATS]
    if unknown:
        raise WrongUse(f"There is no report as {', '.join(unknown)}; there are {', '.join(FORMATS)}.")
    return wanted


def writer(form: str) -> Writer:
    """The function that writes a report in a format. PDF loads its library only here."""
    found: Writer = import_module(f"engine.reports.{form}_form").write
    return found


def file_name(report: Report, form: str) -> str:
    """``rushes_<kind>_<first 8 of the id>_<moment>.<format>``; a day keeps its whole date."""
    moment = clock.parse(report.made_at).strftime("%Y%m%dT%H%M%SZ")
    ident = report.ident if report.kind == "day" else report.ident[:8]
    return f"rushes_{report.kind}_{ident}_{moment}.{form}"


def save(library: Library, report: Report, formats: Sequence[str], to: str | None = None) -> dict[str, str]:
    """Write a report; return the path of each format.

    Args:
        library: its ``.rushes/reports/`` is the place unless another is given.
        report: what to write.
        formats: as :func:`check_formats` gives them.
        to: a folder; made when its parent exists.

    Raises:
        NotFound: the folder cannot be made because its parent is missing.
        Refused: it is a file.
        RushesError: it cannot be written; what was written before is kept.
    """
    folder = os.path.abspath(to) if to else os.path.join(str(library.folder), "reports")
    _make(folder)
    made: dict[str, str] = {}
    for form in formats:
        try:
            made[form] = _write(folder, report, form)
        except OSError as error:
            raise RushesError(
                f"The report could not be written to {display(folder)}: {error.strerror}. "
                f"Written so far: {', '.join(made) or 'nothing'}."
            ) from error
    return made


def _make(folder: str) -> None:
    if os.path.isdir(folder):
        return
    if os.path.lexists(folder):
        raise Refused(f"{display(folder)} is no folder. Nothing was written.")
    if not os.path.isdir(os.path.dirname(folder)):
        raise NotFound(f"{display(os.path.dirname(folder))} does not exist. Nothing was written.")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise RushesError(f"{display(folder)} cannot be made: {error.strerror}.") from error


def _write(folder: str, report: Report, form: str) -> str:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    temp = f".rushes_report.{uuid.uuid4().hex[:8]}.part"
    try:
        handle = os.open(temp, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=fd)
        try:
            with os.fdopen(handle, "w+b") as stream:
                writer(form)(report, stream)
                stream.flush()
                os.fsync(stream.fileno())
            name = _publish(fd, temp, file_name(report, form))
        except BaseException:
            os.unlink(temp, dir_fd=fd)
            raise
        sync_folder(fd)
        return os.path.join(folder, name)
    finally:
        os.close(fd)


def _publish(fd: int, temp: str, wanted: str) -> str:
    stem, dot, extension = wanted.rpartition(".")
    for number in range(_HIGHEST + 1):
        name = wanted if number == 0 else f"{stem}_{number:03d}{dot}{extension}"
        try:
            publish(fd, temp, name)
        except FileExistsError:
            continue
        return name
    raise RushesError(f"{display(wanted)} and {_HIGHEST} numbered names are taken.")
