"""Layers in plain torch.nn: what each of the framework's tricks replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from impls import layers
from impls.frameworks.pytorch import PYTORCH
from impls.frameworks.pytorch.layers import OfRow, module
from impls.network import Row


def of_row(plain: tuple[str, ...]) -> OfRow:
    """The module of a row, without the tricks called `plain`."""

    def chosen(row: Row, open_sizes: bool, in_place: bool) -> nn.Module:
        trick = PYTORCH.replaced(row, plain)
        return REPLACED[trick](row.layer) if trick else module(row, open_sizes, in_place)

    return chosen


def lrn(layer: layers.LocalResponseNorm) -> nn.Module:
    """PyTorch divides alpha by the number of channels summed, the table does not."""
    return LocalResponseNorm(layer.size, layer.alpha * layer.size, layer.beta, layer.k)


class LocalResponseNorm(nn.LocalResponseNorm):
    """PyTorch's, in float32 where activations have two bytes: on the CPU it has no kernel for bfloat16."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float() if x.itemsize < 4 else x).to(x.dtype)


REPLACED: Mapping[str, Callable[[Any], nn.Module]] = {"lrn": lrn}
"""By trick of a layer: the plain module of the layers that it is about."""
