"""Reports: what was done, proven and missed, written as files that are handed over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import clock
from engine.errors import WrongUse
from engine.library import Library
from engine.reports import gather, writing
from engine.reports.writing import DEFAULT, FORMATS

__all__ = ["DEFAULT", "FORMATS", "make"]


def make(
    library: Library,
    job: str | None = None,
    *,
    day: str | None = None,
    card: str | None = None,
    volume: str | None = None,
    formats: Sequence[str] = (),
    to: str | None = None,
) -> dict[str, Any]:
    """Write a report and return the document of ``report``: ``files`` (format -> path) and the verdict.

    Exactly one of ``job`` (or batch), ``day``, ``card`` and ``volume`` says what it is about.

    Args:
        library: whose catalogue is asked; nothing in it changes.
        job: id of a job or batch, or its beginning.
        day: a date such as 2026-11-20, by this host's clock.
        card: id of a card, its beginning, or its label.
        volume: name, id or mount point.
        formats: of :data:`FORMATS`; none is :data:`DEFAULT`.
        to: a folder; None is ``.rushes/reports/`` of the library.

    Raises:
        WrongUse: not exactly one was given, or a format is unknown.
        NotFound: there is no such thing.
    """
    given = [value for value in (job, day, card, volume) if value]
    if len(given) != 1:
        raise WrongUse("Say what the report is about: a job or batch, or one of --day, --card, --volume.")
    wanted = writing.check_formats(formats)
    moment = clock.now()
    if job:
        report = gather.of_job(library, job, moment)
    elif day:
        report = gather.of_day(library, day, moment)
    elif card:
        report = gather.of_card(library, card, moment)
    else:
        report = gather.of_volume(library, str(volume), moment)
    return {
        "files": writing.save(library, report, wanted, to),
        "kind": report.kind,
        "id": report.ident,
        "good": report.good,
        "verdict": report.verdict,
    }
