"""Ingest: footage is copied to where it must be and proven there, or catalogued where it lies.

::

    plan.plan ──> queue.queue ──> job.run
                            ├─ listing     every file becomes a task, with a transfer per destination
                            ├─ duplicates  what a destination holds verified already is skipped
                            ├─ carrier     read once, write all, flush, read back, compare, publish
                            └─ clipping    card and clips, probed

    check.check_card   may this card be formatted?
    scrub.run_verify   reads verified copies again, the oldest first
"""
