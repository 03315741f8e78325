"""Experiments small enough for tests: regressions on 200 images, and made-up curves."""

from __future__ import annotations

from collections.abc import Mapping

from impls.layers import Dense, Dropout, Flatten, Layer
from impls.network import Architecture
from repro.claims.experiment import BELOW_ZERO, Arm, Contrast, Experiment
from repro.claims.metrics import TEST_ERROR
from repro.recipe.recipe import Recipe, Stage
from results.schema.trial import Outcome, Point, Trial


def regression(classes: int) -> tuple[Layer, ...]:
    return Flatten("flatten"), Dropout("dropout", 0.2), Dense("output", classes)


ARCHITECTURE = Architecture("regression", "a regression", "no paper", (1, 28, 28), 10, regression)
RECIPE = Recipe((Stage(3, 0.05), Stage(1, 0.005)), batch=20, measures=2, measured=100)
LONG = Arm("long", ARCHITECTURE, RECIPE, train=200)
SHORT = Arm("short", ARCHITECTURE, Recipe((Stage(1, 0.005),), batch=20, measured=100), train=200)
EXPERIMENT = Experiment(
    "fashion-mnist",
    (LONG, SHORT),
    (Contrast("test error, long less short", TEST_ERROR, "long", "short", BELOW_ZERO, "-1 %"),),
)


def trial(
    seed: int,
    errors: Mapping[str, float],
    curve: tuple[tuple[float, float, float], ...] = (),
    outcome: Outcome = Outcome.FINISHED,
) -> Trial:
    """A trial that ended with `errors` by view; its curve is (passes, training error, test error), shares."""
    return Trial(
        id=f"{seed}-{errors}",
        network="planted",
        data="fashion-mnist",
        framework="none",
        execution="none",
        device="cpu",
        seed=seed,
        outcome=outcome,
        reason="" if outcome is Outcome.FINISHED else "as planned",
        points=tuple(Point(at, int(1000 * at), 0.1, 1.0, training, test) for at, training, test in curve),
        errors=dict(errors),
    )
