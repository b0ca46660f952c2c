"""``rushes volumes``: drives and cards."""

from __future__ import annotations

import os
from typing import Any

import click

from tui.cli import options, output


@click.group()
def volumes() -> None:
    """Drives and cards: list, show, track, rename, eject."""


@volumes.command(name="list")
@click.option(
    "--all", "everything", is_flag=True, help="Also those of the system, and drives that passed by."
)
@options.common
def list_volumes(library_path: str | None, as_json: bool, everything: bool) -> None:
    """Volumes, mounted or not, with their last known facts."""
    from engine.api import volumes as api

    found = api.list_volumes(options.with_engine(library_path, needed=False), everything=everything)
    if as_json:
        output.document(found)
        return
    output.table(
        ["VOLUME", "NAME", "STATE", "CLASS", "SIZE", "FREE", "CLIPS", "OFFLINE", "AT"],
        [
            [
                volume["volume_id"][:8],
                output.shown(volume["name"]) + (" fav" if volume["favourite"] else ""),
                volume["state"].replace("_", " "),
                volume["class"],
                output.size(volume["size"]),
                output.size(volume["free"]) + (" low" if volume["low_space"] else ""),
                volume["clips"],
                volume["offline_clips"],
                volume["mount_point"] or "-",
            ]
            for volume in found
        ],
        "No volumes yet. Plug a drive in, or track one: rushes volumes track MOUNT_POINT",
    )
    for volume in found:
        if volume["low_space"]:
            output.say(f"{output.shown(volume['name'])} is nearly full: {output.size(volume['free'])} free.")


@volumes.command()
@click.argument("volume")
@options.common
def show(volume: str, library_path: str | None, as_json: bool) -> None:
    """One volume with its history."""
    from engine.api import volumes as api

    found = api.show(options.with_engine(library_path, needed=False), volume)
    if as_json:
        output.document(found)
        return
    for key, value in found.items():
        if key in _ASIDE or (value is None and key not in _FLAGS):
            continue
        output.say(f"{key:14} {_word(key, value)}")
    for key, value in found["device"].items():
        if value is not None:
            output.say(f"{f'disk {key}'.removesuffix('_bytes'):14} {_word(key, value)}")
    if found["shows_files_of"] is not None:
        named = ", ".join(map(output.shown, found["shows_files_of"])) or "other disks, it does not say which"
        output.say(f"{'shows files of':14} {named}; a file counts once, here and there")
    for mount in found["mounts"]:
        output.say(
            f"{'mounted':14} {output.shown(mount['source'])} at {output.shown(mount['mount_point'])}:"
            f" {', '.join(mount['options'])}"
        )
    if found["new_files"]:
        folder = output.shown(found["new_files_in"] or found["mount_point"] or "it")
        number = f"{found['new_files']} new file{'s' if found['new_files'] != 1 else ''}"
        output.say(f"{number} below {folder}: rushes ingest takes them in, or n on the screen.")
    for event in found["history"][-20:]:
        output.say(f"  {event['at'][:19].replace('T', ' ')}  {event['text']}")


_ASIDE = ("history", "new_files", "new_files_in", "device", "mounts", "view_of", "shows_files_of")
_FLAGS = ("is_network", "is_removable", "rotational")


def _word(key: str, value: Any) -> str:
    """A fact for people; what nobody could find out is unknown, never no."""
    if key in ("size", "free", "size_bytes"):
        return output.size(value)
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return output.shown(str(value))


@volumes.command()
@click.argument("volume")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="The newest so many.")
@options.common
def history(volume: str, limit: int, library_path: str | None, as_json: bool) -> None:
    """What happened to the device under a volume: mounts, ingests and other jobs, errors."""
    from engine.api import volumes as api

    found = api.history(options.with_engine(library_path, needed=False), volume, limit)
    if as_json:
        output.document(found)
        return
    output.table(
        ["AT", "VOLUME", "WHAT"],
        [
            [entry["at"][:19].replace("T", " "), output.shown(entry["volume"]), entry["text"]]
            for entry in found
        ],
        "Nothing has happened to it yet.",
    )


