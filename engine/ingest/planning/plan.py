"""Preflight: everything that can be known before the first byte, and every objection in one list."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Sequence
from dataclasses import replace

from humanize import naturalsize
from sqlite_utils import Database

from engine.errors import NotFound, Refused, RushesError, WrongUse
from engine.ingest.planning import naming
from engine.ingest.planning.arranging import Arrangement, Wanted, arrange
from engine.ingest.planning.forecast import forecast
from engine.ingest.planning.layout import case_clashes, label_of, listed, name_problem
from engine.ingest.planning.plans import Plan, PlannedDestination, PlannedSource
from engine.ingest.planning.scan import NAMED, Listing, left_out, scan
from engine.ingest.planning.space import free_bytes, queued_bytes, reserve_of, size_bytes
from engine.ingest.records import known
from engine.ingest.records.known import join, under
from engine.library import Library
from engine.media.cards import reader, recognise
from engine.media.clips import group_each
from engine.media.hashing import EXTRA
from engine.names import display
from engine.storage.database import row
from engine.volumes import places, pools, unmounted

__all__ = ["DUPLICATES", "MODES", "Plan", "plan"]

MODES = ("copy", "reference")
DUPLICATES = ("skip", "copy")

PREVIEWED = 20
"""Of so many files of a source the plan tells the names at the destination, whatever the layout."""

NAMES_SHOWN = 100
"""So many new names are in a plan as examples."""


def plan(
    library: Library,
    sources: Sequence[str],
    destinations: Sequence[str] = (),
    *,
    then: Sequence[str] = (),
    mode: str | None = None,
    duplicates: str = "skip",
    verify_source: bool = False,
    thumbnails: bool = True,
    checksums: Sequence[str] = (),
    name: str | None = None,
    layout: str = "tree",
    template: str | None = None,
    dry_run: bool = False,
) -> Plan:
    """Look at sources and destinations and say what an ingest would do. Writes no file.

    Args:
        library: the library that takes the footage in.
        sources: folders or single files; relative ones against the current folder.
        destinations: folders; the first holds the managed copies, the others
            backups. None given: the library's root. Not allowed in reference mode.
        then: folders of a second stage, copied to from the first verified copy once the card is free.
        mode: ``copy`` or ``reference``; None takes the library's.
        duplicates: ``skip`` content that a destination volume already holds verified under another
            name, or ``copy`` it again.
        verify_source: read every source a second time and compare.
        thumbnails: make a small picture of every clip at the end.
        checksums: further digests to take from the same read, of ``md5 sha1 c4``. Files that need no
            copy are not read for them.
        name: what the batch is called; None names it after its sources.
        layout: ``tree``, ``template`` or ``content``, see :mod:`engine.ingest.planning.naming`.
        template: for the layout ``template``; None is the usual one.
        dry_run: also compare the files with the catalogue by size and fast hash, which reads sources.

    Raises:
        Refused: with every problem found.
        WrongUse: an unknown mode or digest, no source, or in reference mode what belongs to copying.
    """
    mode = mode or library.mode
    _check_wishes(mode, sources, [*destinations, *then], duplicates, checksums)
    template = naming.template_of(layout, template)
    problems: list[str] = []
    if library.read_only:
        problems.append(f"The library {display(library.name)} is read-only here; nothing can be recorded.")
    db = library.db()
    found = _look_at_sources(db, sources, problems)
    targets: list[_Target] = []
    if mode == "copy":
        stages = [(path, 1) for path in destinations or [str(library.root)]] + [(path, 2) for path in then]
        targets = _look_at_destinations(db, stages, problems)
        _check_nesting(db, found, targets, problems)
    if problems:
        raise Refused(*problems)
    _arrange(db, found, targets, Wanted(template, library.name))
    _check_names(found, targets, problems)
    if dry_run:
        _foresee(db, found, targets)
    skips = duplicates == "skip"
    planned = [_planned_destination(db, target, found, skips=skips) for target in targets]
    narrow = _space_problems(db, planned)
    if narrow and skips and not dry_run:
        # What is there already needs no room; finding that out reads sources, so only where it decides.
        _foresee(db, found, targets)
        planned = [_planned_destination(db, target, found, skips=skips) for target in targets]
        narrow = _space_problems(db, planned)
    problems.extend(narrow)
    if problems:
        raise Refused(*problems)
    resources = sorted(
        {f"device:{item.place.device}" for item in found}
        | {f"device:{item.place.device}" for item in targets}
    )
    result = Plan(
        mode,
        tuple(source.planned() for source in found),
        tuple(planned),
        duplicates,
        verify_source,
        thumbnails,
        tuple(resources),
        0.0,
        "guess",
        tuple(digest for digest in EXTRA if digest in checksums),
        name or None,
        layout,
        template,
    )
    expected = forecast(db, result.sources, result.destinations)
    return replace(result, seconds=expected.seconds, basis=expected.basis)


def _foresee(db: Database, found: list[_Source], targets: list[_Target]) -> None:
    """Compare the sources with what every destination's volume holds verified."""
    volumes = tuple({target.place.volume_id for target in targets})
    for source in found:
        source.foreseen = known.foresee(
            db,
            source.path if not source.is_file else os.path.dirname(source.path),
            source.place.volume_id,
            source.place.path if not source.is_file else os.path.dirname(source.place.path),
            source.listing.files,
            volumes,
        )


