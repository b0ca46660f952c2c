"""A destination folder held open, and publishing inside it without ever replacing anything.

Every folder below the destination is opened component by component, without
following links, and must lie on the same file system. So a link planted in the
tree leads nowhere, and a mount that went away cannot turn the empty mount
point into a target.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Collection

from engine import renaming
from engine.errors import VolumeGone
from engine.names import NAME_MAX_BYTES, display

_KEEP_OPEN = 16
"""Folders that stay open between two bundles."""

_libc = ctypes.CDLL(None, use_errno=True)


class Root:
    """One destination folder, open. Used by one thread; :meth:`close` gives its file descriptors back.

    Raises on construction:
        VolumeGone: the folder is not on the file system that was expected there.
        OSError: it cannot be opened or made.
    """

    def __init__(self, path: str, device_number: int, *, make: bool = True) -> None:
        """Open ``path`` (made when its parent exists), which must lie on ``device_number`` (``st_dev``)."""
        self.path = path
        self._device = device_number
        self._open: dict[tuple[str, ...], int] = {}
        try:
            self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            if not make:
                raise
            self.fd = self._make_root(path)
        if os.fstat(self.fd).st_dev != device_number:
            os.close(self.fd)
            raise VolumeGone(f"{display(path)} no longer lies on the volume that was chosen.")

    def _make_root(self, path: str) -> int:
        parent = os.open(os.path.dirname(path) or "/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if os.fstat(parent).st_dev != self._device:
                raise VolumeGone(f"{display(path)} no longer lies on the volume that was chosen.")
            return self._enter(parent, os.path.basename(path), make=True)
        finally:
            os.close(parent)

    def folder(self, parts: tuple[str, ...], *, make: bool) -> int:
        """Return an open descriptor of the folder ``parts`` below the root, valid until :meth:`trim`.

        Args:
            parts: names from the root downwards; empty is the root itself.
            make: make what is missing, each new folder synced into its parent.

        Raises:
            FileNotFoundError: it does not exist and ``make`` is false.
            NotADirectoryError: a file or a link has one of the names.
            OSError: it cannot be opened or made.
        """
        if not parts:
            return self.fd
        known = self._open.pop(parts, None)
        if known is None:
            known = self._enter(self.folder(parts[:-1], make=make), parts[-1], make=make)
        self._open[parts] = known  # the last used is the last to be closed
        return known

    def trim(self, needed: Collection[int] = ()) -> None:
        """Close folders that were not used lately. Descriptors that :meth:`folder` gave out end here.

        Those in ``needed`` stay.
        """
        idle = [parts for parts, fd in self._open.items() if fd not in needed]
        for parts in idle[: max(0, len(self._open) - _KEEP_OPEN)]:
            os.close(self._open.pop(parts))

    def _enter(self, parent: int, name: str, *, make: bool) -> int:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            fd = os.open(name, flags, dir_fd=parent)
        except FileNotFoundError:
            if not make:
                raise
            try:
                os.mkdir(name, dir_fd=parent)
            except FileExistsError:
                pass  # made by somebody else in this moment
            else:
                sync_folder(parent)
            fd = os.open(name, flags, dir_fd=parent)
        if os.fstat(fd).st_dev != self._device:
            os.close(fd)
            raise VolumeGone(f"{display(name)} in {display(self.path)} lies on another file system.")
        return fd

    def close(self) -> None:
        """Close everything that was opened."""
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def sync_folder(fd: int) -> None:
    """Make the names in an open folder durable. File systems that cannot sync a folder are left alone."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS, errno.EBADF):
            raise


def flush_file_system(fd: int) -> None:
    """Flush everything that was written to the file system of an open folder to its device.

    Raises:
        OSError: not all of it could be written.
    """
    if _libc.syncfs(fd) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def publish(folder: int, temp: str, name: str) -> None:
    """Give the file ``temp`` its final ``name`` in the same folder, replacing nothing.

    Raises:
        FileExistsError: the name is taken; ``temp`` is still there.
        OSError: the file system refused.
    """
    renaming.rename(temp, name, folder, folder)


def look(folder: int, name: str) -> os.stat_result | None:
    """``lstat`` of a name in an open folder; None when there is nothing."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def is_file(facts: os.stat_result) -> bool:
    """Whether this is a regular file."""
    return stat.S_ISREG(facts.st_mode)


def temp_name(name: str, job_id: str) -> str:
    """Name of the file under construction: ``.<name>.<short job id>.part``, at most 255 bytes.

    A name too long for that is cut and told apart by a digest of the whole.
    """
    tail = f".{job_id[:8]}.part".encode()
    raw = os.fsencode(name)
    if len(raw) + 1 + len(tail) > NAME_MAX_BYTES:
        from blake3 import blake3

        tail = b"." + blake3(raw).hexdigest()[:12].encode() + tail
        raw = raw[: NAME_MAX_BYTES - 1 - len(tail)]
        # Not in the middle of a character: some file systems refuse half of one.
        raw = raw.decode("utf-8", "ignore").encode() if _is_utf8(name) else raw
    return os.fsdecode(b"." + raw + tail)


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def remove_temp(folder: int, temp: str) -> bool:
    """Remove a file under construction. Returns whether there was one."""
    if not (temp.startswith(".") and temp.endswith(".part")):
        raise ValueError(f"{display(temp)} is not one of our temporary names")
    try:
        os.unlink(temp, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True
