"""Same name, same bytes; same name, other bytes; same bytes, other name."""

from __future__ import annotations

import os
import shutil

from engine.ingest.ends.folders import Root
from engine.ingest.ends.landing import Landing

from .conftest import tree, write


def test_a_file_that_is_there_already_is_proven_not_copied(desk, tmp_path):
    source, nas = tmp_path / "card", tmp_path / "nas"
    write(source / "a.mov", 5000)
    write(source / "b.mov", 6000)
    shutil.copytree(source, nas / "card")
    os.utime(nas / "card/a.mov", ns=(5, 5))
    inode = (nas / "card/a.mov").stat().st_ino
    result = desk.ingest(source, to=[nas])
    assert (result["ingested"], result["duplicates"]) == (0, 2)
    assert (nas / "card/a.mov").stat().st_ino == inode
    assert tree(nas / "card") == tree(source)
    copies = desk.rows("SELECT * FROM copies WHERE role = 'managed'")
    assert [copy["verify_level"] for copy in copies] == ["device re-read"] * 2


def test_other_bytes_under_the_name_are_never_overwritten(desk, tmp_path):
    source, nas = tmp_path / "card", tmp_path / "nas"
    write(source / "big.mov", 9000)
    write(source / "clip.v1.mov", 5000)
    shutil.copytree(source, nas / "card")
    write(nas / "card/clip.v1.mov", 5000)  # same size, other bytes
    kept = (nas / "card/clip.v1.mov").read_bytes()
    result = desk.ingest(source, to=[nas])
    assert (result["ingested"], result["duplicates"]) == (1, 1)
    assert (nas / "card/clip.v1.mov").read_bytes() == kept
    assert (nas / "card/clip.v1_001.mov").read_bytes() == (source / "clip.v1.mov").read_bytes()


def test_a_repeated_conflict_makes_no_third_file(desk, tmp_path):
    source, nas = tmp_path / "card", tmp_path / "nas"
    write(source / "big.mov", 90000)
    write(source / "clip.mov", 5000)
    shutil.copytree(source, nas / "card")
    write(nas / "card/clip.mov", 4000)
    desk.ingest(source, to=[nas])
    desk.db.execute("DELETE FROM copies")  # nothing is remembered: content alone decides
    desk.db.execute("DELETE FROM clip_files")
    desk.db.execute("DELETE FROM clips")
    result = desk.ingest(source, to=[nas])
    assert (result["ingested"], result["duplicates"]) == (0, 2)
    assert sorted(os.listdir(nas / "card")) == ["big.mov", "clip.mov", "clip_001.mov"]


def test_a_folder_or_a_link_under_the_name_is_not_written_through(desk, tmp_path):
    source, nas = tmp_path / "card", tmp_path / "nas"
    write(source / "a.mov", 90000)
    write(source / "b.mov", 100)
    write(source / "c.mov", 100)
    shutil.copytree(source, nas / "card")
    for name in ("b.mov", "c.mov"):
        (nas / "card" / name).unlink()
    (nas / "card/b.mov").mkdir()
    (tmp_path / "victim").write_bytes(b"precious")
    (nas / "card/c.mov").symlink_to(tmp_path / "victim")
    result = desk.ingest(source, to=[nas])
    assert result["failed"] == 0
    assert (nas / "card/b_001.mov").read_bytes() == (source / "b.mov").read_bytes()
    assert (nas / "card/c_001.mov").read_bytes() == (source / "c.mov").read_bytes()
    assert (tmp_path / "victim").read_bytes() == b"precious"


def test_a_link_in_the_destination_tree_leads_nowhere(desk, tmp_path):
    source, nas = tmp_path / "card", tmp_path / "nas"
    write(source / "DCIM/a.mov", 1000)
    write(source / "b.mov", 90000)
    shutil.copytree(source, nas / "card")
    shutil.rmtree(nas / "card/DCIM")
    outside = tmp_path / "outside"
    outside.mkdir()
    (nas / "card/DCIM").symlink_to(outside)
    result = desk.ingest(source, to=[nas])
    assert result["failed"] == 1
    assert "a file or a link stands where" in result["failures"][0]["error"].lower()
    assert os.listdir(outside) == []


def test_known_content_under_another_name_is_a_duplicate(desk, tmp_path):
    nas = tmp_path / "nas"
    first, second = tmp_path / "one", tmp_path / "two"
    write(first / "a.mov", 200_000)
    desk.ingest(first, to=[nas])
    write(second / "new.mov", 300_000)
    (second / "renamed.mov").write_bytes((first / "a.mov").read_bytes())
    result = desk.ingest(second, to=[nas])
    assert (result["ingested"], result["duplicates"]) == (1, 1)
    assert sorted(tree(nas / "two")) == ["new.mov"]
    assert desk.row("SELECT count(*) AS n FROM clips")["n"] == 2


