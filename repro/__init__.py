"""What papers claim: claims as data, data sets, trials, verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impls.lazy import lazily

if TYPE_CHECKING:
    from repro.claims.claim import CheckResult, Claim, Kind, Paper, contradicted, holds, supported
    from repro.claims.experiment import (
        ABOVE_ONE,
        BELOW_ONE,
        BELOW_ZERO,
        Arm,
        Contrast,
        Experiment,
        Metric,
        Region,
    )
    from repro.claims.metrics import TEST_ERROR, TRAINING_ERROR
    from repro.data.images.augment import Augmentation
    from repro.recipe.initializers import Initializer
    from repro.recipe.preprocessing import Prepare
    from repro.recipe.recipe import Recipe, Sizes, Stage
    from repro.recipe.views import View

__all__ = [
    "ABOVE_ONE",
    "BELOW_ONE",
    "BELOW_ZERO",
    "TEST_ERROR",
    "TRAINING_ERROR",
    "Arm",
    "Augmentation",
    "CheckResult",
    "Claim",
    "Contrast",
    "Experiment",
    "Initializer",
    "Kind",
    "Metric",
    "Paper",
    "Prepare",
    "Recipe",
    "Region",
    "Sizes",
    "Stage",
    "View",
    "contradicted",
    "holds",
    "supported",
]

# NumPy and SciPy come in only with these, so that the command line starts at once.
__getattr__ = lazily(
    __name__,
    {
        "repro.claims.claim": ("CheckResult", "Claim", "Kind", "Paper", "contradicted", "holds", "supported"),
        "repro.claims.experiment": (
            *("ABOVE_ONE", "BELOW_ONE", "BELOW_ZERO", "Arm", "Contrast", "Experiment", "Metric", "Region"),
        ),
        "repro.claims.metrics": ("TEST_ERROR", "TRAINING_ERROR"),
        "repro.data.images.augment": ("Augmentation",),
        "repro.recipe.initializers": ("Initializer",),
        "repro.recipe.preprocessing": ("Prepare",),
        "repro.recipe.recipe": ("Recipe", "Sizes", "Stage"),
        "repro.recipe.views": ("View",),
    },
)
