"""ONNX Runtime: the graph in an InferenceSession on the CPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime

from impls.frameworks.onnx.graph import IMAGES, SCORES
from impls.frameworks.onnx.model import OnnxModel
from impls.host.process import given_threads

ONLY_ERRORS = 3


class RuntimeModel(OnnxModel):
    def compile(self, graph: bytes) -> Callable[[np.ndarray], np.ndarray]:
        session = onnxruntime.InferenceSession(graph, options(given_threads()), providers=["CPUExecutionProvider"])

        def run(images: np.ndarray) -> np.ndarray:
            scores: np.ndarray = session.run([SCORES], {IMAGES: images})[0]
            return scores

        return run


def options(threads: int | None) -> onnxruntime.SessionOptions:
    """A session's options with so many threads; None: ONNX Runtime's own choice of threads.

    Threads of its own choice are bound to cores and, after each run, wait for the next one in a loop that keeps their
    cores busy (https://onnxruntime.ai/docs/performance/tune-performance/threading.html): the contestants that run next
    would be slower. With a number given it binds none, and here they sleep between runs.
    """
    chosen = onnxruntime.SessionOptions()
    chosen.log_severity_level = ONLY_ERRORS
    if threads is not None:
        chosen.intra_op_num_threads, chosen.inter_op_num_threads = threads, 1
        chosen.add_session_config_entry("session.intra_op.allow_spinning", "0")
        chosen.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return chosen
