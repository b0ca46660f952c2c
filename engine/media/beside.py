"""What the files beside a recording, and its name, say about it: each maker's own sidecars and logs.

The recording's own word stands; a sidecar fills what it leaves open, and a
contradiction becomes a warning. A sidecar that cannot be read says nothing.

Not read on purpose: a RED ``.RMD`` holds the look that somebody gave a clip afterwards, not what the camera
knew (RED 101, "RMD Files & Non-Destructive Editing"; REDCINE-X PRO Operation Guide, "R3D File Structure"),
and a Blackmagic ``.sidecar`` has no published description.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from engine.media import ale, cardxml
from engine.media.cardxml import Element
from engine.media.facts import MediaFacts
from engine.media.grouping import Clip
from engine.media.listing import Reader
from engine.media.makers.action import version_of
from engine.media.named import SOURCE, facts_of_name
from engine.media.stated import moment
from engine.names import display

_MOST = 8
"""How many sidecars of one clip are read; a maker writes one or two."""


@dataclass(frozen=True)
class Said:
    """What one sidecar says. Every field is ``None`` when it does not.

    Attributes:
        source: file name, for people.
        recorded_at: ISO 8601, with an offset when the sidecar has one.
        timecode: of the first frame, ``;`` before the frames when drop-frame.
        frames: length in frames.
        umid: 64 or more hex digits, upper case.
    """

    source: str
    make: str | None = None
    model: str | None = None
    serial: str | None = None
    reel: str | None = None
    recorded_at: str | None = None
    timecode: str | None = None
    frames: int | None = None
    umid: str | None = None


def enrich(facts: MediaFacts, clip: Clip, read: Reader) -> MediaFacts:
    """Return ``facts`` with what the clip's sidecars add, and a warning where they contradict the file.

    ``read`` reads below the folder that the clip's paths are relative to (see
    :func:`engine.media.listing.reader`); it may be the card or a copy of it.
    """
    for said in _all_said(clip, read):
        facts = merged(facts, said, several=len(clip.of("span")) > 0)
    return facts


def merged(facts: MediaFacts, said: Said, *, several: bool = False) -> MediaFacts:
    """Add one sidecar's word to ``facts``. ``several``: the recording has more parts than the one probed."""
    changes: dict[str, object] = {}
    for field in ("make", "model", "serial", "reel", "timecode", "umid"):
        if getattr(facts, field) is None and getattr(said, field) is not None:
            changes[field] = getattr(said, field)
    if "timecode" in changes:
        changes["drop_frame"] = ";" in str(changes["timecode"])
    # A time with its zone beats one without: the same moment, known better.
    known = facts.recorded_at
    if said.recorded_at and (known is None or (_has_zone(said.recorded_at) and not _has_zone(known))):
        changes.update(recorded_at=said.recorded_at, recorded_at_source=said.source)
    warnings = [*facts.warnings]
    if facts.timecode and said.timecode and _digits(facts.timecode) != _digits(said.timecode):
        warnings.append(f"timecode {facts.timecode} in the file, {said.timecode} in {display(said.source)}")
    if facts.frames and said.frames and facts.frames < said.frames and not several:
        warnings.append(f"the file holds {facts.frames} frames, {display(said.source)} says {said.frames}")
    return dataclasses.replace(facts, warnings=tuple(dict.fromkeys(warnings)), **changes)  # type: ignore[arg-type]


def _all_said(clip: Clip, read: Reader) -> list[Said]:
    found = []
    sidecars = [path for path in clip.of("sidecar") if path.lower().endswith(".xml")]
    for path in sidecars[:_MOST]:
        tree = cardxml.parse(read(path))
        if tree is not None:
            found.append(said_in(tree, path.rpartition("/")[2]))
    found.extend(said for said in (_gopro(clip, read), _ale(clip, read)) if said is not None)
    of_name = facts_of_name(clip.essence.rpartition("/")[2])
    if of_name:
        found.append(
            Said(
                SOURCE,
                make=of_name.get("make"),
                reel=of_name.get("reel"),
                recorded_at=of_name.get("recorded_at"),
            )
        )
    return found


def said_in(tree: Element, name: str) -> Said:
    """Read a sidecar by its root element; an unknown one says nothing."""
    if cardxml.local(tree) == "NonRealTimeMeta":
        return _sony(tree, name)
    if cardxml.local(tree) in {"P2Main", "ClipContent", "ClipInfo"}:
        return _clip_content(tree, name)
    return Said(name)


