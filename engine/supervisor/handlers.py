"""The one table of job kinds: what runs a job, and what cleans up after one that will not go on."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from sqlite_utils import Database

from engine.errors import Refused
from engine.jobs.context import Handler, JobContext


@dataclass(frozen=True)
class JobKind:
    """How the engine runs one kind of job.

    Attributes:
        handler: ``module:function`` of the handler; imported on first use, so
            that an idle engine stays small.
        version: newest version of the parameters that the handler understands.
        cleanup: ``module:function`` that removes temps of a job that is
            cancelled while it does not run; None when it has none.
        afterwards: ``module:function(db)`` that draws conclusions for another
            room from what the job found; None when there are none.
    """

    handler: str
    version: int = 1
    cleanup: str | None = None
    afterwards: str | None = None


KINDS: dict[str, JobKind] = {
    "ingest": JobKind("engine.ingest.job:run", cleanup="engine.ingest.job:clean_up"),
    "verify": JobKind(
        "engine.ingest.proving.scrub:run_verify", afterwards="engine.relink.upgrade:reopen_contradicted"
    ),
    "repair": JobKind("engine.ingest.proving.repairs:run_repair"),
    "mhl_verify": JobKind("engine.ingest.hashlists.incoming_job:run_incoming"),
    "relink_scan": JobKind("engine.relink.job:run_scan", cleanup="engine.relink.job:clean_up"),
    "relink_prove": JobKind("engine.relink.upgrade:run_prove"),
    "sweep": JobKind("engine.relink.sweep:run_sweep"),
    "speed": JobKind("engine.volumes.speed:run", cleanup="engine.volumes.speed:clean_up"),
    "deliver": JobKind("engine.files.delivery:run", cleanup="engine.files.delivery:clean_up"),
    "export": JobKind("engine.export.job:run", cleanup="engine.export.job:clean_up"),
}


def handler_of(kind: str, version: int) -> Handler:
    """The handler of a job kind.

    Raises:
        Refused: this rushes does not know the kind, or not in that version.
    """
    known = KINDS.get(kind)
    if known is None or version > known.version:
        raise Refused(
            f"This rushes cannot run a job of kind {kind}, version {version}: it was queued by a newer one."
        )
    return cast("Handler", _load(known.handler))


def cleanup_of(kind: str) -> Callable[[JobContext], None] | None:
    """The cleanup of a job kind, or None."""
    known = KINDS.get(kind)
    return cast("Callable[[JobContext], None]", _load(known.cleanup)) if known and known.cleanup else None


def conclude(kind: str, db: Database) -> None:
    """Draw the conclusions that follow a job of this kind, if there are any."""
    known = KINDS.get(kind)
    if known is not None and known.afterwards is not None:
        cast("Callable[[Database], object]", _load(known.afterwards))(db)


def _load(name: str) -> object:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)
