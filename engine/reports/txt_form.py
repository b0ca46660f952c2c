"""The report as plain text: summary, what went wrong, then every card with its clips. UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from engine.names import display
from engine.reports import words
from engine.reports.report import ClipRow, FileRow, Report, Section

_WIDTH = 100


def write(report: Report, stream: BinaryIO) -> None:
    """Write the text."""
    stream.writelines(line.encode("utf-8") + b"\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.production}: {report.title}"
    yield "=" * _WIDTH
    yield report.verdict
    yield ""
    for word, value in head(report):
        yield f"{word + ':':<22}{value}"
    yield ""
    if report.problems:
        yield "Errors and warnings"
        yield "-" * _WIDTH
        for problem in report.problems:
            where = f"{problem.where}: " if problem.where else ""
            yield f"{problem.weight.upper():<8} {where}{display(problem.sentence)}"
        yield ""
    for section in report.sections:
        yield from _section(section)
    yield f"Made by {report.tool} {report.version}. {words.FOOT}"


def head(report: Report) -> list[tuple[str, str]]:
    """The summary as (word, value), the same in every format for people."""
    totals = report.totals
    amount = [
        words.plural(totals.cards, "source") if report.kind in ("ingest", "batch", "day", "card") else "",
        words.plural(totals.clips, "clip") if totals.clips else "",
        words.plural(totals.files, "file"),
        f"{words.size(totals.size)} ({totals.size:,} bytes)",
        f"{words.length(totals.duration_ms)} of footage" if totals.duration_ms else "",
    ]
    found = [
        ("Report", f"{words.spoken(report.kind)} {report.ident}"),
        ("Operator", report.operator),
        ("Made", f"{words.moment(report.made_at)} on {report.host}"),
        ("Status", words.spoken(report.status)),
        ("Began", words.moment(report.started_at)),
        ("Ended", words.moment(report.ended_at)),
        ("Total", ", ".join(part for part in amount if part)),
        (
            "Policy",
            (
                f"{words.plural(report.copies, 'verified copy', 'verified copies')} on "
                f"{words.plural(report.devices, 'device')}"
            ),
        ),
        *report.facts,
    ]
    return [(word, value) for word, value in found if value != "-"]


def section_head(section: Section) -> list[tuple[str, str]]:
    """What is said about a section before its clips, as (word, value)."""
    found = [("Kind", words.kind(section.kind)), ("Status", words.spoken(section.status))]
    if section.source is not None:
        found.append(("Mounted at" if section.kind == "volume" else "From", display(section.source)))
    if section.camera:
        found.append(("Camera", section.camera))
    if section.first_timecode:
        last = "" if section.last_timecode == section.first_timecode else f" .. {section.last_timecode}"
        found.append(("Timecode", f"{section.first_timecode}{last}"))
    if section.started_at:
        found.append(
            ("Began, ended", f"{words.moment(section.started_at)}, {words.moment(section.ended_at)}")
        )
    took = f" in {words.duration(section.seconds)}, {words.rate(section)}" if section.seconds else ""
    found.append(("Amount", f"{words.size(section.size)}{took}"))
    found.extend((word[:1].upper() + word[1:], value) for word, value in section.facts if value != "-")
    for target in section.targets:
        where = f"{display(target.volume)}{': ' + display(target.path) if target.path else ''}"
        counts = [f"{target.verified:,} verified", f"{target.present:,} there already"]
        if target.failed:
            counts.append(f"{target.failed:,} FAILED")
        if target.waiting:
            counts.append(f"{target.waiting:,} WAITING")
        stage = " (second stage)" if target.second_stage else ""
        found.append(("To", f"{where}{stage} - {', '.join(counts)}; {words.levels(target)}"))
        if target.identity:
            found.append(("", target.identity))
    return found


def _section(section: Section) -> Iterator[str]:
    yield f"{section.title}"
    yield "-" * _WIDTH
    for word, value in section_head(section):
        yield f"  {word + ':' if word else '':<20}{value}"
    yield ""
    for clip in section.clips:
        yield from _clip(clip)
    if section.files:
        yield "  Files that belong to no clip" if section.clips else "  Files"
        for file in section.files:
            yield from _file(file)
        yield ""


def _clip(clip: ClipRow) -> Iterator[str]:
    length = words.length(clip.duration_ms) if clip.duration_ms is not None else ""
    facts = [length, words.picture(clip), words.size(clip.size)]
    if clip.timecode:
        facts.insert(0, f"TC {clip.timecode}")
    if clip.reel:
        facts.insert(0, f"reel {clip.reel}")
    yield f"  {display(clip.title)}  {'  '.join(fact for fact in facts if fact)}"
    for file in clip.files:
        yield from _file(file)


def _file(file: FileRow) -> Iterator[str]:
    role = f"{file.role}: " if file.role else ""
    yield f"    {role}{display(file.name)}  {words.size(file.size)}  {words.spoken(file.status)}"
    for name, value in words.digests(file):
        yield f"      {name:6} {value}"
    if file.places:
        yield f"      {'; '.join(display(words.place(placed)).strip() for placed in file.places)}"
    if file.enough is False:
        yield f"      below the policy: {words.copies(file)}"
    if file.error:
        yield f"      {display(file.error)}"
