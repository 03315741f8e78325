"""Five networks written by hand from their papers, without any table of this project.

Each takes weights by canonical name (of any type) and images (batch, channels, height, width), and gives scores in
float64. They exist to catch what a test against the tables cannot: a table that is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy import ndarray as Array

from oracle.numpy_layers import (
    Pads,
    average_pool,
    convolution,
    dense,
    flatten,
    local_response_norm,
    max_pool,
    pyramid_max,
    relu,
    scaled_tanh,
)

Weights = Mapping[str, Array]

# LeCun 1998, Table I: rows are the maps of S2, columns those of C3.
C3_TABLE = """
X . . . X X X . . X X X X . X X
X X . . . X X X . . X X X X . X
X X X . . . X X X . . X . X X X
. X X X . . X X X X . . X . X X
. . X X X . . X X X X . X X . X
. . . X X X . . X X X X . X X X
"""

# LeCun 1998, Fig. 3: the targets of the output units, ink as #.
DIGITS = """
.#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.
....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###
..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##
.##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##
##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###
##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######
##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.
..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
"""


def c3_links() -> Array:
    """(6, 16): whether a map of S2 feeds a map of C3."""
    return np.array([[cell == "X" for cell in line.split()] for line in C3_TABLE.split("\n") if line])


def digit_codes() -> Array:
    """(10, 84): the bitmaps as +1 and -1, row by row."""
    rows = [line.split() for line in DIGITS.split("\n") if line]
    return np.array([[1.0 if cell == "#" else -1.0 for row in rows for cell in row[digit]] for digit in range(10)])


def _all(cells: int) -> Pads:
    return ((cells, cells), (cells, cells))


def _conv(w: Weights, name: str, x: Array, stride: int = 1, pad: int | Pads = 0, groups: int = 1) -> Array:
    pads = _all(pad) if isinstance(pad, int) else pad
    return convolution(x, _double(w, name, "weight"), _double(w, name, "bias"), (stride, stride), pads, groups)


def _dense(w: Weights, name: str, x: Array) -> Array:
    return dense(x, _double(w, name, "weight"), _double(w, name, "bias"))


def _double(w: Weights, name: str, suffix: str) -> Array:
    return w[f"{name}.{suffix}"].astype(np.float64)


def _overhang(size: int, kernel: int, stride: int) -> int:
    """Cells by which the last window of an output that rounds up passes the border."""
    return -(size - kernel) % stride


def _pool_up(x: Array) -> Array:
    """Max pooling 3/2 whose output size rounds up."""
    height, width = x.shape[2:]
    return max_pool(x, (3, 3), (2, 2), ((0, _overhang(height, 3, 2)), (0, _overhang(width, 3, 2))))


def _pool(x: Array, kernel: int, stride: int) -> Array:
    return max_pool(x, (kernel, kernel), (stride, stride))


def lenet5(w: Weights, images: Array) -> Array:
    """LeCun 1998, section II-B. Sub-sampling here is the average times four times the coefficient: the sum."""

    def subsampled(name: str, x: Array) -> Array:
        average = average_pool(x, (2, 2), (2, 2))
        coefficient, bias = (_double(w, name, suffix)[:, None, None] for suffix in ("coefficient", "bias"))
        return scaled_tanh(4 * coefficient * average + bias)

    s2 = subsampled("s2", scaled_tanh(_conv(w, "c1", images)))
    kernels = _double(w, "c3", "weight") * c3_links().T[:, :, None, None]
    c3 = scaled_tanh(convolution(s2, kernels, _double(w, "c3", "bias")))
    c5 = scaled_tanh(_conv(w, "c5", subsampled("s4", c3)))
    f6 = scaled_tanh(_dense(w, "f6", flatten(c5)))
    return np.array([[-np.sum((x - code) ** 2) for code in digit_codes()] for x in f6])


def alexnet(w: Weights, images: Array) -> Array:
    """Krizhevsky 2012, section 3.5 and Fig. 2; conv1 overhangs right and bottom, as cuda-convnet has it."""
    height, width = images.shape[2:]
    x = relu(_conv(w, "conv1", images, 4, ((0, _overhang(height, 11, 4)), (0, _overhang(width, 11, 4)))))
    x = _pool(local_response_norm(x, 5, 1e-4, 0.75, 2), 3, 2)
    x = relu(_conv(w, "conv2", x, pad=2, groups=2))
    x = _pool(local_response_norm(x, 5, 1e-4, 0.75, 2), 3, 2)
    x = relu(_conv(w, "conv3", x, pad=1))
    x = relu(_conv(w, "conv4", x, pad=1, groups=2))
    x = relu(_conv(w, "conv5", x, pad=1, groups=2))
    return _classifier(w, flatten(_pool(x, 3, 2)))


def _classifier(w: Weights, x: Array) -> Array:
    return _dense(w, "fc8", relu(_dense(w, "fc7", relu(_dense(w, "fc6", x)))))


def nin_cifar10(w: Weights, images: Array) -> Array:
    """Lin 2014, section 3 and the author's definition file; a 1 x 1 layer is a product over the channels."""

    def cccp(name: str, x: Array) -> Array:
        weight = _double(w, name, "weight")[:, :, 0, 0]
        return relu(np.einsum("oc,bchw->bohw", weight, x) + _double(w, name, "bias")[:, None, None])

    x = relu(_conv(w, "conv1", images, pad=2))
    x = _pool_up(cccp("cccp2", cccp("cccp1", x)))
    x = relu(_conv(w, "conv2", x, pad=2))
    x = _pool_up(cccp("cccp4", cccp("cccp3", x)))
    x = relu(_conv(w, "conv3", x, pad=1))
    return cccp("cccp6", cccp("cccp5", x)).mean((2, 3))


def vgg_a(w: Weights, images: Array) -> Array:
    """Simonyan & Zisserman 2015, Table 1, column A."""
    x = images
    for stage in (("conv1_1",), ("conv2_1",), ("conv3_1", "conv3_2"), ("conv4_1", "conv4_2"), ("conv5_1", "conv5_2")):
        for name in stage:
            x = relu(_conv(w, name, x, pad=1))
        x = _pool(x, 2, 2)
    return _classifier(w, flatten(x))


def zf5_spp(w: Weights, images: Array) -> Array:
    """He 2015, Table 1 (ZF-5) with a pyramid of 50 bins; pads as in section 5.1 of the project's fact sheet."""
    x = relu(_conv(w, "conv1", images, 2, 1))
    x = _pool_up(local_response_norm(x, 5, 1e-4, 0.75, 2))
    x = relu(_conv(w, "conv2", x, 2, 1))
    x = _pool(local_response_norm(x, 5, 1e-4, 0.75, 2), 3, 2)
    for name in ("conv3", "conv4", "conv5"):
        x = relu(_conv(w, name, x, pad=1))
    edges = [[_bins(side, n) for side in x.shape[2:]] for n in (6, 3, 2, 1)]
    return _classifier(w, pyramid_max(x, edges))


def _bins(side: int, n: int) -> list[tuple[int, int]]:
    """Appendix A, as written: from floor((i - 1) / n * side) to ceil(i / n * side)."""
    return [(int(np.floor((i - 1) * side / n)), int(np.ceil(i * side / n))) for i in range(1, n + 1)]


PAPERS = {
    "lenet5": lenet5,
    "alexnet": alexnet,
    "nin-cifar10": nin_cifar10,
    "vgg-a": vgg_a,
    "zf5-spp": zf5_spp,
}
