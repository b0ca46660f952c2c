"""A folder that does not fit into memory is grouped in parts, into the same clips."""

from __future__ import annotations

import random

import pytest

from engine.media import listing
from engine.media.clips import group
from engine.media.filelist import FileList, Listed

ENDINGS = ("mov", "MOV.xmp", "mov.md5", "xml", "wav", "srt", "jpg", "cube", "txt", "2.mov", "2.mov.xmp")
STEMS = ("clip", "Clip-2", "clip 2", "clip_2", "clip0", "CLIPPER", ".hidden", ".hidden-2", "é", "a+b", "zz")


def files(seed):
    chance = random.Random(seed)
    names = {f"{stem}{number}.{ending}" for stem in STEMS for number in ("", 1, 22) for ending in ENDINGS}
    names |= set(STEMS)
    chosen = chance.sample(sorted(names), 150)
    made = [f"day/{name}" for name in chosen]
    made += [f"day/Proxy/{name}" for name in chance.sample(sorted(names), 80)]
    made += [f"other/{name}" for name in chance.sample(sorted(names), 3)]
    chance.shuffle(made)
    return [Listed(name, 10 + number, 0) for number, name in enumerate(made)]


@pytest.mark.parametrize("at_hand", [2, 7, 40])
@pytest.mark.parametrize("seed", range(4))
def test_the_clips_are_those_of_a_folder_in_memory(monkeypatch, seed, at_hand):
    listed = files(seed)
    clips, warnings = group(listed)
    assert any(len(clip.parts) > 2 for clip in clips)
    assert any(clip.of("proxy") for clip in clips)
    monkeypatch.setattr(listing, "_AT_HAND", at_hand)
    in_parts, also_warned = group(listed)
    assert in_parts == clips
    assert [text.split(":")[0] for text in also_warned] == [text.split(":")[0] for text in warnings]


@pytest.mark.parametrize("at_hand", [1, 2, 5, 60])
def test_every_file_is_in_one_part(monkeypatch, at_hand):
    listed = FileList(files(7))
    whole = {entry.path for entry in listing.Listing(listed).files_in("day")}
    monkeypatch.setattr(listing, "_AT_HAND", at_hand)
    parts = list(listing.Listing(listed).parts_of("day"))
    seen = [entry.path for part in parts for entry in part]
    assert sorted(seen) == sorted(whole)
    assert len(parts) > 1
    assert all(part for part in parts)
    if at_hand > 40:  # no group of names is as large
        assert max(map(len, parts)) <= at_hand
