"""``rushes relink``: find clips again whose files moved."""

from __future__ import annotations

import click

from tui.cli import options, output


@click.group()
def relink() -> None:
    """Find clips again whose files moved."""


@relink.command()
@click.argument("path")
@click.option("--auto-apply", is_flag=True, help="Apply unambiguous matches by themselves.")
@click.option("--min-confidence", type=click.FloatRange(0, 1), default=0.95, show_default=True)
@click.option("--full-hash", is_flag=True, help="Read every possible match to its end.")
@options.waiting
@options.common
def scan(
    path: str,
    auto_apply: bool,
    min_confidence: float,
    full_hash: bool,
    wait: bool,
    library_path: str | None,
    as_json: bool,
) -> int:
    """Look below PATH for files of lost copies."""
    from engine.api import relinks as api

    library = options.open_library(library_path)
    queued = api.queue_scan(
        library, path, auto_apply=auto_apply, min_confidence=min_confidence, full_hash=full_hash
    )
    if not wait:
        if as_json:
            output.document(queued)
        else:
            output.say(f"Queued as job {queued['job_id'][:8]}. Candidates appear in: rushes relink list")
        return 0
    progress = output.Progress()
    try:
        result = api.wait(library, queued["job_id"], progress)
    finally:
        progress.end()
    if as_json:
        output.document(result)
    else:
        output.say(
            f"{result['files_scanned']} files seen, {result['files_hashed']} read; "
            f"{result['offline']} clips looked for, {result['candidates']} candidates, "
            f"{result['applied']} applied, {max(0, result['candidates'] - result['applied'])} to decide."
        )
        if result["error"]:
            output.complain(output.shown(result["error"]))
    return 0 if result["status"] == "completed" else 1


