"""An ingest as it is queued: batch, items, one job; and the job's parameters read back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from engine import clock
from engine.errors import Refused
from engine.ingest.planning.plans import Plan
from engine.jobs import store
from engine.library import Library
from engine.names import display, to_blob
from engine.storage import audit
from engine.storage.database import write

VERSION = 1
"""Version of the parameters; a job of a newer one is refused."""


@dataclass(frozen=True)
class Queued:
    """Ids of what was queued."""

    batch_id: str
    job_id: str


@dataclass(frozen=True)
class OrderedSource:
    """One source of an order; see :class:`engine.ingest.planning.plans.PlannedSource`.

    ``files`` and ``fresh`` (bytes that no destination is known to hold) are what the plan saw: they
    stand for the source until it is listed.
    """

    path: str
    volume_id: str
    relative: str
    is_file: bool
    label: str
    device: str = ""
    files: int = 0
    fresh: int = 0


@dataclass(frozen=True)
class OrderedDestination:
    """One destination of an order; see :class:`engine.ingest.planning.plans.PlannedDestination`."""

    path: str
    volume_id: str
    relative: str
    volume: str
    role: str
    needed: int
    hop: int = 1
    device: str = ""


@dataclass(frozen=True)
class Order:
    """The parameters of an ingest job."""

    mode: str
    sources: tuple[OrderedSource, ...]
    destinations: tuple[OrderedDestination, ...]
    duplicates: str
    verify_source: bool
    thumbnails: bool
    checksums: tuple[str, ...] = ()
    hash_lists: bool = False
    template: str | None = None

    def to_params(self) -> dict[str, Any]:
        """As stored with the job. Names that are not UTF-8 keep their surrogate escapes, as JSON can."""
        return {
            "version": VERSION,
            "mode": self.mode,
            "sources": [vars(source) for source in self.sources],
            "destinations": [vars(target) for target in self.destinations],
            "duplicates": self.duplicates,
            "verify_source": self.verify_source,
            "thumbnails": self.thumbnails,
            "checksums": list(self.checksums),
            "hash_lists": self.hash_lists,
            "template": self.template,
        }


def read_order(params: dict[str, Any]) -> Order:
    """Read the parameters of an ingest job.

    Raises:
        Refused: they were written by a newer version.
    """
    if params.get("version") != VERSION:
        raise Refused(f"This ingest was queued by another version of rushes ({params.get('version')}).")
    return Order(
        params["mode"],
        tuple(OrderedSource(**source) for source in params["sources"]),
        tuple(OrderedDestination(**target) for target in params["destinations"]),
        params["duplicates"],
        params["verify_source"],
        params["thumbnails"],
        tuple(params.get("checksums", ())),
        bool(params.get("hash_lists", False)),
        params.get("template"),
    )


def order_of(plan: Plan, *, hash_lists: bool = False) -> Order:
    """What a plan comes to when it is queued."""
    return Order(
        plan.mode,
        tuple(
            OrderedSource(
                source.path,
                source.volume_id,
                source.relative,
                source.is_file,
                source.label,
                source.device,
                source.files,
                max(0, source.size - source.known_bytes),
            )
            for source in plan.sources
        ),
        tuple(
            OrderedDestination(
                target.path,
                target.volume_id,
                target.relative,
                target.volume,
                target.role,
                target.needed,
                target.hop,
                target.device,
            )
            for target in plan.destinations
        ),
        plan.duplicates,
        plan.verify_source,
        plan.thumbnails,
        plan.checksums,
        hash_lists,
        plan.template,
    )


def queue(library: Library, plan: Plan, *, priority: int = 0, hash_lists: bool = False) -> Queued:
    """Queue a plan: one batch, one item for each source, one job for all of them.

    Args:
        library: the library the plan was made for.
        plan: from :func:`engine.ingest.planning.plan.plan`.
        priority: place in the queue, see :data:`engine.jobs.store.PRIORITIES`.
        hash_lists: whether each card gets an ASC MHL at every destination.
    """
    db = library.db()
    batch_id, job_id = str(uuid.uuid4()), str(uuid.uuid4())
    name = plan.name or ", ".join(
        source.label or display(source.path.rpartition("/")[2]) for source in plan.sources
    )
    name = display(name)
    where = ", ".join(dict.fromkeys(display(target.volume) for target in plan.destinations))
    title = f"{name} to {where}" if where else f"{name}, catalogued in place"
    with write(db):
        db.execute(
            "INSERT INTO batches (batch_id, kind, name, created_at, created_by)"
            " VALUES (?, 'ingest', ?, ?, ?)",
            (batch_id, name, clock.now(), audit.who()),
        )
        store.create(
            db,
            "ingest",
            title,
            order_of(plan, hash_lists=hash_lists).to_params(),
            batch_id=batch_id,
            resources=plan.resources,
            priority=priority,
            job_id=job_id,
        )
        for position, source in enumerate(plan.sources):
            db.execute(
                "INSERT INTO batch_items (batch_id, position, source, job_id) VALUES (?, ?, ?, ?)",
                (batch_id, position, to_blob(source.path), job_id),
            )
    return Queued(batch_id, job_id)
