"""What the tests ask of child processes: the oracle's numbers, a contestant's against them, the contract's evidence.

Arrays of a whole network stay where they are made; what goes back to the test are scores, losses and errors. The
reference's gradients are left in a folder, an array a file, for the others to read.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bench.worker.evidence import mean_loss
from bench.worker.tasks import status_of
from deadheat.contract.fixtures import differentiates
from deadheat.contract.jobs import INFERRED, NETWORKS, STEPS
from deadheat.contract.jobs import build as build_model
from impls import load_architecture
from impls.arrays import Batch, make_batch, make_statistics, make_weights
from impls.errors import one_line
from impls.frameworks import Allocated, Model, Plan, Sgd, load_framework
from impls.frameworks.pytorch import PACKAGES
from impls.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    LocalResponseNorm,
    Pair,
    Pool,
    SpatialPyramid,
    Window,
    WindowAverage,
    WindowPyramid,
)
from impls.network import INPUT, Network
from oracle import forward
from oracle.networks import BATCH, narrowed, small
from oracle.numpy_layers import cross_entropy, flatten, pyramid_edges, pyramid_gradient, pyramid_places

Arrays = dict[str, np.ndarray]
LEARNING_RATE = 2e-5
"""A step moves the loss by 0.1 to 20 %: seen at a tolerance of 1e-4, and far from chaos, which no two would share."""
SMALL_SHARE = {"bfloat16": 1e-1, "float16": 1e-1}
"""A gradient below this share (1e-3 elsewhere) of the whole one is judged against that: its own digits are noise."""


@dataclass(frozen=True)
class Truth:
    """The oracle's numbers for one architecture. `moved` are the statistics after one pass in training mode.

    `loss` is of training mode, `scores_loss` of the scores, which are of evaluation mode.
    """

    scores: np.ndarray
    scores_loss: float
    loss: float
    statistics: Arrays
    moved: Arrays


@dataclass(frozen=True)
class Result:
    """What a contestant computed. `statistics` are by the phase that they were read after; errors are by array, against
    the reference, and empty for the reference itself."""

    scores: np.ndarray
    loss: float
    forward_loss: float | None
    losses: list[float]
    statistics: dict[str, Arrays]
    changed_on_the_way: list[str]
    gradient_names: list[str]
    gradient_errors: dict[str, float] = field(default_factory=dict)


def _inputs(network: Network, images: int = 0) -> tuple[Arrays, Arrays, Batch]:
    return make_weights(network), make_statistics(network), make_batch(network, BATCH, images)


# --- The oracle -----------------------------------------------------------------------------------------------------


def truth(architecture: str) -> Truth:
    """What NumPy says."""
    network = small(architecture)
    weights, statistics, batch = _inputs(network)
    scores, _ = forward.run(network, weights, statistics, batch.images, training=False)
    in_training, moved = forward.run(network, weights, statistics, batch.images, training=True)
    scores_loss = mean_loss(scores, batch.labels, network.rejection_score)
    loss = cross_entropy(in_training, batch.labels, network.rejection_score)
    return Truth(scores, scores_loss, loss, statistics, moved)


def _pair(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    return batch.images, batch.labels


@dataclass(frozen=True)
class Slope:
    """The loss's slope along one direction: measured on the oracle, and by the reference's gradient."""

    measured: float
    claimed: float
    scale: float


STEP = 1e-8
"""So short that hardly any ReLU or maximum changes sides on the way, and still far above float64's rounding."""


def slopes(architecture: str, folder: Path, count: int, _: Result) -> list[Slope]:
    """Central differences of the oracle's loss along `count` directions, beside the gradients in `folder`."""
    network = small(architecture)
    weights, statistics, batch = _inputs(network)
    gradients = read_arrays(folder, network)
    double = {name: array.astype(np.float64) for name, array in weights.items()}
    return [_slope(network, double, statistics, batch, gradients, seed) for seed in range(count)]


