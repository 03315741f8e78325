"""AlexNet's arithmetic (Krizhevsky et al. 2012)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from impls import load_architecture
from impls.layers import Conv, Dense, Pool
from impls.network import Network
from repro.claims.claim import CheckResult, holds
from repro.papers._tables import by_name, listed, millions

LARGEST_SHARE = 0.01
"""Section 1: of the parameters, in any convolution."""
RESIZED, CROP, FLIPS = 256, 224, 2
"""Section 4.1: sides in pixels of the images and of the crops from them."""
TIMES = 2_048
"""Section 4.1: how much larger crops and flips make the training set."""
MILLION_PARAMETERS = 60
NEURONS = 650_000
"""Both from the abstract."""
LISTED = (253_440, 186_624, 64_896, 64_896, 43_264, 4_096, 4_096, 1_000)
"""Fig. 2's caption: the neurons of each layer."""


def shares() -> CheckResult:
    """AX-11."""
    network = load_architecture("alexnet").at()
    held = {row.layer.name: row.facts.parameters for row in network.rows if isinstance(row.layer, Conv)}
    share = {name: count / network.parameters for name, count in held.items()}
    worst = max(held, key=lambda name: held[name])
    above = listed(name for name in share if share[name] > LARGEST_SHARE) or "none"
    return holds(
        share[worst] <= LARGEST_SHARE,
        f"{worst} holds {held[worst]:,} of {network.parameters:,} parameters; "
        f"{listed(f'{name} {100 * part:.3f} %' for name, part in share.items())}; above 1 %: {above}",
    )


def crops() -> CheckResult:
    """AX-12. Places are counted as those of a window that slides by one pixel."""
    rows, columns = Pool("crop", kernel=CROP).outputs((3, RESIZED, RESIZED))
    times = FLIPS * rows * columns
    return holds(
        times == TIMES,
        f"a {CROP} window has {rows} x {columns} places in {RESIZED} x {RESIZED}; with flips {times:,} (paper "
        f"{TIMES:,} = 32 x 32 x 2)",
    )


def parameters() -> CheckResult:
    """AX-13. The paper's figure has one digit that is not zero, and is taken as rounded to that one."""
    count = load_architecture("alexnet").at().parameters
    more = 100 * (count / (1e6 * MILLION_PARAMETERS) - 1)
    return holds(
        round(millions(count), -1) == MILLION_PARAMETERS,
        f"{count:,} parameters: {more:+.1f} % from {MILLION_PARAMETERS} million, which has one digit",
    )


def neurons_of_conv1() -> CheckResult:
    """AX-E1."""
    channels, height, width = by_name(load_architecture("alexnet").at())["conv1"].facts.output
    count = channels * height * width
    return holds(
        count == LISTED[0],
        f"conv1 gives {channels} maps of {height} x {width}: {count:,} (paper {LISTED[0]:,} = {channels} x 55 x 48)",
    )


def neurons() -> CheckResult:
    """AX-E2. Either sum would do: what the layers come to, or what the paper's own list does."""
    found = _neurons(load_architecture("alexnet").at())
    true, own = sum(found.values()), sum(LISTED)
    return holds(
        NEURONS in (round(true, -4), round(own, -4)),
        f"{' + '.join(f'{count:,}' for count in found.values())} = {true:,}; the paper's list sums to {own:,} (paper "
        f"{NEURONS:,} in all)",
    )


def _neurons(network: Network) -> Mapping[str, int]:
    """Units of every layer that has weights, the input left out."""
    rows = (row for row in network.rows if isinstance(row.layer, (Conv, Dense)))
    return {row.layer.name: math.prod(row.facts.output) for row in rows}
