"""LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition. Proc. IEEE 86(11), 1998."""

from __future__ import annotations

from impls.errors import InvalidInput
from impls.layers import Activation, Conv, Dense, Flatten, Layer, Pool, RadialBasis, Subsample
from impls.network import Architecture

SOURCE = "LeCun et al. 1998"

# Table I: which S2 maps feed each C3 map.
C3_LINKS = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5),
)  # fmt: skip

# Fig. 3: a 7 x 12 bitmap for each digit, a byte a row from the top, bit 6 leftmost, 1 for ink.
DIGIT_BITMAPS = (
    "3E 00 1C 36 63 63 63 63 36 1C 00 00",
    "0C 1C 3C 0C 0C 0C 0C 0C 0C 3F 00 00",
    "3E 00 3E 63 43 06 1C 30 60 7F 00 00",
    "7F 03 06 0C 1E 03 03 03 63 3E 00 00",
    "3E 00 00 33 33 73 63 63 67 3F 03 03",
    "3E 00 7F 60 60 3C 1E 03 63 3E 00 00",
    "1E 30 60 60 7E 73 63 63 73 3E 00 00",
    "7F 03 03 06 0C 0C 18 18 18 18 00 00",
    "3E 63 63 63 3E 63 63 63 63 3E 00 00",
    "3E 67 63 63 67 3F 03 03 06 3C 00 00",
)


def digit_codes(classes: int) -> tuple[tuple[int, ...], ...]:
    """The first `classes` targets of the output units, +1 for ink and -1 for paper, row by row."""
    if classes > len(DIGIT_BITMAPS):
        raise InvalidInput(
            f"lenet5 has output codes for {len(DIGIT_BITMAPS)} classes (Fig. 3), got {classes}; use lenet5-dense"
        )
    rows = (bytes.fromhex(bitmap) for bitmap in DIGIT_BITMAPS[:classes])
    return tuple(tuple(1 if row >> bit & 1 else -1 for row in bitmap for bit in range(6, -1, -1)) for bitmap in rows)


def lenet5(classes: int) -> tuple[Layer, ...]:
    return (
        Conv("c1", 6, kernel=5),
        Activation("c1-squash", "scaled_tanh"),
        Subsample("s2"),
        Activation("s2-squash", "scaled_tanh"),
        Conv("c3", 16, kernel=5, connection_table=C3_LINKS),
        Activation("c3-squash", "scaled_tanh"),
        Subsample("s4"),
        Activation("s4-squash", "scaled_tanh"),
        Conv("c5", 120, kernel=5),
        Activation("c5-squash", "scaled_tanh"),
        Flatten("flatten"),
        Dense("f6", 84),
        Activation("f6-squash", "scaled_tanh"),
        RadialBasis("output", digit_codes(classes)),
    )


def lenet5_dense(classes: int) -> tuple[Layer, ...]:
    return (
        Conv("c1", 6, kernel=5),
        Activation("c1-squash", "scaled_tanh"),
        Pool("s2", "average", kernel=2, stride=2),
        Conv("c3", 16, kernel=5),
        Activation("c3-squash", "scaled_tanh"),
        Pool("s4", "average", kernel=2, stride=2),
        Conv("c5", 120, kernel=5),
        Activation("c5-squash", "scaled_tanh"),
        Flatten("flatten"),
        Dense("f6", 84),
        Activation("f6-squash", "scaled_tanh"),
        Dense("output", classes),
    )


def lenet_caffe(classes: int) -> tuple[Layer, ...]:
    return (
        Conv("conv1", 20, kernel=5),
        Pool("pool1", kernel=2, stride=2, ceil=True),
        Conv("conv2", 50, kernel=5),
        Pool("pool2", kernel=2, stride=2, ceil=True),
        Flatten("flatten"),
        Dense("ip1", 500),
        Activation("ip1-relu", "relu"),
        Dense("ip2", classes),
    )


LENET5 = Architecture(
    name="lenet5",
    title="LeNet-5 as in the paper: sparse C3, trainable sub-sampling, RBF output",
    source=f"{SOURCE}, section II-B, Fig. 2, Table I, Fig. 3, eq. 6 to 9",
    input_shape=(1, 32, 32),
    classes=10,
    table=lenet5,
    rejection_score=0.1,
    deviations=(
        "sub-sampling adds its four inputs (section II-B); II-A says average: the factor 4 is in the coefficient",
        "the loss is eq. 9 with j = 0.1; the paper gives neither j nor says whether eq. 8 or 9 was used",
        "scores are minus the RBF distances, so that the largest wins as in every other network",
        "at sizes above 32, F6 is connected to all cells of C5",
    ),
)

LENET5_DENSE = Architecture(
    name="lenet5-dense",
    title="LeNet-5 as commonly ported: dense C3, plain average pooling, softmax output",
    source=f"{SOURCE}, section II-B, without what ports leave out",
    input_shape=(1, 32, 32),
    classes=10,
    table=lenet5_dense,
    deviations=(
        "every C3 map sees every S2 map; pooling has no coefficient, bias or squashing",
        "ten linear outputs with softmax",
    ),
)

LENET_CAFFE = Architecture(
    name="lenet-caffe",
    title="LeNet as Caffe's example for MNIST has it: 28 x 28, max pooling, one ReLU",
    source="Jia et al. 2014 (arXiv 1408.5093), examples/mnist/lenet.prototxt",
    input_shape=(1, 28, 28),
    classes=10,
    table=lenet_caffe,
    deviations=("no activation after the convolutions, as in the file: the only ReLU is between ip1 and ip2",),
)
