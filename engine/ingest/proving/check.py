"""May this card be formatted? Every file on it, now, against verified copies elsewhere. Formats nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine.errors import RushesError
from engine.ingest.ends import failures
from engine.ingest.ends.folders import Root
from engine.ingest.ends.landing import open_original
from engine.ingest.planning.layout import listed
from engine.ingest.planning.scan import left_out, scan
from engine.ingest.records import known
from engine.ingest.records.catalogue import Content, record_asset, record_copy
from engine.ingest.records.known import join
from engine.library import Library
from engine.media.filelist import Listed
from engine.media.hashing import FAST_WHOLE, digest_fd, fast_hash
from engine.names import display, from_blob, json_name
from engine.storage import config, pools
from engine.storage.database import row, rows, scalar
from engine.volumes import places
from engine.volumes.places import Place

SHARES_BLOCKS = frozenset({"btrfs", "xfs", "zfs", "bcachefs", "ocfs2"})
"""File systems on which two files may be the same blocks: two copies on one such volume count once."""


@dataclass(frozen=True)
class Blocking:
    """One file that forbids formatting, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class CardVerdict:
    """The answer.

    Attributes:
        safe_to_format: every file has enough verified copies, and there is at least one file.
        files: files on the medium, system rubbish left out.
        verified: of these, how many fulfil the policy.
        blocking: what does not, and folders that could not be listed.
        sentence: the answer in words.
        copies, devices: the policy that was applied.
    """

    safe_to_format: bool
    files: int
    verified: int
    blocking: tuple[Blocking, ...]
    sentence: str
    copies: int
    devices: int

    def to_json(self) -> dict[str, Any]:
        """As ``card check --json`` prints it."""
        return {
            "safe_to_format": self.safe_to_format,
            "files": self.files,
            "verified": self.verified,
            "blocking": [{**json_name("path", one.path), "reason": one.reason} for one in self.blocking],
            "sentence": self.sentence,
            "policy": {"copies": self.copies, "devices": self.devices},
        }


@dataclass(frozen=True)
class _Copy:
    volume_id: str
    volume: str
    device: str
    shares_blocks: bool


def check_card(
    library: Library,
    path: str,
    *,
    check: Callable[[], None] | None = None,
    on_file: Callable[[int, int, str], None] | None = None,
) -> CardVerdict:
    """Say whether every file below ``path`` is safe elsewhere.

    Files are compared by content: a file whose size and time are those of its
    last full reading on this very volume is known, every other one is read and
    hashed. Copies count when they are verified and lie on another volume and
    another device than the card; where their volume is mounted they must still
    be there, unchanged. The policy comes from the settings ``policy.copies``
    and ``policy.devices``. A volume of which no device is known counts as one.

    Args:
        library: its catalogue is asked, and learns the content of what is read.
        path: the card's mount point, or a folder.
        check: called between buffers; raises to stop.
        on_file: gets (number, of how many, path) before each file.

    Raises:
        NotFound: there is no such folder.
        RushesError: it cannot be listed.
    """
    settings = config.open_config()
    try:
        copies = int(config.get(settings, "policy.copies"))
        devices = int(config.get(settings, "policy.devices"))
    finally:
        settings.close()
    db = library.db()
    top = places.resolve(path)
    place = places.place_of(db, top)
    listing = scan(top, is_junk=left_out, check=check)
    blocking = [Blocking(where, sentence) for where, sentence in listing.unreadable]
    blocking.extend(
        Blocking(where, "another volume is mounted there; check it by itself")
        for where in listing.other_mounts
    )
    is_file = stat.S_ISREG(os.stat(top).st_mode)
    base = os.path.dirname(top) if is_file else top
    folder = os.path.dirname(place.path) if is_file else place.path
    root = Root(base, os.stat(base).st_dev, make=False)
    try:
        good = 0
        for number, found in enumerate(listing.files):
            if check is not None:
                check()
            if on_file is not None:
                on_file(number, len(listing.files), found.path)
            reason = _reason(library, db, root, place, folder, found, copies, devices, check)
            if reason is None:
                good += 1
            else:
                blocking.append(Blocking(found.path, reason))
            root.trim()
    finally:
        root.close()
        listing.close()
    safe = bool(listing.files) and not blocking
    return CardVerdict(
        safe,
        len(listing.files),
        good,
        tuple(blocking),
        _sentence(display(top), len(listing.files), blocking, copies, devices),
        copies,
        devices,
    )


def _sentence(shown: str, files: int, blocking: list[Blocking], copies: int, devices: int) -> str:
    policy = f"{copies} verified {'copy' if copies == 1 else 'copies'} on {devices} " + (
        "device" if devices == 1 else "devices"
    )
    if not files and not blocking:
        return f"There is no file on {shown}, so there is nothing that could be safe. Is it the right card?"
    if blocking:
        names = listed([display(one.path) for one in blocking], 3)
        return f"Do not format {shown}: {len(blocking)} of {files} files lack {policy} ({names})."
    return f"All {files} files on {shown} have {policy}. It may be formatted."


