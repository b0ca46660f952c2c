"""Colours: dark, light and high contrast of our own; the terminal's sixteen from Textual's ansi themes.

The tones of :mod:`tui.widgets.toned` are variables, so that every theme says
what "good" looks like on its own background.
"""

from __future__ import annotations

from textual.theme import Theme


def _theme(name: str, *, dark: bool, base: dict[str, str], tones: dict[str, str]) -> Theme:
    return Theme(
        name=name,
        dark=dark,
        **base,  # type: ignore[arg-type]  # the keys are Theme's colour fields
        variables={f"tone-{tone}": colour for tone, colour in tones.items()}
        | {
            "input-cursor-background": tones["strong"],
            "input-cursor-foreground": base["background"],
            "scrollbar": tones["rest"],
            "scrollbar-hover": tones["dim"],
            "scrollbar-active": tones["dim"],
            "scrollbar-background": base["background"],
            "scrollbar-background-hover": base["background"],
            "scrollbar-background-active": base["background"],
            "scrollbar-corner-color": base["background"],
        },
    )


THEMES = (
    _theme(
        "rushes-dark",
        dark=True,
        base={
            "primary": "#8ab4d8",
            "secondary": "#a99bc9",
            "warning": "#d9b25f",
            "error": "#e0776b",
            "success": "#85b97d",
            "accent": "#8ab4d8",
            "foreground": "#ccd0d6",
            "background": "#15181c",
            "surface": "#1b1f24",
            "panel": "#232930",
        },
        tones={
            "dim": "#7d8690",
            "strong": "#f0f2f5",
            "good": "#85b97d",
            "warn": "#d9b25f",
            "bad": "#e0776b",
            "busy": "#8ab4d8",
            "rest": "#3a424b",
            "head": "#a9b3bd",
            "key": "#8ab4d8",
            "cursor-back": "#2a3440",
            "tab-back": "#33404e",
            "bar-back": "#1f242a",
        },
    ),
    _theme(
        "rushes-light",
        dark=False,
        base={
            "primary": "#1f5f93",
            "secondary": "#6a4f96",
            "warning": "#8a5a00",
            "error": "#b3261e",
            "success": "#2b6b2f",
            "accent": "#1f5f93",
            "foreground": "#24292f",
            "background": "#f7f8f9",
            "surface": "#eff1f3",
            "panel": "#e3e7eb",
        },
        tones={
            "dim": "#626c76",
            "strong": "#000000",
            "good": "#2b6b2f",
            "warn": "#8a5a00",
            "bad": "#b3261e",
            "busy": "#1f5f93",
            "rest": "#c3cad1",
            "head": "#46505a",
            "key": "#1f5f93",
            "cursor-back": "#d6e4f0",
            "tab-back": "#c7d8e8",
            "bar-back": "#e8ebee",
        },
    ),
    _theme(
        "rushes-contrast",
        dark=True,
        base={
            "primary": "#66ccff",
            "secondary": "#ffffff",
            "warning": "#ffdd33",
            "error": "#ff6655",
            "success": "#55ff66",
            "accent": "#66ccff",
            "foreground": "#ffffff",
            "background": "#000000",
            "surface": "#000000",
            "panel": "#1a1a1a",
        },
        tones={
            "dim": "#c0c0c0",
            "strong": "#ffffff",
            "good": "#55ff66",
            "warn": "#ffdd33",
            "bad": "#ff6655",
            "busy": "#66ccff",
            "rest": "#808080",
            "head": "#ffffff",
            "key": "#66ccff",
            "cursor-back": "#004a80",
            "tab-back": "#004a80",
            "bar-back": "#1a1a1a",
        },
    ),
)

ANSI_TONES = {
    "tone-dim": "ansi_default",
    "tone-strong": "ansi_default",
    "tone-good": "ansi_green",
    "tone-warn": "ansi_yellow",
    "tone-bad": "ansi_red",
    "tone-busy": "ansi_cyan",
    "tone-rest": "ansi_default",
    "tone-head": "ansi_default",
    "tone-key": "ansi_cyan",
    "tone-cursor-back": "ansi_bright_black",
    "tone-tab-back": "ansi_bright_black",
    "tone-bar-back": "ansi_default",
}
"""The tones of themes that are not ours (the ansi ones): the terminal's own sixteen colours."""

CHOICES = ("rushes-dark", "rushes-light", "rushes-contrast", "ansi-dark", "ansi-light")
"""Themes that the palette offers."""


def default_theme(term: str, wanted: str = "") -> str:
    """The theme to begin with: ``wanted`` if it is one of ours, else what the terminal can show."""
    if wanted in CHOICES:
        return wanted
    many = "256" in term or term in ("", "xterm-kitty", "xterm-ghostty", "alacritty", "foot")
    return "rushes-dark" if many else "ansi-dark"
