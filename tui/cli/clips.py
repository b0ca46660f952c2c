"""``rushes clips``: what the library holds, and where."""

from __future__ import annotations

import click

from tui.cli import options, output


@click.group()
def clips() -> None:
    """What the library holds, and where."""


@clips.command(name="list")
@options.common
@click.option(
    "--offline", "state", flag_value="offline", default=None, help="Only clips whose drives are away."
)
@click.option("--missing", "state", flag_value="missing", help="Only clips whose files are gone.")
@click.option("--damaged", "state", flag_value="damaged", help="Only clips whose bytes changed.")
@click.option("--online", "state", flag_value="online", help="Only clips that can be reached.")
@click.option("--favourite", is_flag=True, help="Only favourites.")
@click.option("--volume", help="Only clips with a copy on this volume (name, id or mount point).")
@click.option("--text", help="Only clips whose title, reel, camera or a tag holds this.")
@click.option("--tag", "tags", multiple=True, help="Only clips with this tag; may be repeated.")
@click.option("--since", metavar="TIME", help="Only clips recorded at or after this moment.")
@click.option("--limit", type=click.IntRange(1), help="At most this many.")
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out so many first.")
def list_clips(
    library_path: str | None,
    as_json: bool,
    state: str | None,
    volume: str | None,
    text: str | None,
    since: str | None,
    favourite: bool,
    tags: tuple[str, ...],
    limit: int | None,
    offset: int,
) -> None:
    """Clips, in the order of recording."""
    from engine.api import clips as api

    library = options.with_engine(library_path, needed=False)
    found = api.list_clips(
        library, api.Filters(state, volume, text, since, favourite, tags), limit=limit, offset=offset
    )
    if as_json:
        output.document(found)
        return
    output.table(
        ["CLIP", "TITLE", "STATE", "LENGTH", "PICTURE", "SIZE", "ON"],
        [
            [
                clip["clip_id"][:8],
                output.shown(clip["title"]),
                clip["state"],
                output.clip_length(clip["duration_ms"]),
                f"{clip['width']}x{clip['height']}" if clip["width"] else "-",
                output.size(clip["size"]),
                ", ".join(
                    sorted({output.shown(c["volume"]) for c in clip["copies"] if c["role"] != "source"})
                ),
            ]
            for clip in found
        ],
        "No clips here."
        if any((state, volume, text, since, favourite, tags))
        else "No clips yet. Take a card in: rushes ingest CARD",
    )


@clips.command()
@click.argument("clip")
@options.common
def show(clip: str, library_path: str | None, as_json: bool) -> None:
    """One clip with all its files and copies. CLIP is an id or a title."""
    from engine.api import clips as api

    found = api.show(options.with_engine(library_path, needed=False), clip)
    if as_json:
        output.document(found)
        return
    output.say(f"{output.shown(found['title'])}  {found['state']}  {found['clip_id']}")
    for part in found["parts"]:
        hashed = part["blake3"] or "not hashed yet"
        output.say(f"  {part['role']:10} {part['name']}  {output.size(part['size'])}  {hashed}")
        for copy in part["copies"]:
            proof = (
                f"verified {output.age(copy['verified_at'])} ({copy['verify_level']})"
                if copy["verified_at"]
                else "-"
            )
            place = f"{output.shown(copy['volume'])}: {copy['path']}"
            output.say(f"    {copy['state']:8} {place}  [{copy['role']}]  {proof}")
    for warning in found["warnings"]:
        output.say(f"  note: {output.shown(warning)}")


@clips.command()
@click.argument("clip")
@click.option("--add", multiple=True, help="A tag to add; may be repeated.")
@click.option("--remove", multiple=True, help="A tag to take away; may be repeated.")
@click.option("--favourite/--no-favourite", default=None, help="Mark or unmark as a favourite.")
@options.common
def tag(
    clip: str,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    favourite: bool | None,
    library_path: str | None,
    as_json: bool,
) -> None:
    """Tags and the favourite mark of one clip."""
    from engine.api import clips as api

    library = options.open_library(library_path)
    found = api.tag(library, clip, add, remove)
    if favourite is not None:
        found = api.favourite(library, found["clip_id"], on=favourite)
    if as_json:
        output.document(found)
    else:
        mark = "favourite, " if found["favourite"] else ""
        tags = ", ".join(output.shown(name) for name in found["tags"]) or "no tags"
        output.say(f"{output.shown(found['title'])}: {mark}{tags}")


@clips.command()
@click.argument("clip")
@options.common
def picture(clip: str, library_path: str | None, as_json: bool) -> int:
    """The picture of a clip, taken now if need be; prints where the JPEG lies."""
    from engine.api import pictures as api

    taken = api.of_clip(options.open_library(library_path), clip)
    assert taken is not None
    return output.picture(api.document(taken), as_json=as_json)


@clips.command()
@click.argument("wanted")
@options.common
def whereis(wanted: str, library_path: str | None, as_json: bool) -> None:
    """All copies of a clip, file, path or hash, online or not."""
    from engine.api import whereabouts as api

    found = api.where_is(options.with_engine(library_path, needed=False), wanted)
    if as_json:
        output.document(found)
        return
    for entry in found:
        held = "enough" if entry["policy_holds"] else "NOT enough"
        output.say(
            f"{entry['name']}  {output.size(entry['size'])}: {entry['verified']} verified copies on "
            f"{entry['devices']} devices, {held}"
        )
        for copy in entry["copies"]:
            proof = f"verified {output.age(copy['verified_at'])}" if copy["verified_at"] else "not verified"
            place = f"{output.shown(copy['volume'])}: {copy['last_known_path']}"
            output.say(f"  {copy['state']:8} {place}  [{copy['role']}]  {proof}")


@clips.command()
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out so many first.")
@options.common
def risk(limit: int, offset: int, library_path: str | None, as_json: bool) -> None:
    """Clips with too few verified copies, or on too few devices."""
    from engine.api import whereabouts as api

    found = api.at_risk(options.with_engine(library_path, needed=False), limit, offset)
    if as_json:
        output.document(found)
        return
    output.table(
        ["CLIP", "TITLE", "SIZE", "VERIFIED", "DEVICES"],
        [
            [r["clip_id"][:8], output.shown(r["title"]), output.size(r["size"]), r["verified"], r["devices"]]
            for r in found
        ],
        "Every clip has the copies that the policy asks for.",
    )
