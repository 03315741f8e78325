"""SPP-net's arithmetic (He et al. 2015, arXiv v4)."""

from __future__ import annotations

import math
from collections.abc import Iterable

from impls import load_architecture
from impls.layers import Pool, SpatialPyramid
from repro.claims.claim import CheckResult, holds
from repro.papers._tables import by_name, classifier_input, listed

NETWORKS = ("zf5-spp", "convnet5-spp", "overfeat5-spp", "overfeat7-spp")
SIZES = (*((side, side) for side in range(64, 400, 16)), (180, 180), (180, 224), (224, 391), (480, 640), (1200, 900))
"""(height, width) in pixels at which the length of the vector is taken."""
BINS, LENGTH = 50, 12_800
"""Section 4.1."""
SIDE = 13
WINDOWS = {3: (5, 4), 2: (7, 6), 1: (13, 13)}
"""Fig. 4: (window, stride) of each level on a map of that side."""
TRAINED_AT = (224, 180)
"""Section 2.3: sides in pixels of the two networks that share parameters."""
LEVELS = (1, 2, 3, 4, 6)
"""Bins a side of every pyramid in the paper."""
SIDES = range(1, 41)
"""Cells a side for which section 2.3's rule is tried."""
TABLE_1 = {
    "zf5": {"pool1": 55, "pool2": 27},
    "convnet5": {"conv1": 55, "pool2": 27, "pool3": 13},
    "overfeat5": {"pool1": 36, "pool2": 18},
}
"""Table 1: cells a side of the maps that each cell of it says, by the last layer that it names."""


def fixed_length() -> CheckResult:
    """SPP-1."""
    lengths = {name: _lengths(name) for name in NETWORKS}
    without = _lengths("zf5")
    return holds(
        all(len(found) == 1 for found in lengths.values()),
        f"at {len(SIZES)} sizes from 64 x 64 to 1200 x 900: "
        f"{listed(f'{name} {_range(found)}' for name, found in lengths.items())}; without a pyramid zf5 "
        f"{_range(without)}",
    )


def _lengths(name: str) -> set[int]:
    """Lengths of the vector that the classifier reads, over SIZES."""
    architecture = load_architecture(name)
    return {math.prod(classifier_input(architecture.at(size))) for size in SIZES}


def _range(lengths: Iterable[int]) -> str:
    known = sorted(lengths)
    return f"{known[0]:,}" if len(known) == 1 else f"{known[0]:,} to {known[-1]:,}"


def length() -> CheckResult:
    """SPP-2."""
    row = by_name(load_architecture("zf5-spp").at())["spp"]
    assert isinstance(row.layer, SpatialPyramid)
    bins, maps = sum(level**2 for level in row.layer.levels), row.input[0]
    squares = " + ".join(f"{level}²" for level in row.layer.levels)
    return holds(
        bins == BINS and row.facts.output == (LENGTH,),
        f"{squares} = {bins} bins of {maps} maps: {math.prod(row.facts.output):,} (paper {LENGTH:,})",
    )


def windows_on_thirteen() -> CheckResult:
    """SPP-3. What the rule asks for is checked against the ranges that the layer pools with it."""
    side = by_name(load_architecture("zf5-spp").at(size=TRAINED_AT[0]))["spp"].input[1]
    found = {level: _window(side, level) for level in WINDOWS}
    sliding, adaptive = (SpatialPyramid("spp", tuple(WINDOWS), rule) for rule in ("sliding", "adaptive"))
    covered = all(
        sliding.bins(SIDE, level) == _ranges(level, *WINDOWS[level]) == adaptive.bins(SIDE, level) for level in WINDOWS
    )
    return holds(
        side == SIDE and found == WINDOWS and covered,
        f"conv5's map has {side} cells a side at {TRAINED_AT[0]}; windows/strides "
        f"{listed(f'{level}x{level}: {window}/{stride}' for level, (window, stride) in found.items())}; on {SIDE} cells"
        f" these are {'' if covered else 'not '}the ranges that the layer pools, by appendix A's rule as well",
    )


def _window(side: int, level: int) -> tuple[int, int]:
    """Section 2.3's (window, stride) for `level` bins on a side."""
    return math.ceil(side / level), side // level


def _ranges(level: int, window: int, stride: int) -> tuple[tuple[int, int], ...]:
    return tuple((place * stride, place * stride + window) for place in range(level))


def shared_parameters() -> CheckResult:
    """SPP-4."""
    shapes = {name: [load_architecture(name).at(size).arrays for size in TRAINED_AT] for name in (*NETWORKS, "zf5")}
    counts = {name: sum(map(math.prod, first.values())) for name, (first, _) in shapes.items()}
    (large, small) = (arrays["fc6.weight"][1] for arrays in shapes["zf5"])
    return holds(
        all(first == second for first, second in (shapes[name] for name in NETWORKS)),
        f"the same arrays at {TRAINED_AT[0]} and {TRAINED_AT[1]}: "
        f"{listed(f'{name} {counts[name]:,}' for name in NETWORKS if shapes[name][0] == shapes[name][1]) or 'none'}; "
        f"without a pyramid zf5's fc6 reads {large:,} and {small:,}",
    )


def sliding_rule() -> CheckResult:
    """SPP-E1. Bins are counted as a pool's outputs; one that has n bins and misses the last cells is told apart."""
    wrong: dict[int, dict[int, int]] = {}
    uncovered = 0
    cases = [(level, side) for level in LEVELS for side in SIDES if side >= level]
    for level, side in cases:
        window, stride = _window(side, level)
        count, _ = Pool("bins", kernel=window, stride=stride).outputs((1, side, side))
        if count != level:
            wrong.setdefault(level, {})[side] = count
        elif (count - 1) * stride + window < side:
            uncovered += 1
    lines = (
        f"n={level}: {listed(f'a={side} gives {count}' for side, count in found.items())}"
        for level, found in wrong.items()
    )
    return holds(
        not wrong,
        f"{sum(map(len, wrong.values()))} of {len(cases)} cases with a up to {max(SIDES)} have another number of bins: "
        f"{'; '.join(lines) or 'none'}; {uncovered} more leave the last cells out",
    )


def sizes_of_table_1() -> CheckResult:
    """SPP-E2."""
    rows = {name: by_name(load_architecture(name).at()) for name in TABLE_1}
    wrong = [
        f"{name}'s {layer} gives {rows[name][layer].facts.output[1]}, not {side}"
        for name, cells in TABLE_1.items()
        for layer, side in cells.items()
        if rows[name][layer].facts.output[1] != side
    ]
    before = rows["zf5"]["pool2"].input[1]
    return holds(
        not wrong,
        f"{'; '.join(wrong) or 'every cell is the map after its pool'} ({sum(map(len, TABLE_1.values()))} cells); "
        f"zf5's map before pool2 is {before}",
    )


def features_once() -> CheckResult:
    """SPP-12."""
    from repro.papers.spp import windows  # pandas and SciPy come in only when campaigns are read

    return windows.features_once()
