"""Recipes and what they select: checked when made, looked up when queued."""

from __future__ import annotations

import json

import pytest

from engine.api import exports as api
from engine.errors import NotFound, Refused, WrongUse
from engine.export.planning.selection import event_at, natural, ordered, select
from engine.export.recipes import naming, recipes
from engine.export.recipes.spec import checked
from engine.export.runs import records, runs
from engine.jobs import store
from engine.storage.database import execute


def test_a_recipe_is_stored_shown_changed_and_deleted(library):
    db = library.db()
    made = recipes.create(db, "Day one", {"mode": "by_date", "preset": "archive"})
    assert (
        recipes.get(db, "day ONE") == recipes.get(db, made.recipe_id) == recipes.get(db, made.recipe_id[:8])
    )
    changed = recipes.edit(db, "Day one", {"layout": "per-clip", "fps": "23.976"}, new_name="Proxies")
    assert (changed.spec["layout"], changed.spec["fps"], changed.spec["mode"]) == (
        "per-clip",
        "24000/1001",
        "by_date",
    )
    assert recipes.edit(db, "Proxies", {"fps": None}).spec["fps"] is None
    recipes.delete(db, "proxies")
    with pytest.raises(NotFound, match="none yet"):
        recipes.get(db, "Proxies")


def test_names_are_unique_and_clean(library):
    recipes.create(library.db(), "Film", {})
    recipes.create(library.db(), "Other", {})
    with pytest.raises(Refused, match="already"):
        recipes.create(library.db(), "FILM", {})
    with pytest.raises(Refused, match="already"):
        recipes.edit(library.db(), "Other", {}, new_name="film")
    for name in ("", " ", "x" * 101, "a\nb"):
        with pytest.raises(WrongUse):
            recipes.create(library.db(), name, {})


def test_a_recipe_travels_as_a_file(library):
    made = recipes.create(
        library.db(),
        "Film",
        {"filter": {"tags": ["best"], "since": "2026-11-20"}, "template": "{recipe}-{date}"},
    )
    text = recipes.export_text(made)
    recipes.delete(library.db(), "Film")
    again = recipes.import_text(library.db(), text)
    assert (again.name, again.spec) == (made.name, made.spec)
    for bad in ("{", "[]", "{}", json.dumps({"schema": 2, "name": "x"})):
        with pytest.raises(WrongUse):
            recipes.import_text(library.db(), bad)


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"mode": "by_mood"}, "by_mood"),
        ({"layout": "spiral"}, "spiral"),
        ({"order": "random"}, "random"),
        ({"transition": "star wipe"}, "star wipe"),
        ({"layout": "per-clip", "transition": "crossfade"}, "no transitions"),
        ({"transition_ms": 0}, "transition_ms"),
        ({"colour": 1}, "colour"),
        ({"filter": {"mood": 1}}, "mood"),
        ({"filter": {"since": "soon"}}, "soon"),
        ({"filter": {"tags": "best"}}, "tags"),
        ({"mode": "list"}, "items"),
        ({"mode": "list", "items": [{"clip": "x"}]}, "clip_id"),
        ({"mode": "list", "items": [{"clip_id": "x", "in_frame": 5, "out_frame": 5}]}, "out point"),
        ({"mode": "list", "items": [{"clip_id": "x", "in_frame": -1}]}, "whole numbers"),
        ({"width": 1920}, "together"),
        ({"width": 1921, "height": 1080}, "even"),
        ({"fps": "fast"}, "fast"),
        ({"destination": "films"}, "absolute"),
        ({"template": "{mood}"}, "mood"),
        ({"template": "a/b"}, "file name"),
        ({"template": "{date"}, "brace"),
        ({"loudness": -100}, "loudness"),
        ({"burn_in": ["logo"]}, "burn_in"),
        ({"segment_seconds": 0}, "segment_seconds"),
        ({"schema": 7}, "schema 7"),
    ],
)
def test_what_does_not_fit_is_named(library, spec, named):
    with pytest.raises(WrongUse, match=named):
        recipes.create(library.db(), "bad", spec)


