"""Inference runtimes: what they would do by themselves, and do not under the harness."""

from __future__ import annotations

import os
from pathlib import Path

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


def test_threads_of_onnxruntimes_own_choice_do_not_sleep(children: Children) -> None:
    """So that the test above can fail."""
    if (reason := missing("onnx:onnxruntime")) or (os.cpu_count() or 1) < 2:
        pytest.skip(reason or "one core: it starts no thread")
    child = children.child("idle onnxruntime by itself", {})
    assert answer(child.submit("oracle.jobs:idle_share", "onnx:onnxruntime")) > 0.01


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not tell a thread's cores")
@pytest.mark.parametrize("contestant", RUNTIMES)
def test_its_threads_are_bound_to_no_core(contestant: str, children: Children) -> None:
    if reason := missing(contestant):
        pytest.skip(reason)
    child = children.child(f"cores {contestant}", {"DEADHEAT_THREADS": "2"})
    allowed, threads = answer(child.submit("oracle.jobs:cores_of_threads", contestant))
    assert threads == [allowed] * len(threads)


@pytest.mark.parametrize("contestant", RUNTIMES)
def test_a_graph_that_the_runtime_refuses_fails_with_its_words(contestant: str, children: Children) -> None:
    if reason := missing(contestant):
        pytest.skip(reason)
    status, words = answer(children.of(contestant, "float32").submit("oracle.jobs:refused_graph", contestant))
    assert status == "failed"
    assert "Cnov" in words


@pytest.mark.slow
def test_a_package_is_compiled_once_for_a_network_with_dropout_and_without(children: Children, tmp_path: Path) -> None:
    if reason := missing("pytorch:aot"):
        pytest.skip(reason)
    found = answer(children.of("pytorch:aot", "float32").submit("oracle.jobs:packages", str(tmp_path)))
    assert found == [1, 1, 2]


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
