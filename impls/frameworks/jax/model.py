"""The four phases in JAX, for any pure function of arrays with the canonical names."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from impls.errors import Unavailable
from impls.frameworks import Allocated, Model, Phase, Plan, is_card
from impls.frameworks.jax.layers import Apply, Arrays, translate
from impls.frameworks.jax.plain import of_row
from impls.frameworks.jax.scaling import Scaling, all_finite, begin
from impls.layers import Dropout
from impls.layouts import ChannelsLast
from impls.network import INPUT, Network


class Batch(NamedTuple):
    images: Array
    labels: Array


class State(NamedTuple):
    """Everything that a training step changes; it is donated to the step, which overwrites it."""

    params: Arrays
    statistics: Arrays
    momentum: optax.OptState | None  # as large as the weights, so only made for training
    key: Array | None  # of dropout; None without dropout
    scaling: Scaling | None = None  # of the loss; None in policies without it


class JaxModel(Model):
    """A translated network under jax.jit. Another translator to JAX overrides `translate`."""

    def __init__(self, plan: Plan):
        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if plan.precision == "tf32" else "highest")
        if plan.precision == "float64":
            jax.config.update("jax_enable_x64", True)
        if plan.cold:
            jax.config.update("jax_enable_compilation_cache", False)
        self._compilations = 0
        self._device = device(plan)
        self._home = self.home(plan)
        self._policy = plan.policy
        self._dtype, self._stored, self._kind = (
            jnp.dtype(name) for name in (plan.policy.outside, plan.policy.stored, plan.policy.activations)
        )
        self._network = plan.network
        self._layout = ChannelsLast(plan.network)
        self._plain = plan.plain
        self._apply = self.translate(plan.network)
        self._optimizer = optax.chain(
            optax.add_decayed_weights(plan.sgd.weight_decay),
            optax.sgd(plan.sgd.learning_rate, plan.sgd.momentum),
        )
        self._state = State({}, {}, None, self._new_key(plan.seed), self._new_scaling())
        self._infer = self.jit(self._scores)
        self._forward = self.jit(self._loss_alone, (1, 2))
        self._gradient = self.jit(self._loss_and_gradients, (1, 2))
        self._train = self.jit(self._step, (0,))

    def home(self, plan: Plan) -> Any:
        """Where the state is: a device, or a sharding over several."""
        return self._device

    def jit(self, function: Any, donate: tuple[int, ...] = ()) -> Any:
        """`function` compiled; `donate`: the arguments whose memory it may overwrite."""
        return jax.jit(function, donate_argnums=donate)

    def translate(self, network: Network) -> Apply:
        """The pure function that computes the scores."""
        return translate(network, of_row(self._plain))

    def _new_key(self, seed: int) -> Array | None:
        if not any(isinstance(layer, Dropout) for layer in self._network.layers):
            return None
        with jax.default_device(self._device):
            key = jax.random.key(seed)  # threefry: 0.3 to 0.8 times rbg on the CPU
        return jax.device_put(key, self._home)  # committed to it like a step's results, or step 2 compiles again

    def _new_scaling(self) -> Scaling | None:
        rule = self._policy.loss_scaling
        return jax.device_put(begin(rule), self._device) if rule else None

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        params = self._put_all(self._layout.all_to_native(weights), self._stored)
        self._state = State(params, self._put_all(statistics), None, self._state.key, self._new_scaling())

    def _put_all(self, arrays: Mapping[str, np.ndarray], dtype: np.dtype | None = None) -> Arrays:
        return {name: self._put(array, dtype or self._dtype) for name, array in arrays.items()}

    def _put(self, array: np.ndarray, dtype: np.dtype, where: Any = None) -> Array:
        """A copy on the device, which is donated to steps, while the caller may change its array.

        On the CPU `device_put` shares the memory of NumPy's arrays, also with may_alias=False (jax 0.10).
        """
        with jax.default_device(self._device):
            return jax.device_put(jnp.array(array, dtype), where or self._home)

    def weights(self) -> dict[str, np.ndarray]:
        return self._canonical(self._state.params)

    def statistics(self) -> dict[str, np.ndarray]:
        return {name: _to_numpy(self._state.statistics[name]) for name in self._network.statistics}

    def momentum(self) -> dict[str, np.ndarray]:
        self._begin_momentum()
        return self._canonical(optax.tree.get(self._state.momentum, "trace"))

    def set_momentum(self, momentum: Mapping[str, np.ndarray]) -> None:
        self._begin_momentum()
        values = self._put_all(self._layout.all_to_native(momentum))
        self._state = self._state._replace(momentum=optax.tree.set(self._state.momentum, trace=values))

    def _begin_momentum(self) -> None:
        if self._state.momentum is None:
            momentum = jax.device_put(self._optimizer.init(self._state.params), self._home)
            self._state = self._state._replace(momentum=momentum)

    def reseed(self, seed: int) -> None:
        self._state = self._state._replace(key=self._new_key(seed))

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        channels_first = self._put(images, self._dtype)
        return Batch(jnp.transpose(channels_first, (0, 2, 3, 1)), self._put(labels, np.dtype(np.int32)))

    def put_copies(self, image: np.ndarray, label: np.ndarray, copies: int) -> Batch:
        one = self.put(image, label)
        return Batch(*(jnp.broadcast_to(part, (copies, *part.shape[1:])) for part in (one.images, one.labels)))

    def infer(self, batch: Batch) -> Array:
        return self._infer(self._state.params, self._state.statistics, batch.images)

    def forward(self, batch: Batch) -> Array:
        loss, *moved = self._forward(self._state.params, self._state.statistics, self._state.key, batch)
        self._move(*moved)
        return loss

    def gradient(self, batch: Batch) -> tuple[Array, Arrays]:
        params, statistics, _, key, scaling = self._state
        loss, gradients, *moved = self._gradient(params, statistics, key, batch, scaling)
        self._move(*moved)
        return loss, gradients

    def _move(self, statistics: Arrays, key: Array | None) -> None:
        """The state that training mode changes even without an update."""
        self._state = self._state._replace(statistics=statistics, key=key)

    def train(self, batch: Batch) -> Array:
        self._begin_momentum()
        loss, self._state = self._train(self._state, batch)
        return loss

    def synchronize(self, outputs: Any) -> None:
        jax.block_until_ready((outputs, self._state))

    @property
    def compilations(self) -> int:
        return self._compilations

    def allocated(self) -> Allocated | str:
        statistics = self._device.memory_stats()
        if not statistics or "peak_bytes_in_use" not in statistics:
            return super().allocated()
        return Allocated(
            statistics["peak_bytes_in_use"], "jax.Device.memory_stats: peak_bytes_in_use, since the launch began"
        )

    def allocated_by(self, phase: Phase, batches: Sequence[Batch]) -> Allocated | str:
        """The largest of the compiled steps' own figures: the allocator's includes what came before the step."""
        of_launch = self.allocated()
        steps = [] if isinstance(of_launch, str) else [self.step_bytes(phase, batch) for batch in batches]
        if not steps or None in steps:
            return of_launch
        source = "jax.stages.Compiled.memory_analysis: arguments, outputs and temporary memory, of the step"
        return Allocated(max(filter(None, steps)), source)

    def step_bytes(self, phase: Phase, batch: Batch) -> int | None:
        """Memory of a compiled step, which is not compiled again; None if the compiler does not tell.

        Outputs that are written into donated arguments are counted once.
        """
        step, arguments = self.call(phase, batch)
        if (found := step.lower(*arguments).compile().memory_analysis()) is None:
            return None
        held = found.argument_size_in_bytes + found.output_size_in_bytes - found.alias_size_in_bytes
        return held + found.temp_size_in_bytes

    def call(self, phase: Phase, batch: Batch) -> tuple[Any, tuple[Any, ...]]:
        """The compiled function of a phase, and the arguments that the phase calls it with."""
        state = self._state
        match phase:
            case "infer":
                return self._infer, (state.params, state.statistics, batch.images)
            case "forward":
                return self._forward, (state.params, state.statistics, state.key, batch)
            case "gradient":
                return self._gradient, (state.params, state.statistics, state.key, batch, state.scaling)
        self._begin_momentum()
        return self._train, (self._state, batch)

    def to_numpy(self, outputs: Array) -> np.ndarray:
        return _to_numpy(outputs)

    def gradients(self, outputs: tuple[Array, Arrays]) -> dict[str, np.ndarray]:
        gradients_by_name = self._canonical(outputs[1])
        if INPUT in outputs[1]:
            gradients_by_name[INPUT] = _to_numpy(outputs[1][INPUT]).transpose(0, 3, 1, 2)
        return gradients_by_name

    def devices(self, outputs: Any) -> frozenset[str]:
        return devices_of(outputs)

    def _canonical(self, arrays: Arrays) -> dict[str, np.ndarray]:
        return {name: self._layout.to_canonical(name, _view(arrays[name])) for name in self._network.arrays}

    # Pure functions, compiled once per shape of batch.

    def _scores(self, params: Arrays, statistics: Arrays, images: Array) -> Array:
        scores, _ = self._computed(params, statistics, images, False, None)
        return scores

    def _computed(self, params: Arrays, statistics: Arrays, images: Array, training: bool, key: Any) -> Any:
        """Scores of the network, computed in the policy's arithmetic and returned in the format of the loss."""
        self._compilations += 1  # runs when a step is traced, not when it is executed
        if self._kind != self._dtype:
            params, images = jax.tree.map(lambda array: array.astype(self._kind), (params, images))
        scores, moved = self._apply(params, statistics, images, training, key)
        return scores.astype(self._dtype), moved

    def _loss(self, params: Arrays, statistics: Arrays, key: Array | None, batch: Batch) -> tuple[Array, Arrays]:
        scores, statistics = self._computed(params, statistics, params.get(INPUT, batch.images), True, key)
        if (rejection_score := self._network.rejection_score) is not None:
            scores = jnp.pad(scores, ((0, 0), (0, 1)), constant_values=-rejection_score)
        return optax.softmax_cross_entropy_with_integer_labels(scores, batch.labels).mean(), statistics

    def _loss_alone(
        self, params: Arrays, statistics: Arrays, key: Array | None, batch: Batch
    ) -> tuple[Array, Arrays, Array | None]:
        key, now = _next(key)
        return *self._loss(params, statistics, now, batch), key

    def _loss_and_gradients(
        self, params: Arrays, statistics: Arrays, key: Array | None, batch: Batch, scaling: Scaling | None = None
    ) -> tuple[Array, Arrays, Arrays, Array | None]:
        key, now = _next(key)
        by = {**params, INPUT: batch.images} if self._network.differentiates_input else params
        (loss, statistics), gradients = self._differentiated(by, statistics, now, batch, scaling)
        return loss, gradients, statistics, key

    def _differentiated(
        self, by: Arrays, statistics: Arrays, key: Array | None, batch: Batch, scaling: Scaling | None
    ) -> tuple[tuple[Array, Arrays], Arrays]:
        """((loss, new statistics), gradients), these computed of the scaled loss where there is a scale."""
        if scaling is None:
            return jax.value_and_grad(self._loss, has_aux=True)(by, statistics, key, batch)

        def scaled(by: Arrays) -> tuple[Array, tuple[Array, Arrays]]:
            loss, moved = self._loss(by, statistics, key, batch)
            return loss * scaling.scale, (loss, moved)

        (_, found), gradients = jax.value_and_grad(scaled, has_aux=True)(by)
        return found, jax.tree.map(lambda gradient: gradient / scaling.scale, gradients)

    def _step(self, state: State, batch: Batch) -> tuple[Array, State]:
        key, now = _next(state.key)
        scaling, rule = state.scaling, self._policy.loss_scaling
        (loss, statistics), gradients = self._differentiated(state.params, state.statistics, now, batch, scaling)
        updates, momentum = self._optimizer.update(gradients, state.momentum, state.params)
        params = optax.apply_updates(state.params, updates)
        if scaling is not None and rule is not None:
            finite = all_finite(gradients.values())
            params, momentum = jax.tree.map(
                lambda new, old: jnp.where(finite, new, old), (params, momentum), (state.params, state.momentum)
            )
            scaling = scaling.after(finite, rule)
        return loss, State(params, statistics, momentum, key, scaling)


