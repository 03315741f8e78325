"""Precision policies: in which formats a contestant computes and keeps its values. All frameworks read them here.

A policy is the same in every framework and on every device: weights and images are cast in the step, so gradients pass
through the casts, and each layer gets and gives `activations`. No framework's automatic mixed precision is used, which
has another list of operations on each device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BYTES: Mapping[str, int] = {"float64": 8, "float32": 4, "tf32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a value by format; TF32 values are kept as float32."""


@dataclass(frozen=True)
class LossScaling:
    """Dynamic loss scaling (Micikevicius et al. 2018, section 3.2), with one rule in every framework.

    The loss is multiplied by a scale before the gradients are computed, and the gradients are divided by it before
    anything reads them. A step of `train` with a gradient that is infinite or NaN changes no weight and no momentum,
    and divides the scale by `factor`; after `interval` steps in a row without one the scale is multiplied by `factor`.
    `gradient` uses the scale of that moment and leaves it as it is. Loading weights sets it to `initial`.

    `initial` is below the usual 2^15 or 2^16, which skipped steps lower: at the gate the gradients of the first step
    are compared. With 2^7 they are finite up to 65504 / 2^7 = 511 (the largest of the networks here is about 60, of
    LeNet-5), and have all digits of float16 down to 2^-14 / 2^7 = 4.8e-7.
    """

    initial: float = 2.0**7
    factor: float = 2.0
    interval: int = 2000


@dataclass(frozen=True)
class Policy:
    """The formats of one precision.

    `operands`: of convolutions and products, whose sums are float32 or wider where the hardware has a choice;
    `activations`: of what each layer gets and gives; `stored`: of weights between steps; `outside`: of images, scores,
    loss, momentum, update, running statistics and batch normalisation's arithmetic. `infers_only`: other phases are not
    run in it.
    """

    name: str
    operands: str
    activations: str
    stored: str
    outside: str
    loss_scaling: LossScaling | None = None
    infers_only: bool = False

    @property
    def casts(self) -> bool:
        """Whether a step casts weights, which are stored in another format than layers take them in."""
        return self.stored != self.activations

    @property
    def uncast(self) -> str:
        """The precision whose layers read weights as this one stores them."""
        return self.stored if self.casts else self.name

    def lacks(self, phase: str) -> str | None:
        """Why a phase is not run in this precision; None if it is."""
        if not self.infers_only or phase == "infer":
            return None
        return f"{self.name} runs inference only: updates are too small for weights stored in {self.stored}"


def _of_one(name: str) -> Policy:
    """The policy in which everything has the same format."""
    return Policy(name, name, name, name, name)


POLICIES: Mapping[str, Policy] = {
    policy.name: policy
    for policy in (
        _of_one("float32"),
        Policy("tf32", "tf32", "float32", "float32", "float32"),
        Policy("bfloat16", "bfloat16", "bfloat16", "float32", "float32"),
        _of_one("float64"),
        Policy("float16", "float16", "float16", "float32", "float32", loss_scaling=LossScaling()),
        Policy("bfloat16-weights", "bfloat16", "bfloat16", "bfloat16", "float32", infers_only=True),
    )
}
"""Every policy by name.

In float16 local response normalisation computes in float32 and rounds its result: a square would be infinite from 256
on. In bfloat16 it computes in bfloat16, which has float32's range.
"""