def _slope(network: Network, weights: Arrays, statistics: Arrays, batch: Batch, gradients: Arrays, seed: int) -> Slope:
    direction = _direction(gradients, seed)
    losses = [
        forward.loss(
            network, {n: a + sign * STEP * direction[n] for n, a in weights.items()}, statistics, *_pair(batch)
        )
        for sign in (1, -1)
    ]
    claims = [float(np.vdot(gradients[name], direction[name])) for name in gradients]
    return Slope((losses[0] - losses[1]) / (2 * STEP), sum(claims), sum(map(abs, claims)))


def _direction(gradients: Arrays, seed: int) -> Arrays:
    """Along the gradient with a sign for each array, and somewhere else besides: every array has its say."""
    rng = np.random.default_rng(seed)
    direction = {}
    for name, gradient in gradients.items():
        noise = rng.standard_normal(gradient.shape)
        along = gradient / max(float(np.linalg.norm(gradient)), 1e-300)
        direction[name] = rng.choice([1, -1]) * along + noise / np.linalg.norm(noise)
    return direction


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def read_arrays(folder: Path, network: Network) -> Arrays:
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in network.arrays}


# --- Contestants ----------------------------------------------------------------------------------------------------


def build(contestant: str, network: Network, precision: str, sgd: Sgd | None = None, open_sizes: bool = False) -> Model:
    """A model of framework:execution, to be trained in small steps."""
    return build_model(contestant, network, precision, sgd or Sgd(LEARNING_RATE), open_sizes)


def reference(contestant: str, architecture: str, images: int, folder: Path) -> Result:
    """The contestant that others' gradients are compared with, in float64; its gradients stay in `folder`."""
    result, gradients = _run(architecture, contestant, "float64", images, forward_too=True)
    write_arrays(folder, gradients)
    return result


def compare(
    architecture: str,
    contestant: str,
    precision: str,
    images: int,
    forward_too: bool,
    folder: Path | None,
    _: Result | None,
) -> Result:
    """A contestant's numbers, its gradients against those in `folder` (once the reference is there: the last one)."""
    result, gradients = _run(architecture, contestant, precision, images, forward_too)
    if folder is None:
        return result
    right = read_arrays(folder, small(architecture))
    whole = float(np.sqrt(sum(np.linalg.norm(array) ** 2 for array in right.values())))
    least = SMALL_SHARE.get(precision, 1e-3) * whole
    errors = {name: _error(gradients[name], array, least) for name, array in right.items() if name in gradients}
    return replace(result, gradient_errors=errors)


def _error(given: np.ndarray, right: np.ndarray, least: float) -> float:
    norm = float(np.linalg.norm(right))
    return float(np.linalg.norm(given.astype(np.float64) - right)) / max(norm, least)


def _run(architecture: str, contestant: str, precision: str, images: int, forward_too: bool) -> tuple[Result, Arrays]:
    """Everything that is compared, in an order in which nothing disturbs what comes after it."""
    network = small(architecture)
    weights, statistics, arrays = _inputs(network, images)
    model = build(contestant, network, precision)
    model.load(weights, statistics)
    batch = model.put(arrays.images, arrays.labels)
    scores, forward_loss = model.to_numpy(model.infer(batch)), None
    moved = {"infer": model.statistics()}
    if not differentiates(contestant, precision):
        loss = mean_loss(scores, arrays.labels, network.rejection_score)
        return Result(scores, loss, None, [], moved, [], []), {}
    if forward_too:
        forward_loss = float(model.to_numpy(model.forward(batch)))
        moved["forward"] = model.statistics()
        model.load(weights, statistics)
    outputs = model.gradient(batch)
    loss, gradients = float(model.to_numpy(outputs[0])), model.gradients(outputs)
    moved["gradient"] = model.statistics()
    on_the_way = model.weights()
    changed = [name for name, array in weights.items() if not np.array_equal(on_the_way[name], array)]
    model.load(weights, statistics)
    losses = [float(model.to_numpy(model.train(batch)))]
    moved["train"] = model.statistics()
    losses += [float(model.to_numpy(model.train(batch))) for _ in range(STEPS - 1)]
    return Result(scores, loss, forward_loss, losses, moved, changed, list(gradients)), gradients


