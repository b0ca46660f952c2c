"""What the monitor answers: JSON of jobs, volumes and reports. It can change nothing.

The web framework (Starlette) is an optional extra, imported when the monitor is served.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine import __version__
from engine.api import engines, jobs, volumes
from engine.errors import NotFound, RushesError
from engine.library import Library
from engine.names import json_name

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

LIMIT = 1000
"""Jobs in one answer, the newest."""


def service(library: Library) -> dict[str, Any]:
    """What this is, and where to look."""
    return {
        "service": "rushes",
        "version": __version__,
        "library": library.name,
        "read_only": True,
        "pages": [path for path, _ in _PAGES],
    }


def health(library: Library) -> dict[str, Any]:
    """Whether the catalogue answers and an engine runs: ``status`` is ``ok`` when both do."""
    status = engines.status(library)
    return {
        "status": "ok" if status["running"] else "no engine",
        "engine": status["running"],
        "jobs_running": status["jobs_running"],
    }


def summaries(library: Library) -> dict[str, Any]:
    """Jobs, the newest first, and how many there are."""
    found = jobs.list_jobs(library, limit=LIMIT)
    return {"total": len(found), "jobs": found}


def one_job(library: Library, job_id: str) -> dict[str, Any]:
    """One job with its tasks. Raises NotFound."""
    return jobs.show(library, job_id)


def reports(library: Library, job_id: str) -> dict[str, Any]:
    """Reports of a job that lie where rushes writes them, the newest first. Raises NotFound."""
    job = jobs.show(library, job_id)
    folder = os.path.join(str(library.folder), "reports")
    found: list[tuple[int, dict[str, Any]]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if job["job_id"][:8] in entry.name and not entry.name.startswith("."):
                    facts = entry.stat(follow_symlinks=False)
                    about = {
                        **json_name("filename", entry.name),
                        **json_name("path", entry.path),
                        "size": facts.st_size,
                        "modified_ns": facts.st_mtime_ns,
                    }
                    found.append((facts.st_mtime_ns, about))
    except FileNotFoundError:
        pass  # no report was ever written
    newest = sorted(found, key=lambda pair: pair[0], reverse=True)
    return {"job_id": job["job_id"], "reports": [about for _, about in newest]}


def drives(library: Library) -> dict[str, Any]:
    """Volumes with their last known facts."""
    return {"volumes": volumes.list_volumes(library)}


_PAGES: tuple[tuple[str, Callable[..., dict[str, Any]]], ...] = (
    ("/", service),
    ("/health", health),
    ("/monitor/health", health),
    ("/monitor/jobs", summaries),
    ("/monitor/jobs/{job_id}", one_job),
    ("/monitor/jobs/{job_id}/reports", reports),
    ("/monitor/volumes", drives),
)


def application(library: Library, names: Sequence[str]) -> Starlette:
    """The pages as an ASGI application. Only GET and HEAD are answered; each request reads anew.

    Args:
        library: what is looked at.
        names: by which names it may be called; another ``Host`` is answered with 400.

    Raises:
        ImportError: the extra ``monitor`` is not installed.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.routing import Route

    routes = [Route(path, _answering(library, page), methods=["GET"]) for path, page in _PAGES]
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=list(names), www_redirect=False)
    return Starlette(routes=routes, middleware=[guard])


def _answering(library: Library, page: Callable[..., dict[str, Any]]) -> Callable[[Request], Response]:
    from starlette.responses import JSONResponse

    def answer(request: Request) -> Response:
        try:
            return JSONResponse(page(library, **request.path_params))
        except NotFound as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        except RushesError as error:
            return JSONResponse({"error": str(error)}, status_code=500)

    return answer
