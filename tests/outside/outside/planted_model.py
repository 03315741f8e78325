"""The errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from impls.frameworks import Plan
from impls.frameworks.pytorch.model import Batch, PyTorchModel
from impls.layers import Conv, Flatten, Layer, LocalResponseNorm


class PlantedModel(PyTorchModel):
    def __init__(self, plan: Plan):
        self._error = plan.execution
        self._maps = next(row.input for row in plan.network.rows if isinstance(row.layer, Flatten))
        layers = tuple(self._changed(layer) for layer in plan.network.layers)
        self._first: dict[str, Batch] = {}
        self._calls: Counter[str] = Counter()
        super().__init__(replace(plan, execution="eager", network=replace(plan.network, layers=layers)))

    def infer(self, batch: Batch) -> Tensor:
        return super().infer(self._recorded("infer", batch))

    def gradient(self, batch: Batch) -> tuple[Tensor, Sequence[Tensor]]:
        return super().gradient(self._recorded("gradient", batch))

    def _recorded(self, phase: str, batch: Batch) -> Batch:
        self._calls[phase] += 1
        first = self._first.setdefault(phase, batch)
        return first if self._error == "stale-replay" and self._calls[phase] >= 2 else batch

    def _changed(self, layer: Layer) -> Layer:
        if self._error == "wrong-pad" and isinstance(layer, Conv) and layer.name == "conv2":
            return replace(layer, padding=((1, 3), (1, 3)))
        if self._error == "wrong-alpha" and isinstance(layer, LocalResponseNorm):
            return replace(layer, alpha=layer.alpha / layer.size)
        return layer

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        if self._error == "swapped-flatten":
            channels, height, width = self._maps
            fc6 = weights["fc6.weight"].reshape(-1, channels, height, width).transpose(0, 1, 3, 2)
            weights = {**weights, "fc6.weight": np.ascontiguousarray(fc6).reshape(len(fc6), -1)}
        super().load(weights, statistics)
