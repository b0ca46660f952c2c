"""Two runs beside each other: what came out, and every setting in which they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from engine import clock
from engine.names import display
from tui import format as fmt
from tui.looks import JOB_LOOKS, look_of
from tui.screens.dialog import Dialog
from tui.screens.inputs import foot
from tui.widgets.line_view import BLANK, Line, LineView, heading
from tui.widgets.one_line import OneLine

LABEL = 20
"""Cells of the labels at the left."""

PARTS = {"video": "Picture", "audio": "Sound"}
"""What a preset's fields of one name belong to."""

CLIPS_SHOWN = 8
"""Titles that are listed of the clips that only one run has."""


def facts_of(run: Mapping[str, Any], now: datetime) -> list[tuple[str, str]]:
    """What came out of a run, label and value, escaped."""
    seconds = run.get("seconds")
    return [
        ("State", look_of(JOB_LOOKS, str(run["status"])).word),
        ("Queued", fmt.moment(run.get("created_at"), now)),
        ("Took", fmt.eta(seconds) if seconds is not None else "-"),
        ("Frames", fmt.number(run.get("frames_total"))),
        ("Length", fmt.duration(run.get("output_duration_ms"))),
        ("Size", fmt.size(run.get("output_size"))),
        ("Preset", display(str(run.get("preset") or "-"))),
        ("BLAKE3", str(run.get("output_blake3") or "-")[:24]),
        ("File", display(str(run.get("output_path") or "-"))),
    ]


def spoken(value: Any) -> str:
    """A setting in words, escaped; a dash for what is not set."""
    if value in (None, "", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        if value and isinstance(value[0], Mapping):
            return f"{len(value)} entries"
        return display(", ".join(str(entry) for entry in value))
    return display(str(value))


def setting(name: str, one: Any, other: Any) -> tuple[str, str, str]:
    """A setting that differs as the forms call it: its label, and both values in words."""
    from engine.api.preset_fields import fields as of_preset  # slow, and only a comparison needs them
    from engine.api.recipe_fields import fields as of_recipe

    key = name.removeprefix("spec.")
    known = of_recipe()
    if name.startswith("preset."):
        key = name.removeprefix("preset.")
        codec = {f"{part}.codec": value for part, value in (("video", "libx264"), ("audio", "aac"))}
        known = of_preset(codec)
    field = next((field for field in known if field.key == key), None)
    if field is None:
        return key, spoken(one), spoken(other)
    words = dict(field.choices)
    first, second = (
        spoken(value if isinstance(value, list | dict) or "  " in words.get(value, "  ") else words[value])
        for value in (one, other)
    )
    part = PARTS.get(key.partition(".")[0]) if name.startswith("preset.") else None
    return f"{part} {field.label.lower()}" if part else field.label, first, second


def lines_of(compared: Mapping[str, Any], width: int, now: datetime, ellipsis: str) -> list[Line]:
    """The comparison in ``width`` cells."""
    half = max(10, (width - LABEL - 2) // 2)
    first, second = compared["runs"]

    def row(label: str, one: str, other: str, *, mark: bool = True) -> Line:
        tone = "warn" if mark and one != other else ""
        return Line(
            (
                (fmt.pad(fmt.fit(label, LABEL - 1, ellipsis), LABEL), "dim"),
                (fmt.pad(fmt.fit_path(one, half, ellipsis), half + 2), ""),
                (fmt.fit_path(other, half, ellipsis), tone),
            )
        )

    lines = [
        Line(
            (
                (" " * LABEL, ""),
                (fmt.pad(fmt.fit(display(str(first["name"])), half, ellipsis), half + 2), "strong"),
                (fmt.fit(display(str(second["name"])), half, ellipsis), "strong"),
            )
        )
    ]
    for (label, one), (_, other) in zip(facts_of(first, now), facts_of(second, now), strict=True):
        lines.append(row(label, one, other, mark=label not in ("Queued", "File", "BLAKE3")))
    same = compared["same_bytes"]
    lines += [
        BLANK,
        Line(
            (
                (
                    "The films are the same, byte for byte." if same else "The films are not the same bytes.",
                    "good" if same else "",
                ),
            )
        ),
        BLANK,
        heading("Settings that differ"),
    ]
    different = compared["different"]
    lines += [row(*setting(name, one, other)) for name, (one, other) in different.items()]
    if not different:
        lines.append(Line((("None: both were made with the same settings.", "dim"),)))
    for title, names in (
        (f"Clips only in {display(str(first['name']))}", compared["clips_only_in_first"]),
        (f"Clips only in {display(str(second['name']))}", compared["clips_only_in_second"]),
    ):
        lines += _clips(title, names)
    return lines


def _clips(title: str, names: Sequence[str]) -> list[Line]:
    if not names:
        return []
    shown = ", ".join(display(name) for name in names[:CLIPS_SHOWN])
    more = f" and {len(names) - CLIPS_SHOWN:,} more" if len(names) > CLIPS_SHOWN else ""
    return [BLANK, heading(title), Line(((f"{shown}{more}", ""),))]


class RunCompareScreen(Dialog[None]):
    """The comparison, to read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,h,enter", "leave", "back", show=False),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("ctrl+d,pagedown,space", "scroll(15)", "page down", show=False),
        Binding("ctrl+u,pageup", "scroll(-15)", "page up", show=False),
    ]

    def __init__(self, compared: Mapping[str, Any], now: datetime | None = None) -> None:
        super().__init__()
        self._compared = compared
        self._now = now or clock.parse(clock.now())

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="box -wide -tall") as box:
            box.border_title = "Two runs"
            yield LineView(id="lines")
            yield OneLine(id="foot", classes="foot")

    def on_mount(self) -> None:
        """Draw."""
        self._draw()
        self.query_one(OneLine).show(foot(("j k", "scroll"), ("esc", "back")))

    def on_resize(self) -> None:
        """Draw for the new width."""
        self._draw()

    def _draw(self) -> None:
        width = min(110, self.app.size.width) - 7
        lines = lines_of(self._compared, width, self._now, self.rushes.glyphs.ellipsis)
        view = self.query_one(LineView)
        view.styles.height = max(3, min(len(lines), self.app.size.height - 8))
        view.show(lines)

    def action_scroll(self, by: int) -> None:
        """Scroll the text."""
        self.query_one(LineView).scroll_relative(y=by, animate=False)
