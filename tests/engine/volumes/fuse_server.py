"""A FUSE file system spoken to over /dev/fuse directly: ``fuse_server.py POINT [FOLDERS]``.

FOLDERS folders ``d000``... hold a file ``C.MP4`` of 70,000 bytes each, which nobody can open; 0 is an
empty root. It answers INIT, GETATTR, LOOKUP, STATFS, OPENDIR, READDIR and RELEASEDIR; anything else is
ENOSYS. SIGSTOP makes it hang; its end makes the kernel abort what waits. While a file
``POINT.hang`` exists it stops itself when a folder after the first is opened, with the request in hand.
While ``POINT.empty`` exists it shows nothing, as a server does whose disk is not mounted.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import stat
import struct
import sys
from collections.abc import Callable

HEADER = struct.Struct("<IIQQIIII")
GETATTR, OPENDIR, READDIR, RELEASEDIR, STATFS, INIT, FORGET, BATCH_FORGET = 3, 27, 28, 29, 17, 26, 2, 42
LOOKUP = 1
ROOT, FIRST_FOLDER, FIRST_FILE = 1, 10, 10_000
FILE, FILE_BYTES = "C.MP4", 70_000
MTIME = 1_700_000_000
HELLO = struct.pack("<IIIIHHIIHHI7I", 7, 31, 65536, 0, 16, 12, 65536, 1, 0, 0, 0, *([0] * 7))


def mount(point: str, fs_type: str = "fuse.hang", source: str = "hang") -> int:
    """Mount an empty FUSE file system; returns the descriptor over which the kernel asks."""
    fuse = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), os.fsencode(point), fs_type.encode(), 0, options.encode()) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    return fuse


def serve(fuse: int, answer: Callable[[int, int, bytes], bytes | int]) -> None:
    """Answer requests until the file system is gone; ``answer`` gives a body, or an errno."""
    announced = False
    while True:
        try:
            request = os.read(fuse, 1 << 17)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return
            continue
        _, opcode, unique, node, *_ = HEADER.unpack_from(request)
        if opcode in (FORGET, BATCH_FORGET):
            continue
        given = answer(opcode, node, request[HEADER.size :])
        code, body = (-given, b"") if isinstance(given, int) else (0, given)
        os.write(fuse, struct.pack("<IiQ", 16 + len(body), code, unique) + body)
        if opcode == INIT and not announced:
            announced = True
            sys.stdout.write("ready\n")
            sys.stdout.flush()


def main() -> None:
    point, folders = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0

    def answer(opcode: int, node: int, body: bytes) -> bytes | int:
        if opcode == OPENDIR and node > FIRST_FOLDER and os.path.exists(f"{point}.hang"):
            os.kill(os.getpid(), signal.SIGSTOP)
        found = reply(opcode, node, body, 0 if os.path.exists(f"{point}.empty") else folders)
        if found is None:
            return errno.ENOENT if opcode == LOOKUP else errno.ENOSYS
        return found

    serve(mount(point), answer)


def attributes(node: int) -> bytes:
    is_file = node >= FIRST_FILE
    mode = stat.S_IFREG | 0o644 if is_file else stat.S_IFDIR | 0o755
    size = FILE_BYTES if is_file else 0
    return struct.pack(
        "<QQQQQQIIIIIIIIII", node, size, 0, MTIME, MTIME, MTIME, 0, 0, 0, mode, 1 if is_file else 2,
        0, 0, 0, 4096, 0,
    )  # fmt: skip


def look_up(parent: int, name: str, folders: int) -> int | None:
    if parent == ROOT:
        known = {f"d{number:03}": FIRST_FOLDER + number for number in range(folders)}
        return known.get(name)
    return FIRST_FILE + parent if name == FILE and parent < FIRST_FILE else None


def listing(node: int, folders: int) -> bytes:
    if node != ROOT:
        entries = [(FIRST_FILE + node, FILE, stat.S_IFREG)]
    else:
        entries = [(FIRST_FOLDER + number, f"d{number:03}", stat.S_IFDIR) for number in range(folders)]
    body = b""
    for position, (number, name, kind) in enumerate(entries):
        entry = struct.pack("<QQII", number, position + 1, len(name), kind >> 12) + name.encode()
        body += entry + bytes(-len(entry) % 8)
    return body


def reply(opcode: int, node: int, body: bytes, folders: int) -> bytes | None:
    if opcode == INIT:
        return HELLO
    if opcode == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + attributes(node)
    if opcode == LOOKUP:
        found = look_up(node, body.split(b"\0", 1)[0].decode("utf-8", "replace"), folders)
        return None if found is None else struct.pack("<QQQQII", found, 0, 0, 0, 0, 0) + attributes(found)
    if opcode == STATFS:
        return struct.pack("<QQQQQIIII6I", 1000, 500, 500, 10, 10, 4096, 255, 4096, 0, *([0] * 6))
    if opcode == OPENDIR:
        return struct.pack("<QII", 0, 0, 0)
    if opcode == READDIR:
        _, offset = struct.unpack_from("<QQ", body)
        return b"" if offset else listing(node, folders)
    if opcode == RELEASEDIR:
        return b""
    return None


if __name__ == "__main__":
    main()
