"""``rushes damaged`` and ``rushes notices``: what is wrong, what can be done, and what should be known."""

from __future__ import annotations

import click

from tui.cli import options, output


@click.group()
def damaged() -> None:
    """Copies with other bytes than recorded, and their repair from good ones."""


@damaged.command(name="list")
@options.common
@click.option("--missing", is_flag=True, help="Also copies that are gone from drives that are here.")
def list_damaged(missing: bool, library_path: str | None, as_json: bool) -> None:
    """Damaged copies, and how many good ones each can be made anew from."""
    from engine.api import damage as api

    found = api.list_damaged(options.with_engine(library_path, needed=False), missing=missing)
    if as_json:
        output.document(found)
        return
    output.table(
        ["COPY", "STATE", "GOOD", "CLIP", "ON", "SIZE", "FILE"],
        [
            [
                entry["copy_id"],
                entry["state"],
                f"{entry['good_copies_away']} away" if not entry["good_copies"] else entry["good_copies"],
                output.shown(entry["clip_title"]),
                output.shown(entry["volume"]),
                output.size(entry["size"]),
                entry["path"],
            ]
            for entry in found
        ],
        "No copy is known to be damaged. Read them again: rushes verify",
    )


@damaged.command()
@click.argument("copies", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="All of which a good copy can be read now.")
@options.common
def repair(copies: tuple[int, ...], every: bool, library_path: str | None, as_json: bool) -> int:
    """Make COPIES anew from good ones; the bad files are kept beside them as .damaged."""
    from engine.api import damage as api

    progress = output.Progress()
    library = options.with_engine(library_path)
    try:
        found = api.repair(library, copies, every=every, on_change=progress)
    finally:
        progress.end()
    if as_json:
        output.document(found)
    else:
        for entry in (*found["repaired"], *found["not_repaired"]):
            output.say(output.shown(entry["sentence"]))
    return 1 if found["not_repaired"] or found["status"] == "failed" else 0


@click.command()
@click.option("--new", "unseen", is_flag=True, help="Only what you have not looked at.")
@click.option("--seen", is_flag=True, help="Remember that you have looked at all of them.")
@options.common
def notices(unseen: bool, seen: bool, library_path: str | None, as_json: bool) -> None:
    """What should be known: drives that came and went, failures, damage, clips found again."""
    from engine.api import damage as api

    library = options.with_engine(library_path, needed=False)
    found = api.notices(library, unseen=unseen)
    if as_json:
        output.document(found)
    else:
        output.table(
            ["WHEN", "", "WHAT"],
            [[output.age(one["at"]), one["level"], output.shown(one["text"])] for one in found],
            "Nothing to tell.",
        )
    if seen:
        api.saw_all(library)
