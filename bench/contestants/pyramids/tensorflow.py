"""Alternative implementations of the pyramid in TensorFlow, besides that of impls.frameworks.tensorflow."""

from __future__ import annotations

from impls.frameworks import Execution, Framework
from impls.frameworks.tensorflow import ENVIRONMENT

TENSORFLOW_PYRAMIDS = Framework(
    name="tensorflow-spp",
    title="TensorFlow, other pyramids",
    model="bench.contestants.pyramids.tensorflow_models:Pyramid",
    executions=(
        Execution("slices", "a slice and its maximum for each bin, as in the tutorial", ENVIRONMENT),
        Execution("passes", "slices and maxima of columns, then of rows", ENVIRONMENT),
        Execution("padded", "cells of a bin laid side by side, then one pool", ENVIRONMENT),
    ),
    requires=("tensorflow",),
    extra="tensorflow",
    preload=("tensorflow", "bench.contestants.pyramids.tensorflow_models"),
)
