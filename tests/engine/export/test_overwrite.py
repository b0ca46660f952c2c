"""Never over another file, unless told; and then only over a film of our own, proven to be that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import NotFound
from engine.export.rendering import placing
from engine.export.runs import records, runs
from engine.storage.database import execute

PRORES = {"preset": "archive"}


@pytest.fixture
def first(desk, clip):
    desk.add(clip(), "a.mov")
    return desk.export(**PRORES)


def test_a_new_film_gets_a_number_unless_told(desk, first):
    second = desk.export(**PRORES, fps="30")
    assert os.path.basename(second.output_path) == "film_001.mov"
    assert Path(first.output_path).exists()


def test_told_so_it_takes_the_place_of_an_earlier_runs_film(desk, first):
    second = desk.export(**PRORES, fps="30", overwrite=True)
    assert second.output_path == first.output_path
    assert os.listdir(os.path.dirname(first.output_path)).count("film.mov") == 1
    assert len(desk.frames(second.output_path)) == 30
    old = records.get(desk.library.db(), first.run_id)
    assert old.output_path is None
    with pytest.raises(NotFound, match="replaced by that of a later one"):
        runs.finished_path(desk.library, first.run_id)
    copies = desk.one("SELECT count(*) FROM copies WHERE role = 'export'")
    assert copies == 1
    runs.delete(desk.library, first.run_id)
    assert Path(second.output_path).exists()


@pytest.mark.parametrize("what", ["another's file", "changed", "a link", "a source"])
def test_what_is_not_our_film_is_never_replaced(desk, first, what):
    path = Path(first.output_path)
    if what == "another's file":
        execute(desk.library.db(), "UPDATE run_outputs SET path = NULL")
    elif what == "changed":
        with path.open("r+b") as file:
            file.seek(100)
            file.write(b"edited")
    elif what == "a link":
        path.rename(path.with_name("elsewhere.mov"))
        path.symlink_to("elsewhere.mov")
    else:
        execute(desk.library.db(), "UPDATE copies SET role = 'source' WHERE role = 'export'")
    before = path.read_bytes()
    second = desk.export(**PRORES, fps="30", overwrite=True)
    assert os.path.basename(second.output_path) == "film_001.mov"
    assert path.read_bytes() == before


def test_two_clips_of_one_run_never_replace_each_other(desk, first, clip):
    desk.add(clip(seconds="2"), "b.mov")
    run = desk.export(**PRORES, layout="per-clip", template="same", overwrite=True)
    assert run.status == "completed", run.error
    names = [os.path.basename(path) for path in runs.goes_with(desk.library, run.run_id)]
    assert sorted(names) == ["same.mov", "same_001.mov"]


def test_a_film_of_this_same_run_is_never_replaced(desk, clip):
    """A retry makes a clip that failed, under the name that its run gave to another clip meanwhile."""
    desk.add(clip("late.mov", picture="testsrc"), "a.mov")
    desk.add(clip(seconds="2"), "b.mov")
    late = Path(desk.path("a.mov"))
    good = late.read_bytes()
    late.write_bytes(os.urandom(len(good)))
    run = desk.export(**PRORES, layout="per-clip", template="same", overwrite=True)
    assert run.status == "completed_with_warnings"
    (made,) = runs.goes_with(desk.library, run.run_id)
    assert os.path.basename(made) == "same.mov"
    before = Path(made).read_bytes()
    late.write_bytes(good)
    again = desk.run(runs.retry(desk.library, run.run_id))
    assert (again.run_id, again.status) == (run.run_id, "completed"), again.error
    assert Path(made).read_bytes() == before
    both = runs.goes_with(desk.library, run.run_id)
    assert sorted(os.path.basename(path) for path in both) == ["same.mov", "same_001.mov"]
    assert [len(desk.frames(path)) for path in sorted(both)] == [50, 25]


def test_the_old_film_is_there_until_the_new_one_is_proven(desk, first, monkeypatch):
    before = Path(first.output_path).read_bytes()
    seen = []

    def stop(temp: str, target: str) -> None:
        seen.append(Path(target).read_bytes() == before)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(placing.os, "replace", stop)
    run = desk.export(**PRORES, fps="30", overwrite=True)
    assert run.status == "failed"
    assert seen == [True]
    assert Path(first.output_path).read_bytes() == before
    monkeypatch.undo()
    again = desk.run(runs.resume(desk.library, run.run_id))
    assert (again.status, again.output_path) == ("completed", first.output_path)
    assert Path(first.output_path).read_bytes() != before
