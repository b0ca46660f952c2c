"""A FUSE file system with an empty root, spoken to over /dev/fuse directly.

It answers INIT, GETATTR, STATFS, OPENDIR, READDIR and RELEASEDIR; anything else
is ENOSYS. SIGSTOP makes it hang; its end makes the kernel abort what waits.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys

HEADER = struct.Struct("<IIQQIIII")
GETATTR, OPENDIR, READDIR, RELEASEDIR, STATFS, INIT, FORGET, BATCH_FORGET = 3, 27, 28, 29, 17, 26, 2, 42
LOOKUP = 1


def main() -> None:
    point = sys.argv[1]
    fuse = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"hang", os.fsencode(point), b"fuse.hang", 0, options.encode()) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    announced = False
    while True:
        try:
            request = os.read(fuse, 1 << 17)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return
            continue
        _, opcode, unique, *_ = HEADER.unpack_from(request)
        if opcode in (FORGET, BATCH_FORGET):
            continue
        answer = reply(opcode)
        code = -errno.ENOENT if opcode == LOOKUP else (-errno.ENOSYS if answer is None else 0)
        body = answer or b""
        os.write(fuse, struct.pack("<IiQ", 16 + len(body), code, unique) + body)
        if opcode == INIT and not announced:
            announced = True
            sys.stdout.write("ready\n")
            sys.stdout.flush()


def reply(opcode: int) -> bytes | None:
    if opcode == INIT:
        return struct.pack("<IIIIHHIIHHI7I", 7, 31, 65536, 0, 16, 12, 65536, 1, 0, 0, 0, *([0] * 7))
    if opcode == GETATTR:
        attributes = struct.pack(
            "<QQQQQQIIIIIIIIII", 1, 0, 0, 0, 0, 0, 0, 0, 0, stat.S_IFDIR | 0o755, 2, 0, 0, 0, 4096, 0
        )
        return struct.pack("<QII", 0, 0, 0) + attributes
    if opcode == STATFS:
        return struct.pack("<QQQQQIIII6I", 1000, 500, 500, 10, 10, 4096, 255, 4096, 0, *([0] * 6))
    if opcode == OPENDIR:
        return struct.pack("<QII", 0, 0, 0)
    if opcode in (READDIR, RELEASEDIR):
        return b""
    return None


if __name__ == "__main__":
    main()
