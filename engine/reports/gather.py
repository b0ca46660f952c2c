"""A report gathered from the catalogue: for a job, a batch, a day, a card or a volume. Changes nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from sqlite_utils import Database

from engine import __version__, clock
from engine.errors import NotFound, WrongUse
from engine.jobs import states, store
from engine.jobs.store import Job, resolve
from engine.library import Library
from engine.names import display
from engine.reports import copies, exports, ingests, policy, words
from engine.reports.report import Problem, Report, Section, totals_of
from engine.reports.words import plural, spoken
from engine.storage.database import Row, row, rows
from engine.volumes import store as volume_store

_WEIGHTS = ("error", "warning", "note")
_WELL = frozenset({"completed", "completed_with_warnings", "skipped", "online", "offline"})
"""States of which nothing bad follows by itself: what is bad is among the problems then."""

Part = tuple[Section, list[Problem]]


def of_job(library: Library, given: str, made_at: str) -> Report:
    """Report of a job, or of all jobs of a batch.

    Args:
        library: where the job is.
        given: id of a job or batch, or its beginning (8 characters or more).
        made_at: the moment that the report bears.

    Raises:
        NotFound: there is neither a job nor a batch.
        Refused: several fit.
    """
    db = library.db()
    try:
        jobs = [store.find(db, given)]
        kind, ident = jobs[0].kind, jobs[0].job_id
    except NotFound:
        try:
            ident = resolve(db, "batches", "batch_id", given, "batch")
        except NotFound:
            raise NotFound(f"There is no job and no batch {display(given)}.") from None
        kind = "batch"
        jobs = [
            store.from_row(found)
            for found in rows(
                db, "SELECT * FROM jobs WHERE batch_id = ? ORDER BY created_at, job_id", (ident,)
            )
        ]
    rule = policy.current()
    parts: list[Part] = []
    problems: list[Problem] = []
    for job in jobs:
        parts.extend(_parts(library, job, rule))
        problems.extend(_of_job(library, job))
    title = "; ".join(job.title for job in jobs) or "empty batch"
    return _report(
        library,
        kind,
        ident,
        display(title),
        parts,
        made_at,
        rule,
        status=_worst(job.status for job in jobs),
        operators=[job.created_by for job in jobs],
        more=problems,
    )


def of_day(library: Library, day: str, made_at: str) -> Report:
    """Report of everything that was taken in on a day, by this host's clock.

    Raises:
        WrongUse: that is no date.
        NotFound: nothing was taken in on that day.
    """
    try:
        wanted = date.fromisoformat(day)
    except ValueError as error:
        raise WrongUse(f"{display(day)} is no date; give one like 2026-11-20.") from error
    start, end = (
        clock.stamp(datetime.combine(wanted + timedelta(days=days), time()).astimezone()) for days in (0, 1)
    )
    items = rows(
        library.db(),
        f"{ingests.ITEMS} WHERE coalesce(batch_items.started_at, batch_items.ended_at) >= ?"
        " AND coalesce(batch_items.started_at, batch_items.ended_at) < ? AND jobs.kind = 'ingest'"
        " ORDER BY coalesce(batch_items.started_at, batch_items.ended_at), item_id",
        (start, end),
    )
    if not items:
        raise NotFound(f"Nothing was taken in on {wanted.isoformat()}.")
    return _of_items(library, "day", wanted.isoformat(), f"Taken in on {wanted.isoformat()}", items, made_at)


def of_card(library: Library, given: str, made_at: str) -> Report:
    """Report of a card: every time that it was taken in.

    Args:
        library: where the card is known.
        given: its id, the beginning of it, or its label.
        made_at: the moment that the report bears.

    Raises:
        NotFound: there is no such card, or several have this label.
    """
    db = library.db()
    labelled = rows(
        db, "SELECT card_id, label, first_seen_at FROM cards WHERE label = ? ORDER BY first_seen_at", (given,)
    )
    if len(labelled) > 1:
        raise NotFound(f"Several cards are called {display(given)}; give the id: {_cards(labelled)}")
    try:
        card_id = str(labelled[0]["card_id"]) if labelled else resolve(db, "cards", "card_id", given, "card")
    except NotFound:
        raise NotFound(f"There is no card {display(given)}. {_known_cards(db)}") from None
    card = row(db, "SELECT * FROM cards WHERE card_id = ?", (card_id,))
    assert card is not None
    items = rows(
        db,
        f"{ingests.ITEMS} WHERE batch_items.card_id = ? ORDER BY batch_items.started_at, item_id",
        (card_id,),
    )
    return _of_items(library, "card", card_id, f"Card {display(card['label'])}", items, made_at)


NAMED_CARDS = 12
"""So many cards are named in a sentence."""


def _known_cards(db: Database) -> str:
    """The cards that there are, the newest first, as a sentence."""
    newest = rows(db, "SELECT card_id, label, first_seen_at FROM cards ORDER BY first_seen_at DESC LIMIT 200")
    named = {str(card["label"]): card for card in reversed(newest)}
    if not named:
        return "No card has been taken in yet."
    cards = sorted(named.values(), key=lambda card: card["first_seen_at"], reverse=True)
    return f"Known are: {_cards(cards)}"


def _cards(cards: Sequence[Row]) -> str:
    """``A001 (3f2a9c1e, 2026-11-20)`` each."""
    said = [
        f"{display(card['label'])} ({card['card_id'][:8]}, {words.moment(card['first_seen_at'])[:10]})"
        for card in cards[:NAMED_CARDS]
    ]
    more = f" and {len(cards) - NAMED_CARDS} more" if len(cards) > NAMED_CARDS else ""
    return f"{', '.join(said)}{more}"


def of_volume(library: Library, given: str, made_at: str) -> Report:
    """Report of everything that is recorded on a volume.

    Raises:
        NotFound: there is no such volume.
    """
    db = library.db()
    volume_id = volume_store.find_id(db, given)
    volume = row(db, "SELECT * FROM volumes WHERE volume_id = ?", (volume_id,))
    assert volume is not None
    rule = policy.current()
    return _report(
        library,
        "volume",
        volume_id,
        f"Volume {display(volume['name'])}",
        [copies.volume_section(library, volume, rule)],
        made_at,
        rule,
        status=volume["state"],
        operators=[],
        more=[],
    )


def _of_items(
    library: Library, kind: str, ident: str, title: str, items: Sequence[Row], made_at: str
) -> Report:
    rule = policy.current()
    jobs = [store.get(library.db(), job_id) for job_id in dict.fromkeys(item["job_id"] for item in items)]
    return _report(
        library,
        kind,
        ident,
        title,
        [ingests.section(library, item, rule) for item in items],
        made_at,
        rule,
        status=_worst(ingests.status_of(item) for item in items),
        operators=[job.created_by for job in jobs],
        more=[problem for job in jobs for problem in _of_job(library, job)],
    )


def _parts(library: Library, job: Job, rule: policy.Policy) -> list[Part]:
    if job.kind == "ingest":
        items = rows(
            library.db(), f"{ingests.ITEMS} WHERE batch_items.job_id = ? ORDER BY position", (job.job_id,)
        )
        return [ingests.section(library, item, rule) for item in items]
    if job.kind == "export":
        found = exports.section(library, job.job_id)
        return [found] if found else []
    if job.kind == "verify":
        return [copies.verified_section(library, job, rule)]
    facts = tuple(
        (display(key).replace("_", " "), display(str(value)))
        for key, value in (job.result or {}).items()
        if isinstance(value, str | int | float)
    )
    made = Section(
        title=display(job.title),
        kind=spoken(job.kind),
        source=None,
        status=job.status,
        started_at=job.started_at,
        ended_at=job.ended_at,
        facts=facts,
    )
    return [(made, [])]


def _of_job(library: Library, job: Job) -> list[Problem]:
    """What a job's log warns of, and why it failed or waits."""
    found = []
    if job.error:
        found.append(Problem("error", "", job.error))
    if job.status == "paused" and job.message:
        found.append(Problem("warning", "", job.message))
    found.extend(
        # What was said of a file that is well now was overcome: by another try, or when there was room.
        Problem(
            "note" if line["well"] else "error" if line["level"] == "error" else "warning",
            "",
            line["message"],
        )
        for line in rows(
            library.db(),
            "SELECT level, message, tasks.status IN ('completed', 'skipped') AS well"
            " FROM job_log LEFT JOIN tasks USING (task_id)"
            " WHERE job_log.job_id = ? AND level != 'info' ORDER BY log_id",
            (job.job_id,),
        )
    )
    return found


