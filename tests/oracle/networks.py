"""The sizes at which every architecture is compared: small, and as awkward as they can be.

Height and width differ wherever they can, so that swapped axes show, and the last map has more than one cell where
that is affordable, so that the order of a flattened vector shows.
"""

from __future__ import annotations

from dataclasses import replace

from impls.architectures import load_architecture
from impls.errors import InvalidInput
from impls.layers import Dense, Layer
from impls.network import Network

BATCH = 2
CLASSES = 10
LARGEST_FULL_CONNECTION = 96

# (height, width). Sides of VGG's maps are halved five times, so one of them is a power of two and more.
SMALL = {
    "alexnet": (96, 64),
    "alexnet-1tower": (64, 99),
    "alexnet-owt": (63, 95),
    "alexnet-tutorial": (99, 67),
    "convnet5": (63, 79),
    "convnet5-spp": (47, 39),
    "lenet-tutorial": (20, 24),
    "lenet5": (36, 32),
    "lenet5-dense": (32, 40),
    "nin-cifar10": (14, 11),
    "nin-cifar100": (9, 12),
    "nin-imagenet": (55, 87),
    "nin-mnist": (13, 16),
    "nin-svhn": (8, 11),
    "nin-tutorial": (15, 12),
    "overfeat5": (41, 53),
    "overfeat5-spp": (30, 41),
    "overfeat7": (53, 41),
    "overfeat7-spp": (29, 25),
    "vgg-a": (64, 32),
    "vgg-a-lrn": (32, 64),
    "vgg-b": (32, 64),
    "vgg-c": (64, 32),
    "vgg-d": (32, 64),
    "vgg-e": (35, 32),
    "vgg16-tutorial": (33, 64),
    "zf5": (63, 95),
    "zf5-spp": (64, 80),
    "zf5-spp30": (39, 47),
}


def small(architecture: str) -> Network:
    """The architecture as it is compared: small images, no dropout, and full connections between layers narrowed.

    Thousands of units would be nearly all of the arithmetic and none of the evidence: what a translator does with a
    full connection does not depend on how wide it is. Convolutions keep their widths.
    """
    found = load_architecture(architecture)
    size = SMALL.get(architecture, found.input_shape[1:])
    try:
        network = found.at(size=size, classes=CLASSES)
    except InvalidInput:  # an architecture from outside with fewer classes
        network = found.at(size=size)
    return narrowed(network.without_dropout())


def narrowed(network: Network) -> Network:
    """The network with at most 96 units in a full connection, the last one as it is."""
    *hidden, last = network.layers
    return replace(network, layers=(*map(_narrow, hidden), last))


def _narrow(layer: Layer) -> Layer:
    if isinstance(layer, Dense) and layer.units > LARGEST_FULL_CONNECTION:
        return replace(layer, units=LARGEST_FULL_CONNECTION)
    return layer
