"""Serving the monitor until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

import psutil

from engine.errors import Refused, RushesError, WrongUse
from engine.library import Library
from engine.names import display

HOST = "127.0.0.1"
"""Who is not on this machine must be let in on purpose: the answers name paths, and there is no login."""

PORT = 8899


def own_names(host: str) -> list[str]:
    """By which names this machine may be called in a request, as the header ``Host`` writes them.

    A page on the web can point a name of its own at an address of this machine, and a browser on this
    network then hands the answers to that page. Numbers and our own names cannot be had that way.

    Args:
        host: the address that is listened on.
    """
    own = socket.gethostname().lower()
    found = {host, "localhost", "127.0.0.1", "::1", own, own.partition(".")[0]}
    found.add(f"{own.partition('.')[0]}.local")
    for addresses in psutil.net_if_addrs().values():
        found |= {
            one.address.partition("%")[0]
            for one in addresses
            if one.family in (socket.AF_INET, socket.AF_INET6)
        }
    return sorted(f"[{name}]" if ":" in name else name for name in found if "*" not in name and name)


def serve(
    library: Library,
    host: str = HOST,
    port: int = PORT,
    ready: Callable[[str], None] = lambda _url: None,
    names: Sequence[str] = (),
) -> None:
    """Answer requests until SIGINT or SIGTERM.

    Args:
        library: what is looked at.
        host: address to listen on; :data:`HOST` keeps it on this machine.
        port: 0 takes a free one.
        ready: called with the address once it answers.
        names: further names by which it may be called, ``nas.example.org`` or ``*.example.org``.

    Raises:
        Refused: the extra is not installed.
        WrongUse: a name with a ``*`` within.
        RushesError: the address cannot be had.
    """
    from engine.monitor.pages import application

    wrong = [name for name in names if "*" in name.removeprefix("*.") or not name.strip()]
    if wrong:
        raise WrongUse(f"{display(wrong[0])} is no name of a machine; give one like nas.lan, or *.lan.")
    try:
        import uvicorn

        app = application(library, [*own_names(host), *(name.lower() for name in names)])
    except ModuleNotFoundError as error:
        raise Refused(
            "The monitor needs its extra, which is not installed. "
            "In the folder of rushes: .venv/bin/pip install -c requirements.lock -e '.[monitor]'"
        ) from error
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()  # from here on who calls is answered, if only in a moment
        except (OSError, OverflowError) as error:
            raise RushesError(f"{display(host)}, port {port}, cannot be listened on: {error}.") from error
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        ready(f"http://{shown}:{listener.getsockname()[1]}/")
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
