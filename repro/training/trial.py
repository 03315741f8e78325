"""One trial: a network trained from a seed through the same interface as everything that is timed.

Every pass begins from a saved state (weights, statistics, momentum) and with random generators seeded by the seed and
the pass's number. A resumed trial therefore continues exactly as if it had never stopped, and frameworks with the same
job have the same images, order, sizes, augmentation and initial weights.
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
from repro.data import Dataset, Split
from repro.data.images.augment import Augmentation, Resize, apply_deterministic
from repro.data.images.reduced import reduced
from repro.recipe.recipe import Fits
from repro.recipe.views import View
from repro.training import checkpoint as saved
from repro.training.checkpoint import State
from repro.training.evaluation import Evaluator
from repro.training.job import Job
from repro.training.prefetch import ahead
from repro.training.sampling import Pass, batches, chosen, passes, rng
from repro.training.visuals import draw
from results.schema.trial import Outcome, Point, Trial
from results.store import pictures
from results.store.pictures import Pictures

FITTED_ON = 10_000
"""Maximum number of training images that preparations are fitted to."""
DIVERGED_LOSS = 50.0
"""Mean loss (nats) above which a trial has diverged; guessing among ten classes gives 2.3."""
CHANCE_LEVEL_SHARE = 0.95
"""A network has learned nothing if its final training error exceeds this share of the chance level."""

MODEL_CACHE_SIZE = 4
"""Number of cached training models: enough for two alternating sizes at two rates."""

ProgressCallback = Callable[[float], None]
"""Called with the progress of a trial, from 0 to 1, after each measurement."""


def run(
    job: Job, data: Dataset, checkpoint: Path, figures_path: Path, progress: ProgressCallback = lambda share: None
) -> Trial:
    """Run a trial, resumed from `checkpoint` if it exists; pictures go to `figures_path`. Its errors propagate."""
    training = Training(job, data, checkpoint, progress)
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
        evaluation_seconds=training.evaluation_seconds,
    )


class Training:
    """A running trial; `state`: its current state; `evaluation_seconds`: of `seconds`, those of measuring errors."""

    def __init__(self, job: Job, data: Dataset, checkpoint: Path, progress: ProgressCallback):
        self._start = monotonic()
        self._recipe, self._network = job.recipe, job.network(data)
        data = reduced(data, job.arm.shrink)
        self._job, self._data, self._checkpoint, self._progress = job, data, checkpoint, progress
        self._chosen = chosen(len(data.train.labels), job.images(data), job.seed)
        if len(self._chosen) < self._recipe.batch:
            have = f"{len(self._chosen)} training images of {data.name}"
            raise InvalidInput(f"{have} are fewer than a batch of {self._recipe.batch}: nothing can be trained")
        sample = data.train.images[np.sort(self._chosen[:FITTED_ON])]
        self._prepare = self._recipe.prepare.fit(sample)
        self._augment = [_fitted(change, sample, self._prepare(sample)) for change in self._recipe.augment]
        self._models: dict[tuple[int | None, float], Model] = {}
        self._evaluator = Evaluator(self._network, self._prepare, lambda network: self._build(network, 0.0))
        self.state = self._first_state()
        self.evaluation_seconds = self.state.evaluation_seconds

    @property
    def seconds(self) -> float:
        """Seconds of training, without pauses."""
        return self.state.seconds + monotonic() - self._start

    def run(self) -> str:
        """Train the remaining passes; returns why the trial failed, or ""."""
        planned = passes(self._recipe, self._job.seed)
        for this_pass in planned[self.state.passes :]:
            if self._is_there:
                break
            if reason := self._pass(this_pass, len(planned)):
                number, rate = this_pass.number + 1, this_pass.learning_rate
                return f"{reason} in pass {number} of {len(planned)}, learning rate {rate:g}"
            timed = replace(self.state, seconds=self.seconds, evaluation_seconds=self.evaluation_seconds)
            saved.write(self._checkpoint, timed)
        guessed, error = 1 - 1 / len(self._data.classes), self.state.points[-1].training_error
        if error is not None and error > CHANCE_LEVEL_SHARE * guessed:
            errors = f"{100 * error:.0f} % of its training images wrong, guessing has {100 * guessed:.0f} %"
            return f"it learned nothing: {errors}"
        return ""

    @property
    def _is_there(self) -> bool:
        """Whether the training error is as low as the recipe asks for."""
        error = self.state.points[-1].training_error if self.state.points else None
        return self._recipe.until is not None and error is not None and error <= self._recipe.until

    def errors(self) -> dict[str, float]:
        """The error on all test images, by view, as a share."""
        test = self._data.test
        places = np.arange(len(test.labels))
        return {name: self._error(test, places, view) for name, view in self._job.arm.views.items()}

    def _error(self, split: Split, places: np.ndarray, view: View) -> float:
        """The error on images, and the seconds that it takes."""
        start = monotonic()
        error = self._evaluator.error(self.state, split, places, view)
        self.evaluation_seconds += monotonic() - start
        return error

    def pictures(self) -> Pictures:
        """The visualisations that the arm keeps."""
        return draw(self._job.arm.pictures, self._network, self.state, self._data, self._evaluator)

    def _first_state(self) -> State:
        if state := saved.read(self._checkpoint):
            return replace(state, resumed=state.resumed + 1)
        weights = self._recipe.initial.weights(self._network, self._job.seed)
        zeros = {name: np.zeros_like(array) for name, array in weights.items()}
        statistics = {
            name: np.full(shape, float(name.endswith(".variance")), np.float32)
            for name, shape in self._network.statistics.items()
        }
        return State(weights, statistics, zeros)

    def _pass(self, this_pass: Pass, passes_in_all: int) -> str:
        """Train one pass with the recipe's number of measurements; returns why the trial must stop, or "".

        Dropout is reseeded after each measurement: evaluation may build a model, which seeds dropout, too.
        """
        model = self._model(this_pass)
        order = batches(len(self._chosen), self._recipe.batch, self._job.seed, this_pass.number)
        rngs = [
            rng(self._job.seed, f"augmentation {type(change).__name__}", this_pass.number) for change in self._augment
        ]
        for part, rows in enumerate(np.array_split(order, min(self._recipe.measures, len(order))), 1):
            model.reseed(int(rng(self._job.seed, f"dropout {part}", this_pass.number).integers(2**31)))
            prepared = ahead(self._batch(row, this_pass.side, rngs) for row in rows)
            losses = [model.train(model.put(*batch)) for batch in prepared]
            values = [float(model.to_numpy(loss)) for loss in losses]
            mean = float(np.mean(values))
            if not math.isfinite(mean) or mean > DIVERGED_LOSS:
                return f"the mean loss came to {mean:.3g}"
            done = this_pass.number + part / min(self._recipe.measures, len(order))
            self._take(model, values, rows.size, int(done))
            self._measure(done, this_pass.learning_rate, mean)
            self._progress(1.0 if self._is_there else done / passes_in_all)
            if self._is_there:
                break
        return ""

    def _model(self, this_pass: Pass) -> Model:
        """A model for the pass's size and learning rate, with the current state loaded."""
        key = this_pass.side, this_pass.learning_rate
        if key not in self._models:
            if len(self._models) == MODEL_CACHE_SIZE:  # otherwise random sizes would keep a model each
                del self._models[next(iter(self._models))]
            channels, *network_sides = self._network.input_shape
            sides = network_sides if this_pass.side is None else (this_pass.side, this_pass.side)
            self._models[key] = self._build(
                replace(self._network, input_shape=(channels, *sides)), this_pass.learning_rate
            )
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
        """Prepared and augmented images (batch, channels, height, width) of `row`, and their labels."""
        places = self._chosen[row]
        images = self._prepare(self._data.train.images[places])
        for change, generator in zip(self._augment, rngs, strict=True):
            images = change.apply(images, generator)
        if side is not None and images.shape[-1] != side:
            images = apply_deterministic(Resize(side), images)
        return images, self._data.train.labels[places]

    def _take(self, model: Model, losses: list[float], images: int, passes: int) -> None:
        """Update the state from the model."""
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
        """Add a point to the curve, always on the same images."""
        train, test = self._data.train, self._data.test
        training_places = self._chosen[: self._recipe.measured]
        test_places = chosen(len(test.labels), self._recipe.measured, seed=0)
        view = next(iter(self._job.arm.views.values()))
        point = Point(
            passes=done,
            images=self.state.images,
            learning_rate=learning_rate,
            loss=loss,
            training_error=self._error(train, training_places, view),
            test_error=self._error(test, test_places, view),
        )
        self.state = replace(self.state, points=(*self.state.points, point))


def _fitted(change: Augmentation | Fits, training: np.ndarray, prepared: np.ndarray) -> Augmentation:
    return change.fit(training, prepared) if isinstance(change, Fits) else change
