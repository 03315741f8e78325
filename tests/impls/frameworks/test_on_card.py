"""What frameworks say and set where a card is to compute, as far as that shows without one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from math import prod
from types import SimpleNamespace

import pytest
from oracle.jobs import PEAK, varied_network

import bench  # noqa: F401  # which brings the names of frameworks that only benchmarks need
from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Children, answer, python_path
from impls import registry
from impls.frameworks import DEVICES, Framework, filled, frameworks, is_card, load_framework
from impls.host import nvidia
from tests.support.slow import slow_but

CARD = pytest.mark.skipif(nvidia.missing() is None, reason="this machine has a card, on which models can be built")

# Words by contestant: of the reason why it cannot be built on a card, where its framework was installed for the CPU.
REASONS = {
    "pytorch:eager": "was installed without CUDA; pip install torch --index-url https://download.pytorch.org/whl/cu",
    "keras:torch": "was installed without CUDA; pip install torch --index-url https://download.pytorch.org/whl/cu",
    "jax:jit": "was installed without CUDA; pip install 'jax[cuda",
    "keras:jax": "was installed without CUDA; pip install 'jax[cuda",
    "tensorflow:graph": "finds no GPU; pip install 'tensorflow[and-cuda]'",
    "keras:tensorflow": "finds no GPU; pip install 'tensorflow[and-cuda]'",
    "onnx:onnxruntime": "is run on the CPU only",
    "onnx:openvino": "is run on the CPU only",
}
INSTALLED_FOR_CARDS = ("nvidia", "jax_cuda12_plugin", "jax_cuda13_plugin")
"""Packages that come with frameworks for cards."""


@CARD
@pytest.mark.parametrize("contestant", slow_but(["pytorch:eager", "onnx:onnxruntime"], REASONS))
def test_a_framework_without_cuda_says_so_with_the_command_that_brings_it(contestant: str, children: Children) -> None:
    """Such an error makes a case `skipped` (tests/bench/worker/test_tasks.py)."""
    if any(map(importlib.util.find_spec, INSTALLED_FOR_CARDS)):
        pytest.skip("frameworks are installed with CUDA")
    if reason := missing(contestant):
        pytest.skip(reason)
    refused = answer(children.of(contestant, "float32").submit("oracle.jobs:refusal_on_cuda", contestant))
    kind, _, words = refused.partition(": ")
    assert kind == ("Unsupported" if contestant.startswith("onnx") else "Unavailable")
    assert REASONS[contestant] in words
    assert "\n" not in words


@CARD
@pytest.mark.parametrize("contestant", ["jax:jit", "keras:jax"])
def test_jax_that_is_kept_from_cards_names_the_variable_that_does(contestant: str, children: Children) -> None:
    if reason := missing(contestant):
        pytest.skip(reason)
    child = children.child("kept from cards", {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"})
    refused = answer(child.submit("oracle.jobs:refusal_on_cuda", contestant))
    assert refused == "Unavailable: JAX_PLATFORMS=cpu keeps JAX from GPUs; unset it, or use the device cpu"


@pytest.mark.parametrize(
    ("masks", "cores"),
    [([0b101, 0b10], (0, 2, 65)), ([0, 0], ()), (RuntimeError("Not Supported"), ())],
    ids=["bits", "no bit", "not told"],
)
def test_the_cores_near_a_card_are_the_bits_of_its_drivers_masks(monkeypatch, masks, cores) -> None:
    def affinity(card: str, words: int) -> list[int]:
        assert (card, words) == ("card", 2)
        if isinstance(masks, Exception):
            raise masks
        return masks

    monkeypatch.setattr(nvidia, "handle", lambda: ("card", ""))
    monkeypatch.setattr(nvidia, "library", lambda: SimpleNamespace(nvmlDeviceGetCpuAffinity=affinity))
    monkeypatch.setattr(nvidia, "allowed_cores", lambda: tuple(range(100)))
    assert nvidia.cores.__wrapped__() == cores


COMPILED = ("compile", "compile-dynamic", "compile-graphs", "compile-frozen", "aot")


def reasons(device: str) -> dict[str, str | None]:
    framework = load_framework("pytorch")
    return {name: framework.execution(name).missing(device) for name in COMPILED}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Sets what a machine has of what compilers need."""

    def installed(programs: str, triton: bool = True, headers: bool = True, cc: str | None = None) -> None:
        monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name in programs.split() else None)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if triton else None)
        monkeypatch.setattr(sysconfig, "get_config_var", lambda name: str(tmp_path))
        monkeypatch.delenv("CC", raising=False)
        if cc:
            monkeypatch.setenv("CC", cc)
        if headers:
            (tmp_path / "Python.h").touch()

    return installed


