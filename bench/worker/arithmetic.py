"""Precision probe: the arithmetic a contestant really computes in, whatever precision was requested.

An image goes through a convolution and a dense layer that only copy cells, so that every score is one cell of it. A
format that rounds operands to fewer digits, or has a smaller range, changes some of the cells:

              1 + 2^-9    1 + 2^-12    2^-30    (1 + 2^-12)^2
  float64     kept        kept         kept     kept: 1 + 2^-11 + 2^-24
  float32     kept        kept         kept     1 + 2^-11
  tf32        kept        1            kept
  bfloat16    1           1            kept
  float16     kept        1            0

The layers have an ordinary size, so that frameworks choose the kernels that they choose for real networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from impls.frameworks import Model
from impls.layers import Conv, Dense, Flatten, Layer
from impls.network import Architecture, Network
from impls.precision import POLICIES

CHANNELS, SIDE, BATCH = 32, 8, 8

SMALL, SMALLER, TINY = 2.0**-9, 2.0**-12, 2.0**-30
CELLS = (1 + SMALL, 1 + SMALLER, TINY, 1 + SMALLER)
"""Cells of the image; the last is multiplied by a weight of the same value."""


UNKNOWN = "unknown"
ACCEPTED = {"tf32": ("tf32", "float32")}
"""Further accepted arithmetic per format of operands: kernels may use TF32 but need not, and some do not for small
layers."""


def _table(classes: int) -> tuple[Layer, ...]:
    return Conv("convolution", kernel=3, padding=1, channels=CHANNELS), *_dense(classes)


def _dense(classes: int) -> tuple[Layer, ...]:
    return Flatten("flatten"), Dense("product", classes)


ROUNDING = Architecture(
    name="bench.worker.arithmetic.ROUNDING",
    title="a convolution and a product that copy cells",
    source="a probe of this project",
    input_shape=(CHANNELS, SIDE, SIDE),
    classes=len(CELLS),
    table=_table,
)
PRODUCT = Architecture(
    name="bench.worker.arithmetic.PRODUCT",
    title="a product that copies cells",
    source="a probe of this project, for contestants without convolutions",
    input_shape=(CHANNELS, SIDE, SIDE),
    classes=len(CELLS),
    table=_dense,
)


def weights(network: Network) -> Mapping[str, np.ndarray]:
    """Canonical arrays with which score i is the cell in the middle of channel i."""
    arrays = {name: np.zeros(shape, np.float32) for name, shape in network.arrays.items()}
    last = len(CELLS) - 1
    if "convolution.weight" in arrays:
        for channel in range(CHANNELS):
            arrays["convolution.weight"][channel, channel, 1, 1] = 1
        arrays["convolution.weight"][last, last, 1, 1] = CELLS[last]
    else:
        arrays["product.weight"][last, _place(last)] = CELLS[last]
    for score in range(len(CELLS)):
        arrays["product.weight"][score, _place(score)] = arrays["product.weight"][score, _place(score)] or 1
    return arrays


def _place(channel: int) -> int:
    return channel * SIDE * SIDE + SIDE * (SIDE // 2) + SIDE // 2


def images() -> np.ndarray:
    """The probe's image, BATCH times: float32, BATCH x CHANNELS x SIDE x SIDE."""
    batch = np.zeros((BATCH, CHANNELS, SIDE, SIDE), np.float32)
    for channel, cell in enumerate(CELLS):
        batch[:, channel, SIDE // 2, SIDE // 2] = cell
    return batch


def scores(model: Model, network: Network) -> list[float]:
    """A model's scores for the probe's image: one per cell of CELLS."""
    model.load(weights(network), {})
    batch = model.put(images(), np.zeros(BATCH, np.int32))
    return [float(score) for score in model.to_numpy(model.infer(batch))[0]]


def accepted(precision: str) -> tuple[str, ...]:
    """The arithmetics with which a contestant may be timed where `precision` was requested."""
    operands = POLICIES[precision].operands
    return ACCEPTED.get(operands, (operands,))


def arithmetic(scores: Sequence[float]) -> str:
    """The arithmetic that gives these scores: "float64", "float32", "tf32", "bfloat16", "float16" or UNKNOWN."""
    small, smaller, tiny, square = scores
    keeps_small, keeps_smaller = abs(small - 1) > SMALL / 2, abs(smaller - 1) > SMALLER / 2
    keeps_tiny = abs(tiny - TINY) < TINY / 2
    match keeps_small, keeps_smaller, keeps_tiny:
        case True, True, True:
            return "float64" if square != float(np.float32(square)) else "float32"
        case True, False, True:
            return "tf32"
        case False, False, True:
            return "bfloat16"
        case True, False, False:
            return "float16"
    return UNKNOWN
