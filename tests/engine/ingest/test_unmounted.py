"""A mount that failed: the folder is there, but lies on the disk below. Nothing is written into it."""

from __future__ import annotations

import os
import subprocess

import pytest

from engine.errors import Refused
from engine.jobs import store
from engine.volumes import unmounted
from engine.volumes.refresh import refresh

from .conftest import tree
from .mounting import ext4, mount


@pytest.mark.mount
def test_a_folder_that_should_show_a_drive_is_refused_until_it_does(desk, card, tmp_path):
    with ext4(tmp_path, "NAS", 32) as nas:
        desk.ingest(card, to=[nas / "in"])
        subprocess.run(["umount", nas], check=True)
        (nas / "in").mkdir()
        refresh(desk.db)
        for place in (nas, nas / "in", nas / "new"):
            with pytest.raises(Refused, match="is not mounted at"):
                desk.queue(card, to=[place])
        with pytest.raises(Refused, match="is not mounted at"):
            desk.queue(nas / "in", to=[tmp_path / "elsewhere"])
        assert os.listdir(nas / "in") == []
        (nas / "in").rmdir()
        mount(tmp_path / "NAS.img", nas)
        assert desk.ingest(card, to=[nas / "in"])["duplicates"] == 8


@pytest.mark.mount
def test_a_mount_that_goes_while_the_job_waits_is_not_written_through(desk, card, tmp_path):
    """Queued while the drive was there, run when only its empty folder is left."""
    with ext4(tmp_path, "NAS", 32) as nas:
        job_id = desk.queue(card, to=[nas / "in"])
        subprocess.run(["umount", nas], check=True)
        assert desk.start(job_id) is None
        assert store.get(desk.db, job_id).status == "paused"
        assert os.listdir(nas) == []
        mount(tmp_path / "NAS.img", nas)
        outcome = desk.start(job_id, intent="resume")
        assert outcome is not None
        assert outcome.result["ingested"] == 8
        assert tree(nas / "in/A001") == tree(card)


def test_fstab_is_a_witness(desk, card, tmp_path, monkeypatch):
    table = tmp_path / "fstab"
    point = tmp_path / "the nas"
    point.mkdir()
    escaped = str(point).replace(" ", "\\040")
    table.write_text(
        f"# a comment\nserver:/footage {escaped} nfs4 rw 0 0\nUUID=1 / ext4 rw 0 1\nswap none swap\n"
    )
    monkeypatch.setattr(unmounted, "FSTAB", str(table))
    assert unmounted.wanted_mounts() == [str(point)]
    with pytest.raises(Refused, match="names as a mount point"):
        desk.queue(card, to=[point / "in"])
    assert os.listdir(point) == []
    desk.queue(card, to=[tmp_path / "the nas2"])
    monkeypatch.setattr(unmounted, "FSTAB", str(tmp_path / "absent"))
    desk.queue(card, to=[point / "in"])
