"""Contestants that lack one trick of a framework's translator: what the trick brings is the ratio to the tuned one.

without:jax.jit-groups is jax:jit, but with grouped convolutions as JAX's documentation has them (`Framework.tricks`).
"""

from __future__ import annotations

from dataclasses import replace

from impls.frameworks import Execution, Framework, Model, Plan, Trick, frameworks, load_framework


def name_of(framework: str, execution: str, trick: str) -> str:
    return f"{framework}.{execution}-{trick}"


def _without(framework: Framework, execution: Execution, trick: Trick) -> Execution:
    return replace(
        execution.without(trick),
        name=name_of(framework.name, execution.name, trick.name),
        note=f"{framework.title} {execution.name} without: {trick.what}",
        requires=(*framework.requires, *execution.requires),
        preload=(*framework.preload, *execution.preload),
        lacks_trick_of=f"{framework.name}:{execution.name}",
        left_out=trick,
    )


def _tuned(framework: Framework) -> list[Execution]:
    """The executions that have an idiomatic counterpart."""
    return [framework.execution(one.idiomatic_of) for one in framework.executions if one.idiomatic_of]


WITHOUT = Framework(
    name="without",
    title="one trick left out",
    model="bench.contestants.without:build",
    executions=tuple(
        _without(framework, execution, trick)
        for framework in frameworks().values()
        for execution in _tuned(framework)
        for trick in framework.tricks
        if execution.uses(trick)
    ),
)


def build(plan: Plan) -> Model:
    """The model of the execution that the name begins with, without the trick that it ends with."""
    for framework in frameworks().values():
        for execution in _tuned(framework):
            for trick in framework.tricks:
                if name_of(framework.name, execution.name, trick.name) == plan.execution:
                    return load_framework(framework.name).build(
                        replace(plan, execution=execution.name, plain=(trick.name,))
                    )
    raise AssertionError(f"{plan.execution} is no execution of this framework")
