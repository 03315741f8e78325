"""Keras on PyTorch: a model is a torch.nn.Module, which the native steps call.

Channels are first, as Keras would otherwise transpose maps in every layer; kernels have the layout of its other
backends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from torch import Tensor, nn

from impls.frameworks import Plan
from impls.frameworks.keras.layers import Style, translate, variables
from impls.frameworks.keras.plain import of_row
from impls.frameworks.keras.whole import Whole
from impls.frameworks.pytorch.model import PyTorchModel
from impls.layouts import ChannelsLast
from impls.network import Network


class KerasModel(Whole, PyTorchModel):
    def module(self, plan: Plan) -> nn.Module:
        network = plan.network
        self._kernels = KernelsLast(network)
        with keras.device(plan.device):
            model = translate(network, Style(plan.precision, "channels_first", eager=True), of_row(plan.plain))
        self._arrays, self._statistics = (variables(model, names) for names in (network.arrays, network.statistics))
        return Scores(model, plan.device)

    def named_parameters(self, module: nn.Module) -> dict[str, nn.Parameter]:
        return {name: variable.value for name, variable in self._arrays.items()}

    def _evaluation_scores(self, images: Tensor) -> Tensor:
        return self._module(images).to(self._dtype)  # in bfloat16 Keras's policy casts the operands

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        super().load(self._kernels.all_to_native(weights), {})
        for name, variable in self._statistics.items():
            variable.assign(statistics[name])

    def weights(self) -> dict[str, np.ndarray]:
        return self._kernels.all_to_canonical(super().weights())

    def statistics(self) -> dict[str, np.ndarray]:
        return {name: keras.ops.convert_to_numpy(variable) for name, variable in self._statistics.items()}

    def gradients(self, outputs: Any) -> dict[str, np.ndarray]:
        return self._kernels.all_to_canonical(super().gradients(outputs))


class Scores(nn.Module):
    """The model with PyTorch's mode and device, which Keras needs in each call."""

    def __init__(self, model: keras.Model, device: str):
        super().__init__()
        self._model, self._device = model, device

    def forward(self, images: Tensor) -> Tensor:
        with keras.device(self._device):
            return self._model(images, training=self.training)


class KernelsLast(ChannelsLast):
    """Layouts: kernels as in channels-last frameworks, vectors in the canonical order."""

    def __init__(self, network: Network):
        super().__init__(network)
        self._blocks = {}
