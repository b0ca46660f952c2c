"""Colour tables are looked at before anything is queued."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.export.recipes import cube

GOOD = 'TITLE "warm"\n# note\nLUT_3D_SIZE 2\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\n' + "0 0.5 1\n" * 8


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no line LUT_3D_SIZE"),
        ("nonsense", "no line LUT_3D_SIZE"),
        ("LUT_1D_SIZE 4\n0 0 0\n", "one dimension"),
        ("LUT_3D_SIZE\n", "2 to 256"),
        ("LUT_3D_SIZE 1\n0 0 0\n", "2 to 256"),
        ("LUT_3D_SIZE 257\n", "2 to 256"),
        ("LUT_3D_SIZE two\n", "2 to 256"),
        (GOOD.replace("0 0.5 1\n", "0 0.5\n"), "line 6 is no colour"),
        (GOOD.replace("0 0.5 1\n", "a b c\n"), "line 6 is no colour"),
        (GOOD[: -len("0 0.5 1\n")], "8 colours are promised, and it holds 7"),
    ],
)
def test_what_is_no_table_is_told_by_what_it_lacks(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "look.cube"
    path.write_text(text)
    said = cube.problem(str(path))
    assert said is not None
    assert said.startswith(f"{path} is no colour table: ")
    assert why in said


def test_a_table_is_taken_and_looked_at_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "look.CUBE"
    path.write_bytes(GOOD.replace("note", "caf\xe9").encode("latin-1"))
    assert cube.problem(str(path)) is None
    path.write_text("changed")
    assert cube.problem(str(path)) is not None


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder.cube").mkdir()
    (tmp_path / "loop.cube").symlink_to("loop.cube")
    assert "is no file" in (cube.problem(str(tmp_path / "folder.cube")) or "")
    assert "does not exist" in (cube.problem(str(tmp_path / "none.cube")) or "")
    assert "cannot be read" in (cube.problem(str(tmp_path / "loop.cube")) or "")
    assert "no .cube file" in (cube.problem("/etc/passwd") or "")
