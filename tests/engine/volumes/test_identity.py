"""Which volume is it? Evidence weighed without any mount."""

from __future__ import annotations

from dataclasses import replace

from engine.volumes.evidence import Evidence, Spot
from engine.volumes.identity import Known, decide, judge, stays

U1 = "11111111-1111-4111-8111-111111111111"
U2 = "22222222-2222-4222-8222-222222222222"
DRIVE = Evidence("ext4", U1, None, "serial:A/1#1", 1000, "DAY1", None, None, "boot:8:1:aa")
CARD = Evidence("exfat", "1234-ABCD", None, None, 64000, "CARD", None, None, "boot:8:17:0")


def away(evidence: Evidence, volume_id: str = "v", **more: object) -> Known:
    return Known(volume_id, replace(evidence, session=None), mounted=False, **more)  # type: ignore[arg-type]


def here(evidence: Evidence, volume_id: str = "v", **more: object) -> Known:
    return Known(volume_id, evidence, mounted=True, **more)  # type: ignore[arg-type]


def test_the_same_drive_elsewhere_on_another_port_and_relabelled() -> None:
    seen = replace(DRIVE, session="boot2:8:33:aa", hardware="serial:USB/9#1", label="DAY2")
    (decision,) = decide([seen], [away(DRIVE)])
    assert (decision.verdict, decision.volume_id) == ("same", "v")


def test_a_grown_file_system_stays_itself() -> None:
    (decision,) = decide([replace(DRIVE, partition_bytes=2000, session="b:1:1")], [away(DRIVE)])
    assert decision.verdict == "same"


def test_VO1_cards_of_equal_label_and_size_stay_apart() -> None:
    other = replace(CARD, fs_uuid="9999-0000", session="boot:8:17:1")
    (decision,) = decide([other], [away(CARD)])
    assert (decision.verdict, decision.volume_id) == ("new", None)
    both = decide([CARD, other], [here(CARD)])
    assert [entry.verdict for entry in both] == ["same", "new"]


def test_short_ids_collide_size_and_label_tell_apart() -> None:
    first = Evidence("ntfs", "0AA1B2C3D4E5F607", None, None, 5000, "A", None, None, "b:7:0:1")
    larger = replace(first, partition_bytes=6000, session="b:7:1:1")
    renamed = replace(first, label="B", session="b:7:2:1")
    assert judge(first, larger).verdict == "different"
    assert [entry.verdict for entry in decide([first, larger, renamed], [])] == ["new", "new", "new"]
    assert [entry.verdict for entry in decide([replace(first, session="b:7:3:1")], [away(first)])] == ["same"]


def test_a_clone_mounted_together_is_a_conflict_for_both() -> None:
    clone = replace(DRIVE, session="boot:8:17:aa", hardware="serial:B/2#1")
    first, second = decide([DRIVE, clone], [here(DRIVE)])
    assert (first.verdict, first.volume_id) == ("conflict", "v")
    assert (second.verdict, second.volume_id) == ("conflict", None)
    assert second.rivals == ("v",)
    alone = decide([DRIVE], [here(DRIVE), away(clone, "w")])
    assert [(entry.verdict, entry.volume_id) for entry in alone] == [("same", "v")]


def test_a_settled_conflict_is_not_asked_again() -> None:
    clone = replace(DRIVE, session="boot:8:17:aa", hardware="serial:B/2#1")
    known = [
        here(DRIVE, settled=frozenset({"serial:A/1#1"})),
        here(clone, "w", settled=frozenset({"serial:B/2#1"})),
    ]
    decisions = decide([DRIVE, clone], known)
    assert [(entry.verdict, entry.volume_id) for entry in decisions] == [("same", "v"), ("same", "w")]


def test_different_markers_separate_clones() -> None:
    one = replace(DRIVE, marker_id="m1")
    two = replace(DRIVE, marker_id="m2", session="boot:8:17:aa")
    assert [entry.verdict for entry in decide([one, two], [here(one)])] == ["same", "new"]


