"""The engine packs names where there are very many, and leaves ordinary libraries alone."""

from __future__ import annotations

import threading
import time

import pytest

from engine.library import Library
from engine.storage import packs
from engine.storage.database import scalar, write
from engine.storage.schema.packs import ROWS
from engine.supervisor import packing
from tests.engine.storage.test_packs import jobs


def tasks(library: Library, count: int) -> None:
    with write(library.db()) as db:
        db.execute(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)"
            " INSERT INTO tasks (job_id, position, name)"
            " SELECT 'one', n, CAST('DCIM/C' || n || '.MP4' AS BLOB) FROM n",
            (count,),
        )


def test_few_are_left_and_many_are_packed_beside_the_work(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "LOOK_SECONDS", 0.01)
    jobs(library.db())
    tasks(library, ROWS * (packing.ENOUGH - 2))
    worker = packing.Packing(library)
    worker.work_off()
    assert scalar(library.db(), "SELECT count(*) FROM task_packs") == 0
    worker.start()
    tasks(library, ROWS * 4)
    end = time.monotonic() + 20
    while packs.owed(library.db(), packs.TASKS) and time.monotonic() < end:
        threading.Event().wait(0.01)
    worker.stop()
    assert scalar(library.db(), "SELECT count(*) FROM task_packs") == packing.ENOUGH + 2
    hits = packs.look(library.db(), packs.TASKS, packs.Needle(b"c777.mp"), "one")
    assert len(hits) == 2
