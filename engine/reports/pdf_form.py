"""The report as PDF, A4: summary and problems on the first pages, then every card with its clips.

Drawn line by line, so that thousands of clips cost time and pages, not memory
of their own. The same report gives the same bytes.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from engine.names import display
from engine.reports import words
from engine.reports.fonts import BOLD, REGULAR, runs, width, wrap
from engine.reports.report import ClipRow, FileRow, Report, Section
from engine.reports.txt_form import head, section_head

_WIDTH, _HEIGHT = 595.28, 841.89
_LEFT, _RIGHT, _TOP, _BOTTOM = 42.0, 42.0, 48.0, 46.0
_ROOM = _WIDTH - _LEFT - _RIGHT
_PICTURE = 92.0
"""Width kept for a clip's picture, points."""
_PIXELS = 176
"""Longest side of an embedded picture: 150 dots an inch at that width."""
_LABELS = 96.0

_INK = (0.11, 0.12, 0.14)
_QUIET = (0.36, 0.39, 0.43)
_RED = (0.70, 0.05, 0.09)
_AMBER = (0.55, 0.36, 0.0)
_GREEN = (0.08, 0.43, 0.19)
_PALE = {"error": (0.99, 0.93, 0.93), "warning": (1.0, 0.97, 0.9), "note": (0.95, 0.96, 0.97)}
_STRONG = {"error": _RED, "warning": _AMBER, "note": _QUIET}

Colour = tuple[float, float, float]


def write(report: Report, stream: BinaryIO) -> None:
    """Write the document."""
    page = _Page(report, stream)
    page.line(f"{report.production}: {report.title}", BOLD, 15)
    page.gap(4)
    page.box(
        [(report.verdict, BOLD, 10.5)],
        *((_GREEN, (0.91, 0.97, 0.93)) if report.good else (_RED, _PALE["error"])),
    )
    page.gap(4)
    _pairs(page, head(report))
    if report.problems:
        page.heading("Errors and warnings")
        for problem in report.problems:
            where = f"{problem.where}: " if problem.where else ""
            text = f"{problem.weight.upper()}  {where}{problem.sentence}"
            page.box([(text, REGULAR, 8.5)], _STRONG[problem.weight], _PALE[problem.weight])
    for section in report.sections:
        _section(page, section)
    page.end()


class _Page:
    """A canvas with a place to go on from; begins a new page when there is no room."""

    def __init__(self, report: Report, stream: BinaryIO) -> None:
        from reportlab import rl_config
        from reportlab.pdfgen.canvas import Canvas

        rl_config.useA85 = 0  # pictures as bytes, not as text
        self._canvas: Any = Canvas(
            stream, pagesize=(_WIDTH, _HEIGHT), pageCompression=1, invariant=1, lang="en"
        )
        self._canvas.setTitle(f"{report.production}: {report.title}")
        self._canvas.setAuthor(report.operator)
        self._canvas.setCreator(f"{report.tool} {report.version}")
        self._canvas.setSubject(report.verdict)
        self._foot = (
            f"{report.production} - {words.spoken(report.kind)} {report.ident} - "
            f"{report.tool} {report.version}, {words.moment(report.made_at)}"
        )
        self._number = 1
        self.y = _HEIGHT - _TOP

    def need(self, height: float) -> None:
        """Make sure that so much fits on this page."""
        if self.y - height < _BOTTOM:
            self._finish()
            self.y = _HEIGHT - _TOP

    def gap(self, height: float) -> None:
        """Leave some room."""
        self.y -= height

    def text(self, x: float, y: float, text: str, font: str, size: float, colour: Colour) -> None:
        """Draw one line that is known to fit."""
        self._canvas.setFillColorRGB(*colour)
        for name, part in runs(display(text), font):
            self._canvas.setFont(name, size)
            self._canvas.drawString(x, y, part)
            x += self._canvas.stringWidth(part, name, size)

    def line(
        self, text: str, font: str = REGULAR, size: float = 8.5, colour: Colour = _INK, left: float = _LEFT
    ) -> None:
        """Draw a text in as many lines as it needs."""
        for part in wrap(display(text), font, size, _WIDTH - _RIGHT - left):
            self.need(size * 1.35)
            self.y -= size * 1.35
            self.text(left, self.y + size * 0.3, part, font, size, colour)

    def heading(self, text: str) -> None:
        """Begin a part."""
        self.need(60)
        self.gap(14)
        self.line(text, BOLD, 11.5)
        self._canvas.setStrokeColorRGB(*_INK)
        self._canvas.setLineWidth(1)
        self._canvas.line(_LEFT, self.y - 1, _WIDTH - _RIGHT, self.y - 1)
        self.gap(6)

    def box(self, texts: list[tuple[str, str, float]], strong: Colour, pale: Colour) -> None:
        """Draw texts on a coloured ground with a bar at the left."""
        for text, font, size in texts:
            lines = wrap(display(text), font, size, _ROOM - 16)
            for start in range(0, len(lines), 40):
                part = lines[start : start + 40]
                height = len(part) * size * 1.35 + 6
                self.need(height + 3)
                self._canvas.setFillColorRGB(*pale)
                self._canvas.rect(_LEFT, self.y - height, _ROOM, height, stroke=0, fill=1)
                self._canvas.setFillColorRGB(*strong)
                self._canvas.rect(_LEFT, self.y - height, 3, height, stroke=0, fill=1)
                y = self.y - 3
                for one in part:
                    y -= size * 1.35
                    self.text(_LEFT + 10, y + size * 0.3, one, font, size, _INK)
                self.y -= height + 3

    def picture(self, path: str, top: float) -> float:
        """Draw a picture below ``top`` at the left; return its height, 0 when it cannot be read."""
        from reportlab.lib.utils import ImageReader

        small = _small(path)
        if small is None:
            return 0.0
        data, across, down = small
        scale = (_PICTURE - 8) / max(across, down)
        high = down * scale
        self._canvas.drawImage(ImageReader(data), _LEFT, top - high, across * scale, high)
        return high

    def rule(self) -> None:
        """Draw a thin line across."""
        self._canvas.setStrokeColorRGB(0.82, 0.84, 0.87)
        self._canvas.setLineWidth(0.5)
        self._canvas.line(_LEFT, self.y, _WIDTH - _RIGHT, self.y)

    def _finish(self) -> None:
        number = str(self._number)
        foot = self._foot
        room = _ROOM - 40
        while foot and width(foot, REGULAR, 7) > room:
            foot = foot[:-1]
        self.text(_LEFT, _BOTTOM - 20, foot, REGULAR, 7, _QUIET)
        self.text(_WIDTH - _RIGHT - width(number, REGULAR, 7), _BOTTOM - 20, number, REGULAR, 7, _QUIET)
        self._canvas.showPage()
        self._number += 1

    def end(self) -> None:
        """Write the last page and the document."""
        self._finish()
        self._canvas.save()


