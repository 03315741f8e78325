from impls.frameworks import Execution, Framework
from impls.frameworks import tensorflow as translator

KERAS_BY_HAND = Framework(
    name="keras-handwritten",
    title="Keras by hand",
    model="bench.contestants.handwritten.keras.model:ByHand",
    executions=(
        Execution(
            "tensorflow",
            "keras.Sequential, written out, in a tf.function",
            environment={"KERAS_BACKEND": "tensorflow", **translator.ENVIRONMENT},
        ),
    ),
    requires=("keras", "tensorflow"),
    extra="keras",
    preload=("keras", "bench.contestants.handwritten.keras.model"),
)
