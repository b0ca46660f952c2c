"""Other file systems as destination and as source: what each can hold, and which level is honest there."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from engine.errors import Refused

from .conftest import temps, tree, write
from .mounting import need_root


@pytest.fixture
def volume(tmp_path, request):
    """A mounted volume of the kind that the test asks for."""
    need_root()
    kind = request.param
    make, attach = {
        "xfs": (["mkfs.xfs", "-q"], ["mount", "-o", "loop"]),
        "btrfs": (["mkfs.btrfs", "-q"], ["mount", "-o", "loop"]),
        "exfat": (["mkfs.exfat"], ["mount.exfat-fuse"]),
        "ntfs": (["mkfs.ntfs", "-q", "-F", "-f"], ["ntfs-3g"]),
        "tmpfs": (None, ["mount", "-t", "tmpfs"]),
    }[kind]
    for program in (make or attach)[:1] + attach[:1]:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    image, point = tmp_path / "volume.img", tmp_path / "volume"
    point.mkdir()
    device, loop = "none", None
    if make:
        with image.open("wb") as file:
            file.truncate(320 << 20 if kind == "xfs" else 128 << 20)
        subprocess.run([*make, image], check=True, capture_output=True)
        device = str(image)
        if kind in ("exfat", "ntfs"):
            ran = subprocess.run(
                ["losetup", "-f", "--show", image], check=False, capture_output=True, text=True
            )
            if ran.returncode:
                pytest.skip(f"no loop device: {ran.stderr.strip()}")
            device = loop = ran.stdout.strip()
    ran = subprocess.run([*attach, device, point], check=False, capture_output=True, text=True)
    try:
        if ran.returncode:
            pytest.skip(f"{kind} cannot be mounted here: {ran.stderr.strip()}")
        yield kind, point
    finally:
        subprocess.run(["umount", "-l", point], check=False, capture_output=True)
        if loop:
            subprocess.run(["losetup", "-d", loop], check=False, capture_output=True)


LEVELS = {
    "xfs": "device re-read",
    "btrfs": "device re-read",
    "exfat": {"cached re-read", "network re-read"},
    "ntfs": {"cached re-read", "network re-read"},
    "tmpfs": "cached re-read",
}


@pytest.mark.mount
@pytest.mark.parametrize("volume", list(LEVELS), indirect=True)
def test_destination(desk, tmp_path, volume):
    kind, point = volume
    source = tmp_path / "card"
    for number in range(10):
        write(source / f"DCIM/{number}.dat", 10_000 * number)
    write(source / "big.mov", 5 << 20)
    result = desk.ingest(source, to=[point / "in"])
    assert (result["status"], result["ingested"], result["failed"]) == ("completed", 11, 0)
    assert tree(point / "in/card") == tree(source)
    assert temps(point) == []
    levels = {copy["verify_level"] for copy in desk.rows("SELECT * FROM copies WHERE role = 'managed'")}
    expected = LEVELS[kind]
    assert levels <= (expected if isinstance(expected, set) else {expected})
    again = desk.ingest(source, to=[point / "in"])
    assert (again["ingested"], again["duplicates"]) == (0, 11)
    assert os.listdir(point / "in") == ["card"]


@pytest.mark.mount
@pytest.mark.parametrize("volume", ["exfat"], indirect=True)
def test_names_are_checked_before_the_first_byte(desk, tmp_path, volume):
    _, point = volume
    write(tmp_path / "card/good.mov", 10)
    write(tmp_path / "card/take 3: final?.mov", 10)
    with pytest.raises(Refused, match=r"cannot hold 1 of the names: .*take 3"):
        desk.queue(tmp_path / "card", to=[point])
    assert os.listdir(point) == []


@pytest.mark.mount
@pytest.mark.parametrize("volume", ["exfat"], indirect=True)
def test_letter_case_is_no_clash_of_contents(desk, tmp_path, volume):
    _, point = volume
    write(tmp_path / "card/a.mov", 10)
    write(tmp_path / "card/A.MOV", 20)
    result = desk.ingest(tmp_path / "card", to=[point])
    assert (result["ingested"], result["failed"]) == (2, 0)
    assert sorted(tree(point / "card").values()) == sorted(tree(tmp_path / "card").values())


@pytest.mark.mount
@pytest.mark.parametrize("volume", ["exfat", "ntfs"], indirect=True)
def test_source(desk, tmp_path, volume):
    _, card = volume
    for number in range(5):
        write(card / f"DCIM/{number}.dat", 300_000 * number)
    result = desk.ingest(card / "DCIM", to=[tmp_path / "nas"])
    assert (result["ingested"], result["failed"]) == (5, 0)
    assert tree(tmp_path / "nas/DCIM") == tree(card / "DCIM")