def test_an_unknown_preset_or_recipe_queues_nothing(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    desk.recipe("good")
    desk.recipe("bad", preset="nowhere")
    with pytest.raises(NotFound, match="nowhere"):
        runs.queue_runs(desk.library, ["good", "bad"])
    with pytest.raises(NotFound, match="ugly"):
        runs.queue_runs(desk.library, ["good", "ugly"])
    with pytest.raises(Refused):
        runs.queue_runs(desk.library, [])
    assert desk.one("SELECT count(*) FROM jobs") == 0


def test_a_recipe_without_clips_is_refused(desk):
    desk.recipe("film")
    with pytest.raises(Refused, match="nothing to export"):
        desk.queue("film")


def test_one_batch_holds_all_recipes_of_a_call(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    desk.recipe("one")
    desk.recipe("two")
    queued = runs.queue_runs(desk.library, ["one", "two"], preset="proxy-h264")
    assert [entry.recipe for entry in queued] == ["one", "two"]
    assert desk.one("SELECT count(DISTINCT batch_id) FROM batch_items") == 1
    assert desk.look(queued[0]).snapshot["preset"]["name"] == "proxy-h264"
    for entry in queued:
        assert desk.run(entry).status == "completed"
    assert desk.one("SELECT count(*) FROM batch_items WHERE status = 'completed'") == 2


def entry(title, recorded_at=None, camera="", created_at="2026"):
    return {
        "clip_id": title,
        "title": title,
        "recorded_at": recorded_at,
        "created_at": created_at,
        "camera_serial": "",
        "camera_model": camera,
        "reel": "",
    }


def titles(found):
    return "".join(row["title"] for row in found)


def test_order_is_by_time_and_titles_count():
    found = [entry("b", "2026-11-20T10:00:00Z"), entry("c"), entry("a", "2026-11-20T11:00:00Z")]
    assert titles(ordered(found, "all", "time")) == "bac"
    assert titles(ordered(found, "all", "title")) == "abc"
    assert titles(ordered(found, "by_date", "title")) == "bac"
    assert sorted(["C10", "C2", "c1"], key=natural) == ["c1", "C2", "C10"]


def test_an_event_goes_camera_by_camera():
    at = "2026-11-20T{}Z".format
    found = [
        entry("1", at("10:00:00"), "A"),
        entry("2", at("10:10:00"), "B"),
        entry("3", at("10:20:00"), "A"),
        entry("4", at("15:00:00"), "B"),
        entry("5", at("15:10:00"), "A"),
        entry("6", at("15:20:00"), "B"),
    ]
    assert titles(ordered(found, "by_event", "time")) == "132465"
    assert titles(ordered(found, "by_date", "time")) == "123456"


def test_filters_select(desk, clip):
    ids = {name: desk.add(clip("a.mov"), name) for name in ("Ship.mov", "ship 2.mov", "Harbour.mov")}
    db = desk.library.db()
    execute(db, "UPDATE clips SET favourite = 1 WHERE title = 'Harbour.mov'")
    execute(db, "INSERT INTO tags (tag_id, name) VALUES (1, 'Best'), (2, 'day')")
    for tag, name in ((1, "Ship.mov"), (2, "Ship.mov"), (1, "Harbour.mov")):
        execute(db, "INSERT INTO clip_tags VALUES (?, ?, '2026')", (ids[name], tag))

    def found(**spec):
        clips, problems = select(db, checked(spec), ("video",))
        assert problems == []
        return [chosen.title for chosen in clips]

    assert found() == ["Ship.mov", "ship 2.mov", "Harbour.mov"]
    assert found(filter={"text": "SHIP"}) == ["Ship.mov", "ship 2.mov"]
    assert found(mode="by_favorites") == ["Harbour.mov"]
    assert found(filter={"tags": ["best"]}) == ["Ship.mov", "Harbour.mov"]
    assert found(filter={"tags": ["best", "Day"]}) == ["Ship.mov"]
    assert found(filter={"until": "2026-11-20"}) == ["Ship.mov", "ship 2.mov", "Harbour.mov"]
    assert found(filter={"since": "2026-11-20T10:01:00Z"}) == ["ship 2.mov", "Harbour.mov"]
    assert found(filter={"until": "2026-11-19"}) == []
    listed = [{"clip_id": ids["Harbour.mov"]}, {"clip_id": ids["Ship.mov"]}]
    assert found(mode="list", items=listed) == ["Harbour.mov", "Ship.mov"]
    _, problems = select(db, checked({"mode": "list", "items": [{"clip_id": "gone"}]}), ("video",))
    assert "gone" in problems[0]


def test_names_are_filled_and_safe():
    values = {"recipe": "a/b:c", "clip": "../..", "date": "2026-11-20"}
    assert naming.fill("{recipe}-{date}", values) == "a_b_c-2026-11-20"
    assert naming.fill("{clip}", values).strip("._") != ".."
    assert naming.fill("-{reel}", {}) == "export"
    assert naming.stem_of("C0001.MXF") == "C0001"
    assert naming.stem_of(".mov") == ".mov"
    assert naming.stem_of("take 1.5 final") == "take 1.5 final"


def test_the_snapshot_survives_recipe_and_preset(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    run = desk.export(preset="archive")
    recipes.delete(desk.library.db(), "film")
    kept = records.get(desk.library.db(), run.run_id)
    assert (kept.recipe_id, kept.recipe_name, kept.spec["preset"]) == (None, "film", "archive")
    assert kept.preset["video"]["profile"] == "3"
    assert desk.run(runs.rerun(desk.library, run.run_id)).status == "completed"


def test_history_lists_filters_and_compares(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    first = desk.export(preset="archive")
    second = desk.export(preset="prores-lt")
    db = desk.library.db()
    assert [run.run_id for run in records.list_runs(db)] == [second.run_id, first.run_id]
    assert records.list_runs(db, ("failed",)) == []
    assert [run.run_id for run in records.list_runs(db, limit=1, offset=1)] == [first.run_id]
    assert records.find(db, first.run_id[:8]).run_id == first.run_id
    different = runs.compare(desk.library, first.run_id, second.run_id)["different"]
    assert different["preset.video.profile"] == ["3", "1"]
    assert "spec.mode" not in different
    assert runs.finished_path(desk.library, first.run_id) == first.output_path
    assert any("finished" in line["message"] for line in runs.logs(desk.library, first.run_id))
    json.dumps(first.to_json())


def test_the_history_is_filtered(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    first = desk.export(template="Öde")
    desk.recipe("other", preset="archive")
    second = desk.queue("other")
    store.request(desk.library.db(), second.job_id, "pause")
    both = {first.run_id, second.run_id}

    def found(**filters):
        return {run["run_id"] for run in api.list_runs(desk.library, **filters)}

    assert found() == both
    assert found(text="FILM") == {first.run_id}
    assert found(text="de.mp4") == {first.run_id}
    assert found(recipe="OTHER") == {second.run_id}
    assert found(preset="archive") == {second.run_id}
    assert found(statuses=("completed",), preset="archive") == set()
    assert found(since="2001-01-01") == both
    assert found(since="2999-01-01") == set()
    with pytest.raises(WrongUse, match="no moment"):
        found(since="yesterday")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"timecode": "10:00:00;00", "fps": "25"}, "no drop-frame timecode at 25.*write 10:00:00:00"),
        ({"timecode": "10:00:00:27", "fps": "25"}, "does not exist at 25: its frames go from 00 to 24"),
        ({"timecode": "10:01:00;01", "fps": "29.97"}, "drop-frame leaves that number out"),
        ({"timecode": "27:00:00:00"}, "no time of the day"),
    ],
)
def test_a_timecode_that_does_not_exist_is_no_timecode(spec, said):
    with pytest.raises(WrongUse, match=said):
        checked(spec)


def test_timecodes_that_exist_are_taken():
    for text, fps in (("10:01:00;02", "29.97"), ("10:10:00;00", "29.97"), ("23:59:59:24", "25")):
        assert checked({"timecode": text, "fps": fps})["timecode"] == text
    assert checked({"timecode": "10:00:00;00"})["timecode"] == "10:00:00;00"  # the clips decide the rate


@pytest.mark.parametrize("field", ["volume", "card", "batch"])
def test_a_filter_names_only_what_the_library_knows(desk, field):
    with pytest.raises(NotFound, match=f"no {field} nope"):
        recipes.create(desk.library.db(), "film", {"mode": "filter", "filter": {field: "nope"}})
    recipes.create(desk.library.db(), "film", {})
    with pytest.raises(NotFound, match=f"no {field} nope"):
        recipes.edit(desk.library.db(), "film", {"filter": {field: "nope"}})


def test_a_single_event_is_chosen_by_a_moment_in_it():
    def clip(title: str, time: str | None) -> dict:
        return {"clip_id": title, "title": title, "recorded_at": time, "created_at": ""}

    day = [
        clip("a", "2026-11-20T09:00:00Z"), clip("b", "2026-11-20T10:30:00Z"),
        clip("c", "2026-11-20T15:00:00Z"), clip("d", "2026-11-20T15:10:00Z"), clip("e", None),
    ]  # fmt: skip

    def chosen(moment: str) -> str:
        return "".join(entry["title"] for entry in event_at(day, moment))

    assert chosen("2026-11-20T10:00:00Z") == "ab"  # between two recordings of one event
    assert chosen("2026-11-20T15:05:00Z") == "cd"
    assert chosen("2026-11-20T16:00:00Z") == "cd"  # shortly after
    assert chosen("2026-11-20T12:40:00Z") == ""  # two hours and more from both
    assert chosen("2026-11-20") == "ab"
    assert chosen("2026-11-21") == ""


def test_the_filter_takes_an_event_and_refuses_what_is_no_moment(desk, clip):
    for name in ("a.mov", "b.mov"):
        desk.add(clip("a.mov"), name)
    execute(desk.library.db(), "UPDATE clips SET recorded_at = '2026-11-21T10:00:00Z' WHERE title = 'b.mov'")
    spec = checked({"mode": "filter", "filter": {"event": "2026-11-21T10:30"}})
    assert [found.title for found in select(desk.library.db(), spec, ("video",))[0]] == ["b.mov"]
    with pytest.raises(WrongUse, match="event is no date"):
        checked({"mode": "filter", "filter": {"event": "the wedding"}})
