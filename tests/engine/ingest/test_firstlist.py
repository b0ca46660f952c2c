"""A first hash list made outside of memory says, byte for byte, what the one made in memory says."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
import xxhash

from engine.ingest.hashlists.firstlist import first_list
from engine.ingest.hashlists.generations import FORM, IGNORED, Record, add, known_digests
from engine.media.filelist import private_database
from engine.media.mhl.folders import Sums, folder_hashes
from engine.media.mhl.records import Creator, History
from engine.media.mhl.trees import walk
from engine.volumes import places

from .conftest import write

CREATOR = Creator("2026-11-20T18:03:00.000Z", "host", "rushes", "1.0", "me", "a comment & more")


def random_tree(chance, *, unknown=0.0):
    folders = [""]
    for number in range(12):
        above = chance.choice(folders)
        folders.append(f"{above}/d{number}".lstrip("/"))
    files = {}
    for number in range(60):
        above = chance.choice(folders[:9])
        digest = xxhash.xxh3_128_hexdigest(str(number % 50).encode())  # some are equal
        path = f"{above}/é{number}.mov".lstrip("/")
        files[path] = None if chance.random() < unknown else digest
    return files, folders[1:]


@pytest.mark.parametrize("unknown", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(6))
def test_folder_hashes_are_those_made_in_memory(seed, unknown):
    files, folders = random_tree(random.Random(seed), unknown=unknown)
    sums = Sums(FORM, private_database())
    for path, digest in files.items():
        sums.add_file(path, digest)
    for folder in folders:
        sums.add_folder(folder, 0)
    sums.fold()
    expected = folder_hashes(FORM, files, folders)
    assert {path: pair for path in [".", *folders] if (pair := sums.of(path))} == expected
    assert unknown or "." in expected


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "nas/A001"
    for number in range(40):
        write(root / f"DCIM/{number % 3}/shot{number:02d}.mov", 100 + number)
    write(root / "empty.xml", 0)
    write(root / ".DS_Store", 5)
    write(root / os.fsdecode(b"bad \xff.mov"), 9)
    (root / "nothing in it").mkdir()
    return root


def records(root, *, leave=()):
    made = []
    for top, _, names in os.walk(root):
        for name in names:
            path = os.path.join(top, name)
            relative = os.path.relpath(path, root)
            if name in leave or name == ".DS_Store":
                continue
            data = Path(path).read_bytes()
            digests = {FORM: xxhash.xxh3_128_hexdigest(data), "md5": "d41d8cd98f00b204e9800998ecf8427e"}
            mtime_ns = os.stat(path).st_mtime_ns
            made.append(Record(relative, len(data), mtime_ns, digests, "2026-11-20T18:00:00.000Z", True))
    random.Random(2).shuffle(made)
    return made


@pytest.mark.parametrize("leave", [(), ("shot07.mov",)], ids=["whole", "one file is not known"])
def test_the_list_is_that_made_in_memory(desk, folder, leave):
    place = places.place_of(desk.db, str(folder))
    proven = records(folder, leave=leave)
    tree = walk(str(folder), IGNORED)
    known = known_digests(desk.db, place.volume_id, place.path, tree)
    known.update((record.path, record.digests[FORM]) for record in proven)
    old = add(str(folder), History(), proven, tree, known, CREATOR, "transfer")
    expected = Path(old.list_path).read_bytes()
    for name in os.listdir(folder / "ascmhl"):
        os.unlink(folder / "ascmhl" / name)
    os.rmdir(folder / "ascmhl")

    pages = [proven[:7], proven[7:30], proven[30:]]
    new = first_list(
        str(folder), History(), pages, CREATOR, db=desk.db, volume_id=place.volume_id, place=place.path
    )
    assert Path(new.list_path).read_bytes() == expected
    assert (new.files, new.generation, new.left_out) == (old.files, old.generation, old.left_out)
    assert b"shot08.mov" in expected
    assert (b"<roothash>" in expected) is False  # a name that no list can hold hides the hash of the top
    assert expected.count(b"<directoryhash>") == 5 - 2 * len(leave)


def test_nothing_proven_writes_nothing(desk, folder):
    place = places.place_of(desk.db, str(folder))
    made = first_list(
        str(folder), History(), [], CREATOR, db=desk.db, volume_id=place.volume_id, place=place.path
    )
    assert (made.list_path, made.files) == (None, 0)
    assert not (folder / "ascmhl").exists()


def test_a_folder_that_cannot_be_listed_has_no_hash(desk, folder, monkeypatch):
    place = places.place_of(desk.db, str(folder))
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("DCIM/1"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    made = first_list(
        str(folder),
        History(),
        [records(folder)],
        CREATOR,
        db=desk.db,
        volume_id=place.volume_id,
        place=place.path,
    )
    text = Path(made.list_path).read_text()
    assert "<path lastmodificationdate" in text
    listed = text.split("<directoryhash>")[1:]
    assert not any(">DCIM/1<" in entry or ">DCIM<" in entry for entry in listed)
    assert any(">DCIM/0<" in entry for entry in listed)
