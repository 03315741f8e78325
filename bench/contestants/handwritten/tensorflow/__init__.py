from impls.frameworks import Execution, Framework
from impls.frameworks import tensorflow as translator

TENSORFLOW_BY_HAND = Framework(
    name="tensorflow-handwritten",
    title="TensorFlow by hand",
    model="bench.contestants.handwritten.tensorflow.model:ByHand",
    executions=(Execution("graph", "tf.function, written out", environment=translator.ENVIRONMENT),),
    requires=("tensorflow",),
    extra="tensorflow",
    preload=("tensorflow", "bench.contestants.handwritten.tensorflow.model"),
)
