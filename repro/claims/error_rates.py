"""How often verdicts are wrong, by simulation of the rules of `repro.claims.judge` and `repro.claims.sequential`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from repro.claims import sequential
from results.schema.findings import Verdict
from results.stats.estimates import CONFIDENCE as ONE_LOOK

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
"""Differences of mean 0 and variance 1, of a shape."""


@dataclass(frozen=True)
class Rates:
    """Shares of simulated claims by verdict, the share whose effect was called less than half, and mean seeds."""

    verdicts: Mapping[Verdict, float]
    less_than_half: float
    seeds: float


def error_rates(
    draw: Draw, effect: float, spread: float, looks: Sequence[int], confidence: float, count: int = 20_000
) -> Rates:
    """Simulate claims of one contrast, said to be below zero, whose paper reports -1; in units of that.

    `effect`: the true one; `spread`: the standard deviation of a seed's difference.
    """
    rng = np.random.default_rng(0)
    values = effect + spread * draw(rng, (count, looks[-1]))
    verdicts = np.full(count, Verdict.INCONCLUSIVE, dtype=object)
    less, seeds = np.zeros(count, bool), np.zeros(count)
    for look in looks:
        still = verdicts == Verdict.INCONCLUSIVE
        found, small = _judged(values[:, :look], confidence)
        verdicts[still], less[still], seeds[still] = found[still], small[still], look
    shares = {verdict: float((verdicts == verdict).mean()) for verdict in Verdict}
    return Rates(shares, float(less.mean()), float(seeds.mean()))


def _judged(values: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """The verdict of each row of differences, and whether its effect is less than half; as `judge` decides."""
    seeds = values.shape[1]
    middle = values.mean(1)
    half = stdtrit(seeds - 1, 0.5 + confidence / 2) * values.std(1, ddof=1) / np.sqrt(seeds)
    low, high = middle - half, middle + half
    less = low > -0.5
    verdicts = np.full(len(values), Verdict.INCONCLUSIVE, dtype=object)
    verdicts[less] = Verdict.NOT_AT_THIS_SCALE
    verdicts[high < 0] = Verdict.SUPPORTED
    verdicts[low > 0] = Verdict.CONTRADICTED
    return verdicts, less


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.standard_normal(shape)


def heavy_tailed(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Student's t with 5 degrees of freedom."""
    drawn: np.ndarray = rng.standard_t(5, shape) / np.sqrt(5 / 3)
    return drawn


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A gamma distribution with shape 4, whose skewness is 1."""
    return (rng.gamma(4.0, 1.0, shape) - 4.0) / 2.0


def skewed_down(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """The same the other way round."""
    return -skewed(rng, shape)


DRAWS: Mapping[str, Draw] = {
    "normal": normal,
    "heavy-tailed": heavy_tailed,
    "skewed upwards": skewed,
    "skewed downwards": skewed_down,
}
RULES: Mapping[str, tuple[Sequence[int], float]] = {
    "3 seeds": ((3,), ONE_LOOK),
    "8 seeds": ((8,), ONE_LOOK),
    "until decided": (sequential.LOOKS, sequential.CONFIDENCE),
}
