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
@options.common
def serve(host: str, port: int, library_path: str | None, as_json: bool) -> None:
    """Answer GET requests with JSON until ctrl+c: /monitor/jobs, /monitor/volumes, /monitor/health."""
    from engine.monitor import serving

    def ready(url: str) -> None:
        if as_json:
            output.document({"url": url})
        else:
            output.say(f"The monitor answers at {url}; ctrl+c ends it.")

    serving.serve(options.open_library(library_path), host, port, ready)
