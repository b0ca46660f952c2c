"""Making, finding and opening libraries.

The cache root is where ``.rushes/`` lies: the library root by default, another
folder when the root is read-only. The registry in the config database knows
root and cache root of every library; a library whose ``.rushes`` lies in its
root is found without it.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from sqlite_utils import Database

from engine import clock, renaming
from engine.errors import NotFound, Refused, RushesError, WrongUse
from engine.names import display
from engine.storage import audit, config, holdings
from engine.storage.database import Connections, execute, row
from engine.storage.opening import open_checked
from engine.storage.schema import library_migrations

FOLDER = ".rushes"
"""Name of the folder that holds a library's database and caches."""

MODES = ("copy", "reference")


@dataclass(frozen=True)
class Library:
    """An open library. May be shared between threads: each gets its own connection.

    Attributes:
        library_id: UUID, never changed.
        name: what a person calls it.
        root: the folder it catalogues; absolute, links resolved.
        cache_root: the folder that holds ``.rushes``.
        mode: ``copy`` (footage is copied in) or ``reference`` (catalogued in place).
        read_only: the database can be read, but not written.
    """

    library_id: str
    name: str
    root: Path
    cache_root: Path
    mode: str
    read_only: bool = False
    _connections: Connections | None = field(default=None, repr=False, compare=False)

    @property
    def folder(self) -> Path:
        """The ``.rushes`` folder."""
        return self.cache_root / FOLDER

    @property
    def database(self) -> Path:
        """The database file."""
        return self.folder / "library.db"

    @property
    def logs(self) -> Path:
        """Folder of the engine's log and of the full logs of renders."""
        return self.folder / "logs"

    @property
    def exports(self) -> Path:
        """Folder of rendered segments and of thumbnails of runs."""
        return self.folder / "exports"

    @property
    def thumbs(self) -> Path:
        """Folder of clip thumbnails, by content hash."""
        return self.folder / "thumbs"

    def db(self) -> Database:
        """The calling thread's connection."""
        assert self._connections is not None
        return self._connections.current()

    def close(self) -> None:
        """Close the calling thread's connection."""
        assert self._connections is not None
        self._connections.close_current()


def create(root: str, name: str | None = None, mode: str = "copy", cache_root: str | None = None) -> Library:
    """Make a library for the folder ``root`` and register it: whole, or not at all.

    Args:
        root: an existing folder, or one whose parent exists (it is then made).
        name: not blank; None takes the folder's name.
        mode: see :class:`Library`.
        cache_root: where ``.rushes`` goes; None takes ``root``.

    Raises:
        WrongUse: blank name, unknown mode.
        Refused: a library is there already, ``root`` is a file, or the place cannot be written.
    """
    if mode not in MODES:
        raise WrongUse(f"A library's mode is one of: {', '.join(MODES)}.")
    if name is not None and not name.strip():
        raise WrongUse("A library's name cannot be blank.")
    home = _folder_for(root, "library root", make=True)
    cache = _folder_for(cache_root, "cache root", make=True) if cache_root else home
    chosen = name.strip() if name else display(home.name) or "library"
    folder = cache / FOLDER
    if (folder / "library.db").exists():
        raise Refused(f"There is a library at {display(str(cache))} already. Nothing was changed.")
    settings = config.open_config()
    try:
        known = config.find_registered(settings, str(home))
        if known and (Path(known.cache_root) / FOLDER / "library.db").exists():
            raise Refused(
                f"{display(str(home))} is a library already; its database is in "
                f"{display(known.cache_root)}. Nothing was changed."
            )
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise Refused(
                f"{display(str(folder))} cannot be made: {error.strerror}. "
                "Give a folder that can be written with --cache-root."
            ) from error
        library_id = str(uuid.uuid4())
        building = folder / f"library.db.{library_id[:8]}.new"
        try:
            db = open_checked(building, library_migrations, folder / "backups", create=True)
            execute(db, "INSERT INTO library VALUES (?, ?, ?, ?)", (library_id, chosen, mode, clock.now()))
            audit.record(db, "init", target=str(display(str(home))))
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.close()
            renaming.rename(str(building), str(folder / "library.db"))  # one made meanwhile is not replaced
        except FileExistsError as error:
            raise Refused(f"There is a library at {display(str(cache))} already.") from error
        except OSError as error:
            raise Refused(f"{display(str(folder))} cannot be written: {error.strerror}.") from error
        finally:
            for suffix in ("", "-wal", "-shm"):
                building.with_name(building.name + suffix).unlink(missing_ok=True)
        config.register(settings, library_id, chosen, str(home), str(cache))
    finally:
        settings.close()
    return open_library(str(home))


