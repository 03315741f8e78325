"""Peak probes: the machine's peak, measured in the same campaign as the networks and with the same frameworks.

A probe is a network of one large layer: a matrix product, a common convolution, and a matrix-vector product, which
reads every weight and computes little. The fastest contestant's rate is the peak: the one that frameworks reach, not
that of a data sheet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from impls.layers import Conv, Dense, Flatten, GlobalAverage, Layer
from impls.network import Architecture


def _product(classes: int) -> tuple[Layer, ...]:
    return Flatten("flatten"), Dense("product", classes)


def _convolution(classes: int) -> tuple[Layer, ...]:
    return Conv("convolution", kernel=3, padding=1, channels=classes), GlobalAverage("average")


PRODUCT = Architecture(
    name="probe-matmul",
    title="a matrix product",
    source="a probe of this project",
    input_shape=(2, 32, 32),
    classes=2048,
    table=_product,
)
CONVOLUTION = Architecture(
    name="probe-conv3x3",
    title="a 3x3 convolution",
    source="a probe of this project; the layer is VGG's (Simonyan and Zisserman 2015, table 1)",
    input_shape=(256, 28, 28),
    classes=256,
    table=_convolution,
)
VECTOR = replace(PRODUCT, name="probe-gemv", title="a matrix-vector product")


@dataclass(frozen=True)
class Probe:
    """A network, and batch and size per device at which it reaches the peak; `of`: "macs" or "bytes" per second."""

    architecture: Architecture
    of: str
    batches: dict[str, int]
    sizes: dict[str, tuple[int, int, int]]  # channels, side, classes

    def entry(self, device: str) -> dict[str, Any]:
        """The keys of a WorkloadGrid for a device."""
        channels, side, classes = self.sizes[device]
        return {
            "architectures": (self.architecture.name,),
            "batches": (self.batches[device],),
            "sizes": (side,),
            "channels": channels,
            "classes": classes,
        }


# A GPU needs larger sizes to be fully used, and to exceed its caches.
PROBES = (
    Probe(PRODUCT, "macs", {"cpu": 512, "cuda": 8192}, {"cpu": (2, 32, 2048), "cuda": (8, 32, 8192)}),
    Probe(CONVOLUTION, "macs", {"cpu": 4, "cuda": 64}, {"cpu": (256, 28, 256), "cuda": (256, 28, 256)}),
    Probe(VECTOR, "bytes", {"cpu": 1, "cuda": 1}, {"cpu": (8, 32, 4096), "cuda": (16, 32, 16384)}),
)


def probed(architecture: str) -> str | None:
    """The peak that an architecture probes, "macs" or "bytes"; None if it is no probe."""
    return next((probe.of for probe in PROBES if probe.architecture.name == architecture), None)
