from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import shutil
import subprocess
import time
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from engine.api import reports
from engine.errors import NotFound, Refused, WrongUse
from engine.ingest.proving.scrub import queue_verify, run_verify
from engine.jobs import store
from engine.names import display, to_blob
from engine.reports import csv_form, gather, words, writing
from engine.reports.report import Report
from tests.engine.ingest.conftest import Desk
from tests.engine.reports.conftest import AWKWARD, BYTES, film

AT = "2026-11-20T19:30:55.158Z"


def text_of(report: Report, form: str) -> str:
    stream = io.BytesIO()
    writing.writer(form)(report, stream)
    return stream.getvalue().decode("utf-8")


def table(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(report, "csv"), newline="")))


class Seen(HTMLParser):
    """What a browser would make of a page: its elements and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def pdf_text(path: str) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed, so the PDF cannot be read back")
    return subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, check=True
    ).stdout.decode()


def test_an_ingest_is_gathered_with_everything_that_was_proven(desk: Desk, taken: str) -> None:
    report = gather.of_job(desk.library, taken, AT)
    assert (report.kind, report.ident, report.good, report.status) == ("ingest", taken, True, "completed")
    assert report.production == "Feature <1>"
    assert report.verdict.startswith("All well: 11 files verified at every destination.")
    assert (report.totals.clips, report.totals.files, report.totals.cards) == (2, 2 + len(AWKWARD), 1)
    assert report.totals.duration_ms == 2400
    (section,) = report.sections
    assert [(target.path.rsplit("/", 2)[1], target.verified) for target in section.targets] == [
        ("x", 11),
        ("y", 11),
    ]
    assert section.first_timecode == "10:00:00:00"
    one = section.clips[0]
    assert (one.title, one.width, one.height, one.fps) == ("one", 128, 72, 25.0)
    assert one.thumbnail is not None
    assert Path(one.thumbnail).read_bytes()[:2] == b"\xff\xd8"
    stored = desk.row("SELECT * FROM assets JOIN clips USING (asset_id) WHERE title = 'one'")
    main = one.main
    assert main is not None
    assert (main.blake3, main.xxh128, main.size) == (stored["blake3"], stored["xxh128"], stored["size"])
    assert [placed.status for placed in main.places] == ["verified", "verified"]
    assert {file.name for file in section.files} == set(AWKWARD)
    assert (main.copies, main.devices, main.enough) == (2, 1, False)  # two folders of one disk
    (short,) = [problem for problem in report.problems if "fewer than" in problem.sentence]
    assert short.weight == "warning"


def test_csv_holds_every_file_once_with_its_exact_name(desk: Desk, taken: str) -> None:
    lines = table(gather.of_job(desk.library, taken, AT))
    assert len(lines) == 11
    exact = {
        base64.b64decode(line["file_b64"]) if line["file_b64"] else line["file"].encode() for line in lines
    }
    assert exact == {to_blob(name) for name in (*AWKWARD, "one.mov", "two.mov")}
    (one,) = [line for line in lines if line["clip"] == "one"]
    assert (one["role"], one["duration_ms"], one["levels"]) == ("essence", "1000", one["levels"])
    assert re.fullmatch(r"(device|cached) re-read", one["levels"])
    assert one["policy_fulfilled"] == "no"


def test_csv_cells_are_never_formulas(desk: Desk, taken: str) -> None:
    for line in table(gather.of_job(desk.library, taken, AT)):
        for column, cell in line.items():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), (column, cell)
            assert "\x1b" not in cell
            assert "\n" not in cell
    assert csv_form.safe("=1+1") == "'=1+1"
    assert csv_form.safe("a=1") == "a=1"


def test_json_is_one_document_with_exact_names(desk: Desk, taken: str) -> None:
    text = text_of(gather.of_job(desk.library, taken, AT), "json")
    document = json.loads(text)
    assert text.startswith('{\n  "format": 1,\n')
    assert text.isascii()
    assert (document["good"], document["made_at"]) == (True, AT)
    files = document["sections"][0]["files"]
    (odd,) = [file for file in files if "name_b64" in file and "dat" in file["name"]]
    assert base64.b64decode(odd["name_b64"]) == to_blob(BYTES)
    assert document["sections"][0]["destinations"][0]["verified"] == 11
    assert document["sections"][0]["clips"][0]["files"][0]["destinations"][1]["status"] == "verified"
    # Written piece by piece, it is what one piece would be.
    assert text == json.dumps(document, indent=2) + "\n"


@pytest.mark.parametrize("form", ["txt", "html"])
def test_no_control_character_survives(desk: Desk, taken: str, form: str) -> None:
    text = text_of(gather.of_job(desk.library, taken, AT), form)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", text)
    assert "\\x1b[2J" in text


def test_txt_says_summary_then_problems_then_clips(desk: Desk, taken: str) -> None:
    text = text_of(gather.of_job(desk.library, taken, AT), "txt")
    order = [text.index(part) for part in ("All well", "Errors and warnings", "From:", "essence: one.mov")]
    assert order == sorted(order)
    for name in AWKWARD:
        assert display(name) in text


def test_html_is_self_contained_and_names_are_text(desk: Desk, taken: str) -> None:
    page = text_of(gather.of_job(desk.library, taken, AT), "html")
    seen = Seen(page)
    assert {tag for tag, _ in seen.tags}.isdisjoint({"script", "link", "iframe", "object", "a"})
    for tag, attributes in seen.tags:
        assert not any(name.startswith("on") for name in attributes)
        if tag == "img":
            data = str(attributes["src"])
            assert data.startswith("data:image/jpeg;base64,")
            assert base64.b64decode(data.partition(",")[2])[:2] == b"\xff\xd8"
    assert sum(1 for tag, _ in seen.tags if tag == "img") == 2
    for name in AWKWARD:
        assert display(name) in seen.text
    assert "default-src 'none'" in page
    assert "Feature <1>" in seen.text
    assert "http:" not in page
    assert "https:" not in page


def test_pdf_holds_names_hashes_and_pictures(desk: Desk, taken: str) -> None:
    path = reports.make(desk.library, taken, formats=["pdf"])["files"]["pdf"]
    assert Path(path).read_bytes().startswith(b"%PDF-")
    text = pdf_text(path)
    assert "All well: 11 files verified" in text
    assert "<script>alert(1)<_script>.txt" in text
    assert "=cmd|' !A1.mov.txt" in text
    assert "\\x1b[2J \\xff\\n.dat" in text
    stored = desk.row("SELECT blake3 FROM assets JOIN clips USING (asset_id) WHERE title = 'one'")
    assert stored["blake3"] in text
    # The font that comes along has no Chinese: the letter is there or its code point is.
    assert "雪" in text or "\\u96ea" in text
    images = subprocess.run(["pdfimages", "-list", path], capture_output=True, check=True).stdout.decode()
    assert images.count("jpeg") == 2


@pytest.mark.parametrize("form", writing.FORMATS)
def test_the_same_rows_give_the_same_bytes(desk: Desk, taken: str, form: str) -> None:
    made = []
    for _ in range(2):
        stream = io.BytesIO()
        writing.writer(form)(gather.of_job(desk.library, taken, AT), stream)
        made.append(stream.getvalue())
    assert made[0] == made[1]
    assert made[0]


def test_reports_never_replace_one_another(desk: Desk, taken: str) -> None:
    report = gather.of_job(desk.library, taken, AT)
    first = writing.save(desk.library, report, ["txt", "json"])
    Path(first["txt"]).write_text("mine now")
    second = writing.save(desk.library, report, ["txt"])
    assert Path(first["txt"]).name == f"rushes_ingest_{taken[:8]}_20261120T193055Z.txt"
    assert Path(first["txt"]).parent == desk.library.folder / "reports"
    assert Path(second["txt"]).name == f"rushes_ingest_{taken[:8]}_20261120T193055Z_001.txt"
    assert Path(first["txt"]).read_text() == "mine now"
    assert not [name for name in os.listdir(desk.library.folder / "reports") if name.endswith(".part")]


def test_a_report_that_cannot_be_written_leaves_nothing(
    desk: Desk, taken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(form: str) -> Any:
        def write(report: Report, stream: Any) -> None:
            stream.write(b"half")
            raise OSError(28, "No space left on device")

        return write

    monkeypatch.setattr(writing, "writer", broken)
    (tmp_path / "out").mkdir()
    with pytest.raises(Exception, match="No space left"):
        writing.save(desk.library, gather.of_job(desk.library, taken, AT), ["txt"], str(tmp_path / "out"))
    assert os.listdir(tmp_path / "out") == []


def test_where_a_report_goes(desk: Desk, taken: str, tmp_path: Path) -> None:
    made = reports.make(desk.library, taken, formats=["txt"], to=str(tmp_path / "new"))
    assert Path(made["files"]["txt"]).parent == tmp_path / "new"
    with pytest.raises(NotFound, match="does not exist"):
        reports.make(desk.library, taken, to=str(tmp_path / "no" / "where"))
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="no folder"):
        reports.make(desk.library, taken, to=str(tmp_path / "file"))


def test_formats_and_subjects_are_checked(desk: Desk, taken: str) -> None:
    assert writing.check_formats(["html", "HTML ", ""]) == ("html",)
    assert writing.check_formats([""]) == ("html", "pdf", "json")
    with pytest.raises(WrongUse, match="docx"):
        reports.make(desk.library, taken, formats=["docx"])
    with pytest.raises(WrongUse, match="what the report is about"):
        reports.make(desk.library)
    with pytest.raises(WrongUse, match="what the report is about"):
        reports.make(desk.library, taken, day="2026-11-20")
    with pytest.raises(NotFound, match="no job and no batch"):
        reports.make(desk.library, "00000000")
    with pytest.raises(WrongUse, match="no date"):
        reports.make(desk.library, day="yesterday")
    with pytest.raises(NotFound, match="Nothing was taken in"):
        reports.make(desk.library, day="1999-01-01")
    assert not (desk.library.folder / "reports").exists()


def test_a_batch_a_day_a_card_and_a_volume(desk: Desk, taken: str) -> None:
    batch = desk.row("SELECT batch_id FROM jobs WHERE job_id = ?", taken)["batch_id"]
    report = gather.of_job(desk.library, batch[:8], AT)
    assert (report.kind, report.ident, report.totals.files) == ("batch", batch, 11)
    day = desk.row("SELECT date(started_at, 'localtime') AS day FROM batch_items")["day"]
    report = gather.of_day(desk.library, day, AT)
    assert (report.kind, report.ident, report.totals.clips) == ("day", day, 2)
    assert writing.file_name(report, "csv") == f"rushes_day_{day}_20261120T193055Z.csv"
    report = gather.of_card(desk.library, "A001", AT)
    assert (report.kind, report.totals.files) == ("card", 11)
    volume = desk.row("SELECT volume_id FROM copies WHERE role = 'managed'")["volume_id"]
    report = gather.of_volume(desk.library, volume, AT)
    assert (report.kind, report.good, report.totals.files) == ("volume", True, 22)
    assert report.sections[0].targets[0].verified == 22
    assert {clip.title for clip in report.sections[0].clips} == {"one", "two"}


def test_a_second_ingest_says_what_was_there_already(
    desk: Desk, taken: str, card: Path, tmp_path: Path
) -> None:
    desk.ingest(card, to=[tmp_path / "x", tmp_path / "y"])
    report = gather.of_job(desk.library, desk.jobs[-1], AT)
    assert report.good
    assert {placed.status for _, file in report.sections[0].rows() for placed in file.places} == {"present"}
    assert [target.size for target in report.sections[0].targets] == [0, 0]
    assert [target.present for target in report.sections[0].targets] == [11, 11]
    assert len(gather.of_card(desk.library, "A001", AT).sections) == 2


def test_errors_come_first(desk: Desk, taken: str) -> None:
    task = desk.row("SELECT task_id FROM tasks WHERE name = CAST('two.mov' AS BLOB)")["task_id"]
    with desk.db.conn:
        desk.db.conn.execute(
            "UPDATE tasks SET status = 'failed', error = 'two.mov could not be read.' WHERE task_id = ?",
            (task,),
        )
        desk.db.conn.execute("UPDATE jobs SET status = 'completed_with_warnings', error = 'It broke off.'")
    report = gather.of_job(desk.library, taken, AT)
    assert not report.good
    assert report.verdict.startswith("NOT all well (completed with warnings): 2 errors.")
    weights = [problem.weight for problem in report.problems]
    assert weights == ["error", "error", "warning", "warning"]
    assert report.problems[0].weight == "error"
    assert report.problems[0].where == "A001: two.mov"
    assert text_of(report, "txt").index("two.mov could not be read.") < text_of(report, "txt").index("From:")


def test_a_scrub_that_finds_rot(desk: Desk, taken: str, tmp_path: Path) -> None:
    job_id = queue_verify(desk.library, str(tmp_path / "x"))
    desk.start(job_id, handler=run_verify)
    well = gather.of_job(desk.library, job_id, AT)
    assert (well.kind, well.good, well.totals.files) == ("verify", True, 11)
    assert "every byte as recorded" in well.verdict
    rotten = tmp_path / "x" / "A001" / "one.mov"
    facts = rotten.stat()
    data = bytearray(rotten.read_bytes())
    data[1000] ^= 1
    rotten.write_bytes(data)
    os.utime(rotten, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    job_id = queue_verify(desk.library, str(tmp_path / "x"))
    desk.start(job_id, handler=run_verify)
    report = gather.of_job(desk.library, job_id, AT)
    assert not report.good
    assert "no longer holds what was verified" in report.problems[0].sentence
    (bad,) = [file for _, file in report.sections[0].rows() if file.status == "damaged"]
    assert bad.name.endswith("x/A001/one.mov")
    volume = desk.row("SELECT volume_id FROM copies WHERE role = 'managed'")["volume_id"]
    report = gather.of_volume(desk.library, volume, AT)
    assert not report.good
    assert report.problems[0].sentence == "Its bytes differ from what was verified."


def test_many_warnings_of_one_kind_are_one_line(desk: Desk, taken: str) -> None:
    report = gather.of_job(desk.library, taken, AT)
    warnings = [problem for problem in report.problems if "long-GOP" in problem.sentence]
    assert [problem.where for problem in warnings] == ["A001: one, two"]


def test_two_files_of_one_content_are_listed_once_each(desk: Desk, card: Path, tmp_path: Path) -> None:
    (card / "copy of one.mov").write_bytes((card / "one.mov").read_bytes())
    desk.ingest(card, to=[tmp_path / "x"])
    report = gather.of_job(desk.library, desk.jobs[-1], AT)
    names = [file.name for _, file in report.sections[0].rows()]
    assert sorted(names) == sorted({*AWKWARD, "one.mov", "two.mov", "copy of one.mov"})
    for clip in report.sections[0].clips:
        assert [file.role for file in clip.files].count("essence") == 1


def test_rates_times_stages_and_every_digest_are_told(desk, tmp_path):
    """What a rental house asks for: how fast, when proven, on which drive, and every checksum."""
    folder = tmp_path / "A001"
    film(folder / "a.mp4")
    desk.ingest(
        folder, to=[tmp_path / "nas"], then=[str(tmp_path / "vault")], checksums=("md5", "sha1", "c4")
    )
    made = reports.make(desk.library, desk.jobs[-1], formats=("txt", "html", "json"))
    text = Path(made["files"]["txt"]).read_text()
    page = Path(made["files"]["html"]).read_text()
    asset = desk.row("SELECT * FROM assets")
    for said in (text, page):
        for name in ("blake3", "xxh128", "md5", "sha1", "c4"):
            assert asset[name] in said
        assert "second stage" in said
        assert "MiB/s written" in said or "KiB/s written" in said
        assert "Slowest part" in said
        assert "Source free" in said
    verified = desk.row("SELECT verified_at FROM transfers ORDER BY transfer_id")["verified_at"]
    assert f"{verified[:10]} {verified[11:19]} UTC" in text
    section = json.loads(Path(made["files"]["json"]).read_text())["sections"][0]
    assert [target["stage"] for target in section["destinations"]] == [1, 2]
    assert section["facts"]["rates"]


def test_an_item_with_failed_files_is_not_called_completed(desk, tmp_path):
    folder = tmp_path / "A001"
    film(folder / "a.mp4")
    desk.ingest(folder, to=[tmp_path / "nas"])
    desk.db.execute("UPDATE batch_items SET failed = 1")
    desk.db.conn.commit()
    made = reports.make(desk.library, desk.jobs[-1], formats=("json",))
    told = json.loads(Path(made["files"]["json"]).read_text())
    assert told["sections"][0]["status"] == "completed_with_warnings"


@pytest.fixture
def berlin(monkeypatch):
    """A host whose clock is an hour ahead of UTC."""
    monkeypatch.setenv("TZ", "Etc/GMT-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_people_read_times_by_the_clock_of_the_host_and_cameras_keep_theirs(berlin):
    assert words.moment("2026-11-20T23:03:00.123Z") == "2026-11-21 00:03:00 UTC+01:00"
    assert words.moment(None) == "-"
    assert words.recorded("2026-11-20T18:03:00") == "2026-11-20 18:03:00 (camera clock)"
    assert words.recorded("2026-11-20T18:03:00+02:00") == "2026-11-20 18:03:00 UTC+02:00"
    assert words.recorded("2026-11-20T18:03:00Z") == "2026-11-20 18:03:00 UTC"
    assert (words.recorded(None), words.recorded("in May")) == ("-", "in May")


@pytest.mark.parametrize("form", ["html", "txt", "pdf"])
def test_no_report_for_people_shows_a_stored_moment(
    desk: Desk, taken: str, tmp_path: Path, form, berlin
) -> None:
    volume = desk.row("SELECT name FROM volumes WHERE volume_id IN (SELECT volume_id FROM copies)")["name"]
    for subject in ({"job": taken}, {"volume": volume}):
        made = reports.make(desk.library, formats=[form], to=str(tmp_path), **subject)
        text = pdf_text(made["files"][form]) if form == "pdf" else Path(made["files"][form]).read_text()
        assert not re.search(r"\d\dT\d\d:\d\d", text)
        assert "UTC+01:00" in text
        assert "Times are UTC" not in text


def test_a_card_that_is_not_known_is_answered_with_those_that_are(
    desk: Desk, taken: str, tmp_path: Path
) -> None:
    card_id = desk.row("SELECT card_id FROM cards")["card_id"]
    with pytest.raises(NotFound, match=rf"There is no card B9\. Known are: A001 \({card_id[:8]}, 20\d\d-"):
        reports.make(desk.library, card="B9")
    assert reports.make(desk.library, card="A001", to=str(tmp_path))["good"]
    desk.db.execute("DELETE FROM cards")
    with pytest.raises(NotFound, match="No card has been taken in yet"):
        reports.make(desk.library, card="A001")


def test_what_is_unknown_is_left_out_and_kinds_have_names(desk: Desk, taken: str, tmp_path: Path) -> None:
    volume = desk.row("SELECT name FROM volumes WHERE volume_id IN (SELECT volume_id FROM copies)")["name"]
    made = reports.make(desk.library, volume=volume, formats=["txt"], to=str(tmp_path))
    lines = Path(made["files"]["txt"]).read_text().splitlines()
    assert not [line for line in lines if line.rstrip().endswith((" -", ":", " -, -"))]
    assert not [line for line in lines if line.startswith(("Operator", "Began"))]
    assert words.kind("sony xavc") == "Sony XAVC"
    assert words.kind("volume") == "volume"


def test_the_day_says_that_files_failed(desk: Desk, tmp_path: Path, monkeypatch) -> None:
    film(tmp_path / "B002/one.mov")
    monkeypatch.setattr("engine.ingest.carrying.carrier.source_digest", lambda original: "0" * 64)
    desk.ingest(tmp_path / "B002", to=[tmp_path / "x"], verify_source=True)
    made = reports.make(desk.library, day=datetime.now().astimezone().date().isoformat(), to=str(tmp_path))
    assert made["verdict"].startswith("NOT all well (failed)")


def test_what_was_overcome_is_a_note_and_no_error(desk: Desk, taken: str, tmp_path: Path) -> None:
    task = desk.row("SELECT task_id FROM tasks WHERE job_id = ? LIMIT 1", taken)["task_id"]
    store.log(desk.db, taken, "error", "No space for one.mov.", task)
    made = gather.of_job(desk.library, taken, AT)
    assert made.good
    assert [problem.weight for problem in made.problems if problem.sentence == "No space for one.mov."] == [
        "note"
    ]
    desk.db.execute("UPDATE tasks SET status = 'failed' WHERE task_id = ?", (task,))
    assert not gather.of_job(desk.library, taken, AT).good
