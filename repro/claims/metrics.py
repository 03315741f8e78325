"""Metrics of trials, for contrasts. Errors are in percent of images, as in the papers."""

from __future__ import annotations

from functools import partial

from repro.claims.experiment import Metric
from results.schema.trial import Trial


def error_seen(view: str) -> Metric:
    """The final error on all test images with a view, in percent."""
    return Metric(f"test error{f' ({view})' if view else ''}", "%", partial(_error_seen, view))


def images_to(error: float) -> Metric:
    """Number of images trained on (with repetition) until the training error first was at most `error` %.

    Interpolated linearly between two measurements; None if the error is that low at the first measurement, in which
    case more measurements are needed.
    """
    return Metric(f"images to {error:g} % training error", "images", partial(_images_to, error / 100))


def _error_seen(view: str, trial: Trial) -> float | None:
    return 100 * trial.errors[view] if view in trial.errors else None


def _images_to(error: float, trial: Trial) -> float | None:
    known = [(point.images, point.training_error) for point in trial.points if point.training_error is not None]
    for (images, error_before), (later, error_now) in zip(known, known[1:]):
        if error_now <= error:
            return (
                None
                if error_before <= error
                else images + (error_before - error) / (error_before - error_now) * (later - images)
            )
    return None


def _training_error(trial: Trial) -> float | None:
    error = trial.points[-1].training_error if trial.points else None
    return None if error is None else 100 * error


def _test_error_after(share: float, trial: Trial) -> float | None:
    """Test error in percent at the last measurement within that share of the passes."""
    if not trial.points:
        return None
    until = share * trial.points[-1].passes
    errors = [point.test_error for point in trial.points if point.passes <= until + 1e-9]
    return None if not errors or errors[-1] is None else 100 * errors[-1]


def _rise(trial: Trial) -> float | None:
    errors = [point.test_error for point in trial.points if point.test_error is not None]
    return 100 * (errors[-1] - min(errors)) if errors else None


TEST_ERROR = error_seen("")
TRAINING_ERROR = Metric("training error", "%", _training_error)
HALFWAY = Metric("test error after half the passes", "%", partial(_test_error_after, 0.5))
AT_THE_END = Metric("test error after all passes", "%", partial(_test_error_after, 1.0))
RISE = Metric("test error at the end above its minimum", "%", _rise)
