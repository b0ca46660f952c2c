"""ASC MHL: written by an ingest, judged by the format's own reference code where that is at hand."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import xxhash

from engine.errors import NotFound, Refused, RushesError
from engine.ingest.hashlists import generations, hashlists, incoming
from engine.ingest.hashlists.generations import Record
from engine.ingest.planning.plan import plan as ingest_plan
from engine.ingest.planning.queue import queue as ingest_queue
from engine.media.mhl import reading
from engine.media.mhl.folders import bytes_of, folder_hashes
from engine.media.mhl.records import (
    FOLDER,
    Creator,
    Digest,
    FileHash,
    Generation,
    HashList,
    History,
    expected,
)
from tests.engine.ingest.conftest import Desk, write

ODD = os.fsdecode(b"\x1b[2J \xff\n.dat")


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A folder whose names all fit into XML, however odd they are."""
    folder = tmp_path / "A001"
    for number in range(4):
        write(folder / "DCIM" / f"shot{number}.dat", 1000 * (number + 1))
    write(folder / "DCIM" / "large.dat", (2 << 20) + 7)
    write(folder / "MISC" / "empty.dat", 0)
    write(folder / "MISC" / "-y <&> [1] é\n.dat", 5)
    return folder


def ingest(desk: Desk, *sources: Path, to: list[Path], **options: Any) -> str:
    plan = ingest_plan(
        desk.library, [str(source) for source in sources], [str(place) for place in to], **options
    )
    job_id = ingest_queue(desk.library, plan, hash_lists=True).job_id
    outcome = desk.start(job_id)
    assert outcome is not None
    assert outcome.status == "completed"
    return job_id


def lists(root: Path) -> list[str]:
    return sorted(name for name in os.listdir(root / FOLDER) if name.endswith(".mhl"))


def reference(code: str, *words: Path | str) -> subprocess.CompletedProcess[str]:
    """Run code of the reference library on folders, in an environment of its own."""
    python = os.environ.get("RUSHES_ASCMHL_PYTHON")
    if python is None:
        pytest.skip(
            "the reference library ascmhl cannot judge: it and sqlite-utils exclude each other's click, so "
            "it needs an environment of its own; RUSHES_ASCMHL_PYTHON names the Python of one"
        )
    return subprocess.run(
        [python, "-W", "ignore", "-c", code, *[os.fspath(word) for word in words]],
        capture_output=True,
        text=True,
        check=False,
    )