@volumes.command()
@click.argument("volume", required=False)
@click.option("--all", "aside", is_flag=True, help="Also what was waved aside.")
@options.common
def offers(volume: str | None, aside: bool, library_path: str | None, as_json: bool) -> None:
    """New footage on tracked volumes that was never taken in."""
    from engine.api import offers as api

    found = api.list_offers(options.with_engine(library_path, needed=False), volume, aside=aside)
    if as_json:
        output.document(found)
        return
    output.table(
        ["OFFER", "VOLUME", "FILES", "SIZE", "FOUND", "IN"],
        [
            [
                offer["offer_id"],
                output.shown(offer["volume"]) + ("" if offer["online"] else " (away)"),
                f"{offer['files']}"
                + (" (all new)" if offer["whole_folder"] else "")
                + (" (waved aside)" if offer["dismissed_at"] else ""),
                output.size(offer["bytes"]),
                output.age(offer["found_at"]),
                offer["path"],
            ]
            for offer in found
        ],
        "Nothing new on tracked volumes. Look through one now: rushes volumes sweep VOLUME",
    )
    if found:
        output.say("Take one in: rushes volumes take OFFER. Not wanted: rushes volumes dismiss OFFER")
    if any(offer["dismissed_at"] for offer in found):
        output.say("Offer one again that was waved aside: rushes volumes restore OFFER")


@volumes.command()
@click.argument("offer", type=int)
@click.option("--to", "destinations", multiple=True, type=click.Path(), help="Destination; may be repeated.")
@click.option("--mode", type=click.Choice(["copy", "reference"]), help="The library's when not given.")
@options.waiting
@options.common
def take(
    offer: int,
    destinations: tuple[str, ...],
    mode: str | None,
    wait: bool,
    library_path: str | None,
    as_json: bool,
) -> int:
    """Queue an ingest of an offer."""
    from engine.api import ingests
    from engine.api import offers as api

    library = options.with_engine(library_path)
    queued = api.take(library, offer, [os.path.abspath(to) for to in destinations], mode)
    if not wait:
        _answer(queued, as_json, f"Queued as job {queued['job_id']}.")
        return 0
    progress = output.Progress()
    try:
        found = ingests.wait(library, queued["job_id"], progress)
    finally:
        progress.end()
    _answer(found, as_json, f"{found['status'].replace('_', ' ')}: {found['ingested']} files taken in.")
    return 0 if found["status"] == "completed" else 1


@volumes.command()
@click.argument("offer", type=int)
@options.common
def dismiss(offer: int, library_path: str | None, as_json: bool) -> None:
    """Wave an offer aside until something newer lies there."""
    from engine.api import offers as api

    found = api.dismiss(options.with_engine(library_path, needed=False), offer)
    back = f"Offer it again: rushes volumes restore {offer}"
    _answer(found, as_json, f"{output.shown(found['path'])} is no longer offered. {back}")


@volumes.command()
@click.argument("offer", type=int)
@options.common
def restore(offer: int, library_path: str | None, as_json: bool) -> None:
    """Offer again what was waved aside."""
    from engine.api import offers as api

    found = api.restore(options.with_engine(library_path, needed=False), offer)
    _answer(found, as_json, f"{output.shown(found['path'])} is offered again.")