IDLE = 0.3
"""Seconds for which a model is left alone."""


def idle_share(contestant: str) -> float:
    """The cores that this process keeps busy after a step of a model, when nothing is asked of it."""
    network = small("alexnet")
    weights, statistics, arrays = _inputs(network)
    model = build(contestant, network, "float32")
    model.load(weights, statistics)
    model.infer(model.put(arrays.images, arrays.labels))
    before = time.process_time()
    time.sleep(IDLE)
    return (time.process_time() - before) / IDLE


def cores_of_threads(contestant: str) -> tuple[set[int], list[set[int]]]:
    """The cores of this process before it runs a step, and those of each of its threads afterwards."""
    allowed = os.sched_getaffinity(0)
    idle_share(contestant)
    return allowed, [os.sched_getaffinity(int(thread)) for thread in os.listdir("/proc/self/task")]


def refused_graph(contestant: str) -> tuple[str, str]:
    """The status and the words of a case whose runtime is given a graph with an operation that it does not know."""
    network = small("lenet5")
    weights, statistics, arrays = _inputs(network)
    model: Any = build(contestant, network, "float32")
    model.load(weights, statistics)
    compile_it = model.compile
    model.compile = lambda graph: compile_it(graph.replace(b"Conv", b"Cnov"))
    try:
        model.put(arrays.images, arrays.labels)
    except Exception as problem:
        return status_of(problem), one_line(problem)
    return "measured", ""


def packages(folder: str) -> list[int]:
    """How many there are in a folder: for a network with dropout, the same without, and the same for another thread."""
    os.environ[PACKAGES] = folder
    found = []
    threads = torch_threads()
    for network, count in (
        (INFERRED["shallow"], threads),
        (NETWORKS["shallow"], threads),
        (NETWORKS["shallow"], threads + 1),
    ):
        torch_threads(count)
        model = build_model("pytorch:aot", network, "float32")
        model.load(make_weights(network), make_statistics(network))
        arrays = make_batch(network, BATCH)
        model.put(arrays.images, arrays.labels)
        found.append(len(list(Path(folder).iterdir())))
    return found


def scores_at(contestant: str, architecture: str, side: int) -> np.ndarray:
    """Scores of a network with ten classes for images of a side."""
    network = load_architecture(architecture).at(side, classes=10).without_dropout()
    model, arrays = build(contestant, network, "float32"), make_batch(network, BATCH)
    model.load(make_weights(network), make_statistics(network))
    return model.to_numpy(model.infer(model.put(arrays.images, arrays.labels)))


def torch_threads(count: int | None = None) -> int:
    """PyTorch's number of threads, set to `count` if one is given."""
    import torch

    if count is not None:
        torch.set_num_threads(count)
    return int(torch.get_num_threads())


def openvino_by_itself() -> str:
    """What OpenVINO computes in where nobody says in what."""
    from bench.worker import arithmetic
    from impls.frameworks.onnx.on_openvino import RuntimeModel

    class ByItself(RuntimeModel):
        def settings(self, threads: int | None) -> Mapping[str, Any]:
            chosen = dict(super().settings(threads))
            del chosen["INFERENCE_PRECISION_HINT"]
            return chosen

    network = arithmetic.ROUNDING.at()
    return arithmetic.arithmetic(arithmetic.scores(ByItself(Plan(network, "openvino")), network))


# --- Layers alone and together ---------------------------------------------------------------------------------------


def refusal(contestant: str, precision: str) -> str:
    """The words with which a model is refused."""
    try:
        build(contestant, varied_network(), precision)
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    return "built"


