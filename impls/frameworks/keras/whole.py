"""What Keras's models do not do, whatever their backend: be trained in parts."""

from __future__ import annotations

from impls.frameworks import Model


class Whole(Model):
    """Keras's dropout draws from seeds of its own, and its kernels lie otherwise than the backend's model thinks."""

    momentum = Model.momentum
    set_momentum = Model.set_momentum
    reseed = Model.reseed
