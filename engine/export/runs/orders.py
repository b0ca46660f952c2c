"""Queueing runs: everything that can be known to fail is refused here, before anything is queued."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound, Refused, RushesError, VolumeGone
from engine.export.planning import ability
from engine.export.planning.estimate import of_clips
from engine.export.planning.selection import Chosen, available, home_of, select
from engine.export.recipes import codecs, cube, presets, recipes
from engine.export.recipes.presets import Preset
from engine.export.recipes.recipes import Recipe
from engine.export.rendering import crew, materials
from engine.export.runs import demand, foresight, records
from engine.jobs import store
from engine.library import Library
from engine.media.tools import Tools, encoder_trouble, find_tools, has_encoder
from engine.names import display
from engine.storage import audit
from engine.storage.config import open_config, values
from engine.storage.database import row, write
from engine.volumes import places, unmounted

ENCODER = "encoder"
"""The resource that makes exports wait for each other: an encoder uses the whole processor."""


@dataclass(frozen=True)
class Queued:
    """A run that waits for the engine."""

    run_id: str
    job_id: str
    recipe: str


def queue_runs(
    library: Library, recipe_names: Sequence[str], *, preset: str | None = None, priority: int = 0
) -> list[Queued]:
    """Queue one run per recipe, all or none.

    Clips are looked up now, and everything that can be known to fail is
    refused now: unknown preset, encoder that this ffmpeg lacks, clips that are
    offline, a destination that cannot be.

    Args:
        library: the library.
        recipe_names: names or ids; each makes one run.
        preset: used instead of the recipes' own.
        priority: see :func:`engine.jobs.store.create`.

    Raises:
        NotFound: no such recipe or preset.
        Refused: with every problem of every recipe.
        ToolMissing: there is no ffmpeg.
    """
    if not recipe_names:
        raise Refused("Name the recipes to export; `rushes recipe list` shows them.")
    db, tools = library.db(), find_tools()
    chosen = [recipes.get(db, name) for name in recipe_names]
    config = open_config()
    try:
        wanted = [_preset_of(config, recipe, preset) for recipe in chosen]
    finally:
        config.close()
    problems: list[str] = []
    snapshots = []
    for recipe, how in zip(chosen, wanted, strict=True):
        snapshot, found = _snapshot(library, tools, recipe, how)
        snapshots.append((recipe, snapshot))
        problems += [f"{display(recipe.name)}: {sentence}" for sentence in found]
    if problems:
        raise Refused(*problems)
    check_room(library, [(snapshot, 0) for _, snapshot in snapshots])
    return insert(library, snapshots, priority=priority)


def _preset_of(config: Database, recipe: Recipe, instead: str | None) -> Preset:
    name = str(recipe.spec["preset"])
    if instead is None and not presets.is_there(config, name):
        raise NotFound(gone_preset(recipe.name, name))
    return presets.get(config, instead or name)


def gone_preset(recipe: str, preset: str) -> str:
    """What is said of a recipe whose preset is not there. Pure."""
    return (
        f"Recipe {display(recipe)} is encoded with the preset {display(preset)}, which is not there: "
        "it was deleted, or never came along. Choose another one in the recipe."
    )


def check_room(library: Library, snapshots: Sequence[tuple[Mapping[str, Any], int]]) -> None:
    """See whether the room for these runs is there; see :func:`engine.export.runs.demand.problems`.

    Raises:
        Refused: it is not, and the setting ``export.space`` asks for that.
    """
    if values("export.space")["export.space"] == "warn":
        return  # a run that meets a full disk stops, keeps what is finished, and says so
    problems = demand.problems(library, snapshots)
    if problems:
        raise Refused(*problems)


def _snapshot(
    library: Library, tools: Tools, recipe: Recipe, preset: Preset
) -> tuple[dict[str, Any], list[str]]:
    db, spec = library.db(), recipe.spec
    body, problems = resolved(tools, preset)
    kinds = ("video",) if body["video"] is not None else ("video", "audio")
    clips, missing = select(db, spec, kinds)
    unfit, skipped = foresight.unusable(spec, missing, clips)
    problems += unfit
    if not clips and not missing:
        problems.append("No clip fits this recipe, so there is nothing to export.")
    here: list[Chosen] = []
    away: list[Chosen] = []
    for clip in clips:
        (here if is_online(db, clip) else away).append(clip)
    if away and (spec["offline"] == "refuse" or not here):
        problems += [offline_sentence(db, clip) for clip in away]
    destination = spec["destination"] or str(library.cache_root / "exports")
    problems += destination_problems(destination, must_be_made=spec["destination"] is None)
    if spec["deliver_to"] is not None:
        problems += destination_problems(spec["deliver_to"])
    problems += not_mounted(db, spec["destination"], spec["deliver_to"])
    if not problems:
        problems += foresight.problems(tools, preset.name, spec, body, here)
    lut, lut_problem = _keep_lut(library, spec["lut"])
    if lut_problem:
        problems.append(lut_problem)
    snapshot = {
        "schema": records.SNAPSHOT_SCHEMA,
        "recipe": {"recipe_id": recipe.recipe_id, "name": recipe.name, "spec": spec},
        "preset": {"name": preset.name, "body": body},
        "clips": [records.clip_json(clip) for clip in here],
        "left_out": [
            *skipped,
            *(offline_sentence(db, clip) for clip in away),
            *foresight.unheard(spec, body),
        ],
        "destination": destination,
        "destination_volume": None if problems else volume_of(db, destination),
        "lut": lut,
        "room": None if problems else asdict(of_clips(here, spec, body)),
    }
    return snapshot, problems


def resolved(tools: Tools, preset: Preset) -> tuple[dict[str, Any], list[str]]:
    """A preset's body with the encoder that this ffmpeg has for it, and sentences about what it lacks."""
    body = json.loads(json.dumps(preset.body))
    problems = []
    if body["video"] is not None:
        codec = codecs.VIDEO[body["video"]["codec"]]
        wanted = [body["video"]["encoder"]] if body["video"]["encoder"] else list(codec.encoders)
        encoder = next((name for name in wanted if has_encoder(tools, name)), None)
        body["video"]["encoder"] = encoder or wanted[0]
        if encoder is None:
            problems.append(
                f"This ffmpeg ({tools.version}) has no encoder {' or '.join(wanted)}, which preset "
                f"{display(preset.name)} needs: {encoder_trouble(tools, wanted[0])}. Choose another preset."
            )
    if body["audio"] is not None:
        encoder = codecs.AUDIO[body["audio"]["codec"]].encoders[0]
        if not has_encoder(tools, encoder):
            problems.append(
                f"This ffmpeg ({tools.version}) has no encoder {encoder}, which preset "
                f"{display(preset.name)} needs. Choose another preset."
            )
    return body, problems or ability.problems(tools, preset.name, body)


