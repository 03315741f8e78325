"""PyTorch: torch.nn modules, eager or compiled."""

from __future__ import annotations

import shutil

from impls.frameworks import CACHE, Execution, Framework, Trick

PRECISIONS = ("float32", "tf32", "bfloat16", "float64", "float16", "bfloat16-weights")
INDUCTOR = {"TORCHINDUCTOR_CACHE_DIR": f"{CACHE}/inductor"}
PACKAGES = "DEADHEAT_PYTORCH_PACKAGES"
"""Variable with the folder of packages compiled ahead of time."""


def _no_compiler() -> str | None:
    if shutil.which("g++") or shutil.which("clang++"):
        return None
    return "torch.compile needs a C++ compiler on the CPU; install g++ (apt install g++)"


def _no_cuda() -> str | None:
    return None if shutil.which("nvidia-smi") else "CUDA graphs need an NVIDIA GPU and its driver; use compile"


PYTORCH = Framework(
    name="pytorch",
    title="PyTorch",
    model="impls.frameworks.pytorch.build:build",
    executions=(
        Execution("eager", "module by module, channels first", precisions=PRECISIONS, any_size=True),
        Execution("eager-nhwc", "module by module, channels-last memory format", precisions=PRECISIONS, any_size=True),
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
            missing=_no_cuda,
            precisions=PRECISIONS,
        ),
        Execution(
            "idiomatic",
            "torch.nn modules one by one, channels first",
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
            missing=_no_compiler,
            phases=("infer",),
        ),
    ),
    requires=("torch",),
    extra="pytorch",
    # An optimizer's first step imports torch._dynamo, which would take a second in every launch.
    preload=("torch", "torch._dynamo", "impls.frameworks.pytorch.build"),
    supports_checkpointing=True,
    tricks=(
        Trick("lrn", "local response normalisation with a gradient rule of its own, in place of nn.LocalResponseNorm"),
        Trick("update", "the fused kernel of the optimizer, in place of its default"),
    ),
)