def _check_wishes(
    mode: str,
    sources: Sequence[str],
    destinations: Sequence[str],
    duplicates: str,
    checksums: Sequence[str],
) -> None:
    if mode not in MODES:
        raise WrongUse(f"The mode is one of: {', '.join(MODES)}.")
    if duplicates not in DUPLICATES:
        raise WrongUse(f"Duplicates are one of: {', '.join(DUPLICATES)}.")
    if not sources:
        raise WrongUse("An ingest needs at least one source.")
    if mode == "reference" and destinations:
        raise WrongUse("Reference mode copies nothing: leave --to out, or use --mode copy.")
    unknown = [digest for digest in checksums if digest not in EXTRA]
    if unknown:
        raise WrongUse(f"{display(unknown[0])} is no checksum; there are {', '.join(EXTRA)}.")


class _Source:
    """A source while the plan is made."""

    def __init__(self, path: str, place: places.Place, listing: Listing, *, is_file: bool) -> None:
        self.path = path
        self.place = place
        self.listing = listing
        self.is_file = is_file
        card = recognise(listing.files, None if is_file else reader(path))
        self.kind = "file" if is_file else card.kind
        self.warnings = [*card.warnings, *(sentence for _, sentence in listing.unreadable)]
        if not is_file and card.kind != "folder":
            # A card that is not whole is told while it still lies in the camera's hands.
            self.warnings += group_each(listing.files, card, reader(path), lambda _: None)
        self.label = "" if is_file else label_of(path)
        self.arrangement = Arrangement(self.label)
        self.foreseen: known.Foreseen | None = None

    def planned(self) -> PlannedSource:
        listing, names = self.listing, self.arrangement.names
        return PlannedSource(
            self.path,
            self.place.volume_id,
            self.place.path,
            self.is_file,
            self.kind,
            self.label,
            self.arrangement.folder,
            len(listing.files),
            listing.size,
            self.foreseen.files if self.foreseen else 0,
            self.foreseen.size if self.foreseen else 0,
            listing.ignored,
            listing.links.count,
            listing.special.count,
            tuple(self.warnings),
            tuple(itertools.islice(names.items(), NAMES_SHOWN)) if names is not None else (),
            self.place.device,
            tuple(
                (file.path, self.arrangement.target(file.path))
                for file in itertools.islice(listing.files, PREVIEWED)
            ),
        )


class _Target:
    """A destination while the plan is made."""

    def __init__(self, path: str, place: places.Place, role: str) -> None:
        self.path = path
        self.place = place
        self.role = role
        self.hop = 1


