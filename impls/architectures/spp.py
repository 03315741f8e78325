"""He, Zhang, Ren, Sun: Spatial pyramid pooling in deep convolutional networks. arXiv 1406.4729v4, 2015."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from impls.architectures.alexnet import classifier, conv
from impls.layers import Flatten, Layer, LocalResponseNorm, Pool, SpatialPyramid
from impls.network import Architecture

SOURCE = "He et al. 2015"
FIFTY_BINS = (6, 3, 2, 1)  # section 3.1.2: all four networks
THIRTY_BINS = (4, 3, 2, 1)  # section 3.1.2: the control on ZF-5


def zf(classes: int) -> tuple[Layer, ...]:
    return (
        *conv("conv1", 96, 7, stride=2, padding=1),
        LocalResponseNorm("norm1"),
        Pool("pool1", kernel=3, stride=2, ceil=True),
        *conv("conv2", 256, 5, stride=2, padding=1),
        LocalResponseNorm("norm2"),
        Pool("pool2", kernel=3, stride=2),
        *conv("conv3", 384, 3, padding=1),
        *conv("conv4", 384, 3, padding=1),
        *conv("conv5", 256, 3, padding=1),
    )


def convnet(classes: int) -> tuple[Layer, ...]:
    return (
        *conv("conv1", 96, 11, stride=4, padding=2),
        LocalResponseNorm("norm1"),
        *conv("conv2", 256, 5, padding=2),
        LocalResponseNorm("norm2"),
        Pool("pool2", kernel=3, stride=2),
        *conv("conv3", 384, 3, padding=1),
        Pool("pool3", kernel=3, stride=2),
        *conv("conv4", 384, 3, padding=1),
        *conv("conv5", 256, 3, padding=1),
    )


def overfeat(classes: int, convolutions: int) -> tuple[Layer, ...]:
    return (
        *conv("conv1", 96, 7, stride=2),
        Pool("pool1", kernel=3, stride=3),
        LocalResponseNorm("norm1"),
        *conv("conv2", 256, 5, padding=2),
        Pool("pool2", kernel=2, stride=2),
        *(layer for number in range(3, convolutions + 1) for layer in conv(f"conv{number}", 512, 3, padding=1)),
    )


Backbone = Callable[[int], tuple[Layer, ...]]


def fixed(classes: int, backbone: Backbone, stride: int) -> tuple[Layer, ...]:
    """The baseline: the last pool gives 6 x 6 at 224, then the classifier."""
    return (*backbone(classes), Pool("pool-last", kernel=3, stride=stride), Flatten("flatten"), *classifier(classes))


def pyramid(classes: int, backbone: Backbone, levels: tuple[int, ...]) -> tuple[Layer, ...]:
    return (*backbone(classes), SpatialPyramid("spp", levels), *classifier(classes))


ASSUMED = (
    "paddings reproduce the map sizes of Table 1 at 224 and the map of 10 at 180; appendix A's (half the kernel, "
    "rounded down) would give other maps, in ZF-5 56, 28 and 14",
    "the paper gives no LRN constants; AlexNet's are assumed. The released ZF-5 file has LRN within each channel, "
    "size 3, alpha 5e-5",
)
BINS = (
    "bins by the paper's appendix A (adaptive); its section 2.3 gives the same at 224 and cannot give 6 x 6 at 180",
    "the vector is ordered by level 6, 3, 2, 1 (30 bins: 4, 3, 2, 1), then channel, row, column",
)
ZF_27 = "conv2 gives 27 x 27 with padding 1, as Table 1 says; the released file has no padding there and 26 x 26"
ONE_TOWER = "the paper does not say whether Convnet* is grouped; it is not here"


def both(
    name: str, title: str, backbone: Backbone, last_stride: int, *deviations: str
) -> tuple[Architecture, Architecture]:
    """The network without and with spatial pyramid pooling (50 bins)."""
    baseline = Architecture(
        name=name,
        title=title,
        source=f"{SOURCE}, section 3.1, Table 1",
        input_shape=(3, 224, 224),
        classes=1000,
        table=partial(fixed, backbone=backbone, stride=last_stride),
        deviations=(*ASSUMED, *deviations),
    )
    pyramid_title = f"{title}, spatial pyramid of 50 bins"
    return baseline, pyramidal(f"{name}-spp", name, pyramid_title, backbone, FIFTY_BINS, *deviations)


def pyramidal(
    name: str, variant_of: str, title: str, backbone: Backbone, levels: tuple[int, ...], *deviations: str
) -> Architecture:
    return Architecture(
        name=name,
        title=title,
        source=f"{SOURCE}, sections 2.2 and 3.1, Table 1; appendix A for the bins",
        input_shape=(3, 224, 224),
        classes=1000,
        table=partial(pyramid, backbone=backbone, levels=levels),
        deviations=(*ASSUMED, *BINS, *deviations),
        variant_of=variant_of,
    )


ZF5, ZF5_SPP = both("zf5", "ZF-5 (Zeiler & Fergus)", zf, 2, ZF_27)
ZF5_SPP30 = pyramidal("zf5-spp30", "zf5", "ZF-5, spatial pyramid of 30 bins", zf, THIRTY_BINS, ZF_27)
CONVNET5, CONVNET5_SPP = both("convnet5", "Convnet*-5 (a modified AlexNet)", convnet, 2, ONE_TOWER)
OVERFEAT5, OVERFEAT5_SPP = both("overfeat5", "Overfeat-5", partial(overfeat, convolutions=5), 3)
OVERFEAT7, OVERFEAT7_SPP = both("overfeat7", "Overfeat-7", partial(overfeat, convolutions=7), 3)
