"""Taking footage in: plan, queue, wait; the check before a card is formatted; and the scrub."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.api import jobs
from engine.errors import NotFound, WrongUse
from engine.ingest.planning import naming, plans
from engine.ingest.planning import plan as _plan
from engine.ingest.planning import queue as _queue
from engine.ingest.proving import check as _check
from engine.ingest.proving import repairs, scrub
from engine.ingest.records import results
from engine.jobs import store
from engine.jobs.store import PRIORITIES, Job
from engine.library import Library
from engine.media.hashing import full_hash
from engine.names import display, from_blob, json_name, to_blob
from engine.storage.database import rows, scalar
from engine.supervisor import process
from engine.volumes import aside
from engine.volumes.store import list_volumes


@dataclass(frozen=True)
class Options:
    """How an ingest is done, beyond from where to where.

    Attributes:
        verify_source: read every source a second time and compare.
        duplicates: ``skip`` or ``copy`` content that a destination volume holds verified already.
        checksums: further digests from the same read, of ``md5 sha1 c4``.
        thumbnails: make a small picture of every clip.
        name: what the batch is called; None names it after its sources.
        priority: place in the queue: ``low normal high urgent``.
        hash_lists: begin or continue an ASC MHL of each card at every destination.
        layout: how files are named: ``tree template content``, see :mod:`engine.ingest.planning.naming`.
        then: folders of a second stage, copied to from the first verified copy.
        template: for the layout ``template``; None is the usual one.
    """

    verify_source: bool = False
    duplicates: str = "skip"
    checksums: tuple[str, ...] = ()
    thumbnails: bool = True
    name: str | None = None
    priority: str = "normal"
    hash_lists: bool = False
    layout: str = "tree"
    template: str | None = None
    then: tuple[str, ...] = ()


_USUAL = Options()

USUAL_TEMPLATE = naming.USUAL
"""The template of the layout ``template`` when none is given."""


def plan(
    library: Library,
    sources: Sequence[str],
    destinations: Sequence[str],
    mode: str | None = None,
    options: Options = _USUAL,
) -> dict[str, Any]:
    """What an ingest would do, without doing it: the document of ``ingest --dry-run``.

    Raises:
        Refused: every problem that was found, at once.
        WrongUse: options that do not exist or contradict each other.
    """
    return _planned(library, sources, destinations, mode, options, dry_run=True).to_json()


PREVIEW_BYTES = 256 << 20
"""So many bytes are read at most for a preview of names that hold a hash."""


def preview(
    library: Library,
    sources: Sequence[str],
    destinations: Sequence[str],
    mode: str | None = None,
    options: Options = _USUAL,
    *,
    count: int = 10,
) -> dict[str, Any]:
    """Where the first files of each source would go, every token filled in. Nothing is written.

    Args:
        library: whose name and conflicts count.
        sources: as for :func:`plan`.
        destinations: as for :func:`plan`.
        mode: as for :func:`plan`.
        options: as for :func:`plan`.
        count: names per source, at most :data:`engine.ingest.planning.plan.PREVIEWED`.

    Returns:
        ``layout``, ``template`` (None: every tree is kept), ``destinations`` (paths), and ``names``, a list
        of ``{source, file, name, files}``: ``name`` is relative to every destination, ``files`` counts the
        source's. For a name that holds a hash the file is read; ``{blake3}`` stays where that would read
        more than :data:`PREVIEW_BYTES` in all.

    Raises:
        Refused: every problem that was found, at once.
        WrongUse: options that do not exist or contradict each other.
    """
    touched = _touched(library, sources, destinations, mode, options)
    return aside.call(touched, _preview, library, sources, destinations, mode, options, count)


def _preview(
    library: Library,
    sources: Sequence[str],
    destinations: Sequence[str],
    mode: str | None,
    options: Options,
    count: int,
) -> dict[str, Any]:
    planned = _planned(library, sources, destinations, mode, options)
    names: list[dict[str, Any]] = []
    left = PREVIEW_BYTES
    for source in planned.sources:
        base = os.path.dirname(source.path) if source.is_file else source.path
        for file, name in source.firsts[:count]:
            if naming.HASH_MARK in name:
                size = os.stat(os.path.join(base, file)).st_size
                if size <= left:
                    left -= size
                    name = name.replace(naming.HASH_MARK, full_hash(os.path.join(base, file)))
            names.append(
                {
                    **json_name("source", source.path),
                    **json_name("file", file),
                    **json_name("name", name),
                    "files": source.files,
                }
            )
    return {
        "layout": planned.layout,
        "template": planned.template,
        "destinations": [display(target.path) for target in planned.destinations],
        "names": names,
    }


def queue(
    library: Library,
    sources: Sequence[str],
    destinations: Sequence[str],
    mode: str | None = None,
    options: Options = _USUAL,
) -> dict[str, Any]:
    """Queue an ingest and have an engine take it up: ``batch_id`` and ``job_id``.

    Raises:
        Refused: every problem that was found, at once; nothing was queued.
        WrongUse: options that do not exist or contradict each other; nothing was queued.
    """
    if options.priority not in PRIORITIES:
        raise WrongUse(f"The priority is one of: {', '.join(PRIORITIES)}.")
    process.ensure(library)
    queued = _queue.queue(
        library,
        _planned(library, sources, destinations, mode, options),
        priority=PRIORITIES[options.priority],
        hash_lists=options.hash_lists,
    )
    return {"batch_id": queued.batch_id, "job_id": queued.job_id}


def wait(library: Library, job_id: str, on_change: Callable[[Job], None] | None = None) -> dict[str, Any]:
    """Follow an ingest to its end: the document of ``ingest --wait``."""
    job = jobs.follow(library, job_id, on_change)
    return {
        **results.result_of(library.db(), job.job_id, job.status),
        **(job.result or {}),
        "job_id": job.job_id,
        "status": job.status,
        "message": job.message,
        "error": job.error,
    }


def check_card(library: Library, path: str) -> dict[str, Any]:
    """Whether every file on the card has enough verified copies: the document of ``card check``.

    Raises:
        NotFound: there is no such folder.
    """
    # The copies of what is on it are looked at as well, on whatever drive they lie.
    known = [volume for volume in list_volumes(library.db()) if volume.clips and volume.state == "online"]
    touched = [os.path.abspath(path), *(point for volume in known for _, point in volume.mounts)]
    return aside.call(touched, _check.check_card, library, os.path.abspath(path)).to_json()


def verify(
    library: Library,
    path: str | None = None,
    budget_seconds: float | None = None,
    on_change: Callable[[Job], None] | None = None,
    *,
    repair: bool = False,
) -> dict[str, Any]:
    """Scrub: re-read the oldest verified copies and compare, within a budget of time.

    Args:
        library: the library whose copies are read.
        path: only copies below this folder; None for all that are online.
        budget_seconds: end after the file in hand when so much time has gone; None for no limit.
        on_change: called with the job whenever it has changed.
        repair: afterwards make damaged and missing copies anew from good ones; adds ``repaired`` and
            ``not_repaired``.
    """
    process.ensure(library)
    job_id = scrub.queue_verify(
        library, os.path.abspath(path) if path else None, budget_seconds=budget_seconds, repair=repair
    )
    job = jobs.follow(library, job_id, on_change)
    return {
        "checked": 0,
        "bytes": 0,
        "damaged": [],
        "seconds": 0.0,
        **(job.result or {}),
        "job_id": job_id,
        "status": job.status,
        "error": job.error,
    }


def journal(library: Library, job: str, path: str) -> dict[str, Any]:
    """The journal of one file of an ingest: the document of ``jobs file``.

    Times are seconds at the device, ``rate`` is bytes per second; ``readings`` are two readings of the
    source that disagreed, empty without doubt.

    Args:
        library: the job's library.
        job: id of the job, or its beginning.
        path: of the file on the source, exact or as it is shown.

    Raises:
        NotFound: there is no such job, or no such file in it.
    """
    from engine.api.views.journal import journal as read

    db = library.db()
    job_id = store.find(db, job).job_id
    task_id = scalar(
        db, "SELECT task_id FROM tasks WHERE job_id = ? AND name = ? LIMIT 1", (job_id, to_blob(path))
    )
    if task_id is None:
        shown = [
            entry["task_id"]
            for entry in rows(db, "SELECT task_id, name FROM tasks WHERE job_id = ?", (job_id,))
            if display(from_blob(entry["name"])) == path
        ]
        if not shown:
            raise NotFound(f"There is no file {display(path)} in this job; rushes jobs show lists them.")
        task_id = shown[0]
    found = read(library, int(task_id))
    return {
        "job_id": job_id,
        "task_id": int(task_id),
        **json_name("name", found.name),
        "size": found.size_bytes,
        "status": found.status,
        "attempts": found.attempts,
        "started_at": found.started_at,
        "ended_at": found.ended_at,
        "error": found.error,
        "hashes": dict(found.hashes),
        "readings": list(found.readings),
        "doubt": found.doubt,
        "legs": [
            {
                "volume": leg.volume,
                **json_name("path", leg.path),
                "hop": leg.hop,
                "verdict": leg.verdict,
                "level": leg.level,
                "verified_at": leg.verified_at,
                "error": leg.error,
                "steps": [
                    {
                        **asdict(step),
                        "rate": round(step.bytes / step.seconds) if step.bytes and step.seconds else None,
                    }
                    for step in leg.steps
                ],
            }
            for leg in found.legs
        ],
        "log": [asdict(line) for line in found.log],
    }


def damaged(library: Library) -> list[dict[str, Any]]:
    """Copies whose bytes changed or whose file is gone: the document of ``verify --damaged``.

    ``good_copies`` counts the other verified copies of the same content, wherever they are.
    """
    return [
        {
            "copy_id": entry["copy_id"],
            "volume": entry["volume_name"],
            "volume_state": entry["volume_state"],
            **json_name("path", from_blob(entry["path"])),
            "state": entry["state"],
            "size": entry["size"],
            "good_copies": entry["good"],
        }
        for entry in rows(
            library.db(),
            "SELECT copy_states.*, (SELECT count(*) FROM copies AS other WHERE other.asset_id ="
            "  copy_states.asset_id AND other.copy_id <> copy_states.copy_id AND other.state = 'present'"
            "  AND other.verified_at IS NOT NULL) AS good"
            " FROM copy_states WHERE copy_states.state IN ('damaged', 'missing') AND role <> 'source'"
            " ORDER BY volume_name, path",
        )
    ]


def queue_repair(library: Library, copy_ids: Sequence[int]) -> str:
    """Queue the repair of damaged or missing copies from good ones; the bad files are kept. The job's id.

    Raises:
        NotFound: none was given.
    """
    process.ensure(library)
    return repairs.queue_repair(library, copy_ids)


def _planned(
    library: Library,
    sources: Sequence[str],
    destinations: Sequence[str],
    mode: str | None,
    options: Options,
    *,
    dry_run: bool = False,
) -> plans.Plan:
    if not sources:
        raise WrongUse("Say what to take in: one or more cards, folders or files.")
    return aside.call(
        _touched(library, sources, destinations, mode, options),
        _plan.plan,
        library,
        [os.path.abspath(source) for source in sources],
        [os.path.abspath(destination) for destination in destinations],
        mode=mode,
        duplicates=options.duplicates,
        verify_source=options.verify_source,
        thumbnails=options.thumbnails,
        checksums=options.checksums,
        name=options.name,
        layout=options.layout,
        template=options.template,
        then=[os.path.abspath(folder) for folder in options.then],
        dry_run=dry_run,
    )


def _touched(
    library: Library,
    sources: Sequence[str],
    destinations: Sequence[str],
    mode: str | None,
    options: Options,
) -> list[str]:
    """What a plan looks at, absolute."""
    given = [*sources, *destinations, *options.then]
    if not destinations and (mode or library.mode) == "copy":
        given.append(str(library.root))
    return [os.path.abspath(path) for path in given]
