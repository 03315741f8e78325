"""VGG's arithmetic (Simonyan & Zisserman 2015)."""

from __future__ import annotations

import math

from impls import load_architecture
from impls.layers import Conv
from impls.network import Network, Row
from repro.claims.claim import CheckResult, holds
from repro.papers._tables import by_name, listed, millions

MILLIONS = {"a": 133, "a-lrn": 133, "b": 133, "c": 134, "d": 138, "e": 144}
"""Table 2: parameters of each configuration."""
STAGE = ("conv5_1", "conv5_2", "conv5_3")
"""Of configuration D: three 3 x 3 in a row with as many inputs as outputs."""
FIELDS = {2: 5, 3: 7}
"""Section 2.3: cells a side that so many 3 x 3 see together."""
MORE, FEWER = 81, 28
"""Per cent: section 2.3 of one 7 x 7 over three 3 x 3; the tutorial of two 3 x 3 under one 5 x 5."""


def totals() -> CheckResult:
    """VGG-1."""
    counts = {letter: load_architecture(f"vgg-{letter}").at().parameters for letter in MILLIONS}
    return holds(
        {letter: millions(count) for letter, count in counts.items()} == MILLIONS,
        listed(f"{letter.upper()} {count:,} (paper {MILLIONS[letter]} million)" for letter, count in counts.items()),
    )


def small_kernels() -> CheckResult:
    """VGG-8. Weights without biases, as the paper counts them; C is the stage's channels."""
    rows = by_name(load_architecture("vgg-d").at())
    stacks = {depth: [rows[name] for name in STAGE[:depth]] for depth in FIELDS}
    fields = {depth: _field(stack) for depth, stack in stacks.items()}
    weights = {depth: sum(_weights(row) for row in stack) for depth, stack in stacks.items()}
    one = {depth: _weights_of_one(stacks[depth][0], side) for depth, side in FIELDS.items()}
    channels = rows[STAGE[0]].input[0]
    more, fewer = 100 * (one[3] / weights[3] - 1), 100 * (1 - weights[2] / one[2])
    return holds(
        fields == FIELDS
        and weights[3] == 27 * channels**2
        and one[3] == 49 * channels**2
        and (round(more), round(fewer)) == (MORE, FEWER),
        f"two see {fields[2]} x {fields[2]}, three {fields[3]} x {fields[3]}; with C = {channels} three have "
        f"{weights[3]:,} weights ({weights[3] / channels**2:g} C²) and one 7 x 7 {one[3]:,} "
        f"({one[3] / channels**2:g} C²), {more:.2f} % more; two have {weights[2] / channels**2:g} C² against "
        f"{one[2] / channels**2:g} C², {fewer:.1f} % fewer",
    )


def _field(stack: list[Row]) -> int:
    """Cells a side of the stack's input that one output sees."""
    field = Network("stack", stack[0].input, 1, tuple(row.layer for row in stack)).rows[-1].field
    return field[0] if field else 0


def _weights(row: Row) -> int:
    return math.prod(row.facts.arrays["weight"])


def _weights_of_one(row: Row, side: int) -> int:
    """Weights of one convolution `side` x `side` with the row's inputs and outputs."""
    single = Conv("single", row.facts.output[0], kernel=side, padding=side // 2)
    return math.prod(single.at(row.input).arrays["weight"])
