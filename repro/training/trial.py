"""One trial: a network trained from a seed through the same interface as everything that is timed.

Every pass begins from state that can be saved (weights, statistics, momentum) and with dice thrown anew from the seed
and the pass's number. So a trial that is taken up again goes on exactly as if it had never stopped, and frameworks
that are given the same job are given the same images, order, sizes, augmentation and first weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

import numpy as np

from impls.errors import InvalidInput
from impls.frameworks import Model, Plan, Sgd, load_framework
from impls.network import Network
from repro.data import Dataset
from repro.data.augment import Augmentation, Resize, apply_deterministic
from repro.recipe.recipe import Fits
from repro.training import checkpoint as saved
from repro.training.checkpoint import State
from repro.training.evaluation import Evaluator
from repro.training.job import Job
from repro.training.sampling import Pass, batches, chosen, passes, rng
from repro.training.visuals import draw
from results.schema.trial import Outcome, Point, Trial
from results.store import pictures
from results.store.pictures import Pictures

FITTED_ON = 10_000
"""Training images that preparations are fitted to, at most."""
DIVERGED_LOSS = 50.0
"""A mean loss (nats) from which nothing comes back; guessing among ten classes has 2.3."""
CHANCE_LEVEL_SHARE = 0.95
"""A training error at the end above this share of what guessing gives: the network has learned nothing."""

MODEL_CACHE_SIZE = 4
"""Models for training that are kept: two sizes by turns at two rates need no more."""

ProgressCallback = Callable[[float], None]
"""Is told how far a trial is, from 0 to 1, each time that it has measured."""


def run(
    job: Job, data: Dataset, checkpoint: Path, figures_path: Path, tell: ProgressCallback = lambda share: None
) -> Trial:
    """The trial, from where `checkpoint` has it, its pictures in `album`. What a framework raises is passed on."""
    training = Training(job, data, checkpoint, tell)
    reason = training.run()
    state = training.state
    if job.arm.pictures and not reason:
        pictures.write(figures_path, training.pictures())
    return Trial(
        id=job.id(data),
        network=job.arm.architecture.name,
        data=data.name,
        framework=job.framework,
        execution=job.execution,
        device=job.device,
        seed=job.seed,
        outcome=Outcome.DIVERGED if reason else Outcome.FINISHED,
        reason=reason,
        points=state.points,
        errors={} if reason else training.errors(),
        losses=state.losses,
        seconds=training.seconds,
        resumed=state.resumed,
        settings=job.settings(data),
        versions=load_framework(job.framework).versions(),
    )


class Training:
    """A trial that is going on; `state` is what it has come to."""

    def __init__(self, job: Job, data: Dataset, checkpoint: Path, tell: ProgressCallback):
        self._job, self._data, self._checkpoint, self._tell = job, data, checkpoint, tell
        self._start = monotonic()
        self._recipe, self._network = job.recipe, job.network(data)
        self._chosen = chosen(len(data.train.labels), job.images(data), job.seed)
        if len(self._chosen) < self._recipe.batch:
            have = f"{len(self._chosen)} training images of {data.name}"
            raise InvalidInput(f"{have} are fewer than a batch of {self._recipe.batch}: nothing can be trained")
        sample = data.train.images[np.sort(self._chosen[:FITTED_ON])]
        self._prepare = self._recipe.prepare.fit(sample)
        self._augment = [_fitted(change, sample, self._prepare(sample)) for change in self._recipe.augment]
        self._models: dict[tuple[int | None, float], Model] = {}
        self._sight = Evaluator(self._network, self._prepare, lambda network: self._build(network, 0.0))
        self.state = self._first_state()

    @property
    def seconds(self) -> float:
        """What it has taken, pauses left out."""
        return self.state.seconds + monotonic() - self._start

    def run(self) -> str:
        """Train what is left to train; why that came to nothing, or nothing."""
        planned = passes(self._recipe, self._job.seed)
        for one in planned[self.state.passes :]:
            if reason := self._pass(one, len(planned)):
                return f"{reason} in pass {one.number + 1} of {len(planned)}, learning rate {one.learning_rate:g}"
            saved.write(self._checkpoint, replace(self.state, seconds=self.seconds))
        guessed, error = 1 - 1 / len(self._data.classes), self.state.points[-1].training_error
        if error is not None and error > CHANCE_LEVEL_SHARE * guessed:
            wrong = f"{100 * error:.0f} % of its training images wrong, of which guessing has {100 * guessed:.0f} %"
            return f"it learned nothing: {wrong}"
        return ""

    def errors(self) -> dict[str, float]:
        """The share of all test images that are taken for another class, by view."""
        test = self._data.test
        every = np.arange(len(test.labels))
        return {name: self._sight.error(self.state, test, every, view) for name, view in self._job.arm.views.items()}

    def pictures(self) -> Pictures:
        """What the arm wants kept to be looked at."""
        return draw(self._job.arm.pictures, self._network, self.state, self._data, self._sight)

    def _first_state(self) -> State:
        if found := saved.read(self._checkpoint):
            return replace(found, resumed=found.resumed + 1)
        weights = self._recipe.initial.weights(self._network, self._job.seed)
        zeros = {name: np.zeros_like(array) for name, array in weights.items()}
        statistics = {
            name: np.full(shape, float(name.endswith(".variance")), np.float32)
            for name, shape in self._network.statistics.items()
        }
        return State(weights, statistics, zeros)

    def _pass(self, one: Pass, of: int) -> str:
        """Train one pass, measuring as often as the recipe says; why it makes no sense to go on, or nothing.

        Dropout is seeded after each measurement: the models that look may be new, and building one seeds it, too.
        """
        model = self._model(one)
        order = batches(len(self._chosen), self._recipe.batch, self._job.seed, one.number)
        rngs = [rng(self._job.seed, f"augmentation {type(change).__name__}", one.number) for change in self._augment]
        for part, rows in enumerate(np.array_split(order, min(self._recipe.measures, len(order))), 1):
            model.reseed(int(rng(self._job.seed, f"dropout {part}", one.number).integers(2**31)))
            losses = [model.train(model.put(*self._batch(row, one.side, rngs))) for row in rows]
            values = [float(model.to_numpy(loss)) for loss in losses]
            mean = float(np.mean(values))
            if not math.isfinite(mean) or mean > DIVERGED_LOSS:
                return f"the mean loss came to {mean:.3g}"
            done = one.number + part / min(self._recipe.measures, len(order))
            self._take(model, values, rows.size, int(done))
            self._measure(done, one.learning_rate, mean)
            self._tell(done / of)
        return ""

    def _model(self, one: Pass) -> Model:
        """A model for the pass's size and learning rate, with the state as it is."""
        key = one.side, one.learning_rate
        if key not in self._models:
            if len(self._models) == MODEL_CACHE_SIZE:  # random sizes would else end in a model for each
                del self._models[next(iter(self._models))]
            channels, *own = self._network.input_shape
            sides = own if one.side is None else (one.side, one.side)
            self._models[key] = self._build(replace(self._network, input_shape=(channels, *sides)), one.learning_rate)
        model = self._models[key]
        model.load(self.state.weights, self.state.statistics)
        model.set_momentum(self.state.momentum)
        return model

    def _build(self, network: Network, learning_rate: float) -> Model:
        sgd = Sgd(learning_rate, self._recipe.momentum, self._recipe.weight_decay)
        plan = Plan(network, self._job.execution, self._job.device, sgd=sgd, seed=self._job.seed)
        return load_framework(self._job.framework).build(plan)

    def _batch(
        self, row: np.ndarray, side: int | None, rngs: Sequence[np.random.Generator]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Prepared and changed images (batch, channels, height, width) at `rows`, and their labels."""
        places = self._chosen[row]
        images = self._prepare(self._data.train.images[places])
        for change, throw in zip(self._augment, rngs, strict=True):
            images = change.apply(images, throw)
        if side is not None and images.shape[-1] != side:
            images = apply_deterministic(Resize(side), images)
        return images, self._data.train.labels[places]

    def _take(self, model: Model, losses: list[float], images: int, passes: int) -> None:
        """Let the state be what the model has come to."""
        missing = self._job.losses - len(self.state.losses)
        self.state = replace(
            self.state,
            weights=model.weights(),
            statistics=model.statistics(),
            momentum=model.momentum(),
            passes=passes,
            images=self.state.images + images,
            losses=(*self.state.losses, *losses[: max(0, missing)]),
        )

    def _measure(self, done: float, learning_rate: float, loss: float) -> None:
        """Add a point to the curve. The images that it looks at are the same all along."""
        train, test = self._data.train, self._data.test
        seen = self._chosen[: self._recipe.measured]
        kept = chosen(len(test.labels), self._recipe.measured, seed=0)
        view = next(iter(self._job.arm.views.values()))
        point = Point(
            passes=done,
            images=self.state.images,
            learning_rate=learning_rate,
            loss=loss,
            training_error=self._sight.error(self.state, train, seen, view),
            test_error=self._sight.error(self.state, test, kept, view),
        )
        self.state = replace(self.state, points=(*self.state.points, point))


def _fitted(change: Augmentation | Fits, training: np.ndarray, prepared: np.ndarray) -> Augmentation:
    return change.fit(training, prepared) if isinstance(change, Fits) else change
