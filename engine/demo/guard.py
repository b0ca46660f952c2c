"""Unmounts what a killed demo leaves behind. Run as a script; standard library only.

Reads ``+<mount point>NUL`` and ``-<mount point>NUL`` from its input; when the
input ends, because its starter closed it or died, it takes away every mount
point that is left on the list.
"""

from __future__ import annotations

import os
import subprocess
import sys


def main() -> None:
    """Listen, then clean up."""
    left: list[bytes] = []
    pending = b""
    while chunk := os.read(0, 65536):
        *words, pending = (pending + chunk).split(b"\0")
        for word in words:
            if word[:1] == b"+":
                left.append(word[1:])
            elif word[1:] in left:
                left.remove(word[1:])
    for place in reversed(left):
        for command in (["umount"], ["umount", "-l"]):
            done = subprocess.run([*command, place], check=False, timeout=60, capture_output=True)
            if done.returncode == 0:
                break


if __name__ == "__main__":
    main()
    sys.exit(0)
