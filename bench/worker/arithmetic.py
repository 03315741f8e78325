"""What a contestant really computes in, whatever it was asked for: arithmetic that comes out differently in each.

An image goes through a convolution and a full connection that each only pass cells on, and every score is one cell.
A format that rounds operands to fewer digits, or has a smaller range, changes some of them:

              1 + 2^-9    1 + 2^-12    2^-30    (1 + 2^-12)^2
  float64     kept        kept         kept     kept: 1 + 2^-11 + 2^-24
  float32     kept        kept         kept     1 + 2^-11
  tf32        kept        1            kept
  bfloat16    1           1            kept
  float16     kept        1            0

Which kernels run must not depend on there being nothing to round, so the layers are of an ordinary size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from impls.frameworks import Model
from impls.layers import Conv, Dense, Flatten, Layer
from impls.network import Architecture, Network

CHANNELS, SIDE, BATCH = 32, 8, 8

SMALL, SMALLER, TINY = 2.0**-9, 2.0**-12, 2.0**-30
CELLS = (1 + SMALL, 1 + SMALLER, TINY, 1 + SMALLER)
"""Of the image; the last one meets a weight that is the same."""


UNKNOWN = "unknown"
ACCEPTED = {"tf32": ("tf32", "float32")}
"""Where there is more than the policy itself: TF32 is allowed to kernels, and for small layers some do without."""


def _table(classes: int) -> tuple[Layer, ...]:
    return Conv("convolution", kernel=3, padding=1, channels=CHANNELS), *_dense(classes)


def _dense(classes: int) -> tuple[Layer, ...]:
    return Flatten("flatten"), Dense("product", classes)


ROUNDING = Architecture(
    name="bench.worker.arithmetic.ROUNDING",
    title="a convolution and a product that pass cells on",
    source="a probe of this project",
    input_shape=(CHANNELS, SIDE, SIDE),
    classes=len(CELLS),
    table=_table,
)
PRODUCT = Architecture(
    name="bench.worker.arithmetic.PRODUCT",
    title="a product that passes cells on",
    source="a probe of this project, for who has no convolution",
    input_shape=(CHANNELS, SIDE, SIDE),
    classes=len(CELLS),
    table=_dense,
)


def weights(network: Network) -> Mapping[str, np.ndarray]:
    """Canonical arrays that pass on the cell in the middle of channel i as score i."""
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
    """The same image BATCH times over."""
    made = np.zeros((BATCH, CHANNELS, SIDE, SIDE), np.float32)
    for channel, cell in enumerate(CELLS):
        made[:, channel, SIDE // 2, SIDE // 2] = cell
    return made


def scores(model: Model, network: Network) -> list[float]:
    """What a model of the network gives for the image: one score for each of CELLS."""
    model.load(weights(network), {})
    batch = model.put(images(), np.zeros(BATCH, np.int32))
    return [float(score) for score in model.to_numpy(model.infer(batch))[0]]


def arithmetic(seen: Sequence[float]) -> str:
    """The arithmetic that gives these scores: "float64", "float32", "tf32", "bfloat16", "float16" or UNKNOWN."""
    small, smaller, tiny, square = seen
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
