"""How a film is to look and sound beyond its cut: what the recipe says, else the preset. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.export.planning.plan import Source
from engine.export.planning.selection import Chosen
from engine.export.recipes import timecode
from engine.media.facts import MediaFacts
from engine.names import display


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Manner:
    """What is done to pictures and sound on the way.

    Attributes:
        stamps: checked, see :mod:`engine.export.recipes.stamps`.
        card: checked title card; None for none.
        loudness: target in LUFS; None leaves the sound as it is.
        filters: chain of the preset.
        tonemap: HDR pictures are brought to BT.709.
        spell: writes what the font cannot draw in letters that it can.
    """

    stamps: Sequence[Mapping[str, Any]] = ()
    card: Mapping[str, Any] | None = None
    loudness: float | None = None
    filters: str | None = None
    tonemap: bool = False
    spell: Callable[[str], str] = _as_it_is

    @staticmethod
    def of(
        spec: Mapping[str, Any], preset: Mapping[str, Any], spell: Callable[[str], str] = _as_it_is
    ) -> Manner:
        """What a checked recipe and a checked preset say together; the recipe's word wins."""
        has_picture = preset["video"] is not None
        loudness = spec["loudness"] if spec["loudness"] is not None else preset.get("loudness")
        return Manner(
            stamps=(spec["burn_in"] or preset.get("burn_in") or ()) if has_picture else (),
            card=spec["title"],
            loudness=loudness,
            filters=preset.get("filters"),
            tonemap=spec["hdr"] == "tonemap",
            spell=spell,
        )

    @property
    def draws(self) -> bool:
        """Whether a font is needed."""
        return bool(self.stamps) or self.card is not None

    def shows(self, what: str) -> bool:
        """Whether a stamp shows this."""
        return any(stamp["what"] == what for stamp in self.stamps)

    def texts(self, clips: Sequence[Chosen], recipe: str) -> list[str]:
        """All words that will be drawn, to choose a font by."""
        words = [word for clip in clips for word in self.words_of(clip).values()]
        words += [str(stamp["text"]) for stamp in self.stamps if stamp["text"]]
        return [*words, *([recipe] if self.shows("recipe") else []), str((self.card or {}).get("text", ""))]

    def words_of(self, clip: Chosen) -> dict[str, str]:
        """What stamps show of a clip."""
        known = {"clip": clip.title, "reel": clip.reel, "recorded": clip.recorded_at[:10]}
        return {what: self.spell(display(text)) for what, text in known.items() if text and self.shows(what)}

    def timecode_of(self, facts: MediaFacts, rate: Fraction) -> dict[str, Any] | None:
        """What the plan keeps of a file's timecode; None when no stamp shows it. Without one it is 0."""
        if not self.shows("timecode") or facts.video is None:
            return None
        own = facts.video.fps if facts.video.fps and not facts.video.vfr else rate
        text = facts.timecode or "00:00:00:00"
        first = timecode.frames(text, own)
        return {
            "start": first or 0,
            "rate": str(own),
            "drop": bool(first is not None and timecode.is_drop(text) and timecode.dropped(own)),
        }

    def look(self, tags: Mapping[str, str]) -> dict[str, Any]:
        """The ``look`` of a plan; ``tags`` tell the hashes of colour table and font, and the recipe."""
        look: dict[str, Any] = {}
        if tags.get("lut"):
            look["lut"] = tags["lut"]
        if self.loudness is not None:
            look["loudness"] = self.loudness
        if self.filters:
            look["filters"] = self.filters
        if self.draws:
            look["font"] = tags.get("font", "font")
        if self.stamps:
            look["burn_in"] = [{**stamp, "text": self._text(stamp)} for stamp in self.stamps]
        if self.shows("recipe"):
            look["recipe"] = self.spell(display(tags["recipe"]))
        return look

    def _text(self, stamp: Mapping[str, Any]) -> str | None:
        return None if stamp["text"] is None else self.spell(display(str(stamp["text"])))

    def card_source(self, size: tuple[int, int], rate: Fraction) -> Source:
        """The title card as a source that no file is read for."""
        assert self.card is not None
        lines = (self.spell(display(line)) for line in str(self.card["text"]).split("\n"))
        return Source(
            clip_id="",
            title="",
            asset_id=0,
            identity="card",
            size=0,
            width=size[0],
            height=size[1],
            fps=str(rate),
            start=0,
            tail=0,
            interlaced=False,
            full_range=False,
            matrix="bt709",
            channels=0,
            tracks=0,
            sound_shift=0,
            deep_seek=False,
            card={**self.card, "text": "\n".join(lines)},
        )


PLAIN = Manner()
"""Nothing is done on the way."""
