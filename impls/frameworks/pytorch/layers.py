"""Layers in PyTorch. Parameters and buffers have the canonical names, so no table of names is needed.

Modules accept maps of any size: what depends on the size is computed from the given map.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impls import layers
from impls.arrays import link_mask
from impls.errors import Unsupported
from impls.layers import Pair, Shape
from impls.network import Network, Row

OfRow = Callable[[Row, bool, bool], nn.Module]
"""(row of a network, open_sizes, whether ReLU may be in place) -> its module."""


def translate(network: Network, open_sizes: bool = False, of_row: OfRow | None = None) -> nn.Sequential:
    """The network as native modules, one per row, with the rows' names. Weights are uninitialised.

    `open_sizes`: it is compiled once for images of every size. `of_row` replaces `module`.
    """
    make = of_row or module
    # In-place ReLU between layers saves memory; elsewhere autograd still needs the input.
    in_place = not network.differentiates_input
    return nn.Sequential(OrderedDict((row.layer.name, make(row, open_sizes, in_place)) for row in network.rows))


def module(row: Row, open_sizes: bool = False, in_place: bool = True) -> nn.Module:  # noqa: C901 (one case a kind)
    """The module for one row of a network."""
    match row.layer:
        case layers.Conv() as layer:
            return convolution(layer, row.input)
        case layers.Subsample() as layer:
            return Subsample(row.input[0], layer.side)
        case layers.Pool() as layer:
            return pool(layer)
        case layers.LocalResponseNorm() as layer:
            return LocalResponseNorm(layer)
        case layers.BatchNorm() as layer:
            return BatchNorm(row.input[0], layer)
        case layers.Activation(kind="relu"):
            return nn.ReLU(inplace=in_place)
        case layers.Activation(kind="tanh"):
            return nn.Tanh()
        case layers.Activation(kind="scaled_tanh"):
            return ScaledTanh()
        case layers.Dropout() as layer:
            return nn.Dropout(layer.rate)
        case layers.Flatten():
            return nn.Flatten()
        case layers.Dense() as layer:
            return nn.utils.skip_init(nn.Linear, row.input[-1], layer.units)
        case layers.RadialBasis() as layer:
            return RadialBasis(layer)
        case layers.GlobalAverage():
            return GlobalAverage()
        case layers.WindowPyramid() as layer:
            return WindowPyramid(layer)
        case layers.WindowAverage():
            return WindowAverage()
        case layers.SpatialPyramid() as layer:
            return SpatialPyramid(layer, open_sizes)
    raise Unsupported(f"pytorch: no module for {type(row.layer).__name__}; add a case in {__name__}")


def convolution(layer: layers.Conv, shape: Shape) -> nn.Module:
    kernel, stride = layer.windows()
    settings = dict(kernel_size=kernel, stride=stride, padding=layer.margin or 0, groups=layer.groups)
    if layer.margin is None or layer.ceil:
        return FittedConv(layer, shape[0], **settings)
    if layer.connection_table is not None:
        return SparseConv(layer, shape[0], **settings)
    return nn.utils.skip_init(nn.Conv2d, shape[0], layer.channels, **settings)


def pool(layer: layers.Pool) -> nn.Module:
    kernel, stride = layer.windows()
    if layer.margin is None:
        if layer.kind == "average":
            raise Unsupported(f"pytorch: {layer.name} averages over an uneven border; add a case in {__name__}")
        return FittedMaxPool(layer)
    if layer.kind == "average":
        return nn.AvgPool2d(kernel, stride, layer.margin, ceil_mode=layer.ceil, count_include_pad=False)
    return nn.MaxPool2d(kernel, stride, layer.margin, ceil_mode=layer.ceil)


def fitted(layer: layers.Conv | layers.Pool, x: Tensor, border: float) -> tuple[Tensor, Pair]:
    """`x` and the padding for the layer's operation, if both depend on the size of `x`.

    Symmetric padding is left to the operation, which saves a copy.
    """
    (top, bottom), (left, right) = layer.pads(tuple(x.shape[1:]))
    if (top, left) == (bottom, right):
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom), value=border), (0, 0)


class FittedConv(nn.Conv2d):
    """A convolution whose padding depends on the map's size."""

    def __init__(self, layer: layers.Conv, inputs: int, **settings: object):
        if layer.connection_table is not None:
            raise Unsupported(f"pytorch: {layer.name} has missing links and an uneven border; add a case in {__name__}")
        super().__init__(inputs, layer.channels, **settings)  # type: ignore[arg-type]
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        x, padding = fitted(self.layer, x, 0.0)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)


class FittedMaxPool(nn.Module):
    """Max pooling whose padding depends on the map's size."""

    def __init__(self, layer: layers.Pool):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        x, padding = fitted(self.layer, x, -torch.inf)
        kernel, stride = self.layer.windows()
        return F.max_pool2d(x, kernel, stride, padding)


