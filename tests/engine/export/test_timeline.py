"""Cutting and dividing: whole frames, no gap, no overlap, whatever the numbers."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from engine.export.planning.timeline import (
    SAMPLE_RATE,
    Part,
    Piece,
    Policy,
    Shot,
    cut,
    divide,
    samples_at,
    segments,
    total_frames,
    undivided,
)

NTSC = Fraction(30000, 1001)


def follow_each_other(pieces):
    at = 0
    for piece in pieces:
        assert piece.at == at
        assert piece.frames >= 1
        at += piece.frames
    return at


def test_hard_cuts_lay_shots_end_to_end():
    assert cut([Shot(0, 5, 10), Shot(1, 0, 7)]) == [Piece(0, 10, (Part(0, 5),)), Piece(10, 7, (Part(1, 0),))]


def test_a_crossfade_is_a_piece_that_both_shots_give_their_frames_to():
    pieces = cut([Shot(0, 0, 100), Shot(1, 50, 100)], crossfade=25)
    assert pieces == [
        Piece(0, 75, (Part(0, 0),)),
        Piece(75, 25, (Part(0, 75), Part(1, 50))),
        Piece(100, 75, (Part(1, 75),)),
    ]
    assert total_frames(pieces) == 175


def test_a_crossfade_takes_at_most_half_of_a_shot():
    pieces = cut([Shot(0, 0, 100), Shot(1, 0, 10), Shot(2, 0, 100)], crossfade=25)
    assert total_frames(pieces) == 200
    assert [piece.frames for piece in pieces] == [95, 5, 5, 95]


def test_a_shot_of_one_frame_is_cut_hard():
    assert [piece.is_crossfade for piece in cut([Shot(0, 0, 9), Shot(1, 0, 1)], crossfade=25)] == [
        False,
        False,
    ]


@pytest.mark.parametrize("seed", range(60))
def test_segments_cover_the_film_exactly(seed):
    chance = random.Random(seed)
    rate = chance.choice([Fraction(24), Fraction(25), NTSC, Fraction(60)])
    shots = [
        Shot(index, chance.randrange(500), chance.choice([1, 2, 30, 400, 5000]))
        for index in range(chance.randrange(1, 40))
    ]
    crossfade = chance.choice([0, 0, 1, 12, 50])
    shortest = Fraction(chance.choice([0, 1]))
    pieces = cut(shots, crossfade)
    policy = Policy(target_seconds=chance.choice([1, 5, 20]), shortest_seconds=shortest)
    groups = segments(pieces, rate, policy)
    flat = [piece for group in groups for piece in group]
    assert follow_each_other(flat) == total_frames(pieces)
    assert undivided(flat) == undivided(pieces)
    for group in groups:
        length = sum(piece.frames for piece in group)
        assert length <= 180 * rate
        if shortest and total_frames(pieces) >= rate:
            assert length >= int(rate)
        if not shortest:
            assert len(group) <= 30


def test_long_clips_are_split_into_equal_parts_near_the_target():
    pieces = cut([Shot(0, 3, 90 * 25)])
    lengths = [sum(piece.frames for piece in group) for group in segments(pieces, Fraction(25), Policy())]
    assert sum(lengths) == 2250
    assert max(lengths) - min(lengths) <= 1
    assert max(lengths) <= 25 * 25


def test_cuts_fall_on_clip_boundaries_where_they_can():
    pieces = cut([Shot(index, 0, 9 * 25) for index in range(6)])
    groups = segments(pieces, Fraction(25), Policy())
    assert [len(group) for group in groups] == [2, 2, 2]
    assert all(piece.parts[0].start == 0 for group in groups for piece in group)


def test_a_crossfade_is_a_segment_of_its_own_for_intra_codecs_only():
    pieces = cut([Shot(0, 0, 50), Shot(1, 0, 50)], crossfade=10)
    intra = segments(pieces, Fraction(25), Policy())
    inter = segments(pieces, Fraction(25), Policy(shortest_seconds=Fraction(1)))
    assert [len(group) for group in intra] == [1, 1, 1]
    assert len(inter) < 3
    assert all(sum(piece.frames for piece in group) >= 25 for group in inter)


def test_a_short_end_is_lengthened_without_too_many_clips_in_a_segment():
    policy = Policy(shortest_seconds=Fraction(1))
    pieces = cut([*(Shot(index, 0, 10) for index in range(30)), Shot(30, 0, 5)])
    groups = segments(pieces, Fraction(25), policy)
    assert [len(group) for group in groups] == [28, 3]
    assert follow_each_other([piece for group in groups for piece in group]) == 305
    # Where there is room it is simply added.
    groups = segments(cut([Shot(0, 0, 500), Shot(1, 0, 5)]), Fraction(25), policy)
    assert [len(group) for group in groups] == [2]
    # Longer than a second comes before fewer than thirty.
    (group,) = segments(cut([Shot(index, 0, 1) for index in range(40)]), Fraction(60), policy)
    assert len(group) == 40


def test_one_piece_is_one_piece():
    pieces = cut([Shot(0, 0, 100_000), Shot(1, 0, 7)])
    assert segments(pieces, Fraction(25), Policy(single=True)) == [tuple(pieces)]


def test_nothing_to_show_is_no_segment():
    assert segments([], Fraction(25), Policy()) == []
    assert total_frames([]) == 0


def test_divide_leaves_short_bodies_and_crossfades_whole():
    short = Piece(0, 10, (Part(0, 0),))
    fade = Piece(0, 100, (Part(0, 0), Part(1, 0)))
    assert divide(short, 10) == [short]
    assert divide(fade, 10) == [fade]
    assert [piece.parts[0].start for piece in divide(Piece(7, 10, (Part(0, 3),)), 4)] == [3, 6, 9]


def test_sound_never_drifts_from_the_picture():
    frames = 1_000_000
    exact = frames * SAMPLE_RATE / NTSC
    assert abs(samples_at(frames, NTSC) - exact) <= Fraction(1, 2)
    assert samples_at(30000, NTSC) == 1001 * SAMPLE_RATE
