"""A matplotlib figure as inline SVG for the page: no style attributes, unique ids.

The page's Content-Security-Policy allows its own style sheet only, so styles become presentation attributes; the
ink's colour becomes the page's text colour, so that figures follow a dark theme; text remains text.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from reports.figures.drawing.slim import minify

SIZE = 11
"""Pixels of a figure's letters; the page's style sheet has the same."""
INK = "#010203"
"""Drawn in this colour, shown in the page's text colour."""

SETTINGS: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "deadheat",
    "text.parse_math": False,  # a name is not a formula
    "figure.dpi": 72,
    "font.size": SIZE,
    "lines.markeredgewidth": 1.5,  # of one pixel, a hollow mark is hardly seen
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.unicode_minus": True,
    "image.composite_image": False,  # images keep their resolution
}
REFERENCE = re.compile(r"url\(#([^)]*)\)")
FACTS = "facts:"
"""Begins the id of an artist that has facts for the page's script."""


def draw(paint: Callable[[], Figure], key: str, label: str) -> str:
    """The SVG element of what `paint` draws; `key`: prefix that makes ids unique; `label`: text for screen readers."""
    with _settings():
        figure, buffer = paint(), io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _embed(buffer.getvalue(), key, printable(label))


def describe(artist: Artist, **facts: str) -> None:
    """Give a part of a figure data-* attributes for the page's script; empty facts are left out.

    `tip`: what is shown at the pointer; `phase`, `part`: which phase, and which network's part of the page, it is of.
    """
    if known := {name: fact for name, fact in facts.items() if fact}:
        artist.set_gid(FACTS + json.dumps(known))


def printable(text: str) -> str:
    """The text with a replacement mark for characters that XML does not allow or that are invisible."""
    return "".join(character if character.isprintable() else "�" for character in text)


@contextmanager
def _settings() -> Iterator[None]:
    """The settings for the same output on every machine, independent of its matplotlibrc and fonts."""
    with matplotlib.style.context(["default", dict(SETTINGS)]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        yield


def _embed(source: bytes, key: str, label: str) -> str:
    root = ElementTree.fromstring(source)
    _drop_unwanted(root)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {_local(name): value for name, value in element.attrib.items()}
        _style_to_attributes(element)
        _facts_to_attributes(element)
    used = dict.fromkeys(name for element in root.iter() for name in _referenced(element))
    ours = {name: f"{key}-{number}" for number, name in enumerate(used)}
    for element in root.iter():
        _rename(element, ours)
    minify(root)
    box = root.get("viewBox", "")
    root.attrib = {"viewBox": box, "role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode")


def _drop_unwanted(root: ElementTree.Element) -> None:
    """Remove metadata, and matplotlib's style sheet, which would apply to the whole page."""
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)


DEFAULTS = {
    "stroke-linejoin": ("miter",),
    "stroke-linecap": ("butt", "square"),  # which differ by less than a pixel
    "text-anchor": ("start",),
    "font-size": (f"{SIZE}px",),
}
"""Values that the page's style sheet or SVG itself gives."""


def _style_to_attributes(element: ElementTree.Element) -> None:
    for part in element.attrib.pop("style", "").split(";"):
        name, value = (text.strip() for text in part.partition(":")[::2])
        if name and name != "font-family" and value not in DEFAULTS.get(name, ()):  # the font is the page's own
            element.set(name, value.replace(INK, "currentColor"))


def _facts_to_attributes(element: ElementTree.Element) -> None:
    if (name := element.get("id", "")).startswith(FACTS):
        del element.attrib["id"]
        for fact, text in json.loads(name.removeprefix(FACTS)).items():
            element.set(f"data-{fact}", printable(text))


def _referenced(element: ElementTree.Element) -> list[str]:
    names = [name for value in element.attrib.values() for name in REFERENCE.findall(value)]
    target = element.get("href") or ""
    return [*names, target[1:]] if target.startswith("#") else names


def _rename(element: ElementTree.Element, ours: Mapping[str, str]) -> None:
    """Rename ids that are referenced, and remove the others (figure_1, axes_1, …)."""
    name = element.attrib.pop("id", "")
    if name in ours:
        element.set("id", ours[name])
    for attribute, value in list(element.attrib.items()):
        if attribute == "href" and value.startswith("#"):
            element.set(attribute, f"#{ours[value[1:]]}")
        elif attribute not in ("id", "href"):  # a picture's href is the picture itself
            element.set(attribute, REFERENCE.sub(lambda found: f"url(#{ours[str(found[1])]})", value))


def _local(name: str) -> str:
    """A tag or attribute without its namespace, as HTML writes it."""
    return name.rpartition("}")[2]