def test_on_the_cpu_compilers_need_cpp_and_there_are_no_graphs(installed) -> None:
    installed("g++", triton=False, headers=False)
    assert reasons("cpu") == {**dict.fromkeys(COMPILED), "compile-graphs": reasons("cpu")["compile-graphs"]}
    assert "--device cuda" in str(reasons("cpu")["compile-graphs"]), "also where the machine has a card"
    installed("gcc")
    assert all("g++" in str(reason) for name, reason in reasons("cpu").items() if name != "compile-graphs")


def test_on_a_card_compilers_need_what_triton_needs(installed) -> None:
    installed("gcc", headers=False)
    assert "Python.h" in str(reasons("cuda")["compile"])
    installed("")
    assert "install gcc" in str(reasons("cuda")["compile"])
    installed("gcc", triton=False)
    assert "Triton" in str(reasons("cuda")["compile"])
    assert "pip install torch --index-url" in str(reasons("cuda")["compile-graphs"])
    for enough in (dict(programs="gcc"), dict(programs="clang"), dict(programs="", cc="/opt/cc")):
        installed(**enough)
        assert reasons("cuda") == {**dict.fromkeys(COMPILED), "aot": reasons("cpu")["aot"]}


def test_an_execution_for_cards_is_missing_where_there_is_none_only(monkeypatch: pytest.MonkeyPatch) -> None:
    framework = load_framework("pytorch")
    graphs = framework.execution("compile-graphs")
    monkeypatch.setattr(Framework, "missing", lambda self, execution, device: None if is_card(device) else "no card")
    monkeypatch.setattr(nvidia, "missing", lambda device: "no driver" if is_card(device) else None)
    assert framework.missing_here(graphs) == "no card"
    monkeypatch.setattr(nvidia, "missing", lambda device: None)
    assert framework.missing_here(graphs) is None


def test_every_execution_on_pytorch_asks_for_cards_without_starting_cuda() -> None:
    unlisted = registry.find_unlisted("deadheat.frameworks", Framework, frameworks())
    assert {"slowed", "torchvision"} <= unlisted.keys()
    for framework in (*frameworks().values(), *unlisted.values()):
        for execution in framework.executions:
            if "torch" in (*framework.requires, *execution.requires):
                assert execution.environment["PYTORCH_NVML_BASED_CUDA_CHECK"] == "1", (framework.name, execution.name)


@pytest.mark.parametrize("contestant", ["jax:jit", "keras:jax"])
def test_jax_may_allocate_nearly_a_whole_card(contestant: str, children: Children) -> None:
    if reason := missing(contestant):
        pytest.skip(reason)
    assert answer(children.of(contestant, "float32").submit("oracle.jobs:memory_fraction")) == 0.95


@pytest.mark.parametrize("device", DEVICES)
def test_keras_on_pytorch_is_told_its_device_before_it_looks_for_one(device: str) -> None:
    environment = filled(load_framework("keras").execution("torch").environment, "/caches", device)
    assert environment["KERAS_TORCH_DEVICE"] == device
    jax = filled(load_framework("jax").execution("jit").environment, "/caches", device)
    assert jax["JAX_COMPILATION_CACHE_DIR"] == f"/caches{os.sep}jax"


