"""The ladder by itself: plain data in, plain data out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.relink import match as ladder
from engine.relink.likeness import common_tail, fold
from engine.relink.match import (
    ALTERNATIVES,
    CONFIDENCE,
    Found,
    Lost,
    assign,
    evidence,
    judge,
)

BIG = 1_024_000
SAME_INODE = {"inode": 7, "volume_id": "A", "mtime_ns": 5}


def lost(number: int = 1, **facts: Any) -> Lost:
    given = {
        "copy_id": number, "asset_id": number, "clip_id": f"clip{number}", "volume_id": "A",
        "path": f"day/C{number:04}.MP4", "size": BIG, "mtime_ns": 5, **facts,
    }  # fmt: skip
    return Lost(**given)


def found(path: str = "x/C0001.MP4", **facts: Any) -> Found:
    return Found(**{"volume_id": "B", "path": path, "size": BIG, "mtime_ns": 9, **facts})


@pytest.mark.parametrize(
    ("ours", "theirs", "rung"),
    [
        ({"blake3": "h"}, {"blake3": "h"}, "full_hash"),
        ({"blake3": "h", "fast_hash": "f"}, {"blake3": "g", "fast_hash": "f"}, None),
        ({"fast_hash": "f"}, {"fast_hash": "f"}, "fast_hash"),
        ({"fast_hash": "f", "duration_ms": 5}, {"fast_hash": "g", "duration_ms": 5}, None),
        ({"fast_hash": "f", "inode": 7}, {"fast_hash": "f", **SAME_INODE}, "moved"),
        ({"fast_hash": "f", "inode": 7}, {"fast_hash": "f", **SAME_INODE, "mtime_ns": 6}, "fast_hash"),
        ({"fast_hash": "f", "inode": 7}, {"fast_hash": "f", **SAME_INODE, "volume_id": "B"}, "fast_hash"),
        ({"inode": 7}, {"path": "y", **SAME_INODE}, None),
        ({"identifiers": ("umid:u",)}, {"path": "y", "identifiers": ("umid:u",)}, "embedded_id"),
        ({"identifiers": ("umid:u",)}, {"identifiers": ("umid:v",)}, None),
        ({"identifiers": ("umid:u", "bwf:r")}, {"identifiers": ("umid:u", "bwf:s")}, None),
        ({"identifiers": ("umid:u", "bwf:r")}, {"identifiers": ("bwf:r",)}, "embedded_id"),
        ({"identifiers": ("umid:u",)}, {"identifiers": ("bwf:u",)}, "filename"),
        ({"identifiers": ("bwf:a:b",)}, {"path": "y", "identifiers": ("bwf:a:b",)}, "embedded_id"),
        ({"timecode": "1", "reel": "r"}, {"timecode": "1", "reel": "r"}, "identity"),
        ({"timecode": "1", "reel": "r"}, {"timecode": "1", "reel": "s"}, "filename"),
        ({"timecode": "1"}, {"path": "y", "timecode": "1"}, None),
        ({"duration_ms": 5000}, {"path": "y", "duration_ms": 5000}, "size_duration"),
        ({"duration_ms": 5000}, {"duration_ms": 5001}, None),
        ({"duration_ms": 5000}, {"duration_ms": 5000, "size": BIG + 1}, None),
        ({}, {}, "filename"),
        ({}, {"path": "y"}, None),
        ({"blake3": "h", "size": 10}, {"blake3": "h", "size": 10, "path": "y"}, "full_hash"),
        ({"size": 65_535, "duration_ms": 1}, {"size": 65_535, "duration_ms": 1}, None),
        ({"size": 65_536, "duration_ms": 1}, {"size": 65_536, "duration_ms": 1}, "size_duration"),
        ({"size": 65_535, "fast_hash": "f"}, {"size": 65_535, "fast_hash": "f"}, None),
        ({"blake3": "e", "size": 0}, {"blake3": "e", "size": 0, "path": "y"}, None),
        ({"blake3": "e", "size": 0}, {"blake3": "e", "size": 0}, "full_hash"),
    ],
)  # fmt: skip
def test_each_rung_and_each_reason_against(ours: Any, theirs: Any, rung: str | None) -> None:
    assert judge(lost(**ours), found(**theirs)) == rung


def test_confidence_of_each_tier() -> None:
    assert [CONFIDENCE[tier] for tier in ("full_hash", "fast_hash", "size_duration", "filename")] == [
        1,
        0.95,
        0.8,
        0.5,
    ]


def test_one_to_one_and_certain() -> None:
    copies = [lost(n, blake3=f"h{n}") for n in range(1, 4)]
    files = [found(f"{n}", blake3=f"h{n}") for n in (3, 1, 2)]
    matches = assign(copies, files)
    assert {(match.lost.copy_id, match.found.path) for match in matches} == {(1, "1"), (2, "2"), (3, "3")}
    assert all(match.certain and not match.ambiguous for match in matches)


def test_a_strong_rung_hides_the_weaker_ones_of_both_sides() -> None:
    matches = assign(
        [lost(1, blake3="h"), lost(2, path="x/C0001.MP4")],
        [found(blake3="h"), found("y/C0001.MP4", blake3="g")],
    )
    assert [(match.lost.copy_id, match.found.path, match.match_type) for match in matches] == [
        (1, "x/C0001.MP4", "full_hash"), (2, "y/C0001.MP4", "filename"),
    ]  # fmt: skip


def test_one_file_for_copies_of_other_content_is_ambiguous() -> None:
    matches = assign(
        [lost(1, duration_ms=5), lost(2, duration_ms=5)],
        [found("a", duration_ms=5), found("b", duration_ms=5)],
    )
    assert len({match.lost.copy_id for match in matches}) == 2
    assert all(match.ambiguous and not match.certain for match in matches)
    assert all(match.evidence["fits_other_content"] for match in matches)


def test_equal_samples_of_two_assets_are_ambiguous_until_read_in_full() -> None:
    copies = [lost(1, fast_hash="f", blake3="h1"), lost(2, fast_hash="f", blake3="h2")]
    sampled = assign(copies, [found("a", fast_hash="f")])
    assert sampled
    assert all(match.ambiguous for match in sampled)
    (proven,) = assign(copies, [found("a", fast_hash="f", blake3="h2")])
    assert (proven.lost.copy_id, proven.certain) == (2, True)


def test_more_equal_files_than_copies_is_ambiguous_fewer_is_not() -> None:
    copies = [lost(1, asset_id=7, blake3="h"), lost(2, asset_id=7, blake3="h", volume_id="C")]
    files = [found(name, blake3="h") for name in ("a", "b", "c")]
    three = assign(copies, files)
    assert all(match.ambiguous for match in three)
    assert {match.found.path for match in three} == {"a", "b", "c"}
    two = assign(copies, files[:2])
    assert len(two) == 2
    assert all(match.certain for match in two)
    (one,) = assign(copies, files[:1])
    assert one.certain


def test_missing_copies_are_served_before_those_merely_away() -> None:
    copies = [lost(1, asset_id=7, blake3="h"), lost(2, asset_id=7, blake3="h", missing=True)]
    (match,) = assign(copies, [found("a", blake3="h")])
    assert match.lost.copy_id == 2


def test_the_recorded_path_and_the_very_inode_break_a_tie() -> None:
    copy = lost(1, blake3="h", fast_hash="f", inode=7)
    same_path = found(copy.path, blake3="h", fast_hash="f")
    same_inode = found("elsewhere", blake3="h", fast_hash="f", volume_id="A", inode=7, mtime_ns=5)
    other = found("other", blake3="h", fast_hash="f")
    for best, rest in ((same_path, [other]), (same_inode, [other, same_path])):
        matches = assign([copy], [*rest, best])
        assert (matches[0].certain, [match.found for match in matches if match.certain]) in (
            (True, [best]), (False, [best]),
        )  # fmt: skip
        assert [match.found for match in matches if not match.ambiguous] == [best]


def test_the_longer_common_tail_decides_who_gets_which_of_equal_files() -> None:
    copies = [lost(n, asset_id=7, blake3="h", path=f"day{n}/C.XML") for n in (1, 2, 3)]
    files = [found(f"new/day{n}/C.XML", blake3="h") for n in (3, 2, 1)]
    assert {(match.lost.path, match.found.path) for match in assign(copies, files)} == {
        (f"day{n}/C.XML", f"new/day{n}/C.XML") for n in (1, 2, 3)
    }


def test_a_file_without_a_hash_is_still_held_against_copies_that_have_one() -> None:
    (match,) = assign([lost(1, fast_hash="f")], [found("elsewhere/C0001.MP4")])
    assert (match.match_type, match.certain) == ("filename", False)


def test_a_pair_without_proof_gives_way_where_the_copy_has_one_by_content() -> None:
    files = [found("new name.mp4", fast_hash="f"), found("elsewhere/C0001.MP4")]
    (match,) = assign([lost(1, fast_hash="f")], files)
    assert (match.found.path, match.ambiguous) == ("new name.mp4", False)


def test_on_its_own_volume_the_recorded_path_breaks_no_tie() -> None:
    copy = lost(1, blake3="h")
    files = [found(copy.path, blake3="h", volume_id="A"), found("other", blake3="h", volume_id="A")]
    assert [match.ambiguous for match in assign([copy], files)] == [True, True]


def test_who_gets_which_is_decided_by_names_and_not_by_numbers() -> None:
    copies = [lost(n, asset_id=7, blake3="h", path=f"day{4 - n}/C.XML") for n in (1, 2, 3)]
    files = [found(f"new/day{n}/C.XML", blake3="h") for n in (1, 2, 3)]
    assert {(match.lost.path, match.found.path) for match in assign(copies, files)} == {
        (f"day{n}/C.XML", f"new/day{n}/C.XML") for n in (1, 2, 3)
    }


def test_a_copy_of_the_drive_at_hand_comes_before_those_of_others() -> None:
    copies = [
        lost(n, asset_id=7, blake3="h", path="x", volume_id=volume) for n, volume in ((1, "A"), (2, "B"))
    ]
    (match,) = assign(copies, [found("a", blake3="h", volume_id="B")])
    assert match.lost.copy_id == 2


def test_of_very_many_equal_copies_some_are_compared_with_a_file_of_another_name() -> None:
    copies = [lost(n, asset_id=7, blake3="h", path=f"{n}/M01.XML") for n in range(300)]
    (match,) = assign(copies, [found("renamed.xml", blake3="h")])
    assert match.match_type == "full_hash"


def test_the_managed_copy_comes_before_a_backup() -> None:
    copies = [
        lost(n, asset_id=7, blake3="h", path="x", role=role) for n, role in ((1, "backup"), (2, "managed"))
    ]
    (match,) = assign(copies, [found("a", blake3="h")])
    assert match.lost.copy_id == 2


def test_a_file_that_fits_other_content_too_is_ambiguous_for_several_copies_of_one() -> None:
    copies = [lost(n, asset_id=asset_id, fast_hash="f") for n, asset_id in ((1, 7), (2, 7), (3, 8))]
    matches = assign(copies, [found("a", fast_hash="f")])
    assert {match.lost.asset_id for match in matches} == {7, 8}
    assert all(match.ambiguous and match.evidence["fits_other_content"] for match in matches)


def test_of_very_many_equal_files_so_many_are_shown() -> None:
    files = [found(f"{n}.mp4", blake3="h") for n in range(20)]
    assert len(assign([lost(1, blake3="h")], files)) == ALTERNATIVES


def test_a_small_file_hints_at_nothing() -> None:
    assert assign([lost(1, size=900)], [found("x/C0001.MP4")]) == []
    assert assign([lost(1)], [found("x/C0001.MP4", size=900)]) == []


def test_files_without_inode_numbers_are_not_the_same_for_it() -> None:
    assert judge(lost(1, fast_hash="f"), found("x", fast_hash="f", volume_id="A", mtime_ns=5)) == "fast_hash"


def test_hints_are_few_and_never_for_names_that_everybody_has() -> None:
    copy = lost(1, blake3="h")
    files = [found(f"{n}/c0001.mp4", size=BIG + 1 + n) for n in range(5)]
    hints = assign([copy], files)
    assert len(hints) == 3
    assert {(hint.match_type, hint.certain, hint.ambiguous) for hint in hints} == {
        ("derivative", False, True)
    }
    many = [found(f"{n}/C0001.MP4", size=BIG + 1 + n) for n in range(9)]
    assert assign([copy], many) == []
    assert assign([copy], [*files, found("z", blake3="h")])[0].match_type == "full_hash"
    assert len(assign([copy], [*files, found("z", blake3="h")])) == 1


def test_thousands_of_equal_sidecars_stay_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    copies = [lost(n, asset_id=7, blake3="h", size=900, path=f"{n}/M01.XML") for n in range(3000)]
    files = [found(f"new/{n}/M01.XML", blake3="h", size=900) for n in range(3000)]
    compared: list[Found] = []
    monkeypatch.setattr(ladder, "judge", lambda copy, file: compared.append(file) or judge(copy, file))
    matches = assign(copies, files)
    assert len(compared) <= len(files) * ladder.COMPARED
    assert len(matches) >= 2900
    assert all(match.lost.path == match.found.path.removeprefix("new/") for match in matches[:100])


def test_names_are_compared_without_case_and_composition() -> None:
    assert fold("Cafe\u0301.MOV") == fold("CAF\u00c9.mov")
    assert fold("a.mov") != fold("b.mov")
    assert common_tail("a/b/c.mov", "x/B/C.MOV") == 2
    assert fold(b"caf\xe9".decode("utf-8", "surrogateescape")) != fold("caf\u00e9")


def test_identity_of_records_does_not_depend_on_evidence() -> None:
    assert judge(replace(lost(blake3="h"), path="other"), found(blake3="h")) == "full_hash"


def test_evidence_tells_what_agrees_what_differs_and_what_is_unknown() -> None:
    ours = lost(blake3="h", duration_ms=5, timecode="1", reel="r", identifiers=("umid:u",), inode=7)
    same = evidence(
        ours,
        found("day/C0001.MP4", blake3="h", duration_ms=5, timecode="1", reel="r", identifiers=("umid:u",)),
    )
    assert {key for key, value in same.items() if value is True} == {
        "size", "blake3", "name", "exact_name", "duration", "timecode", "reel", "embedded_id",
    }  # fmt: skip
    assert same["fast_hash"] is None
    other = evidence(
        ours,
        found("c0001.mp4", size=BIG + 1, blake3="g", duration_ms=6, timecode="2", reel="s",
              identifiers=("umid:v",)),
        ambiguous=True, equals=2, shared=True,
    )  # fmt: skip
    assert {key for key, value in other.items() if value is False} == {
        "size", "blake3", "exact_name", "mtime", "duration", "timecode", "reel", "embedded_id",
    }  # fmt: skip
    assert (other["name"], other["inode"], other["path_tail"]) == (True, None, 1)
    assert (other["ambiguous"], other["equally_good"], other["fits_other_content"]) == (True, 2, True)
    assert other["lost_size"] == BIG


@pytest.mark.parametrize(
    ("here", "there", "other_volume", "same"),
    [
        (5, 5, True, True),
        (28_251_137_754, 28_000_000_000, True, True),
        (28_000_000_000, 28_251_137_754, True, True),
        (28_251_137_754, 28_000_000_000, False, False),
        (29_900_000_000, 28_000_000_000, True, True),
        (30_000_000_000, 28_000_000_000, True, False),
        (28_251_137_754, 28_251_137_755, True, False),
    ],
)
def test_a_time_that_the_other_file_system_rounded_agrees(
    here: int, there: int, other_volume: bool, same: bool
) -> None:
    told = evidence(
        lost(1, mtime_ns=here), found("x", mtime_ns=there, volume_id="B" if other_volume else "A")
    )
    assert told["mtime"] is same
