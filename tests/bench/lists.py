"""Every list, count and detail that a screen shows or a command prints, by the call that reads it.

A test holds this against the desk and the command layer: what is added there without being measured here, or
without being named as something else than a list, fails it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from engine.api import (
    clips,
    damage,
    exports,
    files,
    jobs,
    libraries,
    offers,
    relinks,
    volumes,
    watches,
    whereabouts,
)
from engine.api.desk import Desk
from engine.api.facts import ClipScope
from engine.api.views.clips import STATES
from engine.library import Library
from engine.storage.database import scalar

Query = Callable[[], object]

TEXTS = {
    "Desk.volumes": ("3",),
    "Desk.ingests": ("0401",),
    "Desk.exports": ("401",),
    "Desk.files": ("c000401", "zz", "a24", "c0", "12", "1", "a", "mxf", "clip/a00", "m4root"),
    "Desk.candidates": ("0123", "found", "zz"),
    "Footage.clips": ("0401", "a00", "hero", "c0", "zz", "1", "night"),
    "Footage.damaged": ("42",),
    "Shelf.twice": ("00000401", "day2/", "zz", "mxf", "9", "day29"),
    "Shelf.trash": ("00401", "mxf"),
}
"""What is typed into the filter of each list, and with a ``!`` before it: rare, frequent, absent, short."""

SCOPED = ("Footage.clips",)
"""Lists that within a scope are looked at with one text only."""


def lists(desk: Desk, library: Library) -> dict[str, dict[str, Any]]:
    """The sources of rows by the call that gives them: each with what tells several of one call apart."""
    blake3 = scalar(library.db(), "SELECT blake3 FROM assets WHERE asset_id = 801")
    clip = scalar(library.db(), "SELECT clip_id FROM clips WHERE title = 'A001C000401'")
    scopes = {"": ClipScope(), **{state: ClipScope(state=state) for state in STATES}}
    scopes["on a drive"] = ClipScope(volume_id="volume-0")
    scopes["only on a drive"] = ClipScope(volume_id="volume-0", only=True)
    scopes["only on a drive that is away"] = ClipScope(volume_id="volume-2", only=True)
    scopes["at risk on a drive"] = ClipScope(state="risk", volume_id="volume-0")
    return {
        "Desk.volumes": {"": desk.volumes()},
        "Desk.ingests": {"": desk.ingests()},
        "Desk.exports": {"": desk.exports()},
        "Desk.files": {"": desk.files("job-1")},
        "Desk.candidates": {"": desk.candidates()},
        "Footage.clips": {name: desk.footage.clips(scope) for name, scope in scopes.items()},
        "Footage.damaged": {"": desk.footage.damaged()},
        "Footage.notices": {"": desk.footage.notices()},
        "Intake.watches": {"": desk.intake.watches()},
        "Drives.past": {"": desk.drives.past("volume-0")},
        "Drives.offers": {"": desk.drives.offers(None), "of a drive": desk.drives.offers("volume-0")},
        "Finding.sessions": {"": desk.finding.sessions()},
        "Finding.rules": {"": desk.finding.rules()},
        "Shelf.copies": {"of a clip": desk.shelf.copies(clip), "of a content": desk.shelf.copies(blake3)},
        "Shelf.twice": {
            "": desk.shelf.twice(same_device=False),
            "on one device": desk.shelf.twice(same_device=True),
        },
        "Shelf.trash": {"": desk.shelf.trash()},
        "Making.recipes": {"": desk.making.recipes()},
        "Making.presets": {"": desk.making.presets()},
        "Making.parts": {"": desk.making.parts()},
        "Making.clips": {"": desk.making.clips()},
    }


def reads(desk: Desk, library: Library) -> dict[str, Query]:
    """What else the screens read, counts and details, by the call; a * is planned beside the screen."""
    task = int(scalar(library.db(), "SELECT min(task_id) FROM tasks"))
    candidate = int(scalar(library.db(), "SELECT max(candidate_id) FROM candidates"))
    clip = str(scalar(library.db(), "SELECT clip_id FROM clips WHERE title = 'A001C000401'"))
    recipe = desk.making.recipe_values("Everything")
    return {
        "Desk.header": desk.header,
        "Desk.changed": desk.changed,
        "Desk.ingests.detail, of very many files": lambda: desk.ingests().detail("job-1"),
        "Desk.last_scan": desk.last_scan,
        "Desk.log": lambda: desk.log("job-1"),
        "Desk.notices": desk.notices,
        "Desk.recipes": desk.recipes,
        "Desk.goes_with": lambda: desk.goes_with("run-7"),
        "Footage.unseen": desk.footage.unseen,
        "Intake.journal": lambda: desk.intake.journal(task),
        "Drives.claims": lambda: desk.drives.claims("volume-0"),
        "Finding.lost": desk.finding.lost,
        "Finding.proposals": lambda: desk.finding.proposals(candidate),
        "Making.items": lambda: desk.making.items([{"clip_id": clip}] * 40),
        "Making.recipe_values": lambda: desk.making.recipe_values("Everything"),
        "*Making.check_recipe": lambda: desk.making.check_recipe(recipe, "Everything"),
    }


NO_READS = {
    # What is done: verbs, and what is asked of the machine and of drives before them.
    "Desk.apply_certain", "Desk.card_check", "Desk.decide", "Desk.delete_run", "Desk.deliver",
    "Desk.eject", "Desk.export", "Desk.held_by", "Desk.job", "Desk.measure", "Desk.move", "Desk.note",
    "Desk.priority", "Desk.rerun", "Desk.scan", "Desk.start_engine", "Desk.stop_engine", "Desk.sweep",
    "Desk.volume", "Drives.colour", "Drives.dismiss", "Drives.is_settled", "Drives.offered",
    "Drives.restore_offers", "Drives.settle", "Drives.unsettle", "Finding.drop_rule", "Finding.map",
    "Finding.redo", "Finding.redo_session", "Finding.restore_rule", "Finding.undo_session",
    "Footage.favourite", "Footage.repair", "Footage.saw_all", "Footage.tag", "Footage.verify",
    "Intake.plan", "Intake.queue", "Intake.report", "Intake.rest", "Intake.unwatch", "Intake.watch",
    "Making.compare", "Making.delete_preset", "Making.delete_recipe", "Making.preset_uses",
    "Making.read_preset", "Making.read_recipe", "Making.resume_run", "Making.save_composed",
    "Making.save_part", "Making.save_preset", "Making.save_recipe", "Making.try_presets",
    "Making.write_preset", "Making.write_recipe", "Making.write_timeline", "Shelf.copy", "Shelf.delete",
    "Shelf.move",
    "Shelf.move_back", "Shelf.plan_move", "Shelf.preview_trash", "Shelf.put_aside", "Shelf.restore",
    # What knows nothing of the catalogue: files of logs, pictures, forms of presets, what a demo tells.
    "Desk.demo_notes", "Finding.look_inside", "Finding.picture", "Making.check_composed", "Making.check_part",
    "Making.check_preset", "Making.compose_fields", "Making.compose_values", "Making.log_file",
    "Making.film_of", "Making.log_tail", "Making.part_fields", "Making.part_values", "Making.preset_fields",
    "Making.preset_values", "Making.recipe_fields",
}  # fmt: skip
"""Calls of the desk that are no list and no count."""


def commands(library: Library) -> dict[str, Query]:
    """What commands list, by the function of the command layer."""

    def listed(**filters: Any) -> Query:
        return lambda: clips.list_clips(library, clips.Filters(**filters), limit=100)

    def shown() -> object:
        return relinks.show(library, int(scalar(library.db(), "SELECT max(candidate_id) FROM candidates")))

    return {
        "volumes.list_volumes": lambda: volumes.list_volumes(library),
        "volumes.list_volumes, all": lambda: volumes.list_volumes(library, everything=True),
        "volumes.show": lambda: volumes.show(library, "volume-0"),
        "volumes.history": lambda: volumes.history(library, "volume-0"),
        "volumes.low_space": lambda: volumes.low_space(library),
        "volumes.conflicts": lambda: volumes.conflicts(library),
        "whereabouts.only_on": lambda: whereabouts.only_on(library, "volume-1", 1000),
        "whereabouts.at_risk": lambda: whereabouts.at_risk(library, 1000),
        "whereabouts.where_is, a title": lambda: whereabouts.where_is(library, "A001C000401"),
        "relinks.list_candidates": lambda: relinks.list_candidates(library),
        "relinks.show": shown,
        "relinks.list_sessions": lambda: relinks.list_sessions(library),
        "relinks.list_rules": lambda: relinks.list_rules(library),
        "relinks.propose": lambda: relinks.propose(library),
        "offers.list_offers": lambda: offers.list_offers(library),
        "watches.list_watches": lambda: watches.list_watches(library),
        "damage.notices": lambda: damage.notices(library),
        "jobs.list_jobs": lambda: jobs.list_jobs(library, limit=100),
        "jobs.show": lambda: jobs.show(library, "job-1"),
        "jobs.logs": lambda: jobs.logs(library, "job-1"),
        "exports.list_runs": lambda: exports.list_runs(library, limit=100),
        "exports.show": lambda: exports.show(library, "run-7"),
        "exports.logs": lambda: exports.logs(library, "run-7"),
        "libraries.info": lambda: libraries.info(library),
        "libraries.audit_entries": lambda: libraries.audit_entries(library, "2026-01-01"),
        "files.duplicates": lambda: files.duplicates(library, limit=100),
        "files.trashed": lambda: files.trashed(library),
        "clips.list_clips": listed(),
        "clips.list_clips, text": listed(text="A001C000401"),
        "clips.list_clips, since": listed(since="2024-01-01"),
        "clips.list_clips, volume": listed(volume="volume-0"),
        **{
            f"clips.list_clips, {state}": listed(state=state)
            for state in ("online", "offline", "missing", "damaged")
        },
        "clips.show": lambda: clips.show(library, "A001C000401"),
    }


def parts_of(desk: Desk) -> Iterator[tuple[str, Any]]:
    """The desk and its parts, by the names that the calls go by."""
    for part in (desk, desk.footage, desk.intake, desk.drives, desk.finding, desk.shelf, desk.making):
        yield type(part).__name__, part


def calls_of(desk: Desk) -> set[str]:
    """All public calls of the desk and its parts."""
    return {
        f"{name}.{call}"
        for name, part in parts_of(desk)
        for call, found in vars(type(part)).items()
        if not call.startswith("_") and not isinstance(found, property)
    }
