"""The sizes at which every architecture is compared: small, and as awkward as they can be.

Height and width differ wherever they can, so that swapped axes show, and the last map has more than one cell where
that is affordable, so that the order of a flattened vector shows.
"""

from __future__ import annotations

from dataclasses import replace

from impls.architectures import load_architecture
from impls.errors import InvalidInput
from impls.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAverage,
    Layer,
    LocalResponseNorm,
    Pool,
    RadialBasis,
    SpatialPyramid,
    Subsample,
)
from impls.network import Architecture, Network

BATCH = 2
CLASSES = 10
WIDEST = 32

# (height, width). Sides of VGG's maps are halved five times, so one of them is a power of two and more.
SMALL = {
    "alexnet": (96, 64),
    "alexnet-1tower": (64, 99),
    "alexnet-owt": (63, 95),
    "alexnet-tutorial": (99, 67),
    "caffenet": (67, 99),
    "convnet5": (63, 79),
    "convnet5-spp": (47, 39),
    "lenet-caffe": (18, 23),
    "lenet-tutorial": (20, 24),
    "lenet5": (36, 32),
    "lenet5-dense": (32, 40),
    "nin-cifar10": (14, 11),
    "nin-cifar100": (9, 12),
    "nin-imagenet": (55, 87),
    "nin-mnist": (13, 16),
    "nin-svhn": (8, 11),
    "nin-tutorial": (15, 12),
    "overfeat-fast": (111, 87),
    "overfeat5": (41, 53),
    "overfeat5-spp": (30, 41),
    "overfeat7": (53, 41),
    "overfeat7-spp": (29, 25),
    "vgg-a": (64, 32),
    "vgg-a-bn": (64, 33),
    "vgg-a-lrn": (32, 64),
    "vgg-b": (32, 64),
    "vgg-c": (64, 32),
    "vgg-d": (32, 64),
    "vgg-d-bn": (32, 35),
    "vgg-e": (35, 32),
    "vgg16-tutorial": (33, 64),
    "zf5": (63, 95),
    "zf5-spp": (64, 80),
    "zf5-spp30": (39, 47),
}


CODES = tuple(tuple(1 if place * (number + 1) % 11 < 5 else -1 for place in range(12)) for number in range(CLASSES))
LINKS = ((0, 1, 2), (1, 2, 3), (0, 3), (0, 1, 2, 3))

# What a compiler needs a minute for in networks of papers, in as few layers as can have it: every kind of layer, to
# which `test_the_representative_networks_have_every_kind_of_layer` holds them.
MIXED = {
    network.architecture: network
    for network in (
        Network(
            "mixed-pyramid",
            (3, 23, 28),
            CLASSES,
            (
                Conv("conv1", kernel=3, stride=2, channels=8, padding=1),
                BatchNorm("bn1"),
                Activation("relu1", "relu"),
                LocalResponseNorm("lrn1"),
                Pool("pool1", kernel=3, stride=2, ceil=True),
                Conv("conv2", kernel=3, channels=12, groups=2, padding="same"),
                Activation("relu2", "relu"),
                SpatialPyramid("spp", (2, 1)),
                Dense("fc", CLASSES),
            ),
        ),
        Network(
            "mixed-average",
            (3, 12, 9),
            CLASSES,
            (
                Conv("conv1", kernel=3, channels=8),
                Activation("tanh1", "tanh"),
                Pool("pool1", kernel=2, kind="max"),
                Conv("mlp", kernel=1, channels=CLASSES),
                Pool("pool2", kernel=2, kind="average"),
                GlobalAverage("gap"),
            ),
        ),
        Network(
            "mixed-codes",
            (2, 12, 10),
            CLASSES,
            (
                Conv("conv1", kernel=3, channels=4),
                Activation("squash1", "scaled_tanh"),
                Subsample("pool1"),
                Conv("conv2", kernel=3, channels=len(LINKS), connection_table=LINKS),
                Flatten("flatten"),
                Dense("hidden", len(CODES[0])),
                Activation("squash2", "scaled_tanh"),
                RadialBasis("output", CODES),
            ),
        ),
    )
}


def small(name: str) -> Network:
    """The network as it is compared: small images, no dropout, and wide layers narrowed; one of MIXED as it is.

    Hundreds of channels and thousands of units would be nearly all of the arithmetic and none of the evidence: what a
    translator does with a layer does not depend on how wide it is.
    """
    return MIXED[name] if name in MIXED else _small(load_architecture(name))


def _small(found: Architecture) -> Network:
    size = SMALL.get(found.name, found.input_shape[1:])
    try:
        network = found.at(size=size, classes=CLASSES)
    except InvalidInput:  # an architecture from outside with fewer classes
        network = found.at(size=size)
    return narrowed(network.without_dropout())


def narrowed(network: Network) -> Network:
    """The network with at most WIDEST channels or units in a layer, the last one as it is.

    One that ends with codes, which are small networks, stays as it is: codes have a length.
    """
    *hidden, last = network.layers
    if isinstance(last, RadialBasis):
        return network
    return replace(network, layers=(*map(_narrow, hidden), last))


def _narrow(layer: Layer) -> Layer:
    if isinstance(layer, Conv) and layer.channels > WIDEST:
        return replace(layer, channels=WIDEST)
    if isinstance(layer, Dense) and layer.units > WIDEST:
        return replace(layer, units=WIDEST)
    return layer
