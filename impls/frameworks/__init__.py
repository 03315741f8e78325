"""Frameworks, one folder (or file) a framework, and the interface that all of them implement.

A `Framework` is a description that imports nothing heavy: what it is called, which package it needs, how it can
execute, and where its `Model` is. A `Model` is a network built in it. Everything that is timed goes through the
four phases of `Model`; everything that is checked goes through canonical NumPy arrays.

To add a framework, add a file here with a `Framework` at its top level and a `Model` behind it, or put both in a
package of your own with an entry point in the group `deadheat.frameworks`. The contract tests (deadheat.contract) run
over every framework found. Frameworks that only benchmarks need have names, too, but are not listed
(`registry.add_unlisted`); a framework that is in no registry can be named by its module (`my_module`).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol

from impls import registry
from impls.errors import InvalidInput, Unavailable, UnknownName, Unsupported
from impls.hardware import unsupported_reason
from impls.network import Network

if TYPE_CHECKING:
    import numpy as np

Phase = Literal["infer", "forward", "gradient", "train"]
PHASES: tuple[Phase, ...] = ("infer", "forward", "gradient", "train")
PRECISIONS = ("float32", "tf32", "bfloat16", "float64")
"""Policies. float32 and float64 are IEEE's, in everything. In tf32 and bfloat16 weights, momentum, loss and update are
float32; convolutions and products take their operands in the named format, and in bfloat16 activations are kept in it.
"""
DEVICES = ("cpu", "cuda")
CACHE = "{cache}"
"""Stands in an execution's environment for a folder that is empty when a campaign begins, for compilers' caches."""


@dataclass(frozen=True)
class Sgd:
    """The one update rule: v <- momentum v + (gradient + weight_decay w); w <- w - learning_rate v, for every array."""

    learning_rate: float = 1e-4
    momentum: float = 0.9
    weight_decay: float = 5e-4


@dataclass(frozen=True)
class Plan:
    """What a model is built from: a network, how to execute it, and in which arithmetic."""

    network: Network
    execution: str
    device: str = "cpu"
    precision: str = "float32"
    sgd: Sgd = Sgd()
    seed: int = 0  # of dropout
    cold: bool = False  # compile anew, whatever was compiled before and is kept on disk

    @property
    def stored(self) -> str:
        """The format of weights, momentum and loss."""
        return "float64" if self.precision == "float64" else "float32"


@dataclass(frozen=True)
class Allocated:
    """The largest that a framework's allocator had given out: bytes, and which figure of whose it is, since when."""

    bytes: int
    source: str


class Stopwatch(Protocol):
    """A device's own clock: `start` and `stop` are put in its queue; `seconds` is read once that is empty."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def seconds(self) -> float: ...


class Model(ABC):
    """A network built in a framework, on a device.

    Outputs of the four phases are the framework's own arrays, possibly not computed yet: `synchronize` them before
    reading a clock. `batch` below is what `put` gave, already on the device. Where the execution says so (`any_size`),
    images may have another size than the plan's network, if the architecture's arrays are the same there.
    """

    clock: Callable[[], int] = staticmethod(time.perf_counter_ns)
    """Nanoseconds. Another one only where time itself is made up, to check what measures it."""
    stopwatch: Stopwatch | None = None
    """The device's own clock, where it has one that the framework can ask."""

    @abstractmethod
    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        """Take canonical arrays (the names of `Network.arrays` and `Network.statistics`); momentum becomes zero."""

    @abstractmethod
    def weights(self) -> dict[str, np.ndarray]:
        """The trainable arrays as they are now, canonical."""

    @abstractmethod
    def statistics(self) -> dict[str, np.ndarray]:
        """The running statistics as they are now; empty without batch normalisation."""

    def momentum(self) -> dict[str, np.ndarray]:
        """The velocity v of the update rule for every trainable array, canonical: zero before the first `train`."""
        raise Unsupported(f"{type(self).__name__} does not give its momentum away, so it can't be trained in parts")

    def set_momentum(self, momentum: Mapping[str, np.ndarray]) -> None:
        """Go on from a velocity that `momentum` gave, in this framework or another one."""
        raise Unsupported(f"{type(self).__name__} takes no momentum, so it can't be trained in parts")

    def reseed(self, seed: int) -> None:
        """Let dropout draw anew, from `seed`."""
        raise Unsupported(f"{type(self).__name__} has dropout that can't be seeded anew, so no trial can be repeated")

    @abstractmethod
    def put(self, images: np.ndarray, labels: np.ndarray) -> Any:
        """A batch on the device, in the layout that this model computes in.

        images: (batch, channels, height, width) float32; labels: (batch,) int32.
        """

    @abstractmethod
    def infer(self, batch: Any) -> Any:
        """Scores (batch, classes) in evaluation mode, without a gradient."""

    @abstractmethod
    def forward(self, batch: Any) -> Any:
        """The mean loss in training mode: dropout, batch statistics, and running statistics move as in `train`."""

    @abstractmethod
    def gradient(self, batch: Any) -> Any:
        """(loss, gradients): `forward`, and every gradient materialised, none added to an earlier one.

        With `differentiates_input`, the network asks for the gradient of the images, too.
        """

    @abstractmethod
    def train(self, batch: Any) -> Any:
        """The loss of one step of gradient and update; weights, momentum and statistics change in place."""

    @abstractmethod
    def synchronize(self, outputs: Any) -> None:
        """Return when `outputs`, and the state that a step changed, are computed."""

    @abstractmethod
    def to_numpy(self, outputs: Any) -> np.ndarray:
        """Scores or a loss as NumPy."""

    @abstractmethod
    def gradients(self, outputs: Any) -> dict[str, np.ndarray]:
        """The gradients that `gradient` returned, canonical, by the names of `Network.arrays`; the images' as INPUT."""

    @property
    def compilations(self) -> int:
        """How often its steps have been traced or compiled so far; 0 where they never are."""
        return 0

    @property
    def fallback(self) -> str:
        """Why it has stopped executing as it was asked to and goes on in another way; empty as long as it has not."""
        return ""

    def forget_allocated(self) -> None:
        """Let the peak of `allocated` begin again, where the framework can."""
        return

    def allocated(self) -> Allocated | str:
        """The peak of the framework's own allocator on the device, or why it is not known. Never 0 for unknown."""
        return "the framework does not count what it allocates here"

    def phase(self, name: Phase) -> Callable[[Any], Any]:
        """The method for a phase's name."""
        method: Callable[[Any], Any] = getattr(self, name)
        return method


