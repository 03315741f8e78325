"""Every experiment fits its data, at the paper's scale too: networks take what augmentation and views give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from repro.claims.claim import claims
from repro.claims.experiment import Arm
from repro.data import Dataset, Split, load_source
from repro.data.images.reduced import reduced
from repro.recipe.recipe import Fits
from repro.runner.effort import nominal
from repro.runner.goals import GOALS
from repro.training.job import Job
from repro.training.sampling import passes

ARMS = {
    f"{claim.id}-{place}-{experiment.data}-{arm.name}": (experiment.data, arm)
    for claim in claims().values()
    for place, experiment in enumerate(claim.experiments)
    for arm in experiment.arms
} | {f"recipe-{goal.arm.name}": (goal.data, goal.arm) for goal in GOALS}


def made_up(name: str) -> Dataset:
    """Four images as the data set has them."""
    like = nominal(load_source(name))
    shape, classes = like.shape, len(like.classes)
    split = Split(np.random.default_rng(0).integers(256, size=(4, *shape), dtype=np.uint8), np.zeros(4, np.int32))
    return Dataset(name, tuple(map(str, range(classes))), split, split, "digest")


@pytest.mark.parametrize(("name", "arm"), ARMS.values(), ids=ARMS)
def test_images_fit_networks(name: str, arm: Arm) -> None:
    data = made_up(name)
    job = Job(arm, name, 1, "none", "none")
    network, recipe = job.network(data), job.recipe
    data = reduced(data, arm.shrink)
    prepare = recipe.prepare.fit(data.train.images)
    images = raw = prepare(data.train.images)
    rng = np.random.default_rng(0)
    for change in recipe.augment:
        fitted = change.fit(data.train.images, raw) if isinstance(change, Fits) else change
        images = fitted.apply(images, rng)
    sides = {one.side for one in passes(recipe, seed=1)}
    if sides == {None}:
        assert images.shape[1:] == network.input_shape
    for side in sides - {None}:
        assert replace(network, input_shape=(images.shape[1], side, side)).arrays == network.arrays
    for view in arm.views.values():
        for part in view.parts:
            for version in part.images(raw):
                seen = part.network(replace(network, input_shape=version.shape[1:]))
                assert seen.arrays == network.arrays
                assert seen.rows[-1].facts.output[-1:] == (len(data.classes),)


SMALL = {id: (name, arm) for id, (name, arm) in ARMS.items() if name not in ("imagenet", "cifar10")}


@pytest.mark.parametrize(("name", "arm"), SMALL.values(), ids=SMALL)
def test_first_weights_cover_the_network(name: str, arm: Arm) -> None:
    network = Job(arm, name, 1, "none", "none").network(made_up(name))
    weights = arm.recipe.initial.weights(network, seed=1)
    assert {key: array.shape for key, array in weights.items()} == dict(network.arrays)
    assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in weights.values())


def test_cheap_experiments_are_enough() -> None:
    """What `tox -e reproduce` promises: eight training claims on data that is at hand."""
    cheap = [claim for claim in claims().values() if any(one.cheap for one in claim.experiments)]
    assert len(cheap) >= 8
    assert all(one.data == "fashion-mnist" for claim in cheap for one in claim.experiments if one.cheap)
