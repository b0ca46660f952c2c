"""``rushes monitor``: a read-only look over HTTP."""

from __future__ import annotations

import click

from tui.cli import options, output


@click.group()
def monitor() -> None:
    """A read-only look at the library over HTTP."""


@monitor.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on. There is no login."
)
@click.option("--port", default=8899, show_default=True, help="0 takes a free one.")
@click.option(
    "--name", "names", multiple=True, help="Also answer to this name: nas.lan, or *.lan. May be repeated."
)
@options.common
def serve(host: str, port: int, names: tuple[str, ...], library_path: str | None, as_json: bool) -> None:
    """Answer GET requests with JSON until ctrl+c: /monitor/jobs, /monitor/volumes, /monitor/health.

    It answers to this machine's own names and addresses alone, so that no page on the web can read it
    through a browser on this network.
    """
    from engine.monitor import serving

    def ready(url: str) -> None:
        if as_json:
            output.document({"url": url})
        else:
            output.say(f"The monitor answers at {url}; ctrl+c ends it.")

    serving.serve(options.open_library(library_path), host, port, ready, names)
