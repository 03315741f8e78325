"""Intervals of ratios from few launches: what the other ratios of a campaign say about the spread of each.

With two or three launches, the variance of a ratio over launches is hardly known: Student's t makes intervals of tens
of percent. The ratios of a campaign have similar variances, however, so their distribution is estimated from all of
them and gives each variance a prior (Smyth 2004, the moderated t of limma). For a ratio that is much steadier than the
others this is too wide, and plain t is narrow. Both intervals are therefore computed, and the narrower one counts. They
share the allowed error, so that by Bonferroni's inequality it is at most what is allowed: the moderated interval takes
the prior's share of the degrees of freedom, and half at least. A ratio's prior comes from the other ratios only.

Launches have heavier tails than the normal distribution. Two rules allow for that; the simulation that they were chosen
by is `python -m bench.validation.coverage`:

- the moderated interval has one degree of freedom less than for normal launches;
- launches that agree better than their own rounds allow agree by chance: plain t takes no smaller variance over
  launches than a third of what the rounds within launches explain.

Ratios whose true value is known to be 1 (the same contestant under two names) check the result: where they deviate
significantly more than their intervals allow, all intervals of the campaign are widened by as much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from scipy.special import chdtri, digamma, ndtri, polygamma, stdtr, stdtrit

from results.stats.cells import Cell
from results.stats.components import USUAL_BETWEEN, USUAL_TURN
from results.stats.estimates import CONFIDENCE, Estimate

K = TypeVar("K")
Floats = np.ndarray[Any, np.dtype[np.float64]]

FREEDOM_LOST = 1.0
"""Degrees of freedom of the moderated interval less than for normal launches."""
WITHIN_SHARE = 1 / 3
"""Of the variance that rounds explain: the least variance over launches in a plain interval."""
USUAL_FREEDOM, USUAL_CELLS = 3.0, 5
"""Degrees of freedom of a prior before anything is measured, and the number of ratios that this is worth."""
LEAST_SHARE = 0.5
"""Of the allowed error: what the moderated interval takes at least."""
MOST_FREEDOM = 100.0
"""Of a prior: with more, it is as good as a known variance."""
LEAST_VARIANCE = 1e-12
"""Of log ratios: no clock tells less."""
CONTROL_ERROR = 0.01
"""How often controls of a machine without additional variance widen the intervals nevertheless."""
MOST_INFLATION = 2.0
"""Controls that deviate by more than this times their intervals are not explained by too narrow intervals."""
MOST_CONTROL_DIFFERENCE = 0.1
"""Where the same code usually differs from itself by more than this, other differences mean nothing either."""


@dataclass(frozen=True)
class Prior:
    """What the ratios of a campaign have in common: the middle of their variances, worth so many degrees of freedom."""

    freedom: float
    variance: float
    cells: int

    def __str__(self) -> str:
        return f"d0 = {self.freedom:.1f} from {self.cells} cells"


@dataclass(frozen=True)
class Control:
    """What pairs of a contestant with itself show. `largest` and `median`: differences from 1, as a share.

    `inflation` is the factor by which intervals are widened (1: the pairs deviate by no more than their intervals
    allow). Without pairs, `largest` and `median` are NaN.
    """

    pairs: int = 0
    largest: float = math.nan
    median: float = math.nan
    inflation: float = 1.0

    @property
    def believable(self) -> bool:
        """Whether differences between contestants can be told from differences of a contestant with itself."""
        too_large = self.pairs > 2 and self.median > MOST_CONTROL_DIFFERENCE
        return self.inflation <= MOST_INFLATION and not too_large


@dataclass(frozen=True)
class Outlook:
    """What the interval of a cell will be like: variances of its log ratio `between` launches and of a `turn`."""

    between: float
    turn: float
    prior_freedom: float
    inflation: float = 1.0

    def half_width(self, launches: int, turns: float, confidence: float = CONFIDENCE) -> float:
        """Half of its interval, on the logarithm, if it had so many launches (two at least) of so many turns."""
        return float(self._half(launches, turns, confidence).width[0]) * self.inflation

    def expected(self, value: float, launches: int, turns: float) -> Estimate:
        """A ratio of that value as it would be with so many launches (two at least) of so many turns."""
        half = self._half(launches, turns, CONFIDENCE)
        width = float(half.width[0]) * self.inflation
        low, high = value * math.exp(-width), value * math.exp(width)
        return Estimate(value, low, high, launches, float(half.freedom[0]), float(half.share[0]))

    def _half(self, launches: int, turns: float, confidence: float) -> Half:
        number, variance = np.array([float(launches)]), np.array([self.between + self.turn / turns])
        return Moderated(number, variance, np.array([self.prior_freedom]), variance, variance).half_width(confidence)


@dataclass(frozen=True)
class Judged(Generic[K]):
    """The cells' ratios with intervals, and what they were made with. A cell with one launch has no interval (NaN).

    `prior` is None with fewer than two cells that have an interval: the intervals are then plain t.
    """

    ratios: dict[K, Estimate]
    prior: Prior | None
    control: Control
    outlooks: dict[K, Outlook]


def judged_cells(cells: Mapping[K, Cell], confidence: float = CONFIDENCE) -> Judged[K]:
    """The ratio of each cell with its interval. `cells` are all of a campaign: the prior is what they share."""
    ratios = {key: _estimate(cell, math.nan) for key, cell in cells.items()}
    replicated = [key for key, cell in cells.items() if len(cell.ratios) > 1]
    if not replicated:
        return Judged(ratios, None, Control(), {key: _outlook(cell, None) for key, cell in cells.items()})
    fitted = moderated(
        np.array([cells[key].variance for key in replicated]),
        np.array([len(cells[key].ratios) for key in replicated], float),
        np.array([cells[key].within for key in replicated]),
    )
    controls = np.array([cells[key].control for key in replicated])
    control = _control(np.array([np.mean(cells[key].logs) for key in replicated]), fitted, controls)
    half = fitted.half_width(confidence)
    outlooks = {key: _outlook(cell, fitted.prior, control.inflation) for key, cell in cells.items()}
    for place, key in enumerate(replicated):
        width = float(half.width[place]) * control.inflation
        ratios[key] = _estimate(cells[key], width, float(half.freedom[place]), float(half.share[place]))
        own = Prior(float(fitted.prior_freedom[place]), float(fitted.variance[place]), len(replicated))
        outlooks[key] = _outlook(cells[key], own, control.inflation)
    return Judged(ratios, fitted.prior, control, outlooks)


def _estimate(cell: Cell, half: float, freedom: float | None = None, share: float = 1.0) -> Estimate:
    """The geometric mean of the cell's ratios; `half` of its interval on the logarithm."""
    value = cell.middle
    return Estimate(value, value * math.exp(-half), value * math.exp(half), len(cell.ratios), freedom, share)


