"""A long list read by pages is the list read as a whole, wherever one looks at it."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from engine.api import views
from engine.api.facts import ClipScope
from engine.api.ids import Ids
from engine.api.rows import Filter, Id
from engine.api.views import clips, files, hits, order, remaining
from engine.library import Library
from engine.storage import packs, rolls
from engine.storage.database import rows, write

CLIPS = 90
TERMS = {
    "nulls and ties": ("things.mark", "things.size DESC", "things.id"),
    "falling nulls": ("things.mark DESC", "things.name COLLATE NOCASE", "things.id DESC"),
    "expression": ("things.size % 3 = 1 DESC", "things.name", "things.id"),
}


@pytest.fixture
def paged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages so small that everything has many of them."""
    monkeypatch.setattr(order, "PAGE", 7)
    monkeypatch.setattr(order, "FEW", 14)
    monkeypatch.setattr(order, "MANY_PAGES", 3)


def things(library: Library, dice: random.Random) -> None:
    db = library.db()
    with write(db):
        db.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, mark TEXT, size INTEGER, name TEXT)")
        db.conn.executemany(
            "INSERT INTO things VALUES (?, ?, ?, ?)",
            [
                (
                    number,
                    dice.choice((None, "a", "b", "c")),
                    dice.choice((None, 1, 2, 3)),
                    dice.choice("abAB"),
                )
                for number in dice.sample(range(1000), 80)
            ],
        )


def query(name: str, where: str = "1", **params: Any) -> order.Query:
    return order.Query("things.id", "things", where, TERMS[name], params)


def whole(library: Library, wanted: order.Query) -> list[Id]:
    return [found["the_one"] for found in rows(library.db(), wanted.ids(), wanted.params)]


def same(found: Any, known: list[Id], dice: random.Random) -> None:
    """Look at a list in many ways, in any sequence, and hold it against the plain one."""
    assert isinstance(found, Ids)
    for _ in range(60):
        at, end = sorted(dice.choices(range(len(known) + 5), k=2))
        look = dice.randrange(6)
        if look == 0:
            assert found[at:end] == known[at:end]
        elif look == 1 and at < len(known):
            assert found[at] == known[at]
            assert found[at - len(known)] == known[at]
        elif look == 2:
            one = dice.choice(known)
            assert found.index(one) == known.index(one)
        elif look == 3:
            assert len(found) == len(known)
        elif look == 4:
            some = set(dice.sample(known, 5)) | {-1}
            assert found.among(some) == found.among(some) == [one for one in known if one in some]
        else:
            assert known[at % len(known)] in found
    assert -1 not in found
    with pytest.raises(ValueError, match="-1"):
        found.index(-1)
    with pytest.raises(IndexError):
        found[len(known)]


@pytest.mark.usefixtures("paged")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("turned", [False, True], ids=["as it is", "turned"])
@pytest.mark.parametrize("name", TERMS)
def test_every_way_to_look_at_it_finds_the_same(library: Library, name: str, turned: bool, seed: int) -> None:
    dice = random.Random(seed)
    things(library, dice)
    wanted = query(name, "things.size IS NOT :no", no=dice.choice((2, 9)))
    wanted = wanted.reversed() if turned else wanted
    known = whole(library, wanted)
    same(order.read(library, wanted), known, dice)
    same(order.read(library, wanted, len(known)), known, dice)
    assert list(order.read(library, wanted)) == known
    assert order.read(library, wanted)[::-2] == known[::-2]