def refusal_on_cuda(contestant: str) -> str:
    """The words with which a model on a GPU is refused."""
    framework, _, execution = contestant.partition(":")
    try:
        load_framework(framework).build(Plan(varied_network(), execution, device="cuda"))
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    return "built"


def planted_skips() -> dict[str, str]:
    """Fallbacks of models of PyTorch: before and after Inductor's count of skipped CUDA graphs has changed."""
    from torch._dynamo.utils import counters

    from impls.frameworks.pytorch.model import PyTorchModel

    counters["inductor"]["cudagraph_skips"] += 5  # of an earlier model
    graphs, compiled = (PyTorchModel(Plan(varied_network(), name)) for name in ("compile-graphs", "compile"))
    before = graphs.fallback
    counters["inductor"]["cudagraph_skips"] += 2
    return {"before": before, "compile-graphs": graphs.fallback, "compile": compiled.fallback}


def events() -> tuple[list[str], float]:
    """What happens in a round of three steps with CUDA's events, in order; and their seconds, 250 ms apart."""
    from unittest import mock

    from bench.clock import time_round
    from impls.frameworks.pytorch.model import Events

    happened: list[str] = []

    def event(enable_timing: bool) -> mock.Mock:
        assert enable_timing
        number = len(made)
        made.append(mock.Mock(record=lambda: happened.append(f"event {number}"), elapsed_time=lambda end: 250.0))
        return made[-1]

    made: list[mock.Mock] = []
    with mock.patch("torch.cuda.Event", event):
        stopwatch = Events()
    step, wait = (lambda: happened.append("step")), (lambda outputs: happened.append("wait"))
    time_round(step, wait, 3, stopwatch=stopwatch)
    return happened, stopwatch.seconds()


def pool_gradients() -> dict[str, bool]:
    """By device, whether Inductor splits the gradient of max pooling once a model of pytorch:compile is built on it."""
    from unittest import mock

    import torch
    from torch._inductor.decomposition import decompositions

    from impls.frameworks.pytorch import model

    cpu = torch.device("cpu")
    with mock.patch.object(model, "device", return_value=cpu), mock.patch.object(model, "Events"):
        split = torch.ops.aten.max_pool2d_with_indices_backward.default
        found = {"as shipped": split in decompositions}
        for device in ("cuda", "cpu"):
            model.PyTorchModel(Plan(varied_network(), "compile", device))
            found[device] = split in decompositions
    return found


def compile_threads() -> list[int]:
    """Threads that Inductor compiles in: before models of pytorch:compile are built, and after one of each plan."""
    from torch._inductor import config

    from impls.frameworks.pytorch import model

    found = [config.compile_threads]
    for threads in (None, 1):
        model.PyTorchModel(Plan(varied_network(), "compile", compile_threads=threads))
        found.append(config.compile_threads)
    return found


def step_memory(contestant: str, phases: Sequence[str]) -> dict[str, tuple[str | int, str, int]]:
    """By phase of a model of JAX: bytes, their source, and compilations since the step, if there is a peak of a launch.

    Under "alone": the same where the allocator tells nothing, as on the CPU.
    """
    from unittest import mock

    network = varied_network()
    weights, statistics, arrays = _inputs(network)
    model = build(contestant, network, "float32")
    model.load(weights, statistics)
    batch = model.put(arrays.images, arrays.labels)
    found = {"alone": (model.allocated_by("infer", [batch]), "", 0)}
    for phase in phases:
        model.synchronize(model.phase(phase)(batch))
        before = model.compilations
        with mock.patch.object(model, "allocated", return_value=Allocated(PEAK, "since the launch began")):
            allocated = model.allocated_by(phase, [batch, batch])
        found[phase] = allocated.bytes, allocated.source, model.compilations - before
    return found


PEAK = 10**12
"""Bytes that an allocator says to have had since the launch began."""


def memory_fraction() -> float:
    """The share of a card's memory that JAX would allocate at most."""
    from jaxlib import xla_client

    return xla_client.generate_pjrt_gpu_plugin_options()["memory_fraction"]


