"""CMX 3600 edit decision list: plain text that every editing program reads. Pure.

One picture track. A dissolve is a pair of events, the first of no length. What
the old format has no room for (file paths, long names) stands in comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from engine.export.editors.cutlist import CutList, Event, Media
from engine.export.recipes import timecode

REEL_LETTERS = 8
"""Longest reel name of the format."""


def text(cuts: CutList) -> str:
    """The content of an ``.edl`` file; lines end as the format wants, with CR and LF."""
    lines = [
        f"TITLE: {_plain(cuts.name)[:70]}",
        f"FCM: {'DROP FRAME' if cuts.drop else 'NON-DROP FRAME'}",
        "",
    ]
    reels = _reels(cuts)
    for index, event in enumerate(cuts.events):
        before = cuts.events[index - 1] if index else None
        tail = cuts.events[index + 1].fade_before if index + 1 < len(cuts.events) else 0
        lines += _event(cuts, index + 1, event, before, tail, reels)
    return "\r\n".join(lines) + "\r\n"


def _event(
    cuts: CutList, number: int, event: Event, before: Event | None, tail: int, reels: dict[Media, str]
) -> Iterator[str]:
    # On the timeline an event lasts from where its dissolve begins to where the next one begins.
    record_in, record_out = event.at - event.fade_before, event.at + event.frames - tail
    length = record_out - record_in
    if event.fade and before is not None:
        place = before.at + before.frames - event.fade_before
        yield _line(cuts, number, before, reels, "C", place, place)
        yield _line(cuts, number, event, reels, f"D    {event.fade:03}", record_in, record_in + length)
        yield f"* FROM CLIP NAME: {_plain(before.name)}"
        yield f"* TO CLIP NAME: {_plain(event.name)}"
    else:
        yield _line(cuts, number, event, reels, "C", record_in, record_out)
        yield f"* FROM CLIP NAME: {_plain(event.name)}"
    media = event.media
    if media is not None:
        if media.rate != cuts.rate:
            start = _source_timecode(cuts, event, record_in)
            yield f"M2   {reels[media]:8}       {float(media.rate):05.1f}                {start}"
        if media.path:
            yield f"* SOURCE FILE: {_plain(media.path)}"
    yield ""


def _line(
    cuts: CutList, number: int, event: Event, reels: dict[Media, str], how: str, begin: int, end: int
) -> str:
    """One event: source in and out, record in and out, out points not included."""
    reel = reels[event.media] if event.media is not None else "BL"
    tracks = "AA/V" if event.media is not None and event.media.channels else "V"
    times = (
        _source_timecode(cuts, event, begin),
        _source_timecode(cuts, event, end),
        timecode.text_of(cuts.start + begin, cuts.rate, drop=cuts.drop),
        timecode.text_of(cuts.start + end, cuts.rate, drop=cuts.drop),
    )
    return f"{number:03}  {reel:8} {tracks:5} {how:12} {' '.join(times)}"


def _source_timecode(cuts: CutList, event: Event, record: int) -> str:
    """The timecode in the clip that is seen at ``record`` frames of the film."""
    media = event.media
    if media is None:
        return timecode.text_of(record - event.at + event.fade_before, cuts.rate, drop=False)
    frames = event.first + round(Fraction(record - event.at) * media.rate / cuts.rate)
    return timecode.text_of(media.start + frames, media.rate, drop=media.drop)


def _reels(cuts: CutList) -> dict[Media, str]:
    """A reel name of at most eight letters for each file, no two the same unless the reel is."""
    names: dict[Media, str] = {}
    owners: dict[str, str] = {}
    for media in (event.media for event in cuts.events):
        if media is None or media in names:
            continue
        wanted = media.reel or media.name.rpartition(".")[0] or media.name
        short = re.sub(r"[^A-Z0-9_]", "", wanted.upper())[:REEL_LETTERS] or "AX"
        number = 0
        name = short
        while owners.get(name, wanted) != wanted:
            number += 1
            name = f"{short[: REEL_LETTERS - len(str(number))]}{number}"
        owners[name] = wanted
        names[media] = name
    return names


def _plain(text: str) -> str:
    """ASCII on one line, as the format has it; other letters become code points."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode("ascii")
