"""May this card be formatted? And: what the scrub finds."""

from __future__ import annotations

import os
import shutil

import pytest

from engine.ingest.proving.check import check_card
from engine.ingest.proving.scrub import queue_verify, run_verify
from engine.storage import config
from engine.volumes import store

from .conftest import start, tree, write
from .mounting import ext4, mount


@pytest.mark.mount
def test_two_copies_on_two_devices_make_it_safe(desk, tmp_path):
    with (
        ext4(tmp_path, "card", 16) as card,
        ext4(tmp_path, "one", 16) as one,
        ext4(tmp_path, "two", 16) as two,
    ):
        write(card / "DCIM/a.mov", 100_000)
        write(card / "DCIM/a.xml", 50)
        write(card / "empty.dat", 0)
        before = check_card(desk.library, str(card))
        assert (before.safe_to_format, before.files, before.verified) == (False, 3, 0)
        assert {one.reason for one in before.blocking} == {"no verified copy"}
        desk.ingest(card, to=[one / "in"])
        half = check_card(desk.library, str(card))
        assert not half.safe_to_format
        assert "1 of 2 verified copies" in half.blocking[0].reason
        desk.ingest(card, to=[two / "in"])
        whole = check_card(desk.library, str(card))
        assert (whole.safe_to_format, whole.verified, whole.blocking) == (True, 3, ())
        assert "may be formatted" in whole.sentence
        write(card / "DCIM/new.mov", 100_000)
        more = check_card(desk.library, str(card))
        assert [(entry.path, entry.reason) for entry in more.blocking] == [
            ("DCIM/new.mov", "no verified copy: no file in the catalogue has this content")
        ]
        (card / "DCIM/new.mov").unlink()
        os.unlink(two / "in/card/DCIM/a.mov")
        gone = check_card(desk.library, str(card))
        assert [entry.path for entry in gone.blocking] == ["DCIM/a.mov"]


@pytest.mark.mount
def test_a_copy_on_a_drive_in_the_cupboard_counts(desk, tmp_path):
    import subprocess

    from engine.volumes.refresh import refresh

    with (
        ext4(tmp_path, "card", 16) as card,
        ext4(tmp_path, "one", 16) as one,
        ext4(tmp_path, "two", 16) as two,
    ):
        write(card / "a.mov", 100_000)
        desk.ingest(card, to=[one / "in", two / "in"])
        subprocess.run(["umount", two], check=True)
        refresh(desk.db)
        assert check_card(desk.library, str(card)).safe_to_format
        mount(tmp_path / "two.img", two)


@pytest.mark.mount
def test_two_folders_of_one_volume_are_one_device(desk, tmp_path):
    with ext4(tmp_path, "card", 16) as card, ext4(tmp_path, "one", 16) as one:
        write(card / "a.mov", 1000)
        desk.ingest(card, to=[one / "x", one / "y"])
        verdict = check_card(desk.library, str(card))
        assert not verdict.safe_to_format
        assert "on 1 of 2 devices" in verdict.blocking[0].reason
        settings = config.open_config()
        config.put(settings, "policy.devices", "1")
        settings.close()
        assert check_card(desk.library, str(card)).safe_to_format


@pytest.mark.mount
def test_the_check_is_by_content_not_by_name(desk, tmp_path):
    settings = config.open_config()
    config.put(settings, "policy.devices", "1")
    config.put(settings, "policy.copies", "1")
    settings.close()
    with ext4(tmp_path, "card", 16) as card:
        write(tmp_path / "day/renamed.mov", 20_000)
        desk.ingest(tmp_path / "day", to=[tmp_path / "nas"])
        shutil.copy(tmp_path / "day/renamed.mov", card / "C0001.MP4")
        assert check_card(desk.library, str(card)).safe_to_format
        data = bytearray((card / "C0001.MP4").read_bytes())
        data[5000] ^= 1
        (card / "C0001.MP4").write_bytes(data)
        assert not check_card(desk.library, str(card)).safe_to_format


