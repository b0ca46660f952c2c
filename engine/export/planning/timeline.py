"""The cut: which frames of which clip, one after the other, in whole frames of the film's rate. Pure.

Positions in a source lie on an absolute grid: frame ``K`` of rate ``R`` is the
moment ``K/R`` after the file's first time stamp. Because every position is an
integer on that grid, a shot can be divided anywhere without a frame being lost
or doubled, and sound follows from the same integers without drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

SAMPLE_RATE = 48_000
"""Samples per second of the programme sound, in Hz."""

DEFAULT_RATE = Fraction(25)
"""Rate of a film whose first clip does not tell one (sound only)."""


@dataclass(frozen=True)
class Shot:
    """A stretch of one source.

    Attributes:
        source: index into the plan's sources.
        start: first frame, on the source's absolute grid.
        frames: how many; at least 1. A crossfade's frames count in both of its shots.
    """

    source: int
    start: int
    frames: int


@dataclass(frozen=True)
class Part:
    """Where a piece takes its frames from."""

    source: int
    start: int


@dataclass(frozen=True)
class Piece:
    """A stretch of the film made in one way: one part shown as it is, or two crossfaded.

    Attributes:
        at: first frame in the film.
        frames: how many.
        parts: one, or two for a crossfade (from, to).
    """

    at: int
    frames: int
    parts: tuple[Part, ...]

    @property
    def is_crossfade(self) -> bool:
        """Whether two shots are mixed here."""
        return len(self.parts) == 2


def samples_at(frame: int, rate: Fraction) -> int:
    """The sample at which ``frame`` of a film begins: to the nearest, so that it never drifts."""
    return round(frame * SAMPLE_RATE / rate)


def cut(shots: Sequence[Shot], crossfade: int = 0) -> list[Piece]:
    """Lay shots one after the other.

    Args:
        shots: in the order of the film.
        crossfade: frames that two neighbours share; 0 for hard cuts. Where a
            shot is too short for its crossfades they are shortened, down to a cut:
            each side may take half of a shot at most.

    Returns:
        pieces that follow each other without a gap, bodies and crossfades.
    """
    overlaps = [min(crossfade, before.frames // 2, after.frames // 2) for before, after in pairwise(shots)]
    pieces: list[Piece] = []
    at = 0
    for index, shot in enumerate(shots):
        head = overlaps[index - 1] if index else 0
        tail = overlaps[index] if index < len(overlaps) else 0
        body = shot.frames - head - tail
        if body:
            pieces.append(Piece(at, body, (Part(shot.source, shot.start + head),)))
            at += body
        if tail:
            following = shots[index + 1]
            leaving = Part(shot.source, shot.start + shot.frames - tail)
            pieces.append(Piece(at, tail, (leaving, Part(following.source, following.start))))
            at += tail
    return pieces


def total_frames(pieces: Sequence[Piece]) -> int:
    """Length of the film in frames."""
    return pieces[-1].at + pieces[-1].frames if pieces else 0


def divide(piece: Piece, longest: int) -> list[Piece]:
    """Split a body into equal parts of at most ``longest`` frames; a crossfade stays whole."""
    if piece.is_crossfade or piece.frames <= longest:
        return [piece]
    count = -(-piece.frames // longest)
    bounds = [piece.frames * index // count for index in range(count + 1)]
    (part,) = piece.parts
    return [
        Piece(piece.at + begin, end - begin, (Part(part.source, part.start + begin),))
        for begin, end in pairwise(bounds)
    ]


def undivided(pieces: Sequence[Piece]) -> list[Piece]:
    """Put bodies together again that :func:`divide` split."""
    whole: list[Piece] = []
    for piece in pieces:
        before = whole[-1] if whole else None
        if (
            before is not None
            and len(before.parts) == len(piece.parts) == 1
            and before.parts[0].source == piece.parts[0].source
            and before.parts[0].start + before.frames == piece.parts[0].start
        ):
            whole[-1] = Piece(before.at, before.frames + piece.frames, before.parts)
        else:
            whole.append(piece)
    return whole


@dataclass(frozen=True)
class Policy:
    """How a film is divided into segments.

    Attributes:
        target_seconds: a segment is about this long: a kill loses at most that much work.
        longest_seconds: and never longer than this.
        most_pieces: nor made of more pieces, but where so many are shorter than ``shortest_seconds``.
        shortest_seconds: parts shorter than this join a neighbour. Inter codecs need it:
            segments of a few reordered frames do not fit together.
        crossfades_alone: a crossfade is a segment of its own when it is long enough.
        single: the whole film in one segment, for encoders that spread bits over all of it.
    """

    target_seconds: int = 20
    longest_seconds: int = 180
    most_pieces: int = 30
    shortest_seconds: Fraction = Fraction(0)
    crossfades_alone: bool = True
    single: bool = False


def segments(pieces: Sequence[Piece], rate: Fraction, policy: Policy) -> list[tuple[Piece, ...]]:
    """Group pieces into segments, at the edges of pieces; long bodies are split first.

    Pieces are taken until the target is reached; a piece that would go beyond
    one and a quarter of it begins the next segment. A crossfade that is long
    enough is a segment of its own, so that changing it leaves the others alone.
    """
    if policy.single:
        return [tuple(pieces)] if pieces else []
    target = max(1, round(policy.target_seconds * rate))
    limit = min(target * 5 // 4, round(policy.longest_seconds * rate))
    shortest = int(policy.shortest_seconds * rate)
    grouped: list[list[Piece]] = []
    for piece in [part for whole in pieces for part in divide(whole, limit)]:
        current = grouped[-1] if grouped else None
        if current is None or not _belongs(current, piece, limit, shortest, policy):
            grouped.append([piece])
        else:
            current.append(piece)
    _lengthen_last(grouped, shortest, policy.most_pieces)
    return [tuple(group) for group in grouped]


def _lengthen_last(grouped: list[list[Piece]], shortest: int, most: int) -> None:
    """Let a last segment that is too short join the one before, or take over so much of it as it needs."""
    if len(grouped) < 2 or _length(grouped[-1]) >= shortest:
        return
    last = grouped.pop()
    before = grouped[-1]
    while len(before) + len(last) > most and _length(last) < shortest <= _length(before[:-1]):
        last.insert(0, before.pop())
    if _length(last) < shortest:
        before.extend(last)
    else:
        grouped.append(last)


def _length(group: Sequence[Piece]) -> int:
    return sum(piece.frames for piece in group)


def _belongs(current: Sequence[Piece], piece: Piece, limit: int, shortest: int, policy: Policy) -> bool:
    length = _length(current)
    if length < shortest:
        return True
    if len(current) >= policy.most_pieces or length + piece.frames > limit:
        return False
    if not policy.crossfades_alone:
        return True
    return not any(known.is_crossfade and known.frames >= max(1, shortest) for known in (current[-1], piece))
