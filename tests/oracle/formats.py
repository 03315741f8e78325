"""Jobs on precision policies, which need no processor with their arithmetic: formats of layers, and emulated models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from deadheat.contract import jobs as contract
from impls import precision
from impls.arrays import make_batch, make_statistics, make_weights
from impls.errors import Unsupported
from impls.frameworks import Model, Plan
from impls.network import Network
from oracle import jobs
from oracle.networks import BATCH, MIXED

Formats = dict[str, str]
"""By layer: the format of what it gives; and of the SCORES that the model gives."""
SCORES = "scores"


# --- Formats of layers, from a trace --------------------------------------------------------------------------------


def of_pytorch(policy: str, device: str, training: bool, autocast: bool = False) -> dict[str, Formats]:
    """Of each network with every kind of layer. Tensors are fake, so `device` need not exist.

    `autocast`: with PyTorch's own mixed precision around the model, for what it would change.
    """
    import torch

    torch.set_autocast_dtype(device, torch.bfloat16)
    torch.set_autocast_enabled(device, autocast)  # torch.autocast wants a device that exists
    try:
        return {name: _of_pytorch(network, policy, device, training) for name, network in MIXED.items()}
    finally:
        torch.set_autocast_enabled(device, False)


def _of_pytorch(network: Network, policy: str, device: str, training: bool) -> Formats:
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    from impls.frameworks.pytorch import layers
    from impls.frameworks.pytorch.model import PyTorchModel

    model, found = PyTorchModel(Plan(network, "eager", precision=policy)), {}
    model._mode(training)

    def see(name: str) -> Callable[..., None]:
        return lambda module, given, output: found.__setitem__(name, _name(output.dtype))

    # PyTorch without CUDA changes no view of a fake tensor of it in place; the sum keeps its format either way.
    sums = mock.patch.object(layers, "over_channels", lambda x, size: x + x)
    with sums, FakeTensorMode(), torch.no_grad():
        for module in model._module.modules():
            for arrays in (module._parameters, module._buffers):
                for name, array in arrays.items():
                    arrays[name] = None if array is None else torch.empty(array.shape, dtype=array.dtype, device=device)
        model._parameters = {name: _found(model._module, name) for name in network.arrays}
        for name, module in model._module.named_children():
            module.register_forward_hook(see(name))
        images = torch.empty((BATCH, *network.input_shape), dtype=model._dtype, device=device)
        found[SCORES] = _name(model._evaluation_scores(images).dtype)
    return found


def _found(module: Any, name: str) -> Any:
    layer, _, suffix = name.rpartition(".")
    return module.get_submodule(layer)._parameters[suffix]


def of_jax(policy: str, training: bool) -> dict[str, Formats]:
    import jax
    import jax.numpy as jnp

    from impls.frameworks.jax.layers import function, translate
    from impls.frameworks.jax.model import JaxModel

    def formats(network: Network) -> Formats:
        found: Formats = {}
        model = JaxModel(Plan(network, "jit", precision=policy))
        model._apply = translate(network, lambda row: _seen(row.layer.name, function(row), found))
        model.load(make_weights(network), make_statistics(network))
        images = jnp.zeros((BATCH, *network.input_shape[1:], network.input_shape[0]))
        params, statistics, _, key, _ = model._state
        scores = jax.eval_shape(lambda *given: model._computed(*given, training, key)[0], params, statistics, images)
        return {**found, SCORES: _name(scores.dtype)}

    return {name: formats(network) for name, network in MIXED.items()}


def of_tensorflow(policy: str, training: bool) -> dict[str, Formats]:
    import tensorflow as tf

    from impls.frameworks.tensorflow.layers import function, translate
    from impls.frameworks.tensorflow.model import TensorFlowModel

    def formats(network: Network) -> Formats:
        found: Formats = {}

        class Seen(TensorFlowModel):
            def translate(self, network: Network, variables: Any, compiled: bool) -> Any:
                return translate(
                    network, variables, compiled, lambda row, *rest: _seen(row.layer.name, function(row, *rest), found)
                )

        model = Seen(Plan(network, "graph", precision=policy))
        images = tf.TensorSpec((BATCH, *network.input_shape[1:], network.input_shape[0]), tf.float32)
        step = tf.function(lambda images: tf.cast(model._scores(images, training), model._dtype), autograph=False)
        scores = step.get_concrete_function(images).output_dtypes
        return {**found, SCORES: _name(scores)}

    return {name: formats(network) for name, network in MIXED.items()}


def _seen(name: str, layer: Callable[..., Any], found: Formats) -> Callable[..., Any]:
    def call(x: Any, *rest: Any) -> Any:
        y = layer(x, *rest)
        found[name] = _name(y.dtype)
        return y

    return call


def _name(dtype: Any) -> str:
    """Of a framework's type: "bfloat16"."""
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.")


