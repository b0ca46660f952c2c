"""A whole day on set: cards come in, a drive goes and comes back, files move, films go out.

Everything is real: footage made with ffmpeg, copies read back from their
devices, a drive that is unmounted and mounted elsewhere. Each step ends with a
proof that does not come from the catalogue alone.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from blake3 import blake3

from engine.api import (
    clips,
    engines,
    exports,
    ingests,
    jobs,
    libraries,
    presets,
    recipes,
    relinks,
    volumes,
)
from engine.demo.drives import Drives
from engine.demo.footage import shoot_day
from engine.errors import RushesError
from engine.library import Library
from engine.media.tools import find_tools
from engine.names import display

NOTICE_SECONDS = 10.0
"""How long the demo waits for a drive to be noticed before it calls that a failure; it takes about 0.3 s."""


@dataclass(frozen=True)
class Step:
    """One step of the day, done.

    Attributes:
        number: from 1.
        title: what was done.
        proof: lines that show it.
        seconds: how long it took.
    """

    number: int
    title: str
    proof: tuple[str, ...]
    seconds: float


class DemoFailed(RushesError):
    """A step did not end as it must; the sentence says which and how."""


class Day:
    """The script of the day, played in a folder of its own. One thread plays it; :meth:`stop` is for any.

    Attributes:
        library: the demo's library, from :meth:`open` on.
        cards: the camera cards, once they are shot.
    """

    def __init__(self, folder: str, tell: Callable[[Step], None], now_doing: Callable[[str], None]) -> None:
        """Prepare a day.

        Args:
            folder: an empty folder; everything is made in it.
            tell: called after every step.
            now_doing: called when a step begins, with its title.
        """
        self.folder = folder
        self.library: Library
        self.cards: list[str] = []
        self._tell = tell
        self._now_doing = now_doing
        self._number = 0
        self._stopped = threading.Event()
        self._drives: Drives
        self._root = os.path.join(folder, "library")
        self._shelf = os.path.join(folder, "shelf")

    def open(self) -> Library:
        """Make the demo's library; the screen can be opened on it before the day begins."""
        os.makedirs(self._root)
        libraries.create(self._root, "A day on set", "copy", None)
        self.library = libraries.open_library(self._root)
        engines.ensure(self.library)
        return self.library

    def stop(self) -> None:
        """Leave the day after the step in hand."""
        self._stopped.set()

    def play(self, drives: Drives, pause_seconds: float = 0.0) -> None:
        """Play the whole day with two drives, ``A`` and ``B``.

        Args:
            drives: made and plugged in.
            pause_seconds: time between the scenes, for eyes that follow on the screen.

        Raises:
            DemoFailed: a step did not end as it must.
        """
        self._drives = drives
        for scene in (
            self._shoot,
            self._take_in,
            self._check_cards,
            self._unplug,
            self._plug_elsewhere,
            self._move_files,
            self._relink,
            self._export,
            self._verify,
        ):
            scene()
            if self._stopped.wait(pause_seconds):
                return

    # -- the scenes ------------------------------------------------------------
    def _shoot(self) -> None:
        with self._step("Three cameras shoot: a Sony, a GoPro and a Canon card") as proof:
            self.cards = [
                os.fspath(card) for card in shoot_day(os.path.join(self.folder, "cards"), find_tools())
            ]
            for card in self.cards:
                files = list(_files(card))
                size = sum(os.path.getsize(file) for file in files)
                proof.append(f"{_short(card)}: {len(files)} files, {size / 1e6:.1f} MB")

    def _take_in(self) -> None:
        with self._step("The cards come in: two drives, every file read back from the device") as proof:
            proof.append(self._drives.why)
            queued = ingests.queue(self.library, self.cards, [self._drives.path("A"), self._drives.path("B")])
            done = ingests.wait(self.library, queued["job_id"])
            _must(done["status"] == "completed", f"the ingest ended {done['status']}: {done['error']}")
            equal = sum(
                self._same_bytes(card, self._drives.path(drive))
                for card in self.cards
                for drive in ("A", "B")
            )
            levels = sorted({copy["verify_level"] for copy in self._copies() if copy["role"] != "source"})
            proof.append(
                f"{done['ingested']} files, {done['bytes'] / 1e6:.1f} MB, {done['failed']} failed; "
                f"verified by {' and '.join(filter(None, levels))}"
            )
            proof.append(f"an independent look: {equal} copies, byte for byte those of the cards")

    def _check_cards(self) -> None:
        with self._step("May the cards be formatted?") as proof:
            for card in self.cards:
                verdict = ingests.check_card(self.library, card)
                _must(verdict["safe_to_format"], f"{_short(card)} is not safe: {verdict['blocking'][:3]}")
                proof.append(
                    f"{_short(card)}: safe, {verdict['verified']} of {verdict['files']} files on two devices"
                )

    def _unplug(self) -> None:
        with self._step("Drive A is pulled, then drive B") as proof:
            for drive in ("A", "B"):
                began = time.monotonic()
                self._drives.unplug(drive)
                self._wait_for_volume(drive, "offline")
                proof.append(f"drive {drive} offline after {time.monotonic() - began:.2f} s")
            away = clips.list_clips(self.library, clips.Filters(state="offline"))
            every = clips.list_clips(self.library)
            _must(len(away) == len(every) > 0, f"{len(away)} of {len(every)} clips are offline")
            proof.append(f"{len(away)} of {len(every)} clips offline, none forgotten, none deleted")

    def _plug_elsewhere(self) -> None:
        with self._step("Both come back, at other mount points") as proof:
            for drive in ("B", "A"):
                elsewhere = os.path.join(self.folder, "mnt", f"other place {drive}")
                began = time.monotonic()
                self._drives.plug(drive, at=elsewhere)
                self._wait_for_volume(drive, "online")
                proof.append(
                    f"drive {drive} recognised after {time.monotonic() - began:.2f} s at {_short(elsewhere)}"
                )
            self._until(
                lambda: all(clip["state"] == "online" for clip in clips.list_clips(self.library)),
                "all clips online",
            )
            self._until(lambda: not self._busy(), "the sweeps behind it")
            found = clips.list_clips(self.library)
            readable = sum(os.path.exists(clip["absolute_path"]) for clip in found)
            proof.append(
                f"{readable} of {len(found)} clips online and readable, nothing was relinked by hand"
            )

    def _move_files(self) -> None:
        with self._step(
            "While the drives are away somebody renames files on A and carries files off B"
        ) as proof:
            for drive in ("A", "B"):
                self._drives.unplug(drive)
                self._wait_for_volume(drive, "offline")
            self._drives.plug("A", at=os.path.join(self.folder, "mnt", "workshop A"))
            renamed = self._rearrange(self._drives.path("A"))
            self._drives.plug("B", at=os.path.join(self.folder, "mnt", "workshop B"))
            carried = self._carry_off(self._drives.path("B"), self._shelf)
            for drive in ("A", "B"):
                self._wait_for_volume(drive, "online")
            self._until(lambda: not self._busy(), "the sweeps behind it")
            for drive in ("A", "B"):
                volumes.sweep(self.library, self._drives.volume_name(drive))
            by_itself = relinks.list_candidates(self.library, ("applied",))
            _must(len(by_itself) == renamed, f"{len(by_itself)} of {renamed} renamed files were followed")
            proof.append(f"A: {renamed} files renamed and moved, all {len(by_itself)} followed by themselves")
            _must(len(self._lost()) == carried, f"{len(self._lost())} of {carried} copies are missing")
            proof.append(f"B: {carried} files gone; their copies are missing, nothing was forgotten")

    def _relink(self) -> None:
        with self._step("The shelf is searched, and what was carried off is found by content") as proof:
            queued = relinks.queue_scan(self.library, self._shelf, full_hash=True)
            scan = relinks.wait(self.library, queued["job_id"])
            _must(scan["status"] == "completed", f"the scan ended {scan['status']}: {scan['error']}")
            proof.append(
                f"{scan['files_scanned']} files seen, {scan['files_hashed']} read, "
                f"{scan['candidates']} candidates"
            )
            first = relinks.list_candidates(self.library, ("pending",))[0]
            relinks.apply(self.library, first["candidate_id"])
            relinks.undo(self.library, first["candidate_id"])
            proof.append(f"{first['clip_title']}: applied ({first['confidence']:.0%}), undone, as it was")
            decided = relinks.apply_certain(self.library)
            _must(not self._lost(), f"{len(self._lost())} copies are still missing")
            wrong = sum(
                _hash(copy["absolute_path"]) != part["blake3"]
                for part in self._parts()
                for copy in part["copies"]
            )
            _must(wrong == 0, f"{wrong} copies lead to other bytes")
            proof.append(f"{len(decided['applied'])} relinked; every copy leads to its own bytes again")

    def _export(self) -> None:
        with self._step("A film and proxies go out") as proof:
            out = os.path.join(self.folder, "deliveries")
            os.makedirs(out, exist_ok=True)
            recipes.create_recipe(
                self.library,
                "Day film",
                {"mode": "all", "layout": "joined", "preset": "share", "destination": out},
            )
            recipes.create_recipe(
                self.library,
                "Proxies",
                {"mode": "all", "layout": "per-clip", "preset": self._proxy_preset(), "destination": out},
            )
            queued = exports.queue(self.library, ["Day film", "Proxies"])
            ended = exports.wait(self.library, [run["job_id"] for run in queued["runs"]])
            for run in ended["runs"]:
                _must(run["status"] == "completed", f"{run['recipe']} ended {run['status']}: {run['error']}")
                proof.append(
                    f"{run['recipe']}: {run['frames']} frames in {run['segments']} segments, "
                    f"{(run['output_size'] or 0) / 1e6:.1f} MB in {run['seconds']:.1f} s"
                )
            leftovers = [name for name in os.listdir(out) if name.startswith(".")]
            _must(not leftovers, f"unfinished files are left: {leftovers}")
            proof.append(f"{len(os.listdir(out))} finished files in {_short(out)}, nothing half done")

    def _verify(self) -> None:
        with self._step("At night everything is read again") as proof:
            result = ingests.verify(self.library)
            _must(result["status"] == "completed", f"verify ended {result['status']}: {result['error']}")
            _must(not result["damaged"], f"{len(result['damaged'])} copies are damaged")
            proof.append(f"{result['checked']} copies re-read, {result['bytes'] / 1e6:.1f} MB, 0 damaged")

    # -- tools of the trade ------------------------------------------------------
    @contextmanager
    def _step(self, title: str) -> Iterator[list[str]]:
        self._number += 1
        self._now_doing(title)
        began = time.monotonic()
        proof: list[str] = []
        try:
            yield proof
        except DemoFailed as error:
            raise DemoFailed(f"Step {self._number} ({title}) failed: {error}") from error
        self._tell(Step(self._number, title, tuple(proof), time.monotonic() - began))

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + NOTICE_SECONDS
        while not condition():
            _must(time.monotonic() < deadline, f"{what}: not within {NOTICE_SECONDS:.0f} s")
            time.sleep(jobs.LOOK_SECONDS)

    def _wait_for_volume(self, drive: str, state: str) -> None:
        wanted = self._drives.volume_name(drive)
        self._until(
            lambda: any(
                volume["name"] == wanted and volume["state"] == state
                for volume in volumes.list_volumes(self.library, everything=True)
            ),
            f"drive {drive} {state}",
        )

    def _busy(self) -> bool:
        return bool(jobs.list_jobs(self.library, ("pending", "running")))

    def _parts(self) -> list[dict[str, Any]]:
        return [
            part
            for clip in clips.list_clips(self.library)
            for part in clips.show(self.library, clip["clip_id"])["parts"]
        ]

    def _copies(self) -> list[dict[str, Any]]:
        return [copy for part in self._parts() for copy in part["copies"]]

    def _same_bytes(self, card: str, drive: str) -> int:
        """Compare every file of the card with the drive, by hashing both here; return how many are there."""
        there: dict[str, int] = {}
        for file in _files(drive):
            there[_hash(file)] = there.get(_hash(file), 0) + 1
        missing = [file for file in _files(card) if _hash(file) not in there]
        _must(
            not missing, f"{len(missing)} files of {_short(card)} are not on {_short(drive)}: {missing[:2]}"
        )
        return sum(1 for _ in _files(card))

    def _rearrange(self, drive: str) -> int:
        """Move every film file on the drive to one folder, under names of somebody's own."""
        target = os.path.join(drive, "sorted by hand")
        os.mkdir(target)
        found = [file for file in _files(drive) if file.lower().endswith((".mp4", ".mxf"))]
        for number, file in enumerate(sorted(found), 1):
            os.rename(file, os.path.join(target, f"take {number:03d}{os.path.splitext(file)[1].lower()}"))
        return len(found)

    def _carry_off(self, drive: str, shelf: str) -> int:
        """Move every film file from the drive to a shelf on another volume; times change on the way."""
        os.makedirs(shelf)
        found = [file for file in _files(drive) if file.lower().endswith((".mp4", ".mxf"))]
        for number, file in enumerate(sorted(found), 1):
            shutil.copyfile(file, os.path.join(shelf, f"{number:03d} {os.path.basename(file)}"))
            os.unlink(file)
        return len(found)

    def _lost(self) -> list[dict[str, Any]]:
        return [copy for copy in self._copies() if copy["state"] != "online"]

    def _proxy_preset(self) -> str:
        names = [preset["name"] for preset in presets.list_presets()]
        return next((name for name in names if "proxy" in name.lower() and "h264" in name.lower()), "share")


def remove(folder: str) -> None:
    """Stop the demo's engine and remove everything it made in ``folder``."""
    try:
        library = libraries.open_library(os.path.join(folder, "library"))
        engines.stop(library)
        library.close()
    except RushesError:
        pass  # the day ended before there was one
    shutil.rmtree(folder, ignore_errors=True)


def _files(folder: str) -> Iterator[str]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "lost+found")
        for name in sorted(names):
            yield os.path.join(base, name)


def _hash(path: str) -> str:
    with open(path, "rb") as file:
        return blake3(file.read()).hexdigest()


def _short(path: str) -> str:
    return display(os.path.basename(path.rstrip("/")))


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DemoFailed(otherwise)
