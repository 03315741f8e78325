"""OpenVINO: the graph as a compiled model on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import openvino

from impls.frameworks.onnx.model import OnnxModel
from impls.host.process import given_threads


class RuntimeModel(OnnxModel):
    def compile(self, graph: bytes) -> Callable[[openvino.Tensor], np.ndarray]:
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(graph), "CPU", self.settings(given_threads()))
        request = compiled.create_infer_request()

        def run(images: openvino.Tensor) -> np.ndarray:
            scores: np.ndarray = request.infer([images], share_inputs=True, share_outputs=True)[0]
            return scores

        return run

    def settings(self, threads: int | None) -> Mapping[str, Any]:
        """The compiled model's properties, with so many threads; None: OpenVINO's own choice of threads.

        Without the hint it computes in bfloat16 where the processor has instructions for it, whatever the graph's
        format. With threads of its own choice it may bind them to cores.
        """
        chosen = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if threads is not None:
            chosen |= {"INFERENCE_NUM_THREADS": str(threads), "ENABLE_CPU_PINNING": "NO"}
        return chosen

    def place(self, images: np.ndarray) -> openvino.Tensor:
        return openvino.Tensor(images, shared_memory=True)
