"""The exception tree: every failure is a sentence with an exit code.

::

    RushesError                 1   something failed inside; the sentence says what
    ├── WrongUse                2   the call itself is wrong (arguments, formats)
    ├── Refused                 3   a precondition does not hold; nothing was changed
    │   ├── IllegalTransition   3   a job, task or candidate cannot change that way
    │   ├── DatabaseRefused     3   damaged, newer or foreign database file
    │   ├── LibraryInUse        3   the engine lock is held by somebody else
    │   └── ToolMissing         3   ffmpeg or ffprobe is absent or too old
    ├── NotFound                4   no such library, volume, clip, job, file
    └── VolumeGone              1   a volume went away in the middle of the work

A message says what happened, to which file, what was kept and what the
operator can do. It never holds a traceback and is safe to print: names inside
it have gone through :func:`engine.names.display`.
"""

from __future__ import annotations


class RushesError(Exception):
    """Base of all errors that are meant for a person.

    Attributes:
        exit_code: the process exit code a command line ends with.
    """

    exit_code = 1


class WrongUse(RushesError):
    """The call is malformed: unknown value, missing argument, impossible combination."""

    exit_code = 2


class Refused(RushesError):
    """A precondition does not hold. Nothing was changed."""

    exit_code = 3

    def __init__(self, *problems: str) -> None:
        """Take one sentence, or every problem found: all are reported at once."""
        super().__init__("\n".join(problems))
        self.problems: tuple[str, ...] = problems

    def __reduce__(self) -> tuple[type[Refused], tuple[str, ...]]:
        """Each problem stays one when a child process hands the error over."""
        return type(self), self.problems


class NameTaken(Refused):
    """Something else is called that already; another name will do."""


class IllegalTransition(Refused):
    """A state change that the tables in ``engine.jobs.states`` do not allow."""


class DatabaseRefused(Refused):
    """The database file is damaged, of a newer version, or not ours. It was not touched."""


class LibraryInUse(Refused):
    """Another engine holds the library's lock, or its owner cannot be asked."""


class ToolMissing(Refused):
    """A program that the work needs is absent or too old."""


class NotFound(RushesError):
    """The thing that was named does not exist."""

    exit_code = 4


class VolumeGone(RushesError):
    """A volume went away, or stopped answering, in the middle of the work."""