def _outlook(cell: Cell, variance: Prior | None, inflation: float = 1.0) -> Outlook:
    """Of a cell whose log ratio has that variance over launches; None: the usual one."""
    unknown = math.isnan(cell.turn_variance)
    turn, within = (USUAL_TURN, 0.0) if unknown else (cell.turn_variance, cell.within)
    if variance is None:
        return Outlook(USUAL_BETWEEN, turn, USUAL_FREEDOM, inflation)
    return Outlook(max(variance.variance - within, 0.0), 0.0 if unknown else turn, variance.freedom, inflation)


@dataclass(frozen=True)
class Moderated:
    """Two estimates of the variance of a log ratio over launches for each cell (last axis), and their freedoms.

    The plain one is from the cell's own launches. The prior of a cell is that of the other cells of its campaign, so
    that nothing counts twice; with one cell there is none.
    """

    launches: Floats
    plain_variance: Floats
    prior_freedom: Floats
    prior_variance: Floats
    variance: Floats

    @property
    def plain_freedom(self) -> Floats:
        return self.launches - 1

    @property
    def freedom(self) -> Floats:
        return self.prior_freedom + self.plain_freedom - FREEDOM_LOST

    @property
    def share(self) -> Floats:
        """Of the allowed error: what the moderated interval takes; the rest is left to the plain one."""
        of_freedom = self.prior_freedom / (self.prior_freedom + self.plain_freedom)
        return np.where(self.prior_freedom > 0, np.maximum(of_freedom, LEAST_SHARE), 0.0)

    @property
    def prior(self) -> Prior | None:
        """In the middle of the cells; None for a single cell."""
        if self.launches.size < 2:
            return None
        return Prior(float(np.median(self.prior_freedom)), float(np.median(self.prior_variance)), self.launches.size)

    def half_width(self, confidence: float) -> Half:
        """Of the mean log ratio."""
        plain = quantile(self.plain_freedom, confidence, 1 - self.share) * np.sqrt(self.plain_variance / self.launches)
        with np.errstate(invalid="ignore"):
            own = quantile(self.freedom, confidence, self.share) * np.sqrt(self.variance / self.launches)
        narrower = np.fmin(plain, own)
        is_plain = narrower == plain
        return Half(
            narrower,
            np.where(is_plain, self.plain_freedom, self.freedom),
            np.where(is_plain, 1 - self.share, self.share),
        )

    def p_value(self, mean: Floats) -> Floats:
        """One minus the confidence of the interval that just holds 0, if the mean log ratio is `mean`."""
        plain = _two_sided(self.plain_freedom, mean, self.plain_variance / self.launches) / (1 - self.share)
        with np.errstate(divide="ignore", invalid="ignore"):
            own = _two_sided(self.freedom, mean, self.variance / self.launches) / self.share
        return np.fmin(np.fmin(plain, own), 1.0)


@dataclass(frozen=True)
class Half:
    """Half-widths of intervals, the degrees of freedom that each is from, and its share of the allowed error."""

    width: Floats
    freedom: Floats
    share: Floats