def _report(
    library: Library,
    kind: str,
    ident: str,
    title: str,
    parts: Sequence[Part],
    made_at: str,
    rule: policy.Policy,
    *,
    status: str,
    operators: Sequence[str],
    more: Sequence[Problem],
) -> Report:
    sections = tuple(part for part, _ in parts)
    problems = _ordered([problem for _, found in parts for problem in found], more, _short(sections, rule))
    totals = totals_of(sections)
    errors = sum(1 for problem in problems if problem.weight == "error")
    good = not errors and status in _WELL
    starts = [section.started_at for section in sections if section.started_at]
    ends = [section.ended_at for section in sections]
    return Report(
        kind=kind,
        ident=ident,
        title=title,
        production=display(library.name),
        operator=", ".join(dict.fromkeys(display(name) for name in operators)) or "-",
        tool="rushes",
        version=__version__,
        host=socket.gethostname(),
        made_at=made_at,
        timezone=_timezone(made_at),
        status=status,
        verdict=_verdict(kind, status, good, errors, totals.files, problems),
        good=good,
        started_at=min(starts) if starts else None,
        ended_at=max(end for end in ends if end) if ends and all(ends) else None,
        copies=rule.copies,
        devices=rule.devices,
        totals=totals,
        problems=problems,
        sections=sections,
    )


