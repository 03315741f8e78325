"""Contestants whose ratio is known: a framework's own model under two names, or slowed down by a known share.

bench.planted:pytorch.eager-a against bench.planted:pytorch.eager-b is the same against the same; -2, -5 and -20 stand
for so many percent more time. Every step waits for its results and is then held back, so it is at least that share, as
far as a step is long beside the microsecond that this takes. Where a framework's threads doze off meanwhile, the next
step is longer still: short steps of JAX and TensorFlow on a CPU come out slower than was planted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from impls.frameworks import Execution, Framework, Model, Phase, Plan, frameworks, load_framework

SLOWDOWNS = {"a": 0.0, "b": 0.0, "2": 0.02, "5": 0.05, "20": 0.20}
"""What stands behind the name of an execution, and the share by which its steps are longer."""


def name_of(framework: str, execution: str, suffix: str) -> str:
    return f"{framework}.{execution}-{suffix}"


def _planted(framework: Framework, execution: Execution, suffix: str, slowdown: float) -> Execution:
    return Execution(
        name_of(framework.name, execution.name, suffix),
        f"{framework.title} {execution.name}, every step {slowdown:.0%} longer",
        environment=execution.environment,
        requires=(*framework.requires, *execution.requires),
        preload=(*framework.preload, *execution.preload),
        missing=execution.missing,
        precisions=execution.precisions,
    )


PLANTED = Framework(
    name="bench.planted",
    title="planted slowdowns",
    model="bench.planted:build",
    executions=tuple(
        _planted(framework, execution, suffix, slowdown)
        for framework in frameworks().values()
        for execution in framework.executions
        for suffix, slowdown in SLOWDOWNS.items()
    ),
)


def build(plan: Plan) -> Model:
    """The model that the execution's name begins with, slowed down by what it ends with."""
    inner, _, suffix = plan.execution.rpartition("-")
    framework, _, execution = inner.partition(".")
    own = Plan(plan.network, execution, plan.device, plan.precision, plan.sgd, plan.seed)
    model = load_framework(framework).build(own)
    slow_down(model, SLOWDOWNS[suffix])
    return model


def slow_down(model: Model, share: float) -> None:
    """Make every phase of `model` take `share` longer than it does."""
    phase = model.phase

    def slowed(name: Phase) -> Callable[[Any], Any]:
        step = phase(name)

        def held_back(batch: Any) -> Any:
            start = time.perf_counter_ns()
            outputs = step(batch)
            model.synchronize(outputs)
            until = start + (time.perf_counter_ns() - start) * (1 + share)
            while time.perf_counter_ns() < until:
                pass
            return outputs

        return held_back

    model.phase = slowed  # type: ignore[method-assign]
