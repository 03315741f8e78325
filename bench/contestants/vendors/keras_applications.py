"""keras.applications' VGG, on TensorFlow."""

from __future__ import annotations

from impls.frameworks import Execution, Framework, keras

ON_TENSORFLOW = keras.KERAS.execution("tensorflow")

KERAS_APPLICATIONS = Framework(
    name="keras-applications",
    title="keras.applications",
    model="bench.contestants.vendors.keras_applications_models:ApplicationsModel",
    executions=(
        Execution("tensorflow", "keras.applications in a tf.function, channels last", ON_TENSORFLOW.environment),
    ),
    requires=("keras", "tensorflow"),
    extra="keras",
    preload=("keras", "bench.contestants.vendors.keras_applications_models"),
)
