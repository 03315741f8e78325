from impls.frameworks import Execution, Framework

TENSORFLOW_BY_HAND = Framework(
    name="bench.handwritten.tensorflow",
    title="TensorFlow by hand",
    model="bench.handwritten.tensorflow.model:ByHand",
    executions=(Execution("graph", "tf.function, written out", environment={"TF_CPP_MIN_LOG_LEVEL": "3"}),),
    requires=("tensorflow",),
    extra="tensorflow",
    preload=("tensorflow", "bench.handwritten.tensorflow.model"),
)
