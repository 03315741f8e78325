"""Environment variables of measured processes: which are passed, and which are known to change times or results.

A process that is measured or trained has the variables in PASSED and CHOOSING, those that the harness sets, and those
that its user keeps by name, and no others of the shell. ALTERING lists variables to report to the user if they are set.
Names are shell patterns (fnmatch), case-sensitive.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from itertools import chain

from impls.errors import InvalidInput
from impls.host.process import CORES, THREADS

PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "XDG_*", "SSL_CERT_*", "CI",
    "LANG", "LANGUAGE", "LC_*", "TZ",
    "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE",
    "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUNBUFFERED", "PYTHONFAULTHANDLER", "VIRTUAL_ENV", "CONDA_*",
    "DEADHEAT_*",
)  # fmt: skip
"""Variables that a process needs to run and that do not change times. Values may be private and are not recorded."""

CHOOSING = (
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "NIX_LD*",
    "CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES",
    "CC", "CXX", "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH",
)  # fmt: skip
"""Passed and recorded: variables that choose libraries, GPU or compiler, as an installation does."""

ALTERING: Mapping[str, tuple[str, ...]] = {
    "threads": ("OMP_*", "GOMP_*", "KMP_*", "NUMEXPR_*", "TBB_*", CORES, THREADS),
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
"""Variables that can change times or results, by the component that reads them."""

HARMLESS = (
    # Container images set their releases, and the container runtime its capabilities.
    "*_VERSION", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_REQUIRE_*", "NVIDIA_PRODUCT_NAME",
    # Terraform's, which share TensorFlow's prefix and may hold secrets.
    "TF_ACC*", "TF_CLI_*", "TF_CLOUD_*", "TF_DATA_DIR", "TF_IGNORE", "TF_INPUT", "TF_IN_AUTOMATION", "TF_LOG*",
    "TF_PLUGIN_*", "TF_REATTACH_*", "TF_REGISTRY_*", "TF_TOKEN_*", "TF_VAR_*", "TF_WORKSPACE",
)  # fmt: skip
"""Exceptions that match patterns of ALTERING."""


def clean(shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's variables that are passed to every process."""
    return {name: value for name, value in shell.items() if _is_passed(name)}


def choosing(shell: Mapping[str, str]) -> dict[str, str]:
    """The passed variables that choose libraries, GPU or compiler, by name."""
    return {name: shell[name] for name in sorted(shell) if _matches(name, CHOOSING)}


def altering(shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's variables that can change times or results and are not passed, by name."""
    known = tuple(chain.from_iterable(ALTERING.values()))
    return {
        name: shell[name]
        for name in sorted(shell)
        if _matches(name, known) and not _is_passed(name) and not _matches(name, HARMLESS)
    }


def kept(patterns: Iterable[str], shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's variables that match a name or pattern, such as OMP_*, without those that are passed anyway.

    InvalidInput if no variable matches a pattern, or if it matches everything, as values are recorded.
    """
    variables: dict[str, str] = {}
    for pattern in patterns:
        if pattern.startswith(("*", "?", "[")):
            raise InvalidInput(
                f"--keep-env {pattern!r} can match any variable, also secrets, and values are recorded; "
                "give a name, or a pattern that begins with letters, such as 'OMP_*'"
            )
        fitting = [name for name in shell if fnmatchcase(name, pattern)]
        if not fitting:
            set_here = ", ".join(altering(shell)) or "none of the known kinds"
            raise InvalidInput(
                f"--keep-env {pattern!r}: no such variable is set (there are: {set_here}); export it, or leave it out"
            )
        variables |= {name: shell[name] for name in fitting if not _is_passed(name)}
    return dict(sorted(variables.items()))


def words(variables: Mapping[str, str]) -> str:
    """NAME=value, as a shell takes it, with commas between; "none" if there are none."""
    return ", ".join(f"{name}={shlex.quote(str(value))}" for name, value in variables.items()) or "none"


def _is_passed(name: str) -> bool:
    return name not in (CORES, THREADS) and _matches(name, (*PASSED, *CHOOSING))  # set by the harness, not by the shell


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
