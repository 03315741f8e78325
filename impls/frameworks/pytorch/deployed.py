"""PyTorch as it is deployed: compiled for inference alone, with the weights as constants of the compiled code."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from impls.frameworks import Plan
from impls.frameworks._inference import InferenceOnly
from impls.frameworks.pytorch import PACKAGES
from impls.frameworks.pytorch.model import Batch, PyTorchModel
from impls.host.process import temporary_files_in
from impls.network import Network


class FrozenModel(InferenceOnly, PyTorchModel):
    """torch.compile with Inductor's freezing.

    Weights are folded into the compiled code, so it is compiled anew when others are loaded.
    """

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        super().load(weights, statistics)
        torch._dynamo.reset()  # otherwise the code with the earlier weights would be found: its guards ignore them


class AheadOfTimeModel(InferenceOnly, PyTorchModel):
    """AOTInductor: the network is exported and compiled to a package, which is then loaded and called.

    A package is for batches of one shape and is made when the first of them is put on the device. The processes of a
    campaign share packages, as a deployment makes one once: it is a result, not a cache, whatever `Plan.cold` says.
    """

    def __init__(self, plan: Plan):
        super().__init__(plan)
        self._plan = plan
        self._packages: dict[tuple[int, ...], Callable[[Tensor], Tensor]] = {}
        self._compilations = 0

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        super().load(weights, statistics)
        self._packages = {}

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        batch = super().put(images, labels)
        self._package(batch.images)
        return batch

    def infer(self, batch: Batch) -> Tensor:
        with torch.inference_mode():
            return self._package(batch.images)(batch.images)

    @property
    def compilations(self) -> int:
        return self._compilations

    def _package(self, images: Tensor) -> Callable[[Tensor], Tensor]:
        """The compiled network for images of this shape."""
        shape = tuple(images.shape)
        if shape not in self._packages:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(os.environ.get(PACKAGES) or folder) / f"{self._digest(shape)}.pt2"
                if not file.exists():
                    self._make(images, file)
                with temporary_files_in(folder):  # it is unpacked, and needs no file once its code is loaded
                    self._packages[shape] = torch._inductor.aoti_load_package(str(file))
        return self._packages[shape]

    def _make(self, images: Tensor, file: Path) -> None:
        """Compile a package beside `file` and rename it, as other processes may look for it at the same time."""
        file.parent.mkdir(parents=True, exist_ok=True)
        made = file.with_name(f"{os.getpid()}-{file.name}")
        self._mode(training=False)
        with torch.no_grad():
            program = torch.export.export(self._module, (images.detach(),))
            torch._inductor.aoti_compile_and_package(program, package_path=str(made))
        self._compilations += 1
        made.replace(file)

    def _digest(self, shape: tuple[int, ...]) -> str:
        """A name for the package of the network without dropout, with these weights, for one shape.

        Inductor writes the number of threads into the code that it generates.
        """
        network: Network = self._plan.network.without_dropout()
        compiled_for = torch.__version__, torch.get_num_threads(), self._plan.device, self._plan.precision
        digest = hashlib.blake2b(repr((network, shape, compiled_for)).encode(), digest_size=16)
        for name, array in {**self.weights(), **self.statistics()}.items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()
