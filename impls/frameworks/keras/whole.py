"""Keras's models cannot be checkpointed, on any backend."""

from __future__ import annotations

from impls.frameworks import Model


class Whole(Model):
    """Disables checkpointing: Keras's dropout has its own seeds, and its kernels another layout than the backend's."""

    momentum = Model.momentum
    set_momentum = Model.set_momentum
    reseed = Model.reseed
