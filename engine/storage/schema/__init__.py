"""The databases: every table, drawn once, and the migrations that lead there.

::

    devices ─< volumes ─< copies >─ assets ─< clip_files >─ clips ─< clip_tags >─ tags
                 │           │                               │
          volume_events   relinks                          cards
                             │
    relink_sessions ─< candidates

    batches ─< batch_items ── jobs ─< tasks ─< transfers, task_blocks
                    │           └──< job_log
    recipes ─< runs ┴─< segments
                 └───< run_outputs          audit, watch_folders, engine

Conventions: names and paths are BLOBs (exact bytes); paths are relative to the
volume's root, without a leading slash; times are UTC ISO 8601 text; sizes are
bytes; flags are 0, 1 or NULL for unknown; JSON columns hold one object.
One fact has one place (:mod:`~engine.storage.schema.tallies` apart, which triggers
keep): a batch's numbers come from its items, a run's status
is its job's, a copy's online state comes from its volume's row, so that a
remount changes one row whatever the number of clips.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from engine.storage.schema import (
    config,
    content,
    finding,
    holdings,
    house,
    leaving,
    offered,
    packs,
    places,
    rolls,
    tallies,
    twice,
    views,
    work,
)

LIBRARY: tuple[str, ...] = (
    *places.TABLES,
    *content.TABLES,
    *work.TABLES,
    *finding.TABLES,
    *leaving.TABLES,
    *house.TABLES,
    *views.VIEWS,
)
"""Statements that make a library database."""

library_migrations = Migrations("rushes-library")


@library_migrations(name="0001_spine")
def _spine(db: Database) -> None:
    for statement in LIBRARY:
        db.execute(statement)


@library_migrations(name="0002_tallies")
def _tallies(db: Database) -> None:
    for statement in (
        *tallies.TABLES,
        *tallies.RECOUNT,
        *twice.TABLES,
        *twice.RECOUNT,
        *packs.TABLES,
        *holdings.TABLES,
        *rolls.TABLES,
        *offered.TABLES,
        *holdings.RECOUNT,
    ):
        db.execute(statement)


@library_migrations(name="0003_watching")
def _watching(db: Database) -> None:
    for statement in house.WATCHING:
        db.execute(statement)


@library_migrations(name="0004_prefix_rules")
def _prefix_rules(db: Database) -> None:
    for statement in finding.RULES:
        db.execute(statement)


config_migrations = Migrations("rushes-config")


@config_migrations(name="0001_spine")
def _config_spine(db: Database) -> None:
    for statement in config.TABLES:
        db.execute(statement)