def _sony(tree: Element, name: str) -> Said:
    change = next((e for e in cardxml.each(tree, "LtcChange") if e.get("frameCount") == "0"), None)
    created = cardxml.attribute(tree, "value", "CreationDate")
    frames = cardxml.attribute(tree, "value", "Duration")
    umid = cardxml.attribute(tree, "umidRef", "TargetMaterial")
    return Said(
        name,
        make=cardxml.attribute(tree, "manufacturer", "Device"),
        model=cardxml.attribute(tree, "modelName", "Device"),
        serial=cardxml.attribute(tree, "serialNo", "Device"),
        recorded_at=moment(created, zone=True) if created else None,
        timecode=ltc(change.get("value", "")) if change is not None else None,
        frames=int(frames) if frames and frames.isdecimal() else None,
        umid=umid.upper() if umid and re.fullmatch(r"[0-9A-Fa-f]{64,}", umid) else None,
    )


def ltc(value: str) -> str | None:
    """Read a linear timecode word as Sony writes it: frames, seconds, minutes, hours, two digits each.

    The frames' first digit also carries flags: 4 = drop-frame, 8 = colour frame.
    ``None`` when it is none.
    """
    if not re.fullmatch(r"[0-9A-Fa-f]{8}", value):
        return None
    flags = int(value[0], 16)
    frames = (flags & 3) * 10 + int(value[1], 16)
    seconds, minutes, hours = value[2:4], value[4:6], value[6:8]
    if not (seconds + minutes + hours).isdecimal():
        return None
    return f"{hours}:{minutes}:{seconds}{';' if flags & 4 else ':'}{frames:02d}"


def _clip_content(tree: Element, name: str) -> Said:
    """Panasonic P2, and Canon XF, which follows its example."""
    frames = cardxml.text(tree, "Duration")
    created = cardxml.text(tree, "Shoot", "StartDate") or cardxml.text(tree, "StartDate")
    created = created or cardxml.text(tree, "Access", "CreationDate")
    timecode = cardxml.text(tree, "StartTimecode")
    umid = cardxml.text(tree, "ClipContent", "GlobalClipID") or cardxml.text(tree, "GlobalClipID")
    return Said(
        name,
        make=cardxml.text(tree, "Device", "Manufacturer"),
        model=cardxml.text(tree, "Device", "ModelName"),
        serial=cardxml.text(tree, "Device", "SerialNo.") or cardxml.text(tree, "Device", "SerialNo"),
        reel=cardxml.text(tree, "ReelName") or cardxml.text(tree, "CassetteName"),
        recorded_at=moment(created, zone=True) if created else None,
        timecode=timecode if timecode and re.fullmatch(r"\d\d:\d\d:\d\d[:;]\d\d", timecode) else None,
        frames=int(frames) if frames and frames.isdecimal() else None,
        umid=umid.upper() if umid and re.fullmatch(r"[0-9A-Fa-f]{64,}", umid) else None,
    )


def _gopro(clip: Clip, read: Reader) -> Said | None:
    """``MISC/version.txt`` holds for every recording of a GoPro card."""
    parts = clip.essence.split("/")
    if len(parts) < 3 or parts[-3].upper() != "DCIM" or not parts[-2].upper().endswith("GOPRO"):
        return None
    card = parts[:-3]
    for folder, name in (("MISC", "version.txt"), ("misc", "version.txt"), ("MISC", "VERSION.TXT")):
        words = version_of(read("/".join([*card, folder, name])))
        if words:
            model, serial = words.get("camera type"), words.get("camera serial number")
            return Said(name, make="GoPro", model=model or None, serial=serial or None)
    return None


def _ale(clip: Clip, read: Reader) -> Said | None:
    """The reel's log of an ARRI camera lies in the reel's folder and has its name."""
    folder = clip.essence.rpartition("/")[0]
    for place in (folder, folder.rpartition("/")[0]):
        reel = place.rpartition("/")[2]
        name = f"{reel}.ale"
        for row in ale.rows_of(read(f"{place}/{name}")) if reel else ():
            if ale.first(row, "name", "tape name") not in (clip.title, clip.essence.rpartition("/")[2]):
                continue
            start = ale.first(row, "start")
            day, time = ale.first(row, "date_camera"), ale.first(row, "time_camera")
            return Said(
                name,
                make=ale.first(row, "manufacturer"),
                model=ale.first(row, "camera_model", "camera"),
                serial=ale.first(row, "camera_sn", "camera_serial_number"),
                reel=ale.first(row, "reel_name", "tape", "reel"),
                recorded_at=_camera_clock(day, time),
                timecode=start if start and _TIMECODE.fullmatch(start) else None,
            )
    return None


def _camera_clock(day: str | None, time: str | None) -> str | None:
    """``20261120`` and ``12h00m00s`` as ISO 8601, no zone."""
    digits = re.sub(r"\D", "", (day or "") + (time or ""))
    if len(digits) != 14:
        return None
    return moment(
        f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}:{digits[12:]}", zone=False
    )


_TIMECODE = re.compile(r"\d\d:\d\d:\d\d[:;]\d\d")


def _has_zone(text: str) -> bool:
    return re.search(r"(?:[+-]\d\d:\d\d|Z)$", text) is not None


def _digits(timecode: str) -> str:
    return re.sub(r"\D", "", timecode)
