"""Asking a file what it is: one run of ffprobe, read-only, with a deadline.

ffprobe is told that the file is a file (``file:``), and may read it as itself only
(see :mod:`engine.media.reading`): no name and no playlist inside can make it open
an address or another file.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import stat
from fractions import Fraction
from typing import Any

from engine.errors import NotFound
from engine.media import child
from engine.media.facts import AudioFacts, MediaFacts, Unplayable, VideoFacts
from engine.media.kinds import HEADER_BYTES, sniff
from engine.media.rates import fraction, is_common, snapped, steady_rate
from engine.media.reading import LISTS, as_anything_but_a_list
from engine.media.stated import camera, identifiers_of, recorded_at, reel_name, tags_of, timecode_of, umid_of
from engine.media.tools import Tools
from engine.media.wholeness import missing_bytes
from engine.names import display

__all__ = ["MediaFacts", "Unplayable", "probe", "understand"]

PROBE_SECONDS = 30.0
"""Longest time for one file; a healthy file takes 0.05 s, a 100 GB MXF on a sleeping disk some seconds."""

_RATE_PACKETS = 300
"""How many frames are looked at when the header's two rates disagree: ten seconds or more of them."""

_NOT_MEDIA = LISTS | {"tty", "ffmetadata", "lavfi", "bin"}
"""Formats that ffprobe opens although they are text or point elsewhere: none of them is footage."""

_STILL_FORMATS = frozenset({"image2", "webp", "gif"})

_INTRA = frozenset(
    {"prores", "dnxhd", "cfhd", "ffv1", "mjpeg", "dvvideo", "jpeg2000", "rawvideo", "v210", "v410", "r210"}
    | {"huffyuv", "utvideo", "hap", "r3d", "braw", "png", "tiff", "dpx", "exr", "qtrle", "magicyuv"}
)
_LONG = frozenset(
    {
        "h264",
        "hevc",
        "mpeg2video",
        "mpeg1video",
        "mpeg4",
        "vp8",
        "vp9",
        "av1",
        "vvc",
        "msmpeg4v3",
        "wmv3",
        "vc1",
    }
)


def probe(tools: Tools, path: str, timeout: float = PROBE_SECONDS) -> MediaFacts:
    """Return what the file at ``path`` tells about itself. Never writes; safe in any thread.

    ``timeout`` in seconds covers each run of ffprobe (a second, short one looks
    at the frames when the header's rates disagree).

    Raises:
        NotFound: there is no such file.
        Unplayable: empty, a folder, not media, damaged, without a frame, or not
            answered in time; the sentence says which.
    """
    name = display(os.path.basename(path))
    _must_be_a_file(path, name)
    described = _ask(tools, path, timeout, ["-show_format", "-show_streams"])
    facts = understand(described, name)
    doubtful = _doubtful_stream(described)
    if doubtful is not None:
        facts = understand(described, name, _times(tools, path, timeout, str(doubtful["index"])))
    lost = _lost_bytes(path)
    if lost:
        cut = f"the file is cut off: {lost} bytes that its structure promises are not there"
        facts = dataclasses.replace(facts, warnings=(cut, *facts.warnings))
    return facts