def test_a_copied_marker_does_not_make_another_file_system_the_same() -> None:
    one = replace(DRIVE, marker_id="m1")
    copied = replace(DRIVE, marker_id="m1", fs_uuid=U2, hardware="serial:Z/1#1", session="boot:8:49:b")
    (decision,) = decide([copied], [away(one)])
    assert decision.volume_id is None


def test_a_reformatted_disk_is_a_new_generation_of_its_hardware() -> None:
    seen = replace(DRIVE, fs_uuid=U2, session="boot:8:1:bb")
    (decision,) = decide([seen], [away(DRIVE)])
    assert (decision.verdict, decision.volume_id, decision.previous) == ("generation", None, "v")
    # Also at once, in the place of the one that the table still calls mounted.
    (decision,) = decide([seen], [here(DRIVE)])
    assert (decision.verdict, decision.previous) == ("generation", "v")


def test_another_partition_of_the_disk_is_no_generation() -> None:
    seen = replace(DRIVE, fs_uuid=U2, hardware="serial:A/1#2", session="boot:8:2:bb")
    (decision,) = decide([seen], [away(DRIVE)])
    assert decision.verdict == "new"


def test_an_id_that_cannot_be_read_is_no_reformatting() -> None:
    seen = replace(DRIVE, fs_uuid=None, session="boot:8:33:0")
    (decision,) = decide([seen], [away(DRIVE)])
    assert (decision.verdict, decision.volume_id) == ("same", "v")


def test_a_reformatted_card_with_its_old_short_id_is_noticed_by_its_files() -> None:
    seen = replace(CARD, session="boot:8:17:2")
    (decision,) = decide([seen], [away(CARD)], {(0, "v"): Spot(absent=12)})
    assert (decision.verdict, decision.previous) == ("generation", "v")
    (decision,) = decide([seen], [away(CARD)], {(0, "v"): Spot(fit=11, absent=1)})
    assert (decision.verdict, decision.volume_id) == ("same", "v")


def test_the_same_long_uuid_with_other_content_is_asked() -> None:
    seen = replace(DRIVE, session="boot:8:33:aa")
    (decision,) = decide([seen], [away(DRIVE)], {(0, "v"): Spot(other=9, absent=3)})
    assert (decision.verdict, decision.volume_id) == ("conflict", "v")
    spots = {(0, "v"): Spot(other=9, absent=3)}
    (decision,) = decide([seen], [here(seen, settled=frozenset({"boot:8:33:aa"}))], spots)
    assert decision.verdict == "same"
    (decision,) = decide([seen], [away(DRIVE, settled=frozenset({"serial:A/1#1"}))], spots)
    assert decision.verdict == "same"
    (decision,) = decide([seen], [away(DRIVE, settled=frozenset({"boot:8:33:aa"}))], spots)
    assert decision.verdict == "conflict", "what was settled for a mount ends with it"


def test_files_that_were_moved_or_restored_do_not_hide_the_drive() -> None:
    seen = replace(DRIVE, session="boot:8:33:aa")
    for spot in (Spot(absent=16), Spot(touched=16), Spot(fit=1, other=15)):
        (decision,) = decide([seen], [away(DRIVE)], {(0, "v"): spot})
        assert (decision.verdict, decision.volume_id) == ("same", "v"), spot


def test_a_drive_swapped_under_one_device_number_is_not_the_old_one() -> None:
    other = Evidence("ext4", U2, None, "serial:B/2#1", 1000, "DAY1", None, None, "boot:8:1:bb")
    (decision,) = decide([other], [here(DRIVE)])
    assert (decision.verdict, decision.volume_id) == ("new", None)


def test_two_drives_that_swap_places_are_each_themselves() -> None:
    other = Evidence("ext4", U2, None, "serial:B/2#1", 1000, "DAY1", None, None, "boot:8:17:bb")
    swapped = [replace(DRIVE, session="boot:8:17:aa"), replace(other, session="boot:8:1:bb")]
    decisions = decide(swapped, [here(DRIVE), here(other, "w")])
    assert [entry.volume_id for entry in decisions] == ["v", "w"]


