"""Recipes and presets without an engine: the real fields and rules, canned rows and outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.api import compose_form, preset_fields, recipe_fields
from engine.api.forms import Check, Fact, Field, Values, nested, problems
from engine.api.making_rows import Answers, ItemLine, PartEntry, PresetEntry, RecipeEntry, in_words
from engine.export.recipes import body, spec
from tests.tui.fake_parts import CLIPS

Ask = Callable[..., None]

RECIPES = (
    RecipeEntry(
        "r1", "Dailies", "by_date", "joined", "share", "/mnt/nas/exports",
        "2026-11-20T10:00:00.000Z", 4, "2026-11-20T17:10:00.000Z", "completed",
    ),
    RecipeEntry(
        "r2", "Director's cut", "list", "joined", "archive", "/mnt/archive2/masters",
        "2026-11-19T10:00:00.000Z", 3, "2026-11-20T17:40:00.000Z", "failed",
    ),
    RecipeEntry(
        "r3", "Proxies [all]", "all", "per-clip", "proxy-prores", None,
        "2026-11-18T10:00:00.000Z", 0, None, None,
    ),
)  # fmt: skip

ANSWERS: dict[str, dict[str, Any]] = {
    "Dailies": {
        "mode": "by_date", "filter.tags": ["day 11"], "layout": "joined", "preset": "share",
        "destination": "/mnt/nas/exports", "template": "{recipe}_{date}", "loudness": -23,
        "burn_in": "timecode@bottom-left:4",
    },
    "Director's cut": {
        "mode": "list", "layout": "joined", "preset": "archive", "transition": "crossfade",
        "items": [
            {"clip_id": "clip-1", "in_frame": 25, "out_frame": 250},
            {"clip_id": "clip-2", "in_frame": None, "out_frame": None},
            {"clip_id": "gone", "in_frame": None, "out_frame": None},
        ],
    },
    "Proxies [all]": {"mode": "all", "layout": "per-clip", "preset": "proxy-prores"},
}  # fmt: skip

PRESETS = (
    PresetEntry(
        "share", "H.264 for people: plays everywhere", "delivery", True, "libx264", "aac", "mp4", None
    ),
    PresetEntry(
        "av1",
        "AV1: the smallest files, slow to make",
        "delivery",
        True,
        "av1",
        "aac",
        "mp4",
        "This ffmpeg (6.0) has no encoder libsvtav1 or libaom-av1, which preset av1 needs.",
    ),
    PresetEntry(
        "prores-hq", "ProRes 422 HQ with 24-bit sound", "editing", True, "prores_ks", "pcm_s24le", "mov", None
    ),
    PresetEntry(
        "proxy-prores",
        "Editing proxy, longer side 1280",
        "proxy",
        True,
        "prores_ks",
        "pcm_s16le",
        "mov",
        None,
    ),
    PresetEntry("audio-wav", "Sound only: WAV, 24 bit", "audio", True, None, "pcm_s24le", "wav", None),
    PresetEntry("review", "", "own", False, "libx264", "aac", "mp4", None, True),
    PresetEntry("web 4k", "for the client", "own", False, "libx264", "aac", "mp4", None),
)

PARTS = (
    PartEntry("scaling", "half", True, "size 1/2", (), {"scale": "1/2"}),
    PartEntry("scaling", "small [web]", False, "longer side 960", ("review",), {"fit": 960}),
    PartEntry("watermark", "house", False, "burn-in text=Draft@top", (), {"burn_in": "text=Draft@top"}),
    PartEntry("sound", "web", True, "loudness -16", (), {"loudness": -16}),
)

COMMAND = (
    "ffmpeg",
    "-i",
    "file:/mnt/nas/A001C001.MP4",
    "-c:v",
    "libx264",
    "-crf",
    "20",
    "-f",
    "mp4",
    "film.mp4",
)

FACTS = (
    Fact("Clips", "41"),
    Fact("Length", "0:38:12, 57,300 frames"),
    Fact("Shape", "3840x2160, 25 frames per second"),
    Fact("Size", "at most about 7.2 GiB"),
    Fact("Disk", "9.1 GiB beside the library for parts, 7.2 GiB at /mnt/nas/exports"),
    Fact("Makes", "Dailies_2026-11-20.mp4"),
)

COMPARED: dict[str, Any] = {
    "runs": [
        {
            "name": "Dailies 20 Nov", "status": "completed", "created_at": "2026-11-20T17:00:00.000Z",
            "seconds": 61.0, "frames_total": 57_300, "output_duration_ms": 2_292_000,
            "output_size": 7_200_000_000, "preset": "share", "output_blake3": "ab" * 32,
            "output_path": "/mnt/nas/exports/Dailies 20 Nov.mp4",
        },
        {
            "name": "Dailies [19] \x1b[2J", "status": "failed", "created_at": "2026-11-19T17:00:00.000Z",
            "seconds": None, "frames_total": None, "output_duration_ms": None, "output_size": None,
            "preset": "archive", "output_blake3": None, "output_path": None,
        },
    ],
    "different": {
        "spec.preset": ["share", "archive"],
        "spec.loudness": [-23, None],
        "preset.video.codec": ["libx264", "prores_ks"],
    },
    "clips_only_in_first": ["A001C001", "A001C002"],
    "clips_only_in_second": [],
    "same_bytes": False,
}  # fmt: skip


class FakeMaking:
    """Keeps what it was asked for in the desk's ``asked``."""

    def __init__(self, ask: Ask, source: Callable[..., Any], *, empty: bool = False) -> None:
        """``source`` is the fakes' own source of rows, handed in: they know this module."""
        self._ask = ask
        self._source = source
        self.answers = {} if empty else {name: dict(values) for name, values in ANSWERS.items()}
        self.recipe_source = source(
            () if empty else RECIPES,
            lambda row: row.name,
            lambda row: row.last_status == "running",
            lambda row: row.last_status == "failed",
            self._recipe,
            ("name", "newest", "preset"),
        )
        self.preset_source = source(
            PRESETS,
            lambda row: row.name,
            lambda row: not row.is_system,
            lambda row: row.unable is not None,
            self._preset,
            ("category", "name"),
        )

        self.part_source = source(
            PARTS,
            lambda row: f"{row.concern}/{row.name}",
            lambda row: not row.is_system,
            lambda row: bool(row.used_by),
            self._part,
            ("concern", "name"),
        )

    def _part(self, row: PartEntry) -> Answers:
        values = {"concern": row.concern, **row.given}
        return Answers(row.name, tuple(in_words(self.part_fields(values), values)))

    def _recipe(self, row: RecipeEntry) -> Answers:
        values = self.answers.get(row.name, {})
        return Answers(row.name, tuple(in_words(self.recipe_fields(values), values)))

    def _preset(self, row: PresetEntry) -> Answers:
        values = self.preset_values(row.name)
        unable = (row.unable,) if row.unable else ()
        answers = tuple(in_words(preset_fields.fields(values), values))
        return Answers(row.name, answers, (Fact("File", row.container),), unable, COMMAND)

    # -- reads -----------------------------------------------------------------
    def recipes(self) -> Any:
        return self.recipe_source

    def presets(self) -> Any:
        return self.preset_source

    def recipe_fields(self, values: Values) -> Sequence[Field]:
        del values
        return recipe_fields.fields([(row.name, f"{row.name}  {row.description}") for row in PRESETS])

    def recipe_values(self, name: str | None) -> dict[str, Any]:
        if name is None:
            return {"preset": "share", "mode": "all", "layout": "joined"}
        return {"name": name, **self.answers[name]}

    def preset_fields(self, values: Values) -> Sequence[Field]:
        return preset_fields.fields(values)

    def preset_values(self, name: str | None) -> dict[str, Any]:
        made = {
            "category": "own",
            "container": "mp4",
            "video.codec": "libx264",
            "video.crf": 20,
            "audio.codec": "aac",
        }
        return made if name is None else {"name": name, **made}

    def compose_fields(self, values: Values) -> Sequence[Field]:
        del values
        return [
            Field("name", "Name", "text", "What the preset is called.", "Preset"),
            *(
                Field(
                    f"composed.{concern}",
                    concern.capitalize(),
                    "choice",
                    compose_form.HINTS[concern],
                    "Parts",
                    (("share", "share  H.264"),) if concern == "codec" else (("half", "half  size 1/2"),),
                    empty="" if concern == "codec" else "as the codec part says",
                )
                for concern in ("codec", "scaling")
            ),
        ]

    def compose_values(self, name: str | None) -> dict[str, Any]:
        return {"composed.codec": "share", **({"name": name} if name else {})}

    def parts(self) -> Any:
        return self.part_source

    def part_fields(self, values: Values) -> Sequence[Field]:
        return compose_form.part_fields(values)

    def part_values(self, name: str | None) -> dict[str, Any]:
        found = next((part for part in PARTS if part.name == name), None)
        given = {"name": found.name, "concern": found.concern, **found.given} if found else None
        return given or {"concern": "scaling"}

    def items(self, given: Sequence[Mapping[str, Any]]) -> list[ItemLine]:
        titles = {clip.clip_id: clip.title for clip in CLIPS}
        states = {clip.clip_id: clip.state for clip in CLIPS}
        return [
            ItemLine(
                item["clip_id"],
                titles.get(item["clip_id"]),
                25.0 if item["clip_id"] in titles else None,
                2301 if item["clip_id"] in titles else None,
                item.get("in_frame"),
                item.get("out_frame"),
                states.get(item["clip_id"]),
            )
            for item in given
        ]

    def clips(self) -> Any:
        return self._source(
            CLIPS, lambda row: row.title, lambda row: row.state == "online", lambda row: False, _Detail
        )

    def log_tail(self, run_id: str) -> list[str]:
        self._ask("log_tail", run_id)
        return ["$ ffmpeg -i file:/mnt/nas/A001C001.MP4", "[mov] moov atom not found"]

    def resume_run(self, run_id: str) -> str:
        self._ask("resume_run", run_id)
        return "again"

    def film_of(self, run_id: str) -> str:
        return f"/mnt/nas/exports/{run_id}.mp4"

    def log_file(self, run_id: str) -> str | None:
        return f"/mnt/nas/.rushes/logs/export-{run_id}.log" if run_id.startswith("Director") else None

    def compare(self, one: str, other: str) -> dict[str, Any]:
        self._ask("compare", one, other)
        return COMPARED

    # -- checks and verbs --------------------------------------------------------
    def check_recipe(self, values: Values, was: str | None) -> Check:
        del was
        found = problems(
            {key: value for key, value in values.items() if key != "name"},
            ("mode", "items", "width", "height"),
            lambda part: spec.checked(nested(part)),
        )
        if not values.get("name"):
            found["name"] = "A recipe's name has 1 to 100 characters."
        return Check(found) if found else Check({}, FACTS, COMMAND)

    def save_recipe(self, values: Values, was: str | None) -> str:
        self._ask("save_recipe", dict(values), was)
        self.answers[str(values["name"])] = {key: value for key, value in values.items() if key != "name"}
        return str(values["name"])

    def delete_recipe(self, name: str) -> None:
        self._ask("delete_recipe", name)

    def write_recipe(self, name: str, path: str) -> str:
        self._ask("write_recipe", name, path)
        return path

    def read_recipe(self, path: str, name: str | None = None) -> str:
        self._ask("read_recipe", path, *([name] if name else []))
        return "Dailies"

    def write_timeline(self, name: str, path: str) -> list[str]:
        self._ask("write_timeline", name, path)
        return [f"Written to {path}."]

    def try_presets(self, seconds: float = 0.7) -> bool:
        del seconds
        return True

    def check_preset(self, values: Values, was: str | None) -> Check:
        del was
        found = problems(
            {key: value for key, value in values.items() if key not in ("name", "description")},
            ("container", "video.codec", "audio.codec"),
            lambda part: body.checked(nested(part)),
        )
        return Check(found) if found else Check({}, (Fact("File", "mp4"),), COMMAND)

    def save_preset(self, values: Values, was: str | None) -> str:
        self._ask("save_preset", dict(values), was)
        return str(values["name"])

    def check_composed(self, values: Values, was: str | None) -> Check:
        del values, was
        return Check({}, (Fact("File", "mp4"),), COMMAND)

    def save_composed(self, values: Values, was: str | None) -> str:
        self._ask("save_composed", dict(values), was)
        return str(values["name"])

    def check_part(self, values: Values, was: str | None) -> Check:
        return compose_form.check_part(values, None)

    def save_part(self, values: Values, was: str | None) -> str:
        self._ask("save_part", dict(values), was)
        return str(values["name"])

    def preset_uses(self, names: Sequence[str]) -> str:
        return "Recipe Trailer (/mnt/set) will need another preset." if "house" in names else ""

    def delete_preset(self, name: str) -> None:
        self._ask("delete_preset", name)

    def write_preset(self, name: str, path: str) -> str:
        self._ask("write_preset", name, path)
        return path

    def read_preset(self, path: str, name: str | None = None) -> str:
        self._ask("read_preset", path, *([name] if name else []))
        return "share"


class _Detail:
    """A clip's detail, as far as a list to choose from shows it."""

    def __init__(self, row: Any) -> None:
        self.row = row
