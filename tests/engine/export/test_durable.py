"""At any instant: bytes reach the disk before their name, the name before the row that promises them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from engine import renaming
from engine.export.runs import ledger, parts
from engine.storage.database import rows, scalar

Event = tuple[str, str, int]


class Recorder:
    """What was synced, renamed and recorded, in the order in which each had happened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[Event] = []
        self.named = threading.Event()
        fsync = os.fsync

        def synced(handle: int) -> None:
            path, size = os.readlink(f"/proc/self/fd/{handle}"), os.fstat(handle).st_size
            self.events.append(("sync begins", path, size))
            if os.path.basename(path).startswith(".film"):
                self.named.wait(0.5)  # a slow disk: nobody may go on before the film is on it
            fsync(handle)
            self.events.append(("synced", path, size))

        monkeypatch.setattr(os, "fsync", synced)
        self.after(monkeypatch, os, "rename", "named")
        self.after(monkeypatch, renaming, "rename", "named")

    def after(self, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, kind: str) -> None:
        real: Callable[..., Any] = getattr(where, name)

        def called(*args: Any, **more: Any) -> Any:
            result = real(*args, **more)
            if os.path.basename(args[0]).startswith(".film"):
                self.named.set()
            self.events.append((kind, f"{os.fspath(args[0])}\n{os.fspath(args[1])}", 0))
            return result

        monkeypatch.setattr(where, name, called)

    def at(self, wanted: Callable[[Event], bool], after: int = -1) -> int:
        """Place of the first event after another one that fits."""
        return next(place for place, event in enumerate(self.events) if place > after and wanted(event))

    def assert_safe(self, path: str, recorded: int) -> None:
        """The file at ``path`` was synced whole, then named, then its folder was synced, then recorded."""
        named = self.at(lambda event: event[0] == "named" and event[1].endswith(f"\n{path}"))
        temp = self.events[named][1].partition("\n")[0]
        synced = self.at(lambda event: event[0] == "synced" and event[1] == temp)
        assert self.events[synced][2] == os.path.getsize(path), "bytes were written after the sync"
        folder = os.path.dirname(path)
        begun = self.at(lambda event: event[0] == "sync begins" and event[1] == folder, named)
        safe = self.at(lambda event: event[0] == "synced" and event[1] == folder, begun)
        assert synced < named < safe < recorded


@pytest.mark.parametrize("layout", ["joined", "per-clip"])
def test_bytes_then_name_then_folder_then_row(desk, clip, monkeypatch, layout):
    desk.add(clip(seconds="3"), "a.mov")
    queued = desk.order(preset="archive", segment_seconds=1, layout=layout)
    recorder = Recorder(monkeypatch)
    finish, complete = parts.finish, ledger.complete_output

    def finished(db: Any, run_id: str, segment_id: int, made: Any) -> None:
        recorder.events.append(("part recorded", made.file, 0))
        finish(db, run_id, segment_id, made)

    def completed(db: Any, run_id: str, position: int, path: str, place: Any) -> None:
        recorder.events.append(("film recorded", path, 0))
        complete(db, run_id, position, path, place)

    monkeypatch.setattr(parts, "finish", finished)
    monkeypatch.setattr(ledger, "complete_output", completed)
    run = desk.run(queued)
    assert run.status == "completed", run.error
    folder = parts.output_folder(os.path.join(str(desk.library.exports), run.run_id), 0)
    made = rows(desk.library.db(), "SELECT file FROM segments WHERE run_id = ?", (run.run_id,))
    assert len(made) == 4
    for name in (bytes(found["file"]).decode() for found in made):
        recorded = recorder.at(lambda event, name=name: event[:2] == ("part recorded", name))
        recorder.assert_safe(os.path.join(folder, name), recorded)
    path = next(event[1] for event in recorder.events if event[0] == "film recorded")
    assert os.path.isfile(path)
    recorder.assert_safe(path, recorder.at(lambda event: event[:2] == ("film recorded", path)))
    assert scalar(desk.library.db(), "PRAGMA synchronous") == 2, "a row that promises bytes is synced itself"
