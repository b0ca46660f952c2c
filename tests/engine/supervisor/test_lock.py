"""One engine per library, by evidence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import LibraryInUse
from engine.library import Library
from engine.supervisor import identity, lock
from engine.supervisor.lock import EngineLock


def record(library: Library, **changes: object) -> None:
    """Write a lock as another engine would have left it."""
    mine = identity.own(library.library_id, "2026-01-01T00:00:00.000Z")
    (library.folder / "lock").write_text(json.dumps(replace(mine, **changes).to_json()))


def test_the_lock_names_its_owner_and_is_emptied_on_release(library: Library) -> None:
    held = EngineLock(library)
    owner = held.take()
    assert (owner.pid, owner.library_id) == (os.getpid(), library.library_id)
    assert lock.holder(library) == owner
    assert held.is_ours()
    held.release()
    assert lock.holder(library) is None
    assert (library.folder / "lock").read_bytes() == b""


def test_a_second_engine_is_refused_by_name(library: Library) -> None:
    held = EngineLock(library)
    held.take()
    with pytest.raises(LibraryInUse, match=f"process {os.getpid()}"):
        EngineLock(library).take()
    assert held.is_ours()
    held.release()


def test_LB4_the_loser_leaves_the_winners_lock_alone(library: Library) -> None:
    winner, loser = EngineLock(library), EngineLock(library)
    winner.take()
    with pytest.raises(LibraryInUse):
        loser.take()
    loser.release()
    assert winner.is_ours()
    winner.release()


def test_LB1_an_old_lock_of_a_living_owner_is_refused(library: Library) -> None:
    """Also where no OS lock helps: the record alone decides."""
    record(library)
    with pytest.raises(LibraryInUse):
        EngineLock(library).take()
    with pytest.raises(LibraryInUse):
        EngineLock(library).take(take_over=True)


def test_LB2_a_lock_of_another_host_is_refused_at_any_age_and_names_the_host(library: Library) -> None:
    record(library, host="edit-bay-2", host_id="edit-bay-2/123")
    with pytest.raises(LibraryInUse, match=r"edit-bay-2.*--take-over"):
        EngineLock(library).take()
    taken = EngineLock(library)
    taken.take(take_over=True)
    assert taken.is_ours()
    taken.release()


def test_LB3_a_pid_used_again_by_another_program_frees_the_lock(library: Library) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        record(library, pid=other.pid, start_time="1.00")
        taken = EngineLock(library)
        assert taken.take().pid == os.getpid()
        taken.release()
        other.kill()


def test_another_boot_frees_the_lock(library: Library) -> None:
    record(library, boot_id="an earlier boot")
    assert lock.holder(library) is None
    taken = EngineLock(library)
    assert taken.take().pid == os.getpid()
    taken.release()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff\xfe"])
def test_an_unreadable_lock_without_an_owner_is_free(library: Library, content: bytes) -> None:
    (library.folder / "lock").write_bytes(content)
    taken = EngineLock(library)
    taken.take()
    assert taken.is_ours()
    taken.release()


def test_a_lock_that_was_replaced_is_not_ours_any_more(library: Library, tmp_path: Path) -> None:
    held = EngineLock(library)
    held.take()
    file = library.folder / "lock"
    file.rename(tmp_path / "away")
    assert not held.is_ours()
    file.write_bytes(b"{}")
    held.release()
    assert file.read_bytes() == b"{}"


def test_a_killed_owner_frees_the_lock(library: Library) -> None:
    script = (
        "import os, signal\n"
        "from engine.library import open_library\n"
        "from engine.supervisor.lock import EngineLock\n"
        f"EngineLock(open_library({str(library.root)!r})).take()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert lock.read(library.folder / "lock") is not None
    assert lock.holder(library) is None
    taken = EngineLock(library)
    taken.take()
    taken.release()


def test_a_clock_that_is_set_does_not_kill_a_living_engine(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without a battery starts in 1970 and learns the time later: its engine is still the same."""
    import psutil

    held = EngineLock(library)
    owner = held.take()
    real = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self, **_: real(self) + 1_800_000_000)
    assert identity.start_time(os.getpid()) == owner.start_time
    assert lock.holder(library) == owner
    held.release()
