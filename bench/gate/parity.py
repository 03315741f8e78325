"""Parity: contestants with different results are not timed against each other.

Each contestant gives evidence on the same weights and images, without dropout: the first scores, the loss, and for all
scores and for every gradient a signature: the norm, and products with seeded signs, in the canonical layout
(bench.worker.evidence). A swapped axis, a wrong pad or a wrong constant changes at least one of them. Evidence is
compared with the median of the contestants, so that a single wrong one is identified; if two contestants differ,
neither is timed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from bench.worker.evidence import Evidence, Scores
from results.schema.record import Parity

Form = TypeVar("Form", bound=Hashable)
Who = TypeVar("Who", bound=Hashable)
"""What the evidence is of: a contestant, or its case where a contestant has several."""

SEEDS = (0, 1)
"""Seeds of the images of a contestant's first launch: those of the second are computed first, and looked at where those
of the first have ties."""
LARGEST_TIE = 0.1
"""Largest error of a gradient that argmax ties explain; observed ones reached 0.02."""


@dataclass(frozen=True)
class Tolerance:
    """Largest relative errors allowed.

    The error of a gradient below the fraction `small` of the whole gradient's norm is relative to that fraction: its
    own digits are noise (such as those of a bias before a batch normalisation).
    """

    scores: float
    loss: float
    gradients: float
    small: float = 1e-3


TOLERANCES = {
    "float32": Tolerance(1e-5, 1e-5, 1e-4),
    "tf32": Tolerance(1e-2, 1e-2, 1e-1, small=1e-2),
    "bfloat16": Tolerance(5e-2, 5e-2, 5e-1, small=1e-1),
    "float64": Tolerance(1e-9, 1e-9, 1e-9),
    "float16": Tolerance(1e-2, 1e-2, 1e-1, small=1e-1),
    "bfloat16-weights": Tolerance(5e-2, 5e-2, 5e-1, small=1e-1),
}
"""In tf32 and bfloat16 frameworks round at different places, so these tolerances are what 10 and 7 binary digits leave
in a deep network and show gross errors only. That the networks are equal is verified in float32.

