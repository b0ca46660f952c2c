"""Is the finished file what was planned? Looked at, decoded to its end, compared with its sources.

Levels: ``quick`` compares what the file tells of itself with the plan (the join
has compared every packet before); ``decode`` also decodes every picture and
every sound; ``quality`` also measures each segment against what went into its
encoder, by SSIM, PSNR or VMAF.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from engine.export.planning import graph
from engine.export.planning.plan import Plan, Segment
from engine.export.recipes import codecs
from engine.export.rendering import proof
from engine.media import ffmpeg
from engine.media.courtesy import Courtesy
from engine.media.tools import Tools
from engine.names import display

_SOUND_SLACK = Fraction(1, 8)
"""Seconds by which encoded sound may be longer than planned: padding of the last block."""

_SCORES = {
    "ssim": re.compile(r"SSIM .*All:([0-9.]+|inf)"),
    "psnr": re.compile(r"PSNR .*average:([0-9.]+|inf)"),
    "vmaf": re.compile(r"VMAF score: ([0-9.]+)"),
}

_BEST = {"ssim": 1.0, "psnr": 100.0, "vmaf": 100.0}
"""Score of equal pictures; PSNR would be infinite, which JSON does not know."""


@dataclass(frozen=True)
class Doing:
    """How a verification behaves.

    Attributes:
        check: called about ten times a second; raises to stop at once.
        on_progress: gets what is being done and the frames done.
        stall_seconds, courtesy: see :func:`engine.media.ffmpeg.run`.
        log: file for ffmpeg's messages.
    """

    check: Callable[[], None] | None = None
    on_progress: Callable[[str, int], None] | None = None
    stall_seconds: float = ffmpeg.STALL_SECONDS
    courtesy: Callable[[], Courtesy] = Courtesy
    log: str | None = None

    def run(self, tools: Tools, args: Sequence[str], what: str, cwd: str | None = None) -> ffmpeg.Finished:
        """Run ffmpeg."""

        def report(block: ffmpeg.Progress) -> None:
            if self.on_progress is not None and block.frame is not None:
                self.on_progress(what, block.frame)

        return ffmpeg.run(
            tools,
            args,
            cwd=cwd,
            on_progress=report,
            check=self.check,
            stall_seconds=self.stall_seconds,
            log=self.log,
            courtesy=self.courtesy,
        )


@dataclass
class Findings:
    """What was found.

    Attributes:
        level: ``quick``, ``decode`` or ``quality``.
        checks: what was compared: ``name``, ``wanted``, ``found``, ``ok``.
        quality: ``metric``, ``mean``, ``lowest`` (of a segment), ``least`` (threshold or None), ``segments``.
        problems: sentences; none when the file is what was planned.
    """

    level: str
    checks: list[dict[str, Any]] = field(default_factory=list)
    quality: dict[str, Any] | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the file is what was planned."""
        return not self.problems

    @property
    def falls_short(self) -> bool:
        """Whether all that is wrong is that the picture does not reach what the recipe asks for."""
        measured = self.quality or {}
        least = measured.get("least")
        return len(self.problems) == 1 and least is not None and measured["mean"] < least

    def to_json(self) -> dict[str, Any]:
        """The form that is kept and shown."""
        return {
            "level": self.level,
            "ok": self.ok,
            "checks": self.checks,
            "quality": self.quality,
            "problems": self.problems,
        }

    def compare(self, name: str, wanted: Any, found: Any, ok: bool, sentence: str) -> None:
        """Note one comparison; ``sentence`` says what is wrong when it is not ok."""
        self.checks.append({"name": name, "wanted": wanted, "found": found, "ok": ok})
        if not ok:
            self.problems.append(sentence)


def verify(
    tools: Tools,
    path: str,
    plan: Plan,
    level: str,
    frames: int | None = None,
    doing: Doing | None = None,
    decoded: int | None = None,
    streams: proof.Streams | None = None,
) -> Findings:
    """Compare a finished file with its plan. Blocks; any thread.

    Args:
        tools: the tools.
        path: the file; its picture's packets were compared with the segments' before.
        plan: the plan.
        level: ``quick`` or ``decode``; ``quality`` counts as ``decode`` here, see :func:`measure_quality`.
        frames: packets that were counted in it; None when they were not.
        doing: None takes the defaults.
        decoded: pictures that it decoded to without a complaint when it was read back before
            (:class:`.proof.ReadBack`); None: decode it here, when the level asks for that.
        streams: what the file said of itself when it was looked at before; None: look now.

    Raises:
        FfmpegFailed: the file cannot be opened, or ffmpeg stalls.
    """
    doing = doing or Doing()
    findings = Findings(level)
    _streams(streams or proof.streams(tools, path), plan, findings)
    if frames is not None and plan.segments:
        _frames(findings, "frames", plan.frames_total, frames)
    if level != "quick" and findings.ok:
        if decoded is None:
            _decode(tools, path, plan, findings, doing)
        else:
            findings.compare("decodes", True, True, True, "")
            _frames(findings, "decoded frames", plan.frames_total, decoded)
    return findings