def encoder_of(body: Mapping[str, Any]) -> str:
    """The resource that a run needs for itself: the processor, or one family of hardware encoders."""
    family = crew.hardware((body["video"] or {}).get("encoder"))
    return f"{ENCODER}:{family}" if family else ENCODER


def is_online(db: Database, clip: Chosen) -> bool:
    """Whether every file of a clip can be read now."""
    return bool(clip.files) and all(available(db, file.asset_id) for file in clip.files)


def offline_sentence(db: Database, clip: Chosen) -> str:
    """Why a clip cannot be read, and what brings it back."""
    for file in clip.files:
        if available(db, file.asset_id) is None:
            home = home_of(db, file.asset_id)
            if home is not None:
                return f"Clip {display(clip.title)} is offline: connect {display(home[1])}."
    return f"Clip {display(clip.title)} is missing from its drive: relink it first."


def destination_problems(folder: str, *, must_be_made: bool = False) -> list[str]:
    """Why files cannot be put into ``folder``, as sentences; none when they can. It is not made yet.

    A mount that does not answer is a problem after a few seconds, and blocks nobody.
    """
    shown = display(folder)
    try:
        found = places.folder(folder)
    except VolumeGone as error:
        return [str(error)]
    except OSError as error:
        return [f"The folder {shown} cannot be reached: {error.strerror}."]
    above = display(os.path.dirname(folder.rstrip("/")) or "/")
    if found["is_dir"]:
        return [] if found["may_write"] else [f"The folder {shown} may not be written to."]
    if found["exists"]:
        return [f"{shown} is not a folder."]
    if not found["above_is_dir"] and not must_be_made:
        return [f"{above} does not exist, so the folder {shown} cannot be made in it."]
    if found["above_is_dir"] and not found["above_may_write"]:
        return [f"The folder {shown} cannot be made: {above} may not be written to."]
    return []


