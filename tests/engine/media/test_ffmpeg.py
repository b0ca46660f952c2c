"""The ffmpeg child: progress parsed, stalls found, cancel at once, nothing left behind."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.media import child, ffmpeg
from engine.media.ffmpeg import FfmpegFailed, Progress, Stalled, classify, parse_progress
from engine.media.tools import Tools, find_tools
from engine.names import display

ENDLESS = ["-f", "lavfi", "-i", "testsrc2=s=64x36:r=25", "-f", "null", "-"]
SLOW = ["-re", *ENDLESS]

SHEBANG = f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n"
"""First lines of a Python program: a plain ``#!`` cannot name an interpreter on a path with a blank."""


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find_tools()


def block(**values: str) -> list[str]:
    return [f"{key}={value}\n" for key, value in values.items()]


def test_a_block_is_given_out_at_its_last_key():
    lines = block(
        frame="500",
        fps="30.0",
        total_size="10485760",
        out_time_us="16670000",
        out_time_ms="16670000",
        dup_frames="1",
        drop_frames="2",
        speed="1.0x",
        progress="continue",
    )
    assert parse_progress(lines) == [Progress(500, 16_670_000, 10_485_760, 1, 2, 1.0, ended=False)]
    assert parse_progress(lines[:-1]) == []


def test_what_ffmpeg_does_not_know_is_none():
    lines = block(
        frame="0",
        total_size="N/A",
        out_time_us="-9223372036854775807",
        out_time="-577014:32:22.77",
        speed="N/A",
        progress="end",
    )
    assert parse_progress(lines) == [Progress(0, None, None, 0, 0, None, ended=True)]
    assert parse_progress(block(speed="0x", progress="continue"))[0].speed is None
    assert parse_progress(block(speed="1.2e+03x", progress="continue"))[0].speed == 1200.0


def test_out_time_ms_is_not_believed():
    assert parse_progress(block(out_time_ms="5000000", progress="continue"))[0].out_time_us is None


def test_lines_that_are_no_progress_give_nothing():
    assert parse_progress(["Input #0, mov, from 'a.mov':\n", "frame without a value\n", "\n"]) == []


def test_numbers_start_afresh_with_every_block():
    first, second = parse_progress([*block(frame="7", progress="continue"), *block(progress="end")])
    assert (first.frame, second.frame) == (7, None)


def test_a_short_render_ends_with_its_frames(tools, tmp_path):
    seen = []
    target = ffmpeg.file_url(str(tmp_path / "out.mov"))
    args = ["-f", "lavfi", "-i", "testsrc2=s=64x36:r=25:d=1", "-c:v", "mjpeg", "-f", "mov", target]
    finished = ffmpeg.run(tools, args, on_progress=seen.append, log=str(tmp_path / "log"))
    assert (finished.rc, finished.last.frame, finished.last.ended) == (0, 25, True)
    assert seen[-1].ended
    assert "testsrc2" in (tmp_path / "log").read_text()


def test_a_stopped_child_counts_as_stalled_and_is_gone(tools):
    begun = time.monotonic()
    pids: list[int] = []

    def stop(progress: Progress) -> None:
        if progress.frame and not pids:
            pids.append(_child())
            os.kill(pids[0], signal.SIGSTOP)

    with pytest.raises(Stalled, match="no progress"):
        ffmpeg.run(tools, SLOW, on_progress=stop, stall_seconds=0.8)
    assert time.monotonic() - begun < 8
    assert not _alive(pids[0])


def test_a_child_that_reports_without_advancing_is_found(tmp_path):
    """AE-W2: ffmpeg goes on sending blocks while nothing moves; only growth counts."""
    liar = tmp_path / "ffmpeg"
    liar.write_text(
        SHEBANG + "import time\nwhile True:\n"
        " print('frame=3\\nout_time_us=120000\\nprogress=continue', flush=True)\n time.sleep(0.05)\n"
    )
    liar.chmod(0o755)
    with pytest.raises(Stalled):
        ffmpeg.run(Tools(str(liar), str(liar), "6.0", "x", "PATH"), ENDLESS, stall_seconds=0.5)


