"""Initial weights by the papers' rules, made in NumPy from names and a seed, equal for every framework.

Arms of an experiment that share a layer (its name and shape) have the same initial weights in it.
"""

from __future__ import annotations

import math
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from impls.arrays import link_mask
from impls.layers import Conv, Shape, Subsample
from impls.network import Network, Row


@dataclass(frozen=True)
class Initializer(ABC):
    """A rule for initial weights. Biases are zero except those of `ones`; normalisation is initially the identity."""

    ones: tuple[str, ...] = ()

    @abstractmethod
    def draw(self, shape: Shape, inputs: float, outputs: float, rng: np.random.Generator) -> np.ndarray:
        """Weights of a layer with `inputs` per unit (fan-in) and `outputs` per input (fan-out), shaped `shape`."""

    def weights(self, network: Network, seed: int) -> dict[str, np.ndarray]:
        """Every trainable array of the network, float32, in the canonical layout."""
        return {
            name: self._array(row, name.rpartition(".")[2], shape, _rng(name, shape, seed)).astype(np.float32)
            for row in network.rows
            for name, shape in row.array_names().items()
        }

    def _array(self, row: Row, kind: str, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        match kind:
            case "weight":
                area, mask = math.prod(shape[2:]), np.ones(shape[:2])
                if isinstance(row.layer, Conv) and row.layer.connection_table:
                    mask = link_mask(row.layer, shape[1])[:, :, 0, 0]
                drawn = self.draw(shape, mask.sum() / shape[0] * area, shape[0] * area, rng)
                return np.where(mask.reshape(*shape[:2], *(1 for _ in shape[2:])) > 0, drawn, 0)
            case "coefficient":
                side = row.layer.side if isinstance(row.layer, Subsample) else 1
                return self.draw(shape, side**2, side**2, rng)
            case "scale":
                return np.ones(shape)
            case _:
                return np.full(shape, float(row.layer.name in self.ones))


@dataclass(frozen=True)
class He(Initializer):
    """Normal with variance 2 / inputs (He et al. 2015)."""

    def draw(self, shape: Shape, inputs: float, outputs: float, rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal(shape) * math.sqrt(2 / inputs)


@dataclass(frozen=True)
class Glorot(Initializer):
    """Uniform within sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010), which VGG found sufficient."""

    def draw(self, shape: Shape, inputs: float, outputs: float, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(-1, 1, shape) * math.sqrt(6 / (inputs + outputs))


@dataclass(frozen=True)
class Normal(Initializer):
    """Normal with one standard deviation for all layers (Krizhevsky et al. 2012, section 5)."""

    std: float = 0.01

    def draw(self, shape: Shape, inputs: float, outputs: float, rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal(shape) * self.std


@dataclass(frozen=True)
class FanIn(Initializer):
    """Uniform within 2.4 / inputs (LeCun et al. 1998, appendix A)."""

    def draw(self, shape: Shape, inputs: float, outputs: float, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(-2.4, 2.4, shape) / inputs


def _rng(name: str, shape: Shape, seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64([seed, zlib.crc32(f"{name} {shape}".encode())]))
