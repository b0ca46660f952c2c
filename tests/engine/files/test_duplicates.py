"""What lies twice, and whether that is waste or safety."""

from __future__ import annotations

import os
import shutil

from engine.files import duplicates
from tests.engine.files.conftest import Two


def test_copies_on_two_drives_are_told_with_their_devices(two: Two) -> None:
    found = duplicates.groups(two.desk.db)
    assert [group.size for group in found] == [7000, 5000]
    assert [group.wasted for group in found] == [7000, 5000]
    assert {os.path.basename(lying.path) for lying in found[1].files} == {"one.mov"}
    assert len(found[0].files) == 2


def test_only_what_lies_twice_on_one_device(two: Two) -> None:
    assert duplicates.groups(two.desk.db, same_device=True) == []
    extra = two.a / "Again"
    extra.mkdir()
    shutil.copy2(two.first, extra / "one.mov")
    two.desk.ingest(extra, mode="reference")
    [group] = duplicates.groups(two.desk.db, same_device=True)
    assert (len(group.files), group.devices, group.wasted) == (3, 2, 10_000)


def test_a_hard_link_is_no_second_file(two: Two) -> None:
    extra = two.a / "Again"
    extra.mkdir()
    os.link(two.first, extra / "one.mov")
    two.desk.ingest(extra, mode="reference")
    assert duplicates.groups(two.desk.db, same_device=True) == []


def test_filters_leave_out(two: Two) -> None:
    assert [group.size for group in duplicates.groups(two.desk.db, smallest=6000)] == [7000]
    assert [group.size for group in duplicates.groups(two.desk.db, largest=6000)] == [5000]
    assert duplicates.groups(two.desk.db, extensions=["WAV"]) == []
    assert len(duplicates.groups(two.desk.db, extensions=[".MOV"])) == 2
    assert len(duplicates.groups(two.desk.db, limit=1)) == 1
