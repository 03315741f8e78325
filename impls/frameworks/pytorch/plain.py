"""Layers in plain torch.nn: what each of the framework's tricks replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from impls import layers
from impls.frameworks.pytorch.layers import OfRow, module
from impls.network import Row


def of_row(plain: tuple[str, ...]) -> OfRow:
    """The module of a row, without the tricks called `plain`."""
    replacements = [REPLACED[name] for name in plain if name in REPLACED]

    def chosen(row: Row, open_sizes: bool, in_place: bool) -> nn.Module:
        found = (replacement(row) for replacement in replacements)
        return next(filter(None, found), None) or module(row, open_sizes, in_place)

    return chosen


def lrn(row: Row) -> nn.Module | None:
    """PyTorch divides alpha by the number of channels summed, the table does not."""
    layer = row.layer
    if not isinstance(layer, layers.LocalResponseNorm):
        return None
    return LocalResponseNorm(layer.size, layer.alpha * layer.size, layer.beta, layer.k)


class LocalResponseNorm(nn.LocalResponseNorm):
    """PyTorch's, in float32 where activations have two bytes: on the CPU it has no kernel for bfloat16."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float() if x.itemsize < 4 else x).to(x.dtype)


REPLACED: Mapping[str, Callable[[Row], nn.Module | None]] = {"lrn": lrn}
"""By trick of a layer: the plain module of a row that it is about, None for other rows."""
OF_STEPS = ("update",)
"""The tricks of a model's steps, which are not of a layer."""