def test_duplicates_are_copied_when_asked(desk, tmp_path):
    nas = tmp_path / "nas"
    write(tmp_path / "one/a.mov", 200_000)
    desk.ingest(tmp_path / "one", to=[nas])
    (tmp_path / "two").mkdir()
    (tmp_path / "two/b.mov").write_bytes((tmp_path / "one/a.mov").read_bytes())
    result = desk.ingest(tmp_path / "two", to=[nas], duplicates="copy")
    assert (result["ingested"], result["duplicates"]) == (1, 0)
    assert (nas / "two/b.mov").exists()


def test_equal_fast_hash_is_no_duplicate(desk, tmp_path):
    size = 20 << 20
    data = bytearray(os.urandom(size))
    (tmp_path / "one").mkdir()
    (tmp_path / "one/a.mov").write_bytes(data)
    desk.ingest(tmp_path / "one", to=[tmp_path / "nas"])
    data[5 << 20] ^= 1  # outside the windows of the fast hash
    (tmp_path / "two").mkdir()
    (tmp_path / "two/b.mov").write_bytes(data)
    result = desk.ingest(tmp_path / "two", to=[tmp_path / "nas"])
    assert (result["ingested"], result["duplicates"]) == (1, 0)
    fast = desk.rows("SELECT DISTINCT fast_hash FROM assets")
    assert len(fast) == 1
    assert desk.row("SELECT count(DISTINCT blake3) AS n FROM assets")["n"] == 2


def test_a_duplicate_whose_file_is_gone_is_copied(desk, tmp_path):
    nas = tmp_path / "nas"
    write(tmp_path / "one/a.mov", 200_000)
    desk.ingest(tmp_path / "one", to=[nas])
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    os.unlink(nas / "one/a.mov")
    result = desk.ingest(tmp_path / "two", to=[nas])
    assert (result["ingested"], result["duplicates"]) == (1, 0)


def test_sidecars_stay_with_new_footage_even_if_their_bytes_are_known(desk, tmp_path):
    nas = tmp_path / "nas"
    for name in ("one", "two"):
        write(tmp_path / name / "a.mov", 200_000)
        (tmp_path / name / "index.xml").write_bytes(b"<index/>" * 20_000)
    desk.ingest(tmp_path / "one", to=[nas])
    result = desk.ingest(tmp_path / "two", to=[nas])
    assert (result["ingested"], result["duplicates"]) == (2, 0)
    assert (nas / "two/index.xml").exists()


def test_a_name_that_is_taken_in_the_last_moment_is_not_overwritten(desk, tmp_path, monkeypatch):
    source, nas = tmp_path / "card", tmp_path / "nas"
    write(source / "a.mov", 3 << 20)
    settle, stolen = Landing.settle, []

    def steal(landing, original, **options):
        settle(landing, original, **options)
        if not stolen:
            stolen.append(landing.name)
            (nas / "card/a.mov").write_bytes(b"somebody else's")

    monkeypatch.setattr(Landing, "settle", steal)
    result = desk.ingest(source, to=[nas])
    assert (result["ingested"], result["failed"]) == (1, 0)
    assert (nas / "card/a.mov").read_bytes() == b"somebody else's"
    assert (nas / "card/a_001.mov").read_bytes() == (source / "a.mov").read_bytes()
    copies = desk.rows("SELECT path FROM copies WHERE role = 'managed'")
    assert [os.fsdecode(copy["path"]).rpartition("/")[2] for copy in copies] == ["a_001.mov"]


def test_a_folder_of_other_things_is_not_this_card(desk, card, tmp_path):
    write(tmp_path / "nas/A001/unrelated.mov", 10)
    desk.ingest(card, to=[tmp_path / "nas"])
    assert tree(tmp_path / "nas/A001_002") == tree(card)
    assert os.listdir(tmp_path / "nas/A001") == ["unrelated.mov"]


def test_descriptors_of_many_folders_are_given_back(tmp_path):
    root = Root(str(tmp_path), tmp_path.stat().st_dev)
    for number in range(60):
        root.folder(("a", str(number)), make=True)
    root.trim()
    open_now = [fd for fd in os.listdir("/proc/self/fd") if in_folder(fd, tmp_path)]
    assert len(open_now) <= 20
    root.close()
    assert [fd for fd in os.listdir("/proc/self/fd") if in_folder(fd, tmp_path)] == []


def in_folder(fd: str, folder) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{fd}").startswith(str(folder))
    except OSError:
        return False
