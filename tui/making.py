"""What the screens for recipes and presets need from the engine; a part of :class:`tui.desk.Desk`.

Reads are quick and happen in the event loop's thread; checks and verbs may
take long and are called from other threads. Each verb raises a RushesError
with a sentence when it cannot be done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from engine.api.facts import ClipDetail, ClipRow
from engine.api.forms import Check, Field, Values
from engine.api.making_rows import Answers, ItemLine, PartEntry, PresetEntry, RecipeEntry
from engine.api.rows import Source


class Making(Protocol):
    """Recipes of the library, presets of the machine."""

    # -- reads, in the event loop's thread -----------------------------------
    def recipes(self) -> Source[RecipeEntry, Answers]:
        """All recipes."""
        ...

    def presets(self) -> Source[PresetEntry, Answers]:
        """All presets."""
        ...

    def recipe_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a recipe for these answers."""
        ...

    def recipe_values(self, name: str | None) -> dict[str, Any]:
        """The answers of a recipe; None begins a new one."""
        ...

    def preset_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a preset for these answers."""
        ...

    def preset_values(self, name: str | None) -> dict[str, Any]:
        """The answers of a preset; None begins a new one."""
        ...

    def compose_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a preset put together from parts."""
        ...

    def compose_values(self, name: str | None) -> dict[str, Any]:
        """The answers of such a preset; None begins a new one."""
        ...

    def parts(self) -> Source[PartEntry, Answers]:
        """All parts that presets are put together from."""
        ...

    def part_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a part."""
        ...

    def part_values(self, name: str | None) -> dict[str, Any]:
        """The answers of a part; None begins a new one."""
        ...

    def items(self, given: Sequence[Mapping[str, Any]]) -> Sequence[ItemLine]:
        """The clips of an explicit list."""
        ...

    def clips(self) -> Source[ClipRow, ClipDetail]:
        """All clips of the library."""
        ...

    def film_of(self, run_id: str) -> str:
        """Where a run's film, or folder of files, is; refused when nothing is there. Any thread."""
        ...

    def log_file(self, run_id: str) -> str | None:
        """The file with everything that ffmpeg said during a run, or None."""
        ...

    def log_tail(self, run_id: str) -> Sequence[str]:
        """The last lines of that file, escaped; any thread."""
        ...

    def compare(self, one: str, other: str) -> dict[str, Any]:
        """Two runs side by side."""
        ...

    def resume_run(self, run_id: str) -> str:
        """Go on with a cancelled run as a new one. Returns its id; any thread."""
        ...

    # -- checks and verbs, in any thread ---------------------------------------
    def check_recipe(self, values: Values, was: str | None) -> Check:
        """What is wrong, and what it comes to."""
        ...

    def save_recipe(self, values: Values, was: str | None) -> str:
        """Store it. Returns its name."""
        ...

    def delete_recipe(self, name: str) -> None:
        """Delete it."""
        ...

    def write_recipe(self, name: str, path: str) -> str:
        """Write it to a new file. Returns the path."""
        ...

    def read_recipe(self, path: str, name: str | None = None) -> str:
        """Make one from a file. Returns its name."""
        ...

    def write_timeline(self, name: str, path: str) -> Sequence[str]:
        """Write a recipe's timeline for editing programs; the path's ending says which. Returns sentences."""
        ...

    def try_presets(self, seconds: float = 0.7) -> bool:
        """Try presets that were not tried yet, for about so long; True when all are."""
        ...

    def check_preset(self, values: Values, was: str | None) -> Check:
        """What is wrong, and what it stands for."""
        ...

    def save_preset(self, values: Values, was: str | None) -> str:
        """Store it. Returns its name."""
        ...

    def check_composed(self, values: Values, was: str | None) -> Check:
        """What is wrong with the parts, and what they make."""
        ...

    def save_composed(self, values: Values, was: str | None) -> str:
        """Store it. Returns its name."""
        ...

    def check_part(self, values: Values, was: str | None) -> Check:
        """What is wrong with a part."""
        ...

    def save_part(self, values: Values, was: str | None) -> str:
        """Store it. Returns its name."""
        ...

    def preset_uses(self, names: Sequence[str]) -> str:
        """Which recipes deleting these presets would leave without one, a sentence; empty for none."""
        ...

    def delete_preset(self, name: str) -> None:
        """Delete it."""
        ...

    def write_preset(self, name: str, path: str) -> str:
        """Write it to a new file. Returns the path."""
        ...

    def read_preset(self, path: str, name: str | None = None) -> str:
        """Make one from a file. Returns its name."""
        ...
