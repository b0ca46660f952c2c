"""A damaged or missing copy is made anew from a good one; what was bad is kept beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound, Refused, RushesError, VolumeGone
from engine.ingest.carrying.copying import Stream, read_back_all, write_out
from engine.ingest.ends import failures, folders
from engine.ingest.ends.ends import device_number
from engine.ingest.ends.folders import Root
from engine.ingest.ends.landing import Landing, open_original
from engine.media import rereading
from engine.names import display, from_blob
from engine.storage import audit
from engine.storage.database import Row, row, rows, write
from engine.volumes import places
from engine.volumes.places import Place

BAD_NAMES = 1000
"""So many damaged files of one name are told apart."""


@dataclass(frozen=True)
class Repaired:
    """What a repair came to.

    Attributes:
        path: the copy, absolute.
        source: the good copy it was made from, absolute; None when the file was found good as it is.
        kept_as: name under which the bad file was kept beside it; None when there was none.
        level: how the new bytes were proven.
    """

    path: str
    source: str | None
    kept_as: str | None
    level: str

    @property
    def sentence(self) -> str:
        """What was done, for people."""
        if self.source is None:
            return f"{display(self.path)} was read again and is good."
        kept = f" The bad file was kept as {display(self.kept_as)}." if self.kept_as else ""
        return f"{display(self.path)} was made anew from {display(self.source)} and verified.{kept}"


def repair_copy(
    db: Database,
    copy_id: int,
    *,
    job_id: str | None = None,
    check: Callable[[], None] = lambda: None,
    tick: Callable[[], None] = lambda: None,
) -> Repaired:
    """Make one copy anew from a good verified copy elsewhere. Done again after a kill, it goes on.

    The good copy is read once and proven by its BLAKE3 on the way; the new file
    is read back from its device before anything happens to the bad one. Only
    then is the bad file renamed to ``<name>.damaged`` (``<name>_001.damaged`` ..)
    and the new one takes its name. Every repair is in the audit log.

    Args:
        db: the library.
        copy_id: a copy that is recorded as damaged or missing.
        job_id: the job that repairs, for the audit log.
        check: raises to stop at once; the temporary file is removed then.
        tick: called often while bytes move.

    Raises:
        NotFound: there is no such copy.
        Refused: it needs no repair, or no good copy is within reach, or there is no room.
        VolumeGone: its volume is away.
        RushesError: it could not be written; the sentence says what was kept.
    """
    entry = row(
        db,
        "SELECT copy_states.*, assets.blake3 FROM copy_states JOIN assets USING (asset_id) WHERE copy_id = ?",
        (copy_id,),
    )
    if entry is None:
        raise NotFound(f"There is no copy {copy_id}.")
    path = places.absolute(entry, from_blob(entry["path"]))
    if path is None:
        raise VolumeGone(f"{display(str(entry['volume_name']))} is away; its copy waits for it.")
    if entry["state"] == "present" or entry["blake3"] is None or entry["role"] == "source":
        raise Refused(f"{display(path)} needs no repair: it is not a copy that was found damaged or missing.")
    base = places.absolute(entry, "")
    assert base is not None
    place = places.place_of(db, base)
    if place.volume_id != entry["volume_id"]:
        raise VolumeGone(f"{display(str(entry['volume_name']))} is away; its copy waits for it.")
    try:
        root = Root(base, device_number(place, base), make=False)
    except OSError as error:
        raise RushesError(failures.of_writing(error, display(path)).sentence) from error
    try:
        made = _repair(db, entry, path, place, root, check, tick)
    except OSError as error:
        raise RushesError(failures.of_writing(error, display(path)).sentence) from error
    finally:
        root.close()
    audit.record(
        db,
        "repair",
        target=display(path),
        job_id=job_id,
        from_state=str(entry["state"]),
        to_state="present",
        why=made.sentence,
    )
    return made


def _repair(
    db: Database,
    entry: Row,
    path: str,
    place: Place,
    root: Root,
    check: Callable[[], None],
    tick: Callable[[], None],
) -> Repaired:
    *parts, name = from_blob(entry["path"]).split("/")
    folder = root.folder(tuple(parts), make=True)
    there = folders.look(folder, name)
    if there is not None and not folders.is_file(there):
        raise Refused(f"{display(path)} cannot be repaired: something that is no file has its name.")
    if there is not None and there.st_size == entry["size"]:
        reading = rereading.reread(name, place.fs_type, place.is_network, dir_fd=folder, check=check)
        if reading.blake3 == entry["blake3"]:
            _store(db, entry, there, reading.level)
            return Repaired(path, None, None, reading.level)
    temp = folders.temp_name(name, f"{int(entry['copy_id']):08x}")
    landing = Landing(0, folder, name, temp, display(path), place.fs_type, place.is_network)
    try:
        source = _write_anew(db, entry, landing, check, tick)
        kept_as = _set_aside(folder, name) if there is not None else None
        landing.publish()
        if landing.failure is not None:
            if kept_as is not None:
                folders.publish(folder, kept_as, name)
            raise RushesError(f"{landing.failure.sentence} The damaged file is where it was.")
    except BaseException:
        landing.discard()
        raise
    folders.sync_folder(folder)
    assert landing.facts is not None
    assert landing.level is not None
    _store(db, entry, landing.facts, landing.level)
    return Repaired(path, source, kept_as, landing.level)


def _write_anew(
    db: Database, entry: Row, landing: Landing, check: Callable[[], None], tick: Callable[[], None]
) -> str:
    """Fill the temporary file from the first copy that proves good; return that copy's path."""
    bad: list[str] = []
    for other in rows(
        db,
        "SELECT * FROM copy_states WHERE asset_id = ? AND copy_id != ? AND state = 'present'"
        " AND verified_at IS NOT NULL AND volume_state = 'online'"
        " ORDER BY role = 'source', volume_id = ?, verified_at DESC",
        (entry["asset_id"], entry["copy_id"], entry["volume_id"]),
    ):
        check()
        good = places.absolute(other, from_blob(other["path"]))
        if good is None:
            continue
        landing.failure = None
        why = _fill(entry, good, landing, check, tick)
        if why is None:
            return good
        if landing.failure is not None:  # the place itself fails: another source would not help
            raise Refused(landing.failure.sentence)
        bad.append(why)
    said = f" Tried: {' '.join(bad)}" if bad else ""
    raise Refused(f"{landing.shown} cannot be repaired: no good copy is within reach.{said}")


