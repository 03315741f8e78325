"""Architectures and networks: a paper's table, and that table for one size, channel and class count."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from impls.errors import InvalidInput, UnknownName
from impls.layers import (
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    Layer,
    LayerStats,
    Pair,
    Shape,
    SpatialPyramid,
    WindowAverage,
)

LARGEST_SIDE_TRIED = 1024
FEWEST_CLASSES = 2
ALONE = "/"
"""Separates an architecture's name from that of the single layer that is run: `alexnet/conv2`."""
INPUT = "images"
"""Name of the gradient with respect to the images, besides those of the arrays."""
PYRAMID_SCORES = 16
"""Number of scores of a single pyramid layer; with fewer, a loss may be too close to 0 to be compared."""


@dataclass(frozen=True)
class Row:
    """A layer at its position. `field`: receptive field of one output (side in input cells); None: the whole input."""

    layer: Layer
    input: Shape
    facts: LayerStats
    field: Pair | None

    def array_names(self) -> dict[str, Shape]:
        return {f"{self.layer.name}.{suffix}": shape for suffix, shape in self.facts.arrays.items()}

    def statistic_names(self) -> dict[str, Shape]:
        return {f"{self.layer.name}.{suffix}": shape for suffix, shape in self.facts.statistics.items()}


@dataclass(frozen=True)
class Network:
    """An architecture at one input shape: everything that follows from the table, before any framework.

    `rejection_score` is the constant j of LeNet-5's loss (1998, eq. 9): a "rubbish class" with score -j.
    `differentiates_input`: the phase `gradient` also computes the gradient of the images, under the name INPUT.
    """

    architecture: str
    input_shape: Shape
    classes: int
    layers: tuple[Layer, ...]
    rejection_score: float | None = None
    differentiates_input: bool = False

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The layers with their shapes and counts. InvalidInput if the input does not fit."""
        rows, shape = [], self.input_shape
        field: Pair | None = (1, 1)
        jump = (1, 1)
        for layer in self.layers:
            facts = layer.at(shape)
            if facts.window is None or field is None:
                field = None
            else:
                field = _pairwise(lambda f, w, j: f + (w - 1) * j, field, facts.window, jump)
                jump = _pairwise(lambda j, s: j * s, jump, facts.stride)
            rows.append(Row(layer, shape, facts, field))
            shape = facts.output
        return tuple(rows)

    @cached_property
    def arrays(self) -> Mapping[str, Shape]:
        """Every trainable array by name, in the canonical layout, in the order of the table."""
        return _merged(row.array_names() for row in self.rows)

    @cached_property
    def statistics(self) -> Mapping[str, Shape]:
        """Every untrained array: batch normalisation's running mean and variance."""
        return _merged(row.statistic_names() for row in self.rows)

    @property
    def parameters(self) -> int:
        """Trainable numbers (the papers' "free parameters")."""
        return sum(row.facts.parameters for row in self.rows)

    @property
    def statistic_count(self) -> int:
        return sum(map(math.prod, self.statistics.values()))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image, convolutions and full connections only."""
        return sum(row.facts.macs for row in self.rows)

    @property
    def connections(self) -> int:
        return sum(row.facts.connections for row in self.rows)

    def activation_bytes(self, itemsize: int = 4) -> int:
        """Bytes of every layer's output for one image, the input included."""
        return itemsize * (math.prod(self.input_shape) + sum(math.prod(row.facts.output) for row in self.rows))

    def parameter_bytes(self, itemsize: int = 4) -> int:
        """Bytes of the trainable arrays as they are stored, missing links included."""
        return itemsize * sum(map(math.prod, self.arrays.values()))

    def without_dropout(self) -> Network:
        """The same network without dropout, deterministic in training; used for parity checks."""
        return replace(self, layers=tuple(layer for layer in self.layers if not isinstance(layer, Dropout)))

    def alone(self, name: str) -> Network:
        """A single layer as a network, with the input and the arrays that it has here.

        It has this network's loss, on scores computed cheaply from the layer's output. Its gradient includes the input
        if it does here, or if the layer has no weights.
        """
        rows = {row.layer.name: row for row in self.rows}
        if name not in rows:
            raise UnknownName(f"layer of {self.architecture}", name, rows)
        row, below = rows[name], self.rows[: list(rows).index(name)]
        if not can_be_alone(row.layer):
            raise InvalidInput(f"{name} only reads maps as a vector, each framework in its own order: nothing to time")
        if len(row.input) == 2:
            raise InvalidInput(f"{name} takes the vectors of several windows, which no image can stand for")
        vector = (Flatten(f"{name}-input"),) if len(row.input) == 1 else ()
        scores = _scores(row)
        return Network(
            architecture=f"{self.architecture}{ALONE}{name}",
            input_shape=(*row.input, 1, 1)[:3],
            classes=_output(scores, row.facts.output)[0],
            layers=(*vector, row.layer, *scores),
            rejection_score=self.rejection_score if row is self.rows[-1] else None,
            differentiates_input=any(lower.facts.arrays for lower in below) or not row.facts.arrays,
        )

    @property
    def normalises_batches(self) -> bool:
        """Whether an image's training-mode scores depend on the other images of its batch."""
        return any(isinstance(layer, BatchNorm) for layer in self.layers)


