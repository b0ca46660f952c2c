"""``rushes watch``: kept by the library, obeyed by the running engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.tui.cli.conftest import rushes


def test_watch_folders_from_the_command_line(home: Path, wait_until: Callable[..., None]) -> None:
    inbox, out = home / "inbox", home / "out"
    inbox.mkdir()
    out.mkdir()
    added = rushes("watch", "add", inbox, "--to", out, "--library", home / "lib", "--json")
    assert added.code == 0
    assert added.document["path"] == str(inbox)
    assert added.document["destinations"] == [str(out)]
    wait_until(
        lambda: rushes("watch", "list", "--library", home / "lib", "--json").document[0]["looked_at"],
        20,
        "the engine's first look",
    )
    assert str(out) in rushes("watch", "list", "--library", home / "lib").out
    assert rushes("watch", "disable", inbox, "--library", home / "lib").code == 0
    (entry,) = rushes("watch", "list", "--library", home / "lib", "--json").document
    assert (entry["enabled"], entry["error"], entry["files_taken"]) == (False, None, 0)
    assert "disabled" in rushes("watch", "list", "--library", home / "lib").out
    assert rushes("watch", "add", inbox, "--library", home / "lib").code == 3
    assert rushes("watch", "remove", "9", "--library", home / "lib").code == 4
    assert rushes("watch", "remove", str(entry["watch_id"]), "--library", home / "lib").code == 0
    assert rushes("watch", "list", "--library", home / "lib", "--json").document == []
