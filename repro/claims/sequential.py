"""Seeds that are added until a claim is decided.

A claim is judged after fixed numbers of seeds, `LOOKS`, each time with intervals of `CONFIDENCE`, until its verdict is
not `inconclusive`. As there are several looks, each interval must be wider than one of 95 % for all of them together
to be wrong in at most 5 % (Pocock 1977: the same level at every look), for normal differences: see
`repro.claims.error_rates`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repro.claims.experiment import Contrast
from repro.claims.judge import Arms, core_hours, hours_a_seed, judge
from results.schema.findings import ContrastResult, Verdict
from results.schema.trial import Trial

LOOKS = (3, 5, 8, 12, 18, 27)
"""Numbers of seeds after which a claim is judged."""
CONFIDENCE = 0.989
"""Of the intervals of each look."""


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
    decided = Decided(Verdict.INCONCLUSIVE, _open(judge(contrasts, arms, CONFIDENCE)[1], contrasts, arms, LOOKS[0]), ())
    for look in LOOKS:
        if any(not set(range(1, look + 1)) <= set(trials) for trials in arms.values()):
            break
        part = until(arms, look)
        verdict, results = judge(contrasts, part, CONFIDENCE)
        looks = (*decided.looks, look)
        if verdict is not Verdict.INCONCLUSIVE:
            return Decided(verdict, results, looks)
        decided = Decided(verdict, _open(results, contrasts, part, next_look(look)), looks)
    return decided


def until(arms: Arms, look: int) -> dict[str, dict[int, Trial]]:
    """The trials of the seeds of a look."""
    return {name: {seed: one for seed, one in trials.items() if seed <= look} for name, trials in arms.items()}


def _open(
    results: Sequence[ContrastResult], contrasts: Sequence[Contrast], arms: Arms, following: int | None
) -> tuple[ContrastResult, ...]:
    """The results of an open claim; the remedy is the next look, unless trials are missing."""
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
