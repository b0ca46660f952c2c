"""Reference mode: catalogued in place, nothing written beside the originals."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace

import pytest

from engine.errors import WrongUse
from engine.ingest.cataloguing import reference
from engine.ingest.planning.plan import plan as ingest_plan
from engine.media.hashing import c4_text
from engine.storage.rebuilding import rebuild
from tests.tui.cli.conftest import make_clip

from .conftest import tree, write


def test_nothing_is_written_and_everything_is_known(desk, card):
    before = {path: os.lstat(card / path).st_ctime_ns for path in tree(card)}
    result = desk.ingest(card, mode="reference")
    assert (result["status"], result["ingested"], result["failed"]) == ("completed", 8, 0)
    assert {path: os.lstat(card / path).st_ctime_ns for path in tree(card)} == before
    copies = desk.rows("SELECT * FROM copies")
    assert {copy["role"] for copy in copies} == {"reference"}
    assert all(copy["verified_at"] for copy in copies)


def test_a_second_run_changes_nothing(desk, card):
    desk.ingest(card, mode="reference")
    copies = desk.rows("SELECT copy_id, asset_id, verified_at FROM copies")
    result = desk.ingest(card, mode="reference")
    assert (result["ingested"], result["duplicates"]) == (0, 8)
    assert desk.rows("SELECT copy_id, asset_id, verified_at FROM copies") == copies


def test_the_same_content_elsewhere_is_a_second_copy(desk, tmp_path):
    write(tmp_path / "one/a.mov", 100_000)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    desk.ingest(tmp_path / "one", mode="reference")
    result = desk.ingest(tmp_path / "two", mode="reference")
    assert result["ingested"] == 1
    assert desk.row("SELECT count(*) AS n FROM copies")["n"] == 2
    assert desk.row("SELECT count(*) AS n FROM assets")["n"] == 1
    assert desk.row("SELECT count(*) AS n FROM clips")["n"] == 1


def test_changed_bytes_are_read_again(desk, tmp_path):
    write(tmp_path / "one/a.mov", 100_000)
    desk.ingest(tmp_path / "one", mode="reference")
    write(tmp_path / "one/a.mov", 100_000)
    assert desk.ingest(tmp_path / "one", mode="reference")["ingested"] == 1
    assert desk.row("SELECT count(*) AS n FROM copies")["n"] == 1
    assert desk.row("SELECT count(*) AS n FROM assets")["n"] == 2


def test_destinations_make_no_sense(desk, card, tmp_path):
    with pytest.raises(WrongUse, match="copies nothing"):
        ingest_plan(desk.library, [str(card)], [str(tmp_path / "nas")], mode="reference")


def test_clips_can_be_seen_before_anything_was_read(desk, tmp_path, monkeypatch):
    (tmp_path / "drive").mkdir()
    make_clip(tmp_path / "drive/a.mp4")
    make_clip(tmp_path / "drive/b.mp4", pattern="smptebars")
    job_id = desk.queue(tmp_path / "drive", mode="reference")
    read = reference._Reader.take

    def stop(self, parcel):
        seen = desk.rows("SELECT title, width, duration_ms, blake3 FROM clips JOIN assets USING (asset_id)")
        assert [(clip["title"], clip["width"], clip["blake3"]) for clip in seen] == [
            ("a", 128, None),
            ("b", 128, None),
        ]
        assert all(clip["duration_ms"] for clip in seen)
        self._job.send("stop")
        read(self, parcel)

    with monkeypatch.context() as patch:
        patch.setattr(reference._Reader, "take", stop)
        assert desk.start(job_id) is None
    clips = desk.rows("SELECT clip_id FROM clips ORDER BY title")
    outcome = desk.start(job_id, intent="resume")
    assert outcome is not None
    assert (outcome.status, outcome.result["ingested"]) == ("completed", 2)
    assert desk.rows("SELECT clip_id FROM clips ORDER BY title") == clips
    assert desk.row("SELECT count(*) AS n FROM assets WHERE blake3 IS NULL")["n"] == 0
    assert len(list(desk.library.thumbs.rglob("*.jpg"))) == 2


def test_content_that_turns_out_to_be_known_is_one_with_it(desk, tmp_path):
    """The same film at three places: one content, one clip, three copies, the tag is kept."""
    (tmp_path / "one").mkdir()
    make_clip(tmp_path / "one/a.mp4")
    desk.ingest(tmp_path / "one", mode="reference")
    first = desk.row("SELECT clip_id FROM clips")["clip_id"]
    desk.db.execute("INSERT INTO tags (name) VALUES ('best')")
    desk.db.execute("INSERT INTO clip_tags SELECT clip_id, 1, created_at FROM clips")
    desk.db.conn.commit()
    for name in ("x/a.mp4", "x/again.mp4"):
        (tmp_path / "two/x").mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "one/a.mp4", tmp_path / "two" / name)
    assert desk.ingest(tmp_path / "two", mode="reference")["ingested"] == 2
    assert [clip["clip_id"] for clip in desk.rows("SELECT clip_id FROM clips")] == [first]
    assert desk.row("SELECT count(*) AS n FROM assets")["n"] == 1
    assert desk.row("SELECT count(*) AS n FROM copies WHERE verified_at IS NOT NULL")["n"] == 3
    assert desk.row("SELECT count(*) AS n FROM clip_tags")["n"] == 1
    kept = desk.rows("SELECT * FROM volume_counts ORDER BY volume_id")
    safe = desk.rows("SELECT * FROM asset_safety")
    rebuild(desk.db)
    assert desk.rows("SELECT * FROM volume_counts ORDER BY volume_id") == kept
    assert desk.rows("SELECT * FROM asset_safety") == safe


def test_checksums_are_taken_from_the_same_read_and_added_later(desk, tmp_path):
    write(tmp_path / "drive/a.mov", (2 << 20) + 5)
    data = (tmp_path / "drive/a.mov").read_bytes()
    desk.ingest(tmp_path / "drive", mode="reference", checksums=("md5", "c4"))
    asset = desk.row("SELECT * FROM assets")
    assert asset["md5"] == hashlib.md5(data).hexdigest()
    assert asset["c4"] == c4_text(hashlib.sha512(data).digest())
    assert asset["sha1"] is None
    assert desk.ingest(tmp_path / "drive", mode="reference", checksums=("md5",))["duplicates"] == 1
    assert desk.ingest(tmp_path / "drive", mode="reference", checksums=("sha1",))["ingested"] == 1
    assert desk.row("SELECT * FROM assets")["sha1"] == hashlib.sha1(data).hexdigest()
    assert desk.row("SELECT count(*) AS n FROM assets")["n"] == 1


def test_a_source_can_be_read_twice(desk, tmp_path, monkeypatch):
    write(tmp_path / "drive/a.mov", 3 << 20)
    desk.ingest(tmp_path / "drive", mode="reference", verify_source=True)
    task = desk.row("SELECT first_hash, second_hash FROM tasks")
    assert task["first_hash"] == task["second_hash"] is not None
    write(tmp_path / "drive/b.mov", 3 << 20)
    turns = 0
    read = reference.Reread.read

    def flaky(self, check=None, on_bytes=None, digester=None):
        nonlocal turns
        turns += 1
        found = read(self, check, on_bytes, digester)
        return found if turns != 2 else replace(found, blake3="0" * 64)

    monkeypatch.setattr(reference.Reread, "read", flaky)
    result = desk.ingest(tmp_path / "drive", mode="reference", verify_source=True)
    assert (result["duplicates"], result["failed"]) == (1, 1)
    assert result["failures"][0]["kind"] == "source_unstable"
    copy = desk.row("SELECT verified_at FROM copies WHERE CAST(path AS TEXT) LIKE '%b.mov'")
    assert copy["verified_at"] is None
    task = desk.row("SELECT first_hash, second_hash FROM tasks WHERE status = 'failed'")
    assert task["second_hash"] == "0" * 64


def test_a_file_that_went_away_after_it_was_listed_is_missing(desk, tmp_path, monkeypatch):
    write(tmp_path / "drive/a.mov", 1000)
    write(tmp_path / "drive/b.mov", 1000)
    read = reference._Reader.take

    def vanish(self, parcel):
        (tmp_path / "drive/b.mov").unlink(missing_ok=True)
        read(self, parcel)

    monkeypatch.setattr(reference._Reader, "take", vanish)
    result = desk.ingest(tmp_path / "drive", mode="reference")
    assert (result["ingested"], result["failed"]) == (1, 1)
    states = desk.rows("SELECT state FROM copies ORDER BY path")
    assert [copy["state"] for copy in states] == ["present", "missing"]
