"""Loudness: measured over the whole programme, then corrected by one gain, so that nothing pumps.

EBU R 128 in two passes. The first only measures; the second gets the measured
values and works linearly where the peaks allow it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence

from engine.export.planning.timeline import SAMPLE_RATE
from engine.media import ffmpeg
from engine.media.tools import Tools

TRUE_PEAK = -1.5
"""Highest true peak in dBTP: leaves room for what a lossy codec adds (EBU R 128 allows -1)."""

RANGE = 11.0
"""Loudness range in LU that the dynamic fallback aims at; the linear way keeps the programme's own."""

_MEASURED = {
    "measured_I": "input_i",
    "measured_TP": "input_tp",
    "measured_LRA": "input_lra",
    "measured_thresh": "input_thresh",
    "offset": "target_offset",
}


def measured_filter(
    tools: Tools,
    sound: Sequence[str],
    channels: int,
    target: float,
    folder: str,
    check: Callable[[], None],
    stall_seconds: float,
    log: str | None,
) -> str | None:
    """Measure the programme and return the filter that brings it to ``target`` LUFS; None for silence.

    Args:
        tools: the tools.
        sound: arguments that open the programme sound.
        channels: of it, 1 or 2.
        target: in LUFS, such as -23.
        folder: to run in.
        check: raises when the work must stop.
        stall_seconds: see :func:`engine.media.ffmpeg.run`.
        log: file for ffmpeg's messages.

    Raises:
        FfmpegFailed: the sound cannot be measured.
    """
    asked = f"loudnorm=I={target}:TP={TRUE_PEAK}:LRA={RANGE}"
    finished = ffmpeg.run(
        tools,
        # The result is printed as information, which is more than a render says.
        [*sound, "-v", "info", "-af", f"{asked}:print_format=json", "-f", "null", "-"],
        cwd=folder,
        check=check,
        stall_seconds=stall_seconds,
        log=log,
    )
    if finished.rc != 0:
        raise ffmpeg.failed(finished)
    values = read_measurement(finished.stderr)
    if values is None:
        return None
    given = ":".join(f"{option}={values[key]:.2f}" for option, key in _MEASURED.items())
    # The dynamic way works at 192 kHz inside; the programme's rate is set again in any case.
    layout = "mono" if channels == 1 else "stereo"
    return f"{asked}:{given}:linear=true,aresample={SAMPLE_RATE},aformat=channel_layouts={layout}"


def read_measurement(text: str) -> dict[str, float] | None:
    """The numbers of the last JSON object in ``text``; None for silence, or when nothing was printed."""
    begin = text.rfind("{")
    end = text.rfind("}")
    if begin < 0 or end < begin:
        return None
    try:
        found = json.loads(text[begin : end + 1])
        values = {key: float(found[key]) for key in _MEASURED.values()}
    except (ValueError, KeyError, TypeError):
        return None
    return values if all(math.isfinite(value) for value in values.values()) else None
