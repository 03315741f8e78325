"""From trials to a verdict: arms compared seed by seed, an interval, and whether it lies where the claim says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from repro.claims.experiment import Contrast, Metric, Region
from results import words
from results.schema.findings import ContrastResult, Verdict
from results.schema.trial import Outcome, Trial
from results.stats.estimates import CONFIDENCE, arithmetic, count_needed

MOST_SEEDS = 200
"""More seeds than this nobody would run."""

Arms = Mapping[str, Mapping[int, Trial]]
"""The trials of each arm, by seed."""


def judge(contrasts: Sequence[Contrast], arms: Arms) -> tuple[Verdict, tuple[ContrastResult, ...]]:
    """The verdict on a claim that says all of `contrasts`, and each of them with its interval.

    All have to be supported for the claim to be; one that is contradicted is enough against it, for which the level
    is shared out among them (Bonferroni). A comparison that lacks seeds is inconclusive: which ones is seldom chance.
    """
    found = tuple(_contrasted(contrast, arms, len(contrasts)) for contrast in contrasts)
    verdicts = {one.verdict for one in found}
    if Verdict.CONTRADICTED in verdicts:
        return Verdict.CONTRADICTED, found
    return (Verdict.SUPPORTED if verdicts == {Verdict.SUPPORTED} else Verdict.INCONCLUSIVE), found


def values(contrast: Contrast, arms: Arms) -> list[float]:
    """What the contrast comes to for each seed that has both arms; of a ratio, its logarithm."""
    first = _numbers(contrast.metric, arms.get(contrast.first, {}))
    if contrast.second is None:
        return list(first.values())
    second = _numbers(contrast.other or contrast.metric, arms.get(contrast.second, {}))
    pairs = [(first[seed], second[seed]) for seed in first if seed in second]
    if contrast.scale == "ratio":
        return [math.log(one / other) for one, other in pairs if _has_logarithm(one, other)]
    return [one - other for one, other in pairs]


def _has_logarithm(one: float, other: float) -> bool:
    return one > 0 and other > 0


def _numbers(metric: Metric, trials: Mapping[int, Trial]) -> dict[int, float]:
    found = {seed: metric.of(trial) for seed, trial in trials.items() if trial.outcome is Outcome.FINISHED}
    return {seed: value for seed, value in found.items() if value is not None}


def _contrasted(contrast: Contrast, arms: Arms, family: int) -> ContrastResult:
    ratio = contrast.scale == "ratio"
    found, claimed = values(contrast, arms), _logs(contrast.claimed) if ratio else contrast.claimed
    missing = _missing(contrast, arms, len(found))
    seen = arithmetic(found) if found else None
    verdict = Verdict.INCONCLUSIVE if missing else _verdict(found, claimed, family)
    shown = [_shown(end, ratio) for end in (seen.value, seen.low, seen.high)] if seen else [None] * 3
    return ContrastResult(
        statement=contrast.statement,
        unit="ratio" if ratio else contrast.metric.unit,
        value=shown[0],
        low=shown[1],
        high=shown[2],
        pairs=len(found),
        confidence=CONFIDENCE,
        claimed=(_shown(claimed.low, ratio), _shown(claimed.high, ratio)),
        paper=contrast.paper,
        verdict=verdict,
        remedy="; ".join(missing) or (_remedy(found, claimed) if verdict is Verdict.INCONCLUSIVE else ""),
    )


def _verdict(found: Sequence[float], claimed: Region, family: int) -> Verdict:
    """Ends of a region do not belong to it: of two arms that are equal in every seed neither is the better."""
    if len(found) < 2:
        return Verdict.INCONCLUSIVE
    inside, outside = arithmetic(found), arithmetic(found, 1 - (1 - CONFIDENCE) / family)
    if claimed.low < inside.low and inside.high < claimed.high:
        return Verdict.SUPPORTED
    if outside.high < claimed.low or outside.low > claimed.high:
        return Verdict.CONTRADICTED
    return Verdict.INCONCLUSIVE


def _remedy(found: Sequence[float], claimed: Region) -> str:
    """What would settle it."""
    if len(found) < 2:
        return "at least 2 seeds are needed for an interval"
    mean, spread = float(np.mean(found)), float(np.std(found, ddof=1))
    distance = min(abs(mean - end) for end in (claimed.low, claimed.high))
    seeds = max(count_needed(spread, distance, MOST_SEEDS), len(found) + 1)
    if seeds < MOST_SEEDS:
        return f"about {seeds:.0f} seeds are needed at this variance (--seeds {seeds:.0f})"
    return f"the effect is too small for its variance: more than {MOST_SEEDS} seeds are needed; use a larger scale"


def _missing(contrast: Contrast, arms: Arms, pairs: int) -> list[str]:
    """Why seeds are missing from a contrast, arm by arm."""
    said = []
    for name in filter(None, dict.fromkeys((contrast.first, contrast.second))):
        trials = arms.get(name, {}).values()
        lost = [trial for trial in trials if trial.outcome is not Outcome.FINISHED]
        if lost:
            said.append(f"{len(lost)} trials of {name!r} {words.status(lost[0].outcome, lost[0].reason)}")
        metric = contrast.metric if name == contrast.first else contrast.other or contrast.metric
        ended = [trial for trial in trials if trial.outcome is Outcome.FINISHED]
        if never := sum(metric.of(trial) is None for trial in ended):
            said.append(f"{never} trials of {name!r} have no {metric.name}; more passes")
    names = [contrast.first, contrast.second or contrast.first]
    seeds = {seed for name in names for seed in arms.get(name, {})}
    if not said and pairs < len(seeds):
        said.append(f"{len(seeds) - pairs} of {len(seeds)} seeds have no pair, or a ratio with nothing")
    return said


def _logs(region: Region) -> Region:
    return Region(*(math.log(end) if end > 0 else -math.inf for end in (region.low, region.high)))


def _shown(end: float, ratio: bool) -> float | None:
    value = math.exp(end) if ratio and end < math.inf else end
    return value if math.isfinite(value) and not (ratio and value == 0) else None
