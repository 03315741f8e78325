"""What frameworks and the system raise where memory is short, in their own words, and what only looks like it."""

from __future__ import annotations

import subprocess

GRAPH = "Graph execution error:\n\nDetected at node step\nOOM when allocating tensor with shape[4096,4096]"


class ResourceExhaustedError(Exception):
    """Named as TensorFlow's."""


class XlaRuntimeError(RuntimeError):
    """Named as JAX's."""


def _raised_from(problem: Exception, cause: Exception) -> Exception:
    try:
        raise problem from cause
    except Exception as caught:
        return caught


SHORT_OF_MEMORY: dict[str, Exception] = {
    "Python": MemoryError(),
    "NumPy": MemoryError("Unable to allocate 7.45 GiB for an array with shape (1000000000,)"),
    "PyTorch on a CPU": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 4000000000000 bytes. Error code 12 (Cannot allocate memory)"
    ),
    "PyTorch on a card": RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has 1 GiB free."),
    "cuBLAS": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "cuDNN": RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    "cuDNN 9": RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    "cuBLAS alone": XlaRuntimeError("INTERNAL: CUBLAS_STATUS_ALLOC_FAILED"),
    "CUDA's driver": XlaRuntimeError("INTERNAL: failed to load module: CUDA_ERROR_OUT_OF_MEMORY"),
    "CUDA's runtime": RuntimeError("cudaErrorMemoryAllocation"),
    "C++": RuntimeError("std::bad_alloc"),
    "TensorFlow": ResourceExhaustedError("{{function_node __wrapped__Fill}} OOM when allocating tensor [Op:Fill]"),
    "TensorFlow, compiled": ResourceExhaustedError(GRAPH),
    "JAX": XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4000000000 bytes."),
    "the system": OSError(12, "Cannot allocate memory"),
    "a compiler": subprocess.CalledProcessError(1, "g++", stderr=b"virtual memory exhausted: Cannot allocate memory"),
    "the cause of another": _raised_from(ValueError("the step failed"), MemoryError()),
    "one of a group": ExceptionGroup("two failed", [ValueError("odd"), MemoryError()]),
}

NOT_OF_MEMORY: dict[str, Exception] = {
    "a wrong value": ValueError("no such layer"),
    "a full disk": OSError(28, "No space left on device"),
    "words that hold the letters": RuntimeError("no room: the zoom is boomed"),
    "a path that holds the letters": OSError(2, "No such file or directory", "/home/zoom/showroom_of_memory"),
    "a word that ends so": RuntimeError("the checkout of memory_pool is missing"),
    "a wrong address": RuntimeError("CUDA error: an illegal memory access was encountered"),
    "the cause of another": _raised_from(ValueError("the step failed"), KeyError("scale")),
}
