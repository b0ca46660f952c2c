"""A client that looks at a mount which falls silent says so and ends; on local disks nothing is spent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.api import ingests
from engine.errors import Refused, RushesError, VolumeGone
from engine.library import Library
from engine.volumes import aside, places
from tests.engine.volumes.conftest import Mounts


def whoami(library: Library | None = None, *, text: str = "") -> tuple[int, str, str | None]:
    """Runs in either process; what it prints must not be taken for the answer."""
    sys.stdout.write("noise")
    return os.getpid(), text, None if library is None else library.library_id


class Needy(RushesError):
    """An error that is not made of its sentence alone."""

    def __init__(self, sentence: str, volume_id: str) -> None:
        super().__init__(f"{sentence} {volume_id}")


def fail(kind: str) -> None:
    if kind == "refused":
        raise Refused("one", "two")
    if kind == "needy":
        raise Needy("It is away:", "v1")
    raise KeyError(kind)


def test_on_a_local_disk_it_is_done_in_place(tmp_path: Path, library: Library) -> None:
    assert aside.is_near(str(tmp_path / "absent"))
    assert aside.call([str(tmp_path)], whoami, library, text="x") == (os.getpid(), "x", library.library_id)
    began = time.monotonic()
    for _ in range(20):
        aside.call([str(tmp_path)], whoami)
    assert (time.monotonic() - began) / 20 < 0.01


@pytest.mark.mount
def test_on_a_mount_of_another_process_a_child_does_it(
    library: Library, mounted: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))  # the child imports this very file
    point, _ = mounted.hanging("share")
    pid, text, known = aside.call([str(point)], whoami, library, text="\udcff")
    assert (pid != os.getpid(), text, known) == (True, "\udcff", library.library_id)
    with pytest.raises(Refused) as refused:
        aside.call([str(point)], fail, "refused")
    assert refused.value.problems == ("one", "two")
    with pytest.raises(KeyError):
        aside.call([str(point)], fail, "key")
    with pytest.raises(RushesError, match="It is away: v1"):
        aside.call([str(point)], fail, "needy")


@pytest.mark.mount
def test_a_source_that_falls_silent_in_mid_listing_is_refused_and_the_client_ends(
    library: Library, mounted: Mounts, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    monkeypatch.setattr(aside, "SILENT_SECONDS", 1.5)
    point, _ = mounted.hanging("share", 4)
    assert ingests.plan(library, [str(point)], [], "reference")["files"] == 4
    Path(f"{point}.hang").touch()
    began = time.monotonic()
    with pytest.raises(Refused) as refused:
        ingests.plan(library, [str(point)], [], "reference")
    assert time.monotonic() - began < 6
    assert str(refused.value) == f"{point} does not answer. Nothing was changed; try again when it does."


@pytest.mark.mount
def test_the_command_ends_with_a_sentence_though_the_mount_hangs(library: Library, mounted: Mounts) -> None:
    point, _ = mounted.hanging("share", 4)
    Path(f"{point}.hang").touch()
    limit = "import sys; from engine.volumes import aside; aside.SILENT_SECONDS = 1.0; "
    run = "from tui.cli.root import main; sys.exit(main(sys.argv[1:]))"
    asked = ["card", "check", str(point), "--json", "--library", str(library.root)]
    done = subprocess.run(
        [sys.executable, "-c", limit + run, *asked],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["error"].startswith(f"{point} does not answer.")


@pytest.mark.mount
def test_a_folder_is_looked_at_without_waiting_for_a_dead_mount(mounted: Mounts) -> None:
    free = {"exists": True, "is_dir": True, "may_write": True, "above_is_dir": True, "above_may_write": True}
    assert places.folder(str(mounted.folder)) == free
    assert places.folder(str(mounted.folder / "a" / "b"))["above_is_dir"] is False
    point, server = mounted.hanging("share", 1)
    assert places.folder(str(point / "d000"))["is_dir"]
    server.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(VolumeGone, match="does not answer"):
        places.folder(str(point / "d000"), 0.5)
    assert time.monotonic() - began < 3
