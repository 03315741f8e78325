"""Keras on TensorFlow: a model called inside the native steps' tf.function."""

from __future__ import annotations

from impls.frameworks import Plan
from impls.frameworks.keras.layers import OfRow, Style, translate, variables
from impls.frameworks.keras.plain import of_row
from impls.frameworks.keras.whole import Whole
from impls.frameworks.tensorflow.model import Built, TensorFlowModel


class KerasModel(Whole, TensorFlowModel):
    def of_row(self, plan: Plan) -> OfRow:
        """The layers of a row; replaced by other translators to Keras."""
        return of_row(plan.plain)

    def build(self, plan: Plan) -> Built:
        network = plan.network
        model = translate(network, Style(plan.precision, seed=plan.seed), self.of_row(plan))
        arrays, statistics = (
            {name: variable.value for name, variable in variables(model, names).items()}
            for names in (network.arrays, network.statistics)
        )
        return Built(lambda images, training: model(images, training=training), arrays, statistics)
