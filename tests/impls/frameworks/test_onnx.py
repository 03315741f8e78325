"""Inference runtimes: what they would do by themselves, and do not under the harness."""

from __future__ import annotations

import pytest

from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Children, answer
from impls.host.hardware import unsupported_reason

RUNTIMES = ("onnx:onnxruntime", "onnx:openvino")


@pytest.mark.parametrize("contestant", RUNTIMES)
def test_its_threads_sleep_between_steps(contestant: str, children: Children) -> None:
    """Threads that wait in a loop would slow whatever runs next. It is the process's own time, whatever else runs."""
    if reason := missing(contestant):
        pytest.skip(reason)
    child = children.child(f"idle {contestant}", {"DEADHEAT_THREADS": "2"})
    assert answer(child.submit("oracle.jobs:idle_share", contestant)) < 0.1


def test_openvino_by_itself_computes_in_bfloat16_and_the_probe_sees_it(children: Children) -> None:
    for reason in (missing("onnx:openvino"), unsupported_reason("bfloat16", "cpu")):
        if reason:
            pytest.skip(reason)
    child = children.of("onnx:openvino", "float32")
    assert answer(child.submit("oracle.jobs:openvino_by_itself")) == "bfloat16"


@pytest.mark.parametrize("contestant", RUNTIMES)
def test_another_device_is_refused(contestant: str, children: Children) -> None:
    if reason := missing(contestant):
        pytest.skip(reason)
    refused = answer(children.of(contestant, "float32").submit("oracle.jobs:refusal_on_cuda", contestant))
    assert refused == f"Unsupported: {contestant} is run on the CPU only, not on cuda"
