"""DEADHEAT_TEST_DEVICE: the device that the contract and parity tests compute on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from deadheat.contract.device import VARIABLE, unusable
from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Children, answer
from impls.host import nvidia
from tests.support.started import ROOT


def test_a_device_that_is_none_or_is_not_here_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "missing", lambda device: "no driver" if device == "cuda" else None)
    assert unusable("cpu") is None
    assert unusable("cuda") == "DEADHEAT_TEST_DEVICE=cuda: no driver; unset it to test on the CPU"
    assert unusable("gpu") == "DEADHEAT_TEST_DEVICE=gpu is no device; known: cpu, cuda"
    monkeypatch.setattr(nvidia, "missing", lambda device: None)
    assert unusable("cuda") is None


def test_without_the_device_nothing_is_tested_and_the_reason_is_one_line() -> None:
    chosen = "deadheat/contract/test_frameworks.py", "-k", "onnxruntime and inference_drops_nothing"
    environment = {**os.environ, VARIABLE: "cuda", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    said = "DEADHEAT_TEST_DEVICE=cuda: CUDA_VISIBLE_DEVICES hides every card; unset it to test on the CPU"
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if VARIABLE in line]
    assert said in line
    assert "Traceback" not in done.stdout + done.stderr


def test_models_of_these_tests_are_built_on_the_device(children: Children) -> None:
    if reason := missing("onnx:onnxruntime"):
        pytest.skip(reason)
    child = children.child("on a card", {VARIABLE: "cuda"})
    refused = answer(child.submit("oracle.jobs:refusal", "onnx:onnxruntime", "float32"))
    assert refused == "Unsupported: onnx:onnxruntime is run on the CPU only, not on cuda"
