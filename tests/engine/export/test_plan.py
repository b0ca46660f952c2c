"""Plans: plain JSON, fingerprints that change exactly when the bytes would."""

from __future__ import annotations

import copy
import dataclasses
import json
from dataclasses import replace
from fractions import Fraction

import pytest

from engine.errors import WrongUse
from engine.export.planning import graph, plan
from engine.export.planning.plan import Plan, Source, chunk_fingerprint, film_fingerprint, segment_fingerprint
from engine.export.planning.timeline import Policy, Shot
from engine.export.recipes.system_presets import SYSTEM
from engine.export.rendering.join import Made, concat_list

SOURCE = Source(
    clip_id="c1", title="A", asset_id=1, identity="blake3:aa", size=1000, width=1920, height=1080,
    fps="25", start=0, tail=3, interlaced=False, full_range=False, matrix="bt709", channels=2, tracks=1,
    sound_shift=0, deep_seek=False, form="mov,mp4,m4a,3gp,3g2,mj2",
)  # fmt: skip


OTHER = replace(SOURCE, identity="blake3:bb")


def make(name: str = "archive", sources=(SOURCE, OTHER), **changes) -> Plan:
    values = {
        "rate": Fraction(25),
        "size": (1920, 1080),
        "preset": copy.deepcopy(SYSTEM[name].body),
        "build": "ffmpeg 6.0",
        "channels": 2,
        "policy": Policy(target_seconds=2),
        **changes,
    }
    shots = values.pop("shots", [Shot(index, 0, 50) for index in range(len(sources))])
    return plan.make(list(sources), shots, **values)


def prints(made: Plan) -> list[str]:
    return [segment_fingerprint(made, segment) for segment in made.segments]


def test_a_plan_survives_json():
    made = make(crossfade=10, look={"lut": "abc"}, timecode="01:00:00:00", title="Film")
    assert Plan.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_a_plan_of_another_version_is_refused():
    data = {**make().to_json(), "version": 0}
    with pytest.raises(WrongUse, match="another version"):
        Plan.from_json(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"rate": Fraction(24)},
        {"size": (1280, 720)},
        {"build": "ffmpeg 7.1"},
        {"look": {"lut": "abc"}},
        {"preset": SYSTEM["master"].body},
        {"sources": (replace(SOURCE, identity="blake3:cc"), replace(SOURCE, identity="blake3:dd"))},
        {"sources": (replace(SOURCE, size=1001), replace(SOURCE, size=1001))},
    ],
)
def test_what_changes_the_picture_changes_every_fingerprint(changes):
    assert not set(prints(make())) & set(prints(make(**changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": 0},
        {"title": "Another"},
        {"timecode": "01:00:00:00"},
        {"look": {"loudness": -23}},
        {
            "sources": (
                replace(SOURCE, title="B", clip_id="x", asset_id=9),
                replace(SOURCE, identity="blake3:bb"),
            )
        },
    ],
)
def test_what_does_not_change_the_picture_keeps_them(changes):
    assert prints(make()) == prints(make(**changes))


def test_every_fact_of_a_source_is_in_the_fingerprint_but_its_names_here():
    """A fact that is forgotten would let a part be taken over that shows something else."""
    names = {"clip_id", "title", "asset_id"}
    before = prints(make(sources=(SOURCE,)))
    for fact in dataclasses.fields(Source):
        value = getattr(SOURCE, fact.name)
        other = {"words": {"clip": "x"}, "timecode": {"start": 1}, "card": None, "hdr": "smpte2084"}
        changed = other.get(fact.name, f"{value}x" if isinstance(value, str) else None)
        if isinstance(value, bool):
            changed = not value
        elif isinstance(value, int):
            changed = value + 1
        if changed is None:
            continue  # a card is no file: it is a film of its own
        after = prints(make(sources=(replace(SOURCE, **{fact.name: changed}),)))
        assert (after == before) == (fact.name in names), fact.name


def test_one_changed_clip_leaves_the_other_segments_alone():
    changed = make(sources=(SOURCE, replace(SOURCE, identity="blake3:new")))
    assert prints(make())[0] == prints(changed)[0]
    assert prints(make())[1] != prints(changed)[1]


def test_a_moved_clip_keeps_its_segment():
    first, second = replace(SOURCE, identity="blake3:1"), replace(SOURCE, identity="blake3:2")
    assert sorted(prints(make(sources=(first, second)))) == sorted(prints(make(sources=(second, first))))


def test_how_a_film_is_divided_does_not_change_the_film():
    one, many = make(policy=Policy(single=True)), make(policy=Policy(target_seconds=1))
    assert len(one.segments) == 1 < len(many.segments)
    assert film_fingerprint(one) == film_fingerprint(many)
    assert film_fingerprint(one) != film_fingerprint(make(shots=[Shot(0, 0, 50), Shot(1, 1, 50)]))


def test_sound_has_fingerprints_of_its_own():
    stereo, mono = make(), make(channels=1)
    assert chunk_fingerprint(stereo, stereo.chunks[0]) != chunk_fingerprint(mono, mono.chunks[0])
    assert stereo.samples_total == 100 * 48000 // 25


def test_a_silent_film_has_no_sound_to_render():
    made = make(channels=0)
    assert (made.chunks, made.samples_total, made.audio) == ((), 0, None)


def test_the_same_plan_gives_the_same_words():
    made = make("share", crossfade=10)
    words, again = (
        [
            graph.segment_arguments(made, part, ["x"] * len(graph.parts_of(part.pieces)), "t")
            for part in made.segments
        ]
        for _ in range(2)
    )
    assert words == again
    assert all("-threads" in line and line[line.index("-threads") + 1] == "4" for line in words)
    assert all(line[line.index("-protocol_whitelist") + 1] == "file,crypto,data" for line in words)
    assert all(line[line.index("-format_whitelist") + 1] == SOURCE.form for line in words)


def test_durations_in_the_list_never_drift():
    made = make(rate=Fraction(30000, 1001), shots=[Shot(0, 0, 100_000)], policy=Policy(target_seconds=1))
    text = concat_list(made, [Made(f"{part.index}.mov", part.frames, "", "") for part in made.segments])
    seconds = sum(Fraction(line.split()[1]) for line in text.splitlines() if line.startswith("duration"))
    assert abs(seconds - Fraction(100_000 * 1001, 30000)) < Fraction(1, 1_000_000)


@pytest.mark.parametrize(
    ("inner", "outer", "size"),
    [
        ((1920, 1080), (1280, 720), (1280, 720)),
        ((1080, 1920), (1920, 1080), (608, 1080)),
        ((640, 480), (1920, 1080), (1440, 1080)),
        ((1998, 1080), (1920, 1080), (1920, 1038)),
        ((1920, 1081), (1920, 1080), (1920, 1080)),
        ((2, 4000), (100, 100), (2, 100)),
        ((0, 0), (64, 36), (64, 36)),
    ],
)
def test_pictures_fit_with_even_sides(inner, outer, size):
    assert graph.fitted(inner, outer) == size
