"""The numbers that trials come to, for contrasts to compare. Errors are in percent of images, as in the papers."""

from __future__ import annotations

from functools import partial

from repro.claims.experiment import Metric
from results.schema.trial import Trial


def error_seen(view: str) -> Metric:
    """The final error on all test images, seen through a view."""
    return Metric(f"test error{f' ({view})' if view else ''}", "%", partial(_error_seen, view))


def images_to(error: float) -> Metric:
    """How many images had been trained on (with repetition) when the training error first was no more than `error` %.

    Between two measurements it is taken to fall in a straight line; if it is so low at the first one already, there is
    no such number, and more measurements would have to be made.
    """
    return Metric(f"images to {error:g} % training error", "images", partial(_images_to, error / 100))


def _error_seen(view: str, trial: Trial) -> float | None:
    return 100 * trial.errors[view] if view in trial.errors else None


def _images_to(error: float, trial: Trial) -> float | None:
    known = [(point.images, point.training_error) for point in trial.points if point.training_error is not None]
    for (images, was), (later, found) in zip(known, known[1:]):
        if found <= error:
            return None if was <= error else images + (was - error) / (was - found) * (later - images)
    return None


def _training_error(trial: Trial) -> float | None:
    error = trial.points[-1].training_error if trial.points else None
    return None if error is None else 100 * error


def _test_error_after(share: float, trial: Trial) -> float | None:
    """At the last measurement within that share of the passes."""
    if not trial.points:
        return None
    until = share * trial.points[-1].passes
    found = [point.test_error for point in trial.points if point.passes <= until + 1e-9]
    return None if not found or found[-1] is None else 100 * found[-1]


def _rise(trial: Trial) -> float | None:
    errors = [point.test_error for point in trial.points if point.test_error is not None]
    return 100 * (errors[-1] - min(errors)) if errors else None


TEST_ERROR = error_seen("")
TRAINING_ERROR = Metric("training error", "%", _training_error)
HALFWAY = Metric("test error after half the passes", "%", partial(_test_error_after, 0.5))
AT_THE_END = Metric("test error after all passes", "%", partial(_test_error_after, 1.0))
RISE = Metric("test error at the end above its least", "%", _rise)
