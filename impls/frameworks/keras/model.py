"""Keras models in the four phases: those of the native translator to the backend, around layers of Keras.

So a Keras contestant differs from its native one in who provides the layers, and in nothing else.
"""

from __future__ import annotations

import importlib
import os
import sys

from impls.errors import Unavailable
from impls.frameworks import Model, Plan

MODELS = {
    "tensorflow": "impls.frameworks.keras.on_tensorflow",
    "torch": "impls.frameworks.keras.on_torch",
    "jax": "impls.frameworks.keras.on_jax",
}
"""Where the `KerasModel` of each backend is; imported when it is needed, as it imports the backend."""


def build(plan: Plan) -> Model:
    """The model on the backend that the plan's execution names; Unavailable where Keras has taken another."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = plan.execution  # Keras reads it once, when it is imported
    import keras

    if (backend := keras.backend.backend()) != plan.execution:
        raise Unavailable(f"keras runs on {backend} in this process; start another with KERAS_BACKEND={plan.execution}")
    return importlib.import_module(MODELS[backend]).KerasModel(plan)
