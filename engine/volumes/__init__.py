"""Volumes: what is mounted, which volume it is, and where a path lies on it.

::

    platforms ── linux, macos          (the one place where it is decided who tells us)
        │
    mounts ── touch, workers ── devices ── identity ── reconcile ── refresh ── monitor
    (the table) (asking a mount   (facts)   (which one   (rows and    (writes)   (waits for
                with a deadline)            is it? pure)  events, pure)            a change)

    places     a path <-> (volume, relative path)
    aside      work on a mount that may fall silent, in a process of its own
    pools      mounts that show files of other mounts: one file counts once
    store      rows for people: list, find, track, rename
    settling   which of several that claim one identity is which, and back
    conflicts  who claims one identity
    facts      the hardware under a volume, and how it is mounted now
    room       low on space: told once
    stand_ins  folders that play a volume where nothing can be mounted
    marking, eject (with draining and holders), speed   what an operator does to a drive

A volume is one file system; the device is the hardware under it; a mount is
where it shows now. A drive that returns elsewhere changes one row.
"""
