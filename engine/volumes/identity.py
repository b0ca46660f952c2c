"""Which known volume is this? Decided from evidence: plain functions over plain data.

No host, no mount point and no device number is evidence of identity. A
decision is one of

==============  ============================================================
``same``        the known volume is back, or still here
``new``         never seen
``generation``  a file system made anew on hardware that is known: reformatted
``conflict``    several claim one identity, or the content contradicts it: ask
==============  ============================================================

A known id on another disk than before is the drive in another enclosure, or a
clone of it. It is ``same`` while every known file that is looked at is where it
was, because then both hold the same; once one is not, it is a ``conflict``. The
first look through all of it asks as well, see :func:`engine.volumes.settling.doubt`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.volumes.evidence import Evidence, Spot, family, is_pool, is_weak, other_disk

CERTAIN = 0.6
"""From this score on, evidence without contradiction identifies a volume."""

MAYBE_A_CLONE = "it is this drive, changed elsewhere and in another enclosure, or a clone of it"
"""Why a known id on a disk that is not its own is asked about when not all looked-for files are there."""

TIE = 0.02
"""Scores closer than this do not tell two known volumes apart."""


@dataclass(frozen=True)
class Known:
    """A volume in the catalogue.

    Attributes:
        volume_id: its id.
        evidence: last known.
        mounted: it was mounted at the last look: then an equal session continues it.
        weight: what hangs on it (copies, then tracked): decides which of two equals is named.
        generation: how many file systems its partition has had, this one included.
        settled: sessions or hardware for which the operator said that this is the volume.
        disputed: it was in conflict at the last look.
    """

    volume_id: str
    evidence: Evidence
    mounted: bool = False
    weight: int = 0
    generation: int = 1
    settled: frozenset[str] = frozenset()
    disputed: bool = False


@dataclass(frozen=True)
class Judgement:
    """How well evidence fits.

    Attributes:
        verdict: ``same``, ``different``, ``doubtful`` (fits, but the content contradicts) or ``reformatted``.
        score: from 0, above 1 where more agrees than is needed; comparable between judgements of one mount.
        reasons: the evidence, in words.
    """

    verdict: str
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Decision:
    """What a mounted file system is.

    Attributes:
        seen: index into the sequence that was decided upon.
        verdict: ``same``, ``new``, ``generation`` or ``conflict``.
        volume_id: the known volume; None makes a new row. With ``conflict`` it may be either.
        previous: with ``generation``: the volume that was on this hardware before.
        rivals: with ``conflict``: the known volumes whose identity is claimed.
        score: 0..1, of the best match.
        reasons: the evidence, in words.
    """

    seen: int
    verdict: str
    volume_id: str | None = None
    previous: str | None = None
    rivals: tuple[str, ...] = ()
    score: float = 0.0
    reasons: tuple[str, ...] = field(default=())


def judge(known: Evidence, seen: Evidence, spot: Spot | None = None) -> Judgement:
    """Compare what is known of one volume with what is seen of one mount."""
    contradiction = _contradiction(known, seen)
    if contradiction:
        return Judgement("different", 0.0, (contradiction,))
    reasons: list[str] = []
    if known.fs_uuid and seen.fs_uuid:
        score = _by_uuid(known, seen, reasons)
    elif known.share and known.share == seen.share:
        score = 0.8
        reasons.append("same share")
    elif known.marker_id and known.marker_id == seen.marker_id:
        score = 0.8
    elif known.session and known.session == seen.session:
        score = 0.7
        reasons.append("mounted all the time")
    elif known.hardware and known.hardware == seen.hardware and known.partition_bytes == seen.partition_bytes:
        # An ordinary user may not be able to read the id of a FAT or NTFS volume.
        score = 0.6
        reasons.append("same hardware and size, the id cannot be read")
    elif spot is not None and spot.proves and only_content_tells(known, seen):
        score = CERTAIN
        reasons.append("it has no id of its own; recognised by its files")
    else:
        return Judgement("different", 0.0, ("nothing in common",))
    if known.marker_id and known.marker_id == seen.marker_id:
        score += 0.1
        reasons.append("same marker")
    if spot is not None and spot.sampled:
        found = spot.fit + spot.touched
        reasons.append(f"{found} of {spot.sampled} known files at their place")
        score += 0.2 * found / spot.sampled
        doubt = _doubt(known, seen, spot)
        if doubt is not None:
            verdict, why = doubt
            return Judgement(verdict, score, (*reasons, *why))
    verdict = "same" if score >= CERTAIN else "different"
    return Judgement(verdict, round(score, 3), tuple(reasons))


def _doubt(known: Evidence, seen: Evidence, spot: Spot) -> tuple[str, tuple[str, ...]] | None:
    """What it means that known files are not at their place: verdict and why; None: nothing."""
    has_id = known.fs_uuid and seen.fs_uuid
    if spot.fit + spot.touched:
        if has_id and spot.other + spot.absent and other_disk(known.hardware, seen.hardware):
            return "doubtful", (MAYBE_A_CLONE,)
        return None
    if not known.share and (not has_id or is_weak(seen.fs_uuid or "")):
        return "reformatted", ()
    if spot.is_elsewhere and not has_id:
        # A server whose disk is not mounted shows an empty folder under the name of the share.
        return "doubtful", ("none of its files is there",)
    if spot.contradicts:
        return "doubtful", (f"{spot.other} known names hold other files",)
    if has_id and other_disk(known.hardware, seen.hardware):
        return "doubtful", (MAYBE_A_CLONE,)
    return None


def only_content_tells(known: Evidence, seen: Evidence) -> bool:
    """Whether both are file systems of one kind without device, id or name: a pool of FUSE, say.

    What has a device may be a card, and cards with equal files stay apart. Memory starts empty.
    """
    return (
        known.fs_type == seen.fs_type
        and (known.fs_type or "").startswith("fuse.")
        and not any(
            (each.fs_uuid, each.marker_id, each.hardware, each.partition_bytes) != (None,) * 4
            or (each.share is not None and not is_pool(each))
            for each in (known, seen)
        )
    )


def _contradiction(known: Evidence, seen: Evidence) -> str | None:
    """Return why the two cannot be one, or None."""
    ours, theirs = family(known.fs_type), family(seen.fs_type)
    if ours and theirs and ours != theirs:
        return f"another file system ({ours}, {theirs})"
    if known.marker_id and seen.marker_id and known.marker_id != seen.marker_id:
        return "another marker"
    if known.fs_uuid and seen.fs_uuid:
        if known.fs_uuid.lower() != seen.fs_uuid.lower():
            return "another file-system UUID"
        sizes = (known.partition_bytes, seen.partition_bytes)
        if is_weak(seen.fs_uuid) and None not in sizes and sizes[0] != sizes[1]:
            return "another size under a short id"
    if known.share and seen.share and known.share != seen.share and not (known.fs_uuid or is_pool(known)):
        return "another share"
    return None


def _by_uuid(known: Evidence, seen: Evidence, reasons: list[str]) -> float:
    weak = is_weak(seen.fs_uuid or "")
    score = 0.4 if weak else 0.7
    reasons.append("same short file-system id" if weak else "same file-system UUID")
    for what, worth in (("partition_bytes", 0.2), ("part_uuid", 0.05), ("hardware", 0.05), ("label", 0.05)):
        ours, theirs = getattr(known, what), getattr(seen, what)
        if ours is None or theirs is None:
            continue
        word = {"partition_bytes": "size", "part_uuid": "partition UUID"}.get(what, what)
        if ours == theirs:
            score += worth
            reasons.append(f"same {word}")
        elif what == "hardware" and other_disk(ours, theirs):
            reasons.append("on another disk than before")
        elif what == "partition_bytes" or (what == "label" and weak):
            # A drive may be relabelled or grown; with a short id it is as likely another one.
            score -= 0.1
            reasons.append(f"another {word}")
    return score


def decide(
    seen: Sequence[Evidence],
    known: Sequence[Known],
    spots: Mapping[tuple[int, str], Spot] | None = None,
) -> list[Decision]:
    """Decide for every mounted file system which volume it is. One decision per entry of ``seen``, in order.

    Args:
        seen: evidence of all file systems that are mounted and answer.
        known: all volumes in the catalogue that are file systems.
        spots: spot checks that were made, by (index into ``seen``, volume id).
    """
    spots = spots or {}
    judged = {
        (index, volume.volume_id): judge(volume.evidence, evidence, spots.get((index, volume.volume_id)))
        for index, evidence in enumerate(seen)
        for volume in known
    }
    chosen = _pair(seen, known, judged)
    taken = {volume.volume_id for volume, _ in chosen.values()}
    decisions: list[Decision] = []
    for index, evidence in enumerate(seen):
        if index in chosen:
            volume, tied = chosen[index]
            decisions.append(_known_decision(index, evidence, volume, tied, judged[index, volume.volume_id]))
        else:
            decisions.append(_new_decision(index, evidence, known, taken, judged))
    return _with_conflicts(seen, known, decisions, judged)


def _pair(
    seen: Sequence[Evidence],
    known: Sequence[Known],
    judged: Mapping[tuple[int, str], Judgement],
) -> dict[int, tuple[Known, tuple[Known, ...]]]:
    """Assign known volumes one-to-one: what stayed, what was settled, the same hardware, the best score.

    Ties are kept beside.
    """
    chosen: dict[int, tuple[Known, tuple[Known, ...]]] = {}
    free = {volume.volume_id: volume for volume in known}
    for index, evidence in enumerate(seen):
        for volume in list(free.values()):
            # What is disputed has not become itself by staying: it is weighed against its rivals again.
            if volume.disputed and not _is_settled(volume, evidence):
                continue
            if stays(volume, evidence) and judged[index, volume.volume_id].verdict in ("same", "doubtful"):
                chosen[index] = (free.pop(volume.volume_id), ())
                break
    claims = sorted(
        (
            (
                judged[index, volume.volume_id].score,
                (_is_settled(volume, seen[index]), _same_hardware(volume, seen[index])),
                volume.weight,
                -index,
                volume,
            )
            for index in range(len(seen))
            if index not in chosen
            for volume in free.values()
            if judged[index, volume.volume_id].verdict in ("same", "doubtful")
        ),
        key=lambda claim: (claim[1], claim[0], claim[2], claim[3], claim[4].volume_id),
        reverse=True,
    )
    for score, settled, _, negative, volume in claims:
        index = -negative
        if index in chosen or volume.volume_id not in free:
            continue
        tied = tuple(
            other
            for other_score, _, _, other_negative, other in claims
            if other_negative == negative
            and other is not volume
            and other.volume_id in free
            and score - other_score < TIE
            and not (
                _same_hardware(volume, seen[index])
                and other.evidence.hardware not in (None, seen[index].hardware)
            )
        )
        chosen[index] = (free.pop(volume.volume_id), () if settled[0] else tied)
    return chosen


def _known_decision(
    index: int, evidence: Evidence, volume: Known, tied: tuple[Known, ...], judged: Judgement
) -> Decision:
    settled, score = _is_settled(volume, evidence), min(1.0, judged.score)
    if tied:
        rivals = (volume.volume_id, *(other.volume_id for other in tied))
        reasons = (*judged.reasons, "fits several known volumes")
        return Decision(index, "conflict", volume.volume_id, None, rivals, score, reasons)
    if judged.verdict == "doubtful" and not settled:
        return Decision(index, "conflict", volume.volume_id, None, (volume.volume_id,), score, judged.reasons)
    return Decision(index, "same", volume.volume_id, score=score, reasons=judged.reasons)


def _new_decision(
    index: int,
    evidence: Evidence,
    known: Sequence[Known],
    taken: set[str],
    judged: Mapping[tuple[int, str], Judgement],
) -> Decision:
    for volume in known:
        if volume.volume_id in taken:
            continue
        verdict = judged[index, volume.volume_id]
        if verdict.verdict == "reformatted":
            return Decision(
                index,
                "generation",
                previous=volume.volume_id,
                score=min(1.0, verdict.score),
                reasons=verdict.reasons,
            )
    same_hardware = [
        volume
        for volume in known
        if volume.volume_id not in taken
        and evidence.hardware is not None
        and volume.evidence.hardware == evidence.hardware
        # Without both ids nothing says that the file system is another one.
        and volume.evidence.fs_uuid
        and evidence.fs_uuid
    ]
    if same_hardware:
        latest = max(same_hardware, key=lambda volume: volume.generation)
        reasons = ("same hardware", *judged[index, latest.volume_id].reasons)
        return Decision(index, "generation", previous=latest.volume_id, reasons=reasons)
    return Decision(index, "new", reasons=("never seen",))


def _with_conflicts(
    seen: Sequence[Evidence],
    known: Sequence[Known],
    decisions: list[Decision],
    judged: Mapping[tuple[int, str], Judgement],
) -> list[Decision]:
    """Turn decisions whose identity is mounted twice into ``conflict``, unless that has been settled."""
    by_id = {volume.volume_id: volume for volume in known}
    result = list(decisions)
    for first, ours in enumerate(seen):
        twins = [
            second
            for second, theirs in enumerate(seen)
            if second != first
            and ours.session != theirs.session
            and (judge(ours, theirs).verdict == "same" or _show_the_same(first, second, seen, known, judged))
        ]
        group = [first, *twins]
        decided = [by_id.get(decisions[member].volume_id or "") for member in group]
        told_apart = any(
            volume is not None and _is_settled(volume, seen[member])
            for member, volume in zip(group, decided, strict=True)
        )
        if not twins or told_apart:
            continue
        rivals = tuple(volume.volume_id for volume in decided if volume is not None)
        decision = decisions[first]
        told = decision.reasons if decision.verdict != "new" else ()
        reasons = (*told, f"the same identity is mounted {len(group)} times")
        result[first] = Decision(
            first, "conflict", decision.volume_id, None, rivals or decision.rivals, decision.score, reasons
        )
    return result


def _show_the_same(
    first: int,
    second: int,
    seen: Sequence[Evidence],
    known: Sequence[Known],
    judged: Mapping[tuple[int, str], Judgement],
) -> bool:
    """Whether two that have no id hold the files of one known volume, and neither was there before."""
    if not only_content_tells(seen[first], seen[second]):
        return False
    if any(
        stays(volume, seen[index]) for volume in known for index in (first, second) if not volume.disputed
    ):
        return False
    return any(
        judged[first, volume.volume_id].verdict == judged[second, volume.volume_id].verdict == "same"
        for volume in known
    )


def stays(volume: Known, evidence: Evidence) -> bool:
    """Whether what is mounted now is what was mounted at the last look, in one piece of hardware.

    A clone put in between two looks may get the same device number, and has the same fsid.
    """
    ours = volume.evidence
    return (
        volume.mounted
        and ours.session == evidence.session
        and (ours.hardware is None or evidence.hardware in (None, ours.hardware))
        and (ours.part_uuid is None or evidence.part_uuid in (None, ours.part_uuid))
    )


def _same_hardware(volume: Known, evidence: Evidence) -> bool:
    """Whether the hardware says which: the files of an original lie on its clone as well."""
    return evidence.hardware is not None and volume.evidence.hardware == evidence.hardware


def _is_settled(volume: Known, evidence: Evidence) -> bool:
    if evidence.hardware in volume.settled:
        return True
    return evidence.session in volume.settled and stays(volume, evidence)
