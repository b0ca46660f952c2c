"""How fast every list and count is when the catalogue is large.

    python tests/bench/catalogue.py [--copies 1000000] [--clips 300000] [--candidates 50000]
                                    [--files 1000000] [--jobs 20000] [--turns 10] [--keep FOLDER]
                                    [--only TEXT] [--all]

A library is filled with rows by SQL: six drives, two of them away, and cards;
every clip has its essence and a sidecar, verified copies on two drives (one in
fifty on one only), some of them missing or damaged, some twice on one drive;
tags, a trash, offers; jobs and runs of years, one job of a million files,
thousands of events. What is measured is listed in ``tests/bench/lists.py``, and
a test holds that against the screens and commands: none can be forgotten.

Each list is read in each order, each choice of rows, with each text (and all
rows but those with it), and the files of the job, which has ended, also as if
it were half done. Every question is put warm, ten times: median and 95th
percentile on the clock, and the 95th percentile of the processor's time.

A list is timed twice: as it is opened (its rows counted, the first screenful
read), and as it is read again with the cursor on the row in its middle: counted,
the row found, and the screenful around it read. Above 50 ms at the 95th
percentile the run ends with 1; for a command that prints up to a thousand lines
the limit is 250 ms, and what is planned beside the screen (*) has none. Printed
are the slowest of each list, or with ``--all`` every question.

With --keep the library stays in FOLDER and is used again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.api.desk import Desk
from engine.api.rows import Filter
from engine.library import Library
from engine.storage.database import scalar
from tests.bench import lists
from tests.bench.large import made
from tests.bench.lists import Query

SCREENFUL = 40
LIMIT_MS = 50.0
"""Of everything that a screen shows."""

COMMAND_MS = 250.0
"""Of a command that prints up to a thousand lines: no key waits for it."""


def questions(library: Library) -> Iterator[tuple[str, str, Query]]:
    """Everything that screens and listing commands ask for: the call, what of it, and the question."""
    desk = Desk(library)
    for call, query in lists.reads(desk, library).items():
        yield call, "", query
    for call, query in lists.commands(library).items():
        yield f"rushes: {call}", "", query
    for call, sources in lists.lists(desk, library).items():
        for scope, source in sources.items():
            first = not scope or call not in lists.SCOPED
            yield from _of_list(call, scope, source, lists.TEXTS.get(call, ("1",)) if first else ("0401",))


def _of_list(call: str, scope: str, source: Any, texts: tuple[str, ...]) -> Iterator[tuple[str, str, Query]]:
    either = [turn + text for text in texts for turn in ("", "!")]
    for order, show, text in product(source.orders, ("all", "active", "failed"), ("", *either)):
        wanted = Filter(order=order, show=show, text=text)  # type: ignore[arg-type]
        shown = "" if show == "all" else f" {show}"
        name = f"{scope + ' ' if scope else ''}by {order}{shown}{' /' + text if text else ''}"
        opened, middle = _opened(source, wanted)
        yield call, name, opened
        if middle is not None:
            yield call, f"{name}, cursor in the middle", _again(source, wanted, middle)
    ids = source.ids(Filter())
    if len(ids):
        one = ids[len(ids) // 2]
        source.rows([one])
        yield call, f"{scope + ' ' if scope else ''}detail of one row", lambda: source.detail(one)


def _opened(source: Any, wanted: Filter) -> tuple[Query, Any]:
    """Ask for a list as it is opened; with the row in its middle, where it is longer than the screen."""

    def opened() -> object:
        found = source.ids(wanted)
        return len(found), source.rows(found[:SCREENFUL])

    found = source.ids(wanted)
    middle = found[len(found) // 2 : len(found) // 2 + 1] if len(found) > SCREENFUL else []
    return opened, middle[0] if middle else None


def _again(source: Any, wanted: Filter, middle: Any) -> Query:
    """Ask for a list with the cursor on the row in its middle."""

    def again() -> object:
        found = source.ids(wanted)
        place = found.index(middle)
        return len(found), source.rows(found[max(0, place - SCREENFUL // 2) : place + SCREENFUL // 2])

    return again


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--copies", type=int, default=1_000_000)
    parser.add_argument("--clips", type=int, default=300_000)
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--only", default="", help="only calls with this text")
    parser.add_argument(
        "--all", action="store_true", help="print every question, not the slowest of each list"
    )
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = wanted.keep or Path(folder)
        os.environ["RUSHES_CONFIG"] = str(base / "config")
        rows = (wanted.copies, wanted.clips, wanted.candidates, wanted.jobs, wanted.files)
        library = made(base / "library", *rows)
        for table in ("copies", "clips", "candidates", "jobs", "tasks", "runs"):
            print(f"{scalar(library.db(), f'SELECT count(*) FROM {table}'):>10,} {table}")
        print(f"{'':<76}{'median':>9}{'p95':>9}{'p95 CPU':>9}   ms")
        above = measured(library, wanted.turns, wanted.only, everything=wanted.all)
        if not wanted.only or "Desk.files" in wanted.only:
            above += half_done(library, wanted.turns, everything=wanted.all)
        library.close()
    print(f"{above} above the limit" if above else "all below the limit")
    sys.exit(1 if above else 0)


def measured(
    library: Library, turns: int, only: str = "", note: str = "", *, everything: bool = False
) -> int:
    """Put all questions; returns how many took too long."""
    above, count = 0, 0
    slowest: dict[str, tuple[float, str]] = {}
    for call, what, query in questions(library):
        if only not in call:
            continue
        p95, line = timed(f"{call}{note} {what}", query, turns)
        count += 1
        limit = COMMAND_MS if call.startswith("rushes") else LIMIT_MS
        too_long = p95 > limit and not call.startswith("*")
        above += too_long
        line += "   above the limit" if too_long else ""
        if everything or too_long:
            print(line, flush=True)
        slowest[call] = max(slowest.get(call, (0.0, "")), (p95, line))
    print(f"the slowest of each, {count:,} questions{note}:")
    for _, line in slowest.values():
        print(line, flush=True)
    return above


def half_done(library: Library, turns: int, *, everything: bool) -> int:
    """Put the questions on files of the job as if it had half of them before it; nothing of that is kept."""
    db = library.db()
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        db.conn.execute(
            "UPDATE tasks SET status = 'queued' WHERE job_id = 'job-1' AND position >"
            " (SELECT max(position) / 2 FROM tasks WHERE job_id = 'job-1')"
        )
        return measured(library, turns, "Desk.files", ", half done", everything=everything)
    finally:
        db.conn.execute("ROLLBACK")


def timed(name: str, query: Query, turns: int) -> tuple[float, str]:
    """Put a question some times: its 95th percentile, and the line that tells of it."""
    clock, processor = [], []
    for _ in range(turns):
        begun, used = time.perf_counter(), time.process_time()
        query()
        clock.append((time.perf_counter() - begun) * 1000)
        processor.append((time.process_time() - used) * 1000)
    p95 = sorted(clock)[round(0.95 * (turns - 1))]
    used95 = sorted(processor)[round(0.95 * (turns - 1))]
    return p95, f"{name:<76}{sorted(clock)[turns // 2]:9.1f}{p95:9.1f}{used95:9.1f}"


if __name__ == "__main__":
    main()
