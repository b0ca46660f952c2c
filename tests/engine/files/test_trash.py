"""Nothing goes that is not proven elsewhere, and what goes can come back to the byte."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from engine.errors import NotFound, Refused, RushesError, VolumeGone
from engine.files import entries, trash, trash_folder
from engine.ingest.ends import folders
from tests.engine.files.conftest import Two
from tests.engine.ingest.conftest import write


def test_a_file_goes_into_the_trash_of_its_own_volume_and_comes_back_with_its_record(two: Two) -> None:
    before, content, mtime = two.copies(), two.first.read_bytes(), two.first.stat().st_mtime_ns
    [gone] = trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
    assert not two.first.exists()
    kept = two.a / f".Trash-{os.getuid()}" / "files" / "one.mov"
    assert kept.read_bytes() == content
    info = (kept.parent.parent / "info" / "one.mov.trashinfo").read_text()
    assert "Path=A001/DCIM/one.mov\n" in info
    assert len(two.copies()) == len(before) - 1
    assert [entry.trash_id for entry in trash.contents(two.desk.db)] == [gone.trash_id]

    trash.restore(two.desk.db, [str(two.first)])
    assert two.first.read_bytes() == content
    assert two.first.stat().st_mtime_ns == mtime
    assert two.copies() == before
    assert trash.contents(two.desk.db) == []
    assert not (kept.parent.parent / "info" / "one.mov.trashinfo").exists()


def test_the_last_verified_copy_stays(two: Two) -> None:
    other = two.b / "A001" / "DCIM" / "one.mov"
    trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
    preview = trash.preview(two.desk.db, [str(other)])
    assert preview.going == ()
    assert "last verified copy" in preview.refused[0]
    assert other.exists()


def test_of_both_copies_named_at_once_one_stays(two: Two) -> None:
    preview = trash.preview(two.desk.db, [str(two.a / "A001"), str(two.b / "A001")])
    assert len(preview.going) == 2
    assert len(preview.refused) == 2
    assert {ours.row["asset_id"] for ours in preview.going} == {
        entry["asset_id"] for entry in two.copies() if entry["role"] == "managed"
    }


def test_an_unverified_copy_elsewhere_saves_nothing(two: Two) -> None:
    two.desk.db.execute("UPDATE copies SET verified_at = NULL WHERE size = 5000 AND role = 'backup'")
    two.desk.db.conn.commit()
    assert trash.preview(two.desk.db, [str(two.first)]).going == ()


def test_a_source_is_never_put_aside(two: Two) -> None:
    preview = trash.preview(two.desk.db, [str(two.card / "DCIM" / "one.mov")])
    assert preview.going == ()
    assert "is a source" in preview.refused[0]


def test_a_file_that_was_changed_since_is_refused(two: Two) -> None:
    two.first.write_bytes(b"other")
    assert "was changed" in trash.preview(two.desk.db, [str(two.first)]).refused[0]


def test_a_change_between_the_question_and_the_answer_is_noticed(two: Two) -> None:
    preview = trash.preview(two.desk.db, [str(two.first)])
    two.first.write_bytes(b"other")
    with pytest.raises(Refused, match="was changed"):
        trash.put_aside(two.desk.db, preview)
    assert two.first.read_bytes() == b"other"


def test_what_took_its_place_is_not_replaced(two: Two) -> None:
    trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
    write(two.first, 10)
    newer = two.first.read_bytes()
    with pytest.raises(Refused, match="taken"):
        trash.restore(two.desk.db, [str(two.first)])
    assert two.first.read_bytes() == newer
    assert len(trash.contents(two.desk.db)) == 1


def test_two_files_of_one_name_are_both_kept(two: Two) -> None:
    write(two.card / "OTHER" / "one.mov", 400)
    two.desk.ingest(two.card, to=[two.a, two.b], thumbnails=False)
    trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.a / "A001")]))
    names = sorted(path.name for path in (two.a / f".Trash-{os.getuid()}" / "files").iterdir())
    assert names == ["one.2.mov", "one.mov", "two.mov"]
    trash.restore(two.desk.db, [str(two.a / "A001")])
    for name in ("DCIM/one.mov", "OTHER/one.mov", "DCIM/two.mov"):
        assert (two.a / "A001" / name).read_bytes() == (two.card / name).read_bytes()


def test_emptying_ends_a_file_for_good(two: Two) -> None:
    trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
    trash.empty(two.desk.db)
    base = two.a / f".Trash-{os.getuid()}"
    assert [*base.glob("*/*")] == []
    with pytest.raises(NotFound):
        trash.restore(two.desk.db, [str(two.first)])


def test_what_became_the_last_copy_meanwhile_is_not_deleted(two: Two) -> None:
    """It was safe when it was put aside: the other copy was found damaged, or is simply not there."""
    kept = two.a / f".Trash-{os.getuid()}" / "files" / "one.mov"
    other = two.b / "A001" / "DCIM" / "one.mov"
    trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
    away = other.rename(two.b / "away")
    done = trash.empty(two.desk.db)
    assert (done.deleted, len(done.kept)) == ((), 1)
    assert "last verified copy" in done.kept[0]
    away.rename(other)
    two.desk.db.execute("UPDATE copies SET state = 'damaged' WHERE role != 'source'")
    two.desk.db.conn.commit()
    assert trash.empty(two.desk.db).deleted == ()
    assert kept.exists()
    two.desk.db.execute("UPDATE copies SET state = 'present'")
    two.desk.db.conn.commit()
    assert len(trash.empty(two.desk.db).deleted) == 1
    assert not kept.exists()


def test_another_file_of_that_name_in_the_trash_is_neither_deleted_nor_brought_back(two: Two) -> None:
    """A desktop emptied the trash and put something of its owner's there."""
    kept = two.a / f".Trash-{os.getuid()}" / "files" / "one.mov"
    trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
    kept.unlink()
    kept.write_bytes(b"the holidays")
    done = trash.empty(two.desk.db)
    assert (done.deleted, len(done.kept)) == ((), 1)
    with pytest.raises(Refused, match="is not the file any more"):
        trash.restore(two.desk.db, [str(two.first)])
    assert kept.read_bytes() == b"the holidays"
    assert not two.first.exists()
    kept.unlink()
    assert len(trash.empty(two.desk.db).deleted) == 1, "what is gone already is only forgotten"
    assert trash.contents(two.desk.db) == []


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_around_the_rename_is_settled_when_next_looked_at(
    two: Two, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    real = trash_folder.move

    def cut(old: str, new: str) -> None:
        if after:
            real(old, new)
        raise _Killed

    content, before = two.first.read_bytes(), two.copies()
    monkeypatch.setattr(trash_folder, "move", cut)
    with pytest.raises(_Killed):
        trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
    monkeypatch.setattr(trash_folder, "move", real)
    found = trash.contents(two.desk.db)
    assert len(found) == (1 if after else 0)
    if after:
        trash.restore(two.desk.db, [str(found[0].trash_id)])
    assert two.copies() == before
    assert two.first.read_bytes() == content
    assert [*(two.a / f".Trash-{os.getuid()}").glob("*/*")] == []


def test_a_kill_while_a_file_comes_back_is_settled_too(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    before = two.copies()
    trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
    real = trash_folder.move

    def cut(old: str, new: str) -> None:
        real(old, new)
        raise _Killed

    monkeypatch.setattr(trash_folder, "move", cut)
    with pytest.raises(_Killed):
        trash.restore(two.desk.db, [str(two.first)])
    monkeypatch.setattr(trash_folder, "move", real)
    assert trash.contents(two.desk.db) == []
    assert two.copies() == before


def test_a_name_of_any_bytes_goes_and_returns(two: Two, tmp_path: Path) -> None:
    name = os.fsdecode(b"\x1b[2J \xff%41\n.mov")
    write(two.card / name, 900)
    two.desk.ingest(two.card, to=[two.a, two.b], thumbnails=False)
    path = two.a / "A001" / name
    content = path.read_bytes()
    trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(path)]))
    assert not path.exists()
    trash.restore(two.desk.db, [str(path)])
    assert path.read_bytes() == content


