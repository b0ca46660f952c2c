"""Camera cards with real, playable files, made by ffmpeg: three makers' true folder trees.

The pictures are test patterns, each clip its own; the sidecars are written here
with the fields that such cameras write. Nothing is downloaded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from engine.demo.sidecars import CanonClip, SonyClip, canon_files, gopro_version, sony_clip_xml, sony_index
from engine.errors import RushesError
from engine.media import child
from engine.media.tools import Tools
from engine.names import display

_FPS = 25
_SECONDS = 60.0
"""One clip takes about a second; a machine that needs a minute for it cannot show the day."""

_ZONE = timezone(timedelta(hours=1))
"""The set's clock: what the sidecars that know a time zone say."""

_PATTERNS = ("testsrc2", "testsrc")
"""Moving patterns with a counter: no two frames of the day are the same."""


@dataclass(frozen=True)
class _Shot:
    """One recording to be made.

    Attributes:
        number: position in the day; decides the pattern, the colour and the pitch.
        seconds: its length.
        start: moment of its first frame.
        skip: seconds of the pattern that an earlier part has used.
    """

    number: int
    seconds: float
    start: datetime
    skip: float = 0.0

    @property
    def frames(self) -> int:
        """Number of pictures."""
        return round(self.seconds * _FPS)

    @property
    def timecode(self) -> str:
        """Time of day, as cameras on set are run."""
        return self.start.astimezone(_ZONE).strftime("%H:%M:%S:00")


class _Maker:
    """Runs ffmpeg and writes files, two clips at a time; the first failure ends the rest."""

    def __init__(self, tools: Tools, size: tuple[int, int]) -> None:
        self.tools = tools
        self.size = size
        self.stamped: set[str] = set()
        self._stop = threading.Event()

    def all(self, work: Sequence[Callable[[], None]]) -> None:
        """Do all of ``work``."""
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="footage") as pool:
            futures = [pool.submit(self._one, piece) for piece in work]
            for future in futures:
                future.result()

    def _one(self, piece: Callable[[], None]) -> None:
        if self._stop.is_set():
            return
        try:
            piece()
        except BaseException:
            self._stop.set()
            raise

    def shoot(self, shot: _Shot, outputs: Sequence[Sequence[str]], *, sound: bool = True) -> None:
        """Encode one shot to several files at once; each of ``outputs`` ends with its path."""
        width, height = self.size
        pattern = _PATTERNS[shot.number % len(_PATTERNS)]
        # Sources end by themselves: an output that is full does not end an endless one in every release.
        until = shot.skip + shot.frames / _FPS
        picture = f"{pattern}=size={width}x{height}:rate={_FPS}:duration={until:.3f}"
        picture += f",trim=start={shot.skip:.3f},setpts=PTS-STARTPTS"
        picture += f",hue=h={shot.number * 47 % 360}:s=1.2,format=yuv420p"
        pitch = 220 + 55 * shot.number
        inputs = ["-f", "lavfi", "-i", picture]
        if sound:
            inputs += [
                "-f",
                "lavfi",
                "-i",
                f"sine=frequency={pitch}:sample_rate=48000:duration={shot.seconds:.3f},volume=0.2",
            ]
        head = [self.tools.ffmpeg, "-nostdin", "-hide_banner", "-v", "error", "-y", *inputs]
        made = [argument for output in outputs for argument in (*output[:-1], f"file:{output[-1]}")]
        for output in outputs:
            os.makedirs(os.path.dirname(output[-1]), exist_ok=True)
        ran = child.run([*head, *made], seconds=_SECONDS)
        if ran.code != 0:
            last = (ran.err_text.strip().splitlines() or ["no answer in time"])[-1]
            raise RushesError(f"ffmpeg could not make the demo's footage: {display(last)}")


