"""How a film was proven, in words."""

from __future__ import annotations

from typing import Any

import pytest

from engine.export.rendering.verifying import Findings
from engine.export.runs import proven


def found(level: str, quality: dict[str, Any] | None = None, **checks: Any) -> dict[str, Any]:
    findings = Findings(level, quality=quality)
    for name, (value, ok) in checks.items():
        findings.compare(name.replace("_", " "), value, value, ok, f"{name} is wrong")
    return findings.to_json()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (None, None),
        (found("quick", frames=(600, True)), "packets and lengths compared, 600 frames"),
        (
            found("decode", frames=(600, True), decoded_frames=(14400, True)),
            "every frame decoded, 14,400 frames",
        ),
        (found("decode", sound=("aac", True)), "every frame decoded"),
        (
            found("quality", {"metric": "ssim", "mean": 0.98765, "lowest": 0.9}, frames=(5, True)),
            "every frame decoded, 5 frames, SSIM 0.9877, its worst part 0.9",
        ),
        (found("decode", frames=(5, False)), "every frame decoded, 5 frames; wrong: frames"),
        (found("decode", frames=(None, True)), "every frame decoded, frames not counted"),
    ],
)
def test_what_was_found_is_told(told: dict[str, Any] | None, sentence: str | None) -> None:
    assert proven.sentence(told) == sentence