def test_nothing_recorded_is_not_found(two: Two) -> None:
    with pytest.raises(NotFound):
        trash.preview(two.desk.db, [str(two.a / "nothing")])


def test_a_look_at_the_list_while_a_file_goes_takes_nothing_from_it(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another terminal asks between the row and the rename: that is no kill."""
    real, seen = trash_folder.move, []

    def look() -> None:
        seen.append(trash.contents(two.desk.library.db()))
        two.desk.library.close()

    def looked_at(old: str, new: str) -> None:
        other = threading.Thread(target=look)
        other.start()
        other.join()
        real(old, new)

    monkeypatch.setattr(trash_folder, "move", looked_at)
    before = two.copies()
    [gone] = trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
    assert seen == [[]]
    assert [entry.trash_id for entry in trash.contents(two.desk.db)] == [gone.trash_id]
    trash.restore(two.desk.db, [str(gone.trash_id)])
    assert two.copies() == before
    assert len(seen) == 2


def test_a_drive_that_fails_right_after_the_rename_keeps_the_record(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    before = two.copies()
    with monkeypatch.context() as broken:
        broken.setattr(folders, "sync_folder", fail)
        with pytest.raises(RushesError, match="is in the trash, but its volume said: Input/output error"):
            trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
        assert not two.first.exists()
        [found] = trash.contents(two.desk.db)
        with pytest.raises(RushesError, match="is back, but its volume said: Input/output error"):
            trash.restore(two.desk.db, [str(found.trash_id)])
    assert two.copies() == before
    assert two.first.exists()


def test_a_drive_that_was_pulled_a_moment_ago_forgets_nothing(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue still calls it online; what shows at its place is an empty folder."""
    one, other = two.first, two.first.with_name("two.mov")
    trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(one)]))
    real = trash_folder.move

    def cut(old: str, new: str) -> None:
        real(old, new)
        raise _Killed

    monkeypatch.setattr(trash_folder, "move", cut)
    with pytest.raises(_Killed):
        trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(other)]))
    away = two.a.rename(two.a.with_name("away"))
    two.a.mkdir()
    done = trash.empty(two.desk.db)
    assert (done.deleted, len(done.kept)) == ((), 1)
    assert "is away" in done.kept[0]
    with pytest.raises(VolumeGone):
        trash.restore(two.desk.db, [str(one)])
    two.a.rmdir()
    away.rename(two.a)
    assert [entry.size for entry in trash.contents(two.desk.db)] == [5000, 7000]


