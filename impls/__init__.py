"""What is run: the papers' networks as tables, and the frameworks that build them.

network = impls.load_architecture("alexnet").at(size=227, classes=10)
model = impls.build("pytorch", network, execution="compile")
model.load(impls.make_weights(network), impls.make_statistics(network))
scores = model.to_numpy(model.infer(model.put(images, labels)))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from impls.architectures import architectures, load_architecture
from impls.errors import DeadheatError
from impls.network import Architecture, Network

if TYPE_CHECKING:
    from impls.arrays import make_batch, make_statistics, make_weights
    from impls.frameworks import Model

__all__ = [
    "Architecture",
    "DeadheatError",
    "Network",
    "architectures",
    "build",
    "load_architecture",
    "make_batch",
    "make_statistics",
    "make_weights",
]


def build(
    framework: str,
    architecture: str | Network,
    execution: str | None = None,
    device: str = "cpu",
    precision: str = "float32",
    seed: int = 0,
) -> Model:
    """A model of `architecture` (a name, or a network from `Architecture.at`) in `framework`, without weights yet.

    `execution` defaults to the framework's first; `precision` is one of impls.frameworks.PRECISIONS; `seed` is
    dropout's. Imports the framework into this process. Raises UnknownName, Unavailable, Unsupported.
    """
    from impls.frameworks import DEVICES, PRECISIONS, Plan, checked, load_framework

    network = load_architecture(architecture).at() if isinstance(architecture, str) else architecture
    found = load_framework(framework)
    return found.build(
        Plan(
            network=network,
            execution=execution or found.executions[0].name,
            device=checked("device", device, DEVICES),
            precision=checked("precision", precision, PRECISIONS),
            seed=seed,
        )
    )


def __getattr__(name: str) -> Any:
    """NumPy comes in only with the functions that make arrays, so that listing and describing start at once."""
    if name in ("make_batch", "make_statistics", "make_weights"):
        from impls import arrays

        return getattr(arrays, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
