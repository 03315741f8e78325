"""Alternative implementations of the pyramid in Keras on TensorFlow, besides that of impls.frameworks.keras."""

from __future__ import annotations

from impls.frameworks import Execution, Framework, keras

ENVIRONMENT = keras.KERAS.execution("tensorflow").environment

KERAS_PYRAMIDS = Framework(
    name="keras-spp",
    title="Keras, other pyramids",
    model="bench.contestants.pyramids.keras_models:build",
    executions=(
        Execution("builtin", "keras.layers.AdaptiveMaxPooling2D for each level", ENVIRONMENT),
        Execution("slices", "a slice and its maximum for each bin, as in the tutorial", ENVIRONMENT),
        Execution("passes", "slices and maxima of rows, then of columns", ENVIRONMENT),
    ),
    requires=("keras", "tensorflow"),
    extra="keras",
    preload=("keras", "bench.contestants.pyramids.keras_models"),
)
