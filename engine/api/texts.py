"""Small text files that are given to us."""

from __future__ import annotations

import os
import stat

from engine.errors import NotFound, Refused
from engine.names import display

LIMIT = 64 * 1024 * 1024
"""Bytes that such a file has at most: a plan of some thousand segments has a few million."""


def text_of(file: str) -> str:
    """The text of a file. A pipe or a device is not waited for.

    Raises:
        NotFound: there is none.
        Refused: it cannot be read, is no text, no file, or too large.
    """
    try:
        number = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise Refused(f"{display(file)} is no file, so it cannot be read.")
            with open(number, "rb", closefd=False) as opened:
                data = opened.read(LIMIT + 1)
        finally:
            os.close(number)
    except FileNotFoundError as error:
        raise NotFound(f"{display(file)} does not exist.") from error
    except OSError as error:
        raise Refused(f"{display(file)} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a zero byte in the name
        raise NotFound(f"{display(file)} does not exist.") from error
    if len(data) > LIMIT:
        raise Refused(f"{display(file)} is larger than {LIMIT >> 20} MiB; such a file is not read.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"{display(file)} cannot be read: it is no text.") from error