@pytest.mark.usefixtures("paged")
@pytest.mark.usefixtures("paged")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("turned", [False, True], ids=["as it is", "turned"])
@pytest.mark.parametrize("name", TERMS)
def test_most_of_a_larger_list_are_counted_by_those_that_are_not_among_them(
    library: Library, name: str, turned: bool, seed: int
) -> None:
    dice = random.Random(seed)
    things(library, dice)
    larger = query(name, "things.id % 10 < :top", top=8, mark="b")
    larger = larger.reversed() if turned else larger
    passes = "things.mark <> :mark"  # neither true nor false of some
    known = whole(library, replace(larger, where=f"{passes} AND {larger.where}"))
    total = len(whole(library, larger))
    assert 14 < len(known) < total
    same(remaining.Remaining(library, larger, total, passes, known[:15]), known, dice)
    middle = known[len(known) // 2]
    found = remaining.Remaining(library, larger, total, passes)
    assert (found.index(middle), len(found)) == (known.index(middle), len(known))
    found = remaining.Remaining(library, larger, total, passes)
    assert (len(found), found.index(middle)) == (len(known), known.index(middle))


@pytest.mark.usefixtures("paged")
@pytest.mark.parametrize(
    ("passes", "kind"),
    [("things.size <> 7", remaining.Remaining), ("things.size = 1", order.Order), ("things.size = 7", list)],
    ids=["most", "some", "none"],
)
def test_those_that_fail_are_counted_where_they_are_fewer(library: Library, passes: str, kind: type) -> None:
    dice = random.Random(5)
    things(library, dice)
    larger = query("nulls and ties")
    known = whole(library, replace(larger, where=passes))
    found = remaining.remaining(library, larger, 80, passes)
    assert type(found) is kind
    assert list(found) == known
    assert len(found) == len(known)


def test_most_of_a_list_are_counted_although_the_row_that_was_looked_for_is_gone(library: Library) -> None:
    things(library, random.Random(3))
    larger = query("expression")
    known = whole(library, replace(larger, where="things.size <> 3"))
    total = len(whole(library, larger))
    found = remaining.Remaining(library, larger, total, "things.size <> 3")
    assert found.index(known[9]) == 9
    with write(library.db()) as db:
        db.execute("DELETE FROM things WHERE id = ?", (known[9],))
    assert len(found) == len(known)  # as many as there were


@pytest.mark.usefixtures("paged")
def test_a_page_near_a_row_that_was_looked_for_is_read_from_there(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    things(library, random.Random(1))
    wanted = query("nulls and ties")
    known = whole(library, wanted)
    asked: list[str] = []
    plain = order.column

    def spied(library: Library, sql: str, params: Any) -> list[Any]:
        asked.append(sql)
        return plain(library, sql, params)

    monkeypatch.setattr(order, "column", spied)
    for place in (35, 36, 40, 41):  # pages have seven: the screen reaches into the one before, or behind
        found = order.Order(library, wanted, len(known))
        assert found.index(known[place]) == place
        assert found[place - 5 : place + 5] == known[place - 5 : place + 5]
    assert asked
    assert not any("OFFSET" in sql for sql in asked)


def test_what_is_looked_at_first_does_not_matter(library: Library) -> None:
    """Each way alone, on a list of which nothing is known."""
    things(library, random.Random(1))
    wanted = query("nulls and ties")
    known = whole(library, wanted)
    for place, one in enumerate(known):
        found = order.Order(library, wanted)
        assert found.index(one) == place
        assert len(found) == len(known)
        assert found[max(0, place - 2) : place + 2] == known[max(0, place - 2) : place + 2]


def test_few_rows_are_a_plain_list_and_none_costs_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    things(library, random.Random(1))
    assert order.read(library, query("expression")) == whole(library, query("expression"))
    assert order.read(library, query("expression"), 80) == whole(library, query("expression"))
    monkeypatch.setattr(Library, "db", lambda _: pytest.fail("nothing is to be read"))
    assert order.read(library, query("expression"), 0) == []


@pytest.mark.usefixtures("paged")
def test_rows_that_went_in_between_leave_short_ranges_and_no_trouble(library: Library) -> None:
    things(library, random.Random(1))
    found = order.read(library, query("nulls and ties"))
    count = len(found)
    gone = found[10]
    with write(library.db()) as db:
        db.execute("DELETE FROM things WHERE id NOT IN (SELECT id FROM things ORDER BY id LIMIT 3)")
    assert len(found) == count, "a list stays as long as it was told to be"
    assert found[count - 5 :] == found[-5:]
    assert len(found[20:30]) <= 10
    assert found.index(gone) == 10, "known from the page"
    assert len(found.among({gone})) <= 1


@pytest.mark.usefixtures("paged")
def test_a_list_is_counted_although_the_rows_it_knew_are_gone(library: Library) -> None:
    things(library, random.Random(1))
    known = whole(library, query("nulls and ties"))
    found = order.read(library, query("nulls and ties"))
    with write(library.db()) as db:
        db.execute("DELETE FROM things WHERE id IN (SELECT value FROM json_each(?))", (str(known[:20]),))
    assert len(found) == len(known) - 20
    assert found[-3:] == known[-3:]
    assert found.index(known[30]) >= 10


@pytest.mark.usefixtures("paged")
def test_a_large_range_is_read_at_once_and_a_small_one_alone(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    things(library, random.Random(1))
    wanted = query("nulls and ties")
    known = whole(library, wanted)
    asked: list[str] = []
    plain = order.column
    monkeypatch.setattr(
        order, "column", lambda library, sql, params: (asked.append(sql), plain(library, sql, params))[1]
    )
    found = order.Order(library, wanted, len(known))
    assert found[3:5] == known[3:5]
    assert all("LIMIT" in sql for sql in asked), asked
    assert found[0:60] == known[0:60]
    assert [sql for sql in asked if "LIMIT" not in sql] == [wanted.ids()], asked
    asked.clear()
    assert list(found) == known
    assert found[20:30] == known[20:30]
    assert asked == [], "what was read once is known"


# -- the lists of the screens -----------------------------------------------------------
@pytest.fixture
def shelf(library: Library) -> Library:
    """Clips, some without a moment, some of one title, candidates, and the files of a job."""
    moment, db = "2026-11-20T10:00:00.000Z", library.db()
    with write(db):
        for name, state in (("nas", "online"), ("shuttle", "offline")):
            db.execute(
                "INSERT INTO volumes (volume_id, name, class, state, first_seen_at, last_seen_at)"
                " VALUES (?, ?, 'removable', ?, ?, ?)",
                (name, name, state, moment, moment),
            )
        db.execute("INSERT INTO batches VALUES ('b', 'ingest', 'card', ?, 'me')", (moment,))
        db.execute(
            "INSERT INTO jobs (job_id, kind, batch_id, title, params, created_by, created_at)"
            " VALUES ('j', 'ingest', 'b', 'card', '{}', 'me', ?)",
            (moment,),
        )
        for item in (1, 2):
            db.execute(
                "INSERT INTO batch_items (item_id, batch_id, position, source) VALUES (?, 'b', ?, ?)",
                (item, item, f"/{item}".encode()),
            )
        db.execute(
            "INSERT INTO relink_sessions (session_id, scan_path, status, created_at)"
            " VALUES ('s', x'2f', 'completed', ?)",
            (moment,),
        )
        for number in range(CLIPS):
            _one(db, number, moment)
    return library


def _one(db: Any, number: int, moment: str) -> None:
    db.execute("INSERT INTO assets (asset_id, size, created_at) VALUES (?, ?, ?)", (number, number, moment))
    db.execute(
        "INSERT INTO clips (clip_id, title, kind, asset_id, reel, recorded_at, favourite, created_at)"
        " VALUES (?, ?, 'video', ?, ?, ?, ?, ?)",
        (
            f"{number * 37 % CLIPS:04}", f"C{number % 40:03}", number, f"A{number % 3}",
            None if number % 5 == 0 else f"2026-11-20T10:{number % 20:02}", number % 2, moment,
        ),
    )  # fmt: skip
    db.execute(
        "INSERT INTO clip_files SELECT clip_id, 'essence', 0, asset_id, x'61' FROM clips WHERE asset_id = ?",
        (number,),
    )
    db.execute(
        "INSERT INTO copies (copy_id, asset_id, volume_id, path, role, state, size, mtime_ns, seen_at,"
        " created_at)"
        " VALUES (?, ?, ?, ?, 'managed', ?, ?, 1, ?, ?)",
        (
            number, number, "shuttle" if number % 3 == 0 else "nas", f"{number}".encode(),
            "damaged" if number % 2 else "missing", number, moment, moment,
        ),
    )  # fmt: skip
    db.execute(
        "INSERT INTO candidates (session_id, clip_id, copy_id, volume_id, path, size, mtime_ns, match_type,"
        " confidence, evidence, status, created_at) SELECT 's', clip_id, ?, 'nas', ?, 1, 1, 'filename', ?,"
        " '{}', ?, ? FROM clips WHERE asset_id = ?",
        (
            number, f"found/F{number}".encode(), 0.5 + number % 3 / 10,
            ("pending", "applied")[number % 2], moment, number,
        ),
    )  # fmt: skip
    db.execute(
        "INSERT INTO tasks (job_id, item_id, position, name, size, status) VALUES ('j', ?, ?, ?, ?, ?)",
        (
            1 + number % 2, number, f"F{number * 31 % 90}.MXF".encode(), number % 7,
            ("failed", "completed", "queued", "running", "skipped", "cancelled")[number % 6],
        ),
    )  # fmt: skip


SOURCES = {
    "clips": views.Clips,
    "clips on a drive": lambda library: views.Clips(library, ClipScope(volume_id="nas")),
    "favourites": lambda library: views.Clips(library, ClipScope("favourite")),
    "candidates": views.Candidates,
    "files": lambda library: views.Files(library, "j"),
    "damaged": views.Damaged,
}
CLIP_LISTS = ("clips", "clips on a drive", "favourites")


@pytest.mark.parametrize(
    ("name", "in_rolls"),
    [*((name, False) for name in SOURCES), *((name, True) for name in SOURCES if name in CLIP_LISTS)],
)
def test_the_lists_of_the_screens_are_the_same_by_pages(
    shelf: Library, monkeypatch: pytest.MonkeyPatch, name: str, in_rolls: bool
) -> None:
    dice, source = random.Random(name), SOURCES[name](shelf)
    paged = by_rolls = 0
    monkeypatch.setattr(rolls, "ROWS", 7)
    monkeypatch.setattr(rolls, "MANY", 20 if in_rolls else 1000)
    while rolls.roll(shelf.db()):
        pass
    for wish in (
        Filter(order=one, show=show, text=text, reverse=turned)
        for one in source.orders
        for show in ("all", "active", "failed")
        for text in ("", "1", "!1")
        for turned in (False, True)
    ):
        known = list(source.ids(wish))
        with monkeypatch.context() as small:
            small.setattr(order, "PAGE", 5)
            small.setattr(order, "FEW", 10)
            small.setattr(clips, "SOME", 10)
            found = source.ids(wish)
            if isinstance(found, Ids):
                paged += 1
                same(found, known, dice)
            assert list(found) == known
            by_rolls += isinstance(found, hits.Found) and name in CLIP_LISTS
    assert paged > 20
    assert (by_rolls > 10) == in_rolls


def test_a_filter_looks_at_title_reel_camera_and_tags_and_keeps_up(shelf: Library) -> None:
    source = views.Clips(shelf)

    def found(text: str) -> int:
        return len(source.ids(Filter(text=text)))

    assert (found("c007"), found("a1"), found("fx6"), found("hero")) == (3, 30, 0, 0)
    with write(shelf.db()) as db:
        db.execute("UPDATE clips SET camera_model = 'ILME-FX6V', title = 'Harbour' WHERE asset_id = 7")
        db.execute("INSERT INTO tags (tag_id, name) VALUES (1, 'heroine')")
        db.execute("INSERT INTO clip_tags SELECT clip_id, 1, '' FROM clips WHERE asset_id IN (3, 4)")
    assert (found("c007"), found("FX6"), found("harb"), found("hero"), found("!hero")) == (2, 1, 1, 2, 88)
    assert len(views.Candidates(shelf).ids(Filter(text="harbour"))) == 1
    with write(shelf.db()) as db:
        db.execute("UPDATE tags SET name = 'villain'")
        db.execute("DELETE FROM clip_tags WHERE clip_id = (SELECT clip_id FROM clips WHERE asset_id = 3)")
    assert (found("hero"), found("villain")) == (0, 1)
    with write(shelf.db()) as db:
        db.execute("DELETE FROM tags")
    assert found("villain") == 0


def test_a_candidate_is_found_by_any_bytes_of_its_path(shelf: Library) -> None:
    with write(shelf.db()) as db:
        db.execute(
            "INSERT INTO candidates (session_id, copy_id, volume_id, path, size, mtime_ns, match_type,"
            " confidence, evidence, created_at) VALUES ('s', 5, 'nas', ?, 1, 1, 'filename', 0.5, '{}', '')",
            (b"\xff\xfe/Odd Name",),
        )
    source = views.Candidates(shelf)
    (odd,) = source.rows(source.ids(Filter(text="odd n")))
    assert odd.new_path == "\udcff\udcfe/Odd Name"
    assert odd.clip_id is None


def test_files_by_state_are_those_that_failed_first_and_by_name_within_each_source(shelf: Library) -> None:
    source = views.Files(shelf, "j")
    found = source.rows(source.ids(Filter(order="state")))
    assert [row.status for row in found[::15]] == [
        "failed", "running", "cancelled", "completed", "queued", "skipped",
    ]  # fmt: skip
    turned = source.rows(source.ids(Filter(order="state", reverse=True)))
    assert turned == found[::-1]
    named = source.rows(source.ids(Filter(order="name")))
    assert named == sorted(named, key=lambda row: (row.source, row.name))
    sizes = [row.size_bytes for row in source.rows(source.ids(Filter(order="size")))]
    assert sizes == sorted(sizes, reverse=True)  # type: ignore[type-var]  # every file has a size here
    failed = source.rows(source.ids(Filter(show="failed")))
    assert {row.status for row in failed} == {"failed", "cancelled"}
    assert len(failed) == 30


@pytest.mark.parametrize("in_turn", [True, False])
def test_of_very_many_files_a_list_says_when_it_is_in_another_order_or_not_all(
    shelf: Library, monkeypatch: pytest.MonkeyPatch, in_turn: bool
) -> None:
    if in_turn:
        with write(shelf.db()) as db:
            db.execute("UPDATE tasks SET item_id = 1 + (task_id > 40), position = task_id")
    source, dice, notes = views.Files(shelf, "j"), random.Random(7), set[str]()
    for wish in (
        Filter(order=one, show=show, text=text, reverse=turned)
        for one in source.orders
        for show in ("all", "active", "failed")
        for text in ("", "1", "!1", "f31", "mxf", "zz")
        for turned in (False, True)
    ):
        known = list(source.ids(wish))
        with monkeypatch.context() as small:
            for name, value in (("SOME", 10), ("FEW", 6), ("FIRST", 8), ("STEP", 5), ("LOOKED_AT", 40)):
                small.setattr(files, name, value)
            found = source.ids(wish)
            note = getattr(found, "note", "")
            notes.add(note)
            if isinstance(found, Ids) and "first" not in note:
                same(found, list(found), dice)
            if "first" in note:
                assert set(found) <= set(known)
                assert 0 < len(found) <= 8 < len(known)
            else:
                assert sorted(found) == sorted(known)
            if "listed" in note:
                assert list(found) == sorted(found, reverse=wish.reverse)
            elif not note and wish.show == "all":
                assert list(found) == known
    assert notes == {"", files.BY_STATE, files.SO_MANY, f"{files.SO_MANY}, the first of more"}


@pytest.mark.parametrize("most", ["completed", "queued"])
def test_the_files_of_a_job_are_as_many_as_packs_say(
    shelf: Library, monkeypatch: pytest.MonkeyPatch, most: str
) -> None:
    db = shelf.db()
    with write(db):
        db.execute(
            "WITH RECURSIVE n(n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)"
            " INSERT INTO tasks (job_id, item_id, position, name, size, status) SELECT 'j', 1, n,"
            " CAST('G' || n AS BLOB), n, CASE n % 7 WHEN 0 THEN 'failed' ELSE ? END FROM n",
            (most,),
        )
    source = views.Files(shelf, "j")
    wishes = [Filter(order=one, reverse=turned) for one in source.orders for turned in (False, True)]
    known = [list(source.ids(wish)) for wish in wishes]
    packs.pack(db, packs.TASKS, packs.owed(db, packs.TASKS))
    total = packs.total(db, packs.TASKS, "j")
    assert total == len(known[0]) == 2901 + CLIPS
    for wish, expected in zip(wishes, known, strict=True):
        found = source.ids(wish)
        assert len(found) == total
        assert list(found) == expected
        assert source.ids(wish).index(expected[1700]) == 1700
        assert source.ids(wish)[-3:] == expected[-3:]