@dataclass(frozen=True)
class Architecture:
    """A paper's network as a table of layers.

    `table(classes)` gives the layers; `source` cites paper and table; `deviations` say, one sentence each, where
    the table departs from its source or had to assume something. `layer`: the only one that is run, of a layer alone.
    `variant_of`: the name of the architecture that this one is, but for a spatial pyramid.
    """

    name: str
    title: str
    source: str
    input_shape: tuple[int, int, int]
    classes: int
    table: Callable[[int], tuple[Layer, ...]]
    deviations: tuple[str, ...] = ()
    rejection_score: float | None = None
    fixed_classes: bool = False
    layer: str = ""
    variant_of: str = ""

    def alone(self, layer: str) -> Architecture:
        """The same architecture, reduced to a single layer."""
        names = [row.name for row in self.table(self.classes)]
        if layer not in names:
            raise UnknownName(f"layer of {self.name}", layer, names)
        return replace(self, name=f"{self.name}{ALONE}{layer}", title=f"{self.title}: {layer} alone", layer=layer)

    def at(self, size: int | Pair | None = None, channels: int | None = None, classes: int | None = None) -> Network:
        """The network for images of `size` (a side, or (height, width)) with `channels`, for `classes`.

        Defaults are those of the source. InvalidInput with the smallest possible size if it does not fit.
        """
        network = self.full_network(size, channels, classes)
        return network.alone(self.layer) if self.layer else network

    def full_network(
        self, size: int | Pair | None = None, channels: int | None = None, classes: int | None = None
    ) -> Network:
        """The network of the whole table; arguments and errors as for `at`."""
        own_channels, *own_size = self.input_shape
        height, width = (size, size) if isinstance(size, int) else size or own_size
        for what, value in (("height", height), ("width", width), ("channels", channels)):
            if value is not None and value < 1:
                raise InvalidInput(f"{self.name}: {what} must be at least 1, got {value}")
        count = self.classes if self.fixed_classes or classes is None else classes
        requested = count if classes is None else classes
        if requested < FEWEST_CLASSES:
            raise InvalidInput(
                f"{self.name}: classes must be at least {FEWEST_CLASSES}, got {requested}; "
                "with one class the softmax loss and its gradients are 0 whatever the network"
            )
        shape = (channels or own_channels, height, width)
        network = Network(self.name.partition(ALONE)[0], shape, count, self.table(count), self.rejection_score)
        try:
            _ = network.rows
        except InvalidInput as problem:
            smallest = self._smallest(network)
            advice = f"the smallest possible size is {smallest}" if smallest else "no size works"
            raise InvalidInput(f"{self.name} cannot take {height}x{width}: {problem}; {advice}") from None
        return network

    def _smallest(self, network: Network) -> int | None:
        for side in range(1, LARGEST_SIDE_TRIED + 1):
            try:
                _ = replace(network, input_shape=(network.input_shape[0], side, side)).rows
            except InvalidInput:
                continue
            return side
        return None


def can_be_alone(layer: Layer) -> bool:
    """Whether `Network.alone` accepts the layer; a Flatten has no work to time."""
    return not isinstance(layer, Flatten)


def _scores(row: Row) -> tuple[Layer, ...]:
    """The cheapest layers that turn a layer's output into a vector with the same order in every framework.

    A pyramid's bins are in the framework's own order, for which a full connection after them accounts.
    """
    name = row.layer.name
    scores = (Dense(f"{name}-scores", PYRAMID_SCORES),) if isinstance(row.layer, SpatialPyramid) else ()
    average = {3: (GlobalAverage(f"{name}-average"),), 2: (WindowAverage(f"{name}-average"),), 1: ()}
    return scores + average[len(row.facts.output)]


def _output(layers: Iterable[Layer], shape: Shape) -> Shape:
    for layer in layers:
        shape = layer.at(shape).output
    return shape


def _pairwise(function: Callable[..., int], *pairs: Pair) -> Pair:
    first, second = (function(*side) for side in zip(*pairs, strict=True))
    return first, second


def _merged(parts: Iterable[dict[str, Shape]]) -> Mapping[str, Shape]:
    return {name: shape for part in parts for name, shape in part.items()}
