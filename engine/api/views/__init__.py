"""The SQL behind the screens: rows, details and counts of a library, read and never written.

Every object here belongs to the thread that made it. Queries are plain reads
of at most a screenful; order and filter are done by SQLite, so that a list of
100,000 rows costs its ids and nothing else.
"""

from engine.api.views.asides import (
    Damaged,
    notice_source,
    notices,
    offer_source,
    past_source,
    rule_source,
    saw_all,
    session_source,
    watch_source,
)
from engine.api.views.base import log
from engine.api.views.candidates import Candidates, last_scan
from engine.api.views.clips import Clips
from engine.api.views.files import Files
from engine.api.views.jobs import Jobs
from engine.api.views.runs import Runs
from engine.api.views.totals import Changes, counts, running
from engine.api.views.volumes import Volumes

__all__ = [
    "Candidates",
    "Changes",
    "Clips",
    "Damaged",
    "Files",
    "Jobs",
    "Runs",
    "Volumes",
    "counts",
    "last_scan",
    "log",
    "notice_source",
    "notices",
    "offer_source",
    "past_source",
    "rule_source",
    "running",
    "saw_all",
    "session_source",
    "watch_source",
]
