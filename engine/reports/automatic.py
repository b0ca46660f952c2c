"""The report that an ingest writes by itself when it has come to its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from engine import clock
from engine.errors import Refused, RushesError
from engine.jobs.store import Job
from engine.library import Library, open_library
from engine.names import display
from engine.reports import gather, writing
from engine.storage import config
from engine.storage.database import scalar
from engine.volumes import places

NONE = "none"
"""Word for no report at all."""

IN_PROCESS = 2000
"""A report of more files is made by a process of its own: it takes about 4 KiB of memory for each."""

PATIENCE_SECONDS = 3600.0
"""How long that process may take."""


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
    files = scalar(library.db(), "SELECT count(*) FROM tasks WHERE job_id = ?", (job.job_id,))
    if int(files) > IN_PROCESS:
        return _in_child(library, job, formats, folder)
    report = gather.of_job(library, job.job_id, clock.now())
    return writing.save(library, report, writing.check_formats(formats.split(",")), folder)


def _in_child(library: Library, job: Job, formats: str, folder: str | None) -> dict[str, str]:
    """Have a process of its own gather and write a long report: the engine's memory stays small."""
    words = [str(library.root), job.job_id, formats, folder or ""]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "engine.reports.automatic", *words],
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RushesError(f"The report could not be made: {error}.") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RushesError(display(said[-1]) if said else "The report's process ended without a word.")
    made: dict[str, str] = json.loads(done.stdout)
    return made


def main(root: str, job_id: str, formats: str, folder: str) -> int:
    """The child's own work; the paths go to standard output as JSON, a refusal to standard error."""
    os.nice(10)  # copies and renders come first
    library = open_library(root)
    try:
        report = gather.of_job(library, job_id, clock.now())
        made = writing.save(library, report, writing.check_formats(formats.split(",")), folder or None)
    except RushesError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the engine reads it
        return 1
    finally:
        library.close()
    print(json.dumps(made))  # noqa: T201 - the engine reads it
    return 0


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


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
