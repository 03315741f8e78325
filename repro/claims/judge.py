"""Verdicts from trials: arms compared per seed, with an interval that is compared with the claimed region.

Two questions are judged apart: the direction, by the claimed region, and the size, where the paper gives one: whether
an effect of at least half of it is there. If the direction is open and half of the size is excluded, the verdict is
"not at this scale". Error rates: repro.claims.sequential.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from repro.claims.experiment import Contrast, Metric, Region
from results import words
from results.schema.findings import ContrastResult, SizeVerdict, Verdict
from results.schema.trial import Outcome, Trial
from results.stats.estimates import CONFIDENCE, arithmetic, count_needed

MAX_SEEDS = 200
"""Largest number of seeds that a remedy proposes."""

Arms = Mapping[str, Mapping[int, Trial]]
"""The trials of each arm, by seed."""


def judge(
    contrasts: Sequence[Contrast], arms: Arms, confidence: float = CONFIDENCE
) -> tuple[Verdict, tuple[ContrastResult, ...]]:
    """The verdict on a claim that asserts all of `contrasts`, and the result of each with its interval.

    A claim is supported if all contrasts are. It is contradicted, or not there at this scale, if one is, for which the
    level is divided by their number (Bonferroni). A contrast that lacks seeds is inconclusive, as trials are seldom
    missing at random. `confidence`: of each interval.
    """
    results = tuple(_contrasted(contrast, arms, len(contrasts), confidence) for contrast in contrasts)
    verdicts = {result.verdict for result in results}
    for verdict in (Verdict.CONTRADICTED, Verdict.NOT_AT_THIS_SCALE):
        if verdict in verdicts:
            return verdict, results
    return (Verdict.SUPPORTED if verdicts == {Verdict.SUPPORTED} else Verdict.INCONCLUSIVE), results


def values(contrast: Contrast, arms: Arms) -> list[float]:
    """The contrast's value for each seed with both arms; the logarithm for a ratio."""
    first = _numbers(contrast.metric, arms.get(contrast.first, {}))
    if contrast.second is None:
        return list(first.values())
    second = _numbers(contrast.other or contrast.metric, arms.get(contrast.second, {}))
    pairs = [(first[seed], second[seed]) for seed in first if seed in second]
    if contrast.scale == "ratio":
        return [math.log(of_first / of_second) for of_first, of_second in pairs if _has_logarithm(of_first, of_second)]
    return [of_first - of_second for of_first, of_second in pairs]


def _has_logarithm(first: float, second: float) -> bool:
    return first > 0 and second > 0


def _numbers(metric: Metric, trials: Mapping[int, Trial]) -> dict[int, float]:
    numbers = {seed: metric.of(trial) for seed, trial in trials.items() if trial.outcome is Outcome.FINISHED}
    return {seed: value for seed, value in numbers.items() if value is not None}


def _contrasted(contrast: Contrast, arms: Arms, family: int, confidence: float) -> ContrastResult:
    ratio = contrast.scale == "ratio"
    differences, claimed = values(contrast, arms), _logs(contrast.claimed) if ratio else contrast.claimed
    missing = _missing(contrast, arms, len(differences))
    estimate = arithmetic(differences, confidence) if differences else None
    verdict, size, bound = Verdict.INCONCLUSIVE, None, None
    if not missing:
        verdict = direction(differences, claimed, family, confidence)
        size, bound = size_of(differences, contrast, family, confidence)
    if verdict is Verdict.INCONCLUSIVE and size is SizeVerdict.LESS_THAN_HALF:
        verdict = Verdict.NOT_AT_THIS_SCALE
    shown = [_shown(end, ratio) for end in (estimate.value, estimate.low, estimate.high)] if estimate else [None] * 3
    remedy = _remedy(differences, claimed, hours_a_seed(contrast, arms))
    return ContrastResult(
        statement=contrast.statement,
        unit="ratio" if ratio else contrast.metric.unit,
        value=shown[0],
        low=shown[1],
        high=shown[2],
        pairs=len(differences),
        confidence=confidence,
        claimed=(_shown(claimed.low, ratio), _shown(claimed.high, ratio)),
        paper=contrast.paper,
        verdict=verdict,
        remedy="; ".join(missing) or (remedy if verdict is Verdict.INCONCLUSIVE else ""),
        size=contrast.size,
        size_verdict=size,
        size_bound=None if bound is None else _shown(bound, ratio),
        is_missing_trials=bool(missing),
    )


def shared(confidence: float, family: int) -> float:
    """The level of each of the contrasts of a claim that one of them alone decides (Bonferroni)."""
    return 1 - (1 - confidence) / family


