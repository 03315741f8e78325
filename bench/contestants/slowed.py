"""Contestants whose ratio is known: a framework's own model under two names, or slowed down by a known share.

slowed:pytorch.eager-a against slowed:pytorch.eager-b is the same against the same; -2, -5 and -20 stand
for so many percent more time. Steps run as they always do; a round is held back at its end, when its results are there,
by that share of the time since its first step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
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
        large_block_environment=execution.large_block_environment,
        requires=(*framework.requires, *execution.requires),
        preload=(*framework.preload, *execution.preload),
        missing=execution.missing,
        precisions=execution.precisions,
    )


PLANTED = Framework(
    name="slowed",
    title="planted slowdowns",
    model="bench.contestants.slowed:build",
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
    model = load_framework(framework).build(replace(plan, execution=execution))
    slow_down(model, SLOWDOWNS[suffix])
    return model


def slow_down(model: Model, share: float) -> None:
    """Make every round of `model`, whatever its phase and its steps, take `share` longer than it does."""
    phase, synchronize = model.phase, model.synchronize
    began: list[int] = []

    def watched(name: Phase) -> Callable[[Any], Any]:
        step = phase(name)

        def begun(batch: Any) -> Any:
            if not began:
                began.append(time.perf_counter_ns())
            return step(batch)

        return begun

    def held_back(outputs: Any) -> None:
        synchronize(outputs)
        if began:
            start = began.pop()
            until = start + (time.perf_counter_ns() - start) * (1 + share)
            while time.perf_counter_ns() < until:
                pass

    model.phase, model.synchronize = watched, held_back  # type: ignore[method-assign]
