"""Views on maps: as many cells as the network has for a view of that size, where the view is in the image."""

from __future__ import annotations

from math import ceil, floor

import pytest

from impls.architectures import load_architecture
from impls.layers import Window, WindowPyramid
from repro.papers.spp.experiments import SCALES
from repro.recipe.views import WITH_MIDDLES, OnMaps

STRIDE = 16
"""Of ZF-5 (He et al. 2015, appendix A)."""
VIEW = 13
"""Cells a side of a view of 224 pixels (Table 1)."""


def windows(size: int, view: OnMaps) -> tuple[Window, ...]:
    network = view.network(load_architecture("zf5-spp").at(size=size))
    (pyramid,) = [layer for layer in network.layers if isinstance(layer, WindowPyramid)]
    return pyramid.windows


def test_ten_views_of_the_papers_image() -> None:
    """Of 256 pixels there are 15 cells: corners at 0 and 2, the centre at 1 (section 3.1.5)."""
    assert windows(256, OnMaps(224)) == (
        (0, 13, 0, 13),
        (0, 13, 2, 15),
        (2, 15, 0, 13),
        (2, 15, 2, 15),
        (1, 14, 1, 14),
    )


@pytest.mark.parametrize("size", SCALES)
def test_a_view_is_where_it_is_in_the_image(size: int) -> None:
    room = size - 224
    places = [(above * room, before * room) for above, before in WITH_MIDDLES]
    found = windows(size, OnMaps(224, SCALES, WITH_MIDDLES))
    assert len(found) == (1 if size == 224 else len(WITH_MIDDLES))
    for (top, bottom, left, right), pixels in zip(found, places):
        assert (bottom - top, right - left) == (VIEW, VIEW)
        for start, pixel in zip((top, left), pixels):
            assert floor(pixel / STRIDE) <= start <= ceil(pixel / STRIDE)


def test_every_scale_and_its_mirror_image_has_nine_views_but_the_smallest() -> None:
    """The paper's images are not square, so that it has 96: there are three at the smallest scale."""
    assert sum(2 * len(windows(size, OnMaps(224, SCALES, WITH_MIDDLES))) for size in SCALES) == 5 * 18 + 2


@pytest.mark.parametrize("size", [24, 28, 32, 36])
def test_each_window_gives_scores_of_its_own(size: int) -> None:
    network = OnMaps(224).network(load_architecture("zf5-spp").at(size=size * 10 - 16, classes=7))
    assert network.rows[-1].facts.output == (len(set(windows(size * 10 - 16, OnMaps(224)))), 7)
