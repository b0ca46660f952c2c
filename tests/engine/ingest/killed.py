"""Runs one ingest job in a process of its own, to be killed by its test: ``killed.py LIBRARY JOB``."""

from __future__ import annotations

import json
import sys

from engine.ingest.job import run
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.library import open_library


def main() -> int:
    library = open_library(sys.argv[1])
    db = library.db()
    job_id = sys.argv[2]
    store.interrupt_running(db)
    if store.get(db, job_id).status == "interrupted":
        store.request(db, job_id, "resume")
    job = store.get(db, job_id)
    store.transition(db, job_id, "running")
    context = JobContext(library, job)
    print("running", flush=True)
    outcome = run(context)
    context.flush()
    store.transition(db, job_id, outcome.status, result=outcome.result, error=outcome.error)
    print(json.dumps(outcome.result), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
