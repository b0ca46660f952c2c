"""The marker file: an id that we may leave on a volume, after a question, never on a card."""

from __future__ import annotations

import json
import os
import uuid

from engine import clock, renaming
from engine.errors import Refused
from engine.names import display
from engine.volumes import touch

MARKER = touch.MARKER


def write_marker(folder: str, label: str, marker_id: str | None = None) -> str:
    """Write a marker into ``folder`` and return its id. A valid one that is there is reused.

    Args:
        folder: root of a volume, or a folder that stands in for one.
        label: what a person calls it.
        marker_id: the id to write; None makes a new one (UUID 4).

    Raises:
        Refused: an unreadable or foreign marker is there (it is left alone), or the folder cannot be written.
    """
    target = os.path.join(folder, MARKER)
    present, problem = touch.read_marker(target)
    if problem:
        raise Refused(f"{display(folder)} holds a marker that is not usable. {problem} It was left as it is.")
    if present is not None:
        if marker_id is not None and present != marker_id:
            raise Refused(f"{display(folder)} is marked as another volume ({display(present[:8])}) already.")
        return present
    identity = marker_id or str(uuid.uuid4())
    content = {"id": identity, "created_at": clock.now(), "label": display(label)}
    temp = f"{target}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            renaming.rename(temp, target)  # one that was made in this moment stays
        except BaseException:
            os.unlink(temp)
            raise
        _sync_folder(folder)
    except OSError as error:
        raise Refused(f"No marker can be written to {display(folder)}: {error.strerror}.") from error
    return identity


def _sync_folder(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
