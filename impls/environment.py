"""Which variables of the shell reach a process that computes, and which are known to change what it takes or gives.

A process that is measured or trained has the variables in PASSED and CHOOSING, those that the harness sets, and those
that its user keeps by name. Nothing else of the shell reaches it, known or not. ALTERING is for people: what to name
where it is set. Names are shell patterns (fnmatch), case-sensitive.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from itertools import chain

from impls.errors import InvalidInput
from impls.process import CORES

PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "XDG_*", "SSL_CERT_*", "CI",
    "LANG", "LANGUAGE", "LC_*", "TZ",
    "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE",
    "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUNBUFFERED", "PYTHONFAULTHANDLER", "VIRTUAL_ENV", "CONDA_*",
    "DEADHEAT_*",
)  # fmt: skip
"""What a process needs to run, and what does not change times. Values may be private: they are recorded nowhere."""

CHOOSING = (
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "NIX_LD*",
    "CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES",
    "CC", "CXX", "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH",
)  # fmt: skip
"""Passed, too, and recorded: they choose which libraries, card or compiler is used, as an installation does."""

ALTERING: Mapping[str, tuple[str, ...]] = {
    "threads": ("OMP_*", "GOMP_*", "KMP_*", "NUMEXPR_*", "TBB_*", CORES),
    "mathematical libraries": (
        "MKL_*", "ONEDNN_*", "DNNL_*", "OPENBLAS_*", "GOTO_*", "BLIS_*", "NVPL_*", "VECLIB_*", "ACCELERATE_*",
    ),
    "compilers": ("XLA_*", "TRITON_*", "PJRT_*"),
    "frameworks": ("JAX_*", "JAXLIB_*", "TF_*", "TF2_*", "TORCH*", "PYTORCH_*", "ATEN_*", "KERAS_*"),
    "cards": ("NVIDIA_*", "CUDA_*", "CUBLAS*", "CUDNN_*", "NCCL_*"),
    "loader and allocator": (
        "LD_*", "DYLD_*", "MALLOC_*", "GLIBC_TUNABLES", "TCMALLOC_*", "MIMALLOC_*", "_RJEM_MALLOC_CONF",
    ),
    "Python": (
        "PYTHONOPTIMIZE", "PYTHONMALLOC*", "PYTHONDEVMODE", "PYTHONDEBUG", "PYTHONTRACEMALLOC", "PYTHONASYNCIODEBUG",
        "PYTHONWARNINGS", "PYTHONPERFSUPPORT", "PYTHONPROFILEIMPORTTIME", "PYTHON_GIL", "PYTHON_JIT",
    ),
    "tracing": ("COV_CORE_*", "COVERAGE_*", "NSYS_*", "KINETO_*"),
}  # fmt: skip
"""By what they are of: variables that change times or results; what one of them does depends on its value."""

HARMLESS = (
    # Images of containers name their releases, and their runtime reads what it lets in.
    "*_VERSION", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_REQUIRE_*", "NVIDIA_PRODUCT_NAME",
    # Terraform's, which begin as TensorFlow's do, and may hold secrets.
    "TF_ACC*", "TF_CLI_*", "TF_CLOUD_*", "TF_DATA_DIR", "TF_IGNORE", "TF_INPUT", "TF_IN_AUTOMATION", "TF_LOG*",
    "TF_PLUGIN_*", "TF_REATTACH_*", "TF_REGISTRY_*", "TF_TOKEN_*", "TF_VAR_*", "TF_WORKSPACE",
)  # fmt: skip
"""Named as those in ALTERING are, and not meant."""


def clean(shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's variables that every process gets."""
    return {name: value for name, value in shell.items() if _is_passed(name)}


def choosing(shell: Mapping[str, str]) -> dict[str, str]:
    """Those among them that choose libraries, card or compiler, by name."""
    return {name: shell[name] for name in sorted(shell) if _matches(name, CHOOSING)}


def altering(shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's variables that are known to change times or results, and are not passed; by name."""
    known = tuple(chain.from_iterable(ALTERING.values()))
    return {
        name: shell[name]
        for name in sorted(shell)
        if _matches(name, known) and not _is_passed(name) and not _matches(name, HARMLESS)
    }


def kept(patterns: Iterable[str], shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's variables that are asked for by name or pattern, such as OMP_*; without those that are passed anyway.

    InvalidInput if nothing is set that a pattern fits, or if it fits everything: values are recorded.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        if pattern.startswith(("*", "?", "[")):
            raise InvalidInput(
                f"--keep-env {pattern!r} may fit anything, secrets, too, and values are recorded; "
                "give a name, or a pattern that begins with one, such as 'OMP_*'"
            )
        fitting = [name for name in shell if fnmatchcase(name, pattern)]
        if not fitting:
            there = ", ".join(altering(shell)) or "none of the known kinds"
            raise InvalidInput(
                f"--keep-env {pattern!r}: no such variable is set (there are: {there}); export it, or leave it out"
            )
        found |= {name: shell[name] for name in fitting if not _is_passed(name)}
    return dict(sorted(found.items()))


def words(variables: Mapping[str, str]) -> str:
    """NAME=value, as a shell takes it, with commas between; "none" if there are none."""
    return ", ".join(f"{name}={shlex.quote(str(value))}" for name, value in variables.items()) or "none"


def _is_passed(name: str) -> bool:
    return name != CORES and _matches(name, (*PASSED, *CHOOSING))  # the shell's is not the setting's


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
