"""Keras models in the four phases of the backend's native translator.

A Keras contestant thus differs from the native one only in the layers.
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
"""Module of each backend's `KerasModel`; imported when needed, as it imports the backend."""


def build(plan: Plan) -> Model:
    """The model on the backend of the plan's execution; Unavailable if Keras already uses another one."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = plan.execution  # read once, when Keras is imported
    import keras

    if (backend := keras.backend.backend()) != plan.execution:
        raise Unavailable(f"keras runs on {backend} in this process; start another with KERAS_BACKEND={plan.execution}")
    return importlib.import_module(MODELS[backend]).KerasModel(plan)