def direction(differences: Sequence[float], claimed: Region, family: int, confidence: float) -> Verdict:
    """The verdict on one contrast's direction. `family`: number of contrasts of the claim.

    The claimed region is open: if two arms are equal in every seed, neither is better.
    """
    if len(differences) < 2:
        return Verdict.INCONCLUSIVE
    inside, outside = arithmetic(differences, confidence), arithmetic(differences, shared(confidence, family))
    if claimed.low < inside.low and inside.high < claimed.high:
        return Verdict.SUPPORTED
    if outside.high < claimed.low or outside.low > claimed.high:
        return Verdict.CONTRADICTED
    return Verdict.INCONCLUSIVE


def size_of(
    differences: Sequence[float], contrast: Contrast, family: int, confidence: float
) -> tuple[SizeVerdict | None, float | None]:
    """Whether half of the paper's effect is there, and the largest effect that the same interval holds.

    None and None if the paper gives no figure. For a ratio both are of logarithms: half of an effect is half of its
    logarithm.
    """
    if contrast.size is None:
        return None, None
    if len(differences) < 2:
        return SizeVerdict.OPEN, None
    whole = math.log(contrast.size) if contrast.scale == "ratio" else contrast.size
    sign, half = math.copysign(1.0, whole), abs(whole) / 2
    interval = arithmetic(differences, shared(confidence, family))
    least, most = sorted((sign * interval.low, sign * interval.high))
    bound = sign * max(most, 0.0)
    if most < half:
        return SizeVerdict.LESS_THAN_HALF, bound
    return (SizeVerdict.AT_LEAST_HALF if least > half else SizeVerdict.OPEN), bound


def hours_a_seed(contrast: Contrast, arms: Arms) -> float:
    """Hours of one core that a further seed of the contrast takes; NaN without a trial."""
    names = dict.fromkeys(filter(None, (contrast.first, contrast.second)))
    times = [[trial.seconds for trial in arms.get(name, {}).values() if trial.seconds] for name in names]
    return sum(float(np.mean(one)) for one in times) / 3600 if all(times) else math.nan


def _remedy(differences: Sequence[float], claimed: Region, hours: float) -> str:
    """How to decide an inconclusive contrast; `hours` of one core for a further seed."""
    if len(differences) < 2:
        return "at least 2 seeds are needed for an interval"
    mean, spread = float(np.mean(differences)), float(np.std(differences, ddof=1))
    distance = min(abs(mean - end) for end in (claimed.low, claimed.high))
    seeds = max(count_needed(spread, distance, MAX_SEEDS), len(differences) + 1)
    if seeds < MAX_SEEDS:
        more = core_hours((seeds - len(differences)) * hours)
        return f"about {seeds:.0f} seeds are needed at this variance (--seeds {seeds:.0f}{more})"
    more = core_hours(MAX_SEEDS * hours)
    return f"the effect is too small for its variance: more than {MAX_SEEDS} seeds are needed{more}; use a larger scale"


def core_hours(hours: float) -> str:
    if not math.isfinite(hours):
        return ""
    return f", {hours:.1f} hours of one core" if hours < 10 else f", {hours:,.0f} hours of one core"


def _missing(contrast: Contrast, arms: Arms, pairs: int) -> list[str]:
    """Why seeds are missing from a contrast, arm by arm."""
    reasons = []
    for name in filter(None, dict.fromkeys((contrast.first, contrast.second))):
        trials = arms.get(name, {}).values()
        failed = [trial for trial in trials if trial.outcome is not Outcome.FINISHED]
        if failed:
            reasons.append(f"{len(failed)} trials of {name!r} {words.status(failed[0].outcome, failed[0].reason)}")
        metric = contrast.metric if name == contrast.first else contrast.other or contrast.metric
        ended = [trial for trial in trials if trial.outcome is Outcome.FINISHED]
        if never := sum(metric.of(trial) is None for trial in ended):
            reasons.append(f"{never} trials of {name!r} have no {metric.name}; more passes")
    names = [contrast.first, contrast.second or contrast.first]
    seeds = {seed for name in names for seed in arms.get(name, {})}
    if not reasons and pairs < len(seeds):
        reasons.append(f"{len(seeds) - pairs} of {len(seeds)} seeds have no pair, or a ratio with nothing")
    return reasons


def _logs(region: Region) -> Region:
    return Region(*(math.log(end) if end > 0 else -math.inf for end in (region.low, region.high)))


def _shown(end: float, ratio: bool) -> float | None:
    value = math.exp(end) if ratio and end < math.inf else end
    return value if math.isfinite(value) and not (ratio and value == 0) else None
