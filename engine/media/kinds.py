"""What a file is by its name and its first bytes, and which files are nobody's.

The kind decides how a file is shown and grouped, never whether it is copied:
everything but :func:`is_junk` is. ffprobe, not this table, decides whether a
file plays.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal[
    "video", "audio", "image", "sidecar", "proxy", "lut", "edit", "project", "document", "archive",
    "text", "other", "unknown",
]  # fmt: skip

_EXTENSIONS: dict[Kind, str] = {
    "video": "mov mp4 m4v qt mxf avi mkv mts m2ts m2t ts mpg mpeg vob webm 3gp dv wmv flv "
    "r3d braw ari arx crm cine nev insv 360 mod tod",
    "audio": "wav bwf rf64 w64 aif aiff aifc mp3 m4a flac ogg opus caf aac ac3",
    "image": "jpg jpeg heic heif hif png tif tiff dpx exr bmp gif webp psd jp2 dng cr2 cr3 nef nrw arw raf "
    "rw2 orf pef srw gpr insp tga",
    "sidecar": "xml xmp thm bim cpi bdm mpl smi ppn rmd drx srt gpx mhl idx aae cif cpf sif mif moi ctg bup "
    "ind rtn sidecar nksc rsv vtt wfm igp pmf",
    "proxy": "lrv lrf",
    "lut": "cube 3dl look cdl cc ccc csp clf amf aml",
    "edit": "edl aaf fcpxml otio otioz ale",
    "project": "prproj drp avp avb aep fcpbundle kdenlive veg",
    "document": "pdf doc docx xls xlsx odt ods rtf html htm csv",
    "archive": "zip 7z rar tar gz tgz bz2 xz zst dmg iso",
    "text": "txt md log nfo json yaml yml toml ini url md5 sha1 sha256 xxh xxh128",
    "other": "bin dat db sqlite exe dll app pkg",
}
"""Kind -> extensions without the dot. The first kind that holds one owns it."""

_BY_EXTENSION: dict[str, Kind] = {
    extension: kind for kind, words in reversed(_EXTENSIONS.items()) for extension in words.split()
}

HEADER_BYTES = 8192
"""How much of a file :func:`sniff` wants."""

_TEXT_BYTES = 4096
_MXF_BYTES = b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02"
_ISO_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_HEADS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1a\x45\xdf\xa3", "mkv"),
    (0, b"\xff\xd8\xff", "jpg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"II*\x00", "tif"),
    (0, b"MM\x00*", "tif"),
    (0, b"fLaC", "flac"),
    (0, b"ID3", "mp3"),
    (0, b"SDPX", "dpx"),
    (0, b"XPDS", "dpx"),
    (0, b"\x76\x2f\x31\x01", "exr"),
    (0, b"FORM", "aif"),
    (0, b"caff", "caf"),
    (0, b"GIF8", "gif"),
    (0, b"\x00\x00\x01\xba", "mpg"),
    (0, b"\x00\x00\x01\xb3", "mpg"),
    (4, b"RED1", "r3d"),
    (4, b"RED2", "r3d"),
)
"""(offset, bytes, extension of the format)."""


def extension_of(name: str) -> str:
    """Return the extension of a name or path in lower case without the dot; ``""`` when it has none."""
    name = name[name.rfind("/") + 1 :]
    dot = name.rfind(".")
    return name[dot + 1 :].lower() if name[:dot].strip(".") and dot > 0 else ""


def kind_of(name: str) -> Kind:
    """Return what a file is by its extension; ``unknown`` when no one knows it."""
    return _BY_EXTENSION.get(extension_of(name), "unknown")


def is_media(name: str) -> bool:
    """Whether a name is that of footage: picture, sound or still."""
    return kind_of(name) in {"video", "audio", "image"}


def sniff(head: bytes) -> str | None:
    """Return the format that a file's first :data:`HEADER_BYTES` show, as an extension; ``None`` = not known.

    ``mov`` stands for all ISO media, ``ts`` for MPEG transport streams with and
    without time codes, ``txt`` for text.
    """
    if head[4:8] in _ISO_BOXES:
        return "mov"
    if head[:4] == b"RIFF" or head[:4] == b"RF64":
        return {b"AVI ": "avi", b"WAVE": "wav", b"WEBP": "webp"}.get(head[8:12])
    for offset, mark, extension in _HEADS:
        if head.startswith(mark, offset):
            return extension
    for start, step in ((0, 188), (4, 192)):
        if len(head) > start + 2 * step and all(head[start + n * step] == 0x47 for n in range(3)):
            return "ts"
    if _MXF_BYTES in head:
        return "mxf"
    return "txt" if _is_text(head[:_TEXT_BYTES]) else None


def _is_text(head: bytes) -> bool:
    if not head:
        return False
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return True
    for cut in range(4):  # a character may be cut in two at the end of the sample
        try:
            text = head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return not re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text)
    return False


JUNK_NAMES = frozenset(
    {".ds_store", ".spotlight-v100", ".trashes", ".fseventsd", ".temporaryitems", ".apdisk"}
    | {".documentrevisions-v100", ".appledouble", ".volumeicon.icns", ".com.apple.timemachine.donotpresent"}
    | {"system volume information", "$recycle.bin", "recycler", "thumbs.db", "desktop.ini", "icon\r"}
    | {"lost+found", "@eadir", "@__thumb", "#recycle", "#snapshot"}
)
"""Names in small letters of what systems and NAS leave behind; for whole answers ask :func:`is_junk`."""

_JUNK_START = ("._", ".trash-")


def is_junk(relative: str) -> bool:
    """Whether a path below a source is an operating system's or a NAS's own leaving.

    True when any component is one. Camera oddities (``SONYCARD.IND``,
    ``STATUS.BIN``, ``DATABASE/``) are not junk.
    """
    lowered = relative.lower()
    if "/" not in lowered:  # the usual case: a walk asks for each name
        return lowered in JUNK_NAMES or lowered.startswith(_JUNK_START)
    return any(part in JUNK_NAMES or part.startswith(_JUNK_START) for part in lowered.split("/") if part)
