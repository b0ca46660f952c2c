"""One prefix for another, applied to all that lay below it."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from sqlite_utils import Database

from engine import names
from engine.errors import NotFound, Refused, RushesError, VolumeGone, WrongUse
from engine.library import Library
from engine.media.hashing import FAST_WHOLE
from engine.relink import ledger, sessions, targets, upgrade
from engine.relink.ahead import opened
from engine.relink.ledger import Placement
from engine.relink.look import same_time
from engine.relink.match import CONFIDENCE, Found, Lost, Match, evidence
from engine.relink.prefixes import folders_below, is_below
from engine.relink.sampling import Sampling
from engine.relink.scan import Reading, Scan, with_sample, with_whole_hash
from engine.relink.tree import Tree, hold
from engine.storage import audit, moving
from engine.storage.database import rows, scalar, write
from engine.volumes import places

SPOKEN = 50
"""Most single files listed per kind in a result."""

SAMPLED = 0.95
"""Confidence of a mapped file whose fast hash agrees."""

LISTED = 0.8
"""Confidence of a mapped file of the same name and size of which no hash is on record."""


# Neither this nor what follows from it is frozen: of 100,000 files that is felt.
@dataclass(slots=True)
class Hit:
    """A lost copy and the file that a mapping gives it; ``reading`` when the file was read in full for it."""

    lost: Lost
    old_path: str
    found: Found
    new_path: str
    reading: Reading | None = None


@dataclass
class Mapped:
    """What a mapping does, or would do.

    Attributes:
        old: the prefix as given.
        new: the prefix as given.
        dry_run: nothing was changed.
        hits: copies whose file is there, with the same size and, where one is on record, the same fast hash.
        misses: absolute paths at which there is no file.
        conflicts: sentences: the file there has other content, or is another copy already.
        applied: copies that were given their new place.
        session_id: the session that records them, for an undo; None when nothing was applied.
    """

    old: str
    new: str
    dry_run: bool
    hits: list[Hit] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    applied: int = 0
    session_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The document of ``relink map``; of each kind the first :data:`SPOKEN` files."""
        return {
            **names.json_name("old", self.old),
            **names.json_name("new", self.new),
            "dry_run": self.dry_run,
            "hits": len(self.hits),
            "misses": len(self.misses),
            "conflicts": len(self.conflicts),
            "applied": self.applied,
            "session_id": self.session_id,
            "hit_list": [
                {**names.json_name("from", hit.old_path), **names.json_name("to", hit.new_path)}
                for hit in self.hits[:SPOKEN]
            ],
            "miss_list": [names.json_name("path", path) for path in self.misses[:SPOKEN]],
            "conflict_list": self.conflicts[:SPOKEN],
        }


def _nothing(*_: object) -> None:
    """Say nothing."""


def map_prefix(
    library: Library,
    old: str,
    new: str,
    *,
    dry_run: bool = False,
    quick: bool = False,
    careful: bool = False,
    check: Callable[[], None] = _nothing,
    progress: Callable[[int, int], None] = _nothing,
) -> Mapped:
    """Give every lost copy below ``old`` the file at the same place below ``new``.

    A file must be there with the size on record; where a fast hash is on
    record it must agree. All hits are applied in one transaction, as a session
    that :func:`engine.relink.decisions.undo_session` takes back. Files that
    are missed, and conflicts, stay as they are.

    Args:
        library: the library.
        old: absolute folder as people saw it, also on a volume that is away.
            A copy not yet known to be missing counts when its file is not there.
        new: existing folder, absolute.
        dry_run: change nothing.
        quick: with ``dry_run``: open no file; a hit is then one of the right size only.
        check: called once per file; may raise to end the look before anything is changed.
        progress: gets the number of files looked at, and of all: those that are there, where they are read.
        careful: only copies known to be missing, and only files whose hash agrees: nobody looks on.

    Raises:
        WrongUse: a prefix is not absolute, or both are the same.
        NotFound: ``new`` does not exist, or no lost copy was below ``old``.
        VolumeGone: the volume of ``new`` is away, or went away meanwhile.
        Refused: a place was taken by another copy meanwhile. Nothing was changed.
    """
    old, new = _checked(old), _checked(new)
    if old == new:
        raise WrongUse("The old and the new prefix are the same.")
    db = library.db()
    place = places.place_of(db, new)
    lost = _lost_below(db, old, check)
    if careful:
        lost = [(copy, path) for copy, path in lost if copy.missing and copy.fast_hash]
    if not lost:
        raise NotFound(f"No lost file was below {names.display(old)}. Nothing was changed.")
    mapped = Mapped(old, new, dry_run)
    with hold(db, place.volume_id, new) as tree, Sampling(tree) as sampling:
        base = place.path
        held = _copies_below(db, tree.volume_id, base)
        opens = not (quick and dry_run)
        fitting = _fitting(
            tree, lost, base, mapped, sampling if opens else None, check, _nothing if opens else progress
        )
        if opens:
            fitting = _agreeing(tree, fitting, mapped, sampling, check, progress)
        for hit in fitting:
            if held.get(hit.found.path, hit.lost.copy_id) == hit.lost.copy_id:
                mapped.hits.append(hit)
            else:
                shown = names.display(hit.new_path)
                mapped.conflicts.append(f"{shown} is in the catalogue already, as another copy.")
        progress(len(lost), len(lost))
        if not tree.unchanged():
            raise VolumeGone(f"{names.display(new)} went away meanwhile. Nothing was changed.")
    _refuse_doubles(mapped)
    if not dry_run and mapped.hits:
        _apply(db, mapped, place.volume_id)
        upgrade.prove_later(library, [place.volume_id])
    return mapped


