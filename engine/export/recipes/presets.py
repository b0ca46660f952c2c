"""Presets: how to encode. Global, in the config database; the system ones are part of the program.

A preset is a JSON object (its *body*), checked when it is made and again when
it is used. A run keeps a full copy, so that a rerun does not depend on what
became of the preset.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import NameTaken, NotFound, Refused, RushesError, ToolMissing, WrongUse
from engine.export.recipes import codecs, concerns, files, hardware, renames
from engine.export.recipes.body import SCHEMA, checked
from engine.media.tools import find_tools, has_encoder
from engine.names import display
from engine.storage.database import Row, execute, row, rows, write

NAME_LIMIT = 60
"""Longest name, in characters."""


@dataclass(frozen=True)
class Preset:
    """A named way to encode.

    Attributes:
        name: unique, letter case ignored.
        description: one line for people.
        is_system: part of the program; cannot be changed or deleted.
        body: the checked settings, see :func:`engine.export.recipes.body.checked`.
        composed: the parts that it is put together from, see :mod:`.concerns`; else None.
        trouble: why its parts do not make a preset any more, as a sentence; ``body`` is a stand-in then.
    """

    name: str
    description: str
    is_system: bool
    body: dict[str, Any]
    composed: dict[str, str] | None = None
    trouble: str | None = None

    @property
    def container(self) -> str:
        """Container and file extension."""
        return str(self.body["container"])

    def to_json(self) -> dict[str, Any]:
        """The form that is shown."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "description": self.description,
            "is_system": self.is_system,
            **({"composed": self.composed} if self.composed else {}),
            **({"trouble": self.trouble} if self.trouble else {}),
            **{key: value for key, value in self.body.items() if key != "schema"},
        }


@dataclass(frozen=True)
class Part:
    """A part of composed presets that settles one concern. See :mod:`engine.export.recipes.concerns`."""

    concern: str
    name: str
    is_system: bool
    settings: dict[str, Any]


# -- stored --------------------------------------------------------------------


def list_presets(db: Database) -> list[Preset]:
    """All presets: the system's first, then those for graphics cards that work here, the others by name."""
    from engine.export.recipes.system_presets import SYSTEM

    return [*SYSTEM.values(), *_for_cards(), *(_listed(db, entry) for entry in _own(db))]


def _own(db: Database) -> list[Row]:
    """What is stored of presets; parts are stored beside them."""
    return [entry for entry in _stored(db) if "concern" not in json.loads(entry["body"])]


def _listed(db: Database, found: Row) -> Preset:
    """A stored preset; one whose parts are gone or do not fit says so, and breaks no list."""
    try:
        return _from_row(db, found)
    except RushesError as error:
        parts = json.loads(found["body"]).get("composed")
        stand_in = checked({"video": {"codec": "libx264"}})
        return Preset(found["name"], found["description"], False, stand_in, parts, str(error))


def _for_cards() -> list[Preset]:
    from engine.export.recipes.system_presets import HARDWARE

    try:
        tools = find_tools()
    except ToolMissing:
        return []
    return [preset for preset in HARDWARE.values() if has_encoder(tools, preset.body["video"]["encoder"])]


def list_parts(db: Database) -> list[Part]:
    """All parts for composed presets, by concern: the system's first."""
    found = [
        Part(concern, name, True, concerns.checked_part(concern, settings))
        for concern, entries in concerns.SYSTEM.items()
        for name, settings in entries.items()
    ]
    for entry in _stored(db):
        body = json.loads(entry["body"])
        if "concern" in body:
            found.append(Part(body["concern"], entry["name"], False, body["settings"]))
    return sorted(found, key=lambda part: concerns.CONCERNS.index(part.concern))


def _stored(db: Database) -> list[Row]:
    return rows(db, "SELECT * FROM presets WHERE is_system = 0 ORDER BY name COLLATE NOCASE")


def get(db: Database, name: str) -> Preset:
    """Return a preset by its name, letter case ignored.

    Raises:
        NotFound: there is none, the known ones are listed; or a part of it is gone.
    """
    from engine.export.recipes.system_presets import SYSTEM

    system = _system(name)
    if system is not None:
        return system
    found = _own_row(db, name)
    if found is None:
        here = [*SYSTEM.values(), *_for_cards()]
        known = ", ".join([*(preset.name for preset in here), *(entry["name"] for entry in _own(db))])
        raise NotFound(f"There is no preset {display(name)}; known: {known}.")
    return _from_row(db, found)


