"""Peak probes: the machine's peak, measured in the same campaign as the networks and with the same frameworks.

A probe is a network of one kind of large layer: a matrix product, a common convolution, and a matrix-vector product,
which reads every weight and computes little. The fastest contestant's rate is the peak: the one that frameworks reach,
not that of a data sheet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from impls.layers import Conv, Dense, Flatten, GlobalAverage, Layer
from impls.network import Architecture


def _product(classes: int) -> tuple[Layer, ...]:
    return Flatten("flatten"), Dense("product", classes)


def _products(classes: int) -> tuple[Layer, ...]:
    return Flatten("flatten"), *(Dense(f"product{number}", classes) for number in range(1, 5))


def _convolution(classes: int) -> tuple[Layer, ...]:
    return Conv("convolution", kernel=3, padding=1, channels=classes), GlobalAverage("average")


def _pointwise(classes: int) -> tuple[Layer, ...]:
    return Conv("convolution", kernel=1, channels=classes), GlobalAverage("average")


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
PRODUCTS = Architecture(
    name="probe-matmul-chain",
    title="four matrix products in a row",
    source="a probe of this project",
    input_shape=(8, 32, 32),
    classes=8192,
    table=_products,
)
POINTWISE = Architecture(
    name="probe-conv1x1",
    title="a 1x1 convolution",
    source="a probe of this project; the layer is NIN's (Lin et al. 2014, section 3.1), with the channels of its cccp7",
    input_shape=(1024, 14, 14),
    classes=1024,
    table=_pointwise,
)
NARROW = replace(
    CONVOLUTION,
    name="probe-conv3x3-64",
    title="a 3x3 convolution of 64 channels",
    source="a probe of this project; the layer is conv1-2 of VGG (Simonyan and Zisserman 2015, table 1)",
    input_shape=(64, 224, 224),
    classes=64,
)
VECTOR = replace(PRODUCT, name="probe-gemv", title="a matrix-vector product")


@dataclass(frozen=True)
class Size:
    """Images in a step, their channels and side, and the number of scores."""

    batch: int
    channels: int
    side: int
    classes: int


@dataclass(frozen=True)
class Probe:
    """A network, and its size on each device where it is used; `of`: "macs" or "bytes" per second."""

    architecture: Architecture
    of: str
    sizes: dict[str, Size]

    def entry(self, device: str) -> dict[str, Any]:
        """The keys of a WorkloadGrid for a device that has a size."""
        size = self.sizes[device]
        return {
            "architectures": (self.architecture.name,),
            "batches": (size.batch,),
            "sizes": (size.side,),
            "channels": size.channels,
            "classes": size.classes,
        }


# A card needs larger sizes to be fully used, and to exceed its caches. At the size of a CPU's product a card would take
# longer to cast images and scores of a 16-bit format than to multiply, hence products in a row. The two further
# convolutions show what the layers of NIN and of VGG's first blocks can reach where tensor cores set the peak.
PROBES = (
    Probe(PRODUCT, "macs", {"cpu": Size(512, 2, 32, 2048)}),
    Probe(PRODUCTS, "macs", {"cuda": Size(8192, 8, 32, 8192)}),
    Probe(CONVOLUTION, "macs", {"cpu": Size(4, 256, 28, 256), "cuda": Size(512, 256, 28, 256)}),
    Probe(POINTWISE, "macs", {"cuda": Size(512, 1024, 14, 1024)}),
    Probe(NARROW, "macs", {"cuda": Size(32, 64, 224, 64)}),
    Probe(VECTOR, "bytes", {"cpu": Size(1, 8, 32, 4096), "cuda": Size(1, 16, 32, 16384)}),
)


def probes_on(device: str) -> tuple[Probe, ...]:
    """The probes of a device."""
    return tuple(probe for probe in PROBES if device in probe.sizes)


def probed(architecture: str) -> str | None:
    """The peak that an architecture probes, "macs" or "bytes"; None if it is no probe."""
    return next((probe.of for probe in PROBES if probe.architecture.name == architecture), None)
