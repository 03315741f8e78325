"""One replica of a network under DistributedDataParallel, and the process that serves it."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from impls.errors import Unavailable, one_line
from impls.frameworks import Plan
from impls.frameworks.pytorch.model import Batch, PyTorchModel
from impls.host.process import given_threads, set_parent_death_signal
from impls.host.usable import usable_cores

HOST = "127.0.0.1"
PATIENCE = timedelta(minutes=30)
"""How long a replica waits for the others: longer than a request may take."""


@dataclass(frozen=True)
class Kept:
    """Stands for a value that stays in the replicas' processes, each of which has its own part: a batch, or outputs."""

    number: int


@dataclass(frozen=True)
class Order:
    """A call of a replica's method. `keep`: the result stays under this number; None: it is answered.

    `drop`: the numbers of values that are no longer needed.
    """

    method: str
    arguments: tuple[Any, ...] = ()
    keep: int | None = None
    drop: tuple[int, ...] = ()


class Replica(PyTorchModel):
    """The eager model of one device: each has equal weights and its part of the batch, and gradients are averaged."""

    def __init__(self, plan: Plan, rank: int):
        self._rank, self._devices = rank, plan.devices
        super().__init__(replace(plan, execution="eager", seed=self._own_seed(plan.seed)))

    def _own_seed(self, seed: int) -> int:
        """Each device draws its own dropout."""
        return seed * self._devices + self._rank

    def place(self, module: nn.Module) -> nn.Module:
        on_card = self._device.type == "cuda"
        return DistributedDataParallel(super().place(module), device_ids=[self._rank] if on_card else None)

    def named_parameters(self, module: nn.Module) -> dict[str, nn.Parameter]:
        return dict(module.module.named_parameters())  # type: ignore[union-attr, operator, arg-type]

    def named_buffers(self, module: nn.Module) -> dict[str, Tensor]:
        return dict(module.module.named_buffers())  # type: ignore[union-attr, operator, arg-type]

    def name_in_module(self, name: str) -> str:
        return f"module.{name}"

    def load(self, weights: Mapping[str, np.ndarray] | None, statistics: Mapping[str, np.ndarray]) -> None:
        """The weights are given to the first replica, from which the others get them."""
        if weights is not None:
            super().load(weights, statistics)
        with torch.no_grad():
            for value in self._values:
                dist.broadcast(value, 0)
        self._new_optimizer()

    def reseed(self, seed: int) -> None:
        super().reseed(self._own_seed(seed))

    def gradient(self, batch: Batch) -> tuple[Tensor, Sequence[Tensor]]:
        """Of the mean over all replicas' images: backward averages gradients, torch.autograd.grad would not."""
        by = [*self._values, batch.images] if self._differentiates_input else self._values
        for value in by:
            value.grad = None
        loss = self.forward(batch)
        loss.backward()
        return loss.detach(), [value.grad for value in by if value.grad is not None]

    def scores_or_loss(self, outputs: Tensor | tuple[Tensor, Sequence[Tensor]]) -> np.ndarray:
        """Scores or a loss as NumPy; of gradients, their loss."""
        return self.to_numpy(outputs[0] if isinstance(outputs, tuple) else outputs)

    def wait(self) -> None:
        """Returns when all that was ordered before is computed."""
        self.synchronize(None)


def serve(link: Connection, others: Sequence[Connection], plan: Plan, rank: int, parent: int) -> None:
    """Serve one replica until the connection closes: orders come in, answers or exceptions go out.

    `others`: the ends of the parent, which must not stay open here.
    """
    set_parent_death_signal(parent)
    for end in others:
        end.close()
    try:
        _use_own_cores(plan.devices, rank)
        _join(link, plan, rank)
        _obey(link, Replica(plan, rank))
    except EOFError:  # the parent has closed the connection, or ended
        pass
    except Exception as problem:
        _answer(link, problem)
    os._exit(0)  # without the exit handlers, which are the parent's


def _obey(link: Connection, replica: Replica) -> None:
    kept: dict[int, Any] = {}
    link.send("ready")
    while True:
        order: Order = link.recv()
        for number in order.drop:
            kept.pop(number, None)
        arguments = [kept[one.number] if isinstance(one, Kept) else one for one in order.arguments]
        result = getattr(replica, order.method)(*arguments)
        del arguments
        if order.keep is None:
            link.send(result)
        else:
            kept[order.keep] = result
        del result


def _answer(link: Connection, problem: Exception) -> None:
    try:
        link.send(problem)
    except Exception:  # it cannot be pickled, or the parent has ended
        link.send(RuntimeError(one_line(problem)))


def _use_own_cores(devices: int, rank: int) -> None:
    """Give this replica its part of the cores, and as many threads; at least one."""
    cores = usable_cores()
    each = max(1, len(cores) // devices)
    torch.set_num_threads(max(1, (given_threads() or len(cores)) // devices))
    if given_threads() and hasattr(os, "sched_setaffinity"):
        start = rank * each % len(cores)
        os.sched_setaffinity(0, cores[start : start + each])


def _join(link: Connection, plan: Plan, rank: int) -> None:
    """Join the group of all replicas. The first one hosts their meeting point, at a port that the system chooses."""
    if plan.device == "cuda":
        if torch.cuda.device_count() <= rank:
            raise Unavailable(f"PyTorch finds {torch.cuda.device_count()} cards, {plan.devices} are needed")
        torch.cuda.set_device(rank)
    if rank == 0:
        store = dist.TCPStore(HOST, 0, is_master=True, wait_for_workers=False, timeout=PATIENCE)
        link.send(store.port)
    else:
        store = dist.TCPStore(HOST, link.recv(), timeout=PATIENCE)
    if plan.device == "cpu":
        os.environ["GLOO_SOCKET_IFNAME"] = _loopback()
    backend = "nccl" if plan.device == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=plan.devices, timeout=PATIENCE)


def _loopback() -> str:
    """The name of the network interface of this machine alone: "lo" on Linux, "lo0" on macOS."""
    return next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
