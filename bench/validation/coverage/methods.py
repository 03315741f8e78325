"""Ways to make the interval of a ratio from few launches; the chosen one is results.stats.moderation's.

A method gets the variances of a campaign's log ratios (last axis: cells; others: campaigns) and returns half of each
interval of the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtri, digamma, polygamma

from results.stats import moderation
from results.stats.estimates import CONFIDENCE
from results.stats.moderation import inverse_trigamma, quantile

Floats = np.ndarray[Any, np.dtype[np.float64]]

MOST_FREEDOM = 100.0


@dataclass(frozen=True)
class Sample:
    """Variances of log ratios over launches, the launches, what rounds explain; contestants by number (cell)."""

    variance: Floats
    launches: Floats
    within: Floats
    contestants: np.ndarray[Any, np.dtype[np.int_]]

    @property
    def freedom(self) -> Floats:
        return self.launches - 1


Method = Callable[[Sample], Floats]


def plain(sample: Sample) -> Floats:
    """Student's t of the cell's own launches."""
    return np.asarray(quantile(sample.freedom, CONFIDENCE) * np.sqrt(sample.variance / sample.launches))


def shrunk(sample: Sample, centre: Floats, most: float = MOST_FREEDOM, robust: bool = False) -> Floats:
    """Moderated t with a prior about `centre`, to a common factor; all cells count for the prior (Smyth 2004)."""
    freedom = sample.freedom
    logs = np.log(np.maximum(sample.variance, 1e-5 * np.median(sample.variance, -1, keepdims=True)) / centre)
    logs = logs - digamma(freedom / 2) + np.log(freedom / 2)
    if robust:
        middle = np.median(logs, -1, keepdims=True)
        spread = (1.4826 * np.median(np.abs(logs - middle), -1, keepdims=True)) ** 2
    else:
        middle = np.mean(logs, -1, keepdims=True)
        spread = np.var(logs, -1, ddof=1, keepdims=True)
    unlike = spread - np.mean(polygamma(1, freedom / 2), -1, keepdims=True)
    prior_freedom = np.minimum(2 * inverse_trigamma(np.maximum(unlike, polygamma(1, MOST_FREEDOM / 2))), most)
    prior = centre * np.exp(middle + digamma(prior_freedom / 2) - np.log(prior_freedom / 2))
    variance = (prior_freedom * prior + freedom * sample.variance) / (prior_freedom + freedom)
    return np.asarray(quantile(prior_freedom + freedom, CONFIDENCE) * np.sqrt(variance / sample.launches))


def limma(sample: Sample) -> Floats:
    """Moderated t, as limma does it."""
    return shrunk(sample, np.ones_like(sample.variance))


def robust(sample: Sample) -> Floats:
    """Moderated t whose prior is from medians, so that cells with outliers count less."""
    return shrunk(sample, np.ones_like(sample.variance), robust=True)


def capped(sample: Sample) -> Floats:
    """Moderated t, the prior worth three degrees of freedom at most."""
    return shrunk(sample, np.ones_like(sample.variance), most=3.0)


def by_contestant(sample: Sample) -> Floats:
    """Moderated t with a prior for each contestant."""
    half = np.empty_like(sample.variance)
    for contestant in np.unique(sample.contestants):
        own = sample.contestants == contestant
        part = Sample(sample.variance[..., own], sample.launches[..., own], sample.within[..., own], sample.contestants)
        half[..., own] = limma(part) if own.sum() > 2 else plain(part)
    return half


def variance_components(sample: Sample) -> Floats:
    """Moderated t about what rounds explain plus a variance between launches that all cells share."""
    totals, within = sample.variance * sample.freedom / chdtri(sample.freedom, 0.5), _known(sample.within)
    between = np.median(totals - within, -1, keepdims=True)
    least = 0.01 * np.median(within, -1, keepdims=True)
    return shrunk(sample, np.maximum(between, least) + within)


def trend(sample: Sample) -> Floats:
    """Moderated t, the prior following what rounds explain: proportional to a fitted power of it, from 0 to 1."""
    x = np.log(_known(sample.within))
    x = x - x.mean(-1, keepdims=True)
    y = np.log(np.maximum(sample.variance, 1e-5 * np.median(sample.variance, -1, keepdims=True)))
    slope = np.clip((x * y).sum(-1, keepdims=True) / np.maximum((x * x).sum(-1, keepdims=True), 1e-12), 0, 1)
    return shrunk(sample, np.exp(slope * x))


def _known(within: Floats) -> Floats:
    """What rounds explain; where that is unknown, the value in the middle."""
    return np.where(np.isnan(within), np.nanmedian(within, -1, keepdims=True), within)


def chosen(sample: Sample) -> Floats:
    """The narrower of plain and moderated t, which share the allowed error (results.stats.moderation)."""
    return moderation.moderated(sample.variance, sample.launches, sample.within).half_width(CONFIDENCE).width


METHODS: dict[str, Method] = {
    "plain t": plain,
    "moderated t (limma)": limma,
    "robust moderated t": robust,
    "moderated t, d0 at most 3": capped,
    "prior by contestant": by_contestant,
    "prior by spread of rounds": trend,
    "variance components": variance_components,
    "narrower of both (used)": chosen,
}