ASKS = """
import importlib, json, sys, traceback
import torch

asked = []

def asks(name):
    def asks(*_):
        asked.append([name, *(f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_stack()[-3:-1])])
        return 0
    return asks

for name in ("is_available", "device_count", "init", "is_initialized", "current_device", "get_device_capability"):
    setattr(torch.cuda, name, asks(name))
for name in ("is_available", "device_count", "current_accelerator"):
    setattr(torch.accelerator, name, asks(name))
for module in sys.argv[1:]:
    importlib.import_module(module)
print(json.dumps(asked))
"""


@pytest.mark.slow
@pytest.mark.parametrize("contestant", ["pytorch:compile", "keras:torch"])
def test_what_a_zygote_imports_of_pytorch_asks_for_no_card(contestant: str) -> None:
    """On an instance of MIG, PyTorch starts CUDA for the answer, whatever the environment says."""
    if reason := missing(contestant):
        pytest.skip(reason)
    framework = load_framework(contestant.partition(":")[0])
    execution = framework.execution(contestant.partition(":")[2])
    environment = {**os.environ, **filled(execution.environment, "/caches", "cuda"), "PYTHONPATH": python_path()}
    command = [sys.executable, "-c", ASKS, *framework.preload, *execution.preload]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


def test_skipped_graphs_are_a_fallback_of_an_execution_with_graphs(children: Children) -> None:
    if reason := missing("pytorch:compile"):
        pytest.skip(reason)
    found = answer(children.of("pytorch:compile", "float32").submit("oracle.jobs:planted_skips"))
    assert found["before"] == found["compile"] == ""
    assert "without CUDA graphs (2 skipped)" in found["compile-graphs"]
    assert "recorded more than 128 times" in found["compile-graphs"]


def test_pytorchs_events_enclose_the_steps_of_a_round(children: Children) -> None:
    if reason := missing("pytorch:eager"):
        pytest.skip(reason)
    happened, seconds = answer(children.of("pytorch:eager", "float32").submit("oracle.jobs:events"))
    assert happened == ["event 0", "step", "step", "step", "event 1", "wait"]
    assert seconds == 0.25


def test_inductors_pool_gradient_is_changed_on_the_cpu_only(children: Children) -> None:
    if reason := missing("pytorch:compile"):
        pytest.skip(reason)
    framework = load_framework("pytorch")
    child = children.child("pool gradients", framework.execution("compile").environment, framework.preload)
    found = answer(child.submit("oracle.jobs:pool_gradients"))
    assert found["cuda"] == found["as shipped"]
    assert not found["cpu"]


@pytest.mark.slow
def test_inductor_compiles_in_as_many_threads_as_the_plan_says_or_else_its_environment(children: Children) -> None:
    if reason := missing("pytorch:compile"):
        pytest.skip(reason)
    child = children.child("compile threads", {"TORCHINDUCTOR_COMPILE_THREADS": "7"})
    assert answer(child.submit("oracle.jobs:compile_threads")) == [7, 7, 1]


@pytest.mark.parametrize("contestant", ["jax:jit", "keras:jax"])
def test_the_memory_of_a_step_of_jax_is_the_compilers_where_the_allocators_is_of_the_launch(
    contestant: str, children: Children
) -> None:
    if reason := missing(contestant):
        pytest.skip(reason)
    phases = ("infer", "gradient", "train")
    found = answer(children.of(contestant, "float32").submit("oracle.jobs:step_memory", contestant, phases))
    assert found.pop("alone")[0] == "the framework does not count its allocations here"
    weights = 4 * sum(prod(shape) for shape in varied_network().arrays.values())
    for count, source, compilations in found.values():
        assert weights < count < PEAK
        assert source.endswith("of the step")
        assert compilations == 0
    assert found["gradient"][0] > found["infer"][0] + weights, "the gradients are outputs"
    assert found["train"][0] > 2 * weights, "weights and momentum, which the step writes in place"