def test_memory_file_systems_are_known_only_while_they_stay() -> None:
    ram = Evidence("tmpfs", session="boot:0:40:1")
    assert decide([ram], [here(ram)])[0].volume_id == "v"
    assert decide([ram], [away(ram)])[0].verdict == "new"
    assert decide([replace(ram, session="boot:0:40:2")], [here(ram)])[0].verdict == "new"


def test_a_share_is_recognised_at_any_mount_point() -> None:
    share = Evidence("nfs4", share="nas:/footage", session="boot:0:50:0")
    seen = replace(share, fs_type="nfs", session="boot2:0:61:0")
    assert decide([seen], [away(share)])[0].volume_id == "v"
    assert decide([replace(seen, share="nas:/other")], [away(share)])[0].verdict == "new"


def test_two_known_volumes_that_fit_equally_are_asked_about() -> None:
    seen = replace(DRIVE, hardware=None, session="boot:8:33:aa")
    known = [away(replace(DRIVE, hardware=None), "v", weight=2), away(replace(DRIVE, hardware=None), "w")]
    (decision,) = decide([seen], known)
    assert (decision.verdict, decision.volume_id) == ("conflict", "v")
    assert set(decision.rivals) == {"v", "w"}


def test_hardware_tells_a_drive_from_its_clone_in_turn() -> None:
    clone = replace(DRIVE, hardware="serial:B/2#1")
    (decision,) = decide([replace(clone, session="b:9:9:aa")], [away(DRIVE, "v", weight=2), away(clone, "w")])
    assert (decision.verdict, decision.volume_id) == ("same", "w")


def test_hardware_tells_them_apart_also_where_all_their_files_are_in_place() -> None:
    clone = replace(DRIVE, hardware="serial:B/2#1")
    known = [away(DRIVE, "v", weight=2), away(clone, "w")]
    spots = {(0, "v"): Spot(fit=12), (0, "w"): Spot(fit=16)}
    (decision,) = decide([replace(clone, session="b:9:9:aa")], known, spots)
    assert (decision.verdict, decision.volume_id) == ("same", "w")
    assert decision.score == 1.0


def test_the_files_of_the_original_on_its_clone_do_not_outweigh_the_hardware() -> None:
    clone = replace(DRIVE, hardware="serial:B/2#1")
    seen = replace(clone, session="b:9:9:aa")
    spots = {(0, "v"): Spot(fit=12)}  # nothing is recorded on the clone, so nothing is looked at there
    (decision,) = decide([seen], [away(DRIVE, "v", weight=12), away(clone, "w")], spots)
    assert (decision.verdict, decision.volume_id) == ("same", "w")
    unknown = away(replace(DRIVE, hardware=None), "v", weight=12)
    (decision,) = decide([seen], [unknown, away(clone, "w")], spots)
    assert decision.verdict == "conflict", "hardware that is not known may be this one"
    both = [away(clone, "v", weight=12), away(clone, "w")]
    assert decide([seen], both, spots)[0].volume_id == "v", "of two in one reader the files tell"
    assert decide([seen], both)[0].verdict == "conflict"


def test_a_conflict_that_nobody_settled_is_one_at_the_next_look_too() -> None:
    seen = replace(DRIVE, hardware=None, session="boot:8:33:aa")
    other = away(replace(DRIVE, hardware=None), "w")
    disputed = here(seen, "v", weight=2, disputed=True)
    (decision,) = decide([seen], [disputed, other])
    assert (decision.verdict, decision.volume_id) == ("conflict", "v")
    assert set(decision.rivals) == {"v", "w"}
    settled = here(seen, "v", weight=2, disputed=True, settled=frozenset({"boot:8:33:aa"}))
    assert decide([seen], [settled, other])[0].verdict == "same"
    assert decide([seen], [here(seen, "v", weight=2), other])[0].verdict == "same", "it stayed mounted"


def test_a_marker_identifies_what_has_no_id() -> None:
    share = Evidence("fuse.sshfs", marker_id="m1", session="boot:0:50:0")
    seen = Evidence("fuse.sshfs", marker_id="m1", session="boot2:0:70:0")
    assert decide([seen], [away(share)])[0].volume_id == "v"
    assert decide([replace(seen, marker_id="m2")], [away(share)])[0].verdict == "new"
    assert decide([replace(seen, marker_id=None)], [away(share)])[0].verdict == "new"
    assert (
        judge(share, seen).score
        > judge(replace(share, marker_id=None, share="s"), replace(seen, share="s")).score
    )