def _checked(prefix: str) -> str:
    if not prefix.startswith("/"):
        raise WrongUse(f"{names.display(prefix)} is not an absolute path.")
    return prefix.rstrip("/") or "/"


def _lost_below(db: Database, old: str, check: Callable[[], None]) -> list[tuple[Lost, str]]:
    """Copies last seen below ``old`` that cannot be reached there, with their old absolute paths."""
    found: list[tuple[Lost, str]] = []
    folders: dict[str, str | None] = {}
    for volume in rows(db, "SELECT * FROM volumes"):
        for folder in folders_below(volume, old):
            known = [(copy, False) for copy in targets.below(db, volume["volume_id"], folder)]
            if volume["state"] == "online" and _answers(volume):
                believed = targets.below(db, volume["volume_id"], folder, lost=False)
                known += [(copy, True) for copy in believed]
            for copy, there in known:
                check()
                path = places.last_known(volume, copy.path)
                if path is None or not is_below(path, old):
                    continue
                if not there or _is_gone(db, path, volume["volume_id"], folders):
                    found.append((copy, path))
    return found


def _answers(volume: Mapping[str, Any]) -> bool:
    """Whether every mount of a volume answers now; of one that hangs nothing can be said to be gone."""
    try:
        for _, point in places.showings(volume):
            places.reach(point)
    except RushesError:
        return False
    return True


def _is_gone(db: Database, path: str, volume_id: str, folders: dict[str, str | None]) -> bool:
    """Whether a file recorded as present is not there, while the folder above it is on that very volume.

    ``folders`` remembers the volume of each folder; None where it cannot be told.
    """
    folder = path
    while True:
        try:
            os.lstat(folder)
        except (FileNotFoundError, NotADirectoryError):
            folder = os.path.dirname(folder)
            continue
        except OSError:
            return False
        break
    if folder == path:
        return False
    if folder not in folders:
        try:
            folders[folder] = places.place_of(db, folder).volume_id
        except (NotFound, Refused, VolumeGone):
            folders[folder] = None
    return folders[folder] == volume_id


def _copies_below(db: Database, volume_id: str, folder: str) -> dict[str, int]:
    """The copies that the catalogue has below a folder of a volume: path to id."""
    where, params = targets.within(volume_id, folder)
    found = db.conn.execute(f"SELECT path, copy_id FROM copies AS copy WHERE {where}", params)
    return {os.fsdecode(path): copy_id for path, copy_id in found.fetchall()}


def _fitting(
    tree: Tree,
    lost: Sequence[tuple[Lost, str]],
    base: str,
    mapped: Mapped,
    sampling: Sampling | None,
    check: Callable[[], None],
    progress: Callable[[int, int], None],
) -> list[Hit]:
    """Copies with a file of their size at the new place; what is not so is noted.

    ``sampling`` gets those of which a sample can decide, by their place in the list; None: nothing is opened.
    """
    found: list[Hit] = []
    above, below = len(mapped.old.rstrip("/")) + 1, mapped.new.rstrip("/")
    for done, (copy, old_path) in enumerate(lost):
        check()
        if not done % 64:
            progress(done, len(lost))
        tail = old_path[above:]
        path = f"{base}/{tail}" if base else tail
        new_path = f"{below}/{tail}"
        try:
            facts = tree.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            mapped.misses.append(new_path)
            continue
        except OSError as error:
            mapped.conflicts.append(f"{names.display(new_path)} cannot be looked at: {error.strerror}.")
            continue
        if not stat.S_ISREG(facts.st_mode):
            mapped.misses.append(new_path)
        elif facts.st_size != copy.size:
            mapped.conflicts.append(
                f"{names.display(new_path)} has {facts.st_size} bytes, not {copy.size}: other content."
            )
        else:
            file = Found(tree.volume_id, path, facts.st_size, facts.st_mtime_ns, facts.st_ino)
            if sampling is not None and _sampled(copy):
                sampling.add(len(found), file)
            found.append(Hit(copy, old_path, file, new_path))
    return found


