"""Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural networks. NIPS 2012."""

from __future__ import annotations

from functools import partial
from typing import Literal

from impls.layers import Activation, Conv, Dense, Dropout, Flatten, Layer, LocalResponseNorm, Pool
from impls.network import Architecture

SOURCE = "Krizhevsky et al. 2012"

PADDING = "the paper gives no paddings; 2, 1, 1, 1 for conv2 to conv5 are those of the author's and of Caffe's files"
OVERHANG = (
    "input 227 x 227 without padding; at 224, conv1's last window overhangs the right and bottom border, which is "
    "how cuda-convnet reached 55 x 55 (its output size rounds up)"
)
CEIL = "pools round their output size up, as in the author's code; at 224 and 227 every window fits exactly"


def conv(name: str, channels: int, kernel: int, **settings: int | bool) -> tuple[Layer, ...]:
    return Conv(name, channels, kernel=kernel, **settings), Activation(f"{name}-relu", "relu")  # type: ignore[arg-type]


def classifier(classes: int) -> tuple[Layer, ...]:
    """fc6, fc7 with dropout on their outputs, fc8 (section 3.5, 4.2): also VGG's and SPP-net's."""
    return (
        *(Dense("fc6", 4096), Activation("fc6-relu", "relu"), Dropout("fc6-dropout")),
        *(Dense("fc7", 4096), Activation("fc7-relu", "relu"), Dropout("fc7-dropout")),
        Dense("fc8", classes),
    )


def alexnet(classes: int, groups: int) -> tuple[Layer, ...]:
    return (
        *conv("conv1", 96, 11, stride=4, ceil=True),
        LocalResponseNorm("norm1"),
        overlapping("pool1"),
        *conv("conv2", 256, 5, padding=2, groups=groups),
        LocalResponseNorm("norm2"),
        overlapping("pool2"),
        *conv("conv3", 384, 3, padding=1),
        *conv("conv4", 384, 3, padding=1, groups=groups),
        *conv("conv5", 256, 3, padding=1, groups=groups),
        overlapping("pool5"),
        Flatten("flatten"),
        *classifier(classes),
    )


def overlapping(name: str, kind: Literal["max", "average"] = "max") -> Pool:
    """Pooling 3/2 (section 3.4); an overhanging last window counts, as in cuda-convnet and in Caffe."""
    return Pool(name, kind, kernel=3, stride=2, ceil=True)


def caffenet(classes: int) -> tuple[Layer, ...]:
    return (
        *(*conv("conv1", 96, 11, stride=4), overlapping("pool1"), _caffe_norm("norm1")),
        *(*conv("conv2", 256, 5, padding=2, groups=2), overlapping("pool2"), _caffe_norm("norm2")),
        *conv("conv3", 384, 3, padding=1),
        *conv("conv4", 384, 3, padding=1, groups=2),
        *(*conv("conv5", 256, 3, padding=1, groups=2), overlapping("pool5")),
        Flatten("flatten"),
        *classifier(classes),
    )


def _caffe_norm(name: str) -> LocalResponseNorm:
    """Caffe's alpha of 1e-4 is divided by the size, and its k is 1 unless a file says otherwise."""
    return LocalResponseNorm(name, size=5, alpha=1e-4 / 5, beta=0.75, k=1.0)


def one_weird_trick(classes: int) -> tuple[Layer, ...]:
    return (
        *conv("conv1", 64, 11, stride=4, padding=2),
        Pool("pool1", kernel=3, stride=2),
        *conv("conv2", 192, 5, padding=2),
        Pool("pool2", kernel=3, stride=2),
        *conv("conv3", 384, 3, padding=1),
        *conv("conv4", 256, 3, padding=1),
        *conv("conv5", 256, 3, padding=1),
        Pool("pool5", kernel=3, stride=2),
        Flatten("flatten"),
        *(Dropout("fc6-dropout"), Dense("fc6", 4096), Activation("fc6-relu", "relu")),
        *(Dropout("fc7-dropout"), Dense("fc7", 4096), Activation("fc7-relu", "relu")),
        Dense("fc8", classes),
    )


ALEXNET = Architecture(
    name="alexnet",
    title="AlexNet, the two-GPU network: conv2, conv4 and conv5 in two groups, LRN",
    source=f"{SOURCE}, section 3.5, Fig. 2",
    input_shape=(3, 227, 227),
    classes=1000,
    table=partial(alexnet, groups=2),
    deviations=(
        OVERHANG,
        PADDING,
        "no ReLU on fc8, though section 3.5 read literally asks for one",
        "LRN's alpha multiplies the plain sum, as in the paper's formula; the author's code divides it by n",
        CEIL,
    ),
)

ALEXNET_1TOWER = Architecture(
    name="alexnet-1tower",
    title="AlexNet in one tower: no groups",
    source=f"{SOURCE}, section 3.5 without the split over two GPUs",
    input_shape=(3, 227, 227),
    classes=1000,
    table=partial(alexnet, groups=1),
    deviations=(OVERHANG, PADDING, CEIL, "every convolution sees all maps of the layer before"),
)

CAFFENET = Architecture(
    name="caffenet",
    title="CaffeNet: AlexNet with pools before LRN",
    source="Jia et al. 2014 (arXiv 1408.5093), models/bvlc_reference_caffenet/deploy.prototxt",
    input_shape=(3, 227, 227),
    classes=1000,
    table=caffenet,
    deviations=(
        "as in Caffe, conv1's output size rounds down and those of pools round up; LRN has k = 1 and alpha 1e-4 / 5",
    ),
)

ALEXNET_OWT = Architecture(
    name="alexnet-owt",
    title="AlexNet of the 'one weird trick' paper, as torchvision has it: one tower, no LRN",
    source="Krizhevsky 2014 (arXiv 1404.5997) in torchvision's version: 64-192-384-256-256, dropout before fc6 and fc7",
    input_shape=(3, 224, 224),
    classes=1000,
    table=one_weird_trick,
    deviations=("at other sizes fc6 grows with the map; torchvision pools it to 6 x 6",),
)
