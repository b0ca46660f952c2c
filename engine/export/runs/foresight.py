"""What can be known to fail when a recipe meets its clips, told before anything is queued, as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.export.editors import resolve
from engine.export.planning import ability, shape
from engine.export.planning.selection import Chosen
from engine.export.recipes import timecode
from engine.media.tools import Tools


def problems(
    tools: Tools, preset: str, spec: Mapping[str, Any], body: Mapping[str, Any], clips: Sequence[Chosen]
) -> list[str]:
    """Why a recipe's film of these clips cannot be made here. Tries encoders; may take seconds once.

    Args:
        tools: the tools.
        preset: its name.
        spec: a checked recipe spec.
        body: the preset's, checked, encoders resolved.
        clips: those that can be read now, in order.
    """
    shapes = ability.film_shapes(spec, body, clips)
    found = ability.problems(tools, preset, body, shapes) if shapes else []
    found += ability.looks_problems(tools, spec, body)
    found += timecode_problems(spec, body, clips)
    if spec["executor"] == "resolve":
        unfit = resolve.fitting_problems(spec, body)
        trouble = None if unfit else resolve.trouble()
        found += [*unfit, *([trouble] if trouble else [])]
    return found


def at_a_glance(
    tools: Tools, spec: Mapping[str, Any], body: Mapping[str, Any], clips: Sequence[Chosen]
) -> list[str]:
    """The same, as far as tables and a look at this machine tell: nothing is encoded, no program is asked."""
    shapes = ability.film_shapes(spec, body, clips)
    found = [text for size, rate in shapes if (text := ability.fitting_problem(body, size, rate))]
    found += ability.looks_problems(tools, spec, body)
    found += timecode_problems(spec, body, clips)
    if spec["executor"] == "resolve":
        absent = resolve.absent()
        found += [*resolve.fitting_problems(spec, body), *([absent] if absent else [])]
    return list(dict.fromkeys(found))


def unusable(
    spec: Mapping[str, Any], sentences: Sequence[str], clips: Sequence[Chosen]
) -> tuple[list[str], list[str]]:
    """What becomes of listed clips that cannot be used, by the recipe's ``unreadable``. Pure.

    Args:
        spec: a checked recipe spec.
        sentences: about those clips, see :func:`engine.export.planning.selection.select`.
        clips: those that can be used.

    Returns:
        why the export is refused, and what is said of clips that are left out of it.
    """
    if spec["unreadable"] == "refuse" or not clips:
        return list(sentences), []
    return [], [f"{sentence} It is left out." for sentence in sentences]


def timecode_problems(spec: Mapping[str, Any], body: Mapping[str, Any], clips: Sequence[Chosen]) -> list[str]:
    """Why the recipe's timecode is none of its film's rate. Pure."""
    first = next((clip.files[0].media for clip in clips if clip.files), None)
    if spec["timecode"] is None or spec["layout"] == "per-clip" or body["video"] is None or first is None:
        return []
    found = timecode.problem(spec["timecode"], shape.film_rate(spec, body, first))
    return [found] if found else []


def unheard(spec: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """What a recipe asks for and its film will lack, though it can be made: warnings. Pure."""
    told = shape.carries_timecode(body["container"]) or body["container"] == "wav"
    if spec["timecode"] is None or spec["layout"] == "per-clip" or told:
        return []
    sentence = f"The timecode {spec['timecode']} is not in the file: a .{body['container']} holds none. "
    return [sentence + "A preset with mov, mp4 or mxf does."]