@dataclass(frozen=True)
class Pooled:
    """The vectors of a batch of maps, and the gradient of the maps, where it is computed."""

    vectors: np.ndarray
    gradient: np.ndarray | None


def pyramid_network(layer: SpatialPyramid, size: Pair) -> Network:
    """A pyramid of two maps, and a full connection that, as the identity, has its vector for scores: in the canonical
    order, and exactly."""
    length = 2 * sum(n * n for n in layer.levels)
    return Network("pyramid", (2, *size), length, (layer, Dense("vector", length)), differentiates_input=True)


def pyramid_batch(network: Network) -> Batch:
    """Maps without equal cells, all below 0: a layer in which the border is the maximum is detected."""
    shape = (BATCH, *network.input_shape)
    cells = math.prod(shape)
    images = np.random.default_rng(cells).permutation(cells).reshape(shape).astype(np.float32) / cells - 2
    return Batch(images, np.arange(BATCH, dtype=np.int32))


def pyramids(contestant: str, precision: str, layer: SpatialPyramid, sizes: list[Pair]) -> list[Pooled]:
    """What a contestant makes of maps of these sizes: one model of all, if it takes any size."""
    framework, _, execution = contestant.partition(":")
    any_size = load_framework(framework).execution(execution).any_size
    found: list[Pooled] = []
    for size in sizes:
        network = pyramid_network(layer, size)
        if not found or not any_size:
            model = build(contestant, network, precision, open_sizes=any_size)
            length, kind = network.classes, np.float32
            model.load({"vector.weight": np.eye(length, dtype=kind), "vector.bias": np.zeros(length, kind)}, {})
        batch = model.put(*_pair(pyramid_batch(network)))
        vectors = model.to_numpy(model.infer(batch))
        gradient = model.gradients(model.gradient(batch))[INPUT] if differentiates(contestant) else None
        found.append(Pooled(vectors, gradient))
    return found


Windows = tuple[Window, ...]
WINDOWS = ((0, 7, 0, 9), (1, 4, 2, 9), (3, 7, 5, 6), (0, 1, 0, 1), (2, 6, 1, 8))


def windowed_network(windows: Windows) -> Network:
    """A convolution, a pyramid in each of the windows, a full connection, and the average over the windows."""
    pyramid = WindowPyramid("spp", (3, 2, 1), windows=windows)
    layers = Conv("mix", kernel=1, channels=4), pyramid, Dense("output", 5), WindowAverage("average")
    return Network("windowed", (3, 7, 9), 5, layers)


def windowed(contestant: str, precision: str, windows: Windows) -> tuple[np.ndarray, float, Arrays]:
    """(scores, loss, gradients) of that network."""
    network = windowed_network(windows)
    weights, _, arrays = _inputs(network)
    model = build(contestant, network, precision)
    model.load(weights, {})
    batch = model.put(arrays.images, arrays.labels)
    scores = model.to_numpy(model.infer(batch))
    if not differentiates(contestant):
        return scores, mean_loss(scores, arrays.labels, None), {}
    loss = float(model.to_numpy(model.forward(batch)))
    return scores, loss, model.gradients(model.gradient(batch))


def varied_network() -> Network:
    """Layers of many kinds: with arrays and without, of maps and of vectors, on a batch that none may write over."""
    layers = (
        Conv("mix", kernel=2, channels=6),
        Activation("relu", "relu"),
        LocalResponseNorm("norm"),
        BatchNorm("batch-norm"),
        Pool("pool", kernel=2),
        SpatialPyramid("spp", (2, 1)),
        Dense("hidden", 7),
        Activation("hidden-relu", "relu"),
        Dense("output", 5),
    )
    return Network("varied", (3, 7, 9), 5, layers, rejection_score=0.5)


