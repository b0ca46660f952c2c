"""The report as one HTML file: no script, no link to anywhere, pictures inside, made to be printed too."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape as html_escape
from typing import BinaryIO

from engine.names import display
from engine.reports import words
from engine.reports.report import ClipRow, FileRow, Report, Section, Target
from engine.reports.txt_form import head, section_head

_STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
       color: #1b1f24; background: #fff; margin: 2rem auto; max-width: 68rem; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; border-bottom: 2px solid #1b1f24; padding-bottom: .2rem; }
h3 { font-size: .95rem; margin: 1.2rem 0 .4rem; }
.verdict { padding: .7rem 1rem; margin: 1rem 0; font-size: 1.05rem; font-weight: 600;
           border-left: .4rem solid #1a7f37; background: #e9f7ee; }
.verdict.bad { border-color: #c1121f; background: #fdecec; }
dl { display: grid; grid-template-columns: 11rem 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { color: #57606a; } dd { margin: 0; overflow-wrap: anywhere; }
ul.problems { list-style: none; padding: 0; }
ul.problems li { padding: .35rem .7rem; margin: .25rem 0; border-left: .25rem solid #9a6700;
                 background: #fff8e6; overflow-wrap: anywhere; }
ul.problems li.error { border-color: #c1121f; background: #fdecec; }
ul.problems b { margin-right: .4rem; }
table { border-collapse: collapse; width: 100%; font-size: .88em; margin: .5rem 0; table-layout: fixed; }
th { text-align: left; border-bottom: 1px solid #57606a; padding: .25rem .4rem; color: #57606a; }
td { vertical-align: top; border-bottom: 1px solid #d0d7de; padding: .35rem .4rem; overflow-wrap: anywhere; }
td.picture { width: 9.5rem; } col.picture { width: 10rem; } col.state { width: 19rem; }
col.target { width: 42%; } col.count { width: 5.5rem; }
img { width: 9.5rem; height: auto; display: block; background: #eee; }
.title { font-weight: 600; } .quiet { color: #57606a; }
code { font: .82em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.ok { color: #1a7f37; } .bad-word { color: #c1121f; font-weight: 600; } .warn-word { color: #9a6700; }
footer { margin: 3rem 0 1rem; color: #57606a; font-size: .8rem; border-top: 1px solid #d0d7de; }
@media print { body { margin: 0; max-width: none; font-size: 10px; padding: 0; }
  h2, h3 { break-after: avoid; }
  tr, li { break-inside: avoid; } thead { display: table-header-group; }
  .verdict, ul.problems li { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
@page { margin: 14mm; }
""".strip()

_BAD = frozenset({"failed", "missing", "damaged", "unreadable", "cancelled", "waiting"})


def write(report: Report, stream: BinaryIO) -> None:
    """Write the page, one clip at a time."""
    stream.writelines(piece.encode("utf-8") for piece in _pieces(report))


def shown(text: str) -> str:
    """Text without control characters, and without meaning to a browser."""
    return html_escape(display(text), quote=True)


def _pieces(report: Report) -> Iterator[str]:
    title = shown(f"{report.production}: {report.title}")
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="{shown(report.tool)} {shown(report.version)}">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n"
    )
    yield f"<h1>{title}</h1>\n"
    yield f'<p class="verdict{"" if report.good else " bad"}">{shown(report.verdict)}</p>\n'
    yield _pairs(head(report))
    if report.problems:
        yield '<h2>Errors and warnings</h2>\n<ul class="problems">\n'
        for problem in report.problems:
            where = f"{shown(problem.where)}: " if problem.where else ""
            yield (
                f'<li class="{problem.weight}"><b>{problem.weight}</b>{where}{shown(problem.sentence)}</li>\n'
            )
        yield "</ul>\n"
    for section in report.sections:
        yield from _section(section)
    yield (
        f"<footer><p>Made by {shown(report.tool)} {shown(report.version)} on {shown(report.host)}, "
        f"{words.moment(report.made_at)}. {words.FOOT}</p></footer>\n"
        "</body>\n</html>\n"
    )


def _pairs(pairs: list[tuple[str, str]]) -> str:
    lines = "".join(f"<dt>{shown(word)}</dt><dd>{shown(value)}</dd>\n" for word, value in pairs)
    return f"<dl>\n{lines}</dl>\n"