def is_there(db: Database, name: str) -> bool:
    """Whether :func:`get` would find a preset of this name."""
    return _system(name) is not None or _own_row(db, name) is not None


def _system(name: str) -> Preset | None:
    from engine.export.recipes.system_presets import HARDWARE, SYSTEM

    return SYSTEM.get(name.strip().lower()) or HARDWARE.get(name.strip().lower())


def _own_row(db: Database, name: str) -> Row | None:
    """The stored preset of this name, or of the one it has now; parts are none."""
    own = "SELECT * FROM presets WHERE name = ? AND is_system = 0"
    found = row(db, own, (name.strip(),)) or row(db, own, (renames.known_as(db, name),))
    return None if found is None or "concern" in json.loads(found["body"]) else found


def create(db: Database, name: str, body: Mapping[str, Any], description: str = "") -> Preset:
    """Store a new preset. ``body`` holds its settings, or ``composed`` and nothing else.

    Raises:
        WrongUse: the name is blank or too long, or the body is wrong (see :func:`.body.checked`
            and :func:`.concerns.checked_parts`).
        NotFound: a part of a composed preset does not exist.
        Refused: the name is taken.
    """
    preset, stored = _new(db, checked_name(name), body, description)
    _insert(db, preset.name, preset.description, stored)
    return preset


def _new(
    db: Database, name: str, body: Mapping[str, Any], description: str
) -> tuple[Preset, Mapping[str, Any]]:
    """A preset, and what is stored of it."""
    if "composed" not in body:
        preset = Preset(name, description.strip(), is_system=False, body=checked(body))
        return preset, preset.body
    if set(body) - {"schema", "category", "composed"}:
        raise WrongUse("A composed preset holds no settings of its own, only composed.")
    parts = concerns.checked_parts(body["composed"])
    preset = Preset(name, description.strip(), False, _put_together(db, parts), parts)
    return preset, {"schema": SCHEMA, "composed": parts}


def composed(db: Database, name: str, parts: Mapping[str, str]) -> Preset:
    """The preset that these parts make, not stored: for a look at it beforehand.

    Raises:
        WrongUse, NotFound: as :func:`create`.
    """
    return _new(db, name, {"composed": dict(parts)}, "")[0]


def edit(
    db: Database, name: str, body: Mapping[str, Any], description: str, *, new_name: str | None = None
) -> Preset:
    """Change a preset of one's own; runs that were queued keep their own copy.

    Recipes follow a new name, see :func:`engine.export.recipes.renames.carry`.

    Raises:
        WrongUse: as :func:`create`.
        Refused: it is a system preset, or the new name is taken.
        NotFound: there is none.
    """
    after = checked_name(new_name) if new_name is not None else None
    with write(db):
        preset = get(db, name)
        if preset.is_system:
            raise Refused(
                f"{preset.name} is a system preset; it cannot be changed. Copy it under another name."
            )
        after = after or preset.name
        _, stored = _new(db, after, body, description)
        _check_free(db, after, preset.name)
        db.execute(
            "UPDATE presets SET name = ?, description = ?, body = ? WHERE name = ?",
            (after, description.strip(), json.dumps(stored), preset.name),
        )
        _follow(db, preset.name, after)
        renames.keep(db, preset.name, after)
    renames.carry(db, preset.name, after)
    return get(db, after)


def _follow(db: Database, before: str, after: str) -> None:
    """Let composed presets name a part by its new name, and see that they still go together.

    Raises:
        Refused: one would not; undo the change.
    """
    for entry in _own(db):
        body = json.loads(entry["body"])
        parts = body.get("composed", {})
        if before.lower() not in map(str.lower, parts.values()):
            continue
        body["composed"] = {
            concern: after if name.lower() == before.lower() else name for concern, name in parts.items()
        }
        db.execute("UPDATE presets SET body = ? WHERE name = ?", (json.dumps(body), entry["name"]))
        try:
            _put_together(db, body["composed"])
        except RushesError as error:
            raise Refused(
                f"{display(entry['name'])} is put together from {display(before)} and would not fit any"
                f" more: {error} Nothing was changed."
            ) from error


def parts_in_use(db: Database) -> list[tuple[Part, list[str]]]:
    """All parts, each with the names of the presets that are put together from it."""
    made = [preset for preset in list_presets(db) if preset.composed]
    return [
        (
            part,
            [
                preset.name
                for preset in made
                if (preset.composed or {}).get(part.concern, "").lower() == part.name.lower()
            ],
        )
        for part in list_parts(db)
    ]


