"""PyTorch with errors that leave every shape and count as it was. Named by this module, not registered."""

from __future__ import annotations

from impls.frameworks import Execution, Framework

ERRORS = {
    "wrong-pad": "conv2 padded by one cell too few on top and left, one too many below and right",
    "wrong-alpha": "LRN with alpha divided by its size",
    "swapped-flatten": "maps flattened by channel, column, row",
    "stale-replay": "from its second call on, a phase computes the batch of its first call, as a bad recording would",
}

PLANTED = Framework(
    name="outside.planted",
    title="PyTorch with errors",
    model="outside.planted_model:PlantedModel",
    executions=tuple(Execution(name, note) for name, note in ERRORS.items()),
    requires=("torch",),
    preload=("torch", "outside.planted_model"),
)
