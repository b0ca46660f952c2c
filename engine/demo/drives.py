"""Drives that come and go: loop-mounted ext4 images where root allows, folders that stand in otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Literal, Self

from engine.errors import NotFound, Refused, RushesError
from engine.library import Library
from engine.media import child
from engine.names import display
from engine.volumes.mounts import read as read_mounts
from engine.volumes.stand_ins import make_stand_in

_SECONDS = 30.0
"""Longest time for one mkfs, mount or umount; each takes some hundredths."""

_BUSY_SECONDS = 2.0
"""How long an unplug waits for a file to be closed before the drive is pulled all the same."""

_LABEL_BYTES = 16
"""Longest label of an ext4 file system."""

_TOOLS = ("mkfs.ext4", "mount", "umount", "losetup")


class Drives:
    """Some volumes of our own, made on entry and gone after exit, whatever happens in between.

    Use as a context. On entry the drives are made and plugged in below
    ``<folder>/mnt/<name>``. On exit, and also when this process is killed,
    every mount is taken away; images and folders are removed unless ``keep``.
    Not safe for use from two threads at once.

    Attributes:
        kind: ``loop`` = real file systems; ``stand_in`` = folders with a marker. Known after entry.
        why: what the drives are, for people; of stand-ins also why they are no real ones. Known after entry.
    """

    def __init__(
        self,
        library: Library | None,
        folder: str,
        names: Sequence[str],
        *,
        megabytes: int = 128,
        keep: bool = False,
        stand_in: bool = False,
    ) -> None:
        """Plan the drives; nothing is made yet.

        Args:
            library: the library that stand-ins are told to; file systems are found by the mount table.
                ``None``: tell nobody.
            folder: where images and mount points lie; made when absent.
            names: one drive each; also its label (ext4 keeps 16 bytes of it).
            megabytes: size of each image; sparse, so it costs only what is written.
            keep: leave stand-ins where they are and images in ``<folder>/.drives/away``; mounts never stay.
            stand_in: make stand-ins even where root allows more.
        """
        self.kind: Literal["loop", "stand_in"] = "loop"
        self.why = ""
        self._folder = os.path.realpath(folder)
        self._names = tuple(names)
        self._megabytes = megabytes
        self._library = library
        self._keep = keep
        self._forced = stand_in
        self._at: dict[str, str] = {}
        self._guard: subprocess.Popen[bytes] | None = None

    # -- the context ----------------------------------------------------------

    def __enter__(self) -> Self:
        os.makedirs(os.path.join(self._folder, "mnt"), exist_ok=True)
        os.makedirs(self._away, exist_ok=True)
        try:
            reason = "they were asked for" if self._forced else obstacle()
            if not reason:
                self._start_guard()
                reason = self._make_loops()
            if reason:
                self.kind = "stand_in"
                self.why = f"folders that stand in for drives, because {reason}"
                self._make_stand_ins()
            else:
                self.why = f"real file systems: ext4 images of {self._megabytes} MiB, loop-mounted"
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take every drive away and clean up. May be called again."""
        for name in list(self._at):
            if self._keep and self.kind == "stand_in":
                continue  # no mount to take away: the folder stays where it is
            try:
                self.unplug(name)
            except (RushesError, OSError):
                continue  # the guard, which ends below, tries once more
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            try:
                self._guard.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                self._guard.kill()
            self._guard = None
        if not self._keep:
            shutil.rmtree(self._away, ignore_errors=True)
            self._remove_empty(os.path.join(self._folder, "mnt"))

    # -- using them -----------------------------------------------------------

    def path(self, name: str) -> str:
        """Return where the drive is now.

        Raises:
            NotFound: no such drive, or it is unplugged.
        """
        if name not in self._at:
            raise NotFound(f"There is no drive {display(name)} plugged in.")
        return self._at[name]

    def unplug(self, name: str) -> None:
        """Take the drive away. Its mount point goes as well, as it does for a removable drive.

        A drive in use is waited for two seconds, then pulled.

        Raises:
            NotFound: it is not plugged in.
            RushesError: the system does not let go of it.
        """
        place = self.path(name)
        if self.kind == "stand_in":
            os.rename(place, os.path.join(self._away, name))
        else:
            _unmount(place)
            self._tell_guard("-", place)
            _remove_folder(place)
        del self._at[name]

    def plug(self, name: str, at: str | None = None) -> str:
        """Bring the drive back, at its own place or at ``at``; return the place.

        A stand-in is recognised again in a folder beside its old one.

        Raises:
            NotFound: there is no such drive.
            Refused: it is plugged in already, or something is in that place.
            RushesError: it cannot be mounted.
        """
        if name in self._at:
            raise Refused(f"The drive {display(name)} is plugged in already.")
        source = os.path.join(self._away, name if self.kind == "stand_in" else f"{name}.img")
        if name not in self._names or not os.path.exists(source):
            raise NotFound(f"There is no drive {display(name)}.")
        place = os.path.realpath(at or os.path.join(self._folder, "mnt", name))
        if os.path.isdir(place) and os.listdir(place):
            raise Refused(f"{display(place)} is not empty: no drive is mounted over it.")
        if self.kind == "stand_in":
            os.makedirs(os.path.dirname(place), exist_ok=True)
            _remove_folder(place)
            os.rename(source, place)
        else:
            os.makedirs(place, exist_ok=True)
            self._tell_guard("+", place)
            _must(
                ["mount", "-o", "loop,nodev,nosuid,noexec", source, place],
                f"{display(name)} cannot be mounted",
            )
        self._at[name] = place
        return place

    def volume_name(self, name: str) -> str:
        """The name under which a library that has not met such a name before lists the drive."""
        return name if self.kind == "stand_in" else _label(name)

    # -- making ---------------------------------------------------------------

    @property
    def _away(self) -> str:
        """Where drives are that nobody sees: outside every folder that is watched for stand-ins."""
        return os.path.join(self._folder, ".drives", "away")

    def _make_loops(self) -> str:
        """Make, format and mount the images; return why it did not work, else nothing."""
        try:
            for name in self._names:
                image = os.path.join(self._away, f"{name}.img")
                if not os.path.exists(image):
                    with open(image, "xb") as file:
                        file.truncate(self._megabytes << 20)
                    _must(["mkfs.ext4", "-q", "-F", "-m", "0", "-L", _label(name), image], "mkfs.ext4 failed")
                self.plug(name)
                os.chmod(self._at[name], 0o777)  # noqa: S103 - anybody may write to a drive of the demo
        except RushesError as error:
            for name in list(self._at):
                self.unplug(name)
            for name in self._names:
                image = os.path.join(self._away, f"{name}.img")
                if os.path.exists(image):
                    os.unlink(image)
                _remove_folder(os.path.join(self._folder, "mnt", name))
            return str(error)
        return ""

    def _make_stand_ins(self) -> None:
        for name in self._names:
            away = os.path.join(self._away, name)
            if not os.path.exists(away):
                os.makedirs(away)
            self.plug(name)
            if self._library is not None:
                make_stand_in(self._library.db(), self._at[name], name)

    def _remove_empty(self, volumes: str) -> None:
        for name in os.listdir(volumes) if os.path.isdir(volumes) else ():
            _remove_folder(os.path.join(volumes, name))
        for folder in (volumes, os.path.dirname(self._away), self._folder):
            _remove_folder(folder)

    # -- the guard ------------------------------------------------------------

    def _start_guard(self) -> None:
        """Start the process that unmounts what is left when this one is killed."""
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", os.path.join(os.path.dirname(__file__), "guard.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _tell_guard(self, sign: str, place: str) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            try:
                self._guard.stdin.write(sign.encode() + os.fsencode(place) + b"\0")
                self._guard.stdin.flush()
            except BrokenPipeError:
                self._guard = None  # someone killed it: the exit of the context still cleans up