class SparseConv(nn.Conv2d):
    """A convolution whose missing links have neither signal nor gradient."""

    mask: Tensor

    def __init__(self, layer: layers.Conv, inputs: int, **settings: object):
        super().__init__(inputs, layer.channels, **settings)  # type: ignore[arg-type]
        self.register_buffer("mask", torch.from_numpy(link_mask(layer, inputs)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        # Missing weights are zero from the start, so only training needs the mask: it keeps their gradient zero.
        weight = self.weight * self.mask if self.training else self.weight
        return self._conv_forward(x, weight, self.bias)


class Subsample(nn.Module):
    def __init__(self, channels: int, side: int):
        super().__init__()
        self.coefficient = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        total = F.avg_pool2d(x, self.side, divisor_override=1)
        return torch.addcmul(self.bias.view(-1, 1, 1), total, self.coefficient.view(-1, 1, 1))


class LocalResponseNorm(nn.Module):
    def __init__(self, layer: layers.LocalResponseNorm):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return Normalise.apply(squarable(x), self.layer).to(x.dtype)


def squarable(x: Tensor) -> Tensor:
    """`x` in the format in which it is normalised (impls.precision.POLICIES)."""
    return x.float() if x.dtype == torch.float16 else x


class Normalise(torch.autograd.Function):
    """Local response normalisation with a handwritten gradient: a fifth of F.local_response_norm's time on the CPU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: layers.LocalResponseNorm) -> Tensor:
        base = over_channels(x * x, layer.size).mul_(layer.alpha).add_(layer.k)
        scale = base.rsqrt().mul_(base.rsqrt().sqrt_()) if layer.beta == 0.75 else base.pow(-layer.beta)
        ctx.save_for_backward(x, base, scale)
        ctx.layer = layer
        return x * scale

    @staticmethod
    def backward(ctx: Any, signal: Tensor) -> tuple[Tensor, None]:
        x, base, scale = ctx.saved_tensors
        direct = signal * scale
        spread = over_channels((direct * x).div_(base), ctx.layer.size)
        return direct.addcmul_(x, spread, value=-2 * ctx.layer.alpha * ctx.layer.beta), None


def over_channels(x: Tensor, size: int) -> Tensor:
    """The sum over each channel and its neighbours, `size` in all.

    Compiled, a sum of slices is one loop, and additions in place are not: AlexNet took 2.5 times as long with them.
    """
    if torch.compiler.is_compiling():
        padded = F.pad(x, (0, 0, 0, 0, size // 2, size // 2))
        return sum((padded[:, start : start + x.shape[1]] for start in range(1, size)), padded[:, : x.shape[1]])
    total = x.clone()
    for offset in range(1, size // 2 + 1):
        total[:, offset:] += x[:, :-offset]
        total[:, :-offset] += x[:, offset:]
    return total


class BatchNorm(nn.Module):
    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, layer: layers.BatchNorm):
        super().__init__()
        self.scale = nn.Parameter(torch.empty(channels))
        self.shift = nn.Parameter(torch.empty(channels))
        self.register_buffer("mean", torch.empty(channels))
        self.register_buffer("variance", torch.empty(channels))
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        momentum, epsilon = 1 - self.layer.momentum, self.layer.epsilon
        scale, shift = self.scale.to(self.mean.dtype), self.shift.to(self.mean.dtype)  # x may have fewer digits
        if not self.training:
            return F.batch_norm(x, self.mean, self.variance, scale, shift, False, momentum, epsilon)
        # PyTorch keeps a running variance over n - 1, the network one over n: scaled before and back after.
        count = x.numel() // x.shape[1]
        variance = self.variance * (count / (count - 1))
        y = F.batch_norm(x, self.mean, variance, scale, shift, True, momentum, epsilon)
        self.variance.copy_(variance * ((count - 1) / count))
        return y


class ScaledTanh(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return layers.Activation.AMPLITUDE * torch.tanh(layers.Activation.SLOPE * x)


class RadialBasis(nn.Module):
    codes: Tensor

    def __init__(self, layer: layers.RadialBasis):
        super().__init__()
        self.register_buffer("codes", torch.tensor(layer.codes, dtype=torch.float32), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return -(x.unsqueeze(1) - self.codes).square().sum(2)


class GlobalAverage(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class SpatialPyramid(nn.Module):
    """All levels, concatenated, each by channel, row, column."""

    def __init__(self, layer: layers.SpatialPyramid, open_sizes: bool):
        super().__init__()
        self.levels = tuple(pyramid_level(layer, level, open_sizes) for level in layer.levels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([level(x).flatten(1) for level in self.levels], 1)


def pyramid_level(layer: layers.SpatialPyramid, level: int, open_sizes: bool) -> nn.Module:
    """PyTorch's layer where it has one, unless compiled for open sizes: it would be compiled again for every size."""
    return nn.AdaptiveMaxPool2d(level) if layer.rule == "adaptive" and not open_sizes else Bins(layer, level)


class Bins(nn.Module):
    """Max over explicit bins, by slices. Of equal cells the first, by row, gets the gradient (amax: all of them)."""

    def __init__(self, layer: layers.SpatialPyramid, level: int):
        super().__init__()
        self.layer, self.level = layer, level

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = (self.layer.bins(side, self.level) for side in x.shape[2:])
        return maxima(x, rows, columns)


def maxima(x: Tensor, rows: Sequence[Pair], columns: Sequence[Pair]) -> Tensor:
    """The maximum of each range of rows in each range of columns."""
    bands = torch.stack([x[:, :, :, left:right].max(3).values for left, right in columns], 3)
    return torch.stack([bands[:, :, top:bottom].max(2).values for top, bottom in rows], 2)


class WindowPyramid(nn.Module):
    """Pyramids of windows by table lookup (`layers.WindowPyramid.lookup`), one pyramid per window."""

    def __init__(self, layer: layers.WindowPyramid):
        super().__init__()
        self.lookups = []
        for number, level in enumerate(layer.levels):
            rows, columns, places = layer.lookup(level)
            self.register_buffer(f"places{number}", torch.tensor(places), persistent=False)
            self.lookups.append((rows, columns, level * level))

    def forward(self, x: Tensor) -> Tensor:
        pooled = []
        for number, (rows, columns, bins) in enumerate(self.lookups):
            found = maxima(x, rows, columns).flatten(2)[:, :, self.get_buffer(f"places{number}")]
            pooled.append(found.unflatten(2, (-1, bins)).transpose(1, 2).flatten(2))
        return torch.cat(pooled, 2)


class WindowAverage(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)
