"""The monitor is asked over a real socket; it answers, and changes nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import WrongUse
from engine.jobs import store
from engine.library import Library
from engine.monitor import serving


@pytest.fixture
def address(library: Library) -> Iterator[str]:
    asked = ["monitor", "serve", "--port", "0", "--json", "--name", "*.studio.test"]
    server = subprocess.Popen(
        [sys.executable, "-m", "tui", *asked, "--library", library.root],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert server.stdout is not None
    try:
        said = b"".join(iter(server.stdout.readline, b"}\n")) + b"}"
        yield json.loads(said)["url"]
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(10)
        server.stdout.close()


def ask(url: str, method: str = "GET", host: str | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(url, method=method, headers={} if host is None else {"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_jobs_are_told_and_what_is_not_there_is_404(library: Library, address: str) -> None:
    job_id = store.create(library.db(), "sweep", "\x1b[2J A", {"volume_id": "x"})
    status, found = ask(f"{address}monitor/jobs")
    assert (status, found["total"], found["jobs"][0]["job_id"]) == (200, 1, job_id)
    status, found = ask(f"{address}monitor/jobs/{job_id}")
    assert (status, found["status"], found["tasks"]) == (200, "pending", [])
    assert ask(f"{address}monitor/jobs/{job_id}/reports") == (200, {"job_id": job_id, "reports": []})
    assert ask(f"{address}monitor/jobs/nonesuch")[0] == 404
    assert ask(f"{address}monitor/jobs/nonesuch/reports")[0] == 404
    assert ask(f"{address}monitor/health")[1]["status"] == "no engine"
    assert ask(f"{address}monitor/volumes")[0] == 200


def test_reports_are_listed_the_newest_first(library: Library, address: str) -> None:
    job_id = store.create(library.db(), "sweep", "A", {"volume_id": "x"})
    folder = library.folder / "reports"
    folder.mkdir()
    for moment, name in enumerate(("old.txt", "new.pdf")):
        path = folder / f"rushes_job_{job_id[:8]}_{name}"
        path.write_text(name)
        os.utime(path, ns=(moment, moment))
    (folder / "rushes_job_other.txt").write_text("x")
    found = ask(f"{address}monitor/jobs/{job_id}/reports")[1]["reports"]
    assert [Path(entry["path"]).name.rpartition("_")[2] for entry in found] == ["new.pdf", "old.txt"]


def test_nothing_can_be_changed(library: Library, address: str) -> None:
    job_id = store.create(library.db(), "sweep", "A", {"volume_id": "x"})
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert ask(f"{address}monitor/jobs/{job_id}", method)[0] == 405
    assert store.get(library.db(), job_id).status == "pending"


def test_a_name_that_somebody_else_points_here_is_not_answered(address: str) -> None:
    page = f"{address}monitor/volumes"
    own = socket.gethostname()
    for host in ("localhost", "127.0.0.1:8899", "[::1]", own, own.upper(), "nas.studio.test:80"):
        assert ask(page, host=host)[0] == 200, host
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "studio.test", ""):
        assert ask(page, host=host)[0] == 400, host


def test_a_machine_answers_to_its_addresses_and_not_to_all_names(library: Library) -> None:
    names = serving.own_names("192.0.2.7")
    assert {"192.0.2.7", "localhost", "127.0.0.1", "[::1]"} <= set(names)
    assert not [name for name in names if "*" in name]
    with pytest.raises(WrongUse, match="is no name of a machine"):
        serving.serve(library, names=["*"])
