"""torchvision's AlexNet and VGG."""

from __future__ import annotations

from impls.frameworks import Execution, Framework
from impls.frameworks.pytorch import ENVIRONMENT

TORCHVISION = Framework(
    name="torchvision",
    title="torchvision",
    model="bench.contestants.vendors.torchvision_models:TorchvisionModel",
    executions=(
        Execution("eager", "torchvision.models, eager, channels first, idiomatic steps", ENVIRONMENT, published=True),
    ),
    requires=("torch", "torchvision"),
    extra="vendors",
    preload=("torch", "torch._dynamo", "bench.contestants.vendors.torchvision_models"),
)
