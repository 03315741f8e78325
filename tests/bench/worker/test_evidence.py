"""Evidence is small, whatever it is evidence of: it is sent as a line of JSON and kept."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.networks.probes import PRODUCT
from bench.worker.evidence import evidence
from bench.worker.messages import EvidenceGiven, read_answer, to_line
from impls.arrays import Batch

IMAGES, CLASSES = 500, 2000


def test_evidence_of_a_probe_with_a_million_scores_is_a_line_below_a_megabyte() -> None:
    network = PRODUCT.at(channels=1, size=(32, 32), classes=CLASSES)
    scores = np.random.default_rng(0).standard_normal((IMAGES, CLASSES)).astype(np.float32)
    gradients = {name: np.ones(shape, np.float32) for name, shape in network.arrays.items()}
    phases = {"infer": lambda batch: scores, "gradient": lambda batch: (np.float32(1.5), gradients)}
    model: Any = SimpleNamespace(
        put=lambda images, labels: None,
        phase=phases.__getitem__,
        to_numpy=np.asarray,
        gradients=lambda outputs: outputs[1],
        devices=lambda outputs: frozenset(),
    )
    batch = Batch(np.zeros((IMAGES, 1, 32, 32), np.float32), np.zeros(IMAGES, np.int32))
    line = to_line(EvidenceGiven(evidence(model, network, batch), seed=0))
    assert len(line.encode()) < 10**6
    given = read_answer(line, EvidenceGiven).evidence
    assert given.scores.shape == (IMAGES, CLASSES)
    assert given.gradients is not None
    assert list(given.gradients) == list(network.arrays)
