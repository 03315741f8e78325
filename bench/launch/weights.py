"""Canonical weights as files, written once per network of a campaign and memory-mapped by every launch."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.cost.workload import network_of
from bench.launch.scratch import disk_errors_as_user_errors
from impls.arrays import make_weights
from impls.network import ALONE
from results.schema.record import Workload


class Weights:
    """Canonical weights below `folder`, one folder per network."""

    def __init__(self, folder: Path):
        self._folder = folder

    def folder_of(self, workload: Workload) -> Path:
        """The folder with one NAME.npy per array of the workload's network. DeadheatError if the disk is full."""
        network = network_of(workload)
        shapes = zlib.crc32(
            repr(sorted(network.arrays.items())).encode()
        )  # sizes that share every shape share the files
        name = workload.architecture.replace(ALONE, "-")
        folder = self._folder / f"weights-{name}-{shapes:08x}"
        if not folder.exists():
            _write(folder, make_weights(network))
        return folder


def _write(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the folder atomically; DeadheatError if the disk is full."""
    unfinished = folder.with_name(f"{folder.name}.new")
    with disk_errors_as_user_errors("weights", folder.parent):
        try:
            unfinished.mkdir()
            for name, array in arrays.items():
                np.save(unfinished / f"{name}.npy", array)
            unfinished.rename(folder)
        except OSError:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
