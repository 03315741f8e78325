"""What JAX hands to XLA for a card, which it lowers without one: the operations of a step, and their arguments."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from impls.architectures import load_architecture
from impls.arrays import make_batch, make_statistics, make_weights
from impls.frameworks import Phase, Plan, load_framework
from impls.network import Network
from oracle.networks import BATCH, SMALL, narrowed

PRODUCTS = ("stablehlo.dot_general", "stablehlo.convolution")


@dataclass(frozen=True)
class Lowered:
    """A step, lowered and exported for a card.

    `products`: name, precisions and formats of operands of each product and convolution; `operations`: names of all;
    `donated` and `given`: arguments that the step may overwrite, and all; `state`: arrays that it changes; `formats`:
    of floating-point arguments and results.
    """

    products: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
    operations: set[str]
    donated: int
    given: int
    state: int
    formats: set[str]
    platforms: tuple[str, ...]


def network() -> Network:
    """AlexNet, narrowed: groups, LRN, pools with overlap, full connections and dropout."""
    return narrowed(load_architecture("alexnet").at(SMALL["alexnet"]))


def lowered(contestant: str, precision: str, phase: Phase) -> Lowered:
    """A step of a model of JAX, built on the CPU in a precision that only cards may have, and lowered for a card."""
    import jax

    framework, _, execution = contestant.partition(":")
    module, _, build = load_framework(framework).model.partition(":")
    model = getattr(importlib.import_module(module), build)(Plan(network(), execution, precision=precision))
    model.load(make_weights(network()), make_statistics(network()))
    arrays = make_batch(network(), BATCH)
    step, arguments = model.call(phase, model.put(arrays.images, arrays.labels))
    text = step.trace(*arguments).lower(lowering_platforms=("cuda",)).compiler_ir("stablehlo")
    operations = list(walked(text.operation))
    (main,) = (one for one in operations if "sym_name" in one.attributes and one.attributes["sym_name"].value == "main")
    marks = [str(mark) for mark in main.attributes["arg_attrs"]]
    exported = jax.export.export(step, platforms=("cuda",))(*arguments)
    formats = {one.dtype for one in (*exported.in_avals, *exported.out_avals)}
    return Lowered(
        products=[product(one) for one in operations if one.name in PRODUCTS],
        operations={one.name for one in operations},
        donated=sum("tf.aliasing_output" in mark or "jax.buffer_donor" in mark for mark in marks),
        given=len(marks),
        state=len(jax.tree.leaves(arguments[0])),
        formats={str(one) for one in formats if jax.numpy.issubdtype(one, jax.numpy.floating)},
        platforms=exported.platforms,
    )


def walked(operation: Any) -> Iterator[Any]:
    """The operation and all within it."""
    yield operation
    for region in operation.regions:
        for block in region:
            for inner in block:
                yield from walked(inner.operation)


def product(operation: Any) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Name, precisions (#stablehlo<precision HIGH> is HIGH) and operands' formats of a product or convolution."""
    precisions = [str(one).removesuffix(">").split()[-1] for one in operation.attributes["precision_config"]]
    return operation.name, tuple(precisions), tuple(str(one.type.element_type) for one in operation.operands)
