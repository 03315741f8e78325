"""A minified figure looks the same: paths lead through the same points."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.figures.drawing.slim import minify

places = st.integers(-300, 300).map(lambda tenths: tenths / 10)
lines = st.lists(
    st.tuples(st.lists(st.tuples(places, places), min_size=1, max_size=6), st.booleans()), min_size=1, max_size=3
)


def minified(path: str) -> str:
    root = ElementTree.fromstring(f'<svg><path stroke="red" d="{path}"/></svg>')
    minify(root)
    return root[0].attrib["d"]


def points(path: str) -> list[tuple[float, float] | str]:
    """The places that a path goes through."""
    found: list[tuple[float, float] | str] = []
    x = y = 0.0
    for command, numbers in re.findall(r"([MLHVz])([^MLHVz]*)", path):
        values = [float(number) for number in numbers.split()]
        if command == "z":
            found.append("z")
            continue
        x = values[0] if command != "V" else x
        y = values[-1] if command != "H" else y
        found.append((x, y))
    return found


@given(lines)
def test_a_path_leads_through_the_same_points(parts):
    path = " ".join(
        " ".join(f"{'L' if number else 'M'} {x:.6f} {y:.6f}" for number, (x, y) in enumerate(part)) + " z" * closed
        for part, closed in parts
    )
    assert points(minified(path)) == points(path)
    assert len(minified(path)) <= len(path)


def test_a_straight_line_is_short_and_a_curve_stays():
    assert minified("M 154.20 388 L 284.1 388 L 284.1 4") == "M154.2 388H284.1V4"
    assert minified("M 0 3 C 0.7 3 1.5 2.6 2.1 2.1 z") == "M0 3C0.7 3 1.5 2.6 2.1 2.1z"


@pytest.mark.parametrize("other", ["data-phase", "data-part"])
def test_neighbours_with_the_same_facts_share_a_group_in_the_same_order(other: str):
    marks = [
        '<text data-phase="a">1</text>',
        '<g data-phase="a" data-tip="t"><use x="2"/></g>',
        f'<text {other}="b">3</text>',
    ]
    root = ElementTree.fromstring(f"<svg>{''.join(marks)}<text>4</text></svg>")
    minify(root)
    assert [element.tag for element in root] == ["g", "g", "text"]
    assert [(element.tag, element.attrib) for element in root[0]] == [
        ("text", {}),
        ("use", {"x": "2", "data-tip": "t"}),
    ]
    assert [group.attrib for group in root] == [{"data-phase": "a"}, {other: "b"}, {}]


def test_a_marker_keeps_a_stroke_that_its_shape_lacks():
    shapes = '<defs><path id="a" d="M 0 0 L 1 1" stroke="red"/><path id="b" d="M 0 0 L 1 1"/></defs>'
    root = ElementTree.fromstring(f'<svg>{shapes}<use href="#a" stroke="red"/><use href="#b" stroke="red"/></svg>')
    minify(root)
    assert [use.get("stroke") for use in root.iter("use")] == [None, "red"]
