"""Recipes and presets as the screens see them: rows, forms, and the verbs for their keys.

Reads belong to the thread that made the object, checks and verbs may be called from any.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Container, Mapping, Sequence
from typing import Any

from engine.api import (
    compose_form,
    exports,
    preset_fields,
    preset_form,
    recipe_fields,
    recipe_form,
    views,
)
from engine.api import presets as preset_verbs
from engine.api import recipes as recipe_verbs
from engine.api.facts import ClipRow
from engine.api.forms import Check, Fact, Field, Values
from engine.api.making_rows import (
    Answers,
    ItemLine,
    Listed,
    PartEntry,
    PresetEntry,
    RecipeEntry,
    in_words,
)
from engine.errors import Refused
from engine.export.recipes import body as body_rules
from engine.export.recipes import concerns, presets, recipes, stamps
from engine.export.recipes.presets import Preset
from engine.export.recipes.recipes import Recipe
from engine.export.runs import orders
from engine.library import Library
from engine.names import display
from engine.storage import config
from engine.storage.database import rows


class Making:
    """Recipes of one library and presets of this machine."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._tried: dict[str, str | None] = {}

    # -- recipes ---------------------------------------------------------------
    def recipes(self) -> Listed[RecipeEntry]:
        """All recipes."""
        return Listed(
            self._recipe_rows,
            lambda entry: f"{entry.name} {entry.preset} {entry.mode}",
            {
                "name": lambda entry: entry.name.casefold(),
                "newest": lambda entry: [-ord(char) for char in entry.last_run_at or ""],
                "preset": lambda entry: (entry.preset.casefold(), entry.name.casefold()),
            },
            {
                "active": lambda entry: entry.last_status in ("pending", "running", "paused", "interrupted"),
                "failed": lambda entry: (
                    entry.is_lost or entry.last_status in ("failed", "completed_with_warnings")
                ),
            },
            self._recipe_detail,
        )

    def _recipe_rows(self) -> list[RecipeEntry]:
        listed, ran = recipes.list_recipes(self._library.db()), recipe_verbs.newest_runs(self._library)
        lost = recipe_verbs.lost_presets(recipe.spec["preset"] for recipe in listed)
        return [_recipe_row(recipe, ran.get(recipe.recipe_id), lost) for recipe in listed]

    def _recipe_detail(self, entry: RecipeEntry) -> Answers:
        values = recipe_form.values_of(self._library, entry.recipe_id)
        said = (orders.gone_preset(entry.name, entry.preset),) if entry.is_lost else ()
        return Answers(entry.name, tuple(in_words(self.recipe_fields(values), values)), problems=said)

    def recipe_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a recipe's form for these answers."""
        del values
        return recipe_fields.fields([(entry.name, f"{entry.name}  {entry.description}") for entry in _all()])

    def recipe_values(self, name: str | None) -> dict[str, Any]:
        """The answers of a recipe (by name or id); None begins a new one.

        Raises:
            NotFound: there is none.
        """
        return recipe_form.values_of(self._library, name)

    def check_recipe(self, values: Values, was: str | None) -> Check:
        """What is wrong with the answers, and what they would come to. May take a while with many clips."""
        return recipe_form.check(self._library, values, was)

    def save_recipe(self, values: Values, was: str | None) -> str:
        """Store a new recipe, or change the one called ``was``. Returns its name."""
        return recipe_form.save(self._library, values, was)

    def delete_recipe(self, name: str) -> None:
        """Delete a recipe; its runs and films stay."""
        recipe_verbs.delete_recipe(self._library, name)

    def write_recipe(self, name: str, path: str) -> str:
        """Write a recipe to a new file. Returns the path.

        Raises:
            Refused: the file exists, or cannot be written.
        """
        return write_new(path, recipe_verbs.recipe_text(self._library, name), f"{name}.recipe.json")

    def read_recipe(self, path: str, name: str | None = None) -> str:
        """Make a recipe from a file, under its own name or ``name``. Returns its name.

        Raises:
            NameTaken: there is one of that name.
            WrongUse: it is no such file.
        """
        return str(recipe_verbs.import_recipe(self._library, path, name)["name"])

    def items(self, given: Sequence[Mapping[str, Any]]) -> list[ItemLine]:
        """The clips of an explicit list, with what is known of them."""
        found = rows(
            self._library.db(),
            "SELECT rowid AS number FROM clips WHERE clip_id IN (SELECT value FROM json_each(?))",
            (json.dumps([entry["clip_id"] for entry in given]),),
        )
        clips = {clip.clip_id: clip for clip in self.clips().rows([entry["number"] for entry in found])}
        return [_item(entry, clips.get(entry["clip_id"])) for entry in given]

    def clips(self) -> views.Clips:
        """All clips of the library, to choose from."""
        return views.Clips(self._library)

    def write_timeline(self, name: str, path: str) -> list[str]:
        """Write a recipe's timeline for editing programs; the path's ending says which.

        Returns:
            sentences: where it lies, and what the format could not carry.

        Raises:
            WrongUse: an ending of no known format.
            Refused: the file exists, or nothing can be written.
        """
        return list(recipe_verbs.write_timeline(self._library, name, path))

    # -- presets ---------------------------------------------------------------
    def presets(self) -> Listed[PresetEntry]:
        """All presets, by category."""
        places = {category: at for at, category in enumerate(body_rules.CATEGORIES)}
        return Listed(
            lambda: [_preset_row(preset, self._tried.get(_key(preset))) for preset in _all()],
            lambda entry: (
                f"{entry.name} {entry.description} {entry.category} {entry.video} {entry.container}"
            ),
            {
                "category": lambda entry: places.get(entry.category, len(places)),
                "name": lambda entry: entry.name.casefold(),
            },
            {"active": lambda entry: not entry.is_system, "failed": lambda entry: entry.unable is not None},
            self._preset_detail,
        )

    def _preset_detail(self, entry: PresetEntry) -> Answers:
        if entry.is_broken:
            return Answers(entry.name, (), problems=(entry.unable or "",))
        preset = _get(entry.name)
        if preset.composed is not None:
            values = compose_form.values_of(entry.name)
            answers = in_words(compose_form.fields(), values)
        else:
            values = preset_form.values_of(entry.name)
            answers = in_words(preset_fields.fields(values), values)
        return Answers(
            entry.name,
            tuple(answers),
            preset_form.facts_of(preset),
            (entry.unable,) if entry.unable else (),
            preset_form.command_of(preset),
        )

    def try_presets(self, seconds: float = 0.7) -> bool:
        """Try presets on this ffmpeg that were not tried yet, for about so long; True when all are.

        Each costs some tenths of a second once: a picture is really encoded. Any thread but the screen's.
        """
        end = time.monotonic() + seconds
        for preset in _all():
            if _key(preset) in self._tried:
                continue
            if time.monotonic() > end:
                return False
            sentences = [preset.trouble] if preset.trouble else preset_form.unable(preset)
            self._tried[_key(preset)] = " ".join(sentences) or None
        return True

    def preset_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a preset's form for these answers."""
        return preset_fields.fields(values)

    def preset_values(self, name: str | None) -> dict[str, Any]:
        """The answers of a preset; None begins a new one.

        Raises:
            NotFound: there is none.
        """
        return preset_form.values_of(name)

    def check_preset(self, values: Values, was: str | None) -> Check:
        """What is wrong with the answers, and the arguments that they stand for."""
        return preset_form.check(values, was)

    def save_preset(self, values: Values, was: str | None) -> str:
        """Store a new preset, or change the one called ``was``. Returns its name."""
        return preset_form.save(values, was)

    def compose_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a preset that is put together from parts."""
        del values
        return compose_form.fields()

    def compose_values(self, name: str | None) -> dict[str, Any]:
        """The answers of a composed preset; None begins a new one."""
        return compose_form.values_of(name)

    def check_composed(self, values: Values, was: str | None) -> Check:
        """What is wrong with the parts, and what they make."""
        return compose_form.check(values, was)

    def save_composed(self, values: Values, was: str | None) -> str:
        """Store a composed preset. Returns its name."""
        return compose_form.save(values, was)

    def parts(self) -> Listed[PartEntry]:
        """All parts that presets are put together from, by concern."""
        places = {concern: at for at, concern in enumerate(concerns.CONCERNS)}
        return Listed(
            _part_rows,
            lambda entry: f"{entry.name} {entry.concern} {entry.settings} {' '.join(entry.used_by)}",
            {
                "concern": lambda entry: places[entry.concern],
                "name": lambda entry: entry.name.casefold(),
            },
            {"active": lambda entry: not entry.is_system, "failed": lambda entry: bool(entry.used_by)},
            self._part_detail,
        )

    def _part_detail(self, entry: PartEntry) -> Answers:
        values = {"name": entry.name, "concern": entry.concern, **entry.given}
        users = tuple(Fact("Used by", name) for name in entry.used_by)
        return Answers(entry.name, tuple(in_words(self.part_fields(values), values)), users)

    def part_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a part for composed presets."""
        return compose_form.part_fields(values)

    def part_values(self, name: str | None) -> dict[str, Any]:
        """The answers of a part; None begins a new one."""
        return compose_form.part_values(name)

    def check_part(self, values: Values, was: str | None) -> Check:
        """What is wrong with a part."""
        return compose_form.check_part(values, was)

    def save_part(self, values: Values, was: str | None) -> str:
        """Store a new part, or change the one called ``was``. Returns its name."""
        return compose_form.save_part(values, was)

    def preset_uses(self, names: Sequence[str]) -> str:
        """Which recipes, of all libraries, deleting these presets would leave without one, as a sentence.

        Empty when there is none. Opens every library that can be reached.
        """
        return " ".join(filter(None, (preset_verbs.told(preset_verbs.uses(name)) for name in names)))

    def delete_preset(self, name: str) -> None:
        """Delete a preset, or a part, of one's own."""
        preset_verbs.delete_preset(name)

    def write_preset(self, name: str, path: str) -> str:
        """Write a preset to a new file. Returns the path."""
        return write_new(path, preset_verbs.preset_text(name), f"{name}.preset.json")

    def read_preset(self, path: str, name: str | None = None) -> str:
        """Make a preset from a file, as :meth:`read_recipe`."""
        return str(preset_verbs.import_preset(path, name)["name"])

    # -- runs ------------------------------------------------------------------
    def resume_run(self, run_id: str) -> str:
        """Go on with a cancelled run as a new one that takes over its finished segments. Returns its id."""
        return str(exports.again(self._library, run_id, "resume")["runs"][0]["run_id"])

    def film_of(self, run_id: str) -> str:
        """Where a run's film, or folder of files, is. Any thread.

        Raises:
            Refused, NotFound: it has none, or it is not there.
        """
        return exports.output_of(self._library, run_id)

    def log_file(self, run_id: str) -> str | None:
        """The file with everything that ffmpeg said during a run, or None."""
        return exports.log_file(self._library, run_id)

    def log_tail(self, run_id: str) -> list[str]:
        """The last lines of that file, escaped. Any thread."""
        return exports.log_tail(self._library, run_id)

    def compare(self, one: str, other: str) -> dict[str, Any]:
        """Two runs side by side, see :func:`engine.export.runs.runs.compare`."""
        return exports.compare(self._library, one, other)


