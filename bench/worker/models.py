"""Builds the models that a worker examines or times, and puts their batches on the device."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from bench.cost.workload import has_several_sizes, network_of
from bench.plan import settings
from bench.plan.executions import execution_of
from impls.arrays import make_batch, make_statistics
from impls.errors import Unsupported
from impls.frameworks import Model, Plan, is_card, load_framework
from impls.network import Network
from results.schema.record import Case, Workload


def build(network: Network, case: Case, weights: str, seed: int, cold: bool = False, for_gate: bool = False) -> Model:
    """The contestant's model with the canonical weights of the folder `weights`, which are memory-mapped."""
    model = new_model(network, case, seed, cold, for_gate)
    arrays = {name: np.load(Path(weights) / f"{name}.npy", mmap_mode="c") for name in network.arrays}
    model.load(arrays, make_statistics(network))
    return model


def new_model(network: Network, case: Case, seed: int, cold: bool = False, for_gate: bool = False) -> Model:
    """The contestant's model of a network, in the workload's precision and on its device, without weights.

    `cold`: without compile caches, and with folders of its own for what keeps compiled code nevertheless. A stream
    measures compilation too, so all its launches are cold. `for_gate`: on a card, it is compiled in one thread: the
    gate runs as many launches as cores at a time, and each thread of a compiler is a process that takes memory.
    """
    workload, contestant = case.workload, case.contestant
    several = has_several_sizes(workload)
    if several and not execution_of(contestant).any_size:
        raise Unsupported(f"{contestant.id} builds a network for images of one size")
    cold = cold or bool(workload.stream)
    if cold:
        os.environ.update(settings.apart(case, f"cold-{os.getpid()}", os.environ))
    plan = Plan(
        network,
        contestant.execution,
        workload.device,
        workload.precision,
        seed=seed,
        cold=cold,
        open_sizes=several,
        devices=workload.devices,
        compile_threads=1 if for_gate and is_card(workload.device) else None,
    )
    return load_framework(contestant.framework).build(plan)


def put_batch(model: Model, workload: Workload, copies: bool) -> Any:
    """The workload's batch on the model's device: different images, or `copies` of one."""
    network = network_of(workload)
    if copies:
        one = make_batch(network, 1)
        return model.put_copies(one.images, one.labels, workload.batch)
    batch = make_batch(network, workload.batch)
    return model.put(batch.images, batch.labels)