def create_part(db: Database, concern: str, name: str, settings: Mapping[str, Any]) -> Part:
    """Store a part for composed presets.

    Raises:
        WrongUse: see :func:`engine.export.recipes.concerns.checked_part`; or a bad name.
        Refused: the name is taken, by a preset or by a part.
    """
    part = Part(concern, checked_name(name, "part"), False, concerns.checked_part(concern, settings))
    _check_part_name(part.name)
    _insert(db, part.name, "", {"schema": SCHEMA, "concern": concern, "settings": part.settings})
    return part


def edit_part(db: Database, name: str, settings: Mapping[str, Any], *, new_name: str | None = None) -> Part:
    """Change a part of one's own; presets that are put together from it change with it.

    Raises:
        WrongUse: see :func:`engine.export.recipes.concerns.checked_part`; or a bad name.
        Refused: it is always there, the new name is taken, or a composed preset would not fit any more.
        NotFound: there is none.
    """
    after = checked_name(new_name, "part") if new_name is not None else None
    with write(db):
        part = get_part(db, name)
        if part.is_system:
            raise Refused(f"{part.name} is a part that is always there; it cannot be changed.")
        after = after or part.name
        if after.lower() != part.name.lower():
            _check_part_name(after)
            _check_free(db, after)
        made = Part(part.concern, after, False, concerns.checked_part(part.concern, settings))
        body = {"schema": SCHEMA, "concern": made.concern, "settings": made.settings}
        db.execute(
            "UPDATE presets SET name = ?, body = ? WHERE name = ?", (after, json.dumps(body), part.name)
        )
        _follow(db, part.name, after)
    return made


def get_part(db: Database, name: str) -> Part:
    """Return a part by its name, letter case ignored; of one's own before one that is always there.

    Raises:
        NotFound: there is none.
    """
    found = [part for part in list_parts(db) if part.name.lower() == name.strip().lower()]
    if not found:
        raise NotFound(f"There is no part {display(name)}.")
    return next((part for part in found if not part.is_system), found[0])


def _check_part_name(name: str) -> None:
    """Raise Refused when a part that is always there has this name."""
    if any(name.lower() in entries for entries in concerns.SYSTEM.values()):
        raise Refused(f"There is a part {display(name)} already. Choose another name.")


def _check_free(db: Database, name: str, was: str | None = None) -> None:
    """Raise Refused when a preset, or a stored part, but the one that is called ``was``, has this name."""
    from engine.export.recipes.system_presets import HARDWARE, SYSTEM

    taken = row(db, "SELECT body FROM presets WHERE name = ? AND name != ?", (name, was or ""))
    if taken or name.lower() in (*SYSTEM, *HARDWARE):
        noun = "part" if taken and "concern" in json.loads(taken["body"]) else "preset"
        raise NameTaken(
            f"There is a {noun} {display(name)} already. Choose another name, or delete it first."
        )
    if earlier := renames.taken_by(db, name, was):
        raise Refused(earlier)


def checked_name(name: str, noun: str = "preset") -> str:
    """Return the name of a preset, or of a part of presets, as it is stored.

    Raises:
        WrongUse: it is blank, too long, or not printable.
    """
    name = name.strip()
    if not name or len(name) > NAME_LIMIT or display(name) != name:
        raise WrongUse(f"A {noun}'s name has 1 to {NAME_LIMIT} printable characters.")
    return name


def check_name(db: Database, name: str, was: str | None, noun: str = "preset") -> None:
    """See that a preset or a part (``noun``) can be called this; ``was`` is its name now, None of a new one.

    Raises:
        WrongUse: see :func:`checked_name`.
        Refused: the name is taken.
    """
    name = checked_name(name, noun)
    if was is not None and name.lower() == was.lower():
        return
    if noun == "part":
        _check_part_name(name)
    _check_free(db, name, was)


def _insert(db: Database, name: str, description: str, body: Mapping[str, Any]) -> None:
    with write(db):
        _check_free(db, name)
        db.execute(
            "INSERT INTO presets (name, description, is_system, body, created_at) VALUES (?, ?, 0, ?, ?)",
            (name, description, json.dumps(body), clock.now()),
        )


