"""Test views of images: whole, cropped, ten views, several scales, or pooled in windows.

A view gives one or several versions of every image; their class probabilities are averaged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from impls.layers import Flatten, Layer, Pool, Shape, SpatialPyramid, Window, WindowAverage, WindowPyramid
from impls.network import Network
from repro.data.images.augment import CentreCrop, Resize, apply_deterministic, ten_views


@dataclass(frozen=True)
class View(ABC):
    """A way to present test images to a network."""

    @abstractmethod
    def images(self, images: np.ndarray) -> Sequence[np.ndarray]:
        """The versions of prepared images (n, channels, height, width), each of any size."""

    def network(self, network: Network) -> Network:
        """The network for the versions: the trained one, or another one with the same arrays."""
        return network

    @property
    def parts(self) -> Sequence[View]:
        """The views whose probabilities are averaged."""
        return (self,)


@dataclass(frozen=True)
class Whole(View):
    """The unchanged image."""

    def images(self, images: np.ndarray) -> Sequence[np.ndarray]:
        return [images]


@dataclass(frozen=True)
class Centre(View):
    """The centre crop of the image, first resized to each of `scales` if given."""

    side: int
    scales: tuple[int, ...] = ()

    def images(self, images: np.ndarray) -> Sequence[np.ndarray]:
        versions = [apply_deterministic(Resize(scale), images) for scale in self.scales] or [images]
        return [apply_deterministic(CentreCrop(self.side), version) for version in versions]


@dataclass(frozen=True)
class Ten(View):
    """Four corners and the centre, and their mirror images (Krizhevsky 2012, section 4.1)."""

    side: int

    def images(self, images: np.ndarray) -> Sequence[np.ndarray]:
        return list(ten_views(images, self.side))


@dataclass(frozen=True)
class Crops(View):
    """A grid of crops of the image resized to a side, and their mirror images (VGG, section 4.3)."""

    side: int
    scale: int
    grid: int

    def images(self, images: np.ndarray) -> Sequence[np.ndarray]:
        scaled = apply_deterministic(Resize(self.scale), images)
        starts = np.linspace(0, self.scale - self.side, self.grid).round().astype(int)
        crops = [scaled[..., top : top + self.side, left : left + self.side] for top in starts for left in starts]
        return [*crops, *(crop[..., ::-1] for crop in crops)]


@dataclass(frozen=True)
class Dense(View):
    """The full connections applied at every position of the maps of a resized image and of its mirror image.

    `side`: the side at which the network was trained (VGG, section 3.2).
    """

    side: int
    scale: int

    def images(self, images: np.ndarray) -> Sequence[np.ndarray]:
        scaled = apply_deterministic(Resize(self.scale), images)
        return [scaled, scaled[..., ::-1]]

    def network(self, network: Network) -> Network:
        channels, *_ = network.input_shape
        place = next(at for at, layer in enumerate(network.layers) if isinstance(layer, Flatten))
        map_shape = replace(network, input_shape=(channels, self.side, self.side)).rows[place].input
        _, height, width = replace(network, layers=network.layers[:place]).rows[-1].facts.output
        tall, wide = map_shape[1:]
        windows = tuple(
            (top, top + tall, left, left + wide) for top in range(height - tall + 1) for left in range(width - wide + 1)
        )
        flat = WindowPyramid(network.layers[place].name, (tall,), windows=windows)  # one bin per cell: Flatten's order
        return replace(network, layers=(*network.layers[:place], flat, *network.layers[place + 1 :], AVERAGE))


@dataclass(frozen=True)
class Ensemble(View):
    """Two views, averaged."""

    first: View
    second: View

    def images(self, images: np.ndarray) -> Sequence[np.ndarray]:
        return [version for part in self.parts for version in part.images(images)]

    @property
    def parts(self) -> Sequence[View]:
        return self.first, self.second


Place = tuple[float, float]
"""Where a view begins: the share of the room that is above it, and the share that is left of it."""
CORNERS_AND_CENTRE: tuple[Place, ...] = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.5))
WITH_MIDDLES: tuple[Place, ...] = (*CORNERS_AND_CENTRE, (0.0, 0.5), (1.0, 0.5), (0.5, 0.0), (0.5, 1.0))
"""And the middle of each side."""


@dataclass(frozen=True)
class OnMaps(View):
    """Views of `side` taken from the last maps of the image, and of its mirror image (SPP-net, section 3.1.5).

    They are at `places` of the unchanged image, or of the image resized to each of `scales`. A view has as many cells
    as the maps of an image of that side, and begins at the cell nearest to its place (appendix A). Views that fall
    together count once, as where the scale is the side.
    """

    side: int
    scales: tuple[int, ...] = ()
    places: tuple[Place, ...] = CORNERS_AND_CENTRE

    def images(self, images: np.ndarray) -> Sequence[np.ndarray]:
        versions = [apply_deterministic(Resize(scale), images) for scale in self.scales] or [images]
        return [*versions, *(version[..., ::-1] for version in versions)]

    def network(self, network: Network) -> Network:
        """The network with an output for each window."""
        return replace(network, layers=tuple(self._in_windows(network, layer) for layer in network.layers))

    def _in_windows(self, network: Network, layer: Layer) -> Layer:
        if not isinstance(layer, SpatialPyramid):
            return layer
        channels, *_ = network.input_shape
        maps = _input_of(layer, network)
        view = _input_of(layer, replace(network, input_shape=(channels, self.side, self.side)))
        (tall, wide), (down, right) = view[1:], (maps[1] - view[1], maps[2] - view[2])
        starts = dict.fromkeys((int(above * down), int(before * right)) for above, before in self.places)
        windows: tuple[Window, ...] = tuple((top, top + tall, left, left + wide) for top, left in starts)
        return WindowPyramid(layer.name, layer.levels, layer.rule, windows=windows)


def _input_of(layer: Layer, network: Network) -> Shape:
    return next(row.input for row in network.rows if row.layer is layer)


@dataclass(frozen=True)
class MaxActivation(View):
    """Scores from the maximum of each class map instead of the network's average (NIN, section 4.7)."""

    def images(self, images: np.ndarray) -> Sequence[np.ndarray]:
        return [images]

    def network(self, network: Network) -> Network:
        *before, last = network.rows
        _, *sides = last.input
        strongest = Pool("strongest", kernel=(sides[0], sides[1]), kind="max"), Flatten("classes")
        return replace(network, layers=(*(row.layer for row in before), *strongest))


AVERAGE = WindowAverage("views")
