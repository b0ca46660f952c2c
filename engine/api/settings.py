"""The settings that all libraries of this machine share, as a screen shows and changes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.api.rows import Source
from engine.api.views.asides import Short
from engine.errors import WrongUse
from engine.storage import config
from engine.storage.database import row


@dataclass(frozen=True)
class SettingRow:
    """One setting.

    Attributes:
        key: its name.
        value: what holds now, as one would type it.
        default: what holds when nothing is set.
        meaning: a sentence without a full stop.
        takes: which values it takes, in words.
        choices: the words it takes; empty when it is a number or a free text.
    """

    key: str
    value: str
    default: str
    meaning: str
    takes: str
    choices: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The row's id."""
        return self.key

    @property
    def changed(self) -> bool:
        """Whether it differs from its default."""
        return self.value != self.default


def described(key: str, value: str | int) -> SettingRow:
    """One setting with this value."""
    setting = config.SETTINGS[key]
    if setting.choices is not None:
        takes = f"one of: {', '.join(setting.choices)}"
    elif setting.text is not None:
        takes = "a text"
    else:
        takes = f"a whole number from {setting.low} to {setting.high}"
    return SettingRow(key, str(value), str(setting.default), setting.meaning, takes, setting.choices or ())


def source_of(read: Callable[[], Sequence[SettingRow]]) -> Source[SettingRow, SettingRow]:
    """Settings as a list; ``active`` are those as they came, ``failed`` those that were changed."""
    return Short(
        read,
        lambda one: f"{one.key} {one.value} {one.meaning}",
        lambda one: one.changed,
        (("kind", lambda one: one.key), ("name", lambda one: one.key)),
    )


class Settings:
    """Any thread."""

    def source(self) -> Source[SettingRow, SettingRow]:
        """All settings, in the order in which they are described."""
        return source_of(self._read)

    @staticmethod
    def _read() -> list[SettingRow]:
        return [described(key, value) for key, value in config.values(*config.SETTINGS).items()]

    @staticmethod
    def problem(key: str, text: str) -> str | None:
        """What is wrong with a value, None when it would be taken. Reads and writes nothing."""
        try:
            config.checked(key, text)
        except WrongUse as error:
            return str(error)
        return None

    def put(self, key: str, text: str | None) -> str | None:
        """Set one setting, None puts it back to its default; return what was set before, None for nothing.

        Raises:
            WrongUse: unknown key, or a value outside its range.
        """
        db = config.open_config()
        try:
            before = row(db, "SELECT 1 FROM settings WHERE key = ?", (key,))
            held = str(config.get(db, key)) if before is not None else None
            if text is None:
                config.reset(db, key)
            else:
                config.put(db, key, text)
        finally:
            db.close()
        return held