def _section(section: Section) -> Iterator[str]:
    yield f"<h2>{shown(section.title)}</h2>\n"
    yield _pairs([pair for pair in section_head(section) if pair[0] not in ("To", "")])
    if section.targets:
        what = "Volume" if section.kind in ("volume", "scrub") else "Destination and folder"
        yield (
            '<table><colgroup><col class="target"><col><col class="count"><col class="count">'
            f'<col class="count"><col></colgroup><thead><tr><th>{what}</th><th>Verified</th>'
            "<th>There already</th><th>Failed</th><th>Waiting</th><th>Level of proof</th></tr></thead><tbody>"
        )
        for target in section.targets:
            yield _target(target)
        yield "</tbody></table>\n"
    if section.clips:
        yield (
            '<h3>Clips</h3>\n<table><colgroup><col class="picture"><col><col class="state"></colgroup>'
            "<thead><tr><th></th><th>Clip and files</th><th>Where it is</th></tr></thead><tbody>\n"
        )
        for clip in section.clips:
            yield from _clip(clip)
        yield "</tbody></table>\n"
    if section.files:
        yield f"<h3>{'Files that belong to no clip' if section.clips else 'Files'}</h3>\n"
        yield (
            '<table><colgroup><col><col class="state"></colgroup>'
            "<thead><tr><th>File</th><th>Where it is</th></tr></thead><tbody>\n"
        )
        for file in section.files:
            yield f"<tr><td>{_file(file)}</td><td>{_places(file)}</td></tr>\n"
        yield "</tbody></table>\n"


def _target(target: Target) -> str:
    failed = f'<span class="bad-word">{target.failed:,}</span>' if target.failed else "0"
    waiting = f'<span class="bad-word">{target.waiting:,}</span>' if target.waiting else "0"
    known = f'<br><span class="quiet">{shown(target.identity)}</span>' if target.identity else ""
    stage = '<br><span class="quiet">second stage</span>' if target.second_stage else ""
    folder = f"<br>{shown(target.path)}" if target.path else ""
    return (
        f'<tr><td><span class="title">{shown(target.volume)}</span>{folder}{known}{stage}</td>'
        f"<td>{target.verified:,} ({words.size(target.size)})</td><td>{target.present:,}</td>"
        f"<td>{failed}</td><td>{waiting}</td><td>{shown(words.levels(target))}</td></tr>\n"
    )


def _clip(clip: ClipRow) -> Iterator[str]:
    facts = [
        f"reel {clip.reel}" if clip.reel else "",
        f"TC {clip.timecode}" if clip.timecode else "",
        words.length(clip.duration_ms) if clip.duration_ms is not None else "",
        words.picture(clip),
        words.size(clip.size),
    ]
    line = shown("  ·  ".join(fact for fact in facts if fact))
    more = " · ".join(
        part for part in (clip.camera, words.recorded(clip.recorded_at)) if part and part != "-"
    )
    yield (
        f'<tr><td class="picture">{_picture(clip)}</td>'
        f'<td><span class="title">{shown(clip.title)}</span><br>{line}'
    )
    if more:
        yield f'<br><span class="quiet">{shown(more)}</span>'
    for warning in clip.warnings:
        yield f'<br><span class="warn-word">{shown(warning)}</span>'
    yield "".join(f"<br>{_file(file)}" for file in clip.files)
    yield f"</td><td>{'<br>'.join(_places(file) for file in clip.files[:1])}</td></tr>\n"


def _picture(clip: ClipRow) -> str:
    if clip.thumbnail is None:
        return ""
    try:
        with open(clip.thumbnail, "rb") as file:
            data = base64.b64encode(file.read()).decode("ascii")
    except OSError:
        return ""  # a picture is a convenience: the row says everything without it
    return f'<img alt="" src="data:image/jpeg;base64,{data}">'


def _file(file: FileRow) -> str:
    state = "" if file.status == "completed" else f" {_state(file.status)}"
    role = f'<span class="quiet">{shown(file.role)}</span> ' if file.role else ""
    hashes = ""
    for name, value in words.digests(file):
        hashes += f'<br><code class="quiet">{name} {value}</code>'
    error = f'<br><span class="bad-word">{shown(file.error)}</span>' if file.error else ""
    return (
        f'{role}{shown(file.name)} <span class="quiet">{words.size(file.size)}</span>{state}{hashes}{error}'
    )


def _state(status: str) -> str:
    look = "bad-word" if status in _BAD else "ok" if status in ("verified", "present", "online") else "quiet"
    return f'<span class="{look}">{shown(words.spoken(status))}</span>'


def _places(file: FileRow) -> str:
    lines = []
    for placed in file.places:
        level = f" {shown(placed.level)}" if placed.level else ""
        lines.append(
            f"{shown(placed.volume)} {_state(placed.status)}{level}"
            + (
                f'<br><span class="quiet">{words.moment(placed.verified_at)}</span>'
                if placed.verified_at
                else ""
            )
            + (f'<br><span class="quiet">{shown(placed.path)}</span>' if placed.path != file.name else "")
        )
    if file.enough is not None:
        look = "ok" if file.enough else "warn-word"
        lines.append(f'<span class="{look}">{words.copies(file)}</span>')
    return "<br>".join(lines)
