"""Minify an SVG tree: matplotlib's output is three times as large as a browser needs."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

NUMBER = re.compile(r"-?\d+\.\d+")
AROUND_COMMAND = re.compile(r" ?([A-Za-z]) ?")
COMMAND = re.compile(r"([MLz])([^MLz]*)")
STRAIGHT = re.compile(r"[MLz\d. -]*")
GEOMETRY = ("d", "x", "y", "transform", "width", "height", "points")
UNTURNED = re.compile(r"rotate\(-?0 [^)]*\)")
GROUPS = ("g", "defs")
TIP = "data-tip"
SHARED = ("data-phase", "data-part")
"""Facts that neighbours have in common: they stand once, at a group."""


def minify(root: Element) -> None:
    """Replace groups without attributes by their children, and round coordinates to tenths of a pixel.

    What an element would inherit anyway, and what a marker's shape has already, is left out.
    """
    root.text = None
    shapes = {f"#{element.get('id')}": element for element in root.iter() if "id" in element.attrib}
    for element in root.iter():
        element.tail = None
        if element.tag in GROUPS or element.tag == "path":
            element.text = None
        _plain(element)
        if element.tag == "use":
            _inherit(element, shapes.get(element.get("href", "")))
    _unwrap(root)
    _share(root)


def _plain(element: Element) -> None:
    for name in GEOMETRY:
        if name in element.attrib:
            element.set(name, " ".join(NUMBER.sub(_rounded, element.attrib[name]).split()))
    if "d" in element.attrib:
        element.set("d", _short(AROUND_COMMAND.sub(r"\1", element.attrib["d"])))
    if element.get("fill") == "currentColor" and element.tag in ("text", "use"):  # as the figure itself
        del element.attrib["fill"]
    if UNTURNED.fullmatch(element.get("transform", "")):
        del element.attrib["transform"]


def _short(path: str) -> str:
    """The path with horizontal and vertical lines as such; one that has curves as it is."""
    if not STRAIGHT.fullmatch(path):
        return path
    parts, last = [], ("", "")
    for command, point in COMMAND.findall(path):
        x, _, y = point.partition(" ")
        if command == "L" and y == last[1]:
            parts.append(f"H{x}")
        elif command == "L" and x == last[0]:
            parts.append(f"V{y}")
        else:
            parts.append(command + point)
        last = (x, y) if point else ("", "")  # after a z, the place is that of the first point
    return "".join(parts)


def _inherit(use: Element, shape: Element | None) -> None:
    """Leave out the stroke that the shape has."""
    for name in ("stroke", "stroke-width"):
        if shape is not None and name in shape.attrib and use.get(name) == shape.get(name):
            del use.attrib[name]


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


def _share(parent: Element) -> None:
    """Put neighbours with the same phase and part of the page into one group."""
    for child in parent:
        _share(child)
    groups: list[Element] = []
    for child in parent:
        shared = {name: child.attrib.pop(name) for name in SHARED if name in child.attrib}
        single = _single(child)
        own = list(child) if child.tag == "g" and not child.attrib else [single]
        if shared and groups and groups[-1].tag == "g" and groups[-1].attrib == shared:
            groups[-1].extend(own)
        elif shared:
            groups.append(Element("g", shared))
            groups[-1].extend(own)
        else:
            groups.append(single)
    parent[:] = groups


def _single(group: Element) -> Element:
    """The only child of a group that has nothing but a tip, with the tip; any other element as it is."""
    if group.tag != "g" or len(group) != 1 or group.attrib.keys() != {TIP} or TIP in group[0].attrib:
        return group
    group[0].set(TIP, group.attrib[TIP])
    return group[0]


def _is_invisible(element: Element) -> bool:
    """The backgrounds of figure and axes, as the page has its own."""
    return element.tag == "path" and element.get("fill") == "none" and not {"stroke", "id"} & element.attrib.keys()