def test_a_child_that_ignores_the_polite_signal_is_killed(tmp_path):
    deaf = tmp_path / "ffmpeg"
    deaf.write_text(
        SHEBANG + "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    )
    deaf.chmod(0o755)
    with pytest.raises(Stalled):
        ffmpeg.run(Tools(str(deaf), str(deaf), "6.0", "x", "PATH"), ENDLESS, stall_seconds=0.3)
    assert not _alive(int((tmp_path / "pid").read_text()))


def test_what_check_raises_ends_the_child(tools):
    class Enough(Exception):
        pass

    pids: list[int] = []

    def check() -> None:
        if pids:
            raise Enough

    def note(progress: Progress) -> None:
        if progress.frame:
            pids.append(_child())

    begun = time.monotonic()
    with pytest.raises(Enough):
        ffmpeg.run(tools, ENDLESS, on_progress=note, check=check)
    assert time.monotonic() - begun < 5
    assert not _alive(pids[0])


def test_the_child_dies_with_a_killed_parent(tools, tmp_path, wait_until):
    script = (
        "from engine.media import ffmpeg\nfrom engine.media.tools import find_tools\n"
        f"ffmpeg.run(find_tools(), {SLOW!r}, on_progress=lambda p: print(p.frame, flush=True))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        child = _child(parent.pid)
        parent.kill()
    wait_until(lambda: not _alive(child), 5, "the end of the orphan")


def test_much_on_standard_error_blocks_nobody(tmp_path):
    loud = tmp_path / "ffmpeg"
    loud.write_text(
        SHEBANG + "import sys\nfor i in range(20000): print('noise', i, file=sys.stderr)\n"
        "print('frame=1\\nprogress=end')\n"
    )
    loud.chmod(0o755)
    finished = ffmpeg.run(Tools(str(loud), str(loud), "6.0", "x", "PATH"), [], log=str(tmp_path / "log"))
    assert finished.last.ended
    assert finished.stderr.splitlines()[-1] == "noise 19999"
    assert len(finished.stderr.splitlines()) == ffmpeg.TAIL_LINES
    assert len((tmp_path / "log").read_text().splitlines()) == 20001


def test_a_program_that_is_not_there_is_a_sentence():
    with pytest.raises(FfmpegFailed) as failure:
        ffmpeg.run(Tools("/nowhere/ffmpeg", "/nowhere/ffprobe", "6.0", "x", "PATH"), ENDLESS)
    assert failure.value.category == "tool_missing"


def test_our_own_suspension_is_not_held_against_the_child():
    watchdog = ffmpeg._Watchdog(60.0)
    still = ((1, 1, 1), 0)
    assert not watchdog.stalled(0.0, ((0, 0, 0), 0))
    assert not watchdog.stalled(0.1, still)
    assert not watchdog.stalled(10_000.0, still)
    assert not watchdog.stalled(10_001.0, still)


def test_a_child_that_never_advances_gets_no_more_time_than_one_that_stops():
    watchdog = ffmpeg._Watchdog(1.0)
    nothing = ((0, 0, 0), 0)
    moments = [step / 10 for step in range(30)]
    late = [moment for moment in moments if watchdog.stalled(moment, nothing)]
    assert late[0] == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    ("said", "rc", "category"),
    [
        ("av_interleaved_write_frame(): No space left on device", 1, "disk_full"),
        ("[out#0/mov @ 0x1] Error muxing a packet\nNo space left on device", 228, "disk_full"),
        ("/nope.mov: No such file or directory", 1, "input_not_found"),
        ("[in#0 @ 0x5] Error opening input: No such file or directory", 254, "input_not_found"),
        (
            "[out#0/mov @ 0x5] Error opening output x.part: No such file or directory",
            254,
            "output_write_error",
        ),
        ("file:/mnt/a.mov: Input/output error", 1, "input_not_found"),
        ("a.mov: Stale file handle", 1, "input_not_found"),
        (
            "[mov @ 0x1] moov atom not found\na.mov: Invalid data found when processing input",
            1,
            "source_damaged",
        ),
        ("Stream map '0:a' matches no streams.", 1, "no_stream"),
        ("Output file #0 does not contain any stream", 1, "no_stream"),
        ("Unknown encoder 'libfdk_aac'", 1, "encoder_missing"),
        ("[h264_nvenc @ 0x1] Cannot load libcuda.so.1", 255, "hardware"),
        ("[dnxhd @ 0x1] video parameters incompatible with DNxHD", 1, "settings"),
        ("[libx264 @ 0x1] width not divisible by 2 (321x180)", 1, "settings"),
        ("Application provided invalid, non monotonically increasing dts to muxer", 1, "join"),
        ("[mov @ 0x1] Non-monotonous DTS in output stream 0:0", 1, "join"),
        ("[lut3d @ 0x1] x.cube: No such file or directory", 1, "lut"),
        ("a.mov: Permission denied", 1, "permission"),
        ("Conversion failed!", 1, "encoding_error"),
        ("", -9, "killed"),
    ],
)
def test_complaints_are_classified_in_both_dialects(said, rc, category):
    found, sentence = classify(said, rc)
    assert found == category
    assert sentence.endswith(".")


def test_our_own_signal_is_a_cancel():
    assert classify("Exiting normally, received signal 15.", 255, asked_to_stop=True)[0] == "cancelled"


def test_details_keep_the_end():
    failure = FfmpegFailed("encoding_error", "It failed.", "a" * 600 + "the cause")
    assert failure.details.startswith("…")
    assert failure.details.endswith("the cause")
    assert len(failure.details) == 501


def test_strange_names_are_files():
    assert ffmpeg.file_url("-y.mp4").startswith("file:/")
    assert ffmpeg.file_url("http:x").endswith("/http:x")


def _child(parent: int | None = None) -> int:
    """The ffmpeg that this process (or ``parent``) has started."""
    parent = parent or os.getpid()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                name = (entry / "comm").read_text().strip()
            except OSError:
                continue
            if int(fields[1]) == parent and name == "ffmpeg":
                return int(entry.name)
    raise AssertionError("there is no ffmpeg child")


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_no_thread_is_left_behind(tools):
    before = threading.active_count()
    ffmpeg.run(tools, ["-f", "lavfi", "-i", "testsrc2=s=64x36:r=25:d=0.2", "-f", "null", "-"])
    assert threading.active_count() == before


@pytest.mark.parametrize("helper", ["setpriv", "python"])
def test_both_guards_bind_a_child_to_its_thread(tools, monkeypatch, helper):
    if helper == "python":
        monkeypatch.setattr(ffmpeg, "run_short", lambda *_args, **_more: child.Ran(1, b"", b""))
    ffmpeg._guard.cache_clear()
    try:
        guard = ffmpeg._guard()
        if helper == "setpriv" and guard[0] != "setpriv":
            pytest.skip("no setpriv here: only the slower guard was tried")
        assert ("setpriv" in guard) is (helper == "setpriv")
        assert ffmpeg.run(tools, ["-f", "lavfi", "-i", "testsrc2=d=0.1", "-f", "null", "-"]).rc == 0
    finally:
        monkeypatch.undo()
        ffmpeg._guard.cache_clear()


def test_what_a_file_says_of_itself_cannot_speak_to_the_terminal_that_shows_the_log(tmp_path: Path) -> None:
    loud = tmp_path / "loud"
    loud.write_text("#!/bin/sh\nprintf 'T\\033]0;x\\007\\377\\n' >&2\necho progress=end\n")
    loud.chmod(0o755)
    ffmpeg.run(Tools(str(loud), str(loud), "6.0", "x", "PATH"), [], log=str(tmp_path / "log"))
    assert (tmp_path / "log").read_bytes().endswith(b"\nT\\x1b]0;x\\x07\\xff\n")


def test_the_command_in_the_log_is_one_line_that_a_shell_takes_as_it_is(tools: Tools, tmp_path: Path) -> None:
    source = tmp_path / "it's $HOME; [x]\nnew.mp4"
    args = ["-f", "lavfi", "-i", "color=s=64x36:d=0.1", "-metadata", "title=a;b $(c)", "-f", "mp4"]
    ffmpeg.run(tools, [*args, f"file:{source}"], log=str(tmp_path / "log"))
    first = (tmp_path / "log").read_text().splitlines()[0]
    words = shlex.split(first.removeprefix("$ "))
    assert words[0] == tools.ffmpeg
    assert "title=a;b $(c)" in words
    assert words[-1] == f"file:{display(str(source))}"