def _streams(found: proof.Streams, plan: Plan, findings: Findings) -> None:
    if plan.video is not None:
        wanted = proof.codec_in_file(plan.video["codec"])
        findings.compare(
            "picture",
            wanted,
            found.video,
            found.video == wanted,
            f"The picture is {found.video}, not {wanted}.",
        )
        _length(findings, "picture length", plan, found.video_seconds, Fraction(0))
    if plan.audio is not None:
        wanted = plan.audio["codec"]
        findings.compare(
            "sound", wanted, found.audio, found.audio == wanted, f"The sound is {found.audio}, not {wanted}."
        )
        findings.compare(
            "channels",
            plan.channels,
            found.channels,
            found.channels == plan.channels,
            f"The sound has {found.channels} channels instead of {plan.channels}.",
        )
        _length(findings, "sound length", plan, found.audio_seconds, _SOUND_SLACK)
    _length(findings, "length", plan, found.seconds, _SOUND_SLACK if plan.audio else Fraction(0))


def _length(findings: Findings, name: str, plan: Plan, found: float | None, slack: Fraction) -> None:
    """Compare seconds, to one frame; containers that do not tell a length are passed over."""
    if found is None:
        return
    wanted = plan.frames_total / plan.fps
    frame = float(1 / plan.fps) + 0.001  # Matroska keeps whole milliseconds
    ok = -frame <= found - float(wanted) <= frame + float(slack)
    findings.compare(
        name, float(wanted), found, ok, f"The {name} is {found:.3f} s instead of {float(wanted):.3f} s."
    )


def _frames(findings: Findings, name: str, wanted: int, found: int | None) -> None:
    findings.compare(
        name, wanted, found, found == wanted, f"The file gives {found} {name} instead of {wanted}."
    )


def _decode(tools: Tools, path: str, plan: Plan, findings: Findings, doing: Doing) -> None:
    # Not -xerror: ffmpeg 6 stops at the first picture of a sound AV1 film then. Messages are counted instead.
    args = ["-v", "error", "-i", ffmpeg.file_url(path), *proof.DECODE]
    finished = doing.run(tools, args, "decoding")
    said = proof.complaints(finished)
    # An error in a picture of an intra codec is a message only; the exit code stays 0.
    fine = finished.rc == 0 and finished.last.ended and not said
    sentence = (
        f"The file does not decode to its end: {display(said.splitlines()[0]) if said else 'no reason told'}."
    )
    findings.compare("decodes", True, fine, fine, sentence)
    if fine and plan.segments:
        _frames(findings, "decoded frames", plan.frames_total, finished.last.frame)


def measure_quality(
    tools: Tools,
    plan: Plan,
    files: Sequence[str],
    inputs: Callable[[Segment], Sequence[str]],
    folder: str,
    wish: Mapping[str, Any],
    findings: Findings,
    doing: Doing | None = None,
) -> None:
    """Measure every segment against what went into its encoder, and note the film's mean in ``findings``.

    Args:
        tools: the tools.
        plan: the plan; without a picture nothing is measured.
        files: names of the finished segments in order; their packets are the film's.
        inputs: gives what to open for each part of a segment, see :func:`.segment.inputs`.
        folder: where the segments are.
        wish: a recipe spec: ``quality_metric``, ``quality_min``.
        findings: gets the numbers, and a problem when the mean is below the threshold.
        doing: None takes the defaults.

    Raises:
        FfmpegFailed: it cannot be measured.
    """
    doing = doing or Doing()
    metric, least = str(wish["quality_metric"]), wish["quality_min"]
    scores = [
        _score(tools, plan, segment, name, inputs(segment), folder, metric, doing)
        for segment, name in zip(plan.segments, files, strict=True)
    ]
    if not scores:
        return
    weights = [segment.frames for segment in plan.segments]
    mean = sum(score * weight for score, weight in zip(scores, weights, strict=True)) / sum(weights)
    findings.quality = {
        "metric": metric,
        "mean": round(mean, 6),
        "lowest": round(min(scores), 6),
        "least": least,
        "segments": [round(score, 6) for score in scores],
    }
    if least is not None and mean < least:
        findings.problems.append(
            f"The picture reaches {metric.upper()} {mean:.4g} against its sources; the recipe asks for "
            f"{least:g}."
        )


def _score(
    tools: Tools,
    plan: Plan,
    segment: Segment,
    name: str,
    inputs: Sequence[str],
    folder: str,
    metric: str,
    doing: Doing,
) -> float:
    args = ["-copyts", "-start_at_zero"]
    pieces = graph.parts_of(segment.pieces)
    for part, path in zip(pieces, inputs, strict=True):
        args += graph.input_arguments(plan, part, path)
    args += ["-i", f"file:{name}"]
    assert plan.video is not None
    # VMAF's model is of 8 bit pictures; the others compare in the film's own format.
    fmt = "yuv420p" if metric == "vmaf" else codecs.pix_fmt(plan.video).replace("yuva", "yuv")
    even = f"settb={1 / plan.fps},setpts=N,format={fmt}"
    measure = "libvmaf=n_threads=2" if metric == "vmaf" else metric
    compared = f"[{len(pieces)}:v:0]{even}[made];[film]{even}[meant];[made][meant]{measure}"
    graph_text = f"{graph.video_graph(plan, segment, upload=False)};{compared}"
    args += ["-filter_complex", graph_text, "-an", "-f", "null", "-"]
    finished = doing.run(tools, ["-v", "info", *args], "measuring", cwd=folder)
    found = _SCORES[metric].findall(finished.stderr)
    if finished.rc != 0 or not found:
        raise ffmpeg.failed(finished)
    return _BEST[metric] if found[-1] == "inf" else min(float(found[-1]), _BEST[metric])
