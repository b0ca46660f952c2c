"""What the verification of a finished file found, in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def sentence(found: Mapping[str, Any] | None) -> str | None:
    """How a file was proven, e.g. ``every frame decoded, 600 frames, SSIM 0.987``; None when it was not.

    Args:
        found: the form of :meth:`engine.export.rendering.verifying.Findings.to_json`.
    """
    if not found:
        return None
    checks = {check["name"]: check for check in found.get("checks") or ()}
    words = ["packets and lengths compared" if found["level"] == "quick" else "every frame decoded"]
    frames = checks.get("decoded frames") or checks.get("frames")
    if frames is not None:
        words.append(
            f"{frames['found']:,} frames" if isinstance(frames["found"], int) else "frames not counted"
        )
    quality = found.get("quality")
    if quality:
        words.append(
            f"{str(quality['metric']).upper()} {quality['mean']:.4g}, its worst part {quality['lowest']:.4g}"
        )
    wrong = [str(name) for name, check in checks.items() if not check["ok"]]
    return ", ".join(words) + (f"; wrong: {', '.join(wrong)}" if wrong else "")