@relink.command(name="list")
@click.option("--status", "statuses", multiple=True, help="Only candidates in this state; may be repeated.")
@click.option("--session", help="Only candidates of this scan.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True)
@options.common
def list_candidates(
    statuses: tuple[str, ...], session: str | None, limit: int, library_path: str | None, as_json: bool
) -> None:
    """Candidates, the most confident first."""
    from engine.api import relinks as api

    found = api.list_candidates(options.with_engine(library_path, needed=False), statuses, session, limit)
    if as_json:
        output.document(found)
        return
    output.table(
        ["NO", "CLIP", "SURE", "BY", "STATUS", "FOUND AT"],
        [
            [
                candidate["candidate_id"],
                output.shown(candidate["clip_title"] or "-"),
                f"{candidate['confidence'] * 100:.0f} %",
                candidate["match_type"].replace("_", " "),
                candidate["status"],
                candidate["found_path"],
            ]
            for candidate in found
        ],
        "No candidates. Look for lost clips with: rushes relink scan PATH",
    )


def _verb(name: str, text: str, done: str) -> None:
    @relink.command(name=name, help=text)
    @click.argument("candidate", type=int)
    @options.common
    def verb(candidate: int, library_path: str | None, as_json: bool) -> None:
        from engine.api import relinks as api

        decide = {"apply": api.apply, "reject": api.reject, "later": api.later, "undo": api.undo}[name]
        found = decide(options.open_library(library_path), candidate)
        if as_json:
            output.document(found)
        else:
            output.say(f"{output.shown(found['clip_title'] or 'Copy')}: {done} ({found['found_path']}).")


_verb("apply", "Relink the copy to the file that was found.", "relinked")
_verb("reject", "Say that the file is not the copy.", "rejected")
_verb("later", "Put the decision off.", "kept for later")
_verb("undo", "Take a verdict back, to the byte.", "as it was")


@relink.command()
@options.confirming
@options.common
def certain(yes: bool, library_path: str | None, as_json: bool) -> int:
    """Apply every candidate that is proven by content and has no rival."""
    from engine.api import relinks as api

    library = options.open_library(library_path)
    if not output.ask("Apply every candidate that is proven by content and has no rival?", yes=yes):
        return 130
    found = api.apply_certain(library)
    if as_json:
        output.document(found)
    else:
        output.say(f"{len(found['applied'])} relinked.")
        for refusal in found["refused"]:
            output.complain(f"  {refusal['candidate_id']}: {output.shown(refusal['reason'])}")
    return 1 if found["refused"] else 0


@relink.command()
@click.argument("candidate", type=int, required=False)
@options.common
def redo(candidate: int | None, library_path: str | None, as_json: bool) -> None:
    """Give a verdict again that was taken back; without CANDIDATE the one taken back last."""
    from engine.api import relinks as api

    found = api.redo(options.open_library(library_path), candidate)
    if as_json:
        output.document(found)
    else:
        output.say(
            f"{output.shown(found['clip_title'] or 'Copy')}: {found['status']} ({found['found_path']})."
        )


@relink.command()
@click.argument("candidate", type=int)
@options.common
def show(candidate: int, library_path: str | None, as_json: bool) -> None:
    """Compare both sides of a candidate: what is on record, and what was found."""
    from engine.api import relinks as api

    found = api.show(options.open_library(library_path), candidate)
    if as_json:
        output.document(found)
        return
    output.say(
        f"{output.shown(found['clip_title'] or 'Copy')}: {found['match_type']} {found['confidence']:.0%},"
        f" {found['status']}"
    )
    output.table(
        ["", "ON RECORD", "FOUND"],
        [[words, *(_fact(found[side][key]) for side in ("known", "found"))] for key, words in SIDES],
        "",
    )
    if found["found"]["why"]:
        output.say(output.shown(found["found"]["why"]))


def _fact(value: object) -> str:
    return "-" if value is None else output.shown(str(value))


SIDES = (
    ("volume", "volume"),
    ("path", "path"),
    ("size", "bytes"),
    ("changed_at", "changed"),
    ("duration_ms", "length, ms"),
    ("codec", "codec"),
    ("blake3", "BLAKE3"),
    ("fast_hash", "sample"),
)
"""What ``relink show`` compares, and its words."""


@relink.command()
@click.argument("candidate", type=int)
@click.option("--side", type=click.Choice(["found", "known"]), default="found", show_default=True)
@options.common
def picture(candidate: int, side: str, library_path: str | None, as_json: bool) -> int:
    """Take a picture of one side of a candidate; prints where the JPEG lies."""
    from engine.api import pictures as api

    library = options.open_library(library_path)
    taken = api.of_candidate(library, candidate, "known" if side == "known" else "found")
    assert taken is not None
    return output.picture(api.document(taken), as_json=as_json)


@relink.command(name="map")
@click.argument("old")
@click.argument("new")
@click.option("--dry-run", is_flag=True, help="Only say what would be hit.")
@click.option("--keep", is_flag=True, help="Also for what goes missing below OLD later.")
@options.common
def map_prefix(old: str, new: str, dry_run: bool, keep: bool, library_path: str | None, as_json: bool) -> int:
    """Relink every lost copy below OLD to the same place below NEW."""
    from engine.api import relinks as api

    found = api.map_prefix(options.with_engine(library_path), old, new, dry_run=dry_run, keep=keep)
    if as_json:
        output.document(found)
    else:
        for sentence in found["conflict_list"]:
            output.say(f"  {output.shown(sentence)}")
        done = "would be relinked" if dry_run else "relinked"
        output.say(
            f"{found['hits'] if dry_run else found['applied']} {done}, {found['misses']} not there, "
            f"{found['conflicts']} in conflict."
        )
    return 1 if found["conflicts"] else 0


@relink.group()
def rules() -> None:
    """Mappings that were kept."""


@rules.command(name="list")
@options.common
def list_rules(library_path: str | None, as_json: bool) -> None:
    """Mappings that are applied by themselves to what goes missing."""
    from engine.api import relinks as api

    found = api.list_rules(options.open_library(library_path))
    if as_json:
        output.document(found)
        return
    output.table(
        ["RULE", "OLD", "NEW"],
        [[rule["rule_id"], rule["old"], rule["new"]] for rule in found],
        "No rules. Keep a mapping: rushes relink map OLD NEW --keep",
    )


@rules.command(name="delete")
@click.argument("rule", type=int)
@options.common
def delete_rule(rule: int, library_path: str | None, as_json: bool) -> None:
    """Drop a rule; what it relinked stays."""
    from engine.api import relinks as api

    found = api.delete_rule(options.open_library(library_path), rule)
    if as_json:
        output.document(found)
    else:
        output.say(f"{output.shown(found['old'])} is no longer mapped by itself.")


@rules.command(name="restore")
@click.argument("rule", type=int, required=False)
@options.common
def restore_rule(rule: int | None, library_path: str | None, as_json: bool) -> None:
    """Keep a rule again that was dropped; without RULE the one dropped last."""
    from engine.api import relinks as api

    found = api.restore_rule(options.open_library(library_path), rule)
    if as_json:
        output.document(found)
    else:
        output.say(f"{output.shown(found['old'])} is mapped by itself again, as rule {found['rule_id']}.")


@relink.command()
@options.common
def propose(library_path: str | None, as_json: bool) -> None:
    """Prefix mappings that the relinks so far speak for."""
    from engine.api import relinks as api

    found = api.propose(options.open_library(library_path))
    if as_json:
        output.document(found)
        return
    output.table(
        ["VOTES", "LOST", "OLD", "NEW"],
        [[proposal["votes"], proposal["lost"], proposal["old"], proposal["new"]] for proposal in found],
        "Nothing to propose. Relink one clip of a moved folder first.",
    )


@relink.command(name="sessions")
@options.common
def list_sessions(library_path: str | None, as_json: bool) -> None:
    """Scans and mappings, the newest first."""
    from engine.api import relinks as api

    found = api.list_sessions(options.open_library(library_path))
    if as_json:
        output.document(found)
        return
    output.table(
        ["SESSION", "WHAT", "STATUS", "FILES", "CANDIDATES", "APPLIED", "AGE", "PATH"],
        [
            [
                session["session_id"][:8],
                session["kind"],
                session["status"],
                session["files_scanned"],
                session["candidates"],
                session["applied"],
                output.age(session["created_at"]),
                session["path"],
            ]
            for session in found
        ],
        "Nothing was searched yet. Look for lost clips with: rushes relink scan PATH",
    )


@relink.command(name="undo-scan")
@click.argument("session")
@options.confirming
@options.common
def undo_scan(session: str, yes: bool, library_path: str | None, as_json: bool) -> int:
    """Take back everything that one scan or mapping applied."""
    from engine.api import relinks as api

    library = options.open_library(library_path)
    if not output.ask("Take back everything that this scan applied?", yes=yes):
        return 130
    found = api.undo_session(library, session)
    if as_json:
        output.document(found)
    else:
        output.say(f"{found['undone']} relinks were taken back.")
    return 0


@relink.command(name="redo-scan")
@click.argument("session")
@options.common
def redo_scan(session: str, library_path: str | None, as_json: bool) -> None:
    """Apply again everything that undo-scan took back, all or nothing."""
    from engine.api import relinks as api

    found = api.redo_session(options.open_library(library_path), session)
    if as_json:
        output.document(found)
    else:
        output.say(f"{found['redone']} relinks were made again.")
