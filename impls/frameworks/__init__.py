"""Frameworks, one folder (or file) each, and the interface that all of them implement.

A `Framework` is a description that imports no framework: its name, the packages it needs, its executions, and the place
of its `Model`. A `Model` is a network built in it. Everything that is timed goes through the four phases of `Model`;
everything that is compared goes through canonical NumPy arrays.

To add a framework, add a file here with a `Framework` at its top level and a `Model`, or put both into another package
with an entry point in the group `deadheat.frameworks`. The contract tests (deadheat.contract) run for
every framework found. Frameworks that only benchmarks need are found by name but not listed (`registry.add_unlisted`);
an unregistered framework has the name of its module (`my_module`).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, Literal, NoReturn

from impls import registry
from impls.errors import InvalidInput, Unavailable, UnknownName, Unsupported
from impls.frameworks._model import (
    DEVICES,
    PHASES,
    PRECISIONS,
    Allocated,
    Model,
    Phase,
    Plan,
    Sgd,
    Stopwatch,
    images_per_device,
    is_card,
    shares,
)
from impls.host import nvidia
from impls.host.hardware import unsupported_reason
from impls.installed import owners
from impls.network import Network, Row

__all__ = [
    "CACHE",
    "DEVICE",
    "DEVICES",
    "GROUP",
    "LEVELS",
    "PHASES",
    "PRECISIONS",
    "Allocated",
    "Execution",
    "Framework",
    "Level",
    "Model",
    "Phase",
    "Plan",
    "Sgd",
    "Stopwatch",
    "Trick",
    "checked",
    "filled",
    "frameworks",
    "images_per_device",
    "is_card",
    "load_framework",
    "shares",
]

Level = Literal["tuned", "idiomatic"]
LEVELS: tuple[Level, ...] = ("tuned", "idiomatic")
"""How a network is written: in the fastest way known with the same mathematics, or as the framework's tutorials do."""
PUBLISHED = "published"
"""The level of a network that others have written, in steps that are idiomatic."""
CACHE = "{cache}"
"""Placeholder in an execution's environment for a folder for compilers' caches, empty when a campaign begins."""
DEVICE = "{device}"
"""Placeholder in an execution's environment for the device that is computed on, one of DEVICES."""


def filled(environment: Mapping[str, str], cache: str, device: str) -> dict[str, str]:
    """An execution's environment with its placeholders replaced; `cache`: a folder."""
    return {name: value.replace(CACHE, cache).replace(DEVICE, device) for name, value in environment.items()}


@dataclass(frozen=True)
class Trick:
    """A place where a framework's translator departs from what the framework's tutorials write, because it is faster.

    `what` says in a phrase what is done, and in place of what. A trick that consists of environment variables names
    them; the tuned executions that use it set them. A trick of layers says which rows of a network it is `about`: the
    translator has another way for these, and for no others; None: a trick of whole steps, in every network. `phases`
    are those that it changes. `executions`: the tuned ones that use it, by name; none: all of them.
    """

    name: str
    what: str
    environment: Mapping[str, str] = field(default_factory=dict)
    about: Callable[[Row], bool] | None = None
    phases: tuple[Phase, ...] = PHASES
    executions: tuple[str, ...] = ()

    def changes_nothing(self, network: Network, phase: str) -> str | None:
        """Why a phase of the network is the same with the trick and without; None if it is not."""
        if self.about is not None and not any(map(self.about, network.rows)):
            return f"trick {self.name} changes nothing in {network.architecture}"
        return None if phase in self.phases else f"trick {self.name} changes nothing in {phase}"