def _ordered(
    found: Sequence[Problem], more: Sequence[Problem], short: Sequence[Problem]
) -> tuple[Problem, ...]:
    """Errors first. A line of the log that repeats what a file says is left out."""
    said = {problem.sentence for problem in found}
    kept = [*found, *(problem for problem in more if problem.sentence not in said), *short]
    return tuple(sorted(dict.fromkeys(kept), key=lambda problem: _WEIGHTS.index(problem.weight)))


def _short(sections: Sequence[Section], rule: policy.Policy) -> list[Problem]:
    """One warning for all files that have too few copies."""
    names = [
        f"{section.title}: {display(file.name)}"
        for section in sections
        for _, file in section.rows()
        if file.enough is False
    ]
    if not names:
        return []
    first = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return [
        Problem(
            "warning",
            "",
            f"{plural(len(names), 'file')} {'has' if len(names) == 1 else 'have'} fewer than "
            f"{plural(rule.copies, 'verified copy', 'verified copies')} on {plural(rule.devices, 'device')}: "
            f"{first}.",
        )
    ]


def _verdict(kind: str, status: str, good: bool, errors: int, files: int, problems: Sequence[Problem]) -> str:
    warnings = sum(1 for problem in problems if problem.weight == "warning")
    also = f" {plural(warnings, 'warning')}." if warnings else ""
    if kind == "volume":
        state = f"The volume is {spoken(status)}; {plural(files, 'file')} recorded on it"
        return (
            f"{state}, {plural(errors, 'problem')}.{also}" if errors else f"{state}, no problem known.{also}"
        )
    if status in states.ACTIVE:
        return f"Not ended: {spoken(status)}. This report shows how far it came.{also}"
    if good:
        done = {
            "export": f"All well: {plural(files, 'file')} finished and checked.",
            "verify": f"All well: {plural(files, 'file')} read again, every byte as recorded.",
        }
        return done.get(kind, f"All well: {plural(files, 'file')} verified at every destination.") + also
    return f"NOT all well ({spoken(status)}): {plural(errors, 'error')}.{also}"


def _worst(found: Iterable[str]) -> str:
    order = (
        "running", "pending", "paused", "interrupted", "failed", "cancelled", "completed_with_warnings",
        "completed", "skipped",
    )  # fmt: skip
    statuses = set(found)
    return next((status for status in order if status in statuses), "completed")


def _timezone(moment: str) -> str:
    """The host's offset at that moment, e.g. ``UTC+02:00``."""
    return words.zone(clock.parse(moment).astimezone())
