"""Minify an SVG tree: matplotlib's output is three times as large as a browser needs."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

NUMBER = re.compile(r"-?\d+\.\d+")
GEOMETRY = ("d", "x", "y", "transform", "width", "height", "points")
UNTURNED = re.compile(r"rotate\(-?0 [^)]*\)")
GROUPS = ("g", "defs")


def minify(root: Element) -> None:
    """Replace groups without attributes by their children, and round coordinates to tenths of a pixel."""
    root.text = None
    for element in root.iter():
        element.tail = None
        if element.tag in GROUPS or element.tag == "path":
            element.text = None
        _plain(element)
    _unwrap(root)


def _plain(element: Element) -> None:
    for name in GEOMETRY:
        if name in element.attrib:
            element.set(name, " ".join(NUMBER.sub(_rounded, element.attrib[name]).split()))
    if UNTURNED.fullmatch(element.get("transform", "")):
        del element.attrib["transform"]


def _rounded(number: re.Match[str]) -> str:
    text = f"{float(number[0]):.1f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _unwrap(parent: Element) -> None:
    for place, child in reversed(list(enumerate(parent))):
        _unwrap(child)
        is_empty = child.tag in GROUPS and not len(child)
        if is_empty or _is_invisible(child):
            parent.remove(child)
        elif child.tag == "g" and not child.attrib:
            parent[place : place + 1] = list(child)


def _is_invisible(element: Element) -> bool:
    """The backgrounds of figure and axes, as the page has its own."""
    return element.tag == "path" and element.get("fill") == "none" and not {"stroke", "id"} & element.attrib.keys()
