"""Handing finished films over: a verified copy in another folder, and on request the old one goes.

A film is read once, written, flushed, read back from its device, compared with
the hash that it got when it was made, and only then named. Moving removes the
old file after the new one is recorded as verified, and only when it is still
the file that was read. It is set aside under another name first: where the new
one goes with it, the two were one file, shown at two places, and it is brought back.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from sqlite_utils import Database

from engine import renaming
from engine.errors import Refused, RushesError
from engine.export.rendering import placing
from engine.export.runs import ledger, records
from engine.export.runs.orders import destination_problems, not_mounted
from engine.export.runs.records import Run
from engine.ingest.carrying.copying import Stream, read_back_all, write_out
from engine.ingest.ends import folders
from engine.ingest.ends.landing import Landing, Original, open_original
from engine.jobs import room, states, store
from engine.jobs.context import JobContext, JobPaused, Outcome
from engine.library import Library
from engine.media.hashing import full_hash
from engine.names import display, from_blob, json_name, to_blob
from engine.storage.database import Row, row, rows, write
from engine.volumes import places
from engine.volumes.places import Place

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def queue_after(library: Library, job_id: str) -> str | None:
    """Queue the delivery that the recipe of a finished export asks for; None when it asks for none.

    An export that is told twice is delivered once.
    """
    db = library.db()
    found = row(db, "SELECT run_id FROM runs WHERE job_id = ?", (job_id,))
    if found is None:
        return None
    run = records.get(db, found["run_id"])
    how = run.spec.get("deliver", "no")
    known = row(
        db,
        "SELECT 1 FROM jobs WHERE kind = 'deliver' AND json_extract(params, '$.run_id') = ?"
        " AND json_extract(params, '$.after') = ?",
        (run.run_id, run.ended_at),
    )
    if how == "no" or known:
        return None
    return queue(library, run.run_id, str(run.spec["deliver_to"]), move=how == "move", after=run.ended_at)


def queue(library: Library, given: str, folder: str, *, move: bool, after: str | None = None) -> str:
    """Queue the delivery of a run's finished files into a folder; return the job's id.

    Args:
        library: the run's library.
        given: the run.
        folder: absolute; made when its parent exists.
        move: remove each old file after its new one is proven.
        after: the end that it follows; None when an operator asked.

    Raises:
        NotFound: there is no such run.
        Refused: it has no finished file, or the folder cannot be.
    """
    db = library.db()
    run = records.find(db, given)
    made = finished(db, run.run_id)
    if not made:
        raise Refused(f"This run is {states.spoken(run.status)}; it has no finished file to deliver.")
    if not os.path.isabs(folder):
        raise Refused(f"{display(folder)} is not an absolute path.")
    problems = destination_problems(folder) + not_mounted(db, folder)
    if problems:
        raise Refused(*problems)
    target = places.place_of(db, folder if os.path.isdir(folder) else os.path.dirname(folder.rstrip("/")))
    devices = {f"device:{target.device}"}
    gone = []
    for entry in made:
        path = from_blob(entry["path"])
        try:
            devices.add(f"device:{places.place_of(db, os.path.dirname(path)).device}")
        except RushesError:
            continue  # away now; the job waits for it
        if not os.path.lexists(path):
            gone.append(path)
    if after is None and len(gone) == len(made):
        raise Refused(f"{display(gone[0])} is gone, or its drive is away; there is nothing to deliver.")
    size = sum(entry["size"] or 0 for entry in made)
    verb = "moved" if move else "copied"
    return store.create(
        db,
        "deliver",
        f"{display(run.name)} {verb} to {display(folder)}",
        {"run_id": run.run_id, "folder": os.fsencode(folder).hex(), "move": move,
         "volume_id": target.volume_id, "after": after},
        resources=tuple(sorted(devices)),
        needs=[room.need(target.volume_id, size, room.ALONG)],
    )  # fmt: skip


def finished(db: Database, run_id: str) -> list[Row]:
    """The finished files of a run, in order."""
    return rows(
        db,
        "SELECT * FROM run_outputs WHERE run_id = ? AND status = 'completed' AND path IS NOT NULL"
        " ORDER BY position",
        (run_id,),
    )


def run(job: JobContext) -> Outcome:
    """Deliver one run's files. See :class:`engine.jobs.context.Handler`.

    Result: ``run_id``, ``moved``, and ``files[]`` with ``from``, ``to``, ``size``, ``level``.
    """
    return _Delivery(job).run()


def clean_up(job: JobContext) -> None:
    """Remove what a cancelled delivery left under temporary names; bring back what it had set aside."""
    delivery = _Delivery(job)
    for entry in finished(job.db, delivery.record.run_id):
        delivery.bring_back(from_blob(entry["path"]))
    delivery.remove_temps()


@dataclass(frozen=True)
class _Arrived:
    """A film at its new place."""

    path: str
    level: str


class _Delivery:
    """One start of one delivery."""

    def __init__(self, job: JobContext) -> None:
        self.job = job
        self.record: Run = records.get(job.db, str(job.params["run_id"]))
        self.folder = os.fsdecode(bytes.fromhex(job.params["folder"]))
        self.move = bool(job.params["move"])
        self.done = 0

    def run(self) -> Outcome:
        job = self.job
        made = finished(job.db, self.record.run_id)
        total = sum(entry["size"] or 0 for entry in made)
        job.progress(
            force=True, stage="copy", done=0, total=len(made), bytes_done=0, bytes_total=total, message=None
        )
        place = self._place()
        self.remove_temps()
        files, errors = [], []
        for number, entry in enumerate(made):
            job.checkpoint()
            old = from_blob(entry["path"])
            job.progress(done=number, message=display(os.path.basename(old)))
            try:
                arrived = self._deliver(entry, old, place)
            except (OSError, RushesError) as error:
                said = f": {error.strerror}." if isinstance(error, OSError) else f": {error}"
                if isinstance(error, FileNotFoundError) and not os.path.lexists(old):
                    said = " is gone, so it was not delivered."
                errors.append(f"{display(old)}{said}")
                job.log("error", errors[-1])
                continue
            finally:
                self.done += entry["size"] or 0
                job.progress(bytes_done=self.done)
            files.append(
                {
                    **json_name("from", old),
                    **json_name("to", arrived.path),
                    "size": entry["size"],
                    "level": arrived.level,
                }
            )
            job.log("info", f"{display(old)} is proven as {display(arrived.path)} ({arrived.level}).")
        job.progress(force=True, done=len(made), stage=None, message=None)
        status = states.verdict({"completed": len(files), "failed": len(errors)})
        result = {"run_id": self.record.run_id, "moved": self.move, "files": files}
        return Outcome(status, result, " ".join(errors) or None)

    def remove_temps(self) -> None:
        """Remove files of attempts that are dead: they carry this job's id."""
        try:
            names = os.listdir(self.folder)
        except OSError:
            return  # away, or not made yet
        for name in names:
            if name.startswith(".") and name.endswith(f".{self.job.job_id[:8]}.part"):
                placing.remove(os.path.join(self.folder, name))

    def _place(self) -> Place:
        """The folder, made when it is missing, on the volume that it was on when this was queued."""
        known = self.job.params["volume_id"]
        above = self.folder if os.path.isdir(self.folder) else os.path.dirname(self.folder.rstrip("/"))
        try:
            found = places.place_of(self.job.db, above).volume_id
        except RushesError:
            found = None
        if found != known:
            raise JobPaused(
                f"The drive of {display(self.folder)} is away. The delivery goes on when it is back.",
                waiting_for=known,
            )
        try:
            os.makedirs(self.folder, exist_ok=True)
        except OSError as error:
            raise Refused(f"{display(self.folder)} cannot be made: {error.strerror}.") from error
        return places.place_of(self.job.db, self.folder)

    def _deliver(self, entry: Row, old: str, place: Place) -> _Arrived:
        """Bring one film to a verdict; what an earlier start did counts."""
        self.bring_back(old)
        before = _facts(old)
        known = self._there_already(entry, old, place)
        arrived = known or self._copy(entry, old, place)
        if self.move and not self._lies_there(old):
            self._remove(entry, old, arrived, before if known is None else None)
        return arrived

    def _lies_there(self, old: str) -> bool:
        """Whether the old file lies in the very folder that it is to go to, whatever that is called."""
        try:
            return os.path.samefile(os.path.dirname(old), self.folder)
        except FileNotFoundError:
            return False  # moved by an earlier start, and its folder taken away since

    def _there_already(self, entry: Row, old: str, place: Place) -> _Arrived | None:
        """The film, when an earlier start of this delivery has put it there and it is whole."""
        stem, extension = _split(old)
        for number in range(placing.MOST_NUMBERS + 1):
            path = os.path.join(self.folder, placing.numbered(stem, extension, number))
            if not os.path.lexists(path):
                return None
            try:
                same = os.path.getsize(path) == entry["size"] and (
                    full_hash(path, self.job.check_now) == entry["blake3"]
                )
            except OSError:
                continue
            if same:
                level = self._enter(entry, path, place, "cached re-read")
                return _Arrived(path, level)
        return None

    def _copy(self, entry: Row, old: str, place: Place) -> _Arrived:
        free = room.free_bytes(self.folder)
        if free is not None and free < (entry["size"] or 0):
            raise Refused(f"{display(self.folder)} has no room for it; nothing was removed.")
        source = os.open(os.path.dirname(old), _FLAGS)
        target = os.open(self.folder, _FLAGS)
        try:
            original = open_original(source, os.path.basename(old), display(old))
            try:
                return self._carry(entry, original, old, target, place)
            finally:
                original.close()
        finally:
            os.close(source)
            os.close(target)

    def _carry(self, entry: Row, original: Original, old: str, target: int, place: Place) -> _Arrived:
        name = os.path.basename(old)
        landing = Landing(
            key=0,
            folder=target,
            name=name,
            temp=folders.temp_name(name, self.job.job_id),
            shown=display(os.path.join(self.folder, name)),
            fs_type=place.fs_type,
            is_network=place.is_network,
        )
        stream = Stream()
        published = False
        try:
            landing.open()
            if landing.alive:
                write_out(
                    original, [landing], stream, check=self.job.check_now, tick=lambda: self._tick(landing)
                )
            self._judge(stream, landing)
            if stream.digester.blake3 != entry["blake3"]:
                raise Refused("it is not the file that the run made any more; it was not delivered.")
            self.job.progress(stage="verify")
            read_back_all(
                [landing], str(entry["blake3"]), check=self.job.check_now, tick=lambda: self._tick(landing)
            )
            self._judge(stream, landing)
            path = self._publish(landing, name)
            published = True
        finally:
            self.job.progress(stage="copy")
            if not published:
                landing.discard()
        level = self._enter(entry, path, place, landing.level or "cached re-read")
        return _Arrived(path, level)

    def _judge(self, stream: Stream, landing: Landing) -> None:
        failure = stream.failure or landing.failure
        if failure is not None:
            raise RushesError(failure.sentence)

    def _tick(self, landing: Landing) -> None:
        self.job.progress(bytes_done=self.done + (landing.written + landing.reread) // 2)

    def _publish(self, landing: Landing, name: str) -> str:
        stem, extension = _split(name)
        for number in range(placing.MOST_NUMBERS + 1):
            wanted = placing.numbered(stem, extension, number)
            try:
                folders.publish(landing.folder, landing.temp, wanted)
            except FileExistsError:
                continue
            folders.sync_folder(landing.folder)
            return os.path.join(self.folder, wanted)
        raise RushesError(f"{display(name)} and {placing.MOST_NUMBERS} numbers after it are taken.")

    def _enter(self, entry: Row, path: str, place: Place, level: str) -> str:
        ledger.record_copy(self.job.db, entry["size"], entry["blake3"], path, place, level)
        return level

    def _remove(self, entry: Row, old: str, arrived: _Arrived, read: tuple[int, ...] | None) -> None:
        """The old file goes, when it is still what was made; its rows follow the film to its new place.

        ``read`` is what it was, see :func:`_facts`, before its bytes were read and compared just now; None
        when they were not. A file may be written anew in its place with as many bytes: sound often is.
        """
        db = self.job.db
        if os.path.lexists(old):
            before = read or _facts(old)
            same = read is not None or full_hash(old, self.job.check_now) == entry["blake3"]
            if not same or before is None or _facts(old) != before:
                raise Refused("it was changed while it was delivered; the old file was left alone.")
            aside = self._aside(old)
            renaming.rename(old, aside)
            if not _is_there(arrived.path, entry["size"]):
                renaming.rename(aside, old)
                raise Refused(
                    f"{display(arrived.path)} is the same file, shown at another place. It stays where it is."
                )
            os.unlink(aside)
            placing.sync_folder(os.path.dirname(old))
        try:
            home = places.place_of(db, os.path.dirname(old))
        except RushesError:
            home = None
        with write(db):
            if home is not None:
                db.execute(
                    "DELETE FROM copies WHERE volume_id = ? AND path = ? AND role = 'export'",
                    (home.volume_id, to_blob(os.path.join(home.path, os.path.basename(old)))),
                )
            db.execute(
                "UPDATE run_outputs SET path = ? WHERE run_id = ? AND position = ?",
                (to_blob(arrived.path), self.record.run_id, entry["position"]),
            )
            shown = self.folder if self.record.is_per_clip else arrived.path
            db.execute(
                "UPDATE runs SET output_path = ? WHERE run_id = ?", (to_blob(shown), self.record.run_id)
            )

    def _aside(self, old: str) -> str:
        """Where the old file is between its two names; no ending of a temp: it may be the only one."""
        name = folders.temp_name(os.path.basename(old), self.job.job_id).removesuffix(".part")
        return os.path.join(os.path.dirname(old), f"{name}.old")

    def bring_back(self, old: str) -> None:
        """Give a file its name back that a start which was cut off had set aside."""
        aside = self._aside(old)
        if os.path.lexists(aside) and not os.path.lexists(old):
            renaming.rename(aside, old)


def _facts(path: str) -> tuple[int, ...] | None:
    """What tells that a file is the same, and not written to since; None when it is not to be had."""
    try:
        facts = os.lstat(path)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def _is_there(path: str, size: int) -> bool:
    """Whether a file of this size can be opened at ``path`` now; opening asks a server anew."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.fstat(descriptor).st_size == size
    finally:
        os.close(descriptor)


def _split(path: str) -> tuple[str, str]:
    """Name without extension, and the extension without its dot."""
    stem, _, extension = os.path.basename(path).rpartition(".")
    return stem, extension