def delete(db: Database, name: str) -> None:
    """Delete a preset, or a part of composed ones. Runs keep their own copy.

    Recipes that name it stay; see :mod:`engine.export.recipes.uses`.

    Raises:
        Refused: it is a system preset, or a composed preset needs it.
        NotFound: there is none.
    """
    execute(db, "DELETE FROM presets WHERE name = ?", (deletable(db, name),))


def deletable(db: Database, name: str) -> str:
    """The stored name of a preset or part that may be deleted. Raises as :func:`delete`."""
    name = name.strip()
    stored = next((entry["name"] for entry in _stored(db) if entry["name"].lower() == name.lower()), None)
    if stored is None:
        if any(name.lower() in entries for entries in concerns.SYSTEM.values()):
            raise Refused(f"{display(name)} is a part that is always there; it cannot be deleted.")
        preset = get(db, name)
        raise Refused(f"{preset.name} is a system preset; it cannot be deleted. Copy it under another name.")
    users = [
        entry["name"]
        for entry in _stored(db)
        if name.lower() in map(str.lower, json.loads(entry["body"]).get("composed", {}).values())
    ]
    if users:
        raise Refused(f"{display(name)} is a part of {display(', '.join(users))}. Delete that first.")
    return str(stored)


def export_text(preset: Preset) -> str:
    """The preset as the text of a file that :func:`import_text` reads on any machine."""
    # What a composed preset stands for travels, not the names of its parts: they may be missing elsewhere.
    told = {key: value for key, value in preset.to_json().items() if key != "composed"}
    return json.dumps({**told, "is_system": False}, indent=2) + "\n"


def import_text(db: Database, text: str, name: str | None = None) -> Preset:
    """Store the preset that a file holds, under its own name or ``name``.

    Raises:
        WrongUse: the text is no preset of a schema that is known.
        Refused: the name is taken.
    """
    found = files.read(text, "preset", SCHEMA)
    own_name, description = str(found.pop("name", "")), str(found.pop("description", ""))
    found.pop("is_system", None)
    return create(db, name or own_name, found, description)


_SHARES = {"1/2": "trunc(iw/4)*2:trunc(ih/4)*2", "1/4": "trunc(iw/8)*2:trunc(ih/8)*2"}
"""A share of the picture's size as ffmpeg's scale filter writes it."""


def arguments(preset: Preset, fps: Fraction = Fraction(25)) -> list[str]:
    """The ffmpeg arguments that a preset stands for, to show and to copy into a shell.

    The renderer uses the same parts, spread over its segments and the join.
    """
    body = preset.body
    video, audio = body["video"], body["audio"]
    args: list[str] = []
    if video is not None:
        args += codecs.video_arguments(video, fps)
    tag = codecs.VIDEO[video["codec"]].tag if video else None
    if audio is not None:
        args += codecs.audio_arguments(audio)
    filters = []
    if video is not None and body["fit"]:
        side = body["fit"]
        filters.append(f"scale={side}:{side}:force_original_aspect_ratio=decrease:force_divisible_by=2")
    if video is not None and body["scale"]:
        filters.append(f"scale={_SHARES.get(body['scale'], body['scale'])}")
    if video is not None and body["filters"]:
        filters.append(body["filters"])
    card = hardware.ENCODERS.get(codecs.encoder_of(video)) if video is not None else None
    if card is not None and card.upload:
        filters.append(card.upload)
    if filters:
        args += ["-vf", ",".join(filters)]
    if video is not None and body["fps"]:
        args += ["-r", body["fps"]]
    return args + codecs.muxer_arguments(body["container"], faststart=body["faststart"], tag=tag)


def _from_row(db: Database, found: Row) -> Preset:
    body = json.loads(found["body"])
    if "composed" in body:
        parts = body["composed"]
        return Preset(found["name"], found["description"], False, _put_together(db, parts), parts)
    return Preset(found["name"], found["description"], bool(found["is_system"]), checked(body))


def _put_together(db: Database, parts: Mapping[str, str]) -> dict[str, Any]:
    def codec(name: str) -> Mapping[str, Any]:
        preset = get(db, name)
        if preset.composed:
            raise WrongUse(f"{display(name)} is composed itself; the part for codec is a preset that is not.")
        return preset.body

    def settings(concern: str, name: str) -> Mapping[str, Any]:
        parts = [part for part in list_parts(db) if part.concern == concern]
        for part in parts:
            if part.name.lower() == name.lower():
                return part.settings
        known = ", ".join(part.name for part in parts)
        raise NotFound(f"There is no part {display(name)} for {concern}; known: {known}.")

    return concerns.put_together(parts, codec, settings)
