"""keras.applications' models in the four phases of our TensorFlow translator.

They have no dropout, so ours are to be compared in `infer`, where it does nothing.
"""

from __future__ import annotations

from dataclasses import replace

import keras

from impls.errors import Unsupported
from impls.frameworks import Plan
from impls.frameworks.keras.whole import Whole
from impls.frameworks.tensorflow import TENSORFLOW
from impls.frameworks.tensorflow.model import Built, TensorFlowModel

NETWORKS = {"vgg-d": keras.applications.VGG16, "vgg-e": keras.applications.VGG19}
"""Ours by name, and Keras's function for the same network."""


class ApplicationsModel(Whole, TensorFlowModel):
    def __init__(self, plan: Plan):
        super().__init__(replace(plan, plain=TENSORFLOW.trick_names))

    def build(self, plan: Plan) -> Built:
        network = plan.network
        if network.architecture not in NETWORKS:
            raise Unsupported(f"keras.applications has {', '.join(NETWORKS)}, not {network.architecture}")
        channels, height, width = network.input_shape
        model = NETWORKS[network.architecture](
            weights=None,
            input_shape=(height, width, channels),
            classes=network.classes,
            classifier_activation=None,
        )
        arrays = dict(zip(network.arrays, (variable.value for variable in model.weights), strict=True))
        return Built(lambda images, training: model(images, training=training), arrays, {})
