"""What ``rushes doctor`` says about ffmpeg: what was found or passed over, what is missing, what helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.media.install import install_command
from engine.media.tools import MINIMUM, Tools, filter_works, has_encoder, has_filter, look, search_found_old
from engine.names import display

NEEDED_ENCODERS: tuple[tuple[str, str], ...] = (
    ("libx264", "H.264 files: the presets share, web"),
    ("prores_ks", "ProRes files: the presets archive, master"),
    ("aac", "sound in MP4 files"),
    ("pcm_s16le", "sound in proxies"),
    ("pcm_s24le", "sound in MOV files"),
)
"""(encoder, what it is needed for)."""

OPTIONAL_ENCODERS: tuple[tuple[str, str], ...] = (
    ("libx265", "H.265 files"),
    ("dnxhd", "DNxHR files"),
    ("mpeg2video", "the MXF card of the demo"),
)

OPTIONAL_FILTERS: tuple[tuple[str, str, str], ...] = (
    ("zscale", "HDR to SDR conversion", "zscale=width=32:height=32"),
    ("lut3d", "LUTs", ""),
    ("xfade", "dissolves", ""),
    ("drawtext", "burnt-in timecode and names", "drawtext=text=x"),
)
"""(filter, what it is for, how it is tried; nothing = being listed is enough)."""


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis.

    Attributes:
        subject: what it is about (``ffmpeg``, ``encoder libx264``).
        status: ``ok``; ``warning`` = something is less; ``problem`` = work cannot be done.
        text: what was found, one sentence.
        remedy: the command that helps, or ``None``.
    """

    subject: str
    status: Literal["ok", "warning", "problem"]
    text: str
    remedy: str | None = None


def inspect_tools() -> list[Finding]:
    """Look for the tools and try what the work needs. Takes about a second; writes nothing."""
    search = look()
    command = install_command(search_found_old(search))
    findings = [
        Finding(
            display(p.path), "ok" if p.harmless else "warning", f"passed over ({p.origin}): it {p.reason}"
        )
        for p in search.passed_over
    ]
    tools = search.tools
    if tools is None:
        least = ".".join(map(str, MINIMUM))
        text = f"no ffmpeg and ffprobe of release {least} or newer: nothing can be probed, shown or exported"
        return [*findings, Finding("ffmpeg", "problem", text, command)]
    for name, path in (("ffmpeg", tools.ffmpeg), ("ffprobe", tools.ffprobe)):
        findings.append(Finding(name, "ok", f"{tools.version}, {display(path)} (from {tools.origin})"))
    findings += [_encoder(tools, name, use, command, "problem") for name, use in NEEDED_ENCODERS]
    findings += [_encoder(tools, name, use, command, "warning") for name, use in OPTIONAL_ENCODERS]
    findings += [_filter(tools, *wanted, command) for wanted in OPTIONAL_FILTERS]
    return findings


def _encoder(
    tools: Tools, name: str, use: str, command: str, lacking: Literal["warning", "problem"]
) -> Finding:
    if has_encoder(tools, name):
        return Finding(f"encoder {name}", "ok", f"works: {use}")
    return Finding(f"encoder {name}", lacking, f"does not work in this ffmpeg: {use}", command)


def _filter(tools: Tools, name: str, use: str, trial: str, command: str) -> Finding:
    if not has_filter(tools, name):
        return Finding(f"filter {name}", "warning", f"not in this ffmpeg: {use}", command)
    if trial and not filter_works(tools, trial):
        reason = "no font was found" if name == "drawtext" else "it fails"
        return Finding(f"filter {name}", "warning", f"present, but {reason}: {use}")
    return Finding(f"filter {name}", "ok", f"works: {use}" if trial else f"present: {use}")
