"""What follows the end of a job: report, command, webhook, notice; each at least once, none fatal."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from engine import clock
from engine.api import engines, notices
from engine.errors import WrongUse
from engine.jobs import store
from engine.library import Library
from engine.storage import config
from engine.storage.database import scalar
from engine.supervisor import outward, tidings
from engine.supervisor.aftermath import Aftermath


def put(key: str, value: str) -> None:
    db = config.open_config()
    config.put(db, key, value)
    db.close()


def ended(library: Library, status: str = "completed", kind: str = "verify", title: str = "night") -> str:
    job_id = store.create(library.db(), kind, title, {})
    store.transition(library.db(), job_id, "running")
    error = "A disk is full." if status == "failed" else None
    store.transition(library.db(), job_id, status, result={"checked": 3}, error=error)
    return job_id


def told(library: Library, job_id: str) -> bool:
    return bool(scalar(library.db(), "SELECT told FROM jobs WHERE job_id = ?", (job_id,)))


def warnings(library: Library, job_id: str) -> list[str]:
    return [line["message"] for line in store.log_lines(library.db(), job_id) if line["level"] == "warning"]


def script(folder: Path, text: str) -> str:
    path = folder / "hook me.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def posted() -> Iterator[tuple[str, list[dict[str, object]], list[int]]]:
    """A real server: its address, what it was sent, and the answers that it gives (200 when none is left)."""
    seen: list[dict[str, object]] = []
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append({"type": self.headers["Content-Type"], **json.loads(body)})
            code = answers.pop(0) if answers else 200
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/done", seen, answers
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_command_gets_one_object_and_an_end_is_told_once(library: Library, tmp_path: Path) -> None:
    out = tmp_path / "out put.json"
    put("hook.command", json.dumps([script(tmp_path, 'cat >> "$1"'), str(out)]))
    job_id = ended(library)
    aftermath = Aftermath(library)
    aftermath.work_off()
    aftermath.work_off()
    lines = out.read_text().splitlines()
    assert len(lines) == 1
    document = json.loads(lines[0])
    assert (document["event"], document["job_id"], document["status"]) == ("job ended", job_id, "completed")
    assert document["result"] == {"checked": 3}
    assert document["sentence"] == "Verify night: completed."
    for kind, title in (
        ("speed", "Speed of NAS"),
        ("verify", "Verify all copies"),
        ("repair", "Repair 1 copy"),
        ("mhl_verify", "Verify /mnt/x by its hash lists"),
        ("relink_prove", "Prove what was found on NAS"),
        ("deliver", "Day 3 copied to /mnt/x"),
    ):
        assert tidings.sentence(kind, title, "completed", None) == f"{title}: completed."
    assert told(library, job_id)
    assert warnings(library, job_id) == []


def test_a_retried_job_is_told_again(library: Library, tmp_path: Path) -> None:
    out = tmp_path / "out"
    hook = script(tmp_path, 'cat >> "$1"')
    put("hook.command", f"'{hook}' {out}")
    job_id = ended(library, "failed")
    Aftermath(library).work_off()
    store.transition(library.db(), job_id, "running", why="retry")
    assert not told(library, job_id)
    store.transition(library.db(), job_id, "completed")
    Aftermath(library).work_off()
    assert [json.loads(line)["status"] for line in out.read_text().splitlines()] == ["failed", "completed"]


@pytest.mark.parametrize(
    ("text", "seconds", "said"),
    [
        ("echo no paper >&2; exit 7", "30", "exit code 7: no paper"),
        ("sleep 60 & echo $! > child; wait", "1", "did not end within 1 s"),
        ("kill -9 $$", "30", "signal 9"),
    ],
)
def test_a_command_that_fails_is_a_warning_and_leaves_nothing_running(
    library: Library, tmp_path: Path, text: str, seconds: str, said: str
) -> None:
    put("hook.command", script(tmp_path, f"cd '{tmp_path}'; {text}").replace(" ", "\\ "))
    put("hook.seconds", seconds)
    job_id = ended(library)
    begun = time.monotonic()
    Aftermath(library).work_off()
    assert time.monotonic() - begun < 10
    assert said in warnings(library, job_id)[0]
    assert store.get(library.db(), job_id).status == "completed"
    child = tmp_path / "child"
    if child.exists():
        state = Path(f"/proc/{child.read_text().strip()}/stat")
        assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] in ("Z", "X")


def test_a_command_that_is_not_there_is_a_warning(library: Library) -> None:
    put("hook.command", "/no/such/command")
    job_id = ended(library)
    Aftermath(library).work_off()
    assert "could not be started" in warnings(library, job_id)[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [("hook.command", "tell --me"), ("hook.command", "/bin/x 'open"), ("hook.command", "[1]"),
     ("webhook.url", "ftp://x/y"), ("webhook.url", "http://"), ("webhook.url", "http://x:99999/"),
     ("webhook.url", "http://me:secret@x/")],
)  # fmt: skip
def test_what_could_not_be_told_is_refused_when_it_is_set(key: str, value: str) -> None:
    with pytest.raises(WrongUse):
        put(key, value)


def test_a_webhook_is_posted_to_and_tried_again(
    library: Library, posted: tuple[str, list[dict[str, object]], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outward, "_WAITS", (0.01,))
    url, seen, answers = posted
    put("webhook.url", url)
    answers[:] = [503, 429]
    job_id = ended(library, "failed")
    Aftermath(library).work_off()
    assert [entry["status"] for entry in seen] == ["failed"] * 3
    assert seen[0]["type"] == "application/json"
    assert seen[0]["error"] == "A disk is full."
    assert warnings(library, job_id) == []


@pytest.mark.parametrize(
    ("answer", "tries", "said"),
    [(404, 1, "answered 404"), (302, 1, "answered 302"), (500, 3, "answered 500")],
)
def test_a_webhook_that_refuses_is_a_warning(
    library: Library,
    posted: tuple[str, list[dict[str, object]], list[int]],
    monkeypatch: pytest.MonkeyPatch,
    answer: int,
    tries: int,
    said: str,
) -> None:
    monkeypatch.setattr(outward, "_WAITS", (0.01,))
    url, seen, answers = posted
    put("webhook.url", f"{url}/T0KEN")
    answers[:] = [answer] * 9
    job_id = ended(library)
    Aftermath(library).work_off()
    assert len(seen) == tries
    warning = warnings(library, job_id)[0]
    assert said in warning
    assert url.removesuffix("/done") in warning
    assert "T0KEN" not in warning, "a log is handed on with a report"


def test_a_webhook_that_hangs_is_given_up(library: Library) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        put("webhook.url", f"http://127.0.0.1:{deaf.getsockname()[1]}/")
        put("webhook.seconds", "1")
        put("webhook.tries", "1")
        job_id = ended(library)
        begun = time.monotonic()
        Aftermath(library).work_off()
    assert time.monotonic() - begun < 5
    assert "could not be told" in warnings(library, job_id)[0]


@pytest.mark.parametrize(
    ("policy", "status", "kind", "expected"),
    [
        ("all", "completed", "ingest", True),
        ("failures", "completed", "ingest", False),
        ("failures", "completed_with_warnings", "export", True),
        ("off", "failed", "export", False),
        ("all", "completed", "sweep", False),
        ("all", "cancelled", "export", False),
    ],
)
def test_who_is_told_of_what(
    library: Library, tmp_path: Path, policy: str, status: str, kind: str, expected: bool
) -> None:
    put("notify.after", policy)
    put("report.after", "off")
    put("hook.command", json.dumps([script(tmp_path, f"touch '{tmp_path}/told'")]))
    before = clock.now()
    job_id = ended(library, status, kind)
    seen = notices.since(library, before)
    assert [notice.job_id for notice in seen] == ([job_id] if expected else [])
    Aftermath(library).work_off()
    assert (tmp_path / "told").exists() is expected
    assert told(library, job_id)


def test_a_notice_says_how_it_is_told_and_cannot_break_the_terminal(library: Library) -> None:
    before = clock.now()
    ended(library, "failed", title="a\x1b]9;x\x07b")
    [notice] = notices.since(library, before)
    assert notice.bell
    assert notice.message
    assert "\x1b" not in notice.sentence
    assert notice.sentence.endswith("A disk is full.")
    put("notify.screen", "bell")
    assert [(entry.bell, entry.message) for entry in notices.since(library, before)] == [(True, False)]
    assert notices.since(library, notice.ended_at) == ()


def test_the_next_engine_tells_what_the_last_one_did_not(
    library: Library, tmp_path: Path, wait_until
) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    put("hook.command", json.dumps([script(tmp_path, 'cat >> "$1"'), str(out)]))
    job_id = ended(library, kind="ingest")
    engines.ensure(library)
    try:
        wait_until(lambda: told(library, job_id))
    finally:
        engines.stop(library)
    assert json.loads(out.read_text())["job_id"] == job_id


def test_a_report_lies_beside_the_logs(library: Library) -> None:
    put("report.after", "all")
    job_id = ended(library)
    Aftermath(library).work_off()
    reports = (store.get(library.db(), job_id).result or {})["reports"]
    assert sorted(reports) == ["csv", "json", "txt"]
    for form, path in reports.items():
        assert os.path.dirname(path) == str(library.logs)
        assert os.path.getsize(path) > 0, form
