"""Which hardware a volume lies on, and which row a mount belongs to: on rows, without any mount."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine import clock
from engine.library import Library
from engine.storage.database import execute, scalar, write
from engine.volumes.devices import Block, Seen
from engine.volumes.evidence import Evidence
from engine.volumes.mounts import parse
from engine.volumes.refresh import _device, volume_at

(MOUNT,) = parse("30 20 8:17 / /mnt/a rw - ext4 /dev/sdb1 rw")


def seen(hardware: str | None, disk: str = "8:16") -> Seen:
    block = Block("8:17", disk, 1, 1000, True, True, hardware)
    return Seen((MOUNT,), Evidence("ext4", hardware=hardware), block, dev=2065, size=1, free=1)


def device(library: Library, item: Seen, current: str | None) -> str:
    with write(library.db()) as db:
        return _device(db, item, current)


def key_of(library: Library, device_id: str) -> str:
    return str(scalar(library.db(), "SELECT key FROM devices WHERE device_id = ?", (device_id,)))


def test_one_disk_is_one_device_however_it_comes(library: Library) -> None:
    first = device(library, seen("serial:A"), None)
    assert device(library, seen("serial:A", "8:32"), None) == first
    assert device(library, seen("serial:B"), None) != first
    assert key_of(library, first) == "serial:A"


def test_a_reader_that_hides_the_disk_does_not_take_a_volume_from_its_device(library: Library) -> None:
    known = device(library, seen("serial:A"), None)
    card = device(library, seen(None), None)  # another medium was in that reader before
    assert card != known
    assert device(library, seen(None), known) == known
    assert key_of(library, known) == "serial:A"


def test_hardware_without_a_name_follows_the_volume_that_lies_on_it(library: Library) -> None:
    card = device(library, seen(None, "8:16"), None)
    assert key_of(library, card).endswith(":8:16")
    assert device(library, seen(None, "8:48"), card) == card, "the same card in another reader"
    assert key_of(library, card).endswith(":8:48")
    assert device(library, seen("serial:A"), card) != card, "now it tells who it is"


def test_a_row_of_another_session_does_not_fit_a_mount(library: Library) -> None:
    db, moment = library.db(), clock.now()
    values: dict[str, Any] = {
        "volume_id": "v", "name": "A", "session_key": "boot:8:17:aa", "mounts": '[["/", "/mnt/a"]]',
        "first_seen_at": moment, "last_seen_at": moment,
    }  # fmt: skip
    marks = ", ".join(f":{name}" for name in values)
    execute(db, f"INSERT INTO volumes ({', '.join(values)}) VALUES ({marks})", values)
    assert volume_at(db, MOUNT) is not None
    assert volume_at(db, MOUNT, "boot:8:17:aa") is not None
    assert volume_at(db, MOUNT, "boot:8:17:bb") is None
    assert volume_at(db, replace(MOUNT, root="/sub")) is None
    execute(db, "UPDATE volumes SET state = 'offline'")
    assert volume_at(db, MOUNT) is None
