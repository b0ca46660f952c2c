"""What can be asked of an ingest: second reading, duplicates, further checksums, a name."""

from __future__ import annotations

import hashlib
import json

import pytest

from engine.errors import WrongUse
from engine.ingest.planning.queue import read_order
from engine.jobs import store
from engine.media.hashing import c4_text

from .conftest import tree, write


def test_further_checksums_come_from_the_same_read(desk, card, tmp_path):
    desk.ingest(card, to=[tmp_path / "nas"], checksums=("c4", "md5", "sha1"))
    by_size = {(len(data), hashlib.md5(data).hexdigest()): data for data in tree(card).values()}
    assets = desk.rows("SELECT * FROM assets")
    assert len(assets) == len(by_size)
    for asset in assets:
        data = by_size[asset["size"], asset["md5"]]
        assert asset["sha1"] == hashlib.sha1(data).hexdigest()
        assert asset["c4"] == c4_text(hashlib.sha512(data).digest())


def test_without_asking_there_are_none(desk, card, tmp_path):
    desk.ingest(card, to=[tmp_path / "nas"])
    assert {asset["md5"] for asset in desk.rows("SELECT md5 FROM assets")} == {None}


def test_a_file_continued_after_a_kill_has_its_checksums_whole(desk, tmp_path, monkeypatch):
    from engine.ingest.carrying import copying, journal

    for module in (copying, journal):
        monkeypatch.setattr(module, "BLOCK", 1 << 20)
    monkeypatch.setattr(journal, "JOURNALED", 2 << 20)
    write(tmp_path / "card/film.dat", (5 << 20) + 11)
    job_id = desk.queue(tmp_path / "card", to=[tmp_path / "nas"], checksums=("md5",))

    def watch(context):
        first = context.check_now
        seen = 0

        def check():
            nonlocal seen
            seen += 1
            if seen == 6:
                context.send("stop")
            first()

        context.check_now = check

    desk.start(job_id, watch=watch)
    assert store.get(desk.db, job_id).status == "interrupted"
    outcome = desk.start(job_id, intent="resume")
    assert outcome.result["ingested"] == 1
    data = (tmp_path / "nas/card/film.dat").read_bytes()
    assert desk.row("SELECT md5 FROM assets")["md5"] == hashlib.md5(data).hexdigest()


def test_the_source_read_twice_is_a_proven_copy_of_its_own(desk, card, tmp_path):
    desk.ingest(card, to=[tmp_path / "nas"], verify_source=True)
    assert all(copy["verified_at"] for copy in desk.rows("SELECT * FROM copies WHERE role = 'source'"))


def test_duplicates_are_copied_when_asked(desk, card, tmp_path):
    write(tmp_path / "one/film.mov", 200_000)
    desk.ingest(tmp_path / "one", to=[tmp_path / "nas"])
    write(tmp_path / "two/x", 1)
    (tmp_path / "two/other.mov").write_bytes((tmp_path / "one/film.mov").read_bytes())
    (tmp_path / "two/x").unlink()
    assert desk.ingest(tmp_path / "two", to=[tmp_path / "nas"])["duplicates"] == 1
    assert not (tmp_path / "nas/two/other.mov").exists()
    assert desk.ingest(tmp_path / "two", to=[tmp_path / "nas"], duplicates="copy")["ingested"] == 1
    assert (tmp_path / "nas/two/other.mov").exists()


def test_everything_asked_is_in_the_parameters(desk, card, tmp_path):
    job_id = desk.queue(
        card,
        to=[tmp_path / "nas"],
        checksums=("sha1",),
        verify_source=True,
        duplicates="copy",
        thumbnails=False,
        name="Day 3 \x1b[2J",
    )
    order = read_order(json.loads(desk.row("SELECT params FROM jobs WHERE job_id = ?", job_id)["params"]))
    assert (order.checksums, order.verify_source, order.duplicates) == (("sha1",), True, "copy")
    assert order.thumbnails is False
    assert desk.row("SELECT name FROM batches")["name"] == "Day 3 \\x1b[2J"


def test_a_job_queued_before_these_options_can_still_be_read(desk, card, tmp_path):
    job_id = desk.queue(card, to=[tmp_path / "nas"])
    params = store.get(desk.db, job_id).params
    del params["checksums"]
    assert read_order(params).checksums == ()


def test_what_does_not_exist_is_wrong_use(desk, card, tmp_path):
    with pytest.raises(WrongUse, match="md4 is no checksum"):
        desk.queue(card, to=[tmp_path / "nas"], checksums=("md4",))
