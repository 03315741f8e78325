"""What models on several devices do in child processes, beside the same network on one device."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from typing import Any

import numpy as np

import impls
from bench.worker.evidence import Evidence, evidence
from impls.arrays import Batch, make_batch, make_statistics, make_weights
from impls.errors import DeadheatError
from impls.frameworks import Model, Plan
from impls.network import Network

DEVICES, BATCH, STEPS = 4, 8, 2
KEPT: list[Model] = []
"""Models whose processes outlive the request that built them."""


def _model(framework: str, execution: str, network: Network, devices: int = 1) -> Model:
    model = impls.build(framework, network, execution, devices=devices)
    model.load(make_weights(network), make_statistics(network))
    return model


def compare(framework: str, execution: str, plain: str) -> dict[str, Any]:
    """Evidence of LeNet-5 on DEVICES devices, with errors planted in it, and on one; weights after STEPS steps."""
    network = impls.load_architecture("lenet5").at()
    batch, several = make_batch(network, BATCH), _model(framework, execution, network, DEVICES)
    alone = _model(framework, plain, network)
    return {
        "several": evidence(several, network, batch),
        "one": evidence(alone, network, batch),
        **{error: _planted(error, several, network, batch) for error in ("sum", "first")},
        "losses": (_trained(several, batch), _trained(alone, batch)),
        "weights": (several.weights(), alone.weights()),
        "of_devices": getattr(several, "weights_of_devices", list)(),
        "refused": _refusal(several, batch),
    }


def _planted(error: str, model: Model, network: Network, batch: Batch) -> Evidence:
    """Evidence with gradients summed over devices in place of the mean, or with the first device's images on all."""
    if error == "first":
        each = BATCH // DEVICES
        first = Batch(*(np.concatenate([array[:each]] * DEVICES) for array in (batch.images, batch.labels)))
        return evidence(model, network, first)
    mean = model.gradients
    try:
        model.gradients = lambda outputs: {name: DEVICES * one for name, one in mean(outputs).items()}  # type: ignore[method-assign]
        return evidence(model, network, batch)
    finally:
        del model.gradients  # type: ignore[method-assign]


def _trained(model: Model, batch: Batch) -> list[float]:
    placed = model.put(batch.images, batch.labels)
    losses = []
    for _ in range(STEPS):
        loss = model.train(placed)
        model.synchronize(loss)
        losses.append(float(model.to_numpy(loss)))
    return losses


def _refusal(model: Model, batch: Batch) -> str:
    try:
        model.put(batch.images[1:], batch.labels[1:])
    except DeadheatError as problem:
        return str(problem)
    return "not refused"


def processes() -> tuple[int, list[int]]:
    """The ids of this process and of those that compute for a model in it."""
    KEPT.append(_model("pytorch", "ddp", impls.load_architecture("lenet5").at(), 2))
    return os.getpid(), list(KEPT[0].processes)


def after_a_death() -> str:
    """What is said when one of a model's processes was killed; how many of the others are left when the model goes."""
    network = impls.load_architecture("lenet5").at()
    model, batch = _model("pytorch", "ddp", network, 2), make_batch(network, 2)
    placed = model.put(batch.images, batch.labels)
    os.kill(model.processes[1], signal.SIGKILL)
    try:
        model.synchronize(model.train(placed))
    except RuntimeError as problem:
        return str(problem)
    return "nothing"


def after_a_failure_that_another_ones_death_caused() -> str:
    """What is said when one replica fails before it is seen that another one was killed."""
    from impls.frameworks.pytorch.replicated import Replicas

    class Two(Replicas):
        def _start(self, plan, rank: int) -> None:
            context = multiprocessing.get_context("fork")
            ours, theirs = context.Pipe()
            self._links.append(ours)
            self.processes.append(context.Process(target=_fail_or_die, args=(theirs, rank), daemon=True))
            self.processes[-1].start()
            theirs.close()

    try:
        Two(Plan(impls.load_architecture("lenet5").at(), "ddp", devices=2)).ask("train")
    except RuntimeError as problem:
        return str(problem)
    return "nothing"


def _fail_or_die(link, rank: int) -> None:
    if rank:
        link.recv()
    for answer in ("ready",) if rank else (1, "ready"):
        link.send(answer)
    link.recv()
    if rank:
        time.sleep(0.1)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # as the kernel does it, some time before there is an exit code
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    link.send(RuntimeError("Connection closed by peer"))
    link.recv()
