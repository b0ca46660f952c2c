"""One segment as one command: a plan in a file, so that any render farm can drive the work.

The file names the plan, the folder that gets the segments, and where each
source can be read. A farm runs one command per segment, on any machine that
sees these places; the same function renders in the engine.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlite_utils import Database

from engine.errors import NotFound, Refused, RushesError, WrongUse
from engine.export.planning.plan import Plan
from engine.export.rendering import materials
from engine.export.rendering.segment import Manner, Rendered, Where, run_segment
from engine.export.runs import ledger, receipts, records
from engine.export.runs.output import Sources
from engine.export.runs.parts import output_folder
from engine.library import Library
from engine.media.tools import find_tools
from engine.names import display

SCHEMA = 1
"""Version of the file's shape."""

FARM = "farm-"
"""Beginning of the names of a farm's attempts: an engine that starts leaves alone what they are writing."""

QUIET_SECONDS = 600.0
"""A farm's temp that was not written to for so long is no longer at work."""


def describe(db: Database, run_folder: str, run_id: str, position: int = 0) -> dict[str, Any]:
    """The content of a plan file for one output of a run.

    Args:
        db: the library's database.
        run_folder: the folder of the run's segments.
        run_id: full id.
        position: which file of the run, from 0.

    Raises:
        Refused: the run has no plan yet; it is made when the run first starts.
        NotFound: the run has no such output, or a source cannot be read now.
    """
    entries = ledger.load_plan(db, run_id)
    if entries is None:
        raise Refused("This run is not planned yet; its plan is made when it first starts.")
    found = next((entry for entry in entries if entry.position == position), None)
    if found is None or found.plan is None:
        raise NotFound(f"This run makes no file number {position}.")
    plan, sources = found.plan, Sources(lambda: db)
    try:
        paths = {str(index): _encode(sources.path(plan, index)) for index in plan.file_indexes()}
    except RushesError as error:
        raise NotFound(str(error)) from error
    return {
        "schema": SCHEMA,
        "run_id": run_id,
        "segments": len(plan.segments),
        "folder_b64": _encode(output_folder(run_folder, position)),
        "sources_b64": paths,
        "plan": plan.to_json(),
    }


def lay_out(library: Library, told: Mapping[str, Any]) -> None:
    """Lay what the graphs of :func:`describe`'s plan read, colour table and font, beside its segments.

    Raises:
        Refused: the folder cannot be written.
    """
    folder = _decode(told["folder_b64"])
    try:
        os.makedirs(folder, exist_ok=True)
        materials.bring(library, Plan.from_json(told["plan"]), folder)
    except OSError as error:
        raise Refused(f"The folder {display(folder)} cannot be written: {error.strerror}.") from error


def run_id_of(db: Database, given: str) -> str:
    """The full id of a run."""
    return records.find(db, given).run_id


def render(
    text: str, index: int, attempt: str, on_progress: Callable[[int, int], None] | None = None
) -> Rendered:
    """Render, prove and publish one segment of a plan file, and leave its receipt for the engine.

    Args:
        text: content of the plan file.
        index: which segment, from 0.
        attempt: a name that no other attempt has: letters, digits and dashes.
        on_progress: called with frames done and frames of the segment.

    Raises:
        WrongUse: the file is no plan, or index or attempt are none.
        RushesError: the segment could not be made; nothing of it is left.
    """
    plan, folder, paths = _read(text)
    if not 0 <= index < len(plan.segments):
        raise WrongUse(f"This plan has segments 0 to {len(plan.segments) - 1}.")
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", attempt):
        raise WrongUse("An attempt is named by up to 64 letters, digits and dashes.")
    frames = plan.segments[index].frames
    os.makedirs(folder, exist_ok=True)

    def tell(done: int) -> None:
        if on_progress is not None:
            on_progress(done, frames)

    made = run_segment(
        find_tools(), plan, index, f"{FARM}{attempt}", Where(folder, paths), Manner(on_progress=tell)
    )
    try:
        receipts.write(folder, made)
    except OSError as error:
        raise Refused(
            f"Segment {index} is rendered, but its receipt cannot be written to {display(folder)}: "
            f"{error.strerror}. Run it again, or the engine renders it anew."
        ) from error
    return made


def is_at_work(path: str) -> bool:
    """Whether this is a temp that a farm may still be writing: it writes several times a minute."""
    if f".{FARM}" not in os.path.basename(path):
        return False
    try:
        return time.time() - os.stat(path).st_mtime < QUIET_SECONDS
    except OSError:
        return False  # it has gone


def _read(text: str) -> tuple[Plan, str, Mapping[int, str]]:
    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            raise WrongUse(f"This plan file has schema {display(str(data['schema']))}; known is {SCHEMA}.")
        paths = {int(index): _decode(path) for index, path in data["sources_b64"].items()}
        return Plan.from_json(data["plan"]), _decode(data["folder_b64"]), paths
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise WrongUse(f"This is no plan file: {display(str(error))}.") from error


def _encode(path: str) -> str:
    return base64.b64encode(os.fsencode(path)).decode("ascii")


def _decode(text: str) -> str:
    return os.fsdecode(base64.b64decode(text, validate=True))
