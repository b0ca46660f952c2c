"""Serving the monitor until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable

from engine.errors import Refused, RushesError
from engine.library import Library
from engine.names import display

HOST = "127.0.0.1"
"""Who is not on this machine must be let in on purpose: the answers name paths, and there is no login."""

PORT = 8899


def serve(
    library: Library,
    host: str = HOST,
    port: int = PORT,
    ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """Answer requests until SIGINT or SIGTERM.

    Args:
        library: what is looked at.
        host: address to listen on; :data:`HOST` keeps it on this machine.
        port: 0 takes a free one.
        ready: called with the address once it answers.

    Raises:
        Refused: the extra is not installed.
        RushesError: the address cannot be had.
    """
    from engine.monitor.pages import application

    try:
        import uvicorn

        app = application(library)
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
