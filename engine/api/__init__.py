"""The engine's public door: one function per thing an operator can do or look at.

Front ends import from here, from :mod:`engine.errors`, :mod:`engine.names` and
:mod:`engine.clock`, and nothing else. Every precondition is held here or
below, so that a key on a screen and a verb on the command line meet the same
refusal. Functions take an open :class:`Library`; what they return is plain
data in the shape of the ``--json`` documents.
"""

import sqlite3

from engine.library import Library

StorageError = sqlite3.Error
"""What a read or write of the catalogue raises when the file system under it fails."""

__all__ = ["Library", "StorageError"]
