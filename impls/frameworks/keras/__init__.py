"""Keras 3: keras.layers on each of its three backends, with the backend's gradient and update.

float64 is supported on TensorFlow only: on the others keras.ops silently computes products or means in float32.
"""

from __future__ import annotations

from dataclasses import replace

from impls.frameworks import DEVICE, Execution, Framework, Trick, _rows, jax, pytorch, tensorflow

JIT = jax.JAX.execution("jit")

TUNED = (
    Execution(
        "tensorflow",
        "a Keras model in a tf.function, channels last",
        environment={"KERAS_BACKEND": "tensorflow", **tensorflow.ENVIRONMENT},
        requires=("tensorflow",),
        preload=("impls.frameworks.keras.on_tensorflow",),
        precisions=("float32", "tf32", "bfloat16", "float64", "float16"),
    ),
    Execution(
        "torch",
        "a Keras model as a torch.nn.Module, eager, channels first",
        # Unless the device is given, Keras looks for a GPU when it is imported. To find an instance of MIG, PyTorch
        # starts CUDA, which no fork can use after that.
        environment={"KERAS_BACKEND": "torch", "KERAS_TORCH_DEVICE": DEVICE, **pytorch.ENVIRONMENT},
        requires=("torch",),
        preload=("impls.frameworks.keras.on_torch",),
        precisions=("float32", "tf32", "bfloat16", "float16"),
    ),
    Execution(
        "jax",
        "a Keras model's stateless_call under jax.jit, channels last",
        environment={"KERAS_BACKEND": "jax", **JIT.environment},
        large_block_environment=JIT.large_block_environment,
        requires=("jax", "optax"),
        preload=("impls.frameworks.keras.on_jax",),
        precisions=("float32", "tf32", "bfloat16", "float16"),
    ),
)

KERAS = Framework(
    name="keras",
    title="Keras 3",
    model="impls.frameworks.keras.model:build",
    executions=(
        *TUNED,
        *(
            replace(
                one.without(tensorflow.ONEDNN),
                name=f"{one.name}-idiomatic",
                note=f"{one.note}, keras.layers as its documentation has them",
                idiomatic_of=one.name,
            )
            for one in TUNED
        ),
    ),
    requires=("keras",),
    extra="keras",
    preload=("keras",),
    tricks=(
        tensorflow.ONEDNN,
        Trick(
            "lrn",
            "local response normalisation with a gradient rule of its own, in place of automatic derivatives",
            about=_rows.local_response_norm,  # also in inference, where each backend wraps the rule in an operation
        ),
        Trick(
            "groups",
            "a convolution for each group, in place of keras.layers.Conv2D's own groups",
            about=_rows.in_groups,
        ),
        Trick(
            "pyramid",
            "pyramids as pools, or one axis after the other, in place of a slice for each bin",
            about=_rows.pyramid,
        ),
        # The steps around the model are those of the backend's own translator.
        replace(tensorflow.UPDATE, executions=("tensorflow",)),
        replace(tensorflow.CALLS, executions=("tensorflow",)),
        replace(pytorch.UPDATE, executions=("torch",)),
    ),
)
