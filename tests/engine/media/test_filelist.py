"""The list of a source's files that lies outside of memory."""

from __future__ import annotations

import tracemalloc

from engine.media.filelist import FileList, Listed
from engine.media.listing import Listing


def paths(files: FileList) -> list[str]:
    return [file.path for file in files]


def test_order_is_by_components_and_bytes_however_they_were_added() -> None:
    wanted = ["a/b", "a/c/d", "a.b/c", "b", "c\x01", "\udcff/x"]
    assert paths(FileList(Listed(path, 1, 2) for path in wanted)) == wanted
    assert paths(FileList(Listed(path, 1, 2) for path in reversed(wanted))) == wanted


def test_what_was_added_comes_back_exactly() -> None:
    made = [Listed("x\n\x1b[2J", 0, -5, 7), Listed("caf\udce9/É", 1 << 50, 1 << 60, 9)]
    files = FileList(made)
    assert sorted(files, key=lambda file: file.size) == made
    assert (len(files), files.size) == (2, 1 << 50)
    assert files.get("caf\udce9/É") == made[1]
    assert files.get("caf\udce9") is None


def test_inode_numbers_of_64_bits_are_kept_apart() -> None:
    files = FileList([Listed("a", 1, 1, (1 << 64) - 2), Listed("b", 1, 1, (1 << 64) - 1)])
    assert len({file.inode for file in files}) == 2


def test_a_list_that_grows_after_it_was_read_shows_all() -> None:
    files = FileList([Listed("b", 1, 1)])
    assert paths(files) == ["b"]
    files.add("a/x", 1, 1)
    assert paths(files) == ["a/x", "b"]
    assert [file.path for _, file in files.in_folder("a")] == ["a/x"]


def test_folders_are_found_without_regard_to_letter_case() -> None:
    listing = Listing([Listed(path, 1, 1) for path in ("DCIM/A/x.mov", "dcim/b/Y.MOV", "top.mov")])
    assert list(listing.folders()) == ["", "dcim", "dcim/a", "dcim/b"]
    assert listing.folders_in("") == ["dcim"]
    assert listing.folders_in("dcim") == ["dcim/a", "dcim/b"]
    assert listing.exact("dcim/a") == "DCIM/A"
    assert [entry.title for entry in listing.files_in("dcim/b")] == ["Y"]
    assert listing.has_folder("dcim/a")
    assert not listing.has_folder("dci")
    assert sorted(entry.number for entry in listing.entries) == [1, 2, 3]


def test_a_source_without_files_is_a_folder_all_the_same() -> None:
    listing = Listing([])
    assert (len(listing), list(listing.entries), listing.folders_in(""), listing.files_in("x")) == (
        0,
        [],
        [],
        [],
    )
    assert paths(FileList()) == []


def test_a_shelf_keeps_what_is_put_there() -> None:
    files = FileList()
    one, other = files.shelf(), files.shelf()
    one["b\udcff"] = "1"
    one["a"] = "2"
    one["b\udcff"] = "3"
    assert (list(one.items()), len(one), len(other)) == ([("b\udcff", "3"), ("a", "2")], 2, 0)
    assert one.get("c") is None
    assert "a" in one
    assert "a" not in other


def test_forty_thousand_files_stay_outside_of_memory() -> None:
    tracemalloc.start()
    try:
        files = FileList(Listed(f"{n // 500:04d}/{n:07d}.dat", n, n, n) for n in range(40_000))
        listing = Listing(files)
        assert sum(len(listing.files_in(folder)) for folder in listing.folders()) == 40_000
        assert sum(1 for _ in files) == 40_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20, f"{peak >> 20} MiB"
