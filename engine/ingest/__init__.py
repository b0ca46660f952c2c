"""Ingest: footage is copied to where it must be and proven there, or catalogued where it lies.

::

    plan ──> queue ──> run ─┬─ listing     every file becomes a task, with a transfer per destination
    (preflight)             ├─ duplicates  what a destination holds verified already is skipped
                            ├─ carrier     read once, write all, flush, read back, compare, publish
                            └─ clipping    card and clips, probed

    check_card   may this card be formatted?
    run_verify   reads verified copies again, the oldest first
"""

from engine.ingest.check import CardVerdict, check_card
from engine.ingest.job import run
from engine.ingest.orders import Queued, queue
from engine.ingest.plans import Plan
from engine.ingest.preflight import plan
from engine.ingest.scrub import queue_verify, run_verify

__all__ = [
    "CardVerdict",
    "Plan",
    "Queued",
    "check_card",
    "plan",
    "queue",
    "queue_verify",
    "run",
    "run_verify",
]
