"""ONNX: the network as an ONNX graph with its weights, run by an inference runtime.

Runtimes fold weights into other operations and reorder them when a graph is loaded, which is what people deploy them
for. Everything is compiled for the shape of a batch when the batch is put on the device; with `Plan.open_sizes` once,
with open axes for images, height and width.
"""

from __future__ import annotations

from impls.frameworks import Execution, Framework

ONNX = Framework(
    name="onnx",
    title="ONNX",
    model="impls.frameworks.onnx.model:build",
    executions=(
        Execution(
            "onnxruntime",
            "ONNX Runtime, all graph optimisations, weights folded",
            requires=("onnxruntime",),
            preload=("impls.frameworks.onnx.on_onnxruntime",),
            phases=("infer",),
            any_size=True,
        ),
        Execution(
            "openvino",
            "OpenVINO, compiled for latency, weights folded",
            requires=("openvino",),
            preload=("impls.frameworks.onnx.on_openvino",),
            phases=("infer",),
            any_size=True,
        ),
    ),
    requires=("onnx",),
    extra="onnx",
    preload=("onnx",),
)