def _sampled(copy: Lost) -> bool:
    """Whether the file of a copy is compared by a sample; else in full, or not at all."""
    return copy.fast_hash is not None and copy.size > FAST_WHOLE


def _agreeing(
    tree: Tree,
    hits: Sequence[Hit],
    mapped: Mapped,
    sampling: Sampling,
    check: Callable[[], None],
    progress: Callable[[int, int], None],
) -> list[Hit]:
    """Those whose file has the fast hash on record, or of which none is on record; in their order."""
    read = Scan()
    kept: list[Hit | None] = list(hits)
    done = 0
    for number, sample in sampling.taken(check):
        file = hits[number].found
        kept[number] = _compared(
            hits[number], file if with_sample(file, sample, read) else None, read, mapped
        )
        done += 1
        if not done % 64:
            progress(done, len(hits))
    rest = [number for number, hit in enumerate(hits) if not _sampled(hit.lost)]
    whole = {hits[number].lost.size for number in rest if hits[number].lost.fast_hash}
    with closing(opened(tree, [hits[number].found for number in rest], whole)) as turns:
        for place, file, held in turns:
            check()
            hit = hits[rest[place]]
            if hit.lost.fast_hash and held is not None:
                kept[rest[place]] = _compared(hit, with_whole_hash(tree, file, held, read), read, mapped)
            done += 1
            progress(done, len(hits))
    return [hit for hit in kept if hit is not None]


def _compared(hit: Hit, file: Found | None, read: Scan, mapped: Mapped) -> Hit | None:
    """The hit with its file as it was read (None: it could not be); None where that is not the copy."""
    if file is not None and file.fast_hash == hit.lost.fast_hash:
        reading = read.readings.get(file.path)
        return hit if reading is None else replace(hit, found=file, reading=reading)
    reason = "cannot be read" if file is None else "has the same size, but other content"
    mapped.conflicts.append(f"{names.display(hit.new_path)} {reason}.")
    return None


def _refuse_doubles(mapped: Mapped) -> None:
    """Two copies that would get one file: neither gets it."""
    counts = Counter(hit.found.path for hit in mapped.hits)
    mapped.conflicts += [
        f"{names.display(hit.new_path)} would become two copies."
        for hit in mapped.hits
        if counts[hit.found.path] > 1
    ]
    mapped.hits = [hit for hit in mapped.hits if counts[hit.found.path] == 1]


def _apply(db: Database, mapped: Mapped, volume_id: str) -> None:
    by = audit.who()
    matches = [_match(hit) for hit in mapped.hits]
    fs_type = str(scalar(db, "SELECT fs_type FROM volumes WHERE volume_id = ?", (volume_id,)))
    with moving.roomy(db), write(db):
        mapped.session_id = sessions.create(db, mapped.new, volume_id=volume_id, status="matching")
        ids = sessions.store_applied(db, mapped.session_id, matches, by)
        ledger.place(
            db,
            [_placement(which, hit, fs_type) for which, hit in zip(ids, mapped.hits, strict=True)],
            by,
            entered=True,
        )
        sessions.update(
            db,
            mapped.session_id,
            status="completed",
            offline=len({hit.lost.clip_id for hit in mapped.hits if hit.lost.clip_id is not None}),
        )
        audit.record(
            db,
            "relink map",
            target=f"{names.display(mapped.old)} -> {names.display(mapped.new)}",
            to_state="applied",
            why=f"{len(mapped.hits)} files, session {mapped.session_id}",
            by=by,
        )
    mapped.applied = len(mapped.hits)


def _match(hit: Hit) -> Match:
    told = {**evidence(hit.lost, hit.found), "mapped": True}
    if hit.reading is not None:
        told["read"] = {"at": hit.reading.at, "level": hit.reading.level}
        confidence = CONFIDENCE["full_hash"]
    else:
        confidence = SAMPLED if hit.found.fast_hash else LISTED
    return Match(hit.lost, hit.found, "mapped", confidence, certain=False, ambiguous=False, evidence=told)


def _placement(candidate_id: int, hit: Hit, fs_type: str) -> Placement:
    lost, found, reading = hit.lost, hit.found, hit.reading
    same_file = (
        (lost.volume_id, lost.inode) == (found.volume_id, found.inode)
        and found.fast_hash is not None
        and same_time(lost.mtime_ns, found.mtime_ns, fs_type)
    )
    return Placement(
        candidate_id,
        lost.copy_id,
        found.volume_id,
        found.path,
        found.size,
        found.mtime_ns,
        found.inode,
        verified_at=reading.at if reading else None,
        verify_level=reading.level if reading else None,
        keep_verified=same_file,
    )
