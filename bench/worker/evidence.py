"""Evidence for the parity gate: scores, loss, and a signature of every gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from impls.arrays import sign_vector
from impls.frameworks import Model

SIGN_VECTORS = 2


CHUNK = 2**18  # values per chunk of a signature, so that it stays in the cache


@dataclass(frozen=True)
class Evidence:
    """Results of a contestant. `scores`: images x classes; `gradients`: name -> (norm, sign vector products)."""

    scores: list[list[float]]
    loss: float
    gradients: dict[str, list[float]]


def evidence(model: Model, images: np.ndarray, labels: np.ndarray) -> Evidence:
    """The evidence of `model` (weights loaded, no dropout) on a batch."""
    batch = model.put(images, labels)
    scores = model.to_numpy(model.infer(batch))
    outputs = model.gradient(batch)
    return Evidence(
        scores=scores.astype(float).tolist(),
        loss=float(model.to_numpy(outputs[0])),
        gradients={name: signature(name, array) for name, array in model.gradients(outputs).items()},
    )


def signature(name: str, array: np.ndarray) -> list[float]:
    """Norm and inner products with seeded sign vectors of a canonical array, in float64."""
    flat = array.ravel()
    signs = np.stack([sign_vector(name, index, flat.shape) for index in range(SIGN_VECTORS)])
    squares, sums = 0.0, np.zeros(SIGN_VECTORS)
    for start in range(0, flat.size, CHUNK):  # a float64 copy of the whole array takes ten times as long
        part = flat[start : start + CHUNK].astype(np.float64)
        squares += float(part @ part)
        sums += signs[:, start : start + CHUNK] @ part
    return [math.sqrt(squares), *sums.tolist()]
