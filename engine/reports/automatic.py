"""The report that an ingest writes by itself when it has come to its end."""

from __future__ import annotations

import os

from engine import clock
from engine.errors import Refused
from engine.jobs.store import Job
from engine.library import Library
from engine.names import display
from engine.reports import gather, writing
from engine.storage import config
from engine.storage.database import scalar
from engine.volumes import places

NONE = "none"
"""Word for no report at all."""


def after_ingest(library: Library, job: Job) -> dict[str, str]:
    """Write the report of an ingest that has ended; return the path of each format.

    Settings: ``ingest.report`` (names separated by commas, or ``none``) and
    ``ingest.report_folder`` (empty is the library's own ``reports`` folder below its
    cache root). It is about the whole job, however often that was resumed.

    Raises:
        Refused: the folder lies on a card, or in a source of this ingest: neither is ever written to.
        RushesError: it cannot be written.
    """
    chosen = config.values("ingest.report", "ingest.report_folder")
    formats = str(chosen["ingest.report"])
    if formats == NONE:
        return {}
    folder = str(chosen["ingest.report_folder"]) or None
    if folder is not None:
        _check(library, job, folder)
    report = gather.of_job(library, job.job_id, clock.now())
    return writing.save(library, report, writing.check_formats(formats.split(",")), folder)


def _check(library: Library, job: Job, folder: str) -> None:
    shown = display(folder)
    path = places.reach(folder)
    for source in job.params.get("sources", ()):
        top = str(source["path"])
        if path == top or path.startswith(top.rstrip("/") + "/"):
            raise Refused(f"Reports are not written to {shown}: it lies in the source {display(top)}.")
    home = path if os.path.isdir(path) else os.path.dirname(path)
    place = places.place_of(library.db(), home)
    kind = scalar(library.db(), "SELECT class FROM volumes WHERE volume_id = ?", (place.volume_id,))
    if kind == "card":
        raise Refused(f"Reports are not written to {shown}: it lies on a card.")
