"""How fast lists and counts are when the catalogue is large.

    python tests/bench/catalogue.py [--copies 1000000] [--clips 300000] [--candidates 50000]
                                    [--files 1000000] [--jobs 20000] [--keep FOLDER] [--only TEXT]

A library is filled with rows by SQL: six drives, two of them away, and cards;
every clip has its essence and a sidecar, verified copies on two drives (one in
fifty on one only), some of them missing or damaged; jobs and runs of years, one
job of a million files, thousands of events. Every query that a screen or a
listing command makes is timed warm, twenty times: median and 95th percentile on
the clock, and the 95th percentile of the processor's time.

A list is timed twice: as it is opened (its rows counted, the first screenful
read), and as it is read again with the cursor on the row in its middle: counted,
the row found, and the screenful around it read. Above 50 ms at the 95th
percentile the run ends with 1; lines with a * are read beside the event loop
(no key waits for them) and have a limit of their own.

With --keep the library stays in FOLDER and is used again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.api.rows import Filter
from engine.library import Library
from engine.storage.database import scalar
from tests.bench.large import made

SCREENFUL = 40
LIMIT_MS = 50.0
BESIDE_MS = 500.0
TURNS = 20
TEXTS = ("0401", "a00", "hero", "c0", "zz", "!a00")
"""Filters that let few clips through, some at the list's end, a third, many, none, nearly all."""


Query = Callable[[], object]


def queries(library: Library) -> dict[str, Query]:
    """Everything that screens and listing commands ask for; a * says what is read beside the event loop."""
    return {
        **_heads(library),
        **_work(library),
        **_finding(library),
        **_clips(library),
        **_asides(library),
        **_commands(library),
    }