def _two_sided(freedom: Floats, mean: Floats, variance: Floats) -> Floats:
    error = np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(error > 0, np.abs(mean) / error, np.where(mean == 0, 0.0, np.inf))
    return np.asarray(2 * stdtr(freedom, -scaled))


def quantile(freedom: Floats, confidence: float, share: Floats | float = 1.0) -> Floats:
    """Of Student's t, for an interval that may use up `share` of the error that `confidence` allows."""
    return np.asarray(stdtrit(freedom, 1 - (1 - confidence) * share / 2))


def moderated(variance: Floats, launches: Floats, within: Floats) -> Moderated:
    """The variances of log ratios over `launches`, moderated by those of the other cells in the last axis.

    `within` is the variance that rounds explain, NaN where unknown. Other axes are other campaigns.
    """
    freedom = launches - 1
    plain = np.fmax(variance, WITHIN_SHARE * within)
    if variance.shape[-1] < 2:
        return Moderated(launches, plain, np.zeros_like(plain), plain, plain)
    prior_freedom, prior_variance = _priors(variance, freedom)
    shared = (prior_freedom * prior_variance + freedom * variance) / (prior_freedom + freedom)
    return Moderated(launches, plain, prior_freedom, prior_variance, shared)


def _priors(variance: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """(degrees of freedom, variance) of the scaled inverse chi-squared prior of each cell, from the other cells.

    By moments of the logarithms, as limma does (Smyth 2004). How unlike variances are is shrunk towards USUAL_FREEDOM,
    which has the weight of USUAL_CELLS cells of three launches. The uncertainty of the middle adds to it, so that few
    cells tell little about another.
    """
    least = np.maximum(1e-5 * np.median(variance, -1, keepdims=True), LEAST_VARIANCE)
    logs = np.log(np.maximum(variance, least)) - digamma(freedom / 2) + np.log(freedom / 2)
    noise = polygamma(1, freedom / 2)  # variance of the logarithm of an estimated variance
    unlike = _unlike(logs, noise)
    weights = 1 / (noise + 1)
    total = _others(weights)
    middle = _others(weights * logs) / total
    uncertainty = (_others(weights**2 * noise) + unlike * _others(weights**2)) / total**2
    prior_freedom = 2 * inverse_trigamma(unlike + uncertainty)
    return prior_freedom, np.exp(middle + digamma(prior_freedom / 2) - np.log(prior_freedom / 2))


def _unlike(logs: Floats, noise: Floats) -> Floats:
    """The variance of the logarithms of the other cells' true variances; `noise` is that of their estimates."""
    weights, others = 1 / (noise + 1) ** 2, logs.shape[-1] - 1
    usual = USUAL_CELLS / (polygamma(1, 1.0) + 1) ** 2
    excess, known = np.zeros_like(logs), np.zeros_like(logs)
    if others > 1:
        total, known = weights.sum(-1, keepdims=True), _others(weights)
        deviations = logs - (weights * logs).sum(-1, keepdims=True) / total
        squares = weights * deviations**2
        without = squares.sum(-1, keepdims=True) - squares * total / known  # about the mean of the others
        excess = without * others / (others - 1) - _others(weights * noise)
    unlike = (excess + usual * polygamma(1, USUAL_FREEDOM / 2)) / (known + usual)
    return np.maximum(unlike, polygamma(1, MOST_FREEDOM / 2))


def _others(values: Floats) -> Floats:
    """For each cell, the sum over the other cells."""
    return np.asarray(values.sum(-1, keepdims=True) - values)


def inverse_trigamma(value: Floats) -> Floats:
    """Newton's iteration on 1 / trigamma, which is nearly straight (Smyth 2004, appendix)."""
    found = 0.5 + 1 / value
    for _ in range(8):
        trigamma = polygamma(1, found)
        found = found + trigamma * (1 - trigamma / value) / polygamma(2, found)
    return np.asarray(found)


def _control(means: Floats, fitted: Moderated, controls: np.ndarray[Any, np.dtype[np.bool_]]) -> Control:
    """What the controls among the fitted cells say; `means` are the cells' log ratios."""
    if not controls.any():
        return Control()
    differences = np.expm1(np.abs(means[controls]))
    inflation = inflation_of(fitted.p_value(means)[controls])
    return Control(int(controls.sum()), float(differences.max()), float(np.median(differences)), float(inflation))


def inflation_of(p_values: Floats) -> Floats:
    """By how much intervals are too narrow, from the p values of true log ratios of 0 (last axis); 1 if by chance.

    As normal deviates, they have a mean square of 1 where intervals hold. The root of the mean square counts if one as
    large has a probability below CONTROL_ERROR where intervals hold.
    """
    deviates = ndtri(1 - np.maximum(p_values, 1e-12) / 2)
    count, squares = deviates.shape[-1], (deviates**2).sum(-1)
    significant = squares > chdtri(count, CONTROL_ERROR)
    return np.where(significant, np.sqrt(squares / count), 1.0)