def alone(contestant: str, precision: str) -> dict[str, tuple[float, Arrays]]:
    """(loss, gradients) of each layer of that network, alone, after a step of each phase on the same batch."""
    found = {}
    whole = varied_network()
    for layer in whole.layers:
        network = whole.alone(layer.name)
        weights, statistics, arrays = _inputs(network)
        model = build(contestant, network, precision)
        model.load(weights, statistics)
        batch = model.put(arrays.images, arrays.labels)
        model.infer(batch)
        loss = float(model.to_numpy(model.forward(batch)))
        found[layer.name] = loss, model.gradients(model.gradient(batch))
    return found


@dataclass(frozen=True)
class Travelled:
    """What one model made of images of many sizes: scores by size, losses of training steps by turns of two sizes, and
    how often it had compiled by then."""

    scores: dict[tuple[int, int], np.ndarray]
    losses: list[float]
    compilations: int
    fallback: str


def travels(contestant: str, sizes: list[tuple[int, int]], schedule: list[int]) -> Travelled:
    """One model of zf5-spp, narrowed, with one set of weights, at all of `sizes`; then a step at each of `schedule`."""
    from impls.architectures import load_architecture

    architecture = load_architecture("zf5-spp")
    every = {*sizes, *((side, side) for side in schedule)}
    networks = {size: narrowed(architecture.at(size).without_dropout()) for size in every}
    first = networks[sizes[0]]
    rate = Sgd(learning_rate=LEARNING_RATE / 10)  # or losses would end near 0
    model = build(contestant, first, "float32", rate, open_sizes=True)
    model.load(make_weights(first), make_statistics(first))
    batches = {size: model.put(*_pair(make_batch(network, 1))) for size, network in networks.items()}
    scores = {size: model.to_numpy(model.infer(batches[size])) for size in sizes}
    steps = schedule if differentiates(contestant) else []
    losses = [float(model.to_numpy(model.train(batches[side, side]))) for side in steps]
    return Travelled(scores, losses, model.compilations, model.fallback)


def gives_up(sizes: list[tuple[int, int]], limit: int) -> tuple[list[float], int, str]:
    """Of pytorch:compile, allowed `limit` compilations, at these sizes: errors of scores, compilations, fallback.

    PyTorch really traces and gives up; only what it traced is run as it is, since to compile that takes seconds a size.
    """
    from functools import partial
    from unittest import mock

    import torch

    networks = [pyramid_network(SpatialPyramid("spp", (2, 1)), size) for size in sizes]
    weights = make_weights(networks[0])
    with mock.patch("torch.compile", partial(torch.compile, backend="eager")):
        compiled, eager = (build(f"pytorch:{execution}", networks[0], "float32") for execution in ("compile", "eager"))
    before, scores = compiled.compilations, []
    with torch._dynamo.config.patch(recompile_limit=limit):
        for model in (compiled, eager):
            model.load(weights, {})
            batches = [model.put(*_pair(make_batch(network, 1))) for network in networks]
            scores.append([model.to_numpy(model.infer(batch)) for batch in batches])
    errors = [float(np.abs(given - right).max()) for given, right in zip(*scores)]
    return errors, compiled.compilations - before, compiled.fallback


# --- Oracles of other people ----------------------------------------------------------------------------------------


def keras_vgg16(size: tuple[int, int], classes: int) -> tuple[int, list[tuple[int, ...]], np.ndarray]:
    """(parameters, shapes, scores) of keras.applications.VGG16 with the weights and images of vgg-d.

    Weights are turned around by hand here: `impls.layouts` is what is tested.
    """
    import keras

    from impls.architectures import load_architecture

    network = load_architecture("vgg-d").at(size=size, classes=classes).without_dropout()
    weights, _, batch = _inputs(network)
    model = keras.applications.VGG16(weights=None, input_shape=(*size, 3), classes=classes, classifier_activation=None)
    native = []
    channels, height, width = next(row.input for row in network.rows if isinstance(row.layer, Flatten))
    for name, array in weights.items():
        if name == "fc6.weight":
            array = array.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(len(array), -1)
        native.append(array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T)
    shapes = [tuple(value.shape) for value in model.weights]
    model.set_weights(native)
    scores = np.asarray(model(batch.images.transpose(0, 2, 3, 1), training=False))
    return model.count_params(), shapes, scores


