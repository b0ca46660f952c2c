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
from engine.storage.database import Row, row, rows, write


@dataclass(frozen=True)
class Rule:
    """What was below ``old`` is now below ``new``; absolute folders."""

    rule_id: int
    old: str
    new: str
    created_at: str


def keep(db: Database, old: str, new: str) -> Rule:
    """Keep a mapping as a rule; one that is kept already stays as it is, one that was dropped comes back."""
    with write(db):
        db.execute(
            "INSERT INTO prefix_rules (old, new, created_at) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET dropped_at = NULL",
            (to_blob(old), to_blob(new), clock.now()),
        )
        audit.record(db, "relink map --keep", target=f"{display(old)} -> {display(new)}")
    return next(rule for rule in list_rules(db) if (rule.old, rule.new) == (old, new))


def list_rules(db: Database) -> list[Rule]:
    """All rules, the oldest first: the order in which they are tried."""
    return [_rule(entry) for entry in rows(db, f"SELECT * FROM prefix_rules WHERE {_KEPT} ORDER BY rule_id")]


_KEPT = "dropped_at IS NULL"


def _rule(entry: Row) -> Rule:
    return Rule(entry["rule_id"], from_blob(entry["old"]), from_blob(entry["new"]), entry["created_at"])


def delete(db: Database, rule_id: int) -> Rule:
    """Drop a rule; what it relinked stays, and :func:`restore` keeps it again.

    Raises:
        NotFound: there is none with this number.
    """
    rule = next((rule for rule in list_rules(db) if rule.rule_id == rule_id), None)
    if rule is None:
        raise NotFound(f"There is no rule {rule_id}. See: rushes relink rules list")
    with write(db):
        db.execute("UPDATE prefix_rules SET dropped_at = ? WHERE rule_id = ?", (clock.now(), rule_id))
        audit.record(db, "relink rules delete", target=f"{display(rule.old)} -> {display(rule.new)}")
    return rule


def restore(db: Database, rule_id: int | None = None) -> Rule:
    """Keep a rule again that was dropped, in its old place; None takes the one that was dropped last.

    Raises:
        NotFound: none was dropped, or not this one.
    """
    with write(db):
        found = row(
            db,
            f"SELECT * FROM prefix_rules WHERE NOT ({_KEPT}) AND (:given IS NULL OR rule_id = :given)"
            " ORDER BY dropped_at DESC, rule_id DESC LIMIT 1",
            {"given": rule_id},
        )
        if found is None:
            which = "No rule" if rule_id is None else f"No rule {rule_id}"
            raise NotFound(f"{which} was dropped, so there is none to keep again.")
        rule = _rule(found)
        db.execute("UPDATE prefix_rules SET dropped_at = NULL WHERE rule_id = ?", (rule.rule_id,))
        audit.record(db, "relink rules restore", target=f"{display(rule.old)} -> {display(rule.new)}")
    return rule


def apply(library: Library, log: Callable[[str], None], check: Callable[[], None] = lambda: None) -> int:
    """Apply every rule to missing copies whose files lie at the new place with the hash on record.

    Each is a session of its own that can be taken back; what was applied is
    read in full in the background. A rule that cannot be applied now (its drive
    is away, nothing is missing below it) is left for the next time.

    Args:
        library: the library.
        log: gets a sentence per rule that did something.
        check: called often; gives up by raising what is no RushesError. A rule is applied as a whole.

    Returns:
        The number of copies relinked.
    """
    applied = 0
    for rule in list_rules(library.db()):
        try:
            done = mapping.map_prefix(library, rule.old, rule.new, careful=True, check=check)
        except RushesError:
            continue  # said by the one who asks for it by hand; here it is the usual case
        applied += done.applied
        if done.applied:
            log(
                f"{done.applied} files of {display(rule.old)} were relinked to {display(rule.new)} by a rule."
            )
    return applied
