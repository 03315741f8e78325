"""LeNet-5's arithmetic (LeCun et al. 1998)."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np

from impls import load_architecture
from impls.layers import Activation, Conv, RadialBasis
from repro.claims.claim import CheckResult, holds
from repro.papers._tables import by_name, listed

PARAMETERS = {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164, "output": 0}
"""Trainable numbers of each layer, section II-B."""
TOTAL, CONNECTIONS = 60_000, 340_908
"""Fig. 2's text."""
LINKS, LINKS_OF_A_MAP = 60, 10
"""Table I: its marks in all, and in each row."""
THOUSAND_MACS, THOUSAND_VARIABLES = 401, 60
"""Figs. 11 and 12."""
PEAK, STEP = 1.0, 1e-5
"""Where appendix A has the largest curvature, and the grid on which it is looked for."""


def counts() -> CheckResult:
    """LN-1."""
    network = load_architecture("lenet5").at()
    rows = by_name(network)
    found = {name: rows[name].facts.parameters for name in PARAMETERS}
    c3 = rows["c3"].layer
    assert isinstance(c3, Conv)
    sources = rows["c3"].input[0]
    connection_table = c3.connection_table or (tuple(range(sources)),) * c3.channels
    fed = Counter(itertools.chain.from_iterable(connection_table))
    each = sorted({fed[source] for source in range(sources)})
    return holds(
        (found, network.parameters, network.connections) == (PARAMETERS, TOTAL, CONNECTIONS)
        and (fed.total(), each) == (LINKS, [LINKS_OF_A_MAP]),
        f"{'/'.join(f'{found[name]:,}' for name in found if found[name])} parameters, {network.parameters:,} in all "
        f"(paper {TOTAL:,}); {network.connections:,} connections, {rows['output'].facts.connections} of the output's "
        f"among them (paper {CONNECTIONS:,}); C3's table has {fed.total()} links and each S2 map feeds "
        f"{' or '.join(map(str, each))} C3 maps",
    )


def multiply_accumulates() -> CheckResult:
    """LN-7. Either way of counting would do; the variables must be right as well."""
    network = load_architecture("lenet5").at()
    ways = {"multiply-accumulates without biases": network.macs, "connections": network.connections}
    return holds(
        THOUSAND_MACS in (round(count / 1e3) for count in ways.values())
        and round(network.parameters / 1e3) == THOUSAND_VARIABLES,
        f"{listed(f'{count:,} {what}' for what, count in ways.items())} (paper {THOUSAND_MACS},000 "
        f"multiply-accumulates); {network.parameters:,} variables (paper {THOUSAND_VARIABLES},000)",
    )


def targets() -> CheckResult:
    """LN-8. Distances between codes are in cells; Fig. 3 shows the codes and the paper gives no distance."""
    network = load_architecture("lenet5").at()
    output = network.rows[-1].layer
    squash = next(row.layer for row in reversed(network.rows) if isinstance(row.layer, Activation))
    assert isinstance(output, RadialBasis)
    bound = {"scaled_tanh": Activation.AMPLITUDE, "tanh": 1.0, "relu": math.inf}[squash.kind]
    largest = max(abs(cell) for code in output.codes for cell in code)
    one = Activation.AMPLITUDE * math.tanh(Activation.SLOPE)
    apart = {
        (first, second): sum(a != b for a, b in zip(output.codes[first], output.codes[second]))
        for first, second in itertools.combinations(range(len(output.codes)), 2)
    }
    nearest = min(apart, key=lambda pair: apart[pair])
    return holds(
        largest < bound,
        f"targets of ±{largest} {'inside' if largest < bound else 'at the end of'} a range of ±{bound:g}; "
        f"f(±1) = ±{one:.7f}; codes lie {apart[nearest]} ({nearest[0]} and {nearest[1]}) to {max(apart.values())} "
        f"of {len(output.codes[0])} cells apart",
    )


def curvature() -> CheckResult:
    """LN-E1. f'' of A tanh(S a) is -2 A S^2 t (1 - t^2) with t = tanh(S a); looked for between 0 and 3."""
    a = np.arange(0, 3, STEP)
    t = np.tanh(Activation.SLOPE * a)
    peak = float(a[np.argmax(2 * Activation.AMPLITUDE * Activation.SLOPE**2 * t * (1 - t**2))])
    return holds(abs(peak - PEAK) < 0.005, f"|f''| is largest at ±{peak:.5f}, {100 * (peak - PEAK):+.2f} % from ±1")