def understand(described: dict[str, Any], name: str, times: list[float] | None = None) -> MediaFacts:
    """Turn ffprobe's JSON into facts. Pure.

    ``name`` is for the sentences; ``times`` are the time stamps of the first
    frames in seconds, when they were looked at because the rates disagree.

    Raises:
        Unplayable: neither picture nor sound, or no frame.
    """
    form = described.get("format", {})
    container = str(form.get("format_name", ""))
    if set(container.split(",")) & _NOT_MEDIA:
        raise Unplayable(f"{name} is not a media file (it reads as {container}). It is kept as it is.")
    streams = described.get("streams", [])
    picture = _picture(streams)
    sounds = [s for s in streams if s.get("codec_type") == "audio"]
    if picture is None and not sounds:
        raise Unplayable(f"{name} holds neither picture nor sound. It is kept as it is.")
    still = picture is not None and not sounds and _is_still(container)
    rate, vfr = (None, None) if still or picture is None else _rate(picture, times or [])
    video = _video(picture, rate, vfr) if picture is not None else None
    duration = None if still else _duration_ms(form, picture)
    frames = _whole(picture.get("nb_frames")) if picture is not None and not still else None
    if not still and (duration == 0 or frames == 0) and not (duration or frames):
        raise Unplayable(f"{name} holds no frames (0 seconds). It is kept as it is.")
    tags = tags_of(form, [*([picture] if picture else []), *streams])
    timecode, drop = timecode_of(tags)
    when, source = recorded_at(tags)
    make, model, serial = camera(tags)
    begins = _begins(form, picture)
    return MediaFacts(
        kind="image" if still else "video" if video else "audio",
        container=container,
        duration_ms=duration,
        start_frame=None if begins is None or rate is None else max(0, round(begins * rate)),
        frames=frames,
        video=video,
        audio=_audio(sounds) if sounds else None,
        timecode=timecode,
        drop_frame=drop,
        time_reference=_whole(tags.get("time_reference")),
        reel=reel_name(tags),
        make=make,
        model=model,
        serial=serial,
        recorded_at=when,
        recorded_at_source=source,
        umid=umid_of(tags),
        identifiers=identifiers_of(tags),
        begins=begins,
        warnings=_warnings(video, duration, still=still),
    )


# -- asking -------------------------------------------------------------------


def _must_be_a_file(path: str, name: str) -> None:
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {display(path)}.") from error
    except OSError as error:
        raise Unplayable(f"{name} cannot be read ({error.strerror}).") from error
    if not stat.S_ISREG(status.st_mode):
        raise Unplayable(f"{name} is not a file that can hold footage.")
    if status.st_size == 0:
        raise Unplayable(f"{name} is empty (0 bytes). It is kept as it is.")


def _ask(tools: Tools, path: str, timeout: float, wanted: list[str]) -> dict[str, Any]:
    name = display(os.path.basename(path))
    whole = os.path.abspath(path)
    command = [tools.ffprobe, "-v", "error", "-hide_banner", "-of", "json", *wanted]
    if "%" in whole and looks_like_a_still(whole):
        command += ["-f", "image2", "-pattern_type", "none"]  # else %d means a numbered series
    try:
        ran = child.run([*command, *as_anything_but_a_list(), "-i", f"file:{whole}"], seconds=timeout)
    except OSError as error:
        raise Unplayable(
            f"{name} was not looked at: ffprobe cannot be started ({error.strerror})."
        ) from error
    if ran.timed_out:
        raise Unplayable(f"{name} was not understood: ffprobe gave no answer within {timeout:g} s.")
    try:
        answer = json.loads(ran.out.decode("utf-8", "replace") or "{}")
    except ValueError:
        answer = {}
    if ran.code != 0 or not isinstance(answer, dict) or not answer:
        raise Unplayable(f"{name} cannot be played: {_why(ran, whole)}. It is kept as it is.")
    return answer


def _times(tools: Tools, path: str, timeout: float, stream: str) -> list[float]:
    """The time stamps of the first frames, in seconds; none when they cannot be had."""
    sample = ["-select_streams", stream, "-read_intervals", f"%+#{_RATE_PACKETS}"]
    try:
        answer = _ask(tools, path, timeout, [*sample, "-show_entries", "packet=pts_time"])
        return [float(p["pts_time"]) for p in answer.get("packets", []) if "pts_time" in p]
    except Unplayable:
        return []  # the header was readable: what it says is what there is


def _lost_bytes(path: str) -> int:
    try:
        return missing_bytes(path)
    except OSError:
        return 0  # it was readable a moment ago; whoever copies it will say what is wrong


def looks_like_a_still(path: str) -> bool:
    """Whether a name is that of a picture that ffmpeg may take for one of a numbered series."""
    return (
        re.search(r"\.(jpe?g|png|tiff?|dpx|exr|bmp|webp|jp2|tga|p[gbpn]m)$", path, re.IGNORECASE) is not None
    )


