"""What every framework implements: a `Model`, built from a `Plan`, with the phases that are timed."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from impls.errors import InvalidInput, Unsupported
from impls.network import Network
from impls.precision import POLICIES, Policy

if TYPE_CHECKING:
    import numpy as np

Phase = Literal["infer", "forward", "gradient", "train"]
PHASES: tuple[Phase, ...] = ("infer", "forward", "gradient", "train")
PRECISIONS = tuple(POLICIES)
"""Names of the precision policies, which impls.precision defines."""
DEVICES = ("cpu", "cuda")


def is_card(device: str) -> bool:
    """Whether a device is a card; otherwise it is the processor."""
    return device != "cpu"


@dataclass(frozen=True)
class Sgd:
    """The one update rule: v <- momentum v + (gradient + weight_decay w); w <- w - learning_rate v, for every array."""

    learning_rate: float = 1e-4
    momentum: float = 0.9
    weight_decay: float = 5e-4


@dataclass(frozen=True)
class Plan:
    """Arguments of a model: a network, its execution, device and precision."""

    network: Network
    execution: str
    device: str = "cpu"
    precision: str = "float32"
    sgd: Sgd = Sgd()
    seed: int = 0  # of dropout
    cold: bool = False  # compile again, without the results of earlier compilations on disk
    open_sizes: bool = False  # images of several sizes will come, to a model of an execution of `any_size`
    plain: tuple[str, ...] = ()  # the framework's tricks that are left out, by name
    devices: int = 1  # that a step is divided over, each with a part of the batch (data parallelism)
    compile_threads: int | None = None  # of the compiler; None: as many as its environment says

    @property
    def policy(self) -> Policy:
        """The formats of its precision."""
        return POLICIES[self.precision]


@dataclass(frozen=True)
class Allocated:
    """Peak of a framework's allocator: bytes, and the source of the number with the start of its period."""

    bytes: int
    source: str


class Stopwatch(Protocol):
    """A device's clock: `start` and `stop` are recorded in its queue; `seconds` is read after synchronisation."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def seconds(self) -> float: ...


class Model(ABC):
    """A network built in a framework, on a device.

    Outputs of the four phases are the framework's arrays, possibly not computed yet: `synchronize` them before reading
    a clock. `batch` below is the result of `put`, already on the device. With an execution of `any_size`, images may
    have another size than the plan's network, if the architecture has the same arrays at that size.
    """

    clock: Callable[[], int] = staticmethod(time.perf_counter_ns)
    """Clock in nanoseconds; replaced only by models with simulated times, which validate the harness."""
    stopwatch: Stopwatch | None = None
    """The device's clock, if the framework can read one."""

    @abstractmethod
    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        """Load copies of canonical arrays (names: `Network.arrays`, `Network.statistics`); momentum becomes zero."""

    @abstractmethod
    def weights(self) -> dict[str, np.ndarray]:
        """The current trainable arrays, canonical."""

    @abstractmethod
    def statistics(self) -> dict[str, np.ndarray]:
        """The current running statistics; empty without batch normalisation."""

    def momentum(self) -> dict[str, np.ndarray]:
        """The velocity v of the update rule for every trainable array, canonical: zero before the first `train`."""
        raise Unsupported(f"{type(self).__name__} does not return its momentum, so it can't be trained in parts")

    def set_momentum(self, momentum: Mapping[str, np.ndarray]) -> None:
        """Set the velocity to one that `momentum` returned, in this framework or another one."""
        raise Unsupported(f"{type(self).__name__} accepts no momentum, so it can't be trained in parts")

    def reseed(self, seed: int) -> None:
        """Reseed dropout."""
        raise Unsupported(f"{type(self).__name__} has dropout that can't be reseeded, so no trial can be repeated")

    @abstractmethod
    def put(self, images: np.ndarray, labels: np.ndarray) -> Any:
        """A batch on the device, in the layout that this model computes in.

        images: (batch, channels, height, width) float32; labels: (batch,) int32.
        """

    def put_copies(self, image: np.ndarray, label: np.ndarray, copies: int) -> Any:
        """A batch on the device that is one image (1, channels, height, width) and its label (1,), so many times.

        A model for a card makes the copies there, so that the host needs no memory for them.
        """
        return self.put(image.repeat(copies, 0), label.repeat(copies, 0))

    @abstractmethod
    def infer(self, batch: Any) -> Any:
        """Scores (batch, classes) in evaluation mode, without a gradient."""

    @abstractmethod
    def forward(self, batch: Any) -> Any:
        """The mean loss in training mode: dropout, batch statistics, and running statistics change as in `train`."""

    @abstractmethod
    def gradient(self, batch: Any) -> Any:
        """(loss, gradients): `forward`, and every gradient materialised, not accumulated.

        With the network's `differentiates_input`, the gradient of the images is included.
        """

    @abstractmethod
    def train(self, batch: Any) -> Any:
        """The loss of one step of gradient and update; weights, momentum and statistics change in place."""

    @abstractmethod
    def synchronize(self, outputs: Any) -> None:
        """Wait until `outputs`, and the state that a step changed, are computed."""

    @abstractmethod
    def to_numpy(self, outputs: Any) -> np.ndarray:
        """Scores or a loss as NumPy."""

    @abstractmethod
    def gradients(self, outputs: Any) -> dict[str, np.ndarray]:
        """The gradients that `gradient` returned, canonical, by the names of `Network.arrays`; the images' as INPUT."""

    @property
    def compilations(self) -> int:
        """Number of traces or compilations of its steps so far; 0 if they are never compiled."""
        return 0

    @property
    def fallback(self) -> str:
        """Why the model has changed to another way of execution than the plan's; empty if it has not."""
        return ""

    def forget_allocated(self) -> None:
        """Reset the peak of `allocated`, if the framework can."""
        return

    def allocated(self) -> Allocated | str:
        """The peak of the framework's allocator on the device, or the reason why it is unknown. Never 0 for unknown."""
        return "the framework does not count its allocations here"

    def allocated_by(self, phase: Phase, batches: Sequence[Any]) -> Allocated | str:
        """`allocated`, after a step of `phase` on each of `batches`; other models know what such a step takes."""
        return self.allocated()

    def phase(self, name: Phase) -> Callable[[Any], Any]:
        """The method of a phase."""
        method: Callable[[Any], Any] = getattr(self, name)
        return method

    @property
    def processes(self) -> Sequence[int]:
        """The ids of further processes that compute for this model; none if all is computed in this process."""
        return ()

    def devices(self, outputs: Any) -> frozenset[str]:
        """The devices (of DEVICES) that hold what `infer` or `gradient` returned; empty if the model does not tell.

        The parity gate refuses a model whose outputs are elsewhere than on the plan's device.
        """
        return frozenset()


def images_per_device(batch: int, devices: int) -> int:
    """The images of a batch that each device computes. InvalidInput if they would not be equally many."""
    if batch % devices:
        raise InvalidInput(
            f"a batch of {batch} cannot be divided evenly over {devices} devices; give a multiple of {devices}"
        )
    return batch // devices


def shares(images: np.ndarray, labels: np.ndarray, devices: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The images and labels of each device, consecutive ones. InvalidInput as `images_per_device`."""
    each = images_per_device(len(images), devices)
    return [(images[start : start + each], labels[start : start + each]) for start in range(0, len(images), each)]
