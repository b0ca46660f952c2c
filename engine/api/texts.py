"""Small text files that are given to us."""

from __future__ import annotations

from pathlib import Path

from engine.errors import NotFound, Refused
from engine.names import display


def text_of(file: str) -> str:
    """The text of a file.

    Raises:
        NotFound: there is none.
        Refused: it cannot be read, or is no text.
    """
    try:
        return Path(file).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"{display(file)} does not exist.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{display(file)} cannot be read: {error}.") from error