@volumes.command()
@options.common
def conflicts(library_path: str | None, as_json: bool) -> None:
    """Volumes of which several claim to be one."""
    from engine.api import volumes as api

    found = api.conflicts(options.with_engine(library_path, needed=False))
    if as_json:
        output.document(found)
        return
    if not found:
        output.say("No two volumes claim one identity.")
    for conflict in found:
        output.say(
            f"Since {output.age(conflict['since'])}: {', '.join(map(output.shown, conflict['reasons']))}"
        )
        for claim in conflict["claims"]:
            output.say(f"  at {output.shown(claim['mount_point'])}")
        output.say("  may be:")
        for volume in conflict["volumes"]:
            output.say(
                f"    {volume['volume_id'][:8]}  {output.shown(volume['name'])}, {volume['clips']} clips"
            )
        output.say(
            "  Say which is which: rushes volumes settle VOLUME MOUNT_POINT; of a drive of its own:"
            " rushes volumes apart MOUNT_POINT"
            if conflict["can_settle"]
            else "  Take all but one of these folders away."
        )


def _answer(found: dict[str, Any], as_json: bool, sentence: str) -> None:
    if as_json:
        output.document(found)
    else:
        output.say(sentence)


@volumes.command()
@click.argument("volume")
@click.option("--name", help="Our name for it; its label when not given.")
@options.common
def track(volume: str, name: str | None, library_path: str | None, as_json: bool) -> None:
    """Keep watch over a mounted volume."""
    from engine.api import volumes as api

    found = api.track(options.with_engine(library_path), volume, name)
    _answer(found, as_json, f"{output.shown(found['name'])} is tracked.")


@volumes.command()
@click.argument("volume")
@options.confirming
@options.common
def untrack(volume: str, yes: bool, library_path: str | None, as_json: bool) -> int:
    """Stop watching a volume; its records stay."""
    from engine.api import volumes as api

    library = options.with_engine(library_path)
    held = api.show(library, volume)
    if held["clips"] and not output.ask(
        f"{output.shown(held['name'])} holds {held['clips']} clips; they stay in the catalogue. Untrack it?",
        yes=yes,
    ):
        return 130
    found = api.untrack(library, volume)
    _answer(found, as_json, f"{output.shown(found['name'])} is no longer tracked; its records stay.")
    return 0


@volumes.command()
@click.argument("volume")
@click.argument("name")
@options.common
def rename(volume: str, name: str, library_path: str | None, as_json: bool) -> None:
    """Change our name for a volume; its label stays."""
    from engine.api import volumes as api

    found = api.rename(options.with_engine(library_path), volume, name)
    _answer(found, as_json, f"It is called {output.shown(found['name'])} now.")


@volumes.command()
@click.argument("volume")
@click.argument("colour")
@options.common
def colour(volume: str, colour: str, library_path: str | None, as_json: bool) -> None:
    """Give a volume a colour: red, orange, yellow, green, blue, purple, grey, or none."""
    from engine.api import volumes as api

    found = api.colour(options.with_engine(library_path), volume, None if colour == "none" else colour)
    _answer(found, as_json, f"{output.shown(found['name'])} is {found['colour'] or 'without a colour'} now.")


@volumes.command()
@click.argument("volume")
@click.option("--off", is_flag=True, help="No longer.")
@options.common
def favourite(volume: str, off: bool, library_path: str | None, as_json: bool) -> None:
    """Make a volume a favourite: it is listed first."""
    from engine.api import volumes as api

    found = api.favourite(options.with_engine(library_path), volume, on=not off)
    word = "no favourite any more" if off else "a favourite"
    _answer(found, as_json, f"{output.shown(found['name'])} is {word}.")


@volumes.command()
@click.argument("volume")
@click.argument("mount_point", type=click.Path())
@options.common
def settle(volume: str, mount_point: str, library_path: str | None, as_json: bool) -> None:
    """Decide a conflict: what is mounted at MOUNT_POINT is VOLUME."""
    from engine.api import volumes as api

    found = api.settle(options.with_engine(library_path), volume, os.path.abspath(mount_point))
    _answer(found, as_json, f"{output.shown(found['name'])} is the volume at {output.shown(mount_point)}.")


