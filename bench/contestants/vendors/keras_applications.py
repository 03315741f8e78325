"""keras.applications' VGG, on TensorFlow."""

from __future__ import annotations

from impls.frameworks import Execution, Framework, keras

ON_TENSORFLOW = keras.KERAS.execution("tensorflow-idiomatic")

KERAS_APPLICATIONS = Framework(
    name="keras-applications",
    title="keras.applications",
    model="bench.contestants.vendors.keras_applications_models:ApplicationsModel",
    executions=(
        Execution(
            "tensorflow",
            "keras.applications in a tf.function, channels last, idiomatic steps",
            ON_TENSORFLOW.environment,
            published=True,
        ),
    ),
    requires=("keras", "tensorflow"),
    extra="vendors",
    preload=("keras", "bench.contestants.vendors.keras_applications_models"),
)