def test_the_evidence_is_weighed_in_this_order() -> None:
    def score(known: Evidence, seen: Evidence, spot: Spot | None = None) -> float:
        return judge(known, seen, spot).score

    bare = Evidence("ext4", U1)
    sized = Evidence("ext4", U1, partition_bytes=1000)
    assert score(bare, bare) == 0.7
    assert score(sized, bare) == 0.7, "an unknown size neither proves nor contradicts"
    assert score(sized, sized) == 0.9
    assert score(replace(sized, label="A"), replace(sized, label="A")) == 0.95
    assert score(replace(sized, label="A"), replace(sized, label="B")) == 0.9, "a long id may be relabelled"
    assert score(bare, bare, Spot(fit=1, absent=1)) == 0.8
    assert score(DRIVE, DRIVE, Spot(fit=4)) == 1.2
    card = Evidence("exfat", "1234-ABCD")
    assert judge(card, card).verdict == "different", "a short id alone proves nothing"
    assert judge(replace(card, label="A"), replace(card, label="A")).verdict == "different"
    sized_card = replace(card, partition_bytes=5)
    assert judge(sized_card, card).verdict == "different"
    assert judge(sized_card, sized_card).verdict == "same"
    assert judge(replace(sized_card, label="A"), replace(sized_card, label="B")).verdict == "different"
    helped = judge(replace(sized_card, label="A"), replace(sized_card, label="B"), Spot(fit=3))
    assert helped.verdict == "same", "relabelled, and its files are there"


def test_one_id_unknown_is_no_comparison() -> None:
    known = Evidence("vfat", "1234-ABCD", partition_bytes=9)
    assert judge(known, Evidence("vfat", None, partition_bytes=9)).verdict == "different"
    assert (
        judge(
            Evidence("vfat", None, hardware="x#1", partition_bytes=9), replace(known, hardware="x#1")
        ).verdict
        == "same"
    )
    assert judge(
        Evidence("vfat", None, hardware="x#1", partition_bytes=8), replace(known, hardware="x#1")
    ).verdict == ("different")


def test_a_drive_that_moves_from_cable_to_network_is_found_by_its_id() -> None:
    local = Evidence("ext4", U1, share="a")
    assert judge(local, Evidence("ext4", U1, share="b")).verdict == "same"
    assert judge(Evidence("nfs", share="a:/x"), Evidence("nfs", share="b:/x")).verdict == "different"


def test_names_of_one_format_are_one() -> None:
    assert judge(Evidence("ntfs3", U1), Evidence("fuseblk", U1)).verdict == "same"
    assert judge(Evidence("ext3", U1), Evidence("ext4", U1)).verdict == "same"
    assert judge(Evidence("xfs", U1), Evidence("ext4", U1)).verdict == "different"
    assert judge(Evidence(None, U1), Evidence("ext4", U1)).verdict == "same"


def test_being_away_with_the_same_device_number_is_not_staying() -> None:
    twin = replace(DRIVE, hardware="serial:B/2#1")
    known = [Known("v", twin, mounted=False), Known("w", DRIVE, mounted=True)]
    (decision,) = decide([DRIVE], known)
    assert (decision.verdict, decision.volume_id) == ("same", "w")
    unknown = Evidence("ext4", U2)
    (decision,) = decide([unknown], [Known("v", Evidence("xfs", U1), mounted=True)])
    assert decision.verdict == "new"


def test_some_files_of_another_size_are_no_contradiction() -> None:
    assert Spot(other=1, absent=2).contradicts
    assert not Spot(touched=1, other=5).contradicts
    assert not Spot(absent=3).contradicts
    assert Spot(1, 2, 3, 4).sampled == 10
    partly = judge(DRIVE, DRIVE, Spot(fit=1, touched=2, other=1))
    assert "3 of 4 known files at their place" in partly.reasons