@dataclass(frozen=True)
class Execution:
    """One way in which a framework runs a network.

    `environment` is set before the framework is imported, so executions that differ in it need processes of their
    own; `large_block_environment` is set besides where steps take blocks so large that its memory would not stay with
    it (impls.process.ARENA_BYTES), unless frameworks are measured as they ship. `missing` says why it cannot run on
    this machine, or None; `requires` adds packages to the framework's; `precisions` are the arithmetics it really
    computes in; `any_size`: whether a model takes images of other sizes than it was built for.
    """

    name: str
    note: str
    environment: Mapping[str, str] = field(default_factory=dict)
    large_block_environment: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    missing: Callable[[], str | None] = lambda: None
    precisions: tuple[str, ...] = ("float32",)
    any_size: bool = False


@dataclass(frozen=True)
class Framework:
    """A framework's description. `model` is "module:class", imported only in the process that builds with it.

    `requires` are import names; `extra` is the extra of this distribution that brings them (None: nothing to bring);
    `preload` are the modules that a process imports before it is forked for each launch. `supports_checkpointing`:
    whether its models take part in trials: they have `momentum`, `set_momentum` and `reseed`.
    """

    name: str
    title: str
    model: str
    executions: tuple[Execution, ...]
    requires: tuple[str, ...] = ()
    extra: str | None = None
    preload: tuple[str, ...] = ()
    supports_checkpointing: bool = False

    def execution(self, name: str) -> Execution:
        for execution in self.executions:
            if execution.name == name:
                return execution
        raise UnknownName(f"execution of {self.name}", name, (execution.name for execution in self.executions))

    def missing(self, execution: Execution | None = None) -> str | None:
        """Why this framework (or one of its executions) cannot run here, with what would bring it; None if it can."""
        needed = self.requires + (execution.requires if execution else ())
        absent = [name for name in needed if importlib.util.find_spec(name) is None]
        if absent:
            bring = f"pip install 'deadheat[{self.extra}]'" if self.extra else f"pip install {' '.join(absent)}"
            return f"{', '.join(absent)} not installed; {bring}"
        return execution.missing() if execution else None

    def versions(self) -> dict[str, str]:
        """Versions of the installed distributions behind `requires` and the executions' own, by import name."""
        names = dict.fromkeys([*self.requires, *(name for one in self.executions for name in one.requires)])
        owners = importlib.metadata.packages_distributions()
        return {name: importlib.metadata.version(owners[name][0]) for name in names if name in owners}

    def build(self, plan: Plan) -> Model:
        """The model of `plan`. Imports the framework: call it in a process that may."""
        execution = self.execution(plan.execution)
        if plan.precision not in execution.precisions:
            has = ", ".join(execution.precisions)
            raise Unsupported(f"{self.name}:{execution.name} has no {plan.precision}; it has {has}")
        if reason := unsupported_reason(plan.precision, plan.device):
            raise Unsupported(reason)
        if reason := self.missing(execution):
            raise Unavailable(f"{self.name}:{execution.name}: {reason}")
        module, _, name = self.model.partition(":")
        model: Model = getattr(importlib.import_module(module), name)(plan)
        return model


GROUP = "deadheat.frameworks"


@cache
def frameworks() -> dict[str, Framework]:
    """Every framework that is listed, by name: this folder's in its order of age, then those from entry points."""
    return registry.find(__name__, GROUP, Framework)


def load_framework(name: str) -> Framework:
    """The framework of that name, or in the module of that (dotted) name."""
    if "." in name:
        try:
            module = importlib.import_module(name)
        except (ImportError, TypeError, ValueError) as problem:  # "./x.py" would be a relative import
            raise InvalidInput(f"framework module {name!r} cannot be imported: {problem}") from None
        for found in registry.instances_in(module, Framework):
            return found
        raise InvalidInput(f"module {name!r} has no Framework at its top level")
    known = frameworks()
    if name in known:
        return known[name]
    if unlisted := registry.find_unlisted(GROUP, Framework, known).get(name):
        return unlisted
    raise UnknownName("framework", name, known)


def checked(kind: str, name: str, known: tuple[str, ...]) -> str:
    """`name` if it is one of `known`; UnknownName with the nearest otherwise."""
    if name not in known:
        raise UnknownName(kind, name, known)
    return name
