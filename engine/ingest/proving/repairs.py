"""Chosen copies are repaired as a job: each is made anew from a good one, see :mod:`.repair`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.errors import NotFound, RushesError
from engine.ingest.proving.repair import repair_copy
from engine.jobs import store
from engine.jobs.context import JobContext, Outcome
from engine.library import Library
from engine.names import display, from_blob
from engine.storage.database import row


def queue_repair(library: Library, copy_ids: Sequence[int]) -> str:
    """Queue the repair of these copies; return the job's id.

    Raises:
        NotFound: none was given.
    """
    wanted = list(dict.fromkeys(int(copy_id) for copy_id in copy_ids))
    if not wanted:
        raise NotFound("There is no copy to repair.")
    title = "Repair 1 copy" if len(wanted) == 1 else f"Repair {len(wanted):,} copies"
    return store.create(library.db(), "repair", title, {"copies": wanted}, resources=("verify",))


def run_repair(job: JobContext) -> Outcome:
    """Handler of job kind ``repair``. Its result: ``repaired`` and ``not_repaired``, sentences by copy.

    A copy that was repaired meanwhile, by this job before it was cut off or by
    another, is passed over. One that cannot be repaired never stops the others.
    """
    wanted = [int(copy_id) for copy_id in job.params["copies"]]
    repaired: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for number, copy_id in enumerate(wanted):
        job.checkpoint()
        entry = row(job.db, "SELECT path, state FROM copies WHERE copy_id = ?", (copy_id,))
        shown = display(from_blob(entry["path"])) if entry else f"copy {copy_id}"
        job.progress(stage="repair", message=shown, done=number, total=len(wanted), force=True)
        if entry is not None and entry["state"] == "present":
            continue
        try:
            made = repair_copy(job.db, copy_id, job_id=job.job_id, check=job.check_now, tick=job.flush)
        except RushesError as error:
            refused.append({"copy_id": copy_id, "sentence": str(error)})
            job.log("error", str(error))
            continue
        repaired.append({"copy_id": copy_id, "sentence": made.sentence})
        job.log("info", made.sentence)
    job.progress(done=len(wanted), total=len(wanted), force=True)
    result = {"repaired": repaired, "not_repaired": refused}
    if not refused:
        return Outcome("completed", result)
    first = str(refused[0]["sentence"])
    whole = f"{len(refused)} of {len(wanted)} copies could not be repaired. The first: {first}"
    return Outcome("completed_with_warnings" if repaired else "failed", result, whole)
