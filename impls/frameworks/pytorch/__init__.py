"""PyTorch: torch.nn modules, eager or compiled."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sysconfig
from pathlib import Path

from impls.frameworks import CACHE, Execution, Framework, Trick, _rows, is_card

PRECISIONS = ("float32", "tf32", "bfloat16", "float64", "float16", "bfloat16-weights")
DIVIDED = ("float32", "tf32", "bfloat16", "float64")
"""The precisions of several devices: those without loss scaling, as all devices would have to agree on a scale."""
PACKAGES = "DEADHEAT_PYTORCH_PACKAGES"
"""Variable with the folder of packages compiled ahead of time."""


CUDA_BUILD = "pip install torch --index-url https://download.pytorch.org/whl/cu130"
"""The command that installs PyTorch with CUDA. Index of other releases: https://pytorch.org/get-started/locally/"""
# `torch.cuda.is_available` would start CUDA, after which no fork of the process can use it; NVML does not.
ENVIRONMENT = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
INDUCTOR = {**ENVIRONMENT, "TORCHINDUCTOR_CACHE_DIR": f"{CACHE}/inductor"}


def _no_compiler(device: str) -> str | None:
    """What Inductor lacks on a device: it generates C++ for the CPU and Triton's kernels for a GPU."""
    return _no_triton() if is_card(device) else _no_cpp()


def _no_cpp() -> str | None:
    if shutil.which("g++") or shutil.which("clang++"):
        return None
    return "torch.compile needs a C++ compiler on the CPU; install g++ (apt install g++)"


def _no_triton() -> str | None:
    """Triton compiles its own modules in C, against Python's headers, when it is first used (triton.runtime.build)."""
    if importlib.util.find_spec("triton") is None:
        return f"torch.compile on a GPU needs Triton, which comes with PyTorch's CUDA builds; {CUDA_BUILD}"
    if not (os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")):
        return "torch.compile on a GPU needs a C compiler, for Triton; install gcc (apt install gcc)"
    if not (Path(sysconfig.get_config_var("INCLUDEPY")) / "Python.h").exists():
        return "torch.compile on a GPU needs Python.h, for Triton; install Python's headers (apt install python3-dev)"
    return None


def _no_graphs(device: str) -> str | None:
    return _no_triton() if is_card(device) else "CUDA graphs need a GPU (--device cuda); on the CPU use compile"


def _no_package(device: str) -> str | None:
    """A package's own code is C++ on every device."""
    return _no_cpp() or _no_compiler(device)


def _no_fork(device: str) -> str | None:
    return None if hasattr(os, "fork") else "its processes are forked, which this system cannot; use eager"


UPDATE = Trick("update", "the fused kernel of the optimizer, in place of its default", phases=("train",))

PYTORCH = Framework(
    name="pytorch",
    title="PyTorch",
    model="impls.frameworks.pytorch.build:build",
    executions=(
        Execution(
            "eager",
            "module by module, channels first",
            environment=ENVIRONMENT,
            precisions=PRECISIONS,
            any_size=True,
        ),
        Execution(
            "eager-nhwc",
            "module by module, channels-last memory format",
            environment=ENVIRONMENT,
            precisions=PRECISIONS,
            any_size=True,
        ),
        Execution(
            "compile",
            "torch.compile, static shapes",
            environment=INDUCTOR,
            missing=_no_compiler,
            precisions=PRECISIONS,
            any_size=True,
        ),
        Execution(
            "compile-dynamic",
            "torch.compile with dynamic shapes",
            environment=INDUCTOR,
            missing=_no_compiler,
            precisions=PRECISIONS,
            any_size=True,
        ),
        Execution(
            "compile-graphs",
            "torch.compile, static shapes, recorded as CUDA graphs and replayed",
            environment=INDUCTOR,
            missing=_no_graphs,
            precisions=PRECISIONS,
        ),
        Execution(
            "idiomatic",
            "torch.nn modules one by one, channels first",
            environment=ENVIRONMENT,
            precisions=PRECISIONS,
            any_size=True,
            idiomatic_of="eager",
        ),
        Execution(
            "compile-frozen",
            "torch.compile for inference with Inductor's freezing: weights are constants of the compiled code",
            environment=INDUCTOR,
            missing=_no_compiler,
            phases=("infer",),
        ),
        Execution(
            "aot",
            "AOTInductor: compiled to a package for inference, which is loaded without compiling",
            environment={**INDUCTOR, PACKAGES: f"{CACHE}/packages"},
            missing=_no_package,
            phases=("infer",),
        ),
        Execution(
            "ddp",
            "DistributedDataParallel: a process a device, each with its part of the batch; module by module",
            # Each process would bind its threads to the same first cores; replicas take their own (pytorch.replica).
            environment={**ENVIRONMENT, "OMP_PROC_BIND": "false"},
            missing=_no_fork,
            precisions=DIVIDED,
            parallel=True,
        ),
    ),
    requires=("torch",),
    extra="pytorch",
    # An optimizer's first step imports torch._dynamo, which would take a second in every launch.
    preload=("torch", "torch._dynamo", "impls.frameworks.pytorch.build"),
    supports_checkpointing=True,
    tricks=(
        Trick(
            "lrn",
            "local response normalisation with a gradient rule of its own, in place of nn.LocalResponseNorm",
            about=_rows.local_response_norm,
        ),
        UPDATE,
    ),
)