def not_mounted(db: Database, *folders: str | None) -> list[str]:
    """Of folders that should show a drive which is not mounted: a sentence each. None is no folder."""
    found = []
    for folder in folders:
        try:
            problem = None if folder is None else unmounted.of_folder(db, folder)
        except RushesError as error:
            problem = str(error)
        if problem is not None:
            found.append(problem)
    return found


def volume_of(db: Database, folder: str) -> str | None:
    """The volume that ``folder``, or what there is of the way to it, lies on. None: it cannot be told."""
    while not os.path.isdir(folder) and folder != "/":
        folder = os.path.dirname(folder)
    try:
        return places.place_of(db, folder).volume_id
    except RushesError:
        return None


def _keep_lut(library: Library, path: str | None) -> tuple[dict[str, str] | None, str | None]:
    """Copy a colour table beside the runs, under its hash: a rerun needs the same one."""
    if path is None:
        return None, None
    problem = cube.problem(path)
    if problem is not None:
        return None, problem
    try:
        digest = materials.keep(library, path, "cube")
    except RushesError as error:
        return None, str(error)
    return {"name": display(os.path.basename(path)), "hash": digest}, None


def insert(
    library: Library,
    snapshots: Sequence[tuple[Recipe, Mapping[str, Any]]],
    *,
    priority: int = 0,
    name: str | None = None,
    resumed_from: str | None = None,
    fresh: bool = False,
    spared: int = 0,
) -> list[Queued]:
    """Write a batch with a run and a job per snapshot, in one transaction.

    Args:
        library: the library.
        snapshots: recipe and what is frozen into its run.
        priority: of the jobs.
        name: of the runs; None takes the recipe's.
        resumed_from: the run that is continued.
        fresh: take over no segment of other runs.
        spared: bytes of parts that exist already.
    """
    db, moment = library.db(), clock.now()
    batch_id = str(uuid.uuid4())
    queued = []
    with write(db):
        db.execute(
            "INSERT INTO batches (batch_id, kind, name, created_at, created_by)"
            " VALUES (?, 'export', ?, ?, ?)",
            (batch_id, ", ".join(display(recipe.name) for recipe, _ in snapshots), moment, audit.who()),
        )
        for position, (recipe, snapshot) in enumerate(snapshots):
            run_id = str(uuid.uuid4())
            preset = snapshot["preset"]["name"]
            job_id = store.create(
                db,
                "export",
                f"{display(name or recipe.name)} ({display(preset)})",
                {"run_id": run_id, "fresh": fresh},
                batch_id=batch_id,
                resources=(encoder_of(snapshot["preset"]["body"]),),
                priority=priority,
                needs=demand.needs(library, snapshot, spared=spared),
            )
            known = row(db, "SELECT 1 FROM recipes WHERE recipe_id = ?", (recipe.recipe_id,))
            db.execute(
                "INSERT INTO runs (run_id, recipe_id, job_id, name, recipe_name, snapshot, resumed_from,"
                " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    recipe.recipe_id if known else None,
                    job_id,
                    name or recipe.name,
                    recipe.name,
                    json.dumps(snapshot),
                    resumed_from,
                    moment,
                ),
            )
            db.execute(
                "INSERT INTO batch_items (batch_id, position, recipe_id, job_id) VALUES (?, ?, ?, ?)",
                (batch_id, position, recipe.recipe_id if known else None, job_id),
            )
            queued.append(Queued(run_id, job_id, recipe.name))
    return queued