def write_new(path: str, text: str, name: str) -> str:
    """Write text to a new file; a folder gets a file called ``name`` in it. Returns the path.

    Raises:
        Refused: a file is there already, or it cannot be written.
    """
    if os.path.isdir(path):
        path = os.path.join(path, name.replace("/", "_"))
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise Refused(f"{display(path)} exists already and was left as it is; give another name.") from error
    except OSError as error:
        raise Refused(f"{display(path)} cannot be written: {error.strerror}.") from error
    return path


def _all() -> list[Preset]:
    db = config.open_config()
    try:
        return presets.list_presets(db)
    finally:
        db.close()


def _get(name: str) -> Preset:
    db = config.open_config()
    try:
        return presets.get(db, name)
    finally:
        db.close()


def _recipe_row(recipe: Recipe, newest: Mapping[str, Any] | None, lost: Container[str]) -> RecipeEntry:
    spec = recipe.spec
    return RecipeEntry(
        recipe.recipe_id,
        recipe.name,
        spec["mode"],
        spec["layout"],
        spec["preset"],
        spec["destination"],
        recipe.updated_at,
        newest["runs"] if newest else 0,
        newest["last_run_at"] if newest else None,
        newest["last_status"] if newest else None,
        spec["preset"] in lost,
    )


def _item(entry: Mapping[str, Any], clip: ClipRow | None) -> ItemLine:
    length = clip.duration_ms if clip else None
    return ItemLine(
        entry["clip_id"],
        clip.title if clip else None,
        clip.fps if clip else None,
        round(length * clip.fps / 1000) if clip and clip.fps and length else None,
        entry.get("in_frame"),
        entry.get("out_frame"),
        clip.state if clip else None,
    )


def _key(preset: Preset) -> str:
    """What decides whether this machine can encode with a preset."""
    return f"{preset.name} {json.dumps(preset.body, sort_keys=True)}"


def _part_rows() -> list[PartEntry]:
    db = config.open_config()
    try:
        found = presets.parts_in_use(db)
    finally:
        db.close()
    rows_of = []
    for part, users in found:
        given = dict(part.settings)
        if "burn_in" in given:
            given["burn_in"] = stamps.text_of(given["burn_in"])
        text = compose_form.settings_text(part.settings)
        rows_of.append(PartEntry(part.concern, part.name, part.is_system, text, tuple(users), given))
    return rows_of


def _preset_row(preset: Preset, unable: str | None) -> PresetEntry:
    body = preset.body
    return PresetEntry(
        preset.name,
        preset.description,
        body["category"],
        preset.is_system,
        body["video"]["codec"] if body["video"] else None,
        body["audio"]["codec"] if body["audio"] else None,
        preset.container,
        preset.trouble or unable,
        preset.composed is not None,
        preset.trouble is not None,
    )
