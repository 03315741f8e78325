"""Canonical weights as files, made once for each network of a campaign and mapped by every launch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.memory import network_of
from impls.arrays import make_weights
from results.record import Workload


class Weights:
    """A folder of folders, one a network."""

    def __init__(self, folder: Path):
        self._folder = folder

    def folder_of(self, workload: Workload) -> Path:
        """The folder with one NAME.npy for each array of the workload's network."""
        shape = f"{workload.channels}x{workload.height}x{workload.width}-{workload.classes}"
        folder = self._folder / f"weights-{workload.architecture}-{shape}"
        if not folder.exists():
            folder.mkdir()
            for name, array in make_weights(network_of(workload)).items():
                np.save(folder / f"{name}.npy", array)
        return folder
