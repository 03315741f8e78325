"""A trial comes out the same twice, and the same when it was stopped in the middle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impls.errors import InvalidInput
from repro.claims.claim import load_claim
from repro.data import Dataset, load_source
from repro.data.images.augment import Flip, RandomCrop
from repro.recipe.recipe import Recipe, Sizes, Stage
from repro.recipe.views import Centre
from repro.runner import effort
from repro.training import checkpoint, trial
from repro.training.job import Job
from repro.training.sampling import batches, chosen, passes
from repro.training.trial import Training
from results.schema.trial import Outcome, Trial
from tests.repro.planted import ARCHITECTURE, LONG, RECIPE

PINNED = {"LN-4": "f7d5a84fbb543bd8", "AX-1": "06843785cdad8ebb", "SPP-10": "5680cd641f6a7d23"}
JOB = Job(LONG, "fashion-mnist", seed=1, framework="oracle.regression", execution="numpy", losses=7)


class Stopped(Exception):
    pass


def run(job: Job, data: Dataset, folder: Path, tell: trial.ProgressCallback = lambda share: None) -> Trial:
    return trial.run(job, data, folder / "state.npz", folder / "pictures.npz", tell)


def same(one: Trial) -> Trial:
    """The trial without what it is allowed to differ in."""
    return replace(one, seconds=0.0, resumed=0, evaluation_seconds=None)


def test_learns(images: Dataset, tmp_path: Path) -> None:
    found = run(JOB, images, tmp_path)
    assert found.outcome is Outcome.FINISHED
    assert [point.passes for point in found.points] == [0.5 * step for step in range(1, 9)]
    assert [point.images for point in found.points] == [100 * step for step in range(1, 9)]
    assert [point.learning_rate for point in found.points] == [0.05] * 6 + [0.005] * 2
    assert len(found.losses) == 7
    assert found.errors[""] < 0.5 < found.losses[0]
    assert found.points[-1].training_error < 0.4
    assert 0 < found.evaluation_seconds < found.seconds


def test_ends_when_the_training_error_is_low_enough(images: Dataset, tmp_path: Path) -> None:
    whole = run(JOB, images, tmp_path).points
    until = whole[3].training_error
    (tmp_path / "until").mkdir()
    shares: list[float] = []
    arm = replace(LONG, recipe=replace(RECIPE, until=until))
    found = run(replace(JOB, arm=arm), images, tmp_path / "until", shares.append)
    first = next(place for place, point in enumerate(whole) if point.training_error <= until)
    assert found.outcome is Outcome.FINISHED
    assert found.points == whole[: first + 1]
    assert found.errors[""] < 1
    assert shares[-1] == 1.0


def test_a_trial_that_was_low_enough_when_it_was_stopped_is_not_trained_further(
    images: Dataset, tmp_path: Path
) -> None:
    def stop(share: float) -> None:
        if share == 1.0:
            raise Stopped

    job = replace(JOB, arm=replace(LONG, recipe=replace(RECIPE, until=0.99)))
    whole = run(job, images, tmp_path)
    assert len(whole.points) == 1
    again = Training(job, images, tmp_path / "state.npz", stop)
    assert again.run() == ""
    assert again.state.points == whole.points


def test_images_are_reduced_before_anything_else(images: Dataset, tmp_path: Path) -> None:
    arm = replace(LONG, shrink=2, views={"": Centre(14)}, recipe=replace(RECIPE, stages=(Stage(1, 0.01),)))
    job = replace(JOB, arm=arm)
    assert job.network(images).input_shape == (1, 14, 14)
    found = run(job, images, tmp_path)
    assert found.settings["input"] == "1x14x14"
    assert found.settings["pixels"] == "means of 2 x 2"


def test_twice_the_same(images: Dataset, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert same(run(JOB, images, tmp_path / "a")) == same(run(JOB, images, tmp_path / "b"))


@pytest.mark.parametrize("share", [0.2, 0.25, 0.5, 0.8])
def test_stopped_and_taken_up_again(images: Dataset, tmp_path: Path, share: float) -> None:
    def stop(done: float) -> None:
        if done > share:
            raise Stopped

    (tmp_path / "whole").mkdir()
    whole = run(JOB, images, tmp_path / "whole")
    with pytest.raises(Stopped):
        run(JOB, images, tmp_path, stop)
    resumed = run(JOB, images, tmp_path)
    assert same(resumed) == same(whole)
    assert resumed.resumed == int(share >= 0.25)  # before the end of the first pass there is nothing to go on with


def test_an_unreadable_checkpoint_begins_anew(images: Dataset, tmp_path: Path) -> None:
    (tmp_path / "state.npz").write_bytes(b"PK\x03\x04 cut off")
    assert run(JOB, images, tmp_path).resumed == 0


def test_divergence_is_an_outcome(images: Dataset, tmp_path: Path) -> None:
    found = run(replace(JOB, learning_rate=1e6), images, tmp_path)
    assert found.outcome is Outcome.DIVERGED
    assert "mean loss" in found.reason
    assert "of 4, learning rate 1e+06" in found.reason
    assert not found.errors


def test_having_learned_nothing_is_one_too(images: Dataset, tmp_path: Path) -> None:
    found = run(replace(JOB, learning_rate=1e-9), images, tmp_path)
    assert found.outcome is Outcome.DIVERGED
    assert "learned nothing" in found.reason
    assert "guessing has 90 %" in found.reason


def test_fewer_images_than_a_batch(images: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="19 training images of fashion-mnist are fewer than a batch of 20"):
        run(replace(JOB, arm=replace(LONG, train=19)), images, tmp_path)


def test_more_measures_than_batches(images: Dataset, tmp_path: Path) -> None:
    often = replace(LONG, train=60, recipe=replace(RECIPE, measures=50))
    found = run(replace(JOB, arm=often), images, tmp_path)
    assert len(found.points) == 4 * 3


def test_augmentations_do_not_disturb_each_other(images: Dataset, tmp_path: Path) -> None:
    """Mirror images fall alike with and without another augmentation before them."""
    seen: list[np.ndarray] = []

    class Watched(Flip):
        def apply(self, batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            seen.append(rng.random(3))
            return super().apply(batch, rng)

    for number, augment in enumerate(((Watched(),), (RandomCrop(28, padding=2), Watched()))):
        (tmp_path / str(number)).mkdir()
        arm = replace(LONG, recipe=replace(RECIPE, stages=(Stage(1, 0.05),), augment=augment))
        run(replace(JOB, arm=arm), images, tmp_path / str(number))
    half = len(seen) // 2
    assert all((one == other).all() for one, other in zip(seen[:half], seen[half:], strict=True))


def test_another_learning_rate_scales_the_whole_schedule() -> None:
    assert [stage.learning_rate for stage in replace(JOB, learning_rate=0.5).recipe.stages] == [0.5, 0.05]


def test_identity_goes_by_everything_that_matters(images: Dataset) -> None:
    others = [
        replace(JOB, seed=2),
        replace(JOB, learning_rate=0.1),
        replace(JOB, arm=replace(LONG, train=199)),
        replace(JOB, arm=replace(LONG, recipe=replace(RECIPE, weight_decay=0.0))),
        replace(JOB, arm=replace(LONG, recipe=replace(RECIPE, until=0.2))),
        replace(JOB, arm=replace(LONG, recipe=replace(RECIPE, until=0.1))),
        replace(JOB, arm=replace(LONG, shrink=2)),
        replace(JOB, arm=replace(LONG, views={"": Centre(28)})),
        replace(JOB, framework="other"),
    ]
    assert len({job.id(images) for job in (JOB, *others)}) == 1 + len(others)
    renamed = replace(LONG, name="another", architecture=replace(ARCHITECTURE, name="another"))
    assert replace(JOB, arm=renamed).id(images) == JOB.id(images)
    assert JOB.id(replace(images, digest="other")) != JOB.id(images)


def test_ids_of_trials_on_record_stay() -> None:
    """A renamed layer, recipe or view would make every stored trial another one, to be trained again."""
    made = effort.nominal(load_source("mnist"))
    ids = {
        claim: Job(load_claim(claim).experiments[0].arms[0], "mnist", 1, "tensorflow", "graph").id(made)
        for claim in ("LN-4", "AX-1", "SPP-10")
    }
    assert ids == PINNED


@given(st.integers(1, 500), st.integers(1, 64), st.integers(0, 9), st.integers(0, 5))
def test_a_pass_takes_every_image_at_most_once(images: int, batch: int, seed: int, number: int) -> None:
    rows = batches(images, batch, seed, number)
    assert rows.shape == (images // batch, batch)
    assert len(set(rows.ravel().tolist())) == rows.size
    assert (rows == batches(images, batch, seed, number)).all()


@given(st.integers(1, 300), st.integers(0, 9), st.data())
def test_more_images_hold_the_fewer(images: int, seed: int, draw: st.DataObject) -> None:
    few = draw.draw(st.integers(0, images))
    many = draw.draw(st.integers(few, images))
    assert (chosen(images, many, seed)[:few] == chosen(images, few, seed)).all()


def test_sizes_of_passes() -> None:
    recipe = Recipe((Stage(4, 0.1),), sizes=Sizes((24, 19)))
    assert [one.side for one in passes(recipe, 0)] == [24, 19, 24, 19]
    drawn = [one.side for one in passes(replace(recipe, sizes=Sizes((24, 19), random=True)), 3)]
    assert drawn == [one.side for one in passes(replace(recipe, sizes=Sizes((24, 19), random=True)), 3)]


def test_state_on_disk(images: Dataset, tmp_path: Path) -> None:
    training = Training(JOB, images, tmp_path / "state.npz", lambda share: None)
    training.run()
    read = checkpoint.read(tmp_path / "state.npz")
    assert read is not None
    assert read.points == training.state.points
    assert read.losses == training.state.losses
    for group in checkpoint.GROUPS:
        for name, array in getattr(training.state, group).items():
            assert np.array_equal(getattr(read, group)[name], array)
