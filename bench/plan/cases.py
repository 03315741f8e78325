"""The cases of a suite: every workload with every contestant, checked against the registries."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from bench.networks import probes
from bench.plan import image_sizes, streams
from bench.plan.parse import parse_contestant, parse_size
from bench.plan.suite import Suite, SuiteError, WorkloadGrid
from impls.architectures import load_architecture
from impls.errors import DeadheatError, InvalidInput
from impls.frameworks import PHASES, PRECISIONS, checked, images_per_device
from impls.layers import Pair
from impls.network import ALONE, Network, can_be_alone
from impls.precision import POLICIES
from results.schema.record import Case, Workload


def cases(suite: Suite, device: str) -> list[Case]:
    """Every case of the suite once, in the suite's order. SuiteError, with the key, for unknown names and bad sizes."""
    planned = dict.fromkeys(_ceiling_cases(suite, device)) if suite.ceilings else {}
    images = photographs(suite)
    sizes = list(images.sizes.values()) if images else None
    for number, entry in enumerate(suite.workloads):
        try:
            planned.update(dict.fromkeys(_entry_cases(suite, entry, device, sizes)))
        except DeadheatError as problem:
            raise SuiteError(f"workloads.{number}: {problem}") from None
    return list(planned)


def photographs(suite: Suite) -> image_sizes.ImageFolderSizes | None:
    """The images whose sizes the streams use: those that every streamed network accepts; None without `sizes_from`."""
    if not suite.sizes_from:
        return None
    images = image_sizes.read_sizes(suite.sizes_from)
    for entry in suite.workloads:
        for name in entry.architectures if entry.streams else ():
            images = images.without(_too_small(name, entry, images.sizes))
    return images


def _too_small(architecture: str, entry: WorkloadGrid, sizes: Mapping[str, Pair]) -> dict[str, str]:
    reasons = {}
    for name, size in sizes.items():
        try:
            load_architecture(architecture).at(size, entry.channels, entry.classes)
        except InvalidInput as problem:
            reasons[name] = str(problem)
    return reasons


def _ceiling_cases(suite: Suite, device: str) -> Iterator[Case]:
    """The peak probes, in every precision of the suite, with each of its frameworks.

    The rate at which weights are read is that of a precision that does not cast them: a cast that is not fused would
    move further bytes.
    """
    named = (precision for entry in suite.workloads for precision in entry.precisions)
    policies = [POLICIES[checked("precision", name, PRECISIONS)] for name in dict.fromkeys(named)]
    contestants = [parse_contestant(text) for text in suite.contestants]
    first = {parsed.framework: parsed for parsed in reversed(contestants)}
    for probe in probes.probes_on(device):
        precisions = dict.fromkeys(policy.uncast if probe.of == "bytes" else policy.name for policy in policies)
        entry = WorkloadGrid(**probe.entry(device), precisions=tuple(precisions), phases=("infer",))
        for workload in workloads(entry, device):
            for contestant in reversed(first.values()):
                yield Case(workload, contestant)


def _entry_cases(suite: Suite, entry: WorkloadGrid, device: str, sizes: Sequence[Pair] | None) -> Iterator[Case]:
    contestants = [parse_contestant(text) for text in entry.contestants or suite.contestants]
    _check_devices(suite, entry)
    plain = workloads(entry, device)
    for workload in _streamed(plain, entry.streams, suite.seed, sizes) if entry.streams else plain:
        for contestant in contestants:
            yield Case(workload, contestant)


def _check_devices(suite: Suite, entry: WorkloadGrid) -> None:
    """InvalidInput where a step cannot be divided: a stream's, whose parts have few images, and in a search."""
    several = [devices for devices in entry.devices if devices > 1]
    if several and (entry.streams or suite.largest_batch):
        what = "a stream" if entry.streams else "a search for the largest batch"
        raise InvalidInput(f"devices = {several}: {what} runs on one device; leave devices out")


def workloads(entry: WorkloadGrid, device: str) -> Iterator[Workload]:
    sizes: tuple[Pair | None, ...] = tuple(map(parse_size, entry.sizes)) or (None,)
    names = [name_or_layer for name in entry.architectures for name_or_layer in _with_layers(name, entry)]
    grid = itertools.product(names, sizes, entry.batches, entry.precisions, entry.devices)
    for name, size, batch, precision, devices in grid:
        network = _whole_network(name, size, entry)
        _ = images_per_device(batch, devices)
        channels, height, width = network.input_shape
        for phase in entry.phases:
            yield Workload(
                architecture=name,
                height=height,
                width=width,
                channels=channels,
                classes=network.classes,
                batch=batch,
                precision=checked("precision", precision, PRECISIONS),
                device=device,
                phase=checked("phase", phase, PHASES),
                devices=devices,
            )


def _with_layers(name: str, entry: WorkloadGrid) -> list[str]:
    """The architecture and, with `layers = "each"`, each of its layers alone."""
    architecture = load_architecture(name)
    table = architecture.table(architecture.classes) if entry.layers else ()
    layers = [layer.name for layer in table if can_be_alone(layer)]
    if "train" in entry.phases and (layers or architecture.layer):
        raise InvalidInput(
            f"{name}: a single layer cannot be trained; give phases without train, such as phases = ['gradient']"
        )
    return [name, *(f"{name}{ALONE}{layer}" for layer in layers)]


def _whole_network(name: str, size: Pair | None, entry: WorkloadGrid) -> Network:
    """The whole network of a workload, also of a single layer. InvalidInput for an invalid size or layer."""
    architecture = load_architecture(name)
    _ = architecture.at(size, entry.channels, entry.classes)
    return architecture.full_network(size, entry.channels, entry.classes)


def _streamed(
    plain: Iterable[Workload], names: Sequence[str], seed: int, sizes: Sequence[Pair] | None
) -> Iterator[Workload]:
    """Each workload once per stream. InvalidInput if the network does not accept one of the stream's sizes."""
    for workload in plain:
        for name in names:
            parts = streams.parts(name, workload.batch, seed, sizes)
            _check_sizes(workload, parts)
            yield replace(workload, stream=name, parts=parts)


def _check_sizes(workload: Workload, parts: Sequence[streams.Part]) -> None:
    """InvalidInput if the network rejects a size, or its weights have different shapes at different sizes."""
    architecture = load_architecture(workload.architecture)
    size_by_shapes: dict[str, Pair] = {}
    for height, width in dict.fromkeys((height, width) for height, width, _ in parts):
        network = architecture.at((height, width), workload.channels, workload.classes)
        size_by_shapes.setdefault(repr(network.arrays), (height, width))
    if len(size_by_shapes) > 1:
        first, second = (f"{height}x{width}" for height, width in list(size_by_shapes.values())[:2])
        raise InvalidInput(
            f"{workload.architecture}: weights differ between {first} and {second}, so one stream cannot have both; "
            "use a network with a spatial pyramid or a global average, such as zf5-spp or nin-imagenet"
        )
