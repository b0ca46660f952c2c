"""Names: exact in the database, harmless on a screen."""

from __future__ import annotations

import base64
import json

import pytest

from engine.names import display, from_blob, is_text, json_name, safe_component, to_blob

AWKWARD = [
    "clip [1] ;rm.mov",
    "-y.mp4",
    "\x1b[2J.mov",
    "two\nlines",
    "tab\there",
    "caf\udce9",
    "\u202egnp.mov",
    "\x9b31m",
    "\u200bzero",
    "a\\nb",
    "雪.mov",
    "e\u0301",
    " lead",
    "\u2028sep",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_the_exact_name_comes_back(name: str) -> None:
    assert from_blob(to_blob(name)) == name


@pytest.mark.parametrize("name", AWKWARD)
def test_what_is_shown_can_harm_neither_terminal_nor_json(name: str) -> None:
    shown = display(name)
    assert all(char.isprintable() for char in shown)
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 1
    shown.encode("utf-8")
    assert json.loads(json.dumps({"n": shown}))["n"] == shown


@pytest.mark.parametrize("name", ["plain.mov", "雪.mov", "e\u0301", "clip [1] ;rm.mov", " lead", "a\\nb"])
def test_a_harmless_name_is_shown_as_it_is(name: str) -> None:
    assert display(name) == name
    assert is_text(name)
    assert json_name("path", name) == {"path": name}


def test_json_carries_the_exact_bytes_when_the_text_is_not_the_name() -> None:
    found = json_name("path", "caf\udce9\n")
    assert found["path"] == "caf\\xe9\\n"
    assert base64.b64decode(found["path_b64"]) == b"caf\xe9\n"
    assert json_name("path", None) == {"path": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b:c", "a_b_c"),
        ("  .. ", "untitled"),
        ("x" * 300, "x" * 200),
        ("A001", "A001"),
        ("q\x00?\n", "q___"),
    ],
)
def test_a_component_that_every_file_system_takes(text: str, expected: str) -> None:
    assert safe_component(text) == expected
