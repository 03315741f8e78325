"""The gate: contestants that do not compute the same are not timed against each other.

Each contestant gives evidence on the same weights and images, dropout off: all scores, the loss, and for every
gradient its norm and its inner products with two seeded sign vectors, in the canonical layout. A swapped axis, a
wrong pad or a wrong constant moves at least one of them. Judged against the median of the contestants, so that
one who is wrong is told from those who agree; between two that differ nobody can tell, and neither is timed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.worker.evidence import Evidence
from results.schema.record import Contestant, Parity

LARGEST_TIE = 0.1
"""Error of a gradient that cells which are equal but for rounding can explain; those seen reached 0.02."""


@dataclass(frozen=True)
class Tolerance:
    """Largest relative errors allowed.

    A gradient below the share `small` of the whole gradient's norm is judged against that share: its own digits are
    noise (a bias before a batch normalisation has nothing else).
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
}
"""In tf32 and bfloat16 frameworks round at different places, so these are what 10 and 7 binary digits leave of a deep
network: they show what is gross. That it is the same network is proven in float32."""


def shape_mismatches(given: Mapping[Contestant, Evidence]) -> dict[Contestant, str]:
    """Why evidence cannot be compared at all, of those whose scores or gradients have another form than most."""
    forms = {contestant: (np.shape(one.scores), sorted(one.gradients)) for contestant, one in given.items()}
    counted = Counter(map(repr, forms.values()))
    usual = max(counted, key=lambda form: counted[form], default="")
    return {
        contestant: f"gives scores of shape {form[0]} and {len(form[1])} gradients, unlike most contestants"
        for contestant, form in forms.items()
        if repr(form) != usual
    }


@np.errstate(invalid="ignore")
def judge(given: Mapping[Contestant, Evidence], tolerance: Tolerance) -> dict[Contestant, tuple[Parity, str]]:
    """Each contestant's errors against the median, and why it fails the gate ("" if it passes)."""
    scores = _median([one.scores for one in given.values()])
    loss = float(_median([one.loss for one in given.values()]))
    names = list(next(iter(given.values())).gradients)
    gradients = {name: _median([one.gradients[name] for one in given.values()]) for name in names}
    whole = float(np.sqrt(sum(middle[0] ** 2 for middle in gradients.values())))
    nothing = shows_nothing(scores, whole)
    verdicts = {}
    for contestant, one in given.items():
        errors = {
            name: _gradient_error(one.gradients[name], gradients[name], tolerance.small * whole) for name in names
        }
        worst = max(errors, key=lambda name: (np.isnan(errors[name]), errors[name]))
        parity = Parity(
            scores=_share(np.max(np.abs(one.scores - scores)), np.max(np.abs(scores))),
            loss=_share(abs(one.loss - loss), abs(loss)),
            gradients=errors[worst],
            worst_gradient=worst,
            contestants=len(given),
            shows_nothing=nothing,
        )
        verdicts[contestant] = parity, complaint(parity, tolerance)
    return verdicts


def shows_nothing(scores: np.ndarray, gradients: float) -> str:
    """Why agreement on these is no evidence of the same network; "" where it is.

    scores: images x classes; gradients: the norm of all of them.
    """
    alike = scores.size > 1 and bool(np.all(scores == scores.flat[0]))
    found = [*(["every gradient is 0"] if not gradients else []), *(["all scores are equal"] if alike else [])]
    return " and ".join(found)


def recheck_settings(precision: str) -> list[tuple[str, int]]:
    """(precision, seed of the images) of what is asked when a tie may explain a difference, the surest first."""
    return [("float64", 0), (precision, 1), (precision, 2)]


def explained_by_argmax_ties(found: Parity) -> bool:
    """Whether scores and loss, which a tie does not move, agree, and the gradients differ by no more than ties do."""
    allowed = TOLERANCES["float32"]
    return found.scores <= allowed.scores and found.loss <= allowed.loss and found.gradients <= LARGEST_TIE


def _median(values: list[Any]) -> np.ndarray:
    """Element by element over the contestants; who has NaN counts as infinitely far, and spoils nobody else."""
    found = np.array(values, float)
    found[np.isnan(found)] = np.inf
    middle: np.ndarray = np.median(found, axis=0)
    return middle


def complaint(parity: Parity, tolerance: Tolerance) -> str:
    """What is out of tolerance, or ""."""
    checks = (
        ("a score", parity.scores, tolerance.scores),
        ("the loss", parity.loss, tolerance.loss),
        (f"the gradient of {parity.worst_gradient}", parity.gradients, tolerance.gradients),
    )
    wrong = [
        f"{what} differs by {error:.1e} (allowed {allowed:.0e})"
        for what, error, allowed in checks
        if not error <= allowed
    ]
    if not wrong:
        return ""
    doubt = "; with two contestants nobody can tell which is right" if parity.contestants == 2 else ""
    return f"{', '.join(wrong)} from the median of {parity.contestants} contestants{doubt}"


def _gradient_error(given: list[float], middle: np.ndarray, least: float) -> float:
    return _share(float(np.max(np.abs(np.asarray(given) - middle))), max(float(middle[0]), least))


def _share(error: float, size: float) -> float:
    return float(error / size) if size else float(error)