# --- Models, emulated -----------------------------------------------------------------------------------------------


@contextmanager
def emulated() -> Iterator[None]:
    """Models may be built in arithmetics that this processor lacks: slow, with the same numbers."""
    with mock.patch("impls.frameworks.unsupported_reason", return_value=None):
        yield


def compare(architecture: str, contestant: str, policy: str, folder: Path | None, ready: Any) -> jobs.Result:
    """`oracle.jobs.compare`, emulated."""
    with emulated():
        return jobs.compare(architecture, contestant, policy, 0, True, folder, ready)


def arithmetic(contestant: str, policy: str) -> str:
    """What the fingerprint sees, emulated."""
    with emulated():
        return contract.arithmetic(contestant, policy)


def refusals(contestant: str, policy: str) -> dict[str, str]:
    """By phase: in what words the model refuses it, "" if it does not."""
    network, said = contract.SHALLOW, {}
    with emulated():
        model = contract.build(contestant, network, policy)
    model.load(make_weights(network), {})
    batch = model.put(*_arrays(network))
    for phase in ("infer", "forward", "gradient", "train"):
        try:
            model.phase(phase)(batch)
            said[phase] = ""
        except Unsupported as problem:
            said[phase] = str(problem)
    return said


def _arrays(network: Network) -> tuple[np.ndarray, np.ndarray]:
    batch = make_batch(network, contract.BATCH)
    return batch.images, batch.labels


def compiled(policy: str) -> tuple[float, int, str]:
    """PyTorch's compiled model, without generated code: (error of its scores, its graphs, its fallback)."""
    from impls.frameworks.pytorch.model import COMPILED

    network, scores = MIXED["mixed-codes"], []
    for execution in ("eager", "compile"):
        with mock.patch.dict(COMPILED, compile={"dynamic": False, "backend": "aot_eager"}), emulated():
            model = contract.build(f"pytorch:{execution}", network, policy)
        model.load(make_weights(network), make_statistics(network))
        before, batch = model.compilations, model.put(*_arrays(network))
        scores.append(model.to_numpy(model.infer(batch)))
        if not precision.POLICIES[policy].infers_only:
            model.train(batch)
    return float(np.abs(scores[0] - scores[1]).max()), model.compilations - before, model.fallback


def reduced_sums(policy: str) -> tuple[bool, bool]:
    """Whether PyTorch may sum products of bfloat16, and of float16, in their own format on a card."""
    import torch

    with emulated():
        contract.build("pytorch:eager", contract.SHALLOW, policy)
    products = torch.backends.cuda.matmul
    return products.allow_bf16_reduced_precision_reduction, products.allow_fp16_reduced_precision_reduction


SCALE: dict[str, Callable[[Any], Any]] = {
    "pytorch": lambda model: model._scaler.get_scale(),
    "jax": lambda model: model._state.scaling.scale,
    "tensorflow": lambda model: model._scaling.scale.numpy(),
}


def scales(contestant: str, steps: Sequence[bool], rule: precision.LossScaling) -> tuple[list[float], list[bool]]:
    """The scale after each step, and whether the step changed weights and momentum.

    steps: whether the step's images are finite in float16.
    """
    network = contract.DEEP
    policy = replace(precision.POLICIES["float16"], loss_scaling=rule)
    with mock.patch.dict(precision.POLICIES, float16=policy), emulated():
        model = contract.build(contestant, network, "float16", contract.CONTRACT_SGD)
    model.load(make_weights(network), {})
    images, labels = _arrays(network)
    found: list[float] = []
    changed: list[bool] = []
    before = _state(model)
    for finite in steps:
        model.train(model.put(images if finite else images * np.float32(1e6), labels))
        after = _state(model)
        found.append(float(SCALE[contestant.partition(":")[0]](model)))
        same = [np.array_equal(before[name], after[name], equal_nan=True) for name in after]
        assert all(same) or not any(same)
        changed.append(not all(same))
        before = after
    return found, changed


def _state(model: Model) -> dict[str, np.ndarray]:
    momentum = {f"momentum of {name}": np.array(array) for name, array in model.momentum().items()}
    return {**model.weights(), **momentum}


def unscaled(contestant: str, rule: precision.LossScaling | None) -> dict[str, float]:
    """By array: the largest error of a float16 gradient, relative to float32's largest; with another rule if given."""
    network = contract.DEEP
    policy = replace(precision.POLICIES["float16"], loss_scaling=rule or precision.LossScaling())
    gradients = []
    for name in ("float32", "float16"):
        with mock.patch.dict(precision.POLICIES, float16=policy), emulated():
            model = contract.build(contestant, network, name)
        model.load(make_weights(network), {})
        gradients.append(model.gradients(model.gradient(model.put(*_arrays(network)))))
    right, given = gradients
    return {name: float(np.abs(given[name] - right[name]).max() / np.abs(right[name]).max()) for name in right}
