"""What ffmpeg's complaints mean: category, one plain sentence, and the words themselves.

The texts of ffmpeg 5 to 9 decide. Exit codes are only a hint: 255 also means
a missing hardware library, and 0 says nothing about completeness. The generic
last lines ("Conversion failed!") are never the cause, so nothing matches them.
"""

from __future__ import annotations

import re

from engine.errors import RushesError

SENTENCES: dict[str, str] = {
    "tool_missing": (
        "ffmpeg cannot be started. `rushes doctor` says what is missing and which command installs it."
    ),
    "cancelled": "The export was cancelled.",
    "disk_full": (
        "There is no space left on the disk that the export is written to. What is finished is kept: "
        "free some space and resume."
    ),
    "input_not_found": (
        "A source clip cannot be read: its file is gone, or its drive has stopped answering. "
        "Bring it back and resume."
    ),
    "output_write_error": (
        "The output cannot be written. Check that the folder exists and may be written to, then resume."
    ),
    "permission": (
        "A file may not be opened: permission denied. Check the rights of the source and of the "
        "destination folder, then resume."
    ),
    "source_damaged": "A source clip is damaged or incomplete: it cannot be decoded to its end.",
    "no_stream": "A source clip lacks the picture or sound track that the recipe asks for.",
    "encoder_missing": (
        "This ffmpeg lacks an encoder, filter or format that the preset needs. Choose another preset; "
        "`rushes doctor` lists what there is."
    ),
    "hardware": (
        "The hardware encoder cannot be used on this machine. Choose a preset with a software encoder."
    ),
    "settings": (
        "The preset's settings do not fit together: size, pixel format, profile or container is refused "
        "by the encoder."
    ),
    "join": "The rendered parts do not fit together, so nothing was joined.",
    "lut": "The colour table (LUT) or font cannot be read.",
    "stalled": "The encoder made no progress and was ended. Retry; the log shows where it stood.",
    "timeout": (
        "A rendered file could not be read back in time: its disk or share answers too slowly, or hangs. "
        "What is finished is kept: look after the disk, then resume."
    ),
    "killed": (
        "The encoder was killed from outside, or the machine ran out of memory. "
        "What is finished is kept: retry goes on from there."
    ),
    "quality": "The film is less like its sources than the recipe asks for.",
    "encoding_error": "The encoder failed. The log has its own words.",
}
"""What to tell a person, by category of failure."""

_PATTERNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # The first category with a fitting text decides, so the specific ones come first.
    ("disk_full", ("no space left on device", "disk quota exceeded")),
    (
        "lut",
        (
            r"lut[13]d.*(no such file|invalid data|unable|lut is empty|lut size)",
            "cannot find a valid font",
            "could not load font",
        ),
    ),
    (
        "hardware",
        (
            "cannot load lib(cuda|nvcuvid|mfx|va)",
            "no va display found",
            "no nvenc capable devices",
            "openencodesessionex failed",
            "device creation failed",
            "failed to initiali[sz]e vaapi",
        ),
    ),
    (
        "encoder_missing",
        (
            "unknown encoder",
            "unknown decoder",
            "no such filter",
            "unrecognized option",
            "encoder not found",
            "option not found",
            "unable to (find|choose) an? (suitable )?output format",
            "requested output format .* is not (known|a suitable)",
        ),
    ),
    ("no_stream", ("matches no streams", "does not contain any stream")),
    (
        "source_damaged",
        (
            "moov atom not found",
            "invalid data found when processing input",
            "ebml header parsing failed",
            "file ended prematurely",
            "partial file",
            "corrupt input packet",
            "error while decoding mb",
            "invalid nal unit size",
            "missing picture in access unit",
            "stream ends prematurely",
            "error reading header",
        ),
    ),
    (
        "input_not_found",
        (
            "input/output error",
            "stale file handle",
            "transport endpoint is not connected",
            "no such device",
        ),
    ),
    ("permission", ("permission denied", "operation not permitted", "read-only file system")),
    (
        "settings",
        (
            "not divisible by",
            "video parameters incompatible",
            "not currently supported in container",
            "codec not supported",
            "only .* (are )?supported",
            "error while opening encoder",
            "incompatible pixel format",
            "(doesn't|does not) support",
            "could not write header",
            "error initializing output stream",
            "invalid argument",
        ),
    ),
    ("join", ("non-monoton(ous|ic) dts", "non monotonically increasing dts")),
)

_MISSING = re.compile("no such file or directory", re.IGNORECASE)
_OUTPUT = re.compile(r"\[out#|error opening output|could not open file|\.part", re.IGNORECASE)


class FfmpegFailed(RushesError):
    """ffmpeg did not do what it was asked to.

    Attributes:
        category: a key of :data:`SENTENCES`.
        details: the end of what ffmpeg said, at most 500 characters.
    """

    def __init__(self, category: str, sentence: str, details: str = "") -> None:
        super().__init__(sentence)
        self.category = category
        self.details = shorten(details)


class Stalled(FfmpegFailed):
    """ffmpeg made no progress for too long and was ended."""

    def __init__(self, seconds: float, details: str = "") -> None:
        super().__init__(
            "stalled",
            f"The encoder made no progress for {seconds:.0f} s and was ended. "
            "What is finished is kept: retry goes on from there.",
            details,
        )


def classify(stderr: str, rc: int = 1, *, asked_to_stop: bool = False) -> tuple[str, str]:
    """Say what went wrong: ``(category, sentence)``.

    Args:
        stderr: the end of standard error.
        rc: exit code; negative is the signal that ended the child.
        asked_to_stop: we sent that signal ourselves.
    """
    category = "cancelled" if asked_to_stop else _category(stderr, rc)
    return category, SENTENCES[category]


def _category(stderr: str, rc: int) -> str:
    for category, patterns in _PATTERNS:
        if any(re.search(pattern, stderr, re.IGNORECASE) for pattern in patterns):
            return category
    for line in stderr.splitlines():
        if _MISSING.search(line):
            return "output_write_error" if _OUTPUT.search(line) else "input_not_found"
    return "killed" if rc < 0 else "encoding_error"


def failure_of(stderr: str, rc: int) -> FfmpegFailed:
    """The error that a child which ended with ``rc`` and said ``stderr`` stands for."""
    category, sentence = classify(stderr, rc)
    return FfmpegFailed(category, sentence, stderr)


def shorten(text: str, limit: int = 500) -> str:
    """The last ``limit`` characters of ``text``, with an ellipsis when something was left out."""
    text = text.strip()
    return text if len(text) <= limit else "…" + text[-limit:]