def test_other_hardware_under_one_session_is_not_staying() -> None:
    clone = replace(DRIVE, hardware="serial:B/2#1")
    known = [here(DRIVE), away(clone, "w")]
    (decision,) = decide([clone], known)
    assert (decision.verdict, decision.volume_id) == ("same", "w")
    (decision,) = decide([replace(DRIVE, hardware=None)], known)
    assert decision.volume_id == "v"
    parts = here(replace(DRIVE, part_uuid="p1"))
    (decision,) = decide(
        [replace(DRIVE, part_uuid="p2", hardware=None)], [parts, away(replace(DRIVE, part_uuid="p2"), "w")]
    )
    assert decision.volume_id == "w"


def test_each_piece_of_evidence_has_its_weight() -> None:
    def score(**facts: object) -> float:
        evidence = Evidence("ext4", **facts)  # type: ignore[arg-type]
        return judge(evidence, evidence).score

    assert score(fs_uuid=U1, part_uuid="p") == 0.75
    assert score(fs_uuid=U1, hardware="h#1") == 0.75
    assert score(fs_uuid=U1, label="A") == 0.75
    assert score(share="nas:/x") == 0.8
    assert score(share="nas:/x", marker_id="m") == 0.9
    assert score(marker_id="m") == 0.9
    assert score(session="s") == 0.7
    assert score(hardware="h#1") == 0.6
    assert judge(Evidence("ext4", U1), Evidence("ext4", U2)).score == 0.0
    assert judge(Evidence("ext4"), Evidence("ext4")).score == 0.0


def test_short_ids_say_why_in_words() -> None:
    assert "same short file-system id" in judge(CARD, CARD).reasons
    assert "same file-system UUID" in judge(DRIVE, DRIVE).reasons


def test_a_short_id_under_another_size_is_another_card_whatever_lies_on_it() -> None:
    ours = replace(CARD, hardware="h#1")
    assert judge(ours, replace(ours, partition_bytes=64001), Spot(fit=4)).verdict == "different"
    unknown = judge(CARD, replace(CARD, partition_bytes=None), Spot(fit=4))
    assert unknown.verdict == "same", "a size that nobody could read is no other size"
    drive = Evidence("ext4", U1, partition_bytes=5)
    assert judge(drive, replace(drive, partition_bytes=6), Spot(fit=4)).verdict == "same", "it was grown"


def test_as_many_touched_as_fitting_files_are_no_contradiction() -> None:
    assert not Spot(fit=1, touched=1, other=1).contradicts
    assert not Spot(fit=1, other=1).contradicts


def test_another_partition_under_one_session_is_not_staying() -> None:
    ours = Evidence("ext4", U1, part_uuid="p1", session="boot:8:1:aa")
    other = replace(ours, part_uuid="p2")
    assert stays(here(ours), ours)
    assert stays(here(ours), replace(ours, part_uuid=None))
    assert stays(here(replace(ours, part_uuid=None)), other)
    assert not stays(here(ours), other)
    assert not stays(here(ours), replace(ours, session="boot:8:2:aa"))
    assert not stays(Known("v", ours, mounted=False), ours)


POOL = Evidence("fuse.shfs", session="boot:0:35:0")


def test_a_pool_without_any_id_is_recognised_by_its_files() -> None:
    seen = replace(POOL, session="boot2:0:71:0")
    for spot in (Spot(fit=16), Spot(fit=4), Spot(fit=12, absent=4)):
        (decision,) = decide([seen], [away(POOL)], {(0, "v"): spot})
        assert (decision.verdict, decision.volume_id) == ("same", "v"), spot
        assert "recognised by its files" in " ".join(decision.reasons)
    for spot in (
        Spot(fit=3),
        Spot(fit=11, absent=5),
        Spot(fit=15, other=1),
        Spot(touched=16),
        Spot(absent=16),
    ):
        assert decide([seen], [away(POOL)], {(0, "v"): spot})[0].verdict == "new", spot
    assert decide([seen], [away(POOL)])[0].verdict == "new"


