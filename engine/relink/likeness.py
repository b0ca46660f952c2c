"""Names of files, as people take them for the same, whatever the case, composition or ending. Pure."""

from __future__ import annotations

import unicodedata

from engine.media.kinds import kind_of


def fold(name: str) -> str:
    """Return ``name`` without differences of letter case and Unicode composition."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def base_name(path: str) -> str:
    """The last component of ``path``."""
    return path.rpartition("/")[2]


def same_name(first: str, second: str) -> bool:
    """Whether the last components of two paths are equal, by folded names."""
    one, other = base_name(first), base_name(second)
    return one == other or fold(one) == fold(other)


def film_name(path: str) -> str | None:
    """The folded name of a film without its ending, which a transcode may change; None: no film."""
    name = base_name(path)
    return fold(name[: name.rfind(".")]) if kind_of(name) in ("video", "proxy") else None


def common_tail(first: str, second: str) -> int:
    """Number of equal path components at the end of both, by folded names."""
    count = 0
    for one, other in zip(reversed(first.split("/")), reversed(second.split("/")), strict=False):
        if one != other and fold(one) != fold(other):
            break
        count += 1
    return count
