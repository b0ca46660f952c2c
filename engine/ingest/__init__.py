"""Ingest: footage is copied to where it must be and proven there, or catalogued where it lies.

::

    planning.plan ──> planning.queue ──> job
        ├─ carrying.listing     every file becomes a task, with a transfer per destination
        ├─ carrying.duplicates  what a destination holds verified already is skipped
        ├─ carrying.carrier     read once, write all, flush, read back, compare, publish
        │    └─ carrying.bundle   the same for many small files at once, in tight loops
        ├─ cataloguing.clipping card and clips, probed
        └─ hashlists.hashlists  ASC MHL, from the same reading

    proving.check   may this card be formatted?
    proving.scrub   reads verified copies again, the oldest first
"""
