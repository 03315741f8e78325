"""Networks and frameworks: the papers' networks as tables, and the frameworks that build them.

network = impls.load_architecture("alexnet").at(size=227, classes=10)
model = impls.build("pytorch", network, execution="compile")
model.load(impls.make_weights(network), impls.make_statistics(network))
scores = model.to_numpy(model.infer(model.put(images, labels)))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from impls.architectures import architectures, load_architecture
from impls.errors import DeadheatError, InvalidInput, Unavailable, UnknownName, Unsupported
from impls.frameworks import Execution, Framework, Model, Plan, Sgd, Trick, load_framework
from impls.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    Layer,
    LocalResponseNorm,
    Pool,
    RadialBasis,
    SpatialPyramid,
    Subsample,
    WindowAverage,
    WindowPyramid,
)
from impls.lazy import lazily
from impls.network import INPUT, Architecture, Network

if TYPE_CHECKING:
    from impls.arrays import make_batch, make_statistics, make_weights
    from impls.layouts import ChannelsLast

__all__ = [
    "INPUT",
    "Activation",
    "Architecture",
    "BatchNorm",
    "ChannelsLast",
    "Conv",
    "DeadheatError",
    "Dense",
    "Dropout",
    "Execution",
    "Flatten",
    "Framework",
    "GlobalAverage",
    "InvalidInput",
    "Layer",
    "LocalResponseNorm",
    "Model",
    "Network",
    "Plan",
    "Pool",
    "RadialBasis",
    "Sgd",
    "SpatialPyramid",
    "Subsample",
    "Trick",
    "Unavailable",
    "UnknownName",
    "Unsupported",
    "WindowAverage",
    "WindowPyramid",
    "architectures",
    "build",
    "load_architecture",
    "load_framework",
    "make_batch",
    "make_statistics",
    "make_weights",
]

# NumPy comes in only with these, so that listing and describing start at once.
__getattr__ = lazily(
    __name__,
    {"impls.arrays": ("make_batch", "make_statistics", "make_weights"), "impls.layouts": ("ChannelsLast",)},
)


def build(
    framework: str,
    architecture: str | Network,
    execution: str | None = None,
    device: str = "cpu",
    precision: str = "float32",
    seed: int = 0,
    devices: int = 1,
) -> Model:
    """Build a model of `architecture` (a name, or a network from `Architecture.at`) in `framework`, without weights.

    `execution` defaults to the framework's first; `precision` is one of impls.frameworks.PRECISIONS; `seed` seeds
    dropout; `devices`: over how many a step is divided. Imports the framework into this process. Raises UnknownName,
    Unavailable, Unsupported.
    """
    from impls.frameworks import DEVICES, PRECISIONS, checked

    network = load_architecture(architecture).at() if isinstance(architecture, str) else architecture
    loaded = load_framework(framework)
    return loaded.build(
        Plan(
            network=network,
            execution=execution or loaded.executions[0].name,
            device=checked("device", device, DEVICES),
            precision=checked("precision", precision, PRECISIONS),
            seed=seed,
            devices=devices,
        )
    )
