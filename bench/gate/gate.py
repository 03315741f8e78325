"""The parity gate: collects evidence from contestants and decides which may be timed.

The evidence of all networks is computed at once, in launches of their own (bench.gate.pool); then each network's
contestants are compared, in the order of the networks. Evidence of an earlier campaign is used again where nothing that
it depends on has changed (bench.gate.evidence_cache); contestants are compared anew in every campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from bench.gate.collector import Collector
from bench.gate.evidence_cache import NO_CACHE, EvidenceCache
from bench.gate.examination import Examination, Results
from bench.gate.pool import Pool
from bench.gate.question import Question
from bench.launch.launcher import LauncherLike
from bench.launch.weights import Weights
from bench.plan import settings
from impls.host import usable


@dataclass(frozen=True)
class Gate:
    """Compares contestants. `memory`: bytes for the launches that run at a time; `concurrent`: how many those are.

    There is one launch more than cores, as a launch waits for the disk and for its own threads at times. `host`: bytes
    of the host's memory, for launches on a card: what is available once the frameworks have been imported.
    """

    launcher: LauncherLike
    weights: Weights
    memory: int
    cache: EvidenceCache = NO_CACHE
    concurrent: int = field(default_factory=lambda: settings.cores() + 1)
    host: int = field(default_factory=usable.available_memory)

    def examine(
        self, questions: Sequence[Question], may_start: Callable[[], bool] = lambda: True
    ) -> Generator[Results]:
        """The results of all contestants of each question, in order; it ends early if `may_start` becomes false.

        Where two cells of a pooling window are equal but for rounding, contestants may send the gradient to different
        ones. In float64, or on other images, the tie disappears; an error in the network does not. Contestants whose
        difference a tie can explain are therefore examined again (recheck_settings). This also covers single layers
        whose gradients are all alike, where the order of summation leaves few digits of the sum in float32.

        A contestant that computes in another precision than requested must not be timed either. The probe for that is
        in the launch that gives the contestant's first evidence.
        """
        self.cache.remove_old()
        with Pool(self.launcher, self.memory, self.host, self.concurrent, may_start) as pool:
            collector = Collector(pool, self.weights, self.cache)
            for question in questions:
                for asked in question.asked():
                    collector.request(asked)
            for question in questions:
                if not all(map(collector.wait_for, question.asked())):
                    return
                yield Examination(question, collector).results()