def _reason(
    library: Library,
    db: Database,
    root: Root,
    place: Place,
    folder: str,
    found: Listed,
    copies: int,
    devices: int,
    check: Callable[[], None] | None,
) -> str | None:
    """Why this file is not safe; None when it is."""
    here = known.content_at(db, place.volume_id, join(folder, found.path), found.size, found.mtime_ns)
    if here is None:
        if not scalar(
            db,
            "SELECT 1 FROM assets JOIN copies USING (asset_id) WHERE assets.size = ? AND blake3 IS NOT NULL"
            " AND verified_at IS NOT NULL AND role != 'source' LIMIT 1",
            (found.size,),
        ):
            return "no verified copy"
        try:
            content = _read(root, found, check)
        except RushesError as error:
            return str(error)
        asset_id = scalar(
            db, "SELECT asset_id FROM assets WHERE size = ? AND blake3 = ?", (content.size, content.blake3)
        )
        if asset_id is None:
            return "no verified copy: no file in the catalogue has this content"
        if not library.read_only:
            _remember(db, content, place, join(folder, found.path), found)
    else:
        asset_id = here[0]
    elsewhere = _copies(db, int(asset_id), place)
    if not elsewhere and _has_any(db, int(asset_id)):
        return (
            "no verified copy elsewhere: those there are lie on the card's own device, or are gone or changed"
        )
    return _judge(elsewhere, copies, devices)


def _read(root: Root, found: Listed, check: Callable[[], None] | None) -> Content:
    *parts, name = found.path.split("/")
    try:
        original = open_original(root.folder(tuple(parts), make=False), name, display(found.path))
    except OSError as error:
        raise RushesError(failures.of_reading(error, display(found.path)).sentence) from error
    try:
        digester = digest_fd(original.fd, check=check)
        fast = digester.blake3 if original.size <= FAST_WHOLE else fast_hash(original.fd, original.size)
        if original.changed() or digester.size != found.size:
            raise RushesError("it changed while it was read")
        return Content(digester.size, digester.blake3, digester.xxh128, fast)
    except OSError as error:
        raise RushesError(failures.of_reading(error, display(found.path)).sentence) from error
    except ValueError as error:
        raise RushesError("it changed while it was read") from error
    finally:
        original.close()


def _remember(db: Database, content: Content, place: Place, path: str, found: Listed) -> None:
    record_copy(
        db,
        record_asset(db, content),
        place.volume_id,
        path,
        "source",
        size=found.size,
        mtime_ns=found.mtime_ns,
        inode=found.inode,
        level=None,
        batch_id=None,
    )


def _copies(db: Database, asset_id: int, card: Place) -> list[_Copy]:
    """Verified copies that would survive the formatting of the card.

    A card is a medium of its own: nothing on it, or on its device, survives.
    Where ``card`` is a folder on a disk that is no card, only that folder is
    what gets emptied; copies elsewhere on the disk survive.
    """
    own = row(db, "SELECT device_id, class FROM volumes WHERE volume_id = ?", (card.volume_id,))
    assert own is not None
    whole = card.path == "" or own["class"] not in ("system", "pool", "network", "virtual")
    shadows = pools.shadows(db)
    result = []
    for entry in rows(
        db,
        "SELECT copy_states.*, volumes.fs_type FROM copy_states JOIN volumes USING (volume_id)"
        " WHERE asset_id = ? AND copy_states.state = 'present' AND verified_at IS NOT NULL"
        " AND role != 'source' AND volume_state != 'conflict'",
        (asset_id,),
    ):
        on_it = entry["volume_id"] == card.volume_id
        if whole and (on_it or (own["device_id"] is not None and entry["device_id"] == own["device_id"])):
            continue  # the same medium, or another part of it
        if on_it and from_blob(entry["path"]).startswith(f"{card.path}/"):
            continue
        if pools.may_be_one(entry["volume_id"], card.volume_id, shadows) and (
            whole or may_show(card.path, from_blob(entry["path"]))
        ):
            continue  # a pool shows the card's own files, or the card is what the pool shows
        if not _still_as_recorded(entry):
            continue
        result.append(
            _Copy(
                entry["volume_id"],
                entry["volume_name"],
                entry["device_id"] or entry["volume_id"],
                entry["fs_type"] in SHARES_BLOCKS,
            )
        )
    further = set(pools.counted((copy.volume_id for copy in result), shadows))
    return [copy for copy in result if copy.volume_id in further]


def may_show(folder: str, path: str) -> bool:
    """Whether ``path`` on a pool (or a branch) can be a file below ``folder`` on its branch (or pool). Pure.

    Both are relative to their volumes. Which folder of the branch the pool shows is not asked: a part of
    the one path at the end of ``folder``, or ``folder`` within the other, is enough to be careful.
    """
    parts = folder.split("/")
    tails = ("/".join(parts[start:]) for start in range(len(parts)))
    return f"/{folder}/" in f"/{path}" or any(path.startswith(f"{tail}/") for tail in tails)


def _has_any(db: Database, asset_id: int) -> bool:
    return (
        scalar(
            db,
            "SELECT 1 FROM copies WHERE asset_id = ? AND state = 'present' AND verified_at IS NOT NULL"
            " AND role != 'source' LIMIT 1",
            (asset_id,),
        )
        is not None
    )


def _still_as_recorded(entry: dict[str, Any]) -> bool:
    """A copy on a drive in the cupboard counts as it was proven; one that can be looked at must be there."""
    path = places.absolute(entry, from_blob(entry["path"]))
    if path is None:
        return True
    try:
        facts = os.lstat(path)
    except OSError:
        return False
    return (facts.st_size, facts.st_mtime_ns) == (entry["size"], entry["mtime_ns"])


def _judge(found: list[_Copy], copies: int, devices: int) -> str | None:
    counted = sum(1 for copy in found if not copy.shares_blocks) + len(
        {copy.volume_id for copy in found if copy.shares_blocks}
    )
    on = {copy.device for copy in found}
    where = ", ".join(sorted({display(copy.volume) for copy in found}))
    if not found:
        return "no verified copy"
    if counted < copies:
        return f"{counted} of {copies} verified copies ({where})"
    if len(on) < devices:
        return f"{counted} verified copies, but on {len(on)} of {devices} devices ({where})"
    return None
