"""Why a file could not be read or written: a kind for the program, a sentence for the operator."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass

NETWORK_ERRORS = frozenset(
    {errno.EAGAIN, errno.ECONNRESET, errno.ETIMEDOUT, errno.EBUSY, errno.EIO, errno.ENETUNREACH, errno.EPIPE,
     errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ECONNABORTED, errno.ESTALE}
)  # fmt: skip
"""Error numbers that a network file system gives for a moment and that are worth another try there."""

GONE_ERRORS = frozenset({errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ENOTCONN})
"""Error numbers that mean the medium itself is away."""

RECOPIED = frozenset({"verify_mismatch", "write_error", "source_unstable"})
"""Kinds after which the file is copied once more from its first byte.

A failed ``fsync`` is among them: the kernel marks the lost pages clean, so a
second ``fsync`` would succeed without having written anything.
"""


@dataclass(frozen=True)
class Failure:
    """One failure.

    Attributes:
        kind: ``not_found permission read_error changed_while_reading no_space read_only name_refused
            exists_different verify_mismatch source_unstable write_error volume_gone internal``.
        sentence: what happened, to which file, what was kept. Names in it are escaped.
        code: error number of the system, None when it was no system call that failed.
    """

    kind: str
    sentence: str
    code: int | None = None


def of_reading(error: OSError, shown: str, offset: int | None = None) -> Failure:
    """Turn an error while reading ``shown`` (an escaped path) into a Failure.

    ``offset`` is the byte at which reading stopped, None when the file could not be opened.
    """
    code = error.errno or 0
    if code in (errno.ENOENT, errno.ENOTDIR):
        return Failure("not_found", f"{shown} is no longer there. It was not copied.", code)
    if code in (errno.EACCES, errno.EPERM):
        return Failure(
            "permission",
            f"{shown} may not be read by this user. It was not copied; nothing was changed.",
            code,
        )
    if code == errno.ELOOP:
        return Failure(
            "not_found", f"{shown} has become a link. Links are not followed; it was not copied.", code
        )
    if code in GONE_ERRORS:
        return Failure("volume_gone", f"The volume of {shown} went away while the file was read.", code)
    where = "" if offset is None else f" at byte {offset}"
    return Failure(
        "read_error",
        f"{shown} cannot be read{where}: {os.strerror(code)}. Clean the contacts or try another reader, "
        "then retry the failed files.",
        code,
    )


def of_writing(error: OSError, shown: str) -> Failure:
    """Turn an error while writing ``shown`` (an escaped path at a destination) into a Failure."""
    code = error.errno or 0
    kept = "The source was not touched, and nothing was left under that name."
    if code in (errno.ENOSPC, errno.EDQUOT):
        return Failure("no_space", f"No space left for {shown}. {kept} Make room, then retry.", code)
    if code == errno.EROFS:
        return Failure("read_only", f"{shown} cannot be written: the volume is read-only. {kept}", code)
    if code in (errno.EACCES, errno.EPERM):
        return Failure("permission", f"{shown} may not be written by this user. {kept}", code)
    if code in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
        return Failure(
            "name_refused", f"The destination refuses the name {shown}: {os.strerror(code)}. {kept}", code
        )
    if code in (errno.ENOTDIR, errno.ELOOP):
        return Failure(
            "exists_different", f"A file or a link stands where {shown} needs a folder. {kept}", code
        )
    if code == errno.EFBIG:
        return Failure("name_refused", f"{shown} is too large for that file system. {kept}", code)
    if code in GONE_ERRORS:
        return Failure("volume_gone", f"The volume of {shown} went away while it was written. {kept}", code)
    return Failure("write_error", f"{shown} cannot be written: {os.strerror(code)}. {kept}", code)


def stalled(shown: str) -> Failure:
    """A destination took a call and does not come back from it."""
    return Failure(
        "volume_gone",
        f"The volume of {shown} does not answer. What was verified is kept; the rest waits for it.",
        errno.ETIMEDOUT,
    )


def changed(shown: str) -> Failure:
    """The source was written to while it was read."""
    return Failure(
        "changed_while_reading",
        f"{shown} changed while it was read, so it is still being written. It was not copied; "
        "retry when the recording has ended.",
    )


def damaged(shown: str, holes: Sequence[tuple[int, int]]) -> Failure:
    """Parts of the source could not be read, in spite of repeated tries."""
    lost = sum(length for _, length in holes)
    return Failure(
        "read_error",
        f"{shown} cannot be read completely: {lost} bytes from byte {holes[0][0]} on are lost. Clean the "
        "contacts or try another reader, then retry the failed files.",
        errno.EIO,
    )


def mismatch(shown: str, expected: str, found: str, level: str) -> Failure:
    """The copy does not hold the bytes that were read from the source."""
    return Failure(
        "verify_mismatch",
        f"{shown} does not hold what was read from the source: written {expected}, read back {found} "
        f"({level}). The bad copy was removed; the source gives the same bytes each time. "
        "Check the destination, its cable and this machine's memory.",
    )


def unstable_in_place(shown: str, first: str, second: str) -> Failure:
    """Two readings of a file that is catalogued where it lies gave different bytes."""
    return Failure(
        "source_unstable",
        f"{shown} gave different bytes when it was read again: first {first}, then {second}. It is "
        "catalogued, but not verified. Suspect the drive, its cable or this machine's memory.",
    )


def unstable(shown: str, first: str, second: str) -> Failure:
    """Two readings of the source gave different bytes."""
    return Failure(
        "source_unstable",
        f"{shown} gave different bytes when it was read again: first {first}, then {second}. The copy was "
        "removed. Suspect the reader, the cable or the card, and retry with another reader.",
    )
