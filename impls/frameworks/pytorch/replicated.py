"""DistributedDataParallel: a process for each device, directed from here, where nothing is computed.

The replicas are forks of this process, which must not have computed with PyTorch itself: its threads would be missing
in a fork. They die with it.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import weakref
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any

import numpy as np

from impls.frameworks import Allocated, Model, Plan, shares
from impls.frameworks.pytorch.replica import Kept, Order, serve

MOMENT = 0.5
"""Seconds that the end of a process may be seen later than that of its connections."""


class Remote:
    """A batch or outputs in the replicas' processes, which drop it when this object goes."""

    def __init__(self, number: int, unneeded: list[int]):
        self.kept = Kept(number)
        self._drop = weakref.finalize(self, unneeded.append, number)
        self._drop.atexit = False


class Replicas:
    """The processes of all replicas, in the order of their devices."""

    def __init__(self, plan: Plan):
        self._links: list[Connection] = []
        self.processes: list[ForkProcess] = []
        self._unneeded: list[int] = []
        self._numbers = itertools.count()
        for rank in range(plan.devices):
            self._start(plan, rank)
        self._end = weakref.finalize(self, _end, self.processes, self._links)
        (port,) = self._answers(self._links[:1])
        for link in self._links[1:]:
            link.send(port)
        self._answers(self._links)  # each is ready

    def _start(self, plan: Plan, rank: int) -> None:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        self._links.append(ours)
        arguments = (theirs, tuple(self._links), plan, rank, os.getpid())
        process = context.Process(target=serve, args=arguments, daemon=True)
        process.start()
        theirs.close()
        self.processes.append(process)

    def keep(self, method: str, *arguments: Sequence[Any]) -> Remote:
        """Order a call whose result stays in the processes, and go on; each argument has a value for each replica."""
        number = next(self._numbers)
        self._order(method, arguments, number)
        return Remote(number, self._unneeded)

    def ask(self, method: str, *arguments: Sequence[Any]) -> list[Any]:
        """The result of a call in each replica. Raises what it raised there, or RuntimeError if a process has died."""
        self._order(method, arguments, None)
        return self._answers(self._links)

    def same(self, value: object) -> list[object]:
        """An argument that is the same for every replica."""
        return [value.kept if isinstance(value, Remote) else value] * len(self._links)

    def _order(self, method: str, arguments: Sequence[Sequence[Any]], number: int | None) -> None:
        drop = tuple(self._unneeded)
        self._unneeded.clear()
        for rank, link in enumerate(self._links):
            try:
                link.send(Order(method, tuple(values[rank] for values in arguments), number, drop))
            except (BrokenPipeError, ConnectionResetError):
                self._receive(rank)  # what it said last, or how it ended
                raise

    def _answers(self, links: Sequence[Connection]) -> list[Any]:
        """The next answer of each; the first error ends the waiting, as the other replicas wait for the failed one."""
        answers: dict[Connection, Any] = {}
        while len(answers) < len(links):
            for link in wait([link for link in links if link not in answers]):
                assert isinstance(link, Connection)
                answers[link] = self._receive(self._links.index(link))
        return [answers[link] for link in links]

    def _receive(self, rank: int) -> Any:
        try:
            answer = self._links[rank].recv()
        except (EOFError, ConnectionResetError):
            self.processes[rank].join()
            raise self._ended(rank) from None
        if isinstance(answer, Exception):
            raise self._killed(but=rank) or answer
        return answer

    def _killed(self, but: int) -> RuntimeError | None:
        """The end of another replica that did not end by itself, and so is why this one failed; None without one."""
        others = {self.processes[rank].sentinel: rank for rank in range(len(self.processes)) if rank != but}
        ended = [others[sentinel] for sentinel in wait(list(others), MOMENT) if isinstance(sentinel, int)]
        for rank in ended:  # its files close, which the sentinel tells, before it has an exit code
            self.processes[rank].join()
        return next((self._ended(rank) for rank in ended if self.processes[rank].exitcode), None)

    def _ended(self, rank: int) -> RuntimeError:
        return RuntimeError(f"the process of device {rank} ended (exit code {self.processes[rank].exitcode})")


