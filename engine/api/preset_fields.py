"""The fields of a preset's form; what can be chosen follows the answers."""

from __future__ import annotations

from engine.api.forms import Field, Values
from engine.api.recipe_fields import words_of
from engine.export.recipes import body as body_rules
from engine.export.recipes import codecs, hardware

NO_CODEC = "none"
"""The answer that leaves the picture, or the sound, out."""


def _video(values: Values) -> codecs.VideoCodec | None:
    return codecs.VIDEO.get(str(values.get("video.codec")))


def _has_picture(values: Values) -> bool:
    return _video(values) is not None


def _has_quality(values: Values) -> bool:
    codec = _video(values)
    return codec is not None and codec.quality is not None


def _has_bitrate(values: Values) -> bool:
    codec = _video(values)
    return codec is not None and not codec.byte_exact


def _has_profiles(values: Values) -> bool:
    codec = _video(values)
    return codec is not None and bool(codec.profiles)


def _has_speed(values: Values) -> bool:
    return values.get("video.codec") in ("libx264", "libx265", "vp9", "av1")


def _has_tune(values: Values) -> bool:
    return values.get("video.codec") in ("libx264", "libx265")


def _has_sound(values: Values) -> bool:
    return values.get("audio.codec") in codecs.AUDIO


def _has_sound_rate(values: Values) -> bool:
    codec = codecs.AUDIO.get(str(values.get("audio.codec")))
    return codec is not None and codec.has_bitrate


def _encoders(codec: codecs.VideoCodec | None) -> tuple[tuple[str, str], ...]:
    """The encoders of a codec with their words, those of graphics cards last."""
    if codec is None:
        return ()
    soft = [(name, name) for name in codec.encoders]
    return (*soft, *((name, f"{name}  {hardware.ENCODERS[name].maker}") for name in codec.hardware))


