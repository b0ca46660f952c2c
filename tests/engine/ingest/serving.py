"""An SSH server of the test's own on loopback, and mounts of its folders by sshfs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Served:
    """A folder of a server, mounted; the server can be stopped, hung and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exported = folder / "exported"
        self.point = folder / "share"
        self.port = _free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self._mounted = False
        self.exported.mkdir(parents=True)
        self.point.mkdir()
        for name in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / f"{name}_key"], check=True
            )
        shutil.copy(folder / "user_key.pub", folder / "authorized")
        (folder / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nUsePAM no\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nPidFile none\nPermitRootLogin yes\n"
            "Subsystem sftp internal-sftp\n"
        )

    def start(self) -> None:
        """Start the server; a mount has to be made anew."""
        Path("/run/sshd").mkdir(exist_ok=True)
        self._server = subprocess.Popen(
            [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "config")],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        pytest.fail("the SSH server does not start")

    def mount(self) -> None:
        """Mount the exported folder."""
        ran = subprocess.run(
            ["sshfs", f"root@127.0.0.1:{self.exported}", str(self.point), "-p", str(self.port),
             "-o", f"IdentityFile={self.folder}/user_key,StrictHostKeyChecking=no",
             "-o", "UserKnownHostsFile=/dev/null,ServerAliveInterval=0,dir_cache=no"],
            check=False, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        if ran.returncode:
            pytest.skip(f"sshfs cannot mount here: {ran.stderr.strip()}")
        self._mounted = True

    def workers(self) -> list[int]:
        """Process ids of the server's sessions: they do the work of a mount."""
        assert self._server is not None
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.getsid(int(entry.name)) != os.getsid(0):
                    fields = (entry / "stat").read_text().rsplit(") ", 1)[1].split()
                    if int(fields[1]) == self._server.pid:
                        found.append(int(entry.name))
                        found.extend(_children(int(entry.name)))
            except (OSError, ProcessLookupError):
                continue
        return found

    def hang(self) -> None:
        """Stop answering, keep the connection: what a NAS does that has lost its disk."""
        for pid in self.workers():
            os.kill(pid, signal.SIGSTOP)

    def wake(self) -> None:
        """Answer again."""
        for pid in self.workers():
            os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        """The server is gone, with every connection."""
        if self._server is not None:
            for pid in [*self.workers(), self._server.pid]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self._server.wait(10)
            self._server = None

    def unmount(self) -> None:
        """Take the mount away, also one whose server does not answer."""
        if self._mounted:
            subprocess.run(["umount", "-l", self.point], check=False, capture_output=True, timeout=30)
            self._mounted = False


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A mounted share; everything is taken down at the end, whatever happened."""
    for program in ("sshfs", "ssh-keygen"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: a real network mount was not tried")
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("a network mount needs root and /dev/fuse")
    if shutil.which("sshd") is None and not Path("/usr/sbin/sshd").exists():
        pytest.skip("sshd is not installed: a real network mount was not tried")
    share = Served(folder)
    try:
        share.start()
        share.mount()
        yield share
    finally:
        share.stop()
        share.unmount()