def _list(asked: dict[str, Query], name: str, table: Any, wanted: Filter = Filter()) -> None:  # noqa: B008
    """Ask for a list as it is opened, and with the cursor on the row in its middle."""
    ids = table.ids(wanted)
    middle = ids[len(ids) // 2] if len(ids) else None

    def opened() -> object:
        found = table.ids(wanted)
        return len(found), table.rows(found[:SCREENFUL])

    def again() -> object:
        found = table.ids(wanted)
        place = found.index(middle)
        return len(found), table.rows(found[max(0, place - SCREENFUL // 2) : place + SCREENFUL // 2])

    asked[name] = opened
    if len(ids) > SCREENFUL:
        asked[f"{name}, cursor in the middle"] = again


def _lists(asked: dict[str, Query], name: str, table: Any, *texts: str) -> None:
    """Ask for every order, choice and some texts of a list."""
    for order in table.orders:
        _list(asked, f"{name} by {order}", table, Filter(order=order))
    for show in ("active", "failed"):
        _list(asked, f"{name} {show}", table, Filter(show=show))
    for text in texts:
        _list(asked, f"{name} /{text}", table, Filter(text=text))


def _heads(library: Library) -> dict[str, Query]:
    from engine.api.views.candidates import last_scan
    from engine.api.views.totals import counts, running

    return {
        "every screen: head": lambda: (counts(library), running(library)),
        "relink: last scan": lambda: last_scan(library),
    }


def _work(library: Library) -> dict[str, Query]:
    from engine.api import views
    from engine.api.views.journal import journal

    jobs, runs, files = views.Jobs(library), views.Runs(library), views.Files(library, "job-1")
    task = int(scalar(library.db(), "SELECT min(task_id) FROM tasks"))
    asked: dict[str, Query] = {
        "ingest: detail": lambda: jobs.detail("job-1"),
        "ingest: log": lambda: views.log(library, "job-1"),
        "files: detail": lambda: files.detail(task),
        "files: journal": lambda: journal(library, task),
        "exports: detail": lambda: runs.detail("run-7"),
    }
    _lists(asked, "ingest:", jobs, "0401", "!0401")
    _lists(asked, "exports:", runs, "401", "!401")
    _lists(asked, "files of a job:", files)
    for text in ("c000401", "zz", "mxf"):
        _list(asked, f"*files of a job: /{text}", files, Filter(text=text))
    return asked


def _finding(library: Library) -> dict[str, Query]:
    from engine.api import views

    drives, found, damaged = views.Volumes(library), views.Candidates(library), views.Damaged(library)
    candidate = int(scalar(library.db(), "SELECT max(candidate_id) FROM candidates"))
    asked: dict[str, Query] = {
        "volumes: detail": lambda: drives.detail("volume-0"),
        "relink: detail": lambda: found.detail(candidate),
    }
    _lists(asked, "volumes:", drives, "3", "!3")
    _lists(asked, "relink:", found, "0123", "!0123", "found")
    _lists(asked, "damaged:", damaged, "42", "!42")
    return asked


def _clips(library: Library) -> dict[str, Query]:
    from engine.api import views
    from engine.api.facts import ClipScope
    from engine.api.views.clips import STATES

    every = views.Clips(library)
    one = every.ids(Filter(text="C000401"))[0]
    asked: dict[str, Query] = {"clips: detail": lambda: every.detail(one)}
    _lists(asked, "clips:", every, *TEXTS)
    for state in STATES:
        _list(asked, f"clips: {state}", views.Clips(library, ClipScope(state=state)))
    for name, only in (("on a drive", False), ("only on a drive", True)):
        drive = ClipScope(volume_id="volume-0", only=only)
        _list(asked, f"clips: {name}", views.Clips(library, drive))
        _list(asked, f"clips: {name} /0401", views.Clips(library, drive), Filter(text="0401"))
    return asked


def _asides(library: Library) -> dict[str, Query]:
    from engine.api import recipes, views
    from engine.api.views import asides

    asked: dict[str, Query] = {"recipes": lambda: recipes.list_recipes(library)}
    for name, source in (
        ("notices", asides.notice_source(library)),
        ("history of a drive", views.past_source(library, "volume-0")),
        ("sessions", views.session_source(library)),
        ("rules", views.rule_source(library)),
        ("offers", views.offer_source(library, None)),
        ("watch folders", views.watch_source(library)),
    ):
        _list(asked, name, source)
    return asked


def _commands(library: Library) -> dict[str, Query]:
    from engine.api import clips, relinks, volumes, whereabouts

    def listed(**filters: Any) -> Query:
        return lambda: clips.list_clips(library, clips.Filters(**filters), limit=100)

    return {
        "volumes list": lambda: volumes.list_volumes(library),
        "volumes list --all": lambda: volumes.list_volumes(library, everything=True),
        "volumes show": lambda: volumes.show(library, "volume-0"),
        "volumes only": lambda: whereabouts.only_on(library, "volume-1", 1000),
        "relink list": lambda: relinks.list_candidates(library),
        "relink sessions": lambda: relinks.list_sessions(library),
        "relink propose": lambda: relinks.propose(library),
        "clips risk": lambda: whereabouts.at_risk(library, 1000),
        "clips whereis": lambda: whereabouts.where_is(library, "A001C000401"),
        "clips list --limit 100": listed(),
        "clips list --text": listed(text="A001C000401"),
        "clips list --since": listed(since="2024-01-01"),
        "clips list --volume": listed(volume="volume-0"),
        **{
            f"clips list --{state}": listed(state=state)
            for state in ("online", "offline", "missing", "damaged")
        },
    }


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--copies", type=int, default=1_000_000)
    parser.add_argument("--clips", type=int, default=300_000)
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = wanted.keep or Path(folder)
        os.environ["RUSHES_CONFIG"] = str(base / "config")
        rows = (wanted.copies, wanted.clips, wanted.candidates, wanted.jobs, wanted.files)
        library = made(base / "library", *rows)
        for table in ("copies", "clips", "candidates", "jobs", "tasks", "runs"):
            print(f"{scalar(library.db(), f'SELECT count(*) FROM {table}'):>10,} {table}")
        print(f"{'':<48}{'median':>9}{'p95':>9}{'p95 CPU':>9}   ms")
        above = 0
        for name, query in queries(library).items():
            if wanted.only in name:
                above += report(name, query)
        library.close()
    print(f"{above} above the limit" if above else "all below the limit")
    sys.exit(1 if above else 0)


def report(name: str, query: Query) -> bool:
    """Time a query and print its line; whether it is above its limit."""
    clock, processor = [], []
    for _ in range(TURNS):
        begun, used = time.perf_counter(), time.process_time()
        query()
        clock.append((time.perf_counter() - begun) * 1000)
        processor.append((time.process_time() - used) * 1000)
    p95 = sorted(clock)[round(0.95 * (TURNS - 1))]
    above = p95 > (BESIDE_MS if name.startswith("*") else LIMIT_MS)
    used95 = sorted(processor)[round(0.95 * (TURNS - 1))]
    note = "   above the limit" if above else ""
    print(f"{name:<48}{sorted(clock)[TURNS // 2]:9.1f}{p95:9.1f}{used95:9.1f}{note}", flush=True)
    return above


if __name__ == "__main__":
    main()
