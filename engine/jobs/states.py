"""The legal state changes of jobs and tasks, in one table each. Anything else raises."""

from __future__ import annotations

from engine.errors import IllegalTransition

JOB_TRANSITIONS: dict[str, frozenset[str]] = {
    "pending": frozenset({"running", "cancelled", "failed"}),
    "running": frozenset(
        {"paused", "completed", "completed_with_warnings", "failed", "cancelled", "interrupted"}
    ),
    "paused": frozenset({"running", "cancelled", "failed"}),
    "interrupted": frozenset({"running", "cancelled"}),
    "completed_with_warnings": frozenset({"running"}),
    "failed": frozenset({"running"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}
"""From each job state, the states it may change to. ``running`` after an end is a retry of failed tasks."""

CONTINUABLE_AFTER_CANCEL = frozenset({"ingest"})
"""Job kinds whose cancel is not final: a cancelled ingest may be continued."""

TASK_TRANSITIONS: dict[str, frozenset[str]] = {
    "queued": frozenset({"running", "skipped", "cancelled"}),
    "running": frozenset({"completed", "skipped", "failed", "cancelled", "queued"}),
    "failed": frozenset({"queued"}),
    "cancelled": frozenset({"queued"}),
    "completed": frozenset(),
    "skipped": frozenset(),
}
"""From each task state, the states it may change to.

``running -> queued`` happens on an explicit resume; ``cancelled -> queued``
only when a cancelled ingest is continued.
"""

ENDED = frozenset({"completed", "completed_with_warnings", "failed", "cancelled"})
"""Job states in which nothing happens any more by itself."""

ACTIVE = frozenset({"pending", "running", "paused", "interrupted"})
"""Job states that still want the engine or the operator."""


def check_job(before: str, after: str, kind: str) -> None:
    """Raise IllegalTransition unless a job of ``kind`` may change from ``before`` to ``after``."""
    if after in JOB_TRANSITIONS[before]:
        return
    if before == "cancelled" and after == "running" and kind in CONTINUABLE_AFTER_CANCEL:
        return
    raise IllegalTransition(f"A job that is {spoken(before)} cannot become {spoken(after)}.")


def check_task(before: str, after: str) -> None:
    """Raise IllegalTransition unless a task may change from ``before`` to ``after``."""
    if after not in TASK_TRANSITIONS[before]:
        raise IllegalTransition(f"A task that is {before} cannot become {after}.")


def spoken(state: str) -> str:
    """Return a state as words."""
    return state.replace("_", " ")


def verdict(counts: dict[str, int], warnings: int = 0) -> str:
    """Derive how a job or batch ended from its tasks or items.

    Args:
        counts: number of tasks per state; all must have ended.
        warnings: warnings that were noted on the way.

    Returns:
        ``completed`` when all is well, ``failed`` when every one failed (and
        there was at least one), else ``completed_with_warnings``. Skipped as
        already verified is well; the caller counts other skips as warnings.
    """
    failed = counts.get("failed", 0)
    total = sum(counts.values())
    if failed and failed == total:
        return "failed"
    if failed or counts.get("cancelled", 0) or warnings:
        return "completed_with_warnings"
    return "completed"
