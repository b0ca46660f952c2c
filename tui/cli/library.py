"""``rushes init``, ``library``, ``settings``, ``audit``."""

from __future__ import annotations

import shlex

import click

from tui.cli import options, output


@click.command()
@click.argument("path")
@click.option("--name", help="What people call it; the folder's name when not given.")
@click.option("--reference", is_flag=True, help="Catalogue footage in place; nothing is copied in.")
@click.option("--cache-root", metavar="DIR", help="Where .rushes goes when PATH cannot be written.")
@options.without_library()
def init(path: str, name: str | None, reference: bool, cache_root: str | None, as_json: bool) -> None:
    """Make a library for the folder PATH."""
    from engine.api import libraries

    made = libraries.create(path, name, "reference" if reference else "copy", cache_root)
    if as_json:
        output.document(made)
        return
    output.say(f"Library {output.shown(made['name'])} made at {made['root']}.")
    if made["cache_root"] != made["root"]:
        output.say(f"Its catalogue and caches are in {made['cache_root']}/.rushes.")
    if made["mode"] == "reference":
        output.say(f"Next: rushes ingest {shlex.quote(made['root'])}, which copies nothing; or just: rushes")
    else:
        output.say("Next: rushes ingest CARD --to DRIVE, or just: rushes")


@click.group()
def library() -> None:
    """Look at, check, back up and rebuild the library."""


@library.command()
@options.common
def info(library_path: str | None, as_json: bool) -> None:
    """What the library holds."""
    from engine.api import libraries

    found = libraries.info(options.open_library(library_path))
    if as_json:
        output.document(found)
        return
    for key, value in found.items():
        output.say(f"{key:16} {output.size(value) if key.endswith('bytes') else output.shown(str(value))}")


@library.command()
@options.common
def check(library_path: str | None, as_json: bool) -> int:
    """Check every page and reference of the database; changes nothing."""
    from engine.api import libraries

    found = libraries.check(options.open_library(library_path))
    if as_json:
        output.document(found)
    else:
        for problem in found["problems"]:
            output.say(output.shown(problem))
        output.say("The database is sound." if found["ok"] else "The database is damaged; see its backups.")
    return 0 if found["ok"] else 1


@library.command()
@options.common
def backup(library_path: str | None, as_json: bool) -> None:
    """Write a consistent backup of the database."""
    from engine.api import libraries

    made = libraries.backup(options.open_library(library_path))
    if as_json:
        output.document(made)
    else:
        output.say(f"Backup written: {made['path']} ({output.size(made['size'])}).")


@library.command()
@options.common
def rebuild(library_path: str | None, as_json: bool) -> None:
    """Count all kept numbers anew and rebuild the indexes, after a backup."""
    from engine.api import libraries

    done = libraries.rebuild(options.open_library(library_path))
    if as_json:
        output.document(done)
        return
    words = f"{done['changed']} kept numbers were wrong" if done["changed"] else "every kept number was right"
    output.say(f"Rebuilt in {done['seconds']:.1f} s; {words}. The backup is {done['backup_path']}.")


@library.command(name="list")
@options.without_library()
def list_libraries(as_json: bool) -> None:
    """Libraries known on this machine."""
    from engine.api import libraries

    known = libraries.known()
    if as_json:
        output.document(known)
        return
    output.table(
        ["NAME", "ROOT", "LAST OPENED"],
        [[output.shown(k["name"]), k["root"], output.age(k["last_opened_at"])] for k in known],
        "No library is known yet. Make one with: rushes init PATH",
    )


@click.group()
def settings() -> None:
    """Show and change settings, shared by all libraries."""


@settings.command(name="list")
@options.without_library()
def list_settings(as_json: bool) -> None:
    """Every setting with its value and meaning."""
    from engine.api import libraries

    found = libraries.settings()
    if as_json:
        output.document(found)
        return
    output.table(
        ["SETTING", "VALUE", "MEANING"], [[s["key"], s["value"], s["meaning"]] for s in found], "No settings."
    )


@settings.command(name="set")
@click.argument("key")
@click.argument("value")
@options.without_library()
def set_setting(key: str, value: str, as_json: bool) -> None:
    """Set KEY to VALUE."""
    from engine.api import libraries

    stored = libraries.change_setting(key, value)
    if as_json:
        output.document(stored)
    else:
        output.say(f"{stored['key']} is {stored['value']}.")


@settings.command(name="reset")
@click.argument("key")
@options.without_library()
def reset_setting(key: str, as_json: bool) -> None:
    """Put KEY back to its default."""
    from engine.api import libraries

    stored = libraries.reset_setting(key)
    if as_json:
        output.document(stored)
    else:
        output.say(f"{stored['key']} is {stored['value']} again.")


@click.command()
@click.option("--since", metavar="TIME", help="ISO 8601 moment or date; all when not given.")
@options.common
def audit(library_path: str | None, as_json: bool, since: str | None) -> None:
    """Who did what, when, why."""
    from engine import clock
    from engine.api import libraries
    from engine.errors import WrongUse

    if since is not None:
        try:
            since = clock.stamp(clock.parse(since))
        except ValueError as error:
            raise WrongUse(f"{output.shown(since)} is no moment; give one like 2026-11-20T18:00.") from error
    entries = libraries.audit_entries(options.open_library(library_path), since)
    if as_json:
        output.document(entries)
        return
    output.table(
        ["WHEN", "WHO", "WHAT", "ON", "OUTCOME"],
        [
            [e["at"], output.shown(e["who"]), e["command"], output.shown(e["target"] or "-"), e["outcome"]]
            for e in entries
        ],
        "Nothing was done yet.",
    )
