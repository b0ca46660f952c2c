"""Import every module as on macOS: without what only Linux has in the standard library. Prints JSON.

What comes from elsewhere is imported before, because its own parts for macOS are not installed here.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import select
import sys
import warnings

warnings.simplefilter("ignore")

ELSEWHERE = ("psutil", "urllib.request", "watchdog.observers", "sqlite_utils", "textual.app", "rich.console")

LINUX_OS = (
    "copy_file_range", "eventfd", "fdatasync", "getxattr", "listxattr", "memfd_create", "pidfd_open", "pipe2",
    "posix_fadvise", "posix_fallocate", "removexattr", "sched_getaffinity", "sched_setaffinity", "setxattr",
    "splice",
)  # fmt: skip
LINUX_PREFIXES = ("POSIX_FADV_", "SCHED_", "XATTR_", "MFD_", "SPLICE_", "EFD_", "RWF_")
LINUX_FLAGS = ("O_DIRECT", "O_NOATIME", "O_TMPFILE", "O_PATH", "O_RSYNC")


def main() -> None:
    for name in ELSEWHERE:
        importlib.import_module(name)
    for name in dir(os):
        if name in LINUX_OS or name in LINUX_FLAGS or name.startswith(LINUX_PREFIXES):
            delattr(os, name)
    for name in [name for name in dir(select) if name.startswith(("epoll", "EPOLL"))]:
        delattr(select, name)
    sys.platform = "darwin"
    failed: dict[str, str] = {}
    count = 0
    for package in (importlib.import_module("engine"), importlib.import_module("tui")):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.rpartition(".")[2] == "__main__":
                continue
            count += 1
            try:
                importlib.import_module(found.name)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
                failed[found.name] = repr(error)
    from engine.media import hashing, rereading
    from engine.volumes import platforms

    path = os.path.abspath(__file__)
    descriptor = hashing.open_for_reading(path, direct=True)
    read = bool(hashing.digest_fd(descriptor).blake3)
    cached = rereading.cached_pages(descriptor)
    json.dump(
        {
            "modules": count,
            "failed": failed,
            "system": platforms.system().name,
            "read": read,
            "cached": cached,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