@dataclass(frozen=True)
class Execution:
    """One way in which a framework runs a network.

    `environment` is set before the framework is imported, so executions that differ in it need separate
    processes; `large_block_environment` is added on the CPU if steps allocate blocks that glibc would return to the
    system (impls.host.process.ARENA_BYTES), except with the setting as-shipped. `missing` returns why it cannot run
    here on a device, or None; `requires` adds packages to the framework's; `precisions` are the arithmetics it really
    computes in; `any_size`: whether a model takes images of other sizes than it was built for; `phases` are those that
    it runs. `idiomatic_of`: the name of the execution that this one is, but without the framework's tricks.
    `parallel`: whether it divides a step over several devices. `lacks_trick_of`: the contestant, such as "jax:jit",
    that this one is but for one trick, and `left_out`: that trick, whose share it measures. `published`: others have
    written the network, so that it is neither tuned nor idiomatic.
    """

    name: str
    note: str
    environment: Mapping[str, str] = field(default_factory=dict)
    large_block_environment: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    missing: Callable[[str], str | None] = lambda device: None
    precisions: tuple[str, ...] = ("float32",)
    any_size: bool = False
    phases: tuple[Phase, ...] = PHASES
    idiomatic_of: str = ""
    parallel: bool = False
    lacks_trick_of: str = ""
    left_out: Trick | None = None
    published: bool = False

    @property
    def level(self) -> str:
        """How the network is written: one of LEVELS, or PUBLISHED; "" if it lacks one of several tricks."""
        if self.published:
            return PUBLISHED
        if self.left_out:
            return ""
        return "idiomatic" if self.idiomatic_of else "tuned"

    def uses(self, trick: Trick) -> bool:
        """Whether a tuned execution uses a trick of its framework."""
        is_set = trick.environment.items() <= self.environment.items()
        return is_set and self.name in (trick.executions or (self.name,))

    def without(self, *tricks: Trick) -> Execution:
        """This execution without the variables of some tricks."""
        left_out = {variable for trick in tricks for variable in trick.environment}
        kept = {variable: value for variable, value in self.environment.items() if variable not in left_out}
        return replace(self, environment=kept)

    def lacks(self, phase: str) -> str | None:
        """Why a phase is not run; None if it is."""
        if phase in self.phases:
            return None
        return "runs inference only" if self.phases == ("infer",) else f"runs {', '.join(self.phases)} only"

    def lacks_difference(self, network: Network, phase: str) -> str | None:
        """Why a phase of the network is the same as with the trick that it leaves out; None if it is not."""
        return self.left_out.changes_nothing(network, phase) if self.left_out else None

    def lacks_devices(self, devices: int, network: Network) -> str | None:
        """Why it does not divide a step of the network over so many devices; None if it does.

        Frameworks disagree about batch normalisation: its statistics are those of a device's images or of the batch.
        """
        if devices == 1:
            return None
        if not self.parallel:
            return "runs on one device"
        if network.normalises_batches:
            return "batch normalisation is not supported on several devices: its statistics depend on the framework"
        return "a layer with the gradient of its images runs on one device" if network.differentiates_input else None