def shoot_day(folder: str, tools: Tools, *, small: bool = True, day: datetime | None = None) -> list[str]:
    """Make three camera cards below ``folder`` and return their folders: Sony, GoPro, Canon.

    ``small``: 640 by 360 and a few seconds each, together some MB, about five
    seconds on two cores; otherwise 1280 by 720 and three times as long. ``day``:
    when it was shot (default: today, 09:00 on set). Every clip has content of
    its own; files carry the time of their recording.

    Raises:
        RushesError: ffmpeg failed; the sentence holds its reason.
        OSError: the folder cannot be written.
    """
    maker = _Maker(tools, (640, 360) if small else (1280, 720))
    longer = 1.0 if small else 3.0
    begin = (day or datetime.now(UTC)).astimezone(_ZONE).replace(hour=9, minute=0, second=0, microsecond=0)
    cards = [os.path.join(folder, name) for name in ("SONY_A001", "GOPRO_G001", "CANON_C001")]
    work = [
        *_sony(cards[0], maker, begin, longer),
        *_gopro(cards[1], maker, begin + timedelta(hours=2), longer),
        *_canon(cards[2], maker, begin + timedelta(hours=4), longer),
    ]
    maker.all(work)
    for card in cards:
        _age(card, maker.stamped)
    return cards


# -- Sony ---------------------------------------------------------------------


def _sony(card: str, maker: _Maker, begin: datetime, longer: float) -> list[Callable[[], None]]:
    root = os.path.join(card, "PRIVATE", "M4ROOT")
    shots = [
        _Shot(0, 3.0 * longer, begin + timedelta(minutes=12)),
        _Shot(1, 2.0 * longer, begin + timedelta(minutes=31)),
        _Shot(2, 2.4 * longer, begin + timedelta(minutes=47)),
    ]
    clips = [
        SonyClip(f"C{number:04d}", shot.frames, _FPS, shot.timecode, shot.start, maker.size)
        for number, shot in enumerate(shots, 1)
    ]

    def record(shot: _Shot, clip: SonyClip) -> None:
        main = os.path.join(root, "CLIP", f"{clip.name}.MP4")
        maker.shoot(
            shot,
            [
                [*_avc(shot), "-brand", "XAVC", main],
                [*_proxy(shot), os.path.join(root, "SUB", f"{clip.name}S03.MP4")],
                [*_still(), os.path.join(root, "THMBNL", f"{clip.name}T01.JPG")],
            ],
        )
        _write(os.path.join(root, "CLIP", f"{clip.name}M01.XML"), sony_clip_xml(clip))
        maker.stamped.update(_stamp(root, clip.name, shot))

    def rest() -> None:
        _write(os.path.join(root, "MEDIAPRO.XML"), sony_index(clips))
        _write(os.path.join(root, "STATUS.BIN"), b"\x00\x01\x00\x00" + bytes(28))
        _write(os.path.join(card, "PRIVATE", "SONY", "SONYCARD.IND"), b"SONY" + bytes(60))
        _write(os.path.join(card, "AVF_INFO", "AVIN0001.BNP"), b"AVIN" + bytes(124))

    return [*(lambda s=s, c=c: record(s, c) for s, c in zip(shots, clips, strict=True)), rest]


# -- GoPro ----------------------------------------------------------------------


def _gopro(card: str, maker: _Maker, begin: datetime, longer: float) -> list[Callable[[], None]]:
    """Recording 0012 in two chapters, as a camera cuts it at 4 GB, and 0013 in one."""
    media = os.path.join(card, "DCIM", "100GOPRO")
    chapter = 2.0 * longer
    shots = [
        ("010012", _Shot(3, chapter, begin)),
        ("020012", _Shot(3, chapter, begin + timedelta(seconds=chapter), skip=chapter)),
        ("010013", _Shot(4, 1.6 * longer, begin + timedelta(minutes=9))),
    ]

    def record(number: str, shot: _Shot) -> None:
        firmware = ["-metadata", "firmware=H21.01.01.30.00", "-metadata:s:v:0", "handler_name=GoPro AVC"]
        main = os.path.join(media, f"GX{number}.MP4")
        maker.shoot(
            shot,
            [
                [*_avc(shot), *firmware, main],
                [*_proxy(shot), "-f", "mp4", os.path.join(media, f"GL{number}.LRV")],
                [*_still(), os.path.join(media, f"GX{number}.THM")],
            ],
        )
        maker.stamped.update(_stamp(media, number, shot))

    def rest() -> None:
        _write(os.path.join(card, "MISC", "version.txt"), gopro_version())
        link = b"[InternetShortcut]\r\nURL=https://gopro.com/yourcamera\r\n"
        _write(os.path.join(card, "Get_started_with_GoPro.url"), link)

    return [*(lambda n=n, s=s: record(n, s) for n, s in shots), rest]