def device(plan: Plan) -> jax.Device:
    """The plan's device; Unavailable if JAX was installed without CUDA, or is kept from it."""
    try:
        return jax.devices(plan.device)[0]
    except RuntimeError:
        allowed = jax.config.jax_platforms
        if is_card(plan.device) and allowed and plan.device not in allowed.split(","):
            raise Unavailable(f"JAX_PLATFORMS={allowed} keeps JAX from GPUs; unset it, or use the device cpu") from None
        if is_card(plan.device) and not any(map(importlib.util.find_spec, PLUGINS)):
            install = "pip install 'jax[cuda13]', or use the device cpu"
            raise Unavailable(f"JAX {jax.__version__} was installed without CUDA; {install}") from None
        raise


PLUGINS = ("jax_cuda13_plugin", "jax_cuda12_plugin")
"""Packages with which JAX computes on NVIDIA's GPUs."""


def _next(key: Array | None) -> tuple[Array | None, Array | None]:
    """The key to keep and the one to use now; on the device, inside the compiled step."""
    if key is None:
        return None, None
    kept, now = jax.random.split(key)
    return kept, now


PLATFORMS = {"gpu": "cuda"}
"""Devices by JAX's name of the platform, where it is another one."""


def devices_of(outputs: Any) -> frozenset[str]:
    """The devices that hold arrays, also nested ones."""
    platforms = {device.platform for array in jax.tree.leaves(outputs) for device in array.devices()}
    return frozenset(PLATFORMS.get(platform, platform) for platform in platforms)


def _to_numpy(array: Array) -> np.ndarray:
    """A copy: on a CPU NumPy would share JAX's memory, which the next step overwrites. Two bytes become float32."""
    return np.array(_view(array))


def _view(array: Array) -> np.ndarray:
    """As NumPy, on a CPU in JAX's memory, which the next step may overwrite; of two bytes a copy in float32."""
    view = np.asarray(array)
    return view if view.itemsize >= 4 else view.astype(np.float32)