@dataclass(frozen=True)
class Framework:
    """A framework's description. `model` is "module:class", imported only in the process that builds with it.

    `requires` are import names; `extra` is the extra of this distribution that installs them (None: nothing to
    install); `preload` are the modules that a process imports before it is forked for each launch.
    `supports_checkpointing`: its models can be used in trials: they have `momentum`, `set_momentum` and `reseed`.
    `tricks` are those of its translator, each of which `Plan.plain` can leave out.
    """

    name: str
    title: str
    model: str
    executions: tuple[Execution, ...]
    requires: tuple[str, ...] = ()
    extra: str | None = None
    preload: tuple[str, ...] = ()
    supports_checkpointing: bool = False
    tricks: tuple[Trick, ...] = ()

    @property
    def trick_names(self) -> tuple[str, ...]:
        """What `Plan.plain` is for a model without any trick."""
        return tuple(trick.name for trick in self.tricks)

    def replaced(self, row: Row, plain: Collection[str]) -> str | None:
        """Which of the tricks called `plain` is about a row, which then has its plain way; None: the row keeps its."""
        return next((one.name for one in self.tricks if one.name in plain and one.about and one.about(row)), None)

    def at_level(self, name: str, level: Level) -> Execution:
        """The execution that is `name` at a level; itself if it has neither. UnknownName; InvalidInput without one."""
        execution = self.execution(name)
        if execution.level == level or execution.level not in LEVELS:
            return execution
        if level == "tuned":
            return self.execution(execution.idiomatic_of)
        for other in self.executions:
            if other.idiomatic_of == name:
                return other
        able = ", ".join(f"{self.name}:{one.idiomatic_of}" for one in self.executions if one.idiomatic_of) or "none"
        raise InvalidInput(
            f"{self.name}:{name} has no idiomatic counterpart; those of {self.name} that have one: {able}"
        )

    def execution(self, name: str) -> Execution:
        for execution in self.executions:
            if execution.name == name:
                return execution
        raise UnknownName(f"execution of {self.name}", name, (execution.name for execution in self.executions))

    def missing(self, execution: Execution | None = None, device: str = "cpu") -> str | None:
        """Why this framework, or one of its executions on a device, cannot run here; None if it can.

        The reason says how to install what is missing. Whether the framework can use the device shows when it builds.
        """
        needed = self.requires + (execution.requires if execution else ())
        absent = [name for name in needed if importlib.util.find_spec(name) is None]
        if absent:
            return f"{', '.join(absent)} not installed; pip install {self._installing(absent)}"
        return execution.missing(device) if execution else None

    def _installing(self, absent: Collection[str]) -> str:
        """What pip installs to bring absent packages: this framework's extra, and those of frameworks that they are."""
        if not self.extra:
            return " ".join(absent)
        others = [one.extra for one in frameworks().values() if one.extra and set(absent) & set(one.requires)]
        return f"'deadheat[{','.join(dict.fromkeys([self.extra, *others]))}]'"

    def missing_here(self, execution: Execution) -> str | None:
        """Why an execution cannot run on any device of this machine; None if it can on one."""
        reasons = [self.missing(execution, device) for device in DEVICES if nvidia.missing(device) is None]
        return None if None in reasons else reasons[0]

    def versions(self) -> dict[str, str]:
        """Versions of the installed distributions of `requires`, also of the executions', by import name."""
        names = dict.fromkeys([*self.requires, *(name for execution in self.executions for name in execution.requires)])
        found = owners() if names else {}
        return {name: importlib.metadata.version(found[name][0]) for name in names if name in found}

    def build(self, plan: Plan) -> Model:
        """Build the model of `plan`; imports the framework. UnknownName, Unsupported or Unavailable."""
        execution = self.execution(plan.execution)
        if plan.precision not in execution.precisions:
            has = ", ".join(execution.precisions)
            raise Unsupported(f"{self.name}:{execution.name} does not support {plan.precision}; it supports {has}")
        if reason := unsupported_reason(plan.precision, plan.device):
            raise Unsupported(reason)
        if reason := execution.lacks_devices(plan.devices, plan.network):
            raise Unsupported(f"{self.name}:{execution.name}: {reason}")
        if reason := self.missing(execution, plan.device):
            raise Unavailable(f"{self.name}:{execution.name}: {reason}")
        for name in plan.plain:
            checked(f"trick of {self.name}", name, self.trick_names)
        if execution.idiomatic_of:
            plan = replace(plan, execution=execution.idiomatic_of, plain=self.trick_names)
        module, _, name = self.model.partition(":")
        model: Model = getattr(importlib.import_module(module), name)(plan)
        for phase in PHASES:
            if reason := plan.policy.lacks(phase):
                setattr(model, phase, partial(_refuse, reason))
        return model


def _refuse(reason: str, batch: Any) -> NoReturn:
    raise Unsupported(reason)


GROUP = "deadheat.frameworks"


@cache
def frameworks() -> dict[str, Framework]:
    """Every listed framework by name: this folder's by age, then those of entry points."""
    return registry.find(__name__, GROUP, Framework)


def load_framework(name: str) -> Framework:
    """The framework of that name, or in the module of that (dotted) name. UnknownName or InvalidInput for others."""
    if "." in name:
        try:
            module = importlib.import_module(name)
        except (ImportError, TypeError, ValueError) as problem:  # "./x.py" would be a relative import
            raise InvalidInput(f"framework module {name!r} cannot be imported: {problem}") from None
        for framework in registry.instances_in(module, Framework):
            return framework
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