def _look_at_sources(db: Database, sources: Sequence[str], problems: list[str]) -> list[_Source]:
    found: list[_Source] = []
    for given in sources:
        try:
            path = places.reach(given)
        except RushesError as error:
            problems.append(str(error))
            continue
        if any(path == other.path for other in found):
            problems.append(f"{display(path)} is given twice as a source.")
            continue
        inside = [other for other in found if _within(path, other.path) or _within(other.path, path)]
        if inside:
            problems.append(
                f"{display(path)} and {display(inside[0].path)} are both sources, and one holds the other."
            )
            continue
        try:
            is_file = stat.S_ISREG(os.stat(path).st_mode)
            place = places.place_of(db, path)
            hidden = unmounted.problem(db, path, place.mounted_at)
            if hidden:
                problems.append(hidden)
                continue
            listing = scan(path, is_junk=left_out)
        except FileNotFoundError:
            problems.append(f"{display(given)} does not exist.")
        except OSError as error:
            problems.append(f"{display(path)} cannot be looked at: {os.strerror(error.errno or 0)}.")
        except RushesError as error:
            problems.append(str(error))
        else:
            if is_file and not os.access(path, os.R_OK):
                problems.append(f"{display(path)} may not be read by this user.")
            if not listing.files and not listing.unreadable:
                problems.append(
                    f"{display(path)} holds no files; nothing would be taken in from it."
                    " Is it the right folder, and is the card mounted?"
                )
            found.append(_Source(path, place, listing, is_file=is_file))
    return found


def _look_at_destinations(
    db: Database, destinations: Sequence[tuple[str, int]], problems: list[str]
) -> list[_Target]:
    targets: list[_Target] = []
    for given, hop in destinations:
        try:
            path = places.reach(given)
            target = _destination(db, path, "backup" if targets else "managed")
        except RushesError as error:
            problems.append(str(error))
            continue
        twin = [
            other
            for other in targets
            if (other.place.volume_id, other.place.path) == (target.place.volume_id, target.place.path)
        ]
        if twin:
            problems.append(f"{display(path)} and {display(twin[0].path)} are the same destination.")
            continue
        for other in targets:
            overlap = pools.overlap(db, other.place.volume_id, target.place.volume_id)
            if overlap:
                problems.append(
                    f"{display(other.path)} and {display(path)} may be one folder: {overlap}. "
                    "Give a folder on another drive."
                )
        target.hop = hop
        targets.append(target)
    return targets


def _destination(db: Database, path: str, role: str) -> _Target:
    shown = display(path)
    exists = os.path.lexists(path)
    if exists and not os.path.isdir(path):
        raise Refused(f"{shown} is a file; a destination must be a folder.")
    home = path if exists else os.path.dirname(path)
    if not os.path.isdir(home):
        raise Refused(
            f"The destination {shown} does not exist, and neither does the folder above it. "
            "Mount the volume, or make the folder first."
        )
    try:
        place = places.place_of(db, home)
    except NotFound as error:
        raise Refused(str(error)) from error
    hidden = unmounted.problem(db, path, place.mounted_at)
    if hidden:
        raise Refused(hidden)
    if place.read_only:
        raise Refused(f"The destination {shown} is on a read-only volume.")
    if not os.access(home, os.W_OK | os.X_OK):
        raise Refused(f"The destination {shown} may not be written by this user.")
    if not exists:
        place = replace(place, path=join(place.path, os.path.basename(path)))
    return _Target(path, place, role)


def _check_nesting(db: Database, found: list[_Source], targets: list[_Target], problems: list[str]) -> None:
    for source in found:
        for target in targets:
            one, other = display(source.path), display(target.path)
            if _same(source, target):
                problems.append(f"{one} is source and destination at once. Nothing was copied.")
            elif not source.is_file and _holds(source.path, source.place, target.path, target.place):
                problems.append(f"The destination {other} lies inside the source {one}.")
            elif _holds(target.path, target.place, source.path, source.place):
                problems.append(
                    f"The source {one} lies inside its own destination {other}. Give another destination "
                    "with --to, or catalogue it where it is with --mode reference."
                )
            elif pools.nested(db, _on_volume(source), _on_volume(target)):
                problems.append(
                    f"The source {one} and the destination {other} hold each other's files: one of them is "
                    "on a pool that shows the other. Give another destination."
                )


def _on_volume(end: _Source | _Target) -> tuple[str, str, str]:
    return end.place.volume_id, end.place.mount_point, end.path


def _same(source: _Source, target: _Target) -> bool:
    return (source.place.volume_id, source.place.path) == (target.place.volume_id, target.place.path) or (
        source.path == target.path
    )


