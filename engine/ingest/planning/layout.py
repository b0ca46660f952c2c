"""Where a file goes: the folder of a card, numbered names, and names that a file system cannot hold.

Plain functions over plain data.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from engine.media.filelist import Shelf
from engine.names import NAME_MAX_BYTES, display

WINDOWS_LIKE = frozenset(
    {"vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "cifs", "smb3", "smbfs", "fuse.exfat", "fuse.ntfs"}
)
"""File systems with the rules of Windows for names: some characters refused, letter case not told apart."""

ONE_SPELLING = frozenset({"hfs", "hfsplus", "apfs", "afpfs", "cifs", "smb3", "smbfs"})
"""File systems that keep an accent in one spelling only, or whose server may be a machine that does."""

FAT = frozenset({"vfat", "msdos"})
FAT_MAX = (1 << 32) - 1
"""Largest file on FAT, bytes."""

HIGHEST_NUMBER = 999

_SECOND = 10**9
_HOUR = 3600 * _SECOND

_REFUSED = frozenset('<>:"|?*\\')
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
)


def numbered(name: str, number: int) -> str:
    """Put ``_001`` .. ``_999`` before the last dot: ``clip.v1.mov`` becomes ``clip.v1_001.mov``.

    A name without a dot, or with its only dot in front, gets it at the end.
    The stem is cut when the result would be longer than a name may be.
    """
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    tail = f"_{number:03d}{dot}{suffix}"
    room = NAME_MAX_BYTES - len(os.fsencode(tail))
    while stem and len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem + tail


def card_folder(label: str, number: int) -> str:
    """Name of a card's folder: its label, then ``_002``, ``_003`` for other cards of that label."""
    return label if number == 1 else f"{label}_{number:03d}"


def label_of(source: str) -> str:
    """The name under which a source is kept: that of its folder, exactly.

    A card's mount point bears its volume label, or the name that the operator gave it.
    """
    return os.path.basename(source.rstrip("/")) or "card"


def same_card(ours: Callable[[str], tuple[int, int] | None], theirs: Iterable[tuple[str, int, int]]) -> bool:
    """Whether a folder at a destination holds (a part of) this card.

    Cards of one make use the same names over and over, and a card that has come
    back may hold more clips and a newer index. So the bytes of the files that
    have a common name decide: at least half of them must have the same size and
    time on both sides.

    Args:
        ours: gives (size, mtime_ns) of a relative path on the card; None where there is none.
        theirs: (relative path, size, mtime_ns) of each file in the folder at the destination.

    Returns:
        True also when the folder holds no file at all.
    """
    empty, common, alike = True, 0, 0
    for path, size, mtime_ns in theirs:
        empty = False
        mine = ours(path)
        if mine is None:
            continue
        common += mine[0]
        if _alike(mine, (size, mtime_ns)):
            alike += mine[0]
    return empty or (common > 0 and 2 * alike >= common)


def _alike(one: tuple[int, int], other: tuple[int, int]) -> bool:
    if one[0] != other[0]:
        return False
    apart = abs(one[1] - other[1])
    # FAT keeps two seconds, in local time: a change of the clock shifts whole hours.
    return apart <= 2 * _SECOND or (apart % _HOUR <= 2 * _SECOND and apart <= 26 * _HOUR)


def name_problem(path: str, size: int, fs_type: str) -> str | None:
    """Why a file system cannot hold this relative path, as the end of a sentence; None when it can."""
    if fs_type in FAT and size > FAT_MAX:
        return "is larger than 4 GiB, the limit of FAT"
    for part in path.split("/"):
        if len(os.fsencode(part)) > NAME_MAX_BYTES:
            return f"has a part longer than {NAME_MAX_BYTES} bytes"
        if fs_type in WINDOWS_LIKE and (why := _windows_problem(part)):
            return why
    return None


def _windows_problem(part: str) -> str | None:
    bad = sorted({char for char in part if char in _REFUSED or ord(char) < 32})
    if bad:
        return f"holds {' '.join(display(char) for char in bad)}, which that file system refuses"
    if part.endswith((".", " ")):
        return "ends with a dot or a blank, which that file system drops"
    if any(0xDC80 <= ord(char) <= 0xDCFF for char in part):
        return "is not valid UTF-8, which that file system needs"
    if part.split(".", maxsplit=1)[0].lower() in _RESERVED:
        return "is a name that Windows keeps for devices"
    if len(part.encode("utf-16-le", "surrogatepass")) > 2 * 255:
        return "has a part longer than 255 characters"
    return None


def case_clashes(paths: Iterable[str], fs_type: str, seen: Shelf) -> Iterator[tuple[str, str]]:
    """Pairs of paths that become one on a file system which does not tell letter case, or accents, apart.

    Some keep an accent always in one of its two spellings (NFC, NFD), so that two names which differ in
    that only are one there. ``seen`` is empty; it fills with the paths.
    """
    if fs_type not in WINDOWS_LIKE | ONE_SPELLING:
        return
    for path in paths:
        folded = unicodedata.normalize("NFC", path) if fs_type in ONE_SPELLING else path
        folded = folded.casefold()
        before = seen.get(folded)
        if before is None:
            seen[folded] = path
        elif before != path:
            yield before, path


def listed(items: Sequence[str], limit: int = 5, *, more: int = 0) -> str:
    """Join what is to be named in a sentence; beyond ``limit`` only the number of the rest.

    ``more``: how many there are that are not even in ``items``.
    """
    shown = ", ".join(items[:limit])
    rest = max(0, len(items) - limit) + more
    return f"{shown} and {rest} more" if rest else shown
