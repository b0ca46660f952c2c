"""How a render shares the machine with others: encoders at a time, and threads of each.

One place for the run and for the look ahead at the command that will run.
"""

from __future__ import annotations

from engine.export.planning.graph import Threads
from engine.export.planning.plan import Plan
from engine.export.recipes import codecs
from engine.export.rendering import crew


def encoders(plan: Plan, workers: int) -> int:
    """How many segments of one film are encoded at the same time.

    Args:
        plan: of the film.
        workers: the setting ``export.workers``; 0 is by the processor.
    """
    video = plan.video
    if video is None or crew.hardware(video.get("encoder")):
        return 1  # a graphics card's sessions are few, and one feeds it
    return crew.hands_for_segments(
        workers,
        intra=codecs.VIDEO[video["codec"]].intra,
        threads=codecs.threads_of(codecs.encoder_of(video)),
    )


def threads(plan: Plan, workers: int, files: int | None, heap: crew.Heap, part: int) -> Threads:
    """How many threads the render of a segment gets now.

    Args:
        plan: of its film.
        workers: as :func:`encoders`.
        files: files that a run of one per clip makes; None for a film.
        heap: what is left of the film's segments.
        part: the segment's id in ``heap``.
    """
    assert plan.video is not None
    encoder = codecs.encoder_of(plan.video)
    sharing = encoder in codecs.SHARING or crew.hardware(encoder) is not None
    if files is not None:
        return crew.threads(min(files, crew.hands_for_files(workers)), sharing=sharing)
    hands = encoders(plan, workers)
    return crew.threads(hands, heap.beside(part, hands), sharing=sharing)


def first_threads(plan: Plan, workers: int, files: int | None) -> Threads:
    """Threads of the first segment of a film of which nothing is rendered yet. As :func:`threads`."""
    heap = crew.Heap({segment.index: segment.frames for segment in plan.segments})
    return threads(plan, workers, files, heap, 0)