@volumes.command()
@click.argument("mount_point", type=click.Path())
@click.option("--name", help="Our name for it; when not given, that of the other, numbered.")
@options.common
def apart(mount_point: str, name: str | None, library_path: str | None, as_json: bool) -> None:
    """Say that MOUNT_POINT is a drive of its own: a clone of the volume it was taken for."""
    from engine.api import volumes as api

    found = api.set_apart(options.with_engine(library_path), os.path.abspath(mount_point), name)
    shown = output.shown(mount_point)
    _answer(found, as_json, f"{shown} is {output.shown(found['name'])}, a drive of its own.")


@volumes.command()
@click.argument("volume")
@options.common
def unsettle(volume: str, library_path: str | None, as_json: bool) -> None:
    """Take back what settle said of VOLUME; it is asked again."""
    from engine.api import volumes as api

    found = api.unsettle(options.with_engine(library_path), volume)
    again = " It is asked again: rushes volumes conflicts" if found["state"] == "conflict" else ""
    _answer(found, as_json, f"Nothing is settled of {output.shown(found['name'])} any more.{again}")


@volumes.command()
@click.argument("volume")
@options.confirming
@options.common
def mark(volume: str, yes: bool, library_path: str | None, as_json: bool) -> int:
    """Write a marker file to a volume, to tell it from its clones."""
    from engine.api import volumes as api

    library = options.with_engine(library_path)
    name = output.shown(api.show(library, volume)["name"])
    if not output.ask(f"Write the file .rushes-volume into the root of {name}?", yes=yes):
        return 130
    found = api.mark(library, volume)
    _answer(found, as_json, f"{name} is marked.")
    return 0


@volumes.command()
@click.argument("volume")
@options.common
def sweep(volume: str, library_path: str | None, as_json: bool) -> int:
    """Look a volume through: what is missing, moved, changed, new."""
    from engine.api import volumes as api

    progress = output.Progress()
    try:
        found = api.sweep(options.with_engine(library_path), volume, progress)
    finally:
        progress.end()
    if as_json:
        output.document(found)
    else:
        words = ("known", "present", "missing", "moved", "changed", "damaged", "new")
        told = [f"{found[word]} {word}" for word in words if word in found]
        told += [f"{found['unknown']} unknown"] if found.get("unknown") else []
        if told:
            output.say(", ".join(told) + ".")
        if found["status"] != "completed":
            why = found["error"] or found["message"] or f"It is {found['status'].replace('_', ' ')}."
            output.complain(f"{output.shown(why)} All of it: rushes jobs logs {found['job_id'][:8]}")
    return 0 if found["status"] == "completed" else 1


@volumes.command()
@click.argument("volume")
@options.common
def speed(volume: str, library_path: str | None, as_json: bool) -> None:
    """Measure writing and reading with a file of our own, removed again."""
    from engine.api import volumes as api

    found = api.measure(options.with_engine(library_path), volume)
    _answer(
        found,
        as_json,
        f"{output.shown(found['name'])}: writes {output.size(found['write_rate'])}/s, "
        + (
            "the reading came from memory and says nothing of the drive."
            if found["cached"] or found["read_rate"] is None
            else f"reads {output.size(found['read_rate'])}/s."
        ),
    )


@volumes.command()
@click.argument("volume")
@options.common
def eject(volume: str, library_path: str | None, as_json: bool) -> None:
    """Flush and unmount a volume; refused while it is in use."""
    from engine.api import volumes as api

    found = api.eject(options.with_engine(library_path), volume)
    _answer(found, as_json, f"{output.shown(found['name'])} can be unplugged.")


@volumes.command()
@click.argument("volume")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True)
@options.common
def only(volume: str, limit: int, library_path: str | None, as_json: bool) -> None:
    """Files that lie on this volume and on no other."""
    from engine.api import whereabouts as api

    found = api.only_on(options.with_engine(library_path, needed=False), volume, limit)
    if as_json:
        output.document(found)
        return
    output.table(
        ["SIZE", "VERIFIED", "FILE"],
        [[output.size(file["size"]), output.age(file["verified_at"]), file["path"]] for file in found],
        "Everything on it lies on another volume, too.",
    )
