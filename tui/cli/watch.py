"""``rushes watch``: folders from which footage is taken in by itself."""

from __future__ import annotations

import os

import click

from tui.cli import options, output


@click.group()
def watch() -> None:
    """Folders from which footage is taken in by itself, once it has come to rest."""


@watch.command()
@click.argument("path", type=click.Path())
@click.option("--to", "destinations", multiple=True, type=click.Path(), help="Destination; may be repeated.")
@click.option("--mode", type=click.Choice(["copy", "reference"]), help="The library's when not given.")
@options.common
def add(
    path: str, destinations: tuple[str, ...], mode: str | None, library_path: str | None, as_json: bool
) -> None:
    """Watch PATH: a folder or file that has not changed for 10 s is taken in.

    A file goes with those beside it that begin with its name. A subfolder goes as a whole; what is
    finished in it waits for a file that still grows at most 30 s, on a camera card until all is there.
    """
    from engine.api import watches as api

    library = options.with_engine(library_path)
    found = api.add(library, os.path.abspath(path), [os.path.abspath(to) for to in destinations], mode)
    if as_json:
        output.document(found)
    else:
        output.say(f"Watching {output.shown(found['path'])}, number {found['watch_id']}.")


@watch.command(name="list")
@options.common
def list_watches(library_path: str | None, as_json: bool) -> None:
    """Watched folders."""
    from engine.api import watches as api

    found = api.list_watches(options.with_engine(library_path, needed=False))
    if as_json:
        output.document(found)
        return
    output.table(
        ["NO", "STATE", "TAKEN", "LOOKED", "PATH", "TO"],
        [
            [
                entry["watch_id"],
                "disabled" if not entry["enabled"] else "trouble" if entry["error"] else "watched",
                entry["files_taken"],
                output.age(entry["looked_at"]),
                entry["path"],
                "stays where it lies"
                if entry["mode"] == "reference"
                else ", ".join(map(output.shown, entry["destinations"])) or "the library",
            ]
            for entry in found
        ],
        "No folder is watched. Watch one: rushes watch add PATH",
    )
    for entry in found:
        if entry["error"] and entry["enabled"]:
            output.say(f"  {entry['watch_id']}: {output.shown(entry['error'])}")


def _verb(name: str, text: str, done: str) -> None:
    @watch.command(name=name, help=text)
    @click.argument("folder", type=click.Path())
    @options.common
    def verb(folder: str, library_path: str | None, as_json: bool) -> None:
        from engine.api import watches as api

        library = options.with_engine(library_path, needed=False)
        found = (
            api.remove(library, folder)
            if name == "remove"
            else api.enable(library, folder, on=name == "enable")
        )
        if as_json:
            output.document(found)
        else:
            output.say(f"{output.shown(found['path'])} {done}.")


_verb("remove", "Watch FOLDER (number or path) no longer; no file is touched.", "is no longer watched")
_verb("enable", "Go on watching FOLDER (number or path).", "is watched")
_verb("disable", "Rest from watching FOLDER (number or path).", "is not watched for now")