def locate(path: str | None = None) -> tuple[Path, Path]:
    """Find a library: return its root and its cache root.

    Args:
        path: a library's root, cache root, ``.rushes`` folder, name or id. None
            looks at ``RUSHES_LIBRARY``, then at the current folder and its
            parents, then takes the registered library if there is exactly one.

    Raises:
        NotFound: there is no library there.
        WrongUse: none was named and several are known: they are listed.
    """
    path = path or os.environ.get("RUSHES_LIBRARY") or None
    if path is None:
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / FOLDER / "library.db").exists():
                return _root_of(folder), folder
        known = [entry for entry in list_known() if (Path(entry.cache_root) / FOLDER / "library.db").exists()]
        if len(known) == 1:
            return Path(known[0].root), Path(known[0].cache_root)
        if known:
            listed = "\n".join(f"  {display(entry.root)}  ({display(entry.name)})" for entry in known)
            raise WrongUse(f"Several libraries are known; choose one with --library:\n{listed}")
        raise NotFound("There is no library here. Make one with: rushes init PATH")
    given = Path(path).absolute()
    folder = Path(os.path.realpath(given))
    if folder.name == FOLDER and (folder / "library.db").exists():
        folder = folder.parent
    if (folder / FOLDER / "library.db").exists():
        return _root_of(folder), folder
    for entry in list_known():
        if str(folder) == entry.root or path in (entry.name, entry.library_id):
            return Path(entry.root), Path(entry.cache_root)
    if not given.exists():
        raise NotFound(f"{display(str(given))} does not exist.")
    raise NotFound(f"There is no library at {display(str(given))}. Make one with: rushes init PATH")


def open_library(path: str | None = None) -> Library:
    """Open the library that :func:`locate` finds; migrations run here.

    A library on a read-only medium opens with ``read_only`` set.

    Raises:
        NotFound, WrongUse: see :func:`locate`.
        DatabaseRefused: the database is damaged, newer, or foreign.
    """
    root, cache_root = locate(path)
    file = cache_root / FOLDER / "library.db"
    read_only = not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))
    db = open_checked(file, library_migrations, file.parent / "backups", read_only=read_only)
    try:
        facts = row(db, "SELECT * FROM library")
    finally:
        db.close()
    if facts is None:
        raise NotFound(f"{display(str(file))} holds no library.")
    library = Library(
        facts["library_id"],
        facts["name"],
        root,
        cache_root,
        facts["mode"],
        read_only,
        Connections(file, read_only=read_only, before_commit=holdings.settle),
    )
    _remember(library)
    return library


def list_known() -> list[config.Registered]:
    """All libraries in the registry, the most recently opened first; none when there is no registry yet."""
    if not (config.config_folder() / "config.db").exists():
        return []
    settings = config.open_config()
    try:
        return config.registered(settings)
    finally:
        settings.close()


def _root_of(cache_root: Path) -> Path:
    """The root of the library that lies in ``cache_root``: by the registry, else the folder itself."""
    for entry in list_known():
        if entry.cache_root == str(cache_root):
            return Path(entry.root)
    return cache_root


def _remember(library: Library) -> None:
    """Keep the registry right when a library was moved or came from elsewhere."""
    try:
        settings = config.open_config()
    except RushesError:
        return  # the registry is a convenience here: a library opens without it
    try:
        known = config.find_registered(settings, str(library.root))
        if (
            known is None
            or known.library_id != library.library_id
            or known.cache_root != str(library.cache_root)
        ):
            config.register(
                settings, library.library_id, library.name, str(library.root), str(library.cache_root)
            )
    except sqlite3.Error:
        return  # settings that can only be read, or a full disk under them
    finally:
        settings.close()


def _folder_for(path: str, what: str, *, make: bool) -> Path:
    folder = Path(os.path.realpath(path))
    if folder.exists() and not folder.is_dir():
        raise Refused(f"{display(str(folder))} is a file; the {what} must be a folder.")
    if not folder.exists():
        if not make or not folder.parent.is_dir():
            raise NotFound(
                f"{display(str(folder.parent))} does not exist, so the {what} cannot be made in it."
            )
        try:
            folder.mkdir()
        except OSError as error:
            raise Refused(f"{display(str(folder))} cannot be made: {error.strerror}.") from error
    return folder
