"""What the parity gate asks: whether contestants compute the same network, and the cases whose evidence shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bench.cost.workload import SEVERAL, has_several_sizes
from bench.gate import parity
from bench.plan.executions import execution_of
from results.schema.record import Case, Contestant, Workload

MOST_IMAGES = 2
"""Images of the evidence where a step takes more: an error of translation changes every image's scores, and one in
means or statistics over a batch shows from two images on."""


@dataclass(frozen=True)
class Question:
    """Whether contestants compute the same network: a workload of any phase.

    `gradients`: whether gradients are compared, too: not where inference alone is timed, as compilers take most of
    their time for a gradient.
    """

    workload: Workload
    contestants: tuple[Contestant, ...]
    gradients: bool = True

    def cases(self) -> list[Case]:
        """The cases that give evidence: at most MOST_IMAGES images, and one for all streams of several sizes.

        Their phase is that of the evidence: "infer" for scores alone, "gradient" for all of it. Models that are timed
        on several sizes are examined as they are built for that.
        """
        asked = self.workload
        images = 1 if asked.stream else asked.devices * min(asked.batch // asked.devices, MOST_IMAGES)
        phase = "gradient" if self.gradients else "infer"
        examined = replace(asked, stream="", parts=(), batch=images, phase=phase)
        several = replace(examined, stream=SEVERAL, parts=((asked.height, asked.width, images),))
        is_open = has_several_sizes(asked)
        return [Case(several if is_open and execution_of(one).any_size else examined, one) for one in self.contestants]

    def compared(self) -> list[Case]:
        """The cases whose evidence is compared: with several devices, each contestant's on one device, too."""
        cases = self.cases()
        if self.workload.devices == 1:
            return cases
        return [*cases, *(replace(case, workload=replace(case.workload, devices=1)) for case in cases)]

    def asked(self) -> list[Question]:
        """The question itself, and those of the network's identity in other precisions, where the device has some.

        Each contestant is asked in the first of them that it has, and a few of those as witnesses in the next. None is
        asked in one that comes after the precision that is timed.
        """
        asked, others = [self], self.contestants
        proved: list[Contestant] = []
        for precision in parity.IDENTITY.get(self.workload.device, ()):
            able = self.among(others, precision).contestants
            if precision == self.workload.precision or not others:
                break
            if able:
                asked.append(self.among((*able, *proved[: parity.WITNESSES]), precision))
            proved += able
            others = tuple(one for one in others if one not in able)
        return asked

    def among(self, contestants: Iterable[Contestant], precision: str = "") -> Question:
        """The question to these contestants, of them those that have the precision if another one is given."""
        asked = replace(self.workload, precision=precision or self.workload.precision)
        able = (one for one in contestants if not precision or precision in execution_of(one).precisions)
        return Question(asked, tuple(able), self.gradients)