def test_content_alone_says_nothing_of_what_has_a_device_or_a_name() -> None:
    spots = {(0, "v"): Spot(fit=16)}
    bare_card = Evidence("fuseblk", partition_bytes=64000)
    memory = Evidence("tmpfs", session="boot:0:40:1")
    named = Evidence("fuse.sshfs", share="ana@nas:/a")
    for known in (bare_card, memory, named, replace(POOL, marker_id="m" * 8)):
        seen = replace(known, session="boot2:0:9:9", share=None, marker_id=None)
        assert decide([seen], [away(known)], spots)[0].verdict == "new", known
    assert decide([replace(POOL, fs_type="fuse.other")], [away(POOL)], spots)[0].verdict == "new"


def test_two_views_of_one_pool_without_id_are_asked_about() -> None:
    first, second = replace(POOL, session="boot2:0:71:0"), replace(POOL, session="boot2:0:72:0")
    spots = {(0, "v"): Spot(fit=16), (1, "v"): Spot(fit=16)}
    decisions = decide([first, second], [away(POOL)], spots)
    assert [decision.verdict for decision in decisions] == ["conflict", "conflict"]
    assert decisions[0].volume_id == "v"
    alone = {(0, "v"): Spot(fit=16), (1, "v"): Spot(absent=16)}
    assert [one.verdict for one in decide([first, second], [away(POOL)], alone)] == ["same", "new"]


def test_a_pool_that_stays_is_not_asked_about_for_another_that_shows_its_files() -> None:
    other = replace(POOL, session="boot:0:36:0")
    spots = {(1, "v"): Spot(fit=16)}
    decisions = decide([POOL, other], [here(POOL), here(other, "w")], spots)
    assert [(one.verdict, one.volume_id) for one in decisions] == [("same", "v"), ("same", "w")]
    settled = here(POOL, settled=frozenset({"boot:0:35:0"}), disputed=True)
    decisions = decide([POOL, other], [settled], {(0, "v"): Spot(fit=16), (1, "v"): Spot(fit=16)})
    assert decisions[0].verdict == "same"


def test_a_share_that_shows_none_of_its_files_is_asked_about() -> None:
    """A server whose disk is not mounted exports the empty folder under it."""
    share = Evidence("nfs4", share="nas:/footage", session="boot:0:50:0")
    seen = replace(share, session="boot2:0:61:0")
    (decision,) = decide([seen], [away(share)], {(0, "v"): Spot(absent=16)})
    assert (decision.verdict, decision.volume_id) == ("conflict", "v")
    assert "none of its files is there" in decision.reasons
    for spot in (Spot(absent=3), Spot(absent=15, touched=1), Spot(fit=1, absent=15)):
        assert decide([seen], [away(share)], {(0, "v"): spot})[0].verdict == "same", spot
    assert decide([share], [here(share)], {(0, "v"): Spot(absent=16)})[0].verdict == "conflict"


def test_a_share_with_half_of_its_files_touched_is_itself() -> None:
    share = Evidence("nfs4", share="nas:/footage", session="boot:0:50:0")
    assert judge(share, share, Spot(fit=2, touched=2, absent=12)).verdict == "same"
    told = replace(share, fs_uuid=U1)
    assert judge(told, share, Spot(absent=16)).verdict == "doubtful", "one id is no comparison"
    assert judge(told, told, Spot(absent=16)).verdict == "same", "its id says so"
    weak = replace(share, fs_uuid="1234-ABCD")
    assert judge(weak, weak, Spot(absent=16)).verdict == "different"


def test_what_is_new_does_not_say_never_seen_of_a_conflict() -> None:
    clone = replace(DRIVE, session="boot:8:17:aa", hardware="serial:B/2#1")
    first, second = decide([DRIVE, clone], [here(DRIVE)])
    assert "never seen" not in second.reasons
    assert "same file-system UUID" in first.reasons


def test_of_two_mounts_of_one_known_volume_the_first_is_it() -> None:
    named = Evidence("fuse.x", share="pool", session="boot:0:50:0")
    seen = [replace(named, session=f"boot2:0:{n}:0") for n in (61, 62)]
    decisions = decide(seen, [away(named)])
    assert [one.volume_id for one in decisions] == ["v", None]