def fields(values: Values) -> list[Field]:
    """The fields of a preset in the order of the form; what can be chosen follows the answers."""
    codec = _video(values)
    profiles = tuple(codec.profiles) if codec else ()
    fitting = codec.profiles.get(str(values.get("video.profile")), codec.pix_fmts) if codec else ()
    return [
        Field("name", "Name", "text", "What the preset is called.", "Preset"),
        Field("description", "Description", "text", "One line for people.", "Preset", empty="none"),
        Field(
            "category",
            "Category",
            "choice",
            "The group it is listed in.",
            "Preset",
            words_of(body_rules.CATEGORIES),
        ),
        Field(
            "container",
            "File",
            "choice",
            "Container and file extension.",
            "Preset",
            words_of(tuple(codecs.CONTAINERS)),
        ),
        Field(
            "video.codec",
            "Codec",
            "choice",
            "Codec of the picture; none makes a preset for sound only.",
            "Picture",
            words_of((*codecs.VIDEO, NO_CODEC)),
        ),
        Field(
            "video.encoder",
            "Encoder",
            "choice",
            "A certain encoder of ffmpeg, such as a graphics card's; left out, the best one in software.",
            "Picture",
            _encoders(codec),
            empty="the best one in software",
            asked=lambda now: _has_picture(now) and codec is not None and len(_encoders(codec)) > 1,
        ),
        Field(
            "video.profile",
            "Profile",
            "choice",
            "Profile of the codec; for ProRes 0 is Proxy, 1 LT, 2 Standard, 3 HQ, 4 4444, 5 4444 XQ.",
            "Picture",
            words_of(profiles),
            empty="the encoder's",
            asked=_has_profiles,
        ),
        Field(
            "video.crf",
            "Quality",
            "number",
            "Constant quality: a whole number, lower is better; not together with a bitrate.",
            "Picture",
            empty="the encoder's",
            asked=_has_quality,
        ),
        Field(
            "video.bitrate",
            "Bitrate",
            "text",
            "Of the picture, such as 8M or 800k; not together with a quality.",
            "Picture",
            empty="by quality",
            asked=_has_bitrate,
        ),
        Field(
            "video.qp",
            "Same quantizer",
            "number",
            "One quantizer for every picture, 0 to 51: segments then equal one render pixel for pixel.",
            "Picture",
            empty="by quality",
            asked=_has_tune,
        ),
        Field(
            "video.preset",
            "Speed",
            "choice" if _has_tune(values) else "text",
            "The encoder's own preset: slower makes smaller files; AV1 and VP9 take a number.",
            "Picture",
            words_of(codecs.SPEEDS) if _has_tune(values) else (),
            empty="the encoder's",
            asked=_has_speed,
        ),
        Field(
            "video.tune",
            "Tuned for",
            "choice",
            "What x264 and x265 look after.",
            "Picture",
            words_of(codecs.TUNES),
            empty="nothing",
            asked=_has_tune,
        ),
        Field(
            "video.level",
            "Level",
            "text",
            "Level for the decoder, such as 4.1; checked against size and rate.",
            "Picture",
            empty="by the encoder",
            asked=_has_tune,
        ),
        Field(
            "video.pix_fmt",
            "Pixel format",
            "choice",
            "Colour sampling and depth.",
            "Picture",
            words_of(tuple(fitting)),
            empty="the profile's",
            asked=_has_picture,
        ),
        Field(
            "fit",
            "Longer side",
            "number",
            "At most this many pixels on the longer side; never enlarged.",
            "Picture",
            empty="as it is",
            asked=_has_picture,
        ),
        Field(
            "scale",
            "Size",
            "text",
            "W:H such as 1920:1080, 1920:-2 or -2:720; -2 keeps the shape.",
            "Picture",
            empty="as it is",
            asked=_has_picture,
        ),
        Field(
            "fps",
            "Frames per second",
            "text",
            "25, 29.97 or 30000/1001.",
            "Picture",
            empty="the recipe's",
            asked=_has_picture,
        ),
        Field(
            "audio.codec",
            "Codec",
            "choice",
            "Codec of the sound; none leaves the sound out.",
            "Sound",
            words_of((*codecs.AUDIO, NO_CODEC)),
        ),
        Field(
            "audio.bitrate",
            "Bitrate",
            "text",
            "Of the sound, such as 160k.",
            "Sound",
            empty="the encoder's",
            asked=_has_sound_rate,
        ),
        Field(
            "audio.sample_rate",
            "Samples per second",
            "choice",
            "In Hz.",
            "Sound",
            words_of(body_rules.SAMPLE_RATES),
            empty="48000",
            asked=_has_sound,
        ),
        Field(
            "audio.channels",
            "Channels",
            "choice",
            "How many channels the sound has.",
            "Sound",
            words_of(body_rules.CHANNELS, {1: "mono", 2: "stereo"}),
            empty="2 in a film, the clip's own for single clips",
            asked=_has_sound,
        ),
        Field(
            "filters",
            "Filters",
            "text",
            "ffmpeg filters of the picture in a row, such as hqdn3d=2,unsharp; only some are taken.",
            "Picture",
            empty="none",
            asked=_has_picture,
        ),
        Field(
            "burn_in",
            "Burn-in",
            "text",
            "For recipes without one of their own: timecode@bottom-left:4; clip@top.",
            "Unless the recipe says so",
            empty="none",
            asked=_has_picture,
        ),
        Field(
            "template",
            "File name",
            "text",
            "For recipes without one of their own: text and tokens such as {clip}_{codec}.",
            "Unless the recipe says so",
            empty="none",
        ),
        Field(
            "loudness",
            "Loudness",
            "number",
            "For recipes without one of their own: target in LUFS, -40 to -5.",
            "Unless the recipe says so",
            empty="as it is",
            asked=_has_sound,
        ),
        Field(
            "faststart",
            "Index in front",
            "flag",
            "A film on the web starts to play before all of it is there.",
            "File",
            asked=lambda now: now.get("container") in ("mp4", "mov", "m4a"),
        ),
    ]