def _end(processes: Sequence[ForkProcess], links: Sequence[Connection]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.join()
    for link in links:
        link.close()


class ReplicatedModel(Model):
    """A network on several devices, with the batch divided among them and equal weights on all."""

    def __init__(self, plan: Plan):
        self._devices = plan.devices
        self._replicas = Replicas(plan)

    @property
    def processes(self) -> Sequence[int]:
        return [process.pid for process in self._replicas.processes if process.pid is not None]

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        first = {name: np.asarray(array) for name, array in weights.items()}
        self._replicas.ask("load", [first, *[None] * (self._devices - 1)], self._replicas.same(dict(statistics)))

    def weights(self) -> dict[str, np.ndarray]:
        return self.weights_of_devices()[0]

    def weights_of_devices(self) -> list[dict[str, np.ndarray]]:
        """The weights that each device has, which are equal."""
        return self._replicas.ask("weights")

    def statistics(self) -> dict[str, np.ndarray]:
        return self._first("statistics")

    def momentum(self) -> dict[str, np.ndarray]:
        return self._first("momentum")

    def set_momentum(self, momentum: Mapping[str, np.ndarray]) -> None:
        self._replicas.ask("set_momentum", self._replicas.same(dict(momentum)))

    def reseed(self, seed: int) -> None:
        self._replicas.ask("reseed", self._replicas.same(seed))

    def put(self, images: np.ndarray, labels: np.ndarray) -> Remote:
        own_images, own_labels = zip(*shares(images, labels, self._devices))
        return self._replicas.keep("put", own_images, own_labels)

    def infer(self, batch: Remote) -> Remote:
        return self._replicas.keep("infer", self._replicas.same(batch))

    def forward(self, batch: Remote) -> Remote:
        return self._replicas.keep("forward", self._replicas.same(batch))

    def gradient(self, batch: Remote) -> tuple[Remote, Remote]:
        outputs = self._replicas.keep("gradient", self._replicas.same(batch))
        return outputs, outputs

    def train(self, batch: Remote) -> Remote:
        return self._replicas.keep("train", self._replicas.same(batch))

    def synchronize(self, outputs: object) -> None:
        self._replicas.ask("wait")

    def to_numpy(self, outputs: Remote) -> np.ndarray:
        """The scores of all devices' images in order, or the mean of their losses."""
        found = self._replicas.ask("scores_or_loss", self._replicas.same(outputs))
        return np.concatenate(found) if found[0].ndim else np.mean(found, dtype=found[0].dtype)

    def gradients(self, outputs: tuple[Remote, Remote]) -> dict[str, np.ndarray]:
        return self._first("gradients", outputs[1])

    def devices(self, outputs: Remote | tuple[Remote, Remote]) -> frozenset[str]:
        kept = outputs[0] if isinstance(outputs, tuple) else outputs
        return frozenset().union(*self._replicas.ask("devices", self._replicas.same(kept)))

    def forget_allocated(self) -> None:
        self._replicas.ask("forget_allocated")

    def allocated(self) -> Allocated | str:
        """The sum over devices."""
        found = self._replicas.ask("allocated")
        known = [one for one in found if isinstance(one, Allocated)]
        if len(known) < len(found):
            return next(one for one in found if isinstance(one, str))
        return Allocated(sum(one.bytes for one in known), f"{known[0].source}; the sum over devices")

    def _first(self, method: str, *arguments: object) -> dict[str, np.ndarray]:
        """The answer of the first device, where all have the same."""
        found: dict[str, np.ndarray] = self._replicas.ask(method, *map(self._replicas.same, arguments))[0]
        return found
