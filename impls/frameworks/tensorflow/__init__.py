"""TensorFlow: tf.nn functions, traced into a graph, compiled by XLA, or called one by one."""

from __future__ import annotations

from impls.frameworks import Execution, Framework, Trick, _rows
from impls.layers import BatchNorm, Conv, Pool
from impls.network import Row

ONEDNN = Trick(
    "onednn",
    "oneDNN's kernels on every processor, in place of TensorFlow's choice by the processor",
    # By itself TensorFlow uses them only where there are instructions for neural networks, such as AVX512_VNNI.
    {"TF_ENABLE_ONEDNN_OPTS": "1"},
)
UPDATE = Trick("update", "the update as one kernel for each array, in place of assignments", phases=("train",))
CALLS = Trick("calls", "calls of the traced function, in place of calls of the tf.function")
AS_SHIPPED = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # otherwise it reserves the whole GPU's memory
}
ENVIRONMENT = {**AS_SHIPPED, **ONEDNN.environment}
PRECISIONS = ("float32", "tf32", "bfloat16", "float64", "float16", "bfloat16-weights")
DIVIDED = ("float32", "tf32", "bfloat16", "float64")
"""The precisions of several devices: those without loss scaling, as all devices would have to agree on a scale."""


def _bordered(row: Row) -> bool:
    """Convolutions and pools, also those without a border: convolutions differ in how the bias is added.

    TensorFlow has no gradient of its own grouped convolution on the CPU, so groups are split by hand anyway.
    """
    match row.layer:
        case Conv(groups=1, connection_table=None) | Pool(kind="max"):
            return True
    return False


def _batch_norm(row: Row) -> bool:
    return isinstance(row.layer, BatchNorm)


TENSORFLOW = Framework(
    name="tensorflow",
    title="TensorFlow",
    model="impls.frameworks.tensorflow.build:build",
    executions=(
        Execution("graph", "tf.function, channels last", ENVIRONMENT, precisions=PRECISIONS, any_size=True),
        Execution(
            "xla", "tf.function compiled by XLA, channels last", ENVIRONMENT, precisions=PRECISIONS, any_size=True
        ),
        Execution(
            "graph-any-size",
            "tf.function traced once for images of every size, channels last",
            ENVIRONMENT,
            precisions=PRECISIONS,
            any_size=True,
        ),
        # In bfloat16 the casts are added when a step is traced, which eager never is.
        Execution(
            "eager",
            "operation by operation, channels last",
            ENVIRONMENT,
            precisions=("float32", "tf32", "float64"),
            any_size=True,
        ),
        Execution(
            "idiomatic",
            "tf.function, tf.nn as its documentation has it, channels last",
            AS_SHIPPED,
            precisions=("float32", "float64"),
            any_size=True,
            idiomatic_of="graph",
        ),
        Execution(
            "mirrored",
            "MirroredStrategy: as graph, with the variables on every device and the batch divided among them",
            ENVIRONMENT,
            precisions=DIVIDED,
            parallel=True,
        ),
    ),
    requires=("tensorflow",),
    extra="tensorflow",
    preload=("tensorflow", "impls.frameworks.tensorflow.build"),
    supports_checkpointing=True,
    tricks=(
        ONEDNN,
        Trick(
            "lrn",
            "local response normalisation with a gradient rule of its own, in place of tf.nn's",
            about=_rows.local_response_norm,
        ),
        Trick(
            "borders",
            "borders named or padded before the operation, and bias_add, in place of explicit paddings and +",
            about=_bordered,
        ),
        Trick(
            "batch-norm",
            "the fused kernel of batch normalisation, in place of tf.nn.batch_normalization",
            about=_batch_norm,
        ),
        Trick(
            "pyramid",
            "pyramids as one pool after the cells are rearranged, in place of a slice for each bin",
            about=_rows.pyramid,
        ),
        UPDATE,
        CALLS,
    ),
)
