"""Models with alternative pyramids in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from impls.frameworks import Plan
from impls.frameworks.pytorch.layers import Bins
from impls.frameworks.pytorch.model import PyTorchModel
from impls.layers import SpatialPyramid


class Slices(nn.Module):
    """One level, as a slice and its maximum per bin."""

    def __init__(self, layer: SpatialPyramid, level: int):
        super().__init__()
        self.layer, self.level = layer, level

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = (self.layer.bins(side, self.level) for side in x.shape[2:])
        return torch.stack([x[:, :, a:b, c:d].amax((2, 3)) for a, b in rows for c, d in columns], 2)


LEVELS = {"builtin": lambda layer, level: nn.AdaptiveMaxPool2d(level), "slices": Slices, "passes": Bins}


class Levels(nn.Module):
    """All levels, concatenated, each by channel, row, column."""

    def __init__(self, levels: list[nn.Module]):
        super().__init__()
        self.levels = nn.ModuleList(levels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([level(x).flatten(1) for level in self.levels], 1)


class Pyramid(PyTorchModel):
    """The network with the pyramid implementation of the execution."""

    def module(self, plan: Plan) -> nn.Module:
        module = super().module(plan)
        layer = next(layer for layer in plan.network.layers if isinstance(layer, SpatialPyramid))
        make = LEVELS[plan.execution]
        setattr(module, layer.name, Levels([make(layer, level) for level in layer.levels]))
        return module