float16 rounds where bfloat16 does, to three digits more: an eighth of its errors, rounded up. bfloat16-weights rounds
weights, images and activations as bfloat16 does, only at another time.
"""
ON_DEVICE: Mapping[str, Mapping[str, Tolerance]] = {"cuda": {"float32": Tolerance(1e-3, 1e-3, 1e-2)}}
"""By device, tolerances that are others there. On a card libraries choose algorithms by their speed, anew in every
process (Winograd, FFT, sums in parts), whose errors in float32 are a hundred times those of direct sums: that the
networks are equal is verified in float64 there (IDENTITY), and float32 shows gross errors only."""
IDENTITY: Mapping[str, tuple[str, ...]] = {"cuda": ("float64", "float32")}
"""By device, the precisions in which contestants prove their network, each in the first that it has, beside the one
that is timed. float32 shows less (ON_DEVICE), but more than any precision below it."""
WITNESSES = 2
"""Contestants proved in an earlier precision of IDENTITY that those of a later one are compared with, so that their
median does not depend on one of the others."""


def tolerances(device: str) -> dict[str, Tolerance]:
    """The tolerances on a device, by precision."""
    return {**TOLERANCES, **ON_DEVICE.get(device, {})}


def shape_mismatches(evidence_of: Mapping[Who, Evidence]) -> dict[Who, str]:
    """Reasons by contestant, for those whose scores or gradients have other shapes or names than most."""
    shapes = {contestant: tuple(evidence.scores.shape) for contestant, evidence in evidence_of.items()}
    names = {contestant: tuple(sorted(evidence.gradients)) for contestant, evidence in _with_gradients(evidence_of)}
    usual_shape, usual_names = _most_common(shapes.values()), _most_common(names.values())
    return {
        contestant: f"gives scores of shape {shape}{_counted(names.get(contestant))}, unlike most contestants"
        for contestant, shape in shapes.items()
        if shape != usual_shape or names.get(contestant, usual_names) != usual_names
    }


def _most_common(forms: Iterable[Form]) -> Form | None:
    """The most common one; of several equally common ones the first."""
    counted = Counter(forms)
    return max(counted, key=lambda form: counted[form], default=None)


def _counted(names: tuple[str, ...] | None) -> str:
    return "" if names is None else f" and {len(names)} gradients"


def _with_gradients(evidence_of: Mapping[Who, Evidence]) -> list[tuple[Who, Any]]:
    """The contestants that compute gradients, with their evidence."""
    return [(contestant, evidence) for contestant, evidence in evidence_of.items() if evidence.gradients is not None]


@np.errstate(invalid="ignore")
def judge(evidence_of: Mapping[Who, Evidence], tolerance: Tolerance) -> dict[Who, tuple[Parity, str]]:
    """Each contestant's errors relative to the median, and why it fails the gate ("" if it passes)."""
    scores = _MedianScores.of([evidence.scores for evidence in evidence_of.values()])
    losses = _MedianLosses.of(list(evidence_of.values()))
    gradients = _MedianGradients.of([evidence.gradients for _, evidence in _with_gradients(evidence_of)])
    nothing = shows_nothing(all(evidence.scores.all_equal for evidence in evidence_of.values()), gradients.norm)
    verdicts = {}
    for contestant, evidence in evidence_of.items():
        error, worst = gradients.error_of(evidence.gradients, tolerance.small)
        parity = Parity(
            scores=scores.error_of(evidence.scores),
            loss=losses.error_of(evidence),
            gradients=error,
            worst_gradient=worst,
            contestants=len(evidence_of),
            shows_nothing=nothing,
        )
        verdicts[contestant] = parity, failure_message(parity, tolerance, gradients.contestants)
    return verdicts


@dataclass(frozen=True)
class _MedianScores:
    """The contestants' median of the first scores and of the signature of all, and the size of a usual score."""

    first: np.ndarray
    signature: np.ndarray
    usual: float

    @classmethod
    def of(cls, scores: Sequence[Scores]) -> _MedianScores:
        """The median of scores of one shape."""
        first, signature = _median([one.first for one in scores]), _median([one.signature for one in scores])
        root_mean_square = float(signature[0]) / math.sqrt(math.prod(scores[0].shape))
        return cls(first, signature, max(float(np.max(np.abs(first))), root_mean_square))

    def error_of(self, scores: Scores) -> float:
        """The larger of the first scores' error, relative to a usual score, and the signature's, to the norm."""
        errors = (
            _share(float(np.max(np.abs(scores.first - self.first))), self.usual),
            _share(float(np.max(np.abs(scores.signature - self.signature))), float(self.signature[0])),
        )
        return float(np.max(errors))  # NaN if one of them is


@dataclass(frozen=True)
class _MedianLosses:
    """The medians of the loss in training mode and of the loss of scores, which differ with batch normalisation."""

    training: float
    of_scores: float

    @classmethod
    def of(cls, evidence: Sequence[Evidence]) -> _MedianLosses:
        training = [one.loss for one in evidence if one.gradients is not None]
        return cls(float(_median(training or [math.nan])), float(_median([_scores_loss(one) for one in evidence])))

    def error_of(self, evidence: Evidence) -> float:
        """The error of a contestant's loss in training mode; without gradients, of its scores' loss."""
        middle = self.of_scores if evidence.gradients is None else self.training
        return _share(abs(evidence.loss - middle), abs(middle))


def _scores_loss(evidence: Evidence) -> float:
    return evidence.loss if evidence.scores_loss is None else evidence.scores_loss


