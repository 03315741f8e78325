"""What each layer is in PyTorch. Parameter and buffer names are the canonical ones, so no table of names is needed."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impls import layers
from impls.arrays import link_mask
from impls.errors import Unsupported
from impls.layers import Pads, Shape
from impls.network import Network, Row


def translate(network: Network) -> nn.Sequential:
    """The network as native modules, one a row, called by the rows' names. Weights are uninitialised."""
    return nn.Sequential(OrderedDict((row.layer.name, module(row)) for row in network.rows))


def module(row: Row) -> nn.Module:
    """The module for one row of a network."""
    match row.layer:
        case layers.Conv() as layer:
            return convolution(layer, row.input)
        case layers.Subsample() as layer:
            return Subsample(row.input[0], layer.side)
        case layers.Pool() as layer:
            return pool(layer, row.input)
        case layers.LocalResponseNorm() as layer:
            return LocalResponseNorm(layer)
        case layers.BatchNorm() as layer:
            return BatchNorm(row.input[0], layer)
        case layers.Activation(kind="relu"):
            return nn.ReLU(inplace=True)
        case layers.Activation(kind="tanh"):
            return nn.Tanh()
        case layers.Activation(kind="scaled_tanh"):
            return ScaledTanh()
        case layers.Dropout() as layer:
            return nn.Dropout(layer.rate)
        case layers.Flatten():
            return nn.Flatten()
        case layers.Dense() as layer:
            return nn.utils.skip_init(nn.Linear, row.input[0], layer.units)
        case layers.RadialBasis() as layer:
            return RadialBasis(layer)
        case layers.GlobalAverage():
            return GlobalAverage()
        case layers.SpatialPyramid() as layer:
            return SpatialPyramid(layer, row.input)
    raise Unsupported(f"pytorch: no module for {type(row.layer).__name__}; add a case in {__name__}")


def convolution(layer: layers.Conv, shape: Shape) -> nn.Module:
    kernel, stride = layer.windows()
    padding, overhang = native_padding(layer, shape, ceil=False)
    settings = dict(kernel_size=kernel, stride=stride, padding=padding, groups=layer.groups)
    if layer.links is None:
        conv: nn.Module = nn.utils.skip_init(nn.Conv2d, shape[0], layer.channels, **settings)
    else:
        conv = SparseConv(layer, shape[0], **settings)
    return Padded(conv, overhang, 0.0) if overhang else conv


def pool(layer: layers.Pool, shape: Shape) -> nn.Module:
    kernel, stride = layer.windows()
    for ceil in (False, True):
        padding, overhang = native_padding(layer, shape, ceil)
        if not overhang:
            break
    if layer.kind == "average":
        if overhang:
            raise Unsupported(f"pytorch: {layer.name} averages over an uneven border; add a case in {__name__}")
        return nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil, count_include_pad=False)
    if overhang:
        return Padded(nn.MaxPool2d(kernel, stride), overhang, -torch.inf)
    return nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)


def native_padding(layer: layers.Conv | layers.Pool, shape: Shape, ceil: bool) -> tuple[tuple[int, int], Pads | None]:
    """The symmetric padding that places the same windows, or (0, 0) and the pads to put around by hand."""
    pads = layer.pads(shape)
    kernel, stride = layer.windows()
    for size, k, s, (before, _), outputs in zip(shape[1:], kernel, stride, pads, layer.outputs(shape)):
        room = size + 2 * before - k
        native = (-(-room // s) if ceil else room // s) + 1
        if ceil and (native - 1) * s >= size + before:
            native -= 1
        if native != outputs:
            return (0, 0), pads
    return (pads[0][0], pads[1][0]), None


class Padded(nn.Module):
    """A module behind explicit, possibly uneven, padding."""

    def __init__(self, inner: nn.Module, pads: Pads, value: float):
        super().__init__()
        for name, parameter in inner.named_parameters():
            self.register_parameter(name, parameter)
        self._inner = [inner]  # in a list, so that its parameters keep the canonical names of this module
        self._pads = (*pads[1], *pads[0])
        self._value = value

    def forward(self, x: Tensor) -> Tensor:
        return self._inner[0](F.pad(x, self._pads, value=self._value))


class SparseConv(nn.Conv2d):
    """A convolution whose missing links get neither signal nor gradient."""

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
        return Normalise.apply(x, self.layer)


class Normalise(torch.autograd.Function):
    """Local response normalisation, with its gradient by hand: a fifth of F.local_response_norm's time on the CPU."""

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
    """The sum over each channel and its neighbours, `size` in all."""
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
        if not self.training:
            return F.batch_norm(x, self.mean, self.variance, self.scale, self.shift, False, momentum, epsilon)
        # PyTorch keeps a running variance over n - 1, the network one over n: scaled before and back after.
        count = x.numel() // x.shape[1]
        variance = self.variance * (count / (count - 1))
        y = F.batch_norm(x, self.mean, variance, self.scale, self.shift, True, momentum, epsilon)
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
    """Levels one after another, each by channel, row, column."""

    def __init__(self, layer: layers.SpatialPyramid, shape: Shape):
        super().__init__()
        self.levels = tuple(pyramid_level(layer, level, shape) for level in layer.levels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([level(x).flatten(1) for level in self.levels], 1)


def pyramid_level(layer: layers.SpatialPyramid, level: int, shape: Shape) -> nn.Module:
    rows, columns = (layer.bins(side, level) for side in shape[1:])
    return nn.AdaptiveMaxPool2d(level) if layer.rule == "adaptive" else Bins(rows, columns)


class Bins(nn.Module):
    """Max over explicit bins, by slices. Of equal cells the first row's first has the gradient (amax: all of them)."""

    def __init__(self, rows: tuple[tuple[int, int], ...], columns: tuple[tuple[int, int], ...]):
        super().__init__()
        self.rows, self.columns = rows, columns

    def forward(self, x: Tensor) -> Tensor:
        bands = torch.stack([x[:, :, :, left:right].max(3).values for left, right in self.columns], 3)
        return torch.stack([bands[:, :, top:bottom].max(2).values for top, bottom in self.rows], 2)
