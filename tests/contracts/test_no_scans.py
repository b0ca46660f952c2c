"""No statement of an ingest reads a whole table of the catalogue: a library may hold a million files.

Every statement that runs is caught, and SQLite is asked how it would find its rows.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from engine.api import reports
from engine.ingest.hashlists.incoming_job import queue_incoming, run_incoming
from engine.ingest.proving.check import check_card
from engine.ingest.proving.scrub import queue_verify, run_verify
from engine.library import create
from engine.storage import database
from tests.engine.ingest.conftest import Desk, fill, write

LONG = frozenset(
    {
        "assets",
        "clip_files",
        "clips",
        "copies",
        "job_log",
        "task_blocks",
        "tasks",
        "transfers",
        "volume_events",
    }
)
"""Tables with a row for each file, or for each event."""

ALLOWED = (
    "SELECT COALESCE(MAX(task_id), ?)",  # the end of an index, whatever the plan calls it
    "SELECT copy_states.*, assets.blake3 FROM copy_states",  # a scrub: an index in order, up to a limit
    "SELECT count(*) AS files, COALESCE(SUM(copy_states.size), ?)",  # a scrub counts its work, once
    "SELECT number, ",  # "transfers" is a name for those of one item there
)
"""Beginnings of statements that may look through a long table, each with its reason."""

_WORD = re.compile(r"x?'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")


class Caught:
    """Statements by their shape, one example of each; and how the tables of a moment were made."""

    def __init__(self) -> None:
        self.examples: dict[str, str] = {}
        self.temporary: dict[str, None] = {}

    def __call__(self, statement: str) -> None:
        if statement.lstrip().upper().startswith("CREATE TEMP"):
            self.temporary.setdefault(statement)
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")):
            self.examples.setdefault(_WORD.sub("?", statement), statement)


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> Caught:
    found = Caught()

    class Traced(database._Connection):
        def __init__(self, *values: object, **options: object) -> None:
            super().__init__(*values, **options)  # type: ignore[arg-type]
            self.set_trace_callback(found)

    monkeypatch.setattr(database, "_Connection", Traced)
    return found


@pytest.fixture
def desk(caught: Caught, tmp_path: Path) -> Desk:
    (tmp_path / "library").mkdir()
    made = Desk(create(str(tmp_path / "library"), name="Test"), tmp_path)
    caught.examples.clear()  # what makes the tables goes through them, once and empty
    return made


def everything(desk: Desk, tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way that files take through an ingest."""
    one, two = tmp / "A001", tmp / "B002"
    fill(one)
    fill(two, 5)
    write(two / "loose.mov", 70_000)
    desk.ingest(one, two, to=[tmp / "nas", tmp / "backup"], then=[str(tmp / "vault")], verify_source=True)
    desk.ingest(one, to=[tmp / "nas"])
    (tmp / "C003").mkdir()
    shutil.copy(two / "loose.mov", tmp / "C003/again.mov")
    desk.ingest(tmp / "C003", to=[tmp / "nas"])
    desk.ingest(one, to=[tmp / "named"], layout="template", duplicates="copy", checksums=("md5",))
    desk.ingest(one, to=[tmp / "hashed"], layout="content", duplicates="copy")
    with monkeypatch.context() as patch:
        patch.setattr("engine.ingest.carrying.carrier.source_digest", lambda original: "0" * 64)
        job_id = desk.queue(two, to=[tmp / "doubt"], duplicates="copy", verify_source=True)
        desk.start(job_id)
    desk.start(job_id, intent="retry")
    desk.ingest(tmp / "vault", mode="reference")
    desk.ingest(tmp / "vault", mode="reference")
    shutil.copytree(one, tmp / "elsewhere")
    desk.ingest(tmp / "elsewhere", mode="reference")
    check_card(desk.library, str(one))
    scrub = queue_verify(desk.library)
    desk.start(scrub, handler=run_verify)
    from engine.ingest.hashlists.hashlists import create as create_list

    create_list(desk.library, str(tmp / "nas/A001"))
    listed = queue_incoming(desk.library, str(tmp / "nas"))
    desk.start(listed, handler=run_incoming)
    reports.make(desk.library, desk.jobs[0], formats=["json"])


def scans(library_db: Path, statement: str, temporary: Iterable[str] = ()) -> list[str]:
    """What of a statement's plan goes through a whole long table."""
    with sqlite3.connect(library_db) as db:
        for made in temporary:
            with suppress(sqlite3.Error):  # two statements may make the same one
                db.execute(made)
        try:
            plan = db.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
        except sqlite3.Error:
            return []  # a table that was there for a moment alone
    return [
        str(step[3]) for step in plan if str(step[3]).startswith("SCAN ") and str(step[3]).split()[1] in LONG
    ]


def test_no_statement_of_an_ingest_reads_a_whole_table(
    desk: Desk, caught: Caught, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(desk, tmp_path, monkeypatch)
    catalogue = next((tmp_path / "library").rglob("library.db"))
    assert len(caught.examples) > 100
    found = {
        " ".join(shape.split()): steps
        for shape, example in caught.examples.items()
        if not shape.startswith(ALLOWED) and (steps := scans(catalogue, example, caught.temporary))
    }
    assert not found, "\n".join(f"{steps}: {shape}" for shape, steps in found.items())


FEW = {"trash.asset_id -> assets"}
"""References from tables that have a row only for what was thrown away."""


def test_what_goes_is_not_looked_for_in_every_row(desk: Desk) -> None:
    """SQLite asks each table that refers to a row before that row may go; no plan shows it."""
    held = "SELECT name FROM sqlite_master WHERE type = 'table'"
    bare = []
    for (table,) in desk.db.conn.execute(held).fetchall():
        first = {
            index[0]
            for (name,) in desk.db.conn.execute("SELECT name FROM pragma_index_list(?)", (table,)).fetchall()
            if (index := desk.db.conn.execute(
                "SELECT name FROM pragma_index_info(?) WHERE seqno = 0", (name,)).fetchone())
        }  # fmt: skip
        key = desk.db.conn.execute("SELECT name FROM pragma_table_info(?) WHERE pk = 1", (table,)).fetchone()
        bare += [
            f"{table}.{column} -> {parent}"
            for column, parent in desk.db.conn.execute(
                'SELECT "from", "table" FROM pragma_foreign_key_list(?)', (table,)
            )
            if parent in LONG and column not in first and column != (key or [None])[0]
        ]
    assert set(bare) <= FEW
