"""Sermanet, Eigen, Zhang, Mathieu, Fergus, LeCun: OverFeat. arXiv 1312.6229v4, 2014."""

from __future__ import annotations

from impls.architectures.alexnet import conv
from impls.layers import Activation, Dense, Dropout, Flatten, Layer, Pool
from impls.network import Architecture


def fast(classes: int) -> tuple[Layer, ...]:
    return (
        *(*conv("conv1", 96, 11, stride=4), Pool("pool1", kernel=2, stride=2)),
        *(*conv("conv2", 256, 5), Pool("pool2", kernel=2, stride=2)),
        *conv("conv3", 512, 3, padding=1),
        *conv("conv4", 1024, 3, padding=1),
        *(*conv("conv5", 1024, 3, padding=1), Pool("pool5", kernel=2, stride=2)),
        Flatten("flatten"),
        *(Dense("fc6", 3072), Activation("fc6-relu", "relu"), Dropout("fc6-dropout")),
        *(Dense("fc7", 4096), Activation("fc7-relu", "relu"), Dropout("fc7-dropout")),
        Dense("fc8", classes),
    )


OVERFEAT_FAST = Architecture(
    name="overfeat-fast",
    title="OverFeat, the fast model",
    source="Sermanet et al. 2014, section 3.1, Table 1",
    input_shape=(3, 231, 231),
    classes=1000,
    table=fast,
    deviations=("at other sizes fc6 grows with the map; the paper applies it as a convolution instead",),
)