def judge(root: Path, generation: int = 1, *, folders: bool = True) -> None:
    """The reference verifier accepts every file, and every folder as this generation has it.

    Folder hashes of an older generation differ once something was added, as they should.
    """
    done = reference(
        "import sys; from ascmhl.commands import *; verify_entire_folder(sys.argv[1], True, None, None)", root
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if not folders:  # as in the reference's own lists of single files, no folder has a hash
        return
    done = reference(
        "import sys; from ascmhl.commands import *;"
        "verify_directory_hash_subcommand(sys.argv[1], True, None, [], None)",
        root,
    )
    said = [line for line in done.stdout.splitlines() if f"(generation {generation:04d})" in line]
    assert any("verification of root folder   OK" in line for line in said), done.stdout + done.stderr
    assert not [line for line in said if "ERROR" in line]


def test_each_destination_gets_a_list_of_all_files(desk: Desk, card: Path, tmp_path: Path) -> None:
    job = ingest(desk, card, to=[tmp_path / "x", tmp_path / "y"])
    for place in ("x", "y"):
        root = tmp_path / place / "A001"
        (name,) = lists(root)
        assert re.fullmatch(r"0001_A001_\d{4}-\d\d-\d\d_\d{6}Z\.mhl", name)
        history = reading.load(str(root))
        assert history.problems == ()
        found = history.generations[0].hash_list
        assert (found.process, found.creator.tool) == ("transfer", "rushes")
        assert job in str(found.creator.comment)
        on_disk = {os.path.relpath(path, card) for path in card.rglob("*") if path.is_file()}
        assert {file.path for file in found.files} == on_disk
        for file in found.files:
            data = (card / file.path).read_bytes()
            (digest,) = file.digests
            assert (digest.form, digest.action) == ("xxh128", "original")
            assert digest.value == xxhash.xxh3_128_hexdigest(data)
            assert file.size == len(data)
        assert {folder.path for folder in found.folders} == {"DCIM", "MISC"}
        assert found.top is not None
        judge(root)
    assert desk.log(job).count("Hash list ") == 2


def test_nothing_is_read_again_for_a_list(
    desk: Desk, card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a file was read for the hash list")

    monkeypatch.setattr(hashlists, "open_for_reading", never)
    monkeypatch.setattr(hashlists, "digest_fd", never)
    ingest(desk, card, to=[tmp_path / "x"])
    assert lists(tmp_path / "x" / "A001")


def test_lists_are_valid_against_the_schema(desk: Desk, card: Path, tmp_path: Path) -> None:
    schema = os.environ.get("RUSHES_ASCMHL_XSD")
    if not schema:
        pytest.skip("RUSHES_ASCMHL_XSD does not name the schema ASCMHL.xsd, so it cannot be asked")
    ingest(desk, card, to=[tmp_path / "x"], checksums=("md5", "sha1", "c4"))
    root = tmp_path / "x" / "A001"
    code = (
        "import sys; from lxml import etree; x = etree.XMLSchema(etree.parse(sys.argv[1]));"
        "x.assertValid(etree.parse(sys.argv[2]))"
    )
    done = reference(code, schema, root / FOLDER / lists(root)[0])
    assert done.returncode == 0, done.stderr


def test_elements_stand_in_the_order_of_the_schema(desk: Desk, card: Path, tmp_path: Path) -> None:
    ingest(desk, card, to=[tmp_path / "x"], checksums=("md5", "sha1", "c4"))
    root = tmp_path / "x" / "A001"
    text = (root / FOLDER / lists(root)[0]).read_text()
    order = ["<creatorinfo>", "<processinfo>", "<roothash>", "<ignore>", "<hashes>", "<directoryhash>"]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    for block in re.findall(r"<hash>.*?</hash>", text, re.DOTALL):
        assert re.findall(r"<(\w+) action=", block) == ["c4", "md5", "sha1", "xxh128"]
    judge(root)


def test_the_same_card_again_adds_nothing(desk: Desk, card: Path, tmp_path: Path) -> None:
    ingest(desk, card, to=[tmp_path / "x"])
    ingest(desk, card, to=[tmp_path / "x"])
    assert len(lists(tmp_path / "x" / "A001")) == 1


def test_a_card_that_comes_back_with_more_gets_a_second_generation(
    desk: Desk, card: Path, tmp_path: Path
) -> None:
    ingest(desk, card, to=[tmp_path / "x"])
    root = tmp_path / "x" / "A001"
    before = {name: (root / FOLDER / name).read_bytes() for name in lists(root)}
    write(card / "DCIM" / "shot9.dat", 99)
    write(card / "NEW" / "one.dat", 98)
    ingest(desk, card, to=[tmp_path / "x"])
    history = reading.load(str(root))
    assert [generation.number for generation in history.generations] == [1, 2]
    assert [file.path for file in history.generations[1].hash_list.files] == ["DCIM/shot9.dat", "NEW/one.dat"]
    for name, data in before.items():
        assert (root / FOLDER / name).read_bytes() == data
    judge(root, 2)
    assert incoming.verify(str(root)).verified == 9


def test_a_file_that_was_lost_and_copied_again_is_verified_in_the_list(
    desk: Desk, card: Path, tmp_path: Path
) -> None:
    ingest(desk, card, to=[tmp_path / "x"])
    root = tmp_path / "x" / "A001"
    (name,) = lists(root)
    path = root / FOLDER / name
    # As if it had been written an hour ago.
    text = re.sub(r'hashdate="(\d{4})', 'hashdate="2020', path.read_text())
    path.write_text(text)
    chain = root / FOLDER / "ascmhl_chain.xml"
    chain.write_text(re.sub(r"c4>c4\w+<", f"c4>{reading.c4_of(str(path))}<", chain.read_text()))
    (root / "DCIM" / "shot1.dat").unlink()
    ingest(desk, card, to=[tmp_path / "x"])
    history = reading.load(str(root))
    (again,) = history.generations[1].hash_list.files
    assert (again.path, again.digests[0].action) == ("DCIM/shot1.dat", "verified")
    judge(root, 2)


def test_other_bytes_than_an_earlier_list_says_are_failed_and_said(
    desk: Desk, card: Path, tmp_path: Path
) -> None:
    ingest(desk, card, to=[tmp_path / "x"])
    root = tmp_path / "x" / "A001"
    path = root / FOLDER / lists(root)[0]
    value = xxhash.xxh3_128_hexdigest((card / "DCIM" / "shot1.dat").read_bytes())
    text = path.read_text().replace(value, "0" * 32)
    path.write_text(re.sub(r'hashdate="(\d{4})', 'hashdate="2020', text))
    chain = root / FOLDER / "ascmhl_chain.xml"
    chain.write_text(re.sub(r"c4>c4\w+<", f"c4>{reading.c4_of(str(path))}<", chain.read_text()))
    (root / "DCIM" / "shot1.dat").unlink()
    job = ingest(desk, card, to=[tmp_path / "x"])
    (again,) = reading.load(str(root)).generations[1].hash_list.files
    assert again.digests[0].action == "failed"
    assert "1 files differ from an earlier hash list" in desk.log(job)
    records = reading.load(str(root)).files()["DCIM/shot1.dat"]
    digest = expected(records)
    assert digest is not None
    assert digest.value == "0" * 32  # what failed is never what others are held against


def test_names_that_xml_does_not_know_are_left_out_and_said(desk: Desk, card: Path, tmp_path: Path) -> None:
    write(card / "MISC" / ODD, 7)
    job = ingest(desk, card, to=[tmp_path / "x"])
    root = tmp_path / "x" / "A001"
    found = reading.load(str(root)).generations[0].hash_list
    assert len(found.files) == 7
    # A folder with such a file has no hash, nor has the top; its neighbour does.
    assert {folder.path for folder in found.folders} == {"DCIM"}
    assert found.top is None
    assert "are in no hash list: MISC/\\x1b[2J \\xff\\n.dat" in desk.log(job)
    verdict = incoming.verify(str(root))
    assert [(finding.kind, finding.path) for finding in verdict.findings] == [("new", f"MISC/{ODD}")]


def test_what_lies_elsewhere_is_not_listed(desk: Desk, card: Path, tmp_path: Path) -> None:
    write(card / "DCIM" / "shot.mov", 70_000)
    ingest(desk, card, to=[tmp_path / "x"])
    other = tmp_path / "B002"
    write(other / "fresh.mov", 70_000)
    shutil.copy(card / "DCIM" / "shot.mov", other / "again.mov")
    ingest(desk, other, to=[tmp_path / "x"])
    root = tmp_path / "x" / "B002"
    assert sorted(os.listdir(root)) == [FOLDER, "fresh.mov"]  # the other one is on that volume already
    assert [file.path for file in reading.load(str(root)).generations[0].hash_list.files] == ["fresh.mov"]
    judge(root)


def test_no_list_before_every_file_is_decided(
    desk: Desk, card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.ingest import job as ingest_job

    once = iter([True])
    real = ingest_job.load

    def first_only(*words: Any, **options: Any) -> Any:
        return real(*words, **{**options, "limit": 1}) if next(once, False) else []

    monkeypatch.setattr(ingest_job, "load", first_only)
    plan = ingest_plan(desk.library, [str(card)], [str(tmp_path / "x")])
    job_id = ingest_queue(desk.library, plan, hash_lists=True).job_id
    with pytest.raises(RushesError, match="undecided"):
        desk.start(job_id)
    assert len([path for path in (tmp_path / "x" / "A001").rglob("*") if path.is_file()]) == 1
    assert not (tmp_path / "x" / "A001" / FOLDER).exists()


def test_the_earliest_record_that_did_not_fail_decides() -> None:
    def record(value: str, action: str, form: str = "md5") -> FileHash:
        return FileHash("a", 1, None, (Digest(form, value, action, "2026-01-01T00:00:00Z"),))

    digest = expected(
        [(1, record("00", "failed")), (2, record("11", "original")), (3, record("22", "verified"))]
    )
    assert digest is not None
    assert digest.value == "11"
    assert expected([(1, record("00", "failed"))]) is None
    creator = Creator("2026-01-01T00:00:00Z", "h", "t", "0")
    history = History(
        tuple(
            Generation(number, f"{number}", "", HashList(creator, "transfer", (record(value, "original"),)))
            for number, value in ((1, "11"), (2, "22"))
        )
    )
    seen = Record("a", 1, None, {"md5": "11"}, "2026-02-02T00:00:00Z", renewed=True)
    made = generations._file(seen, history)
    assert made is not None
    assert made.digests[0].action == "verified"
    # A digest of another kind cannot be held against the recorded one, so nothing is claimed.
    other = Record("a", 1, None, {"xxh128": "11"}, "2026-02-02T00:00:00Z", renewed=True)
    assert generations._file(other, history) is None


def test_single_files_have_their_list_beside_them_in_the_destination(
    desk: Desk, card: Path, tmp_path: Path
) -> None:
    """Every ingest into a folder adds a generation; strangers there are neither read nor listed."""
    write(tmp_path / "x" / "strange.dat", 10)
    ingest(desk, card / "DCIM" / "large.dat", to=[tmp_path / "x"])
    assert sorted(os.listdir(tmp_path / "x")) == [FOLDER, "large.dat", "strange.dat"]
    ingest(desk, card / "DCIM" / "shot1.dat", to=[tmp_path / "x"])
    history = reading.load(str(tmp_path / "x"))
    assert [set(one.hash_list.files[0].path.split()) for one in history.generations] == [
        {"large.dat"},
        {"shot1.dat"},
    ]
    found = incoming.verify(str(tmp_path / "x"))
    assert found.verified == 2
    assert [(finding.kind, finding.path) for finding in found.findings] == [("new", "strange.dat")]
    (tmp_path / "x" / "strange.dat").unlink()
    judge(tmp_path / "x", folders=False)


def test_loose_files_named_by_a_template_are_listed(desk: Desk, tmp_path: Path) -> None:
    for name in ("a.mov", "b.mov"):
        write(tmp_path / "day" / name, 5000)
    ingest(desk, tmp_path / "day", to=[tmp_path / "x"], layout="template", template="{counter}_{original}")
    found = incoming.verify(str(tmp_path / "x"))
    assert (found.verified, found.findings) == (2, [])
    assert set(reading.load(str(tmp_path / "x")).files()) == {"0001_a.mov", "0002_b.mov"}


def test_a_card_with_its_own_lists_keeps_them(desk: Desk, card: Path, tmp_path: Path) -> None:
    ingest(desk, card, to=[tmp_path / "x"])
    shuttle = tmp_path / "x" / "A001"
    job = ingest(desk, shuttle, to=[tmp_path / "nas"])
    arrived = tmp_path / "nas" / "A001"
    for name in os.listdir(shuttle / FOLDER):
        assert (arrived / FOLDER / name).read_bytes() == (shuttle / FOLDER / name).read_bytes()
    assert "brought its own hash lists" in desk.log(job)
    judge(arrived)
    write(arrived / "later.dat", 5)
    made = hashlists.create(desk.library, str(arrived))
    assert (made["generation"], made["read"]) == (2, 1)
    judge(arrived, 2)
    # The chain there is no longer the card's, and the catalogue knows that.
    row = desk.row(
        "SELECT * FROM copies WHERE CAST(path AS TEXT) LIKE ?", f"%nas/A001/{FOLDER}/ascmhl_chain.xml"
    )
    assert row["verified_at"] is None
    assert row["size"] == (arrived / FOLDER / "ascmhl_chain.xml").stat().st_size


def test_a_list_that_cannot_be_written_fails_no_ingest(desk: Desk, card: Path, tmp_path: Path) -> None:
    ingest(desk, card, to=[tmp_path / "x"])
    root = tmp_path / "x" / "A001"
    (root / FOLDER / "ascmhl_chain.xml").unlink()
    write(card / "DCIM" / "shot9.dat", 99)
    job = ingest(desk, card, to=[tmp_path / "x"])
    assert "No hash list was written" in desk.log(job)
    assert "are not whole" in desk.log(job)
    assert len(lists(root)) == 1


def test_create_reads_only_what_the_catalogue_does_not_know(desk: Desk, card: Path, tmp_path: Path) -> None:
    desk.ingest(card, to=[tmp_path / "x"])
    root = tmp_path / "x" / "A001"
    write(root / "extra.dat", 50)
    seen: list[str] = []
    made = hashlists.create(desk.library, str(root), on_file=lambda _, __, path: seen.append(path))
    assert seen == ["extra.dat"]
    assert (made["files"], made["read"], made["generation"]) == (8, 1, 1)
    assert reading.load(str(root)).generations[0].hash_list.process == "in-place"
    judge(root)
    # What had to be read again is verified anew; the rest has nothing new to say.
    again = hashlists.create(desk.library, str(root))
    assert (again["generation"], again["files"], again["read"]) == (2, 1, 1)
    (file,) = reading.load(str(root)).generations[1].hash_list.files
    assert (file.path, file.digests[0].action) == ("extra.dat", "verified")
    (root / "extra.dat").unlink()
    assert hashlists.create(desk.library, str(root))["list"] is None


def test_create_refuses_what_is_no_folder(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused):
        hashlists.create(desk.library, str(tmp_path / "file"))
    with pytest.raises(NotFound):
        hashlists.create(desk.library, str(tmp_path / "nowhere"))


# -- incoming drives ------------------------------------------------------------


@pytest.fixture
def drive(desk: Desk, card: Path, tmp_path: Path) -> Path:
    """A drive with one card and its list."""
    ingest(desk, card, to=[tmp_path / "x"])
    return tmp_path / "x"


def kinds(path: Path) -> list[tuple[str, str]]:
    return [(finding.kind, finding.path) for finding in incoming.verify(str(path)).findings]


def test_a_whole_drive_is_well(drive: Path) -> None:
    verdict = incoming.verify(str(drive))
    assert (verdict.lists, verdict.generations, verdict.verified) == (1, 1, 7)
    assert verdict.findings == []
    assert sum(verdict.levels.values()) == 7
    assert verdict.sentence.startswith("All 7 files in ")


def test_every_kind_of_harm_is_found_at_once(drive: Path) -> None:
    root = drive / "A001"
    large = root / "DCIM" / "large.dat"
    data = bytearray(large.read_bytes())
    data[1 << 20] ^= 4
    large.write_bytes(data)
    (root / "DCIM" / "shot0.dat").unlink()
    write(root / "DCIM" / "stranger.dat", 3)
    write(drive / "loose.txt", 3)
    (root / "DCIM" / "shot1.dat").unlink()
    (root / "DCIM" / "shot1.dat").symlink_to("shot2.dat")
    write(root / "DCIM" / ".DS_Store", 3)
    write(root / "DCIM" / "._shot3.dat", 3)
    assert sorted(kinds(drive)) == [
        ("damaged", "A001/DCIM/large.dat"),
        ("damaged", "A001/DCIM/shot1.dat"),
        ("missing", "A001/DCIM/shot0.dat"),
        ("new", "A001/DCIM/stranger.dat"),
        ("new", "loose.txt"),
    ]
    (bad,) = [one for one in incoming.verify(str(drive)).findings if one.path.endswith("large.dat")]
    assert bad.found == xxhash.xxh3_128_hexdigest(bytes(data))


def test_nothing_is_written_to_an_incoming_drive(drive: Path) -> None:
    def state() -> dict[str, tuple[int, int]]:
        return {
            os.path.join(top, name): (facts.st_size, facts.st_mtime_ns)
            for top, folders, files in os.walk(drive)
            for name in (*folders, *files)
            for facts in [os.lstat(os.path.join(top, name))]
        }

    before = state()
    incoming.verify(str(drive))
    assert state() == before


def test_a_list_without_patterns_does_not_hold_itself(drive: Path) -> None:
    path = drive / "A001" / FOLDER / lists(drive / "A001")[0]
    path.write_text(re.sub(r"<ignore>.*?</ignore>", "", path.read_text(), flags=re.DOTALL))
    assert [kind for kind, _ in kinds(drive)] == ["list"]  # that it was changed, and no more


def test_a_changed_or_missing_list_is_found(drive: Path) -> None:
    folder = drive / "A001" / FOLDER
    path = folder / lists(drive / "A001")[0]
    text = path.read_text()
    path.write_text(text.replace("rushes</tool>", "Rushes</tool>"))
    assert [kind for kind, _ in kinds(drive)] == ["list"]
    path.write_text(text[: len(text) // 2])
    assert "list" in [kind for kind, _ in kinds(drive)]
    path.unlink()
    found = kinds(drive)
    assert found[0] == ("list", f"A001/{FOLDER}")
    assert [kind for kind, _ in found].count("new") == 7


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "DCIM/../../x", ""])
def test_a_list_that_leads_out_of_its_folder_is_refused(drive: Path, path: str) -> None:
    file = drive / "A001" / FOLDER / lists(drive / "A001")[0]
    file.write_text(file.read_text().replace(">DCIM/shot0.dat<", f">{path}<"))
    with pytest.raises(reading.UnreadableList, match="leads out"):
        reading.parse(str(file))
    assert ("list", f"A001/{FOLDER}") in kinds(drive)


def test_entities_are_refused(drive: Path) -> None:
    file = drive / "A001" / FOLDER / lists(drive / "A001")[0]
    text = file.read_text()
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    file.write_text(text.replace("?>\n", f"?>\n{bomb}\n", 1).replace("rushes</tool>", "&b;</tool>"))
    with pytest.raises(reading.UnreadableList):
        reading.parse(str(file))


def test_where_there_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no ASC MHL"):
        incoming.verify(str(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused):
        incoming.verify(str(tmp_path / "file"))


@pytest.fixture
def plain(card: Path) -> Path:
    """The card without a line break in a name: the reference tool indents it, and so loses the name."""
    (card / "MISC" / "-y <&> [1] é\n.dat").rename(card / "MISC" / "-y <&> [1] é.dat")
    return card


@pytest.mark.parametrize("form", ["md5", "sha1", "xxh64", "xxh3", "xxh128", "c4"])
def test_lists_of_the_reference_tool_are_understood(plain: Path, form: str) -> None:
    card = plain
    code = (
        "import sys; from click.testing import CliRunner; from ascmhl.commands import create;"
        "r = CliRunner().invoke(create, [sys.argv[1], '-h', sys.argv[2]]); print(r.output);"
        "sys.exit(r.exit_code)"
    )
    done = reference(code, card, form)
    assert done.returncode == 0, done.stdout + done.stderr
    assert incoming.verify(str(card)).findings == []
    write(card / "DCIM" / "shot2.dat", 3000)
    (finding,) = incoming.verify(str(card)).findings
    assert (finding.kind, finding.path, finding.form) == ("damaged", "DCIM/shot2.dat", form)


def test_lists_inside_lists(plain: Path) -> None:
    card = plain
    code = (
        "import sys; from click.testing import CliRunner; from ascmhl.commands import create;"
        "r = CliRunner().invoke(create, [sys.argv[1], '-h', 'xxh64']); print(r.output); sys.exit(r.exit_code)"
    )
    for root in (card / "DCIM", card):
        done = reference(code, root)
        assert done.returncode == 0, done.stdout + done.stderr
    verdict = incoming.verify(str(card))
    assert (verdict.lists, verdict.findings, verdict.verified) == (2, [], 7)
    (card / "DCIM" / "shot0.dat").unlink()
    assert kinds(card) == [("missing", "DCIM/shot0.dat")]
    (inner,) = [name for name in lists(card / "DCIM") if name.startswith("0002")]
    (card / "DCIM" / FOLDER / inner).write_text("x")
    assert [kind for kind, _ in kinds(card)].count("list") >= 2  # said by its chain, and by the list above


def test_a_renamed_file_is_followed(plain: Path) -> None:
    card = plain
    code = (
        "import sys; from click.testing import CliRunner; from ascmhl.commands import create;"
        "r = CliRunner().invoke(create, sys.argv[1:]); print(r.output); sys.exit(r.exit_code)"
    )
    assert reference(code, card, "-h", "md5").returncode == 0
    os.rename(card / "DCIM" / "shot0.dat", card / "DCIM" / "renamed.dat")
    done = reference(code, card, "-h", "md5", "-dr")
    assert done.returncode == 0, done.stdout + done.stderr
    assert kinds(card) == []


def test_names_spelled_otherwise_are_the_same_names(drive: Path) -> None:
    import unicodedata

    (name,) = [path for path in (drive / "A001" / "MISC").iterdir() if "é" in path.name]
    other = name.with_name(unicodedata.normalize("NFD", name.name))
    name.rename(other)
    assert name.name != other.name
    assert kinds(drive) == []


# -- hashes of folders -----------------------------------------------------------


def test_hashes_of_folders_by_hand() -> None:
    one, two = (xxhash.xxh3_128_hexdigest(data) for data in (b"1", b"2"))

    def digest(*parts: bytes) -> str:
        return xxhash.xxh3_128_hexdigest(b"".join(parts))

    found = folder_hashes("xxh128", {"a/one": one, "two": two}, {"a": 0, "b": 0})
    empty = xxhash.xxh3_128_hexdigest(b"")
    assert found["b"] == (empty, empty)
    inner = digest(bytes.fromhex(one)), digest(bytes.fromhex(digest(b"one", bytes.fromhex(one))))
    assert found["a"] == inner
    content = digest(*(bytes.fromhex(value) for value in sorted([inner[0], empty, two])))
    assert found["."][0] == content
    named = [("a", inner[1]), ("b", empty), ("two", two)]
    structure = sorted(digest(name.encode(), bytes.fromhex(value)) for name, value in named)
    assert found["."][1] == digest(*(bytes.fromhex(value) for value in structure))


def test_a_folder_with_an_unknown_file_has_no_hash() -> None:
    known = xxhash.xxh3_128_hexdigest(b"1")
    found = folder_hashes("xxh128", {"a/one": None, "b/two": known}, {"a": 0, "b": 0})
    assert set(found) == {"b"}


def test_c4_there_and_back() -> None:
    from engine.media.hashing import c4_text

    data = bytes(range(64))
    assert bytes_of("c4", c4_text(data)) == data
    assert bytes_of("c4", c4_text(bytes(64))) == bytes(64)


# -- cut off -----------------------------------------------------------------------

CUT = """
import os, signal, sys
sys.path.insert(0, sys.argv[4])
from engine.ingest.ends import folders
from engine.ingest.hashlists import listfolder
from engine.media.mhl import reading
from engine.media.mhl.records import Creator, Digest, FileHash, HashList
left = int(sys.argv[2])
def cut(function):
    def called(*words, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*words, **named)
    return called
for name in ("mkdir", "open", "fsync", "rename", "fdopen"):
    setattr(os, name, cut(getattr(os, name)))
listfolder.publish = cut(folders.publish)
root, path = sys.argv[1], sys.argv[3]
import xxhash
file = FileHash(path, 1, None, (Digest("xxh128", xxhash.xxh3_128_hexdigest(path.encode()), "original"),))
creator = Creator("2026-11-20T18:03:00Z", "h", "rushes", "0")
listfolder.append(root, reading.load(root), HashList(creator, "transfer", (file,)))
os.write(1, b"done")
os._exit(0)
"""


@pytest.mark.parametrize("generation", [1, 2])
def test_killed_at_every_step_leaves_the_old_or_the_new(tmp_path: Path, generation: int) -> None:
    here = str(Path(__file__).parents[3])

    def append(root: Path, step: int, path: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", CUT, str(root), str(step), path, here], capture_output=True, check=False
        )

    for step in range(1, 60):
        root = tmp_path / f"step{step}" / "A001"
        root.mkdir(parents=True)
        for name in ("one", "two", "three"):
            (root / name).write_bytes(name.encode())
        if generation == 2:
            assert append(root, 0, "one").stdout == b"done"
        done = append(root, step, "two")
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        history = reading.load(str(root))
        assert history.problems == ()
        said = sorted(history.files())
        assert said in (["one"] * (generation == 2), [*["one"] * (generation == 2), "two"])
        if done.returncode == 0:
            assert "two" in said
            assert step > 8  # every step before was cut once
            return
        # Whatever was left behind, the next writing goes on from it and clears it away.
        assert append(root, 0, "three").stdout == b"done"
        history = reading.load(str(root))
        assert history.problems == ()
        assert sorted(history.files()) == sorted({*said, "three"})
        assert all(generation.listed for generation in history.generations)
        assert not [
            name for name in (*os.listdir(root), *os.listdir(root / FOLDER)) if name.endswith(".part")
        ]
        shutil.rmtree(root)
    pytest.fail("the writing never came to its end")


def test_lists_that_are_not_whole_are_not_continued(drive: Path, desk: Desk) -> None:
    root = drive / "A001"
    path = root / FOLDER / lists(root)[0]
    path.write_text(path.read_text() + "\n")
    write(root / "extra.dat", 5)
    with pytest.raises(RushesError, match="not whole"):
        hashlists.create(desk.library, str(root))
    assert len(lists(root)) == 1


def test_cut_off_after_the_list_and_resumed_there_is_one_list(
    desk: Desk, card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.ingest import job as ingest_job
    from engine.jobs.context import JobStopped

    def stop(*_: object) -> None:
        raise JobStopped

    plan = ingest_plan(desk.library, [str(card)], [str(tmp_path / "x")])
    job_id = ingest_queue(desk.library, plan, hash_lists=True).job_id
    with monkeypatch.context() as patch:
        patch.setattr(ingest_job, "_end_item", stop)
        assert desk.start(job_id) is None
    assert len(lists(tmp_path / "x" / "A001")) == 1
    outcome = desk.start(job_id, intent="resume")
    assert outcome is not None
    assert outcome.status == "completed"
    assert len(lists(tmp_path / "x" / "A001")) == 1


def changed_drive(tmp_path: Path, desk: Desk) -> Path:
    """A folder with a list, in which files were renamed, moved, changed, lost and added since."""
    root = tmp_path / "drive/B7"
    for number in range(6):
        write(root / f"sub/c{number}.mov", 2000)
    write(root / "empty.txt", 0)
    assert hashlists.create(desk.library, str(root))["files"] == 7
    (root / "sub/c0.mov").rename(root / "sub/renamed.mov")
    (root / "more").mkdir()
    (root / "sub/c1.mov").rename(root / "more/c1.mov")
    (root / "sub/c2.mov").write_bytes(b"x" * 2000)
    (root / "sub/c3.mov").unlink()
    (root / "empty.txt").unlink()
    (root / "other.txt").touch()
    write(root / "sub/new.mov", 2000)
    (root / "more/twin.mov").write_bytes((root / "sub/c4.mov").read_bytes())
    return root


def test_verify_tells_renamed_from_missing_and_new(tmp_path: Path, desk: Desk) -> None:
    root = changed_drive(tmp_path, desk)
    verdict = incoming.verify(str(root))
    found = {(finding.kind, finding.path) for finding in verdict.findings}
    assert found == {
        ("damaged", "sub/c2.mov"),
        ("moved", "sub/renamed.mov"),
        ("moved", "more/c1.mov"),
        ("missing", "sub/c3.mov"),
        ("missing", "empty.txt"),
        ("new", "sub/new.mov"),
        ("new", "more/twin.mov"),
        ("new", "other.txt"),
    }
    said = {finding.path: finding.sentence for finding in verdict.findings}
    assert said["more/c1.mov"] == "sub/c1.mov is here as more/c1.mov; its bytes are as recorded."
    assert "2 moved or renamed" in verdict.sentence
    assert verdict.verified == 4  # c4, c5 and the two with other names


def test_verify_says_when_only_names_differ(tmp_path: Path, desk: Desk) -> None:
    root = tmp_path / "B7"
    write(root / "a.mov", 500)
    write(root / "b.mov", 500)
    hashlists.create(desk.library, str(root))
    (root / "a.mov").rename(root / "z.mov")
    verdict = incoming.verify(str(root))
    assert verdict.sentence == f"All 2 files in {root} have the bytes that were recorded; 1 moved or renamed."
    assert not verdict.to_json()["good"], "it is not as the list says"


def test_a_further_generation_follows_renames_and_says_what_is_missing(tmp_path: Path, desk: Desk) -> None:
    root = changed_drive(tmp_path, desk)
    made = hashlists.create(desk.library, str(root))
    assert [(one["was"], one["path"]) for one in made["moved"]] == [
        ("sub/c1.mov", "more/c1.mov"),
        ("sub/c0.mov", "sub/renamed.mov"),
    ]
    assert [one["path"] for one in made["missing"]] == ["empty.txt", "sub/c3.mov"]
    assert [one["path"] for one in made["differing"]] == ["sub/c2.mov"]
    history = reading.load(str(root))
    assert history.problems == ()
    newest = {file.path: file for file in history.generations[-1].hash_list.files}
    assert newest["sub/renamed.mov"].previous == "sub/c0.mov"
    assert [digest.action for digest in newest["sub/renamed.mov"].digests] == ["verified"]
    assert (newest["more/twin.mov"].previous, newest["other.txt"].previous) == (None, None)
    again = incoming.verify(str(root))
    assert {(finding.kind, finding.path) for finding in again.findings} == {
        ("damaged", "sub/c2.mov"),
        ("missing", "sub/c3.mov"),
        ("missing", "empty.txt"),
    }


def test_the_reference_reads_a_list_with_renames(tmp_path: Path, desk: Desk) -> None:
    root = tmp_path / "B7"
    for name in ("a.mov", "b.mov"):
        write(root / name, 500)
    hashlists.create(desk.library, str(root))
    (root / "a.mov").rename(root / "z.mov")
    assert hashlists.create(desk.library, str(root))["moved"]
    done = reference(
        "import sys; from ascmhl.history import MHLHistory;"
        "h = MHLHistory.load_from_path(sys.argv[1]);"
        "print([f.previous_path for f in h.hash_lists[-1].media_hashes if f.path == 'z.mov'])",
        root,
    )
    assert done.returncode == 0, done.stderr
    assert "a.mov" in done.stdout
