"""Spatial pyramids alone, for the suite `spp-layer`, which compares implementations of them.

Maps come from a 1x1 convolution of one channel, so that there are weights with a gradient, and go into a dense layer
with few outputs. Both are cheap compared with the pyramid, and equal for all contestants.
"""

from __future__ import annotations

from functools import partial

from impls.layers import Conv, Dense, Layer, SpatialPyramid
from impls.network import Architecture

PYRAMIDS = {14: (3, 2, 1), 21: (4, 2, 1), 30: (4, 3, 2, 1), 50: (6, 3, 2, 1)}
"""Levels by number of bins (He et al. 2015: figure 4, figure 3, section 3.1.2 twice)."""


def _table(classes: int, channels: int, levels: tuple[int, ...]) -> tuple[Layer, ...]:
    return Conv("maps", channels, kernel=1), SpatialPyramid("spp", levels), Dense("scores", classes)


def _of(bins: int, channels: int) -> Architecture:
    return Architecture(
        name=f"spp-{bins}x{channels}",
        title=f"a pyramid of {bins} bins of {channels} maps",
        source="He et al. 2015, sections 2.2 and 3.1",
        input_shape=(1, 13, 13),
        classes=16,  # with fewer, a loss may be too close to 0 to be compared
        table=partial(_table, channels=channels, levels=PYRAMIDS[bins]),
    )


BINS14_OF256, BINS21_OF256, BINS30_OF256, BINS50_OF256 = (_of(bins, 256) for bins in PYRAMIDS)
BINS14_OF512, BINS21_OF512, BINS30_OF512, BINS50_OF512 = (_of(bins, 512) for bins in PYRAMIDS)
