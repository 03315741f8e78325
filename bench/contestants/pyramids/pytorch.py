"""Alternative implementations of the pyramid in PyTorch, besides that of impls.frameworks.pytorch."""

from __future__ import annotations

from impls.frameworks import Execution, Framework
from impls.frameworks.pytorch import ENVIRONMENT

PYTORCH_PYRAMIDS = Framework(
    name="pytorch-spp",
    title="PyTorch, other pyramids",
    model="bench.contestants.pyramids.pytorch_models:Pyramid",
    executions=(
        Execution("builtin", "torch.nn.AdaptiveMaxPool2d for each level", ENVIRONMENT),
        Execution("slices", "a slice and its maximum for each bin, as in the tutorial", ENVIRONMENT),
        Execution("passes", "slices and maxima of columns, then of rows", ENVIRONMENT),
    ),
    requires=("torch",),
    extra="pytorch",
    preload=("torch", "torch._dynamo", "bench.contestants.pyramids.pytorch_models"),
)
