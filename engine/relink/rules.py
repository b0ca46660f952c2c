"""Prefix mappings that were kept, and applied to what is found missing later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound, RushesError
from engine.library import Library
from engine.names import display, from_blob, to_blob
from engine.relink import mapping
from engine.storage import audit
from engine.storage.database import rows, write


@dataclass(frozen=True)
class Rule:
    """What was below ``old`` is now below ``new``; absolute folders."""

    rule_id: int
    old: str
    new: str
    created_at: str


def keep(db: Database, old: str, new: str) -> Rule:
    """Keep a mapping as a rule; one that is kept already stays as it is."""
    with write(db):
        db.execute(
            "INSERT OR IGNORE INTO prefix_rules (old, new, created_at) VALUES (?, ?, ?)",
            (to_blob(old), to_blob(new), clock.now()),
        )
        audit.record(db, "relink map --keep", target=f"{display(old)} -> {display(new)}")
    return next(rule for rule in list_rules(db) if (rule.old, rule.new) == (old, new))


def list_rules(db: Database) -> list[Rule]:
    """All rules, the oldest first: the order in which they are tried."""
    return [
        Rule(entry["rule_id"], from_blob(entry["old"]), from_blob(entry["new"]), entry["created_at"])
        for entry in rows(db, "SELECT * FROM prefix_rules ORDER BY rule_id")
    ]


def delete(db: Database, rule_id: int) -> Rule:
    """Drop a rule; what it relinked stays.

    Raises:
        NotFound: there is none with this number.
    """
    rule = next((rule for rule in list_rules(db) if rule.rule_id == rule_id), None)
    if rule is None:
        raise NotFound(f"There is no rule {rule_id}. See: rushes relink rules list")
    with write(db):
        db.execute("DELETE FROM prefix_rules WHERE rule_id = ?", (rule_id,))
        audit.record(db, "relink rules delete", target=f"{display(rule.old)} -> {display(rule.new)}")
    return rule


def apply(library: Library, log: Callable[[str], None]) -> int:
    """Apply every rule to missing copies whose files lie at the new place with the hash on record.

    Each is a session of its own that can be taken back; what was applied is
    read in full in the background. A rule that cannot be applied now (its drive
    is away, nothing is missing below it) is left for the next time.

    Args:
        library: the library.
        log: gets a sentence per rule that did something.

    Returns:
        The number of copies relinked.
    """
    applied = 0
    for rule in list_rules(library.db()):
        try:
            done = mapping.map_prefix(library, rule.old, rule.new, careful=True)
        except RushesError:
            continue  # said by the one who asks for it by hand; here it is the usual case
        applied += done.applied
        if done.applied:
            log(
                f"{done.applied} files of {display(rule.old)} were relinked to {display(rule.new)} by a rule."
            )
    return applied