_REASONS = (
    ("moov atom not found", "its index is missing, the recording was not closed properly"),
    ("EBML header parsing failed", "its header is damaged"),
    ("Invalid data found", "it is damaged or not a media file"),
    ("Permission denied", "it may not be read"),
    ("Input/output error", "the drive reports a read error"),
    ("Protocol not on whitelist", "it points to another place instead of holding footage"),
    ("ormat not on whitelist", "it is a list of other files instead of footage"),
    ("not on whitelist", "it points to another place instead of holding footage"),
)


def _why(ran: child.Ran, path: str) -> str:
    text = ran.err_text
    shown = _shown(path)
    if shown == "txt":
        return "it is text"
    if shown is None and "moov atom not found" in text:  # believed to be a film for its extension alone
        return "it is not a media file"
    for mark, reason in _REASONS:
        if mark in text:
            return reason
    if ran.code is not None and ran.code < 0:
        return f"ffprobe crashed on it (signal {-ran.code})"
    last = text.strip().splitlines()[-1:]
    return display(last[0]) if last else "ffprobe does not understand it"


def _shown(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return sniff(file.read(HEADER_BYTES))
    except OSError:
        return None  # ffprobe's own words say why


# -- understanding ------------------------------------------------------------


def _picture(streams: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The stream that is the footage: not a cover, the one marked as default, the largest."""

    def is_cover(stream: dict[str, Any]) -> bool:
        marks = stream.get("disposition", {})
        return bool(marks.get("attached_pic") or marks.get("timed_thumbnails") or marks.get("still_image"))

    def rank(stream: dict[str, Any]) -> tuple[int, int, int]:
        area = (_whole(stream.get("width")) or 0) * (_whole(stream.get("height")) or 0)
        return (-(_whole(stream.get("disposition", {}).get("default")) or 0), -area, int(stream["index"]))

    pictures = [s for s in streams if s.get("codec_type") == "video" and not is_cover(s)]
    return min(pictures, key=rank, default=None)


def _is_still(container: str) -> bool:
    return container in _STILL_FORMATS or container.endswith("_pipe")


def _doubtful_stream(described: dict[str, Any]) -> dict[str, Any] | None:
    """The picture whose two rates disagree, so that its frames have to be looked at."""
    picture = _picture(described.get("streams", []))
    if picture is None or _is_still(str(described.get("format", {}).get("format_name", ""))):
        return None
    average, real = _header_rates(picture)
    return None if average and real and snapped(average) == snapped(real) else picture


def _header_rates(picture: dict[str, Any]) -> tuple[Fraction | None, Fraction | None]:
    """The average over the file, and the grid that all its time stamps fit."""
    average, real = fraction(picture.get("avg_frame_rate")), fraction(picture.get("r_frame_rate"))
    return average or None, real or None


def _rate(picture: dict[str, Any], times: list[float]) -> tuple[Fraction | None, bool | None]:
    """Return (rate, is it variable)."""
    average, real = _header_rates(picture)
    if average and real and snapped(average) == snapped(real):
        return snapped(average), False
    steady = steady_rate(times)
    if steady is not None and (average is None or abs(steady / average - 1) < Fraction(1, 200)):
        return steady, False
    if steady is None and len(times) < 3:  # too short or unreadable: the header's word is all there is
        known = average or real
        return (snapped(known) if known else None), None
    return (average or real), True


def _video(picture: dict[str, Any], rate: Fraction | None, vfr: bool | None) -> VideoFacts:
    coded_width, coded_height = _whole(picture.get("width")), _whole(picture.get("height"))
    sar = fraction(picture.get("sample_aspect_ratio", "").replace(":", "/")) or Fraction(1)
    rotation = _rotation(picture)
    width = round(coded_width * sar) if coded_width else None
    height = coded_height or None
    if rotation in {90, 270}:
        width, height = height, width
    codec, profile = _text(picture.get("codec_name")), _text(picture.get("profile"))
    pix_fmt = _text(picture.get("pix_fmt"))
    return VideoFacts(
        codec=codec,
        profile=profile,
        level=_level(picture),
        width=width,
        height=height,
        coded_width=coded_width or None,
        coded_height=coded_height or None,
        sar=sar,
        fps=rate,
        vfr=vfr,
        pix_fmt=pix_fmt,
        bit_depth=_bit_depth(picture, pix_fmt),
        chroma=_chroma(pix_fmt),
        field_order=_text(picture.get("field_order")),
        rotation=rotation,
        gop=_gop(codec, profile),
        color_space=_text(picture.get("color_space")),
        color_primaries=_text(picture.get("color_primaries")),
        color_transfer=_text(picture.get("color_transfer")),
        color_range=_text(picture.get("color_range")),
    )


def _audio(sounds: list[dict[str, Any]]) -> AudioFacts:
    first = sounds[0]
    bits = _whole(first.get("bits_per_raw_sample")) or _whole(first.get("bits_per_sample"))
    return AudioFacts(
        codec=_text(first.get("codec_name")),
        channels=_whole(first.get("channels")),
        sample_rate=_whole(first.get("sample_rate")),
        layout=_text(first.get("channel_layout")),
        bit_depth=bits or None,
        tracks=len(sounds),
        total_channels=sum(_whole(s.get("channels")) or 0 for s in sounds),
    )


def _rotation(picture: dict[str, Any]) -> int:
    """Degrees clockwise. The display matrix counts the other way round than the old ``rotate`` tag."""
    for side in picture.get("side_data_list", []):
        if side.get("side_data_type") == "Display Matrix" and "rotation" in side:
            return round(-float(side["rotation"]) / 90) * 90 % 360
    turned = _whole(picture.get("tags", {}).get("rotate"))
    return round(turned / 90) * 90 % 360 if turned else 0


def _level(picture: dict[str, Any]) -> int | None:
    level = _whole(picture.get("level"))
    return level if level is not None and level >= 0 else None


def _bit_depth(picture: dict[str, Any], pix_fmt: str | None) -> int | None:
    stated = _whole(picture.get("bits_per_raw_sample"))
    if stated:
        return stated
    if pix_fmt is None:
        return None
    match = re.search(r"p0?(\d{2})(?:le|be)$", pix_fmt) or re.search(r"(?:gray|gbrp)(\d{2})", pix_fmt)
    if match:
        return int(match[1])
    return 16 if re.search(r"(?:48|64)(?:le|be)$", pix_fmt) else 8


def _chroma(pix_fmt: str | None) -> str | None:
    if pix_fmt is None:
        return None
    match = re.match(r"yuv[aj]?(4[0124][0124])p", pix_fmt)
    if match:
        return ":".join(match[1])
    known = (("nv12", "4:2:0"), ("p010", "4:2:0"), ("nv16", "4:2:2"), ("yuyv", "4:2:2"), ("uyvy", "4:2:2"))
    for start, chroma in (*known, ("gray", "4:0:0"), ("gbr", "rgb"), ("rgb", "rgb"), ("bgr", "rgb")):
        if pix_fmt.startswith(start):
            return chroma
    return None


def _gop(codec: str | None, profile: str | None) -> str | None:
    if codec in _INTRA or (codec in _LONG and profile is not None and "Intra" in profile):
        return "intra"
    return "long" if codec in _LONG else None


def _duration_ms(form: dict[str, Any], picture: dict[str, Any] | None) -> int | None:
    for seconds in ((picture or {}).get("duration"), form.get("duration")):
        value = fraction(seconds)
        if value is not None:
            return round(value * 1000)
    return None


def _begins(form: dict[str, Any], picture: dict[str, Any] | None) -> Fraction | None:
    begin = fraction((picture or {}).get("start_time"))
    whole = fraction(form.get("start_time"))
    return None if begin is None or whole is None else max(Fraction(0), begin - whole)


def _warnings(video: VideoFacts | None, duration_ms: int | None, *, still: bool) -> tuple[str, ...]:
    if still or video is None:
        return ()
    found = []
    if video.vfr:
        found.append("variable frame rate: cuts and sound may drift unless it is converted")
    if video.gop == "long":
        found.append(f"long-GOP codec ({video.codec}): slower to edit than an intra codec")
    if video.fps is not None and not video.vfr and not is_common(video.fps):
        found.append(f"uncommon frame rate {float(video.fps):.3f}".rstrip("0").rstrip("."))
    if duration_ms is None:
        found.append("the file does not tell its length")
    return tuple(found)


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value not in {"", "unknown", "none"} else None
