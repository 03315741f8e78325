"""Evidence for the parity gate: signatures of the scores and of every gradient, the first scores, and the loss.

Evidence has a few hundred numbers whatever the network, so that it is quick to send and to keep.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from impls.arrays import Batch, sign_vector
from impls.frameworks import Model, Phase
from impls.network import Network

FIRST = 16
"""Number of scores that are given one by one."""
PRODUCTS = 4
"""Number of products in a signature."""
CHUNK = 2**13
"""Values whose squares are summed at a time: in the cache, and too few for a mathematical library to start threads."""


@dataclass(frozen=True)
class Scores:
    """Scores in brief. `shape`: images, classes; `signature` as below; `first`: the first FIRST in order of images.

    `all_equal`: whether there are several scores and all have one value.
    """

    shape: tuple[int, ...]
    signature: list[float]
    first: list[float]
    all_equal: bool


@dataclass(frozen=True)
class Evidence:
    """Results of a contestant. `gradients`: name -> signature, None if none were computed.

    `loss` is that of training mode, in which a batch normalisation uses the batch; without gradients, that of the
    scores, which `scores_loss` is for every contestant (None in evidence made before it was computed). `devices`: those
    that hold the outputs (impls.frameworks.DEVICES); empty if the model does not tell.
    """

    scores: Scores
    loss: float
    gradients: dict[str, list[float]] | None
    scores_loss: float | None = None
    devices: tuple[str, ...] = ()


def evidence(model: Model, network: Network, batch: Batch, differentiates: bool = True, calls: int = 1) -> Evidence:
    """The evidence of a model of `network` (weights loaded, no dropout) on a batch; with gradients or without.

    calls: how often each phase is called; the evidence is of the last.
    """
    placed = model.put(batch.images, batch.labels)
    inferred = _last_of(calls, model, "infer", placed)
    scores, devices = model.to_numpy(inferred), model.devices(inferred)
    scores_loss = mean_loss(scores, batch.labels, network.rejection_score)
    if not differentiates:
        return Evidence(summarize(scores), scores_loss, None, scores_loss, tuple(sorted(devices)))
    outputs = _last_of(calls, model, "gradient", placed)
    return Evidence(
        scores=summarize(scores),
        loss=float(model.to_numpy(outputs[0])),
        gradients={name: signature(name, array) for name, array in model.gradients(outputs).items()},
        scores_loss=scores_loss,
        devices=tuple(sorted(devices | model.devices(outputs))),
    )


def _last_of(calls: int, model: Model, phase: Phase, batch: Any) -> Any:
    """The outputs of the last of so many calls; those of the others are freed."""
    for _ in range(calls - 1):
        model.synchronize(model.phase(phase)(batch))
    return model.phase(phase)(batch)


def mean_loss(scores: np.ndarray, labels: np.ndarray, rejection_score: float | None) -> float:
    """The mean cross entropy of scores (images, classes); `rejection_score` as in `Network`."""
    values = scores.astype(np.float64)
    if rejection_score is not None:
        values = np.pad(values, ((0, 0), (0, 1)), constant_values=-rejection_score)
    return float(np.mean(np.logaddexp.reduce(values, 1) - values[np.arange(len(labels)), labels]))


def summarize(scores: np.ndarray) -> Scores:
    """Scores (images, classes) in brief."""
    values = scores.astype(np.float64)
    first = values.ravel()[:FIRST]
    all_equal = values.size > 1 and bool(np.all(values == first[0]))
    return Scores(values.shape, signature("scores", values), first.tolist(), all_equal)


@np.errstate(invalid="ignore", over="ignore")
def signature(name: str, array: np.ndarray) -> list[float]:
    """Norm of a canonical array, and its products r A c, with seeded vectors of signs r and c for each product.

    A is the array as a matrix: the first axis in rows, all others in columns. Of an error E, r E c has the mean square
    |E|^2, as with one sign for every value, but takes no vector as long as the array. Products are summed in the
    array's own format: the rounding of the sum is some 1e-7 of the norm in float32.
    """
    matrix = array.reshape(len(array), -1) if array.ndim else array.reshape(1, 1)
    rows, columns = (
        np.stack([sign_vector(f"{name}.{axis}", index, (length,)) for index in range(PRODUCTS)])
        for axis, length in zip(("rows", "columns"), matrix.shape)
    )
    along = (matrix @ columns.T.astype(matrix.dtype)).astype(np.float64)
    return [_norm(matrix.ravel()), *np.einsum("pr,rp->p", rows.astype(np.float64), along).tolist()]


def _norm(values: np.ndarray) -> float:
    """The Euclidean norm, with squares in float64: in float32 those of small values would be 0."""
    chunks = (values[start : start + CHUNK].astype(np.float64) for start in range(0, values.size, CHUNK))
    return math.sqrt(sum(float(chunk @ chunk) for chunk in chunks))
