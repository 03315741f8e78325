"""Seeds that are added until a claim is decided, and how often verdicts are wrong, by simulation.

A claim is judged after fixed numbers of seeds, `LOOKS`, each time with intervals of `CONFIDENCE`, until its verdict is
not `inconclusive`. As there are several looks, each interval must be wider than one of 95 % for all of them together
to be wrong in at most 5 % (Pocock 1977: the same level at every look), for normal differences. `error_rates` simulates
this with the rules of `repro.claims.judge`, for others too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from repro.claims.experiment import Contrast
from repro.claims.judge import Arms, core_hours, hours_a_seed, judge
from results.schema.findings import ContrastResult, Verdict
from results.schema.trial import Trial
from results.stats.estimates import CONFIDENCE as ONE_LOOK

LOOKS = (3, 5, 8, 12, 18, 27)
"""Numbers of seeds after which a claim is judged."""
CONFIDENCE = 0.989
"""Of the intervals of each look."""

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
"""Differences of mean 0 and variance 1, of a shape."""


@dataclass(frozen=True)
class Decided:
    """A verdict, the contrasts that it rests on, and the numbers of seeds after which it was looked at."""

    verdict: Verdict
    contrasts: tuple[ContrastResult, ...]
    looks: tuple[int, ...]


def until_decided(contrasts: Sequence[Contrast], arms: Arms) -> Decided:
    """Judge after each look for which every arm has every seed, up to the first that decides.

    Further seeds, which other claims needed, do not change a verdict. With fewer seeds than the first look takes, all
    of them are judged, and the verdict is `inconclusive`.
    """
    decided = Decided(Verdict.INCONCLUSIVE, _open(contrasts, arms, LOOKS[0]), ())
    for look in LOOKS:
        if any(not set(range(1, look + 1)) <= set(trials) for trials in arms.values()):
            break
        part = until(arms, look)
        verdict, results = judge(contrasts, part, CONFIDENCE)
        looks = (*decided.looks, look)
        if verdict is not Verdict.INCONCLUSIVE:
            return Decided(verdict, results, looks)
        decided = Decided(verdict, _open(contrasts, part, next_look(look)), looks)
    return decided


def until(arms: Arms, look: int) -> dict[str, dict[int, Trial]]:
    """The trials of the seeds of a look."""
    return {name: {seed: one for seed, one in trials.items() if seed <= look} for name, trials in arms.items()}


def _open(contrasts: Sequence[Contrast], arms: Arms, following: int | None) -> tuple[ContrastResult, ...]:
    """The results of contrasts that are open together; the remedy is the next look, unless trials are missing."""
    _, results = judge(contrasts, arms, CONFIDENCE)
    return tuple(
        replace(result, remedy=_remedy(contrast, arms, result.pairs, following)) if _lacks_seeds(result) else result
        for contrast, result in zip(contrasts, results, strict=True)
    )


def _lacks_seeds(result: ContrastResult) -> bool:
    """Whether a contrast is open for want of seeds, and not because a trial of those that there are is missing."""
    return result.verdict is Verdict.INCONCLUSIVE and not result.is_missing_trials


def _remedy(contrast: Contrast, arms: Arms, seeds: int, following: int | None) -> str:
    if following is None:
        return f"{seeds} seeds do not decide it; use a larger scale"
    hours = core_hours((following - seeds) * hours_a_seed(contrast, arms))
    return f"the next look is at {following} seeds (--until-decided{hours})"


def next_look(seeds: int) -> int | None:
    """The number of seeds of the look after one; None after the last."""
    return next((look for look in LOOKS if look > seeds), None)


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
    "until decided": (LOOKS, CONFIDENCE),
}
