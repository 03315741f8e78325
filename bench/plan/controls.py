"""Controls: in every network one contestant is launched twice, under two names, and compared with itself.

The ratio of the two is known to be 1, so its spread shows what differences mean nothing on this machine at this time.
Which contestant it is changes from network to network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bench.networks.probes import probed
from bench.plan.executions import lacks
from bench.plan.suite import Suite
from results.schema.record import Case


def with_controls(suite: Suite, cases: Sequence[Case]) -> list[Case]:
    """The cases, and a copy of those of one contestant of each network, unless the suite wants no controls.

    A search of the largest batch compares nothing; a probe of the machine's peak is no network. A contestant that runs
    fewer phases than others is none that is copied.
    """
    if not suite.controls or suite.largest_batch:
        return list(cases)
    networks: dict[str, list[Case]] = {}
    for case in cases:
        if not probed(case.workload.architecture):
            networks.setdefault(case.workload.launch_id, []).append(case)
    copies: list[Case] = []
    for number, own in enumerate(networks.values()):
        phases = Counter(case.contestant for case in own if not lacks(case))
        able = [contestant for contestant in phases if phases[contestant] == max(phases.values())]
        contestants = able or list(dict.fromkeys(case.contestant for case in own))
        chosen = contestants[number % len(contestants)]
        copy = replace(chosen, copy=1)
        copies += [replace(case, contestant=copy) for case in own if case.contestant == chosen]
    return [*cases, *copies]
