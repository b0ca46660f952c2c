"""The JSON documents that others build on, from a real ingest, relink and export."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest

from tests.tui.cli.conftest import make_clip, rushes


@pytest.fixture
def day(home: Path) -> Path:
    """Two clips and a text taken in to two folders."""
    card = home / "A001"
    card.mkdir()
    make_clip(card / "one.mov", 1.0)
    make_clip(card / "two.mov", 1.4, pattern="smptebars")
    (card / "notes.txt").write_text("scene 1, take 2")
    done = rushes(
        "ingest", card, "--to", home / "x", "--to", home / "y", "--library", home / "lib", "--wait", "--json"
    )
    assert done.code == 0, done.err
    return home


def test_init(tmp_path: Path) -> None:
    said = rushes("init", tmp_path / "new", "--name", "N", "--reference", "--cache-root", tmp_path, "--json")
    assert said.code == 0
    assert said.document["root"] == str(tmp_path / "new")
    assert said.document["cache_root"] == str(tmp_path)
    assert said.document["mode"] == "reference"
    assert len(said.document["library_id"]) == 36


def test_engine_status(home: Path) -> None:
    before = rushes("engine", "status", "--library", home / "lib", "--json").document
    assert (before["running"], before["pid"], before["since"]) == (False, None, None)
    rushes("engine", "start", "--library", home / "lib")
    after = rushes("engine", "status", "--library", home / "lib", "--json").document
    assert after["running"] is True
    assert {"running", "pid", "since", "library_id", "jobs_running"} <= set(after)
    rushes("engine", "stop", "--library", home / "lib")
    assert rushes("engine", "status", "--library", home / "lib", "--json").document["running"] is False


def test_ingest_without_wait_gives_ids_at_once(home: Path) -> None:
    card = home / "card"
    card.mkdir()
    (card / "a.txt").write_text("a")
    said = rushes("ingest", card, "--to", home / "x", "--library", home / "lib", "--json")
    assert said.code == 0
    assert set(said.document) == {"batch_id", "job_id"}
    listed = rushes("jobs", "list", "--library", home / "lib", "--json").document
    entry = next(job for job in listed if job["job_id"] == said.document["job_id"])
    assert {"job_id", "kind", "status", "progress", "done", "total", "rate", "eta_seconds", "error"} <= set(
        entry
    )


def test_ingest_with_wait(home: Path) -> None:
    card = home / "A001"
    card.mkdir()
    (card / "a.txt").write_text("a")
    (card / "b.txt").write_text("bb")
    command = (
        "ingest",
        card,
        "--to",
        home / "x",
        "--to",
        home / "y",
        "--library",
        home / "lib",
        "--wait",
        "--json",
    )
    first = rushes(*command)
    assert first.code == 0
    result = first.document
    assert result["status"] == "completed"
    assert (result["found"], result["ingested"], result["duplicates"], result["failed"]) == (2, 2, 0, 0)
    assert result["bytes"] == 3
    assert {"batch_id", "seconds"} <= set(result)
    (item,) = result["items"]
    assert item["source"] == str(card)
    assert {"source", "status", "files_found", "files_ingested", "error"} <= set(item)
    for place in ("x", "y"):
        assert (home / place / "A001" / "b.txt").read_text() == "bb"
    again = rushes(*command).document
    assert (again["ingested"], again["duplicates"], again["bytes"]) == (0, 2, 0)


def test_clips_list(day: Path) -> None:
    listed = rushes("clips", "list", "--library", day / "lib", "--json").document
    assert [clip["title"] for clip in listed] == ["one", "two"]
    clip = listed[0]
    assert {
        "clip_id", "title", "state", "kind", "duration_ms", "width", "height", "fps", "codec", "size",
        "volume", "path", "copies",
    } <= set(clip)  # fmt: skip
    assert (clip["state"], clip["kind"], clip["width"], clip["height"], clip["fps"]) == (
        "online",
        "video",
        128,
        72,
        25.0,
    )
    assert clip["duration_ms"] == pytest.approx(1000, abs=40)
    kept = [copy for copy in clip["copies"] if copy["role"] != "source"]
    assert {copy["role"] for copy in kept} == {"managed", "backup"}
    for copy in kept:
        assert {"volume", "path", "role", "state", "verified_at", "verify_level"} <= set(copy)
        assert copy["state"] == "online"
        assert copy["verified_at"] is not None
        assert copy["verify_level"] in ("device re-read", "cached re-read", "network re-read")
        assert Path(copy["absolute_path"]).read_bytes() == (day / "A001" / "one.mov").read_bytes()
    assert rushes("clips", "list", "--offline", "--library", day / "lib", "--json").document == []
    assert len(rushes("clips", "list", "--text", "TW", "--library", day / "lib", "--json").document) == 1
    assert rushes("clips", "list", "--text", "_", "--library", day / "lib", "--json").document == []
    assert rushes("clips", "list", "--since", "2999-01-01", "--library", day / "lib", "--json").document == []


def test_clips_show_tag_and_favourite(day: Path) -> None:
    lib = day / "lib"
    for _ in range(2):
        tagged = rushes(
            "clips", "tag", "one", "--add", "Scene 1", "--favourite", "--library", lib, "--json"
        ).document
    assert tagged["tags"] == ["Scene 1"]
    assert tagged["favourite"] is True
    shown = rushes("clips", "show", tagged["clip_id"][:8], "--library", lib, "--json").document
    assert shown["title"] == "one"
    assert len(shown["parts"][0]["blake3"]) == 64


def test_card_check(day: Path) -> None:
    said = rushes("card", "check", day / "A001", "--library", day / "lib", "--json")
    assert {"safe_to_format", "files", "verified", "blocking"} <= set(said.document)
    assert said.document["files"] == 3
    assert said.code == (0 if said.document["safe_to_format"] else 1)
    (day / "A001" / "new.txt").write_text("not taken in")
    blocked = rushes("card", "check", day / "A001", "--library", day / "lib", "--json")
    assert blocked.code == 1
    assert blocked.document["safe_to_format"] is False
    assert any(
        block["path"].endswith("new.txt") and block["reason"] for block in blocked.document["blocking"]
    )


def test_volumes_list(day: Path) -> None:
    listed = rushes("volumes", "list", "--library", day / "lib", "--json").document
    assert listed
    for volume in listed:
        assert {
            "volume_id", "name", "mount_point", "state", "fs_type", "is_network", "is_removable", "read_only",
            "size", "free", "clips", "offline_clips", "last_seen_at",
        } <= set(volume)  # fmt: skip
    assert sum(volume["clips"] for volume in listed) >= 2


def test_relink_scan_list_apply_and_undo(day: Path) -> None:
    lib = day / "lib"
    shelf = day / "shelf"
    shelf.mkdir()
    shutil.move(day / "x" / "A001" / "one.mov", shelf / "found.mov")
    volume = next(v for v in rushes("volumes", "list", "--library", lib, "--json").document if v["clips"])
    rushes("settings", "set", "relink.policy", "off")
    swept = rushes("volumes", "sweep", volume["volume_id"], "--library", lib, "--json")
    assert swept.document["missing"] == 1, swept
    said = rushes("relink", "scan", shelf, "--library", lib, "--wait", "--json")
    assert said.code == 0
    assert {
        "session_id", "files_scanned", "files_hashed", "offline", "candidates", "applied", "conflicts",
        "seconds",
    } <= set(said.document)  # fmt: skip
    assert (said.document["files_scanned"], said.document["candidates"], said.document["applied"]) == (
        1,
        1,
        0,
    )
    (candidate,) = rushes("relink", "list", "--status", "pending", "--library", lib, "--json").document
    assert {"candidate_id", "clip_id", "found_path", "match_type", "confidence", "status", "evidence"} <= set(
        candidate
    )
    assert candidate["found_path"] == str(shelf / "found.mov")
    shown = rushes("relink", "show", candidate["candidate_id"], "--library", lib, "--json").document
    assert shown["candidate_id"] == candidate["candidate_id"]
    for side in ("known", "found"):
        assert shown[side]["codec"] == "h264"
        assert shown[side]["size"] == candidate["size"]
    assert rushes("relink", "show", 999, "--library", lib).code == 4
    applied = rushes("relink", "apply", candidate["candidate_id"], "--library", lib, "--json")
    assert (applied.code, applied.document["status"]) == (0, "applied")
    assert rushes("relink", "apply", candidate["candidate_id"], "--library", lib).code == 3
    undone = rushes("relink", "undo", candidate["candidate_id"], "--library", lib, "--json")
    assert undone.document["status"] == "pending"


def test_export_queued_and_waited_for(day: Path) -> None:
    lib = day / "lib"
    out = day / "out"
    made = rushes("recipe", "create", "Film", "--preset", "archive", "--to", out, "--library", lib, "--json")
    assert made.code == 0, made.err
    said = rushes("export", "Film", "--wait", "--library", lib, "--json")
    assert said.code == 0, said.err
    (run,) = said.document["runs"]
    assert {
        "run_id", "recipe", "status", "output_path", "output_size", "output_duration_ms", "frames",
        "seconds", "segments", "segments_reused", "error",
    } <= set(run)  # fmt: skip
    assert (run["recipe"], run["status"], run["frames"], run["error"]) == ("Film", "completed", 60, None)
    assert Path(run["output_path"]).stat().st_size == run["output_size"]
    assert run["output_duration_ms"] == pytest.approx(2400, abs=1)
    again = rushes("export", "Film", "--library", lib, "--json").document["runs"]
    assert set(again[0]) == {"run_id", "job_id", "recipe"}
    listed = rushes("exports", "list", "--library", lib, "--json").document
    assert {entry["run_id"] for entry in listed} == {run["run_id"], again[0]["run_id"]}


def test_verify(day: Path) -> None:
    lib = day / "lib"
    clean = rushes("verify", "--library", lib, "--json")
    assert clean.code == 0
    assert {"checked", "bytes", "damaged", "seconds"} <= set(clean.document)
    assert clean.document["damaged"] == []
    target = day / "y" / "A001" / "two.mov"
    with target.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff\x00\xff")
    said = rushes("verify", "--library", lib, "--json")
    assert said.code == 1
    (damaged,) = said.document["damaged"]
    assert {"volume", "path", "expected", "found"} <= set(damaged)
    assert damaged["path"].endswith("two.mov")
    assert damaged["expected"] != damaged["found"]


def test_everything_that_lists_answers_with_one_document_when_there_is_nothing(home: Path) -> None:
    lib = home / "lib"
    for words in (
        ("jobs", "list"), ("clips", "list"), ("relink", "list"), ("recipe", "list"), ("exports", "list"),
    ):  # fmt: skip
        said = rushes(*words, "--library", lib, "--json")
        assert (said.code, said.document) == (0, []), words
    # Drives that this machine has are listed, whatever they are.
    assert isinstance(rushes("volumes", "list", "--library", lib, "--json").document, list)
    assert rushes("audit", "--library", lib, "--json").code == 0
    assert rushes("presets", "list", "--json").code == 0
    assert rushes("settings", "list", "--json").code == 0
    assert rushes("library", "info", "--library", lib, "--json").document["clips"] == 0
    assert rushes("library", "check", "--library", lib, "--json").document == {"ok": True, "problems": []}


def test_a_backup_opens_and_passes_its_check(day: Path) -> None:
    import sqlite3

    made = rushes("library", "backup", "--library", day / "lib", "--json").document
    backup = sqlite3.connect(made["path"])
    assert backup.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert backup.execute("SELECT count(*) FROM clips").fetchone() == (2,)
    backup.close()


def test_where_is_it_and_what_is_at_risk(day: Path) -> None:
    lib = day / "lib"
    (found,) = rushes("clips", "whereis", "one", "--library", lib, "--json").document
    assert {copy["role"] for copy in found["copies"]} == {"source", "managed", "backup"}
    by_path = rushes("clips", "whereis", day / "y" / "A001" / "one.mov", "--library", lib, "--json").document
    assert by_path[0]["blake3"] == found["blake3"]
    assert (
        rushes("clips", "whereis", found["blake3"], "--library", lib, "--json").document[0]["name"]
        == "one.mov"
    )
    assert rushes("clips", "whereis", "nowhere.mov", "--library", lib).code == 4
    risks = rushes("clips", "risk", "--library", lib, "--json").document
    assert {risk["title"] for risk in risks} == {"one", "two"}, "both copies lie on one device"
    rushes("settings", "set", "policy.devices", "1")
    assert rushes("clips", "risk", "--library", lib, "--json").document == []
    volume = next(v for v in rushes("volumes", "list", "--library", lib, "--json").document if v["clips"])
    assert len(rushes("volumes", "only", volume["volume_id"], "--library", lib, "--json").document) >= 6


def test_one_segment_is_one_command(day: Path) -> None:
    lib = day / "lib"
    rushes("recipe", "create", "Film", "--preset", "archive", "--to", day / "out", "--library", lib)
    (run,) = rushes("export", "Film", "--wait", "--library", lib, "--json").document["runs"]
    plan = rushes("exports", "plan", run["run_id"], "--library", lib).document
    finished = sorted((lib / ".rushes" / "exports").rglob("00000-*.mov"))
    before = finished[0].read_bytes()
    elsewhere = day / "farm"
    plan["folder_b64"] = base64.b64encode(bytes(elsewhere)).decode()
    (day / "plan.json").write_text(json.dumps(plan))
    said = rushes("segment", "run", "--plan", day / "plan.json", "--index", 0, "--attempt", "bay-2", "--json")
    assert said.code == 0, said
    assert (elsewhere / said.document["file"]).read_bytes() == before, "the same bytes as the engine's"
    assert json.loads(said.err.splitlines()[-1])["total"] == 60
    made = said.document["file"]
    assert sorted(path.name for path in elsewhere.iterdir()) == [made, f"{made}.receipt"]
    for words in (("--index", "7", "--attempt", "a"), ("--index", "0", "--attempt", "../x")):
        assert rushes("segment", "run", "--plan", day / "plan.json", *words).code == 2
    (day / "plan.json").write_text("{}")
    assert rushes("segment", "run", "--plan", day / "plan.json", "--index", 0, "--attempt", "a").code == 2