# -- Canon ------------------------------------------------------------------------


def _canon(card: str, maker: _Maker, begin: datetime, longer: float) -> list[Callable[[], None]]:
    root = os.path.join(card, "CONTENTS", "CLIPS001")
    shots = [_Shot(5, 2.4 * longer, begin), _Shot(6, 2.0 * longer, begin + timedelta(minutes=23))]

    def record(number: int, shot: _Shot) -> None:
        clip = CanonClip(f"AA{number:04d}", shot.frames, _FPS, shot.timecode, shot.start)
        folder = os.path.join(root, clip.name)
        rate = ["-b:v", "6M", "-maxrate", "6M", "-bufsize", "2M", "-g", "12", "-bf", "2"]
        sound = ["-c:a", "pcm_s16le", "-ac", "1", "-ar", "48000"]
        time = ["-timecode", shot.timecode, "-metadata", f"creation_time={_utc(shot.start)}"]
        tags = ["-metadata", "company_name=CANON", "-metadata", "product_name=XF305"]
        mxf = os.path.join(folder, f"{clip.name}01.MXF")
        maker.shoot(
            shot,
            [
                [*_length(shot), "-c:v", "mpeg2video", *rate, *sound, *time, *tags, "-threads", "1", mxf],
                [*_still(), os.path.join(folder, f"{clip.name}.THM")],
            ],
        )
        for name, content in canon_files(clip).items():
            _write(os.path.join(folder, name), content)
        maker.stamped.update(_stamp(folder, clip.name, shot))

    def rest() -> None:
        _write(os.path.join(root, "INDEX.MIF"), b"MIF0" + len(shots).to_bytes(4, "big") + bytes(56))

    return [*(lambda n=n, s=s: record(n, s) for n, s in enumerate(shots, 1)), rest]


# -- arguments and files ------------------------------------------------------------


def _length(shot: _Shot) -> list[str]:
    return ["-t", f"{shot.frames / _FPS:.3f}"]


def _avc(shot: _Shot) -> list[str]:
    """A camera's H.264: long-GOP, sound, embedded timecode."""
    video = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-g", "12", "-bf", "2", "-threads", "1"]
    sound = ["-c:a", "aac", "-b:a", "96k", "-ac", "2"]
    time = ["-timecode", shot.timecode, "-metadata", f"creation_time={_utc(shot.start)}"]
    return [*_length(shot), *video, *sound, *time, "-movflags", "+faststart"]


def _proxy(shot: _Shot) -> list[str]:
    video = ["-vf", "scale=320:-2", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "32", "-threads", "1"]
    return [*_length(shot), *video, "-c:a", "aac", "-b:a", "64k", "-ac", "2", "-timecode", shot.timecode]


def _still() -> list[str]:
    return ["-frames:v", "1", "-vf", "scale=160:-2,format=yuvj420p", "-c:v", "mjpeg", "-f", "mjpeg", "-an"]


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def _stamp(folder: str, part_of_name: str, shot: _Shot) -> list[str]:
    """Give the files of a shot the time at which the recording ended, in whole seconds as FAT keeps it."""
    ended = int((shot.start + timedelta(seconds=shot.seconds)).timestamp()) // 2 * 2
    found = [os.path.join(where, name) for where, _, names in os.walk(folder) for name in names]
    stamped = [path for path in found if part_of_name in os.path.basename(path)]
    for path in stamped:
        os.utime(path, (ended, ended))
    return stamped


def _age(card: str, stamped: set[str]) -> None:
    """Files that belong to no shot are as old as the newest shot."""
    paths = {os.path.join(where, name) for where, _, names in os.walk(card) for name in names}
    newest = max(os.stat(path).st_mtime for path in paths & stamped)
    for path in paths - stamped:
        os.utime(path, (newest, newest))
