"""Giving a file another name without ever replacing one, on any file system.

``rename(2)`` replaces what has the name. Where the kernel knows better it is
asked to (Linux, macOS), else a second name is made and the first taken away;
FAT behind FUSE can neither, and is looked at before.
"""

from __future__ import annotations

import ctypes
import errno
import os

_RENAME_NOREPLACE = 1  # linux/fs.h
_RENAME_EXCL = 4  # sys/stdio.h of macOS
_HERE = -100 if hasattr(os, "O_PATH") else -2
"""``AT_FDCWD``, of Linux and of macOS: names are whole paths."""

_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM})

_libc = ctypes.CDLL(None, use_errno=True)


def rename(old: str, new: str, source: int | None = None, target: int | None = None) -> None:
    """Move a file within one file system, replacing nothing.

    Args:
        old: its path, or its name in ``source``.
        new: its new path, or name in ``target``.
        source: an open folder; None: ``old`` is a path.
        target: as ``source``.

    Raises:
        FileExistsError: the name is taken; the file is still where it was.
        OSError: the file system refused; ``EXDEV`` when the two lie on different ones.
    """
    code = _by_kernel(old, new, source, target)
    if code == 0:
        return
    if code not in _UNSUPPORTED:
        raise OSError(code, os.strerror(code), new)
    try:
        os.link(old, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (*_UNSUPPORTED, errno.EMLINK, errno.EXDEV, errno.EACCES):
            raise
    else:
        try:
            os.unlink(old, dir_fd=source)
        except FileNotFoundError:
            return  # a server that was asked twice, or somebody was quicker: it has its new name alone
        except OSError:
            _take_back(old, new, source, target)
            raise
        return
    # Neither of the two exists here (FAT, some FUSE): between this look and the rename nothing of
    # ours takes the name, because a device's jobs run one after the other.
    try:
        os.stat(new, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(old, new, src_dir_fd=source, dst_dir_fd=target)
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)


def _take_back(old: str, new: str, source: int | None, target: int | None) -> None:
    """Take a second name away again, where the first is certainly there still."""
    facts = os.stat(old, dir_fd=source, follow_symlinks=False)
    if os.path.samestat(facts, os.stat(new, dir_fd=target, follow_symlinks=False)):
        os.unlink(new, dir_fd=target)


def _by_kernel(old: str, new: str, source: int | None, target: int | None) -> int:
    """Ask the kernel; 0, or an error number."""
    for name, flag in (("renameat2", _RENAME_NOREPLACE), ("renameatx_np", _RENAME_EXCL)):
        if hasattr(_libc, name):
            first, second = (_HERE if folder is None else folder for folder in (source, target))
            if getattr(_libc, name)(first, os.fsencode(old), second, os.fsencode(new), flag) == 0:
                return 0
            return ctypes.get_errno()
    return errno.ENOSYS
