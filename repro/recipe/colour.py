"""Krizhevsky's colour jitter (2012, section 4.1), in the units that images are prepared to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from repro.data.images.augment import PcaColour, principal_components


@dataclass(frozen=True)
class Colour:
    """Shift each image along the principal components of the training images' colours; grey images have one."""

    std: float = 0.1

    def fit(self, training: np.ndarray, prepared: np.ndarray) -> PcaColour:
        """Fit the jitter to training images (uint8) and their prepared form (float32)."""
        values, vectors = principal_components(training)
        unit = prepared.std((0, 2, 3)) / np.maximum(training.std((0, 2, 3)) / 255, 1e-6)
        return PcaColour(values, vectors * unit[:, None], self.std)
