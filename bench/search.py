"""The largest batch that runs within the memory there is: tried in fresh launches, doubled until it fails, then halved.

Every try is a launch like any other, and its record says what it took or how it ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bench.block import Block
from bench.campaign import Campaign
from bench.clock import now
from bench.floors import floor_of
from bench.launcher import Launcher
from bench.ledger import Group
from bench.weights import Weights
from results.largest import MOST, fits
from results.record import Case, Contestant, Workload

CLOSE = 32
"""The search ends when the next batch that fails is within this fraction of the largest that runs."""


class Search(Campaign):
    """A campaign that looks for each case's largest batch instead of comparing them at one."""

    def measure(self, launcher: Launcher, weights: Weights, deadline: float) -> None:
        """Contestant after contestant; each alone, as it may take all the memory there is."""
        for group in self.ledger.groups():
            for contestant in group.contestants:
                self.observer.step(f"largest batch of {Case(group.workload, contestant).id}")
                for batch in self._batches(launcher, weights, group, contestant):
                    if now() > deadline:
                        self._out_of_budget()
                        return
                    self.observer.more(1)
                    self.observer.step(f"batch {batch} of {Case(group.workload, contestant).id}")

    def _batches(self, launcher: Launcher, weights: Weights, group: Group, contestant: Contestant) -> Iterator[int]:
        """Try batches until it is known; each is given before it is tried."""
        runs, fails, batch = 0, MOST + 1, group.workload.batch
        while fails - runs > max(1, runs // CLOSE):
            workload = replace(group.workload, batch=batch)
            if workload.device == "cpu" and floor_of(workload).memory_bytes > self.suite.memory:
                fails = batch
            else:
                yield batch
                if self._runs(launcher, weights, workload, contestant):
                    runs = batch
                else:
                    fails = batch
            batch = min(2 * batch, MOST) if fails > MOST else (runs + fails) // 2
            if not runs and fails <= group.workload.batch:
                return

    def _runs(self, launcher: Launcher, weights: Weights, workload: Workload, contestant: Contestant) -> bool:
        earlier = [record for record in self.ledger.records if record.case == Case(workload, contestant)]
        if earlier:  # this goes on with a campaign that was interrupted
            return all(fits(record, self.suite.memory) for record in earlier)
        known = {contestant: self.ledger.known_of(Case(workload, contestant))}
        block = Block(workload, (contestant,), 0, 0, weights.folder_of(workload))
        records = block.run(launcher, self.suite, known, {})
        self.ledger.keep(records)
        return all(fits(record, self.suite.memory) for record in records)
