"""XML from camera cards: read defensively, looked up by local names."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # for the type of an element; the parser is defusedxml's
from collections.abc import Iterator
from typing import TypeAlias

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

Element: TypeAlias = ET.Element


def parse(data: bytes | None) -> Element | None:
    """Return the root element; ``None`` when absent, broken, of unknown encoding, or with own entities."""
    if not data:
        return None
    try:
        root: Element = ElementTree.fromstring(data.strip(b"\0 \r\n\t"), forbid_dtd=False)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    return root


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def each(root: Element, *path: str) -> Iterator[Element]:
    """Every element below ``root`` whose ancestors end with ``path`` (local names, first at any depth)."""
    for element in root.iter():
        if local(element) == path[0]:
            yield from _down(element, path[1:])


def _down(element: Element, path: tuple[str, ...]) -> Iterator[Element]:
    if not path:
        yield element
        return
    for child in element:
        if local(child) == path[0]:
            yield from _down(child, path[1:])


def text(root: Element, *path: str) -> str | None:
    """The text of the first such element; ``None`` when absent or blank."""
    for element in each(root, *path):
        if element.text and element.text.strip():
            return element.text.strip()
    return None


def attribute(root: Element, name: str, *path: str) -> str | None:
    """That attribute of the first such element that has it, not blank."""
    for element in each(root, *path):
        value = element.get(name, "").strip()
        if value:
            return value
    return None
