"""What a contestant computes for the parity gate: scores, loss, and a signature of every gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from impls.arrays import sign_vector
from impls.frameworks import Model

SIGN_VECTORS = 2


AT_ONCE = 2**18  # values whose signature stays in a cache


@dataclass(frozen=True)
class Evidence:
    """What a contestant computed. `gradients`: name -> (norm, inner product with each sign vector)."""

    scores: list[list[float]]
    loss: float
    gradients: dict[str, list[float]]


def evidence(model: Model, images: np.ndarray, labels: np.ndarray) -> Evidence:
    """What `model` (weights loaded, no dropout) computes on a batch."""
    batch = model.put(images, labels)
    scores = model.to_numpy(model.infer(batch))
    outputs = model.gradient(batch)
    return Evidence(
        scores=scores.astype(float).tolist(),
        loss=float(model.to_numpy(outputs[0])),
        gradients={name: signature(name, array) for name, array in model.gradients(outputs).items()},
    )


def signature(name: str, array: np.ndarray) -> list[float]:
    """Norm and seeded sign sums of a canonical array, in float64."""
    flat = array.ravel()
    signs = np.stack([sign_vector(name, index, flat.shape) for index in range(SIGN_VECTORS)])
    squares, sums = 0.0, np.zeros(SIGN_VECTORS)
    for start in range(0, flat.size, AT_ONCE):  # a whole copy in float64 takes ten times as long
        part = flat[start : start + AT_ONCE].astype(np.float64)
        squares += float(part @ part)
        sums += signs[:, start : start + AT_ONCE] @ part
    return [math.sqrt(squares), *sums.tolist()]
