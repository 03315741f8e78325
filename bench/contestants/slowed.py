"""Contestants with a known ratio: a framework's own model under two names (A/A), or with an injected slowdown.

slowed:pytorch.eager-a and slowed:pytorch.eager-b are identical; the suffixes -2, -5 and -20 add so many percent of
time. Steps are unchanged; a delay is added at the end of a round, proportional to the time since its first step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from impls.frameworks import Execution, Framework, Model, Phase, Plan, frameworks, load_framework

SLOWDOWNS = {"a": 0.0, "b": 0.0, "2": 0.02, "5": 0.05, "20": 0.20}
"""Suffix of an execution's name -> fraction by which its steps are longer."""


def name_of(framework: str, execution: str, suffix: str) -> str:
    return f"{framework}.{execution}-{suffix}"


def _slowed(framework: Framework, execution: Execution, suffix: str, slowdown: float) -> Execution:
    return replace(
        execution,
        name=name_of(framework.name, execution.name, suffix),
        note=f"{framework.title} {execution.name}, every step {slowdown:.0%} longer",
        requires=(*framework.requires, *execution.requires),
        preload=(*framework.preload, *execution.preload),
        idiomatic_of="",
    )


SLOWED = Framework(
    name="slowed",
    title="injected slowdowns",
    model="bench.contestants.slowed:build",
    executions=tuple(
        _slowed(framework, execution, suffix, slowdown)
        for framework in frameworks().values()
        for execution in framework.executions
        for suffix, slowdown in SLOWDOWNS.items()
    ),
)


def build(plan: Plan) -> Model:
    """The model of the execution that the name begins with, slowed down as its suffix says."""
    inner, _, suffix = plan.execution.rpartition("-")
    framework, _, execution = inner.partition(".")
    model = load_framework(framework).build(replace(plan, execution=execution))
    slow_down(model, SLOWDOWNS[suffix])
    return model


def slow_down(model: Model, share: float) -> None:
    """Make every round of `model`, in any phase and with any number of steps, take the fraction `share` longer."""
    phase, synchronize = model.phase, model.synchronize
    starts: list[int] = []

    def timed_phase(name: Phase) -> Callable[[Any], Any]:
        step = phase(name)

        def timed_step(batch: Any) -> Any:
            if not starts:
                starts.append(time.perf_counter_ns())
            return step(batch)

        return timed_step

    def delayed_synchronize(outputs: Any) -> None:
        synchronize(outputs)
        if starts:
            start = starts.pop()
            until = start + (time.perf_counter_ns() - start) * (1 + share)
            while time.perf_counter_ns() < until:
                pass

    model.phase, model.synchronize = timed_phase, delayed_synchronize  # type: ignore[method-assign]
