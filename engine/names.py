"""File names, kept exactly.

A Linux file name is any bytes but ``/`` and NUL. Python carries such a name as
``str`` with surrogate escapes; the database carries it as a BLOB; a screen, a
log or a JSON document carries an escaped text. This module is the only place
where one form becomes another.
"""

from __future__ import annotations

import base64
import os
import unicodedata
from typing import Any

NAME_MAX_BYTES = 255
"""Longest file name, in bytes, on every Linux file system we write to."""


def to_blob(name: str) -> bytes:
    """Return the exact bytes of ``name`` for the database."""
    return os.fsencode(name)


def from_blob(blob: bytes) -> str:
    """Return the name stored as ``blob``, byte for byte the same on the way back."""
    return os.fsdecode(blob)


def is_text(name: str) -> bool:
    """Whether ``name`` is valid UTF-8 and holds no control characters."""
    return display(name) == name


def display(name: str | bytes) -> str:
    r"""Return ``name`` so that it can be printed anywhere.

    Control characters, line breaks, bidirectional overrides and bytes that are
    not UTF-8 become ``\n``, ``\x1b``, ``\u202e`` and the like; a backslash
    stays as it is. The result holds no terminal escape sequence and no line
    break. It is for eyes, never for opening a file.
    """
    text = os.fsdecode(name) if isinstance(name, bytes) else name
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_plain(char) else _escape(char) for char in text)


def _is_plain(char: str) -> bool:
    return char == " " or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, carried as a surrogate escape
        return f"\\x{code - 0xDC00:02x}"
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    if known is not None:
        return known
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def json_name(key: str, name: str | None) -> dict[str, Any]:
    """Return ``{key: escaped text}``, plus ``key_b64`` when the text is not the exact name.

    ``None`` stays ``None``: no such file.
    """
    if name is None:
        return {key: None}
    shown = display(name)
    if shown == name:
        return {key: shown}
    return {key: shown, f"{key}_b64": base64.b64encode(os.fsencode(name)).decode("ascii")}


def exact_name(key: str, document: dict[str, Any]) -> str:
    """The exact name that :func:`json_name` put into a document."""
    coded = document.get(f"{key}_b64")
    return os.fsdecode(base64.b64decode(coded)) if coded else str(document[key])


def safe_component(text: str, fallback: str = "untitled") -> str:
    r"""Make ``text`` a file name that Linux, SMB and exFAT all accept.

    Characters that one of them refuses (``<>:"/\\|?*`` and controls) become
    ``_``; blanks and dots at the ends go; the result has at most 200 bytes, so
    that a counter and an extension still fit. Empty becomes ``fallback``.
    """
    cleaned = "".join("_" if c in '<>:"/\\|?*' or not _is_plain(c) else c for c in text)
    cleaned = cleaned.strip(" .")
    while len(os.fsencode(cleaned)) > 200:
        cleaned = cleaned[:-1].rstrip(" .")
    return cleaned or fallback