def torch_bins(pairs: list[Pair]) -> list[list[Pair]]:
    """The bins of PyTorch's adaptive pooling for each (side, n): the least and the largest number of a cell in each."""
    import torch

    found = []
    for side, n in pairs:
        cells = torch.arange(side, dtype=torch.float64)[None]
        starts, ends = (sign * torch.nn.functional.adaptive_max_pool1d(sign * cells, n)[0] for sign in (-1, 1))
        found.append([(int(start), int(end) + 1) for start, end in zip(starts, ends, strict=True)])
    return found


def unlike_torch(
    contestants: list[str], sides: range, levels: tuple[int, ...], tolerance: float
) -> dict[str, set[Pair]]:
    """By contestant, and for the NumPy oracle: the sizes of maps whose pyramid is not PyTorch's own.

    That is `torch.cat([adaptive_max_pool2d(x, n).flatten(1) for n in levels], 1)`: equal in every number, its gradient
    within `tolerance`. Of contestants it is the module that they run, or would compile.
    """
    import torch
    from torch.nn.functional import adaptive_max_pool2d

    layer = SpatialPyramid("spp", levels)
    network = pyramid_network(layer, (sides[-1], sides[-1]))
    largest = pyramid_batch(network).images[:1]
    signal = np.random.default_rng(0).standard_normal((1, network.classes))
    modules: dict[str, Callable[[Any], Any]] = {
        "torch": lambda x: torch.cat([adaptive_max_pool2d(x, n).flatten(1) for n in levels], 1)
    }
    for name in contestants:
        whole = build(name, network, "float64").module(Plan(network, name.partition(":")[2]))
        modules[name] = whole.get_submodule(layer.name)
    unlike: dict[str, set[Pair]] = {name: set() for name in (*contestants, "oracle")}
    for size in product(sides, sides):
        maps = largest[:, :, : size[0], : size[1]].astype(np.float64)
        found = {name: _pooled_by_torch(module, maps, signal) for name, module in modules.items()}
        places = pyramid_places(maps, pyramid_edges(layer.rule, size, levels))
        vectors = np.take_along_axis(flatten(maps), places, 1)
        found["oracle"] = Pooled(vectors, pyramid_gradient(signal, places, maps.shape))
        right = found.pop("torch")
        for name, given in found.items():
            same = np.array_equal(given.vectors, right.vectors)
            if not same or np.abs(given.gradient - right.gradient).max() > tolerance:
                unlike[name].add(size)
    return unlike


def _pooled_by_torch(module: Callable[[Any], Any], maps: np.ndarray, signal: np.ndarray) -> Pooled:
    import torch

    x = torch.tensor(maps, requires_grad=True)
    vectors = module(x)
    (gradient,) = torch.autograd.grad(vectors, x, torch.from_numpy(signal))
    return Pooled(vectors.detach().numpy(), gradient.numpy())


def copied(contestant: str, copies: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Scores, and loss or NaN, of a batch of one image many times: put as such, and copied where it is computed."""
    network = small("lenet5")
    weights, statistics, _ = _inputs(network)
    model = build(contestant, network, "float32")
    model.load(weights, statistics)
    one = make_batch(network, 1)
    repeated = Batch(np.repeat(one.images, copies, 0), np.repeat(one.labels, copies, 0))
    batches = model.put(*_pair(repeated)), model.put_copies(one.images, one.labels, copies)
    scores = [model.to_numpy(model.infer(batch)) for batch in batches]
    framework, execution = contestant.split(":")
    trains = "forward" in load_framework(framework).execution(execution).phases
    losses = [float(model.to_numpy(model.forward(batch))) if trains else math.nan for batch in batches]
    return scores[0], scores[1], losses[0], losses[1]