@dataclass(frozen=True)
class _MedianGradients:
    """The median signature of each gradient, and how many contestants have gradients."""

    by_name: Mapping[str, np.ndarray]
    contestants: int

    @classmethod
    def of(cls, gradients: Sequence[Mapping[str, list[float]]]) -> _MedianGradients:
        """The median of gradients of the same names."""
        names = gradients[0] if gradients else ()
        return cls({name: _median([one[name] for one in gradients]) for name in names}, len(gradients))

    @property
    def norm(self) -> float | None:
        """The norm over all gradients; None if no contestant has any."""
        if not self.contestants:
            return None
        return float(np.sqrt(sum(middle[0] ** 2 for middle in self.by_name.values())))

    def error_of(self, gradients: Mapping[str, list[float]] | None, small: float) -> tuple[float | None, str]:
        """The largest error and its gradient's name; (None, "") for a contestant without gradients."""
        if gradients is None or self.norm is None:
            return None, ""
        least = small * self.norm
        errors = {name: _gradient_error(gradients[name], middle, least) for name, middle in self.by_name.items()}
        worst = max(errors, key=lambda name: (np.isnan(errors[name]), errors[name]))
        return errors[worst], worst


def shows_nothing(scores_all_equal: bool, gradients: float | None) -> str:
    """Why agreement on these values is no evidence of equal networks; "" if it is.

    gradients: norm over all gradients; None if none was computed.
    """
    reasons = {"every gradient is 0": gradients == 0, "all scores are equal": scores_all_equal}
    return " and ".join(reason for reason, holds in reasons.items() if holds)


def recheck_settings(precision: str) -> list[tuple[str, int]]:
    """(precision, seed of the images) of repeated checks when a tie may explain a difference.

    The evidence of the first is there already. Float64 is the most reliable, but takes launches of its own.
    """
    return [(precision, SEEDS[1]), ("float64", SEEDS[0]), (precision, SEEDS[1] + 1)]


def recheck_words(precision: str, seed: int, requested: str) -> str:
    """What was different in a repeated check: "float64", "other images" or "float64 and other images"."""
    other = [*([precision] if precision != requested else []), *(["other images"] if seed != SEEDS[0] else [])]
    return " and ".join(other)


def explained_by_argmax_ties(errors: Parity, device: str = "cpu") -> bool:
    """Whether scores and loss, which ties do not change, agree, and gradients differ by at most LARGEST_TIE."""
    allowed = tolerances(device)["float32"]
    return (
        errors.scores <= allowed.scores
        and errors.loss <= allowed.loss
        and errors.gradients is not None
        and errors.gradients <= LARGEST_TIE
    )


def _median(values: list[Any]) -> np.ndarray:
    """Elementwise median over the contestants; NaN counts as infinity, so that it does not spread."""
    array = np.array(values, float)
    array[np.isnan(array)] = np.inf
    middle: np.ndarray = np.median(array, axis=0)
    return middle


def failure_message(parity: Parity, tolerance: Tolerance, with_gradients: int | None = None) -> str:
    """The quantities out of tolerance, as a message; "" if there is none.

    with_gradients: number of contestants whose gradients were compared, if that is not all.
    """
    gradients = parity.contestants if with_gradients is None else with_gradients
    checks = (
        ("a score", parity.scores, tolerance.scores, parity.contestants),
        ("the loss", parity.loss, tolerance.loss, parity.contestants),
        (f"the gradient of {parity.worst_gradient}", parity.gradients, tolerance.gradients, gradients),
    )
    wrong = {
        f"{what} differs by {error:.1e} (allowed {allowed:.0e})": compared
        for what, error, allowed, compared in checks
        if error is not None and not error <= allowed
    }
    if not wrong:
        return ""
    compared = min(wrong.values())
    note = "; with two contestants it is unknown which is right" if compared == 2 else ""
    return f"{', '.join(wrong)} from the median of {compared} contestants{note}"


def _gradient_error(given: list[float], middle: np.ndarray, least: float) -> float:
    return _share(float(np.max(np.abs(np.asarray(given) - middle))), max(float(middle[0]), least))


def _share(error: float, size: float) -> float:
    return float(error / size) if size else float(error)
