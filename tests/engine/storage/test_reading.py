"""A library of somebody else's: read, never written, and never read wrong while its owner works."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.jobs import store
from engine.library import Library
from engine.storage import database
from engine.storage.database import Connections, scalar


@pytest.fixture
def guest(library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connections]:
    """What a user without rights on the library's folder opens it with."""
    real = os.access

    def access(path: str | os.PathLike[str], mode: int, **more: bool) -> bool:
        return not (mode == os.W_OK and Path(path) == library.folder) and real(path, mode, **more)

    monkeypatch.setattr(database.os, "access", access)
    connections = Connections(library.database, read_only=True)
    yield connections
    connections.close_current()


def jobs(db: database.Database) -> int:
    return int(scalar(db, "SELECT count(*) FROM jobs"))


def test_what_its_owner_wrote_just_now_is_seen(library: Library, guest: Connections) -> None:
    store.create(library.db(), "verify", "one", {})
    assert jobs(guest.current()) == 1
    for number in range(200):
        store.create(library.db(), "verify", f"{number}" * 50, {})
    library.db().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert jobs(guest.current()) == 201


def test_an_owner_who_comes_later_is_seen_too(library: Library, guest: Connections) -> None:
    library.close()
    assert jobs(guest.current()) == 0
    for number in range(200):
        store.create(library.db(), "verify", f"{number}" * 50, {})
    library.db().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert jobs(guest.current()) == 200


def test_a_library_at_rest_is_read_without_making_a_file(library: Library, guest: Connections) -> None:
    library.close()
    before = sorted(os.listdir(library.folder))
    assert jobs(guest.current()) == 0
    assert sorted(os.listdir(library.folder)) == before
