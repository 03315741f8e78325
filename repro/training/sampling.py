"""Sampling by seed: which images, in which order, at which size; equal for every framework and arm."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from repro.recipe.recipe import Recipe


@dataclass(frozen=True)
class Pass:
    """One pass over the training images: its learning rate, and its side (None: the network's)."""

    number: int
    learning_rate: float
    side: int | None


def rng(seed: int, purpose: str, number: int = 0) -> np.random.Generator:
    """A random generator for one purpose, independent of those of other purposes."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), number])


def chosen(images: int, count: int, seed: int) -> np.ndarray:
    """The places of `count` of `images` images for a seed; a larger count extends a smaller one."""
    return rng(seed, "images").permutation(images)[:count]


def batches(images: int, batch: int, seed: int, number: int) -> np.ndarray:
    """The order of `images` training images in a pass, (batches, batch); an incomplete batch is dropped."""
    return rng(seed, "order", number).permutation(images)[: images // batch * batch].reshape(-1, batch)


def passes(recipe: Recipe, seed: int) -> list[Pass]:
    """Every pass of a recipe, in order."""
    rates = [stage.learning_rate for stage in recipe.stages for _ in range(stage.passes)]
    return [Pass(number, rate, _side(recipe, seed, number)) for number, rate in enumerate(rates)]


def _side(recipe: Recipe, seed: int, number: int) -> int | None:
    if recipe.sizes is None:
        return None
    sides = recipe.sizes.sides
    return sides[int(rng(seed, "size", number).integers(len(sides))) if recipe.sizes.random else number % len(sides)]
