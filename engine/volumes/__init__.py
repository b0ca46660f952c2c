"""Volumes: what is mounted, which volume it is, and where a path lies on it.

::

    mounts ── touch, workers ── devices ── identity ── reconcile ── refresh ── monitor
    (the table) (asking a mount   (facts)   (which one   (rows and    (writes)   (waits for
                with a deadline)            is it? pure)  events, pure)            the kernel)

    places     a path <-> (volume, relative path)
    store      rows for people: list, find, track, rename, settle
    stand_ins  folders that play a volume where nothing can be mounted
    marking, eject, speed   what an operator does to a drive

A volume is one file system; the device is the hardware under it; a mount is
where it shows now. A drive that returns elsewhere changes one row.
"""
