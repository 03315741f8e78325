"""Ray: nodes join with `fleet node`, attempts are Ray's tasks, parts come back through Ray, without a shared disk."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleet import part
from fleet import unit as units
from fleet.engine import Attempt, Kind, Offer
from fleet.engines import _ray_node
from fleet.engines._ray_node import CARDS, MACHINE, NAME, SLOTS, SOFTWARE, TYPE
from fleet.part import Ended, Outcome, PartError
from impls.errors import InvalidInput, Unavailable, one_line

ADDRESS = "127.0.0.1:6379"
CONNECT_SECONDS = 5.0
LEASE_SECONDS = 180.0
"""Time beyond a unit's time limit after which an attempt that has not answered is given up."""
DEAD_SECONDS = 5.0
"""Time for an answer, or an error of Ray's own, of a node that Ray has declared dead."""


@dataclass
class _Running:
    """An attempt on Ray's node `node`, since `begun`; `died`: when that was seen to be dead. Times in seconds."""

    attempt: Attempt
    node: str
    begun: float
    died: float | None = None


class RayEngine:
    """An engine of a running Ray cluster; the driver must run on one of its machines. lease_seconds: LEASE_SECONDS."""

    places = True

    def __init__(self, address: str, lease_seconds: float = LEASE_SECONDS):
        _check_answers(address)
        os.environ.update(_ray_node.settings())  # before Ray is imported, which reads them once
        self._ray = _import()
        try:
            with _silent():
                self._ray.init(address=address, log_to_driver=False, configure_logging=False)
        except Exception as problem:  # ConnectionError, RuntimeError, AuthenticationError: all are "can't connect"
            raise Unavailable(
                f"Ray at {address} takes no driver: {one_line(problem)}; run it on a machine of the cluster, with the "
                "first machine's ~/.ray/auth_token and the same versions of Ray and Python"
            ) from None
        self._lease = lease_seconds
        self._running: dict[Any, _Running] = {}
        self._given_up: dict[Any, Attempt] = {}
        self._ids: dict[str, str] = {}

    def nodes(self) -> Sequence[Offer]:
        offers = {}
        for one in self._ray.nodes():
            labels = one.get("Labels", {})
            if one["Alive"] and NAME in labels:
                name = labels[NAME]
                self._ids[name] = one["NodeID"]
                offers[name] = Offer(
                    name,
                    labels.get(TYPE, ""),
                    labels.get(SOFTWARE, ""),
                    int(labels.get(SLOTS, 1)),
                    int(labels.get(CARDS, 0)),
                )
        return [offers[name] for name in sorted(offers)]  # Ray has no order of its own

    def adopt(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        return []  # they ended with their driver

    def submit(self, attempts: Sequence[Attempt]) -> None:
        slots = {one.id: one.slots for one in self.nodes()}
        for attempt in attempts:
            task = self._task(attempt, slots.get(attempt.node, 1))
            unit = units.write(attempt.unit, attempt.folder)
            reference = task.remote(unit.read_bytes(), attempt.unit.id, attempt.number)
            self._running[reference] = _Running(attempt, self._ids.get(attempt.node, ""), time.monotonic())

    def _task(self, attempt: Attempt, slots: int) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        needs = attempt.unit.needs
        return self._ray.remote(_ray_node.run_attempt).options(
            num_cpus=0,
            num_gpus=needs.cards,
            resources={MACHINE: 1.0 if needs.exclusive else round(1 / slots, 4)},
            max_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(self._ids.get(attempt.node, ""), soft=False),
        )

    def wait(self, seconds: float) -> Sequence[Ended]:
        pending = [*self._running, *self._given_up]
        if not pending:
            time.sleep(seconds)
            return []
        ready, _ = self._ray.wait(pending, num_returns=1, timeout=seconds)
        if ready and len(pending) > 1:
            ready, _ = self._ray.wait(pending, num_returns=len(pending), timeout=0)
        ended = [self._end(reference) for reference in ready]
        return [one for one in (*ended, *self._overdue()) if one]

    def _end(self, reference: Any) -> Ended | None:
        """How an attempt ended; None for one that was given up, unless its part came after all."""
        known = self._running.pop(reference, None)
        attempt = known.attempt if known else self._given_up.pop(reference)
        try:
            content = self._ray.get(reference)
            _ray_node.unpack(content, attempt.folder)
            return part.read(attempt.folder)
        except Exception as problem:
            return self._failed(attempt, problem) if known else None

    def _failed(self, attempt: Attempt, problem: Exception) -> Ended:
        errors = self._ray.exceptions
        key = attempt.unit.id, attempt.number, attempt.node
        if isinstance(problem, errors.RayTaskError):
            return Ended(*key, Outcome.FAILED, f"on node {attempt.node}: {one_line(problem.as_instanceof_cause())}")
        if isinstance(problem, PartError | OSError):
            return Ended(*key, Outcome.FAILED, f"the part from node {attempt.node} can't be kept: {problem}")
        return Ended(*key, Outcome.LOST, f"node {attempt.node} was lost ({type(problem).__name__})")

    def _overdue(self) -> list[Ended]:
        """The attempts that are given up: their node is dead, or they have not answered within their lease.

        Ray may leave the task of a node that it has declared dead pending for ever.
        """
        now, alive = time.monotonic(), {one["NodeID"] for one in self._ray.nodes() if one["Alive"]}
        ended = []
        for reference, running in list(self._running.items()):
            attempt, waited = running.attempt, now - running.begun
            running.died = None if running.node in alive else running.died or now
            if running.died is not None and now - running.died > DEAD_SECONDS:
                reason = f"node {attempt.node} was lost (Ray has declared it dead)"
            elif waited > attempt.unit.time_limit + self._lease:
                reason = f"node {attempt.node} gave no answer within {waited:.0f} s"
            else:
                continue
            self._given_up[reference] = self._running.pop(reference).attempt
            ended.append(Ended(attempt.unit.id, attempt.number, attempt.node, Outcome.LOST, reason))
        return ended

    def cancel(self, attempt: Attempt) -> None:
        for reference, running in list(self._running.items()):
            if running.attempt.key == attempt.key:
                del self._running[reference]
                self._ray.cancel(reference, force=True)

    def close(self) -> None:
        for running in list(self._running.values()):
            self.cancel(running.attempt)
        self._ray.shutdown()


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without what this process prints on stderr, C++ included: Ray warns there each second that it tries again."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _import() -> Any:
    try:
        import ray
    except ImportError:
        raise Unavailable("engine ray is not installed; pip install 'deadheat[ray]'") from None
    return ray


def _check_answers(address: str) -> None:
    """InvalidInput for an address that is none; Unavailable if nobody answers there."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        raise InvalidInput(f"--address {address!r} is not of the form HOST:PORT, such as {ADDRESS}")
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError as problem:
        why = problem.strerror or problem
        raise Unavailable(
            f"nothing answers at {address} ({why}); start the first node with: python -m bench fleet node --head"
        ) from None


def start(options: Mapping[str, str]) -> RayEngine:
    return RayEngine(options.get("address") or ADDRESS)


ENGINE = Kind("ray", start, {"address": f"HOST:PORT of the first node (default: {ADDRESS})"}, _ray_node.join)
