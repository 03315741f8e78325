"""Generated blocks on precision policies, from impls.precision."""

from __future__ import annotations

import math
from collections.abc import Callable

from tabulate import tabulate

from impls.frameworks import PHASES
from impls.precision import POLICIES

FLOAT16 = POLICIES["float16"]


def precisions() -> str:
    rows = [
        (
            f"`{policy.name}`",
            policy.operands,
            policy.activations,
            policy.stored,
            policy.outside,
            "all" if not policy.infers_only else ", ".join(phase for phase in PHASES if not policy.lacks(phase)),
        )
        for policy in POLICIES.values()
    ]
    headers = ["precision", "operands", "activations", "weights", "images, scores, loss, update", "phases"]
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True) + "\n"


def loss_scaling() -> str:
    rule = FLOAT16.loss_scaling
    assert rule is not None
    return (
        f"The scale begins at 2^{math.log2(rule.initial):.0f} when weights are loaded, is divided by {rule.factor:.0f} "
        f"after a step whose\ngradients are not all finite, and multiplied by {rule.factor:.0f} after {rule.interval} "
        "steps in a row whose gradients are.\n"
    )


BLOCKS: dict[str, Callable[[], str]] = {"precisions": precisions, "loss-scaling": loss_scaling}
