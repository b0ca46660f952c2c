"""What is written when something changed, and that nothing is when nothing did: without any mount."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from engine.volumes.devices import Block, Seen
from engine.volumes.evidence import Evidence
from engine.volumes.identity import Decision
from engine.volumes.mounts import Mount, parse
from engine.volumes.reconcile import FREE_STEP, columns, default_name, known_of, plan

NOW = "2026-11-20T12:00:30.000Z"
LATER = "2026-11-20T12:01:01.000Z"
U1 = "11111111-1111-4111-8111-111111111111"


def mount(line: str = "30 20 8:17 / /mnt/a rw - ext4 /dev/sdb1 rw") -> Mount:
    (found,) = parse(line)
    return found


def item(**changes: Any) -> Seen:
    evidence = Evidence("ext4", U1, "p1", "serial:A#1", 10**10, "DAY1", None, None, "boot:8:17:aa")
    block = Block("8:17", "8:16", 1, 10**10, True, False, "serial:A", "p1", "Model X")
    return replace(
        Seen((mount(),), evidence, block, dev=2065, size=10**10, free=5 * 10**9, names=("x",)), **changes
    )


def row_of(seen: Seen, **changes: Any) -> dict[str, Any]:
    return {
        **columns(seen), "volume_id": "v", "name": "DAY1", "state": "online", "offline_since": None,
        "generation": 1, "tracked_at": None, "settled": "[]", "last_seen_at": "2026-11-20T12:00:00.000Z",
        **changes,
    }  # fmt: skip


def steps(row: dict[str, Any], seen: Seen, verdict: str = "same", now: str = NOW) -> list[Any]:
    return plan([row], [seen], [Decision(0, verdict, "v", reasons=("because",))], [], now=now)


def test_nothing_changed_nothing_is_written_but_once_a_minute_that_it_was_seen() -> None:
    assert steps(row_of(item()), item()) == []
    (step,) = steps(row_of(item()), item(), now=LATER)
    assert (step.values, step.event) == ({"last_seen_at": LATER}, None)
    (step,) = steps(row_of(item(), last_seen_at="2027-01-01T00:00:00.000Z"), item())
    assert step.values == {"last_seen_at": NOW}, "a clock that was set back"


def test_free_space_is_followed_in_steps() -> None:
    row = row_of(item())
    assert steps(row, item(free=5 * 10**9 - FREE_STEP + 1)) == []
    (step,) = steps(row, item(free=5 * 10**9 - FREE_STEP))
    assert step.values == {"free_bytes": 5 * 10**9 - FREE_STEP, "last_seen_at": NOW}
    assert step.event is None
    small = item(size=10**6, free=5000)
    assert steps(row_of(small), item(size=10**6, free=5000 + 9_999)) == []
    assert len(steps(row_of(small), item(size=10**6, free=5000 + 10_000))) == 1


def test_a_size_that_moves_with_its_pool_is_no_event() -> None:
    """What a ZFS data set may hold changes with every write of its neighbours."""
    size = 10 * 10**12
    row = row_of(item(size=size))
    assert steps(row, item(size=size - 1000)) == []
    (step,) = steps(row, item(size=size - 2 * FREE_STEP))
    assert (step.event, step.values) == (None, {"size_bytes": size - 2 * FREE_STEP, "last_seen_at": NOW})
    (step,) = steps(row, item(size=2 * size))
    assert (step.event, step.detail["size_bytes"]) == ("changed", [size, 2 * size])


def test_what_somebody_with_fewer_rights_cannot_see_is_kept() -> None:
    row = row_of(item())
    blind = item(evidence=replace(item().evidence, label=None, fs_uuid=None, part_uuid=None, hardware=None))
    assert steps(row, blind) == []


def test_a_new_label_is_a_change_that_is_told() -> None:
    relabelled = item(evidence=replace(item().evidence, label="DAY2"))
    (step,) = steps(row_of(item()), relabelled)
    assert (step.event, step.values["label"], step.detail["label"]) == ("changed", "DAY2", ["DAY1", "DAY2"])
    assert "name" not in step.values, "our name is ours"


def test_fuse_does_not_hide_the_known_format() -> None:
    by_fuse = item(evidence=replace(item().evidence, fs_type="fuseblk"))
    assert steps(row_of(item()), by_fuse) == []


def test_going_and_coming() -> None:
    (gone,) = plan([row_of(item())], [], [], [], now=NOW)
    assert gone.event == "offline"
    assert gone.values == {"state": "offline", "offline_since": NOW, "session_key": None, "mounts": "[]"}
    away = row_of(item(), **gone.values)
    assert plan([away], [], [], [], now=NOW) == []
    (back,) = steps(away, item())
    assert (back.event, back.values["state"], back.values["offline_since"]) == ("online", "online", None)
    assert back.detail["evidence"] == ["because"]
    moved = item(mounts=(mount("31 20 8:17 / /mnt/b rw - ext4 /dev/sdb1 rw"),))
    (step,) = steps(row_of(item()), moved)
    assert (step.event, step.detail["was"], step.detail["mount_point"]) == ("remounted", "/mnt/a", "/mnt/b")


def test_what_was_settled_for_a_mount_ends_with_it() -> None:
    row = row_of(item(), settled=json.dumps(["boot:8:17:aa", "serial:A#1"]))
    (gone,) = plan([row], [], [], [], now=NOW)
    assert json.loads(gone.values["settled"]) == ["serial:A#1"]


def test_a_hung_mount_keeps_its_row_by_session_or_share() -> None:
    hung = item(answering=False, evidence=Evidence("ext4", session="boot:8:17"))
    (step,) = plan([row_of(item())], [], [], [hung], now=NOW)
    assert (step.event, step.values["state"]) == ("not_responding", "not_responding")
    silent = row_of(item(), state="not_responding")
    assert plan([silent], [], [], [hung], now=NOW) == []
    (step,) = steps(silent, item())
    assert step.event == "answering"
    for other in ("boot:8:1", "boot:8:178", "other:8:17"):
        stranger = item(answering=False, evidence=Evidence("ext4", session=other))
        (step,) = plan([row_of(item())], [], [], [stranger], now=NOW)
        assert step.event == "offline", other
    share = row_of(item(), share="nas:/x", session_key=None, state="offline")
    by_share = item(answering=False, evidence=Evidence("nfs4", share="nas:/x", session="boot:0:50"))
    (step,) = plan([share], [], [], [by_share], now=NOW)
    assert step.event == "not_responding"
    assert plan([share], [], [], [replace(by_share, evidence=Evidence("nfs4", share="b:/x"))], now=NOW) == []


def test_a_disk_reformatted_between_two_looks_leaves_the_old_volume_offline() -> None:
    fresh = item(evidence=replace(item().evidence, fs_uuid="2" + U1[1:]))
    decision = Decision(0, "generation", previous="v", reasons=("same hardware",))
    new, old, gone = plan([row_of(item(), generation=3)], [fresh], [decision], [], now=NOW)
    assert (new.volume_id, new.values["generation"], new.event) == (None, 4, "appeared")
    assert (old.volume_id, old.event, old.values) == ("v", "reformatted", {})
    assert (gone.volume_id, gone.event, gone.values["state"]) == ("v", "offline", "offline")
    away = row_of(item(), state="offline", session_key=None)
    _, old = plan([away], [fresh], [decision], [], now=NOW)
    assert old.values == {}


def test_virtual_file_systems_get_a_row_only_when_let_in() -> None:
    ram = item(
        mounts=(mount("30 20 0:40 / /ram rw - tmpfs tmpfs rw"),),
        evidence=Evidence("tmpfs", session="b:0:40:1"),
        block=None,
    )
    decision = [Decision(0, "new")]
    assert plan([], [ram], decision, [], now=NOW) == []
    (step,) = plan([], [ram], decision, [], admit=frozenset({"0:40"}), now=NOW)
    assert (step.event, step.values["class"]) == ("appeared", "virtual")


def test_names_come_from_label_model_or_folder_and_differ() -> None:
    plain = replace(item().evidence, label=None)
    assert default_name(item(), set()) == "DAY1"
    assert default_name(item(), {"day1"}) == "DAY1 2"
    assert default_name(item(), {"day1", "day1 2"}) == "DAY1 3"
    assert default_name(item(evidence=plain), set()) == "Model X"
    assert default_name(item(evidence=plain, block=None), set()) == "a"
    root = mount("20 1 8:17 / / rw - ext4 /dev/sdb1 rw")
    assert default_name(item(evidence=plain, block=None, mounts=(root,)), set()) == "system"
    assert default_name(item(evidence=replace(plain, label="\x1b[2J")), set()) == "\\x1b[2J"


def test_copies_weigh_more_than_tracking() -> None:
    row = row_of(item())
    tracked = {**row, "tracked_at": NOW}
    weights = [
        known_of(entry, copies).weight for entry, copies in ((row, False), (tracked, False), (row, True))
    ]
    assert weights == sorted(set(weights))
    assert known_of(row, False).mounted
    assert not known_of({**row, "state": "offline"}, False).mounted


def test_mounted_anew_between_two_looks_is_told_although_it_shows_at_the_same_place() -> None:
    later = item(evidence=replace(item().evidence, session="another-boot:8:17:aa"))
    (step,) = steps(row_of(item()), later)
    assert step.event == "remounted"
    assert step.values["session_key"] == "another-boot:8:17:aa"
    assert "state" not in step.values
    (step,) = steps(row_of(item(), session_key=None), later)
    assert step.event is None, "nothing is known of the last time"


def test_a_conflict_is_a_state_of_both_rows_and_names_the_rivals() -> None:
    row, seen = row_of(item()), item()
    (step,) = plan(
        [row], [seen], [Decision(0, "conflict", "v", rivals=("v", "w"), reasons=("twice",))], [], now=NOW
    )
    assert (step.values["state"], step.event) == ("conflict", "conflict")
    assert (step.detail["rivals"], step.detail["evidence"]) == (["v", "w"], ["twice"])
    (step,) = plan(
        [row], [seen], [Decision(0, "conflict", None, rivals=("v",), reasons=("twice",))], [], now=NOW
    )[:1]
    assert (step.volume_id, step.values["state"], step.event) == (None, "conflict", "conflict")
    assert step.detail["rivals"] == ["v"]
    again = row_of(item(), state="conflict")
    (step,) = steps(again, seen)
    assert (step.values["state"], step.event) == ("online", "online")
    assert "rivals" not in step.detail
    assert known_of(again, has_copies=True).disputed
    assert not known_of(row, has_copies=True).disputed


def test_what_is_new_is_online_and_the_first_of_its_generations() -> None:
    (step,) = plan([], [item()], [Decision(0, "new")], [], now=NOW)
    assert (step.values["state"], step.values["generation"], step.event) == ("online", 1, "appeared")
    old = row_of(item(), generation=3)
    first, second, third = plan([old], [item()], [Decision(0, "generation", None, "v")], [], now=NOW)
    assert (first.values["generation"], second.volume_id, second.event) == (4, "v", "reformatted")
    assert (third.volume_id, third.event) == ("v", "offline")


def test_weights_tell_copies_from_tracking() -> None:
    row = row_of(item())
    weights = [
        known_of({**row, "tracked_at": tracked}, has_copies=copies).weight
        for copies, tracked in ((False, None), (False, NOW), (True, None), (True, NOW))
    ]
    assert weights == [0, 1, 2, 3]


def test_a_fixed_disk_is_a_pool_also_in_its_row() -> None:
    fixed = replace(item().block, removable=False)  # type: ignore[type-var]
    assert columns(item(block=fixed))["class"] == "pool"
    assert columns(item(block=None))["class"] == "unknown"


def test_a_format_that_becomes_known_is_written() -> None:
    by_fuse = item(evidence=replace(item().evidence, fs_type="fuseblk"))
    (step,) = steps(row_of(item(), fs_type=None), by_fuse)
    assert step.values["fs_type"] == "fuseblk"
    (step,) = steps(row_of(item(), fs_type="ext3"), item())
    assert step.values["fs_type"] == "ext4"


def test_a_claimant_does_not_lend_its_hardware() -> None:
    other = item(evidence=replace(item().evidence, hardware="serial:B#1"))
    (step,) = steps(row_of(item()), other, "conflict")
    assert "hardware" not in step.values
    assert step.detail["hardware"] == "serial:B#1"
    (step,) = steps(row_of(item()), other)
    assert step.values["hardware"] == "serial:B#1"
    (step,) = steps(row_of(item(), hardware=None), other, "conflict")
    assert step.values["hardware"] == "serial:B#1"


def test_where_it_was_is_told_when_it_was_somewhere() -> None:
    row = row_of(item(), mount_point=None, state="offline")
    (step,) = steps(row, item())
    assert "was" not in step.detail
    (step,) = steps(row_of(item(), state="offline"), item())
    assert (step.event, "was" in step.detail) == ("online", False), "it was here"
    elsewhere = Seen((mount("30 20 8:17 / /mnt/b rw - ext4 /dev/sdb1 rw"),), *_rest(item()))
    (step,) = steps(row_of(item()), elsewhere)
    assert (step.event, step.detail["was"], step.detail["mount_point"]) == ("remounted", "/mnt/a", "/mnt/b")


def _rest(seen: Seen) -> tuple[Any, ...]:
    return (
        seen.evidence,
        seen.block,
        seen.answering,
        seen.dev,
        seen.size,
        seen.free,
        seen.read_only,
        seen.names,
    )


def test_free_space_that_becomes_known_or_unknown_is_written() -> None:
    (step,) = steps(row_of(item(), free_bytes=None), item())
    assert step.values["free_bytes"] == 5 * 10**9
    assert steps(row_of(item(free=None)), item(free=None)) == []
    (step,) = steps(row_of(item()), item(free=None))
    assert step.values["free_bytes"] is None
    sizeless = item(size=None, free=1000)
    (step,) = steps(row_of(sizeless), item(size=None, free=1001))
    assert step.values["free_bytes"] == 1001
