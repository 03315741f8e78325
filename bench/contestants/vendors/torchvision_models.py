"""torchvision's models in the four phases of our PyTorch translator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from torch import nn
from torchvision.models import alexnet, vgg

from impls.errors import Unsupported
from impls.frameworks import Plan
from impls.frameworks.pytorch import PYTORCH
from impls.frameworks.pytorch.model import PyTorchModel
from impls.layers import Dropout

NETWORKS: Mapping[str, Callable[..., nn.Module]] = {
    "alexnet-owt": alexnet,
    "vgg-a": partial(vgg.vgg11, init_weights=False),
    "vgg-b": partial(vgg.vgg13, init_weights=False),
    "vgg-d": partial(vgg.vgg16, init_weights=False),
    "vgg-e": partial(vgg.vgg19, init_weights=False),
}
"""Ours by name, and torchvision's function for the same network."""
SIDE = 224
"""The only size at which torchvision's pooling before the full connections changes nothing."""


class TorchvisionModel(PyTorchModel):
    def __init__(self, plan: Plan):
        super().__init__(replace(plan, plain=PYTORCH.trick_names))

    def module(self, plan: Plan) -> nn.Module:
        network = plan.network
        if network.architecture not in NETWORKS or network.input_shape[1:] != (SIDE, SIDE):
            raise Unsupported(f"torchvision has {', '.join(NETWORKS)} at {SIDE}x{SIDE}, not {network.architecture}")
        rates = [layer.rate for layer in network.layers if isinstance(layer, Dropout)]
        self._names = list(network.arrays)
        make = NETWORKS[network.architecture]
        return make(num_classes=network.classes, dropout=max(rates, default=0.0))

    def named_parameters(self, module: nn.Module) -> dict[str, nn.Parameter]:
        """In the order of the table, which is torchvision's."""
        return dict(zip(self._names, module.parameters(), strict=True))
