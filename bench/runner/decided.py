"""Verdicts as they are decided, told to an observer while a campaign runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bench.scheduling.ledger import Ledger
from results import words
from results.schema.record import Case
from results.stats.estimates import Estimate
from results.stats.verdicts import Judgement, judge


@dataclass
class DecidedVerdicts:
    """Tells each verdict once it is decided, and again if it changes. `tell` gets a line of text."""

    tell: Callable[[str], None]
    _told: dict[Case, Judgement] = field(default_factory=dict)

    def update(self, ledger: Ledger) -> None:
        judged = ledger.prospects().judged
        ratios = judged.ratios if judged.control.believable else {}
        for case in (case for case in ratios if not case.contestant.copy):
            judgement = judge(ratios[case])
            if judgement.is_decided and judgement != self._told.get(case):
                self._told[case] = judgement
                self.tell(_line(case, ratios[case], judgement))


def _line(case: Case, ratio: Estimate, judgement: Judgement) -> str:
    workload = case.workload
    what = f"{workload.architecture} {workload.size} {workload.phase} {case.contestant.id}"
    return f"{words.verdict(judgement)}: {what} ×{ratio.value:.3g} [{ratio.low:.3g}, {ratio.high:.3g}]"
