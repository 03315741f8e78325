"""Of the shell's variables a process that computes has a stated list; others are kept by name, or not at all."""

from __future__ import annotations

import pytest

from impls.errors import InvalidInput
from impls.host import environment

REPORTED = {  # variables that changed times or results without any warning
    "GOMP_CPU_AFFINITY": "0",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "JAX_DISABLE_JIT": "1",
    "OMP_NUM_THREADS": "1",
    "DEADHEAT_CORES": "0",
    "KMP_AFFINITY": "compact",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Nehalem",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TORCH_LOGS": "all",
    "TORCHDYNAMO_DISABLE": "1",
    "PYTORCH_CUDA_ALLOC_CONF": "backend:native",
    "KERAS_BACKEND": "jax",
    "NVIDIA_TF32_OVERRIDE": "0",
    "CUDA_LAUNCH_BLOCKING": "1",
    "CUBLASLT_LOG_LEVEL": "5",
    "LD_PRELOAD": "libjemalloc.so",
    "MALLOC_ARENA_MAX": "1",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "PYTHONOPTIMIZE": "1",
    "PYTHONMALLOC": "debug",
}
USUAL = {
    "PATH": "/bin",
    "HOME": "/home/me",
    "LC_ALL": "C",
    "XDG_CACHE_HOME": "/cache",
    "DEADHEAT_DATA": "/data",
    "LD_LIBRARY_PATH": "/cuda/lib",
    "CUDA_VISIBLE_DEVICES": "1",
}
OTHER = {"AWS_SECRET_ACCESS_KEY": "secret", "A_LIBRARY_NOBODY_KNOWS": "slow"}
TERRAFORM = {"TF_VAR_password": "secret", "TF_CLI_CONFIG_FILE": "x", "TF_TOKEN_app": "secret"}
CONTAINER = {"NVIDIA_VISIBLE_DEVICES": "all", "CUDA_VERSION": "12.4", "NCCL_VERSION": "2"}


def test_a_process_has_what_is_on_the_list_and_nothing_else():
    assert environment.clean({**USUAL, **REPORTED, **OTHER, **TERRAFORM, **CONTAINER}) == USUAL


def test_what_changes_times_is_known_by_its_kind_and_what_is_only_named_so_is_not():
    shell = {**USUAL, **REPORTED, **OTHER, **TERRAFORM, **CONTAINER}
    assert environment.altering(shell) == dict(sorted(REPORTED.items()))


OF_CARDS = (
    "CUDA_LAUNCH_BLOCKING", "NVIDIA_TF32_OVERRIDE", "XLA_FLAGS", "TF_XLA_FLAGS", "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF", "XLA_PYTHON_CLIENT_ALLOCATOR", "XLA_PYTHON_CLIENT_MEM_FRACTION", "TF_CUDNN_USE_AUTOTUNE",
    "CUBLAS_WORKSPACE_CONFIG", "CUDA_MODULE_LOADING", "CUDA_CACHE_PATH", "CUDA_DEVICE_MAX_CONNECTIONS",
    "TORCHINDUCTOR_MAX_AUTOTUNE", "TRITON_CACHE_DIR", "JAX_DEFAULT_MATMUL_PRECISION", "CUDNN_LOGLEVEL_DBG", "NCCL_ALGO",
)  # fmt: skip


@pytest.mark.parametrize("name", OF_CARDS)
def test_what_changes_times_on_a_card_is_reported_and_reaches_launches_only_by_name(name):
    assert environment.altering({name: "1"}) == {name: "1"}
    assert environment.clean({name: "1"}) == {}
    assert environment.kept([name], {name: "1"}) == {name: "1"}


def test_what_chooses_libraries_cards_and_compilers_is_passed_and_known():
    assert environment.choosing({**USUAL, **REPORTED}) == {"CUDA_VISIBLE_DEVICES": "1", "LD_LIBRARY_PATH": "/cuda/lib"}


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], []),
        (["XLA_FLAGS"], ["XLA_FLAGS"]),
        (["TORCH*", "KERAS_BACKEND"], ["KERAS_BACKEND", "TORCHDYNAMO_DISABLE", "TORCH_LOGS"]),
        (["A_LIBRARY_*"], ["A_LIBRARY_NOBODY_KNOWS"]),
        (["PATH", "HOME"], []),  # passed anyway: not to be recorded
    ],
)
def test_variables_are_kept_by_name_and_by_pattern(patterns, names):
    shell = {**USUAL, **REPORTED, **OTHER}
    assert environment.kept(patterns, shell) == {name: shell[name] for name in names}


@pytest.mark.parametrize("pattern", ["OMP_NO_SUCH", "omp_num_threads", "BLIS_*", "", "OMP_NUM_THREADS=4"])
def test_what_is_not_set_can_not_be_kept(pattern):
    with pytest.raises(
        InvalidInput, match=r"^--keep-env '.*': no such variable is set \(there are: CUBLASLT_.*export it"
    ):
        environment.kept([pattern], {**USUAL, **REPORTED})


@pytest.mark.parametrize("pattern", ["*", "*_KEY", "?WS*", "[A-Z]*"])
def test_a_pattern_that_may_fit_secrets_is_refused(pattern):
    with pytest.raises(InvalidInput, match="values are recorded"):
        environment.kept([pattern], OTHER)


def test_words_can_be_read_by_a_shell():
    assert environment.words({"A": "1", "B": "x y"}) == "A=1, B='x y'"
    assert environment.words({}) == "none"
