"""Sources of every kind: HDR, many channels, names that could be options, files that are broken."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from engine.errors import Refused, RushesError
from engine.export.planning import graph
from engine.export.recipes import presets
from engine.export.recipes.system_presets import SYSTEM
from engine.export.runs import ledger, records
from engine.media.facts import Unplayable
from engine.media.probe import probe
from engine.media.thumbs import thumbnail
from engine.storage.config import open_config

BT2020 = ("-pix_fmt", "yuv420p10le", "-color_primaries", "bt2020", "-colorspace", "bt2020nc")
PQ = (*BT2020, "-color_trc", "smpte2084")


def mean_luma(desk, path: str) -> float:
    ran = subprocess.run(
        [desk.tools.ffmpeg, "-v", "error", "-i", path, "-vf", "format=gray", "-f", "rawvideo", "-"],
        check=True, capture_output=True,
    )  # fmt: skip
    return sum(ran.stdout) / len(ran.stdout)


@pytest.mark.parametrize("hdr", [PQ])
def test_hdr_is_flagged_tone_mapped_or_refused_as_the_recipe_says(desk, clip, hdr):
    desk.add(clip("h.mov", seconds="2", more=hdr), "h.mov")
    flagged = desk.export(preset="archive")
    assert flagged.status == "completed_with_warnings"
    assert "hdr tonemap" in flagged.error
    mapped = desk.export(preset="archive", hdr="tonemap", segment_seconds=1)
    assert mapped.status == "completed", mapped.error
    whole = desk.export(preset="archive", hdr="tonemap", single=True)
    assert Path(mapped.output_path).read_bytes() == Path(whole.output_path).read_bytes()
    assert desk.probe(mapped.output_path, "stream=color_transfer,color_primaries") == "bt709,bt709"
    assert abs(mean_luma(desk, mapped.output_path) - mean_luma(desk, flagged.output_path)) > 3
    refused = desk.export(preset="archive", hdr="refuse", unreadable="refuse")
    assert refused.status == "failed"
    assert "is HDR" in refused.error


@pytest.mark.parametrize(
    ("spread", "matrix", "tags"),
    [
        ("pc", "bt709", ("-pix_fmt", "yuvj420p", "-color_range", "pc", "-colorspace", "bt709")),
        ("pc", "bt709", ("-pix_fmt", "yuv422p10le", "-color_range", "pc", "-colorspace", "bt709")),
        ("tv", "smpte170m", ("-pix_fmt", "yuv420p", "-colorspace", "smpte170m")),
        ("tv", "bt2020", ("-pix_fmt", "yuv420p10le", "-colorspace", "bt2020nc")),
        ("tv", "bt709", ("-pix_fmt", "yuv420p", "-colorspace", "bt709")),
    ],
)
def test_colours_come_out_as_they_went_in(desk, footage, spread, matrix, tags):
    """One colour, written in the ways that cameras write it, in a film that has one way for all."""
    colour = (191, 16, 60)
    form = tags[1]
    args = ["-f", "lavfi", "-i", f"color=c=0x{bytes(colour).hex()}:s=160x90:r=25:d=0.4,format=gbrp"]
    args += ["-vf", f"scale=out_color_matrix={matrix}:out_range={spread},format={form}"]
    desk.add(footage("c.mov", *args, "-c:v", "libx264", "-crf", "1", *tags), "c.mov")
    film = desk.export(preset="archive", width=320, height=180)
    assert film.status == "completed", film.error
    back = "scale=in_color_matrix=bt709:in_range=tv,format=rgb24"
    command = ["-v", "error", "-i", film.output_path, "-vf", back, "-frames:v", "1", "-f", "rawvideo", "-"]
    ran = subprocess.run([desk.tools.ffmpeg, *command], check=True, capture_output=True)
    middle = (90 * 320 + 160) * 3
    off = [abs(seen - meant) for seen, meant in zip(ran.stdout[middle : middle + 3], colour, strict=True)]
    assert max(off) <= 3, off


def level(desk, path: str, channel: int) -> float:
    """Loudest sample of a channel, in dB."""
    how = f"pan=mono|c0=c{channel},volumedetect"
    ran = subprocess.run(
        [desk.tools.ffmpeg, "-i", path, "-map", "0:a:0", "-af", how, "-f", "null", "-"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    line = next(line for line in ran.stderr.splitlines() if "max_volume" in line)
    return float(line.split("max_volume:")[1].split()[0])


@pytest.mark.parametrize(
    ("tracks", "expected"),
    [
        (["sine=f=440:r=48000:d=1,aformat=channel_layouts=mono"] * 4, [True, True, True, True]),
        (["sine=f=440:r=44100:d=1,pan=4.0|c0=0*c0|c1=c0|c2=0*c0|c3=c0"], [False, True, False, True]),
        (["sine=f=440:r=48000:d=1,pan=stereo|c0=c0|c1=0*c0"], [True, False, False, False]),
        (["sine=f=440:r=48000:d=1"], [True, True, False, False]),
        # Tracks of different numbers of channels: the first one alone.
        (
            ["sine=f=440:r=48000:d=1,pan=stereo|c0=0*c0|c1=c0", "sine=f=440:r=48000:d=1"],
            [False, True, False, False],
        ),
        ([], [False, False, False, False]),
    ],
)
def test_all_channels_of_all_tracks_come_out_in_their_places(desk, footage, clip, tracks, expected):
    args = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=1"]
    for track in tracks:
        args += ["-f", "lavfi", "-i", track]
    for number in range(len(tracks) + 1):
        args += ["-map", str(number)]
    args += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le"]
    desk.add(footage("t.mov", *args), "a t.mov")
    desk.add(clip("b.mov"), "b.mov")
    config = open_config()
    presets.create(config, "four", {**SYSTEM["archive"].body, "audio": {"codec": "pcm_s24le", "channels": 4}})
    config.close()
    run = desk.export(preset="four", mode="list", items=[{"clip_id": desk.clips["a t.mov"]}])
    assert run.status == "completed", run.error
    assert desk.probe(run.output_path, "stream=channels,duration_ts", "a:0") == "4,48000"
    assert [level(desk, run.output_path, channel) > -60 for channel in range(4)] == expected


NAMES = [
    "-i.mov",
    "--help",
    "http:x.mov",
    "concat:a|b.mov",
    "subfile,,start,0,end,9,,:x.mov",
    "a'b\"c`d$e.mov",
    "line\nbreak.mov",
    "%03d.mov",
    "[0:v] ;,=\\.mov",
    b"not utf-8 \xff\xfe.mov",
    " leading and trailing ",
]


def test_files_may_be_called_anything(desk, clip):
    for number, name in enumerate(NAMES):
        desk.add(clip(f"{number}.mov", seconds="0.4", picture="testsrc", rate="25"), os.fsdecode(name))
    film = desk.export(preset="archive")
    assert film.status == "completed", film.error
    assert len(desk.frames(film.output_path)) == 10 * len(NAMES)
    each = desk.export(preset="proxy-h264", layout="per-clip")
    assert each.status == "completed", each.error
    made = records.outputs(desk.library.db(), each.run_id)
    assert {entry["status"] for entry in made} == {"completed"}
    assert len(os.listdir(each.output_path)) >= len(NAMES)


ADDRESS = "http://127.0.0.1:{port}/x.ts"
LISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{other}'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
    ' mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-main:2011"><Period>'
    '<AdaptationSet contentType="video"><Representation id="1" bandwidth="1"><BaseURL>{other}</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n",
}


class Traps:
    """A named pipe and a port that tell whether anybody opened them."""

    def __init__(self, folder: Path) -> None:
        self.pipe = folder / "other.ts"
        os.mkfifo(self.pipe)
        self._ear = socket.create_server(("127.0.0.1", 0))
        self._ear.setblocking(False)
        self.port = self._ear.getsockname()[1]
        self.sprung: list[str] = []
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()

    def _look(self) -> None:
        while not self._over.wait(0.002):
            try:
                os.close(os.open(self.pipe, os.O_WRONLY | os.O_NONBLOCK))
                self.sprung.append("file")
            except OSError:
                pass  # nobody reads it
            try:
                self._ear.accept()[0].close()
                self.sprung.append("address")
            except BlockingIOError:
                pass  # nobody called

    def close(self) -> None:
        self._over.set()
        self._watch.join()
        self._ear.close()


@pytest.fixture
def traps(tmp_path):
    made = Traps(tmp_path)
    yield made
    made.close()


def test_a_list_in_place_of_a_film_opens_nothing_else(desk, clip, traps):
    """Whatever a file says, ffmpeg opens that file alone: at the first look, and when it is rendered."""
    desk.add(clip("a.mov"), "a.mov")
    real = probe(desk.tools, desk.path("a.mov"))
    (entry,) = ledger.load_plan(desk.library.db(), desk.export(preset="archive").run_id)
    part = entry.plan.segments[0].pieces[0].parts[0]
    fake = traps.pipe.with_name("film.mov")
    wanted = graph.input_arguments(entry.plan, part, f"file:{fake}")
    others = (ADDRESS.format(port=traps.port), f"file://{traps.pipe}", traps.pipe.name)
    for form, other in itertools.product(LISTS, others):
        fake.write_text(LISTS[form].format(other=other, port=traps.port))
        with pytest.raises(Unplayable):
            probe(desk.tools, str(fake), timeout=5)
        with pytest.raises(RushesError):
            thumbnail(desk.tools, str(fake), str(fake.with_name("t.jpg")), real)
        command = [desk.tools.ffmpeg, "-v", "error", "-nostdin", *wanted, "-f", "null", "-"]
        ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
        assert ran.returncode != 0
        assert traps.sprung == [], (form, other)


def test_the_traps_are_sprung_by_an_ffmpeg_that_may_open_anything(desk, traps):
    """What the test before would see if nothing were done."""
    for other, told in ((ADDRESS.format(port=traps.port), "address"), (f"file:{traps.pipe}", "file")):
        fake = traps.pipe.with_name("film.m3u8")
        fake.write_text(LISTS["hls"].format(other=other))
        free = ["-protocol_whitelist", "file,http,tcp", "-allowed_extensions", "ALL"]
        command = [desk.tools.ffprobe, "-v", "error", *free, str(fake)]
        subprocess.run(command, check=False, capture_output=True, timeout=30)
        assert told in traps.sprung


def test_corrupt_truncated_empty_and_zero_length_clips_are_never_a_silent_gap(desk, clip, footage):
    good = clip("good.mov", seconds="2")
    desk.add(good, "0 good.mov")
    data = Path(good).read_bytes()
    index = clip("front.mov", seconds="2", more=("-movflags", "+faststart"))
    cut = Path(index).read_bytes()
    broken = {
        "1 noise.mov": os.urandom(20_000),
        "2 no index.mov": data[: len(data) // 2],
        "3 empty.mov": b"",
        "4 cut.mov": cut[: len(cut) * 6 // 10],
        "6 no frames.mov": Path(footage("none.mov", "-f", "lavfi", "-i", "testsrc2", "-t", "0")).read_bytes(),
    }
    for name, content in broken.items():
        (desk.media / name).write_bytes(content)
        desk.add(str(desk.media / name), name)
    still = footage("s.mov", "-f", "lavfi", "-i", "color=s=64x64:r=25", "-frames:v", "1", "-c:v", "mjpeg")
    desk.add(still, "5 one frame.mov")
    each = desk.export(preset="proxy-h264", layout="per-clip")
    assert each.status == "completed_with_warnings"
    made = records.outputs(desk.library.db(), each.run_id)
    verdicts = ["completed", "failed", "failed", "failed", "failed", "failed", "completed"]
    assert [entry["status"] for entry in made] == verdicts
    assert all(entry["error"] for entry in made if entry["status"] == "failed")
    refused = desk.export(preset="archive", unreadable="refuse")
    assert refused.status == "failed"
    for name in ("noise", "no index", "empty", "no frames"):
        assert name in refused.error


def test_pictures_that_an_edit_list_hides_are_not_in_the_film(desk, clip, footage):
    """Cut without rendering, a clip begins at the key frame before: its file hides what is too much."""
    source = clip("a.mov", seconds="2")
    cut = footage("cut.mov", "-ss", "0.6", "-i", f"file:{source}", "-c", "copy")
    desk.add(cut, "cut.mov")
    shown = desk.frames(cut)
    assert len(shown) == 35 < int(desk.probe(cut, "stream=nb_frames"))
    for spec in ({"single": True}, {"segment_seconds": 1}):
        film = desk.export(preset="archive", **spec)
        assert film.status == "completed", film.error
        made = desk.frames(film.output_path)
        assert (len(made), len(set(made))) == (35, 35)


def test_a_bad_choice_is_refused_up_front_when_the_clips_are_away(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    desk.library.db().execute("UPDATE volumes SET state = 'offline'")
    desk.recipe("film", offline="refuse")
    with pytest.raises(Refused, match="offline"):
        desk.queue("film")
