"""Who makes a film: ffmpeg from checkpointed segments, or another program in one piece. One interface."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from engine.errors import RushesError
from engine.export.editors import cutlist, fcpxml, resolve
from engine.export.planning.planning import Facts
from engine.export.rendering import join, placing, proof
from engine.export.rendering.join import Joined, Report
from engine.export.runs.output import Output
from engine.export.runs.planner import Reader
from engine.media.ffmpeg import FfmpegFailed
from engine.media.hashing import full_hash
from engine.storage.database import execute


class Executor(Protocol):
    """Makes the file of one output. Its result is verified and published by the caller."""

    def trouble(self) -> str | None:
        """Why it cannot be used on this machine now, as a sentence; None when it can."""
        ...

    def prepare(self, output: Output) -> None:
        """Do the long work that may be kept when the run is paused."""
        ...

    def finish(self, output: Output, temp: str, report: Report) -> Joined:
        """Make the file ``temp``, synced; removed again on any failure.

        Raises:
            FfmpegFailed: it cannot be made.
        """
        ...


class Ffmpeg:
    """Segments that are kept, then one join."""

    def trouble(self) -> str | None:
        """Never: a missing ffmpeg is told where it is looked for."""
        return None

    def prepare(self, output: Output) -> None:
        """Render the segments that are missing."""
        output.render()

    def finish(self, output: Output, temp: str, report: Report) -> Joined:
        """Join them."""
        made, chunks = output.parts()
        return join.join(
            output.tools,
            output.plan,
            made,
            chunks,
            folder=output.folder,
            temp=temp,
            report=report,
            manner=join.Manner(output.manners.stall_seconds, output.manners.yielding.courtesy),
            log=output.log,
            decode=output.run.spec["verify"] != "quick",
        )


class Resolve:
    """The timeline is handed to DaVinci Resolve Studio, which renders it in one piece."""

    def trouble(self) -> str | None:
        """See :func:`engine.export.editors.resolve.trouble`."""
        return resolve.trouble()

    def prepare(self, output: Output) -> None:
        """Nothing can be kept."""
        os.makedirs(output.folder, exist_ok=True)
        execute(
            output.job.db,
            "UPDATE segments SET status = 'skipped' WHERE run_id = ? AND output = ? AND status = 'queued'",
            (output.run.run_id, output.entry.position),
        )

    def finish(self, output: Output, temp: str, report: Report) -> Joined:
        """Render, then take the file over."""
        plan, run = output.plan, output.run
        name = f"resolve-{uuid.uuid4().hex[:8]}"
        timeline = os.path.join(output.folder, f"{name}-timeline.fcpxml")
        made: str | None = None
        try:
            with open(timeline, "w", encoding="utf-8", errors="replace") as file:
                file.write(fcpxml.text(_cuts(output)))
            order = {
                "project": f"rushes {run.run_id[:8]} {name[-8:]}",
                "timeline": timeline,
                "folder": output.folder,
                "name": name,
                "container": plan.container,
                "codec": resolve.codec_of(plan.preset),
                "width": plan.width,
                "height": plan.height,
                "fps": f"{float(plan.fps):.3f}".rstrip("0").rstrip("."),
            }
            resolve.render(
                order,
                os.path.join(output.folder, f"{name}-order.json"),
                report.check,
                lambda percent: report.on_stage("joining", f"DaVinci Resolve, {percent:.0f} %"),
                output.manners.stall_seconds,
            )
            made = resolve.made_file(output.folder, name)
            placing.copy_synced(made, temp)
            size, blake3 = os.path.getsize(temp), full_hash(temp, report.check)
            frames = proof.holds(output.tools, temp).packets
            return Joined(size, blake3, plan.duration_ms, frames)
        except FfmpegFailed:
            placing.remove(temp)
            raise
        except RushesError as error:
            placing.remove(temp)
            raise FfmpegFailed("encoding_error", str(error)) from error
        finally:
            for path in (timeline, made):
                if path is not None:
                    placing.remove(path)


def _cuts(output: Output) -> cutlist.CutList:
    db, run, plan = output.job.db, output.run, output.plan
    reader = Reader(db, output.tools)
    facts = [Facts(clip, tuple(reader.facts(file, clip.title) for file in clip.files)) for clip in run.clips]
    wanted = {plan.sources[index].clip_id for index in plan.file_indexes()}
    paths = {plan.sources[index].asset_id: output.sources.path(plan, index) for index in plan.file_indexes()}
    usable = [entry for entry in facts if entry.clip.clip_id in wanted]
    return cutlist.make(run.recipe_name, usable, paths, run.spec, run.preset)


def of(spec: Mapping[str, Any]) -> Executor:
    """The executor that a recipe names."""
    return Resolve() if spec.get("executor") == "resolve" else Ffmpeg()