def obstacle() -> str:
    """Return why loop images cannot be mounted here, or nothing when it is worth a try."""
    if not sys.platform.startswith("linux"):
        return "loop-mounted images need Linux"
    if os.geteuid() != 0:
        return "mounting needs root"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} not installed"
    if not os.path.exists("/dev/loop-control"):
        return "this system has no loop devices"
    return ""


def _label(name: str) -> str:
    return os.fsencode(name)[:_LABEL_BYTES].decode("utf-8", "ignore")


def is_mounted(place: str) -> bool:
    """Whether something is mounted exactly at ``place``, by the mount table alone."""
    return any(mount.mount_point == place for mount in read_mounts())


def _unmount(place: str) -> None:
    deadline = time.monotonic() + _BUSY_SECONDS
    while is_mounted(place):
        ran = child.run(["umount", place], seconds=_SECONDS)
        if ran.code == 0:
            continue  # something may have been mounted over it: look again
        if time.monotonic() < deadline:
            time.sleep(0.05)
            continue
        _must(["umount", "-l", place], f"{display(place)} cannot be unmounted")


def _must(command: list[str], what: str) -> None:
    ran = child.run(command, seconds=_SECONDS)
    if ran.code != 0:
        said = " ".join(ran.err_text.split()) or ("no answer in time" if ran.timed_out else "no reason given")
        raise RushesError(f"{what}: {display(said)}")


def _remove_folder(path: str) -> None:
    try:
        os.rmdir(path)
    except OSError:
        pass  # not there, not empty or in use: then it is not ours to remove
