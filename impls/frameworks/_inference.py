"""Models that only infer: deployed networks, whose runtimes compute no gradients."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from impls.errors import Unsupported


class InferenceOnly:
    """Mixin that refuses every phase but `infer`; goes before the model's other base classes."""

    def forward(self, batch: Any) -> NoReturn:
        self._refuse("forward")

    def gradient(self, batch: Any) -> NoReturn:
        self._refuse("gradient")

    def train(self, batch: Any) -> NoReturn:
        self._refuse("train")

    def gradients(self, outputs: Any) -> dict[str, np.ndarray]:
        self._refuse("gradient")

    def _refuse(self, phase: str) -> NoReturn:
        raise Unsupported(f"{type(self).__name__} runs inference only, not {phase}")
