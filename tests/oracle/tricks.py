"""What the tricks of a framework's translator change, seen from within it: the layers, and the programs for XLA."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from deadheat.contract.jobs import build
from impls.architectures import architectures
from impls.arrays import make_batch, make_statistics, make_weights
from impls.errors import Unsupported
from impls.frameworks import PHASES, Phase, Plan, load_framework
from impls.network import Network, Row
from oracle.jobs import WINDOWS, windowed_network
from oracle.networks import BATCH, MIXED, small


def rows() -> dict[str, Row]:
    """The distinct rows of every architecture and of made-up networks with all kinds of layers, by network and name."""
    distinct: dict[Any, tuple[str, Row]] = {}
    for network in (*map(small, architectures()), *made_up()):
        for row in network.rows:
            same = replace(row.layer, name=""), row.input
            distinct.setdefault(same, (f"{network.architecture}/{row.layer.name}", row))
    return dict(distinct.values())


def made_up() -> Iterable[Network]:
    return [*MIXED.values(), windowed_network(WINDOWS)]


def replaced(framework: str) -> dict[str, set[str]]:
    """By trick of a layer: the rows that are translated in another way without it, of all networks."""
    plain = importlib.import_module(f"impls.frameworks.{framework}.plain")
    every = rows()
    tuned = {name: way(framework, plain.of_row(()), row) for name, row in every.items()}
    return {
        trick: {name for name, row in every.items() if way(framework, plain.of_row((trick,)), row) != tuned[name]}
        for trick in plain.REPLACED
    }


def way(framework: str, of_row: Any, row: Row) -> str:
    """The code that a row is translated into; "" for a kind of layer that the framework does not support."""
    try:
        return code(of_row(row, *further(framework, row)))
    except Unsupported:
        return ""


def further(framework: str, row: Row) -> tuple[Any, ...]:
    """What a translator takes besides a row: the settings of the tuned execution."""
    if framework == "keras":
        from impls.frameworks.keras.layers import Style

        return (Style("float32"),)
    suffixes = (*row.facts.arrays, *row.facts.statistics)
    return {"jax": (), "pytorch": (False, True), "tensorflow": (dict.fromkeys(suffixes), False)}[framework]


def code(found: Any) -> str:
    """Where a layer's code is: the qualified names of functions, also of those that they hold, or of classes."""
    if isinstance(found, list):
        return " ".join(map(code, found))
    if isinstance(found, partial):
        return code(found.func)
    if not hasattr(found, "__qualname__"):
        return code(type(found))
    cells = [cell.cell_contents for cell in getattr(found, "__closure__", None) or ()]
    held = [one for one in (found, *cells) if hasattr(one, "__qualname__")]
    return " ".join(f"{one.__module__}.{one.__qualname__}" for one in held)


def updating_phases(contestant: str) -> set[Phase]:
    """The phases after which weights are others than before."""
    network = small("lenet5")
    weights, arrays = make_weights(network), make_batch(network, BATCH)
    model = build(contestant, network, "float32")
    batch = model.put(arrays.images, arrays.labels)
    found: set[Phase] = set()
    for phase in PHASES:
        model.load(weights, make_statistics(network))
        model.synchronize(model.phase(phase)(batch))
        now = model.weights()
        if any(not np.array_equal(now[name], array) for name, array in weights.items()):
            found.add(phase)
    return found


def changed_programs(trick: str) -> dict[str, set[Phase]]:
    """The phases in which XLA is given another program without a trick of JAX's, by network.

    Where the trick says that it changes nothing, another program counts only if XLA makes other instructions of it.
    """
    (one,) = (one for one in load_framework("jax").tricks if one.name == trick)
    found = {}
    for network in made_up():
        tuned, plain = (programs(network, left_out) for left_out in ((), (trick,)))
        found[network.architecture] = {
            phase
            for phase in PHASES
            if tuned[phase].as_text() != plain[phase].as_text()
            and not (one.changes_nothing(network, phase) and instructions(tuned[phase]) == instructions(plain[phase]))
        }
    return found


def programs(network: Network, plain: tuple[str, ...]) -> dict[Phase, Any]:
    """The program of each phase of jax:jit, lowered."""
    model: Any = load_framework("jax").build(Plan(network, "jit", plain=plain))
    model.load(make_weights(network), make_statistics(network))
    arrays = make_batch(network, BATCH)
    batch = model.put(arrays.images, arrays.labels)
    calls = {phase: model.call(phase, batch) for phase in PHASES}
    return {phase: step.lower(*arguments) for phase, (step, arguments) in calls.items()}


def instructions(program: Any) -> list[str]:
    """What XLA compiles a program to, without the instructions' names and the places in our code that they name."""
    lines = re.sub(r", metadata=\{[^}]*\}", "", program.compile().as_text()).splitlines()
    return [re.sub(r"%[\w.-]+", "%", line) for line in lines if " = " in line]
