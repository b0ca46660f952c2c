"""What is known about one media file: plain records, no guesses.

A field is ``None`` when the file does not tell it. Rates are exact fractions.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.errors import RushesError


class Unplayable(RushesError):
    """The file cannot be read as picture or sound; the sentence says why. It is copied all the same."""


@dataclass(frozen=True)
class VideoFacts:
    """The picture.

    Attributes:
        codec: ffmpeg's name (``h264``, ``prores``).
        profile: e.g. ``High``, ``HQ``.
        level: as ffmpeg numbers it (41 = 4.1).
        width: columns as shown: turned by ``rotation``, pixels made square.
        height: lines as shown.
        coded_width: columns as stored, before ``sar`` and ``rotation``.
        coded_height: lines as stored.
        sar: shape of a stored pixel (width : height); 1 when the file does not say.
        fps: frames per second; the average when ``vfr``; ``None`` for a still.
        vfr: whether frames last differently long; ``None`` when it could not be told.
        pix_fmt: ffmpeg's name (``yuv422p10le``).
        bit_depth: bits per component.
        chroma: ``4:2:0``, ``4:2:2``, ``4:4:4``, ``4:1:1``, ``4:0:0``, ``rgb``.
        field_order: ``progressive``, ``tt``, ``bb``, ``tb``, ``bt``.
        rotation: degrees, clockwise, that a player turns the stored picture: 0, 90, 180, 270.
        gop: ``intra`` or ``long``, by codec and profile.
        color_space, color_primaries, color_transfer, color_range: ffmpeg's names.
    """

    codec: str | None
    profile: str | None
    level: int | None
    width: int | None
    height: int | None
    coded_width: int | None
    coded_height: int | None
    sar: Fraction
    fps: Fraction | None
    vfr: bool | None
    pix_fmt: str | None
    bit_depth: int | None
    chroma: str | None
    field_order: str | None
    rotation: int
    gop: str | None
    color_space: str | None
    color_primaries: str | None
    color_transfer: str | None
    color_range: str | None

    @property
    def interlaced(self) -> bool:
        """Whether the file says that its frames are two fields."""
        return self.field_order in {"tt", "bb", "tb", "bt"}


@dataclass(frozen=True)
class AudioFacts:
    """The sound: the first track, and how many there are.

    Attributes:
        codec: ffmpeg's name (``pcm_s24le``, ``aac``).
        channels: of the first track.
        sample_rate: in Hz.
        layout: ``mono``, ``stereo``, ``5.1``.
        bit_depth: bits per sample; ``None`` for lossy codecs.
        tracks: number of sound tracks.
        total_channels: of all tracks together.
    """

    codec: str | None
    channels: int | None
    sample_rate: int | None
    layout: str | None
    bit_depth: int | None
    tracks: int
    total_channels: int


@dataclass(frozen=True)
class MediaFacts:
    """All that a file tells about itself.

    Attributes:
        kind: ``video``, ``audio`` or ``image`` (a still has no rate and no length).
        container: ffmpeg's name of the format (``mov,mp4,m4a,3gp,3g2,mj2``, ``mxf``).
        duration_ms: milliseconds: the picture's when it tells its own, else the file's.
        start_frame: grid position of the first picture, counted from the file's first time stamp: above 0
            when the picture starts later than the sound.
        frames: number of pictures as the header counts them; ``None`` when it does not.
        video: ``None`` when there is no picture (a cover picture is not one).
        audio: ``None`` when there is no sound.
        timecode: of the first frame, ``HH:MM:SS:FF``, with ``;`` before the frames when drop-frame.
        drop_frame: ``None`` without timecode.
        time_reference: of a Broadcast Wave: samples from midnight to its first, at its own sample rate.
        reel: reel or tape name.
        make, model, serial: of the camera.
        recorded_at: ISO 8601; with an offset only when the file tells its time zone, otherwise the
            camera's clock as it stood.
        recorded_at_source: which field said so.
        umid: the material's own number, hex digits in upper case: the same in every copy and rewrap.
        identifiers: numbers that camera or recorder gave this recording, as ``kind:value``; see
            :func:`engine.media.stated.identifiers_of`.
        begins: seconds from the file's first time stamp to its first picture's; ``start_frame`` is this
            to the nearest whole picture.
        warnings: sentences for people; none of them stops anything.
    """

    kind: str
    container: str
    duration_ms: int | None
    start_frame: int | None
    frames: int | None
    video: VideoFacts | None
    audio: AudioFacts | None
    timecode: str | None = None
    drop_frame: bool | None = None
    time_reference: int | None = None
    reel: str | None = None
    make: str | None = None
    model: str | None = None
    serial: str | None = None
    recorded_at: str | None = None
    recorded_at_source: str | None = None
    umid: str | None = None
    identifiers: tuple[str, ...] = ()
    begins: Fraction | None = None
    warnings: tuple[str, ...] = ()

    @property
    def width(self) -> int | None:
        """Columns as shown; ``None`` without picture."""
        return self.video.width if self.video else None

    @property
    def height(self) -> int | None:
        """Lines as shown; ``None`` without picture."""
        return self.video.height if self.video else None

    @property
    def fps(self) -> Fraction | None:
        """Frames per second; ``None`` without picture and for a still."""
        return self.video.fps if self.video else None

    @property
    def codec(self) -> str | None:
        """The picture's codec, else the sound's."""
        track = self.video or self.audio
        return track.codec if track else None

    def to_json(self) -> dict[str, Any]:
        """Return plain data for ``json.dumps``; rates as ``"30000/1001"``."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @staticmethod
    def from_json(data: str | bytes | Mapping[str, Any]) -> MediaFacts:
        """Read what :meth:`to_json` gave, as data or as its JSON text. Unknown keys are ignored.

        Raises:
            ValueError, TypeError: not the JSON of an object with all keys that have no default.
        """
        values = dict(json.loads(data) if isinstance(data, str | bytes) else data)
        values["video"] = _record(VideoFacts, values.get("video"))
        values["audio"] = _record(AudioFacts, values.get("audio"))
        for listed in ("warnings", "identifiers"):
            values[listed] = tuple(values.get(listed) or ())
        if values.get("begins") is not None:
            values["begins"] = Fraction(values["begins"])
        known = {field.name for field in dataclasses.fields(MediaFacts)}
        return MediaFacts(**{key: value for key, value in values.items() if key in known})


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, tuple):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value


def _record(kind: type[VideoFacts | AudioFacts], values: Any) -> Any:
    if values is None:
        return None
    known = {field.name for field in dataclasses.fields(kind)}
    kept = {key: value for key, value in values.items() if key in known}
    for key in ("sar", "fps"):
        if kept.get(key) is not None:
            kept[key] = Fraction(kept[key])
    return kind(**kept)