def _fill(
    entry: Row, good: str, landing: Landing, check: Callable[[], None], tick: Callable[[], None]
) -> str | None:
    """Copy one file into the landing and prove it; None, or a sentence why this file is no good source."""
    shown = display(good)
    try:
        folder = os.open(os.path.dirname(good), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        return failures.of_reading(error, shown).sentence
    try:
        original = open_original(folder, os.path.basename(good), shown)
    except OSError as error:
        return failures.of_reading(error, shown).sentence
    finally:
        os.close(folder)
    try:
        landing.open()
        stream = Stream()
        write_out(original, [landing], stream, check=check, tick=tick)
        if stream.failure is not None:
            return stream.failure.sentence
        if stream.digester.blake3 != entry["blake3"]:
            return f"{shown} no longer holds what was verified either."
        read_back_all([landing], str(entry["blake3"]), check=check, tick=tick)
    finally:
        original.close()
    return None if landing.failure is None else landing.failure.sentence


def _set_aside(folder: int, name: str) -> str:
    """Rename the bad file; return its new name."""
    for number in range(BAD_NAMES):
        aside = f"{name}.damaged" if number == 0 else f"{name}_{number:03d}.damaged"
        try:
            folders.publish(folder, name, aside)
        except FileExistsError:
            continue
        return aside
    raise Refused(f"{BAD_NAMES} damaged files of the name {display(name)} are kept already. Remove some.")


def _store(db: Database, entry: Row, facts: os.stat_result, level: str) -> None:
    moment = clock.now()
    with write(db):
        db.execute(
            "UPDATE copies SET state = 'present', size = ?, mtime_ns = ?, inode = ?, seen_at = ?,"
            " verified_at = ?, verify_level = ? WHERE copy_id = ?",
            (facts.st_size, facts.st_mtime_ns, facts.st_ino, moment, moment, level, entry["copy_id"]),
        )
