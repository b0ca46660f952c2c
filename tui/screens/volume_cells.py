"""The cells of the list of volumes, and what a volume that cannot be read is called."""

from __future__ import annotations

from engine.api.volume_rows import VolumeRow
from engine.names import display
from tui import format as fmt
from tui.looks import VOLUME_LOOKS, Cell, look_of
from tui.screens.cells import bar_cell
from tui.widgets.columns import Column, Context

CLASS_WORDS = {
    "system": "system",
    "virtual": "virtual",
    "network": "network",
    "card": "card",
    "removable": "drive",
    "pool": "pool",
    "unknown": "unknown",
}


def used(row: VolumeRow) -> float | None:
    """How full it is, 0 to 1; None when nobody knows."""
    if not row.size_bytes or row.free_bytes is None:
        return None
    return 1 - row.free_bytes / row.size_bytes


def state(row: VolumeRow, context: Context) -> Cell:
    """Its state, in a word and a sign."""
    return look_of(VOLUME_LOOKS, row.state).cell(context.glyphs)


def _name(row: VolumeRow, context: Context) -> Cell:
    del context
    dot = (("■ ", f"colour-{row.colour}"),) if row.colour else ()
    return (
        *dot,
        (display(row.name), "strong" if row.state == "online" else ""),
        (" fav" if row.favourite else "", "dim"),
        (f" +{row.new_files:,}" if row.new_files else "", "key"),
    )


def _space(row: VolumeRow, context: Context) -> Cell:
    share = used(row)
    if share is None:
        return ()
    tone = "dim" if row.state != "online" else "bad" if row.low_space else "warn" if share >= 0.85 else "busy"
    return bar_cell(share, context, tone)


def _free(row: VolumeRow, context: Context) -> Cell:
    if row.low_space:
        return ((f"{context.glyphs.warn} {fmt.size(row.free_bytes)}", "bad"),)
    return ((fmt.size(row.free_bytes), "" if row.state == "online" else "dim"),)


def _clips(row: VolumeRow, context: Context) -> Cell:
    del context
    return ((fmt.number(row.clips), "" if row.clips else "dim"),)


def _offline(row: VolumeRow, context: Context) -> Cell:
    del context
    return ((fmt.number(row.offline_clips), "warn" if row.offline_clips else "dim"),)


def _class(row: VolumeRow, context: Context) -> Cell:
    del context
    word = CLASS_WORDS.get(row.volume_class, row.volume_class)
    return ((f"{word}{', ro' if row.read_only else ''}", "dim"),)


def _mount(row: VolumeRow, context: Context) -> Cell:
    del context
    if row.mount_point is None:
        return ()
    text = display(row.mount_point)
    return ((text, ""),) if row.state != "offline" else (("was ", "dim"), (text, "dim"))


def not_here(row: VolumeRow) -> str:
    """Why nothing on a volume can be read now, and what helps."""
    name = display(row.name)
    if row.state == "conflict":
        return f"{name} is in conflict with another volume; S says which is which."
    if row.state == "not_responding":
        return f"{name} does not answer; everything goes on when it does."
    return f"{name} is offline; connect it first."


def _seen(row: VolumeRow, context: Context) -> Cell:
    return ((fmt.moment(row.last_seen_at, context.now), "dim"),)


COLUMNS: tuple[Column, ...] = (
    Column("STATE", 11, state),
    Column("NAME", 12, _name, flex=3, most=30),
    Column("USED", 7, _space, flex=1, most=14),
    Column("FREE", 10, _free, right=True),
    Column("CLIPS", 6, _clips, right=True),
    Column("OFFLINE", 7, _offline, right=True),
    Column("CLASS", 10, _class, drop=2),
    Column("MOUNTED AT", 18, _mount, flex=6, middle=True, drop=1),
    Column("LAST SEEN", 12, _seen, drop=3),
)
