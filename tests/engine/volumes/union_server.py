"""A pool over /dev/fuse: ``union_server.py POINT FS_TYPE SOURCE BRANCH...`` shows what lies in the branches.

Read-only. Of files with one name that of the first branch is shown. Node numbers are its own, as a pool's
are. As one of mergerfs it tells its branches by the attribute of the file ``.mergerfs``.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import sys

from fuse_server import GETATTR, HELLO, INIT, LOOKUP, OPENDIR, READDIR, RELEASEDIR, ROOT, STATFS, mount, serve

OPEN, READ, RELEASE, GETXATTR, FLUSH = 14, 15, 18, 22, 25
CONTROL = ".mergerfs"


class Union:
    def __init__(self, branches: list[str]) -> None:
        self.branches = branches
        self.paths = {ROOT: ""}
        self.nodes = {"": ROOT}

    def real(self, path: str) -> str | None:
        there = (os.path.join(each, path) for each in self.branches)
        return next((real for real in there if os.path.lexists(real)), None)

    def entry(self, path: str) -> bytes | None:
        real = self.branches[0] if path in ("", CONTROL) else self.real(path)
        if real is None:
            return None
        node = self.nodes.setdefault(path, len(self.nodes) + 1)
        self.paths[node] = path
        facts = os.lstat(real)
        mode = stat.S_IFREG | 0o644 if path == CONTROL else facts.st_mode
        whole, rest = divmod(facts.st_mtime_ns, 1_000_000_000)
        return struct.pack(
            "<QQQQQQIIIIIIIIII", node, facts.st_size, facts.st_blocks, whole, whole, whole, rest, rest, rest,
            mode, facts.st_nlink, facts.st_uid, facts.st_gid, 0, 4096, 0,
        )  # fmt: skip

    def answer(self, opcode: int, node: int, body: bytes) -> bytes | int:
        path = self.paths[node] if opcode != INIT else ""
        if opcode == INIT:
            return HELLO
        if opcode == GETATTR:
            found = self.entry(path)
            return errno.ENOENT if found is None else struct.pack("<QII", 0, 0, 0) + found
        if opcode == LOOKUP:
            below = os.path.join(path, os.fsdecode(body.split(b"\0", 1)[0]))
            found = self.entry(below)
            if found is None:
                return errno.ENOENT
            return struct.pack("<QQQQII", self.nodes[below], 0, 0, 0, 0, 0) + found
        if opcode == STATFS:
            return struct.pack("<QQQQQIIII6I", 9000, 5000, 5000, 10, 10, 4096, 255, 4096, 0, *([0] * 6))
        if opcode in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, 0, 0)
        if opcode == READDIR:
            return self.listing(path) if struct.unpack_from("<QQ", body)[1] == 0 else b""
        if opcode == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            with open(self.real(path) or "", "rb") as file:
                file.seek(offset)
                return file.read(size)
        if opcode == GETXATTR:
            return self.attribute(path, body)
        return b"" if opcode in (RELEASE, RELEASEDIR, FLUSH) else errno.ENOSYS

    def listing(self, path: str) -> bytes:
        names = {
            name
            for each in self.branches
            if os.path.isdir(os.path.join(each, path))
            for name in os.listdir(os.path.join(each, path))
        }
        body = b""
        for position, name in enumerate(sorted(names)):
            raw = os.fsencode(name)
            entry = struct.pack("<QQII", position + 100, position + 1, len(raw), 0) + raw
            body += entry + bytes(-len(entry) % 8)
        return body

    def attribute(self, path: str, body: bytes) -> bytes | int:
        size, _ = struct.unpack_from("<II", body)
        if path != CONTROL or body[8:].rstrip(b"\0") != b"user.mergerfs.branches":
            return errno.ENODATA
        told = os.fsencode(":".join(f"{each}=RW" for each in self.branches))
        return struct.pack("<II", len(told), 0) if size == 0 else told if len(told) <= size else errno.ERANGE


def main() -> None:
    point, fs_type, source, *branches = sys.argv[1:]
    serve(mount(point, fs_type, source), Union(branches).answer)


if __name__ == "__main__":
    main()