def test_another_file_at_the_old_place_is_not_taken_for_one_that_came_back(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))

    def cut(old: str, new: str) -> None:
        raise _Killed

    with monkeypatch.context() as killed:
        killed.setattr(trash_folder, "move", cut)
        with pytest.raises(_Killed):
            trash.restore(two.desk.db, [str(two.first)])
    (two.a / f".Trash-{os.getuid()}" / "files" / "one.mov").unlink()
    write(two.first, 10)
    before = two.copies()
    assert len(trash.contents(two.desk.db)) == 1
    assert two.copies() == before


def test_a_name_that_is_nearly_all_extension_goes_twice(two: Two) -> None:
    name = "a." + "x" * 248
    for folder in ("DCIM", "OTHER"):
        write(two.card / folder / name, 300 + len(folder))
    two.desk.ingest(two.card, to=[two.a, two.b], thumbnails=False)
    for folder in ("DCIM", "OTHER"):
        trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.a / "A001" / folder / name)]))
    trash.restore(two.desk.db, [str(two.a / "A001")])
    for folder in ("DCIM", "OTHER"):
        assert (two.a / "A001" / folder / name).read_bytes() == (two.card / folder / name).read_bytes()


def test_a_note_that_cannot_be_written_leaves_nothing_in_the_trash(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(trash, "_enter", full)
        with pytest.raises(sqlite3.OperationalError):
            trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
    assert two.first.exists()
    assert [*(two.a / f".Trash-{os.getuid()}").glob("*/*")] == []


def test_a_link_to_a_recorded_file_is_not_that_file(two: Two) -> None:
    link = two.b / "link.mov"
    link.symlink_to(two.first)
    with pytest.raises(NotFound, match="Nothing is recorded"):
        trash.preview(two.desk.db, [str(link)])


def test_what_another_brought_back_meanwhile_is_neither_deleted_nor_brought_back(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = two.copies()
    trash.put_aside(two.desk.db, trash.preview(two.desk.db, [str(two.first)]))
    listed = entries.every(two.desk.db)
    trash.restore(two.desk.db, [str(two.first)])
    monkeypatch.setattr(entries, "every", lambda _: listed)
    done = trash.empty(two.desk.db)
    assert (done.deleted, done.kept) == ((), ())
    with pytest.raises(NotFound, match="not in the trash any more"):
        trash.restore(two.desk.db, [str(two.first)])
    assert two.first.exists()
    assert two.copies() == before


@pytest.mark.parametrize("back", [False, True])
def test_a_kill_between_the_two_names_of_a_file_leaves_it_where_it_lay(
    two: Two, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    """Where the kernel cannot rename without replacing, a second name is made and the first taken away."""
    before, content = two.copies(), two.first.read_bytes()
    wanted = trash.preview(two.desk.db, [str(two.first)])
    if back:
        trash.put_aside(two.desk.db, wanted)

    def cut(old: str, new: str) -> None:
        os.link(old, new)
        raise _Killed

    with monkeypatch.context() as killed:
        killed.setattr(trash_folder, "move", cut)
        with pytest.raises(_Killed):
            trash.restore(two.desk.db, [str(two.first)]) if back else trash.put_aside(two.desk.db, wanted)
    assert two.first.stat().st_nlink == 2
    assert trash.contents(two.desk.db) == []
    assert two.copies() == before
    assert (two.first.read_bytes(), two.first.stat().st_nlink) == (content, 1)
    assert [*(two.a / f".Trash-{os.getuid()}").glob("*/*")] == []
