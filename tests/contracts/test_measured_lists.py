"""Nothing that a screen lists or counts is left out of the benchmark of lists."""

from __future__ import annotations

import ast
from pathlib import Path

from engine.api.desk import Desk
from engine.library import Library
from tests.bench import lists

NAMED = ("list_", "show", "history", "low_space", "conflicts", "only_on", "at_risk", "where_is", "notices",
         "logs", "audit_entries", "duplicates", "trashed", "propose", "info")  # fmt: skip
"""How functions of the command layer that list things begin."""

APART = {
    "damage.list_damaged",  # the rows of the screen's list, all of them
    "presets.list_presets", "presets.list_parts", "presets.show_preset",  # of the machine, not of a library
    "libraries.settings", "recipes.list_recipes", "recipes.show_recipe", "files.show",
    "recipes.recipe_rows", "hashlists.list_hashlists",
}  # fmt: skip


def test_every_call_of_the_desk_is_measured_or_known_to_be_no_list(library: Library) -> None:
    from tests.bench.large import made

    small = made(library.root.parent / "small", 1500, 500, 50, 20, 100)
    desk = Desk(small)
    reads = {".".join(name.strip("*").partition(",")[0].split(".")[:2]) for name in lists.reads(desk, small)}
    measured = set(lists.lists(desk, small)) | reads
    assert measured & lists.NO_READS == set()
    assert measured | lists.NO_READS == lists.calls_of(desk)
    for query in (*lists.reads(desk, small).values(), *lists.commands(small).values()):
        query()
    small.close()


def test_every_listing_command_is_measured() -> None:
    folder = Path(__file__).parents[2] / "engine/api"
    known = {name.partition(",")[0] for name in lists.commands(None)} | APART  # type: ignore[arg-type]
    found = {
        f"{path.stem}.{node.name}"
        for path in folder.glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith(NAMED)
    }
    assert found - known == set()