def _holds(outer: str, outer_place: places.Place, inner: str, inner_place: places.Place) -> bool:
    """Whether one folder lies in the other, by path, by volume, or by what a bind mount shows."""
    if _within(inner, outer):
        return True
    if outer_place.volume_id == inner_place.volume_id and under(inner_place.path, outer_place.path):
        return True
    try:
        wanted = os.stat(outer)
    except OSError:
        return False
    while True:
        try:
            facts = os.stat(inner)
        except OSError:
            facts = None
        if facts and (facts.st_dev, facts.st_ino) == (wanted.st_dev, wanted.st_ino):
            return True
        if inner == "/":
            return False
        inner = os.path.dirname(inner)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _arrange(db: Database, found: list[_Source], targets: list[_Target], wanted: Wanted) -> None:
    taken: set[str] = set()
    for source in found:
        source.arrangement = arrange(
            db,
            wanted,
            path=source.path,
            is_file=source.is_file,
            label=source.label,
            files=source.listing.files,
            destinations=[(target.place.volume_id, target.place.path, target.path) for target in targets],
            taken=taken,
        )
        if source.arrangement.folder:
            taken.add(source.arrangement.folder)


def _check_names(found: list[_Source], targets: list[_Target], problems: list[str]) -> None:
    for target in targets:
        bad, first = 0, []
        for source in found:
            for file in source.listing.files:
                path = source.arrangement.target(file.path).replace(naming.HASH_MARK, "0" * 64)
                why = name_problem(path, file.size, target.place.fs_type)
                if why:
                    bad += 1
                    first += [f"{display(file.path)} {why}"] if bad <= NAMED else []
            if source.arrangement.names is not None:
                continue  # those were told apart when they were made
            paths = (file.path for file in source.listing.files)
            clashes = case_clashes(paths, target.place.fs_type, source.listing.files.shelf())
            for one, other in itertools.islice(clashes, NAMES_SHOWN):
                source.warnings.append(
                    f"{display(one)} and {display(other)} are one name at {display(target.path)}; "
                    "the second is kept under a numbered name."
                )
        if bad:
            problems.append(
                f"{display(target.path)} ({target.place.fs_type}) cannot hold {bad} of the names: "
                f"{listed(first, more=bad - len(first))}. Rename them on a copy of the source, or choose "
                "another destination."
            )


def _planned_destination(
    db: Database, target: _Target, found: list[_Source], *, skips: bool
) -> PlannedDestination:
    needed = numbered = present = 0
    for source in found:
        for number, file in source.listing.files.numbered():
            here = _size_of(target.path, source.arrangement.target(file.path))
            if here is None:
                known_here = skips and source.foreseen is not None and source.foreseen.known[number]
                needed += 0 if known_here else file.size
            elif here == file.size:
                present += 1
            else:
                numbered += 1
                needed += file.size
    name = row(db, "SELECT name FROM volumes WHERE volume_id = ?", (target.place.volume_id,))
    return PlannedDestination(
        target.path,
        target.place.volume_id,
        target.place.path,
        str(name["name"]) if name else target.place.volume_id,
        target.role,
        target.place.fs_type,
        target.place.device,
        needed,
        free_bytes(target.path),
        numbered,
        present,
        target.hop,
    )


def _size_of(base: str, path: str) -> int | None:
    try:
        facts = os.lstat(os.path.join(base, path))
    except OSError:
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) else -1


def _space_problems(db: Database, planned: list[PlannedDestination]) -> list[str]:
    """Compare, volume by volume, what all its destinations and the queued work need with what is free."""
    problems = []
    for volume_id in dict.fromkeys(target.volume_id for target in planned):
        targets = [target for target in planned if target.volume_id == volume_id]
        needed = sum(target.needed for target in targets)
        free = targets[0].free
        if not needed or free is None:
            continue
        waiting = queued_bytes(db, volume_id)
        reserve = reserve_of(size_bytes(targets[0].path))
        if needed + waiting + reserve <= free:
            continue
        queued = f" and {naturalsize(waiting, binary=True)} for queued work" if waiting else ""
        problems.append(
            f"Not enough space on {display(targets[0].volume)} at {display(targets[0].path)}: "
            f"{naturalsize(needed, binary=True)} are needed{queued}, {naturalsize(reserve, binary=True)} "
            f"stay in reserve, {naturalsize(free, binary=True)} are free."
        )
    return problems