@pytest.mark.mount
def test_a_card_with_nothing_on_it_is_not_called_safe(desk, tmp_path):
    with ext4(tmp_path, "card", 16) as card:
        (card / "DCIM").mkdir()
        verdict = check_card(desk.library, str(card))
        assert (verdict.safe_to_format, verdict.files, verdict.blocking) == (False, 0, ())
        assert "nothing that could be safe" in verdict.sentence


def test_copies_on_the_card_itself_never_count(desk, card):
    settings = config.open_config()
    config.put(settings, "policy.devices", "1")
    config.put(settings, "policy.copies", "1")
    settings.close()
    desk.ingest(card, mode="reference")
    verdict = check_card(desk.library, str(card))
    assert not verdict.safe_to_format
    assert "lie on the card's own device" in verdict.blocking[0].reason


def scrub(desk, **options):
    outcome = start(desk.library, queue_verify(desk.library, **options), handler=run_verify)
    return outcome.status, outcome.result


def test_scrub_proves_again(desk, card, tmp_path):
    desk.ingest(card, to=[tmp_path / "nas"])
    desk.db.execute("UPDATE copies SET verified_at = '2020-01-01T00:00:00.000Z' WHERE role = 'managed'")
    status, result = scrub(desk)
    assert (status, result["checked"], result["damaged"]) == ("completed", 8, [])
    assert result["bytes"] == sum(len(data) for data in tree(card).values())
    assert desk.row("SELECT min(verified_at) AS t FROM copies WHERE role = 'managed'")["t"] > "2021"


def test_scrub_finds_a_flipped_bit_an_edit_and_a_loss(desk, card, tmp_path):
    nas = tmp_path / "nas"
    desk.ingest(card, to=[nas, tmp_path / "backup"])
    rotten, edited, lost = (nas / "A001/DCIM" / f"shot{number}.dat" for number in range(3))
    facts = rotten.stat()
    data = bytearray(rotten.read_bytes())
    data[500] ^= 4
    rotten.write_bytes(data)
    os.utime(rotten, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    edited.write_bytes(b"something else")
    lost.unlink()
    status, result = scrub(desk)
    assert (status, result["checked"]) == ("completed_with_warnings", 16)
    assert [(one["path"].rpartition("/")[2], one["silent"]) for one in result["damaged"]] == [
        ("shot0.dat", True),
        ("shot1.dat", False),
    ]
    assert result["damaged"][0]["expected"] != result["damaged"][0]["found"]
    assert "Good copies:" in result["damaged"][0]["error"]
    assert "backup" in result["damaged"][0]["error"]
    assert [one["path"].rpartition("/")[2] for one in result["missing"]] == ["shot2.dat"]
    states = {
        os.fsdecode(copy["path"]).rpartition("/")[2]: copy["state"]
        for copy in desk.rows("SELECT path, state FROM copies WHERE role = 'managed' AND state != 'present'")
    }
    assert states == {"shot0.dat": "damaged", "shot1.dat": "damaged", "shot2.dat": "missing"}


def test_scrub_with_a_budget_goes_on_where_it_ended(desk, tmp_path):
    for number in range(3):
        write(tmp_path / f"card/{number}.mov", 2000)
    desk.ingest(tmp_path / "card", to=[tmp_path / "nas"])
    names = []
    for _ in range(3):
        before = {
            c["path"]: c["verified_at"] for c in desk.rows("SELECT * FROM copies WHERE role = 'managed'")
        }
        _, result = scrub(desk, budget_seconds=0.0)
        assert result["checked"] == 1
        after = {
            c["path"]: c["verified_at"] for c in desk.rows("SELECT * FROM copies WHERE role = 'managed'")
        }
        names += [path for path in after if after[path] != before[path]]
    assert len(set(names)) == 3


def test_scrub_of_one_folder(desk, tmp_path):
    for name in ("one", "one_more"):
        write(tmp_path / name / "a.mov", 3000)
        desk.ingest(tmp_path / name, to=[tmp_path / "nas"])
    assert scrub(desk, path=str(tmp_path / "nas/one"))[1]["checked"] == 1
    assert store.list_volumes(desk.db, everything=True)