def _small(path: str) -> tuple[io.BytesIO, int, int] | None:
    """A picture in the size that paper needs, with its width and height; None when it cannot be read.

    The document is put together in memory: thousands of pictures in their own size would fill it.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.draft("RGB", (_PIXELS, _PIXELS))
            image.thumbnail((_PIXELS, _PIXELS))
            data = io.BytesIO()
            image.convert("RGB").save(data, "JPEG", quality=72)
            return data, image.width, image.height
    except (OSError, ValueError):
        return None  # a picture is a convenience: the row says everything without it


def _pairs(page: _Page, pairs: list[tuple[str, str]]) -> None:
    for word, value in pairs:
        lines = wrap(display(value), REGULAR, 8.5, _ROOM - _LABELS)
        for number, part in enumerate(lines):
            page.need(11.5)
            page.y -= 11.5
            if not number:
                page.text(_LEFT, page.y + 2.5, word, REGULAR, 8.5, _QUIET)
            page.text(_LEFT + _LABELS, page.y + 2.5, part, REGULAR, 8.5, _INK)


def _section(page: _Page, section: Section) -> None:
    page.heading(section.title)
    _pairs(page, section_head(section))
    page.gap(8)
    for clip in section.clips:
        _clip(page, clip)
    if section.files:
        page.need(40)
        page.gap(6)
        page.line("Files that belong to no clip" if section.clips else "Files", BOLD, 9)
        for file in section.files:
            page.need(30)
            _file(page, file, _LEFT)
            page.gap(2)


def _clip(page: _Page, clip: ClipRow) -> None:
    """One clip: picture at the left, what is known at the right; kept together when it fits on a page."""
    left = _LEFT + _PICTURE
    facts = [
        f"reel {clip.reel}" if clip.reel else "",
        f"TC {clip.timecode}" if clip.timecode else "",
        words.length(clip.duration_ms) if clip.duration_ms is not None else "",
        words.picture(clip),
        words.size(clip.size),
    ]
    more = [clip.camera or "", words.recorded(clip.recorded_at) if clip.recorded_at else ""]
    page.need(min(34 + 46 * len(clip.files), 240))
    page.rule()
    page.gap(4)
    top, before = page.y, page._number
    high = page.picture(clip.thumbnail, top) if clip.thumbnail else 0.0
    page.line(clip.title, BOLD, 9.5, left=left)
    page.line("   ".join(fact for fact in facts if fact), left=left)
    if any(more):
        page.line("   ".join(part for part in more if part), size=7.5, colour=_QUIET, left=left)
    for warning in clip.warnings:
        page.line(warning, size=7.5, colour=_AMBER, left=left)
    for file in clip.files:
        _file(page, file, left)
    if page._number == before:
        page.y = min(page.y, top - high)
    page.gap(6)


def _file(page: _Page, file: FileRow, left: float) -> None:
    role = f"{file.role}: " if file.role else ""
    page.line(
        f"{role}{display(file.name)}   {words.size(file.size)}   {words.spoken(file.status)}",
        size=8,
        left=left,
    )
    for name, value in words.digests(file):
        page.line(f"{name} {value}", size=6.5, colour=_QUIET, left=left)
    if file.places:
        text = "; ".join(words.place(placed).strip() for placed in file.places)
        bad = any(placed.status in ("failed", "missing", "damaged", "waiting") for placed in file.places)
        page.line(text, size=7.5, colour=_RED if bad else _GREEN, left=left)
    if file.enough is False:
        page.line(f"below the policy: {words.copies(file)}", size=7.5, colour=_AMBER, left=left)
    if file.error:
        page.line(file.error, size=7.5, colour=_RED, left=left)
