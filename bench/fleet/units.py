"""The units of a suite: launches of one network on one node, with all of its contestants and phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bench.plan import cases as plan_cases
from bench.plan.controls import with_controls
from bench.plan.suite import Suite
from fleet.unit import PART, PYTHON, UNIT, Needs, Unit
from impls.errors import InvalidInput, one_line
from results.schema.record import Case

COMMAND = (PYTHON, "-m", "bench.fleet.measure", UNIT, PART)
DOCTOR = (PYTHON, "-m", "bench", "doctor", "--json")


@dataclass(frozen=True)
class Share:
    """What a unit measures: `launches` launches of the network `group` (Workload.launch_id), numbered from `first`."""

    campaign: str
    suite_name: str
    suite: Suite
    device: str
    group: str
    first: int
    launches: int

    @property
    def cases(self) -> list[Case]:
        """All cases of the campaign."""
        return plan_cases.cases(self.suite, self.device)

    @property
    def own(self) -> list[Case]:
        """The cases of the unit, controls included."""
        return [case for case in with_controls(self.suite, self.cases) if case.workload.launch_id == self.group]

    def payload(self) -> dict[str, Any]:
        return {
            "campaign": self.campaign,
            "suite_name": self.suite_name,
            "suite": self.suite.model_dump(mode="json"),
            "device": self.device,
            "group": self.group,
            "first": self.first,
            "launches": self.launches,
        }

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Share:
        """InvalidInput for a payload of something else."""
        try:
            return cls(**{**payload, "suite": Suite.model_validate(payload["suite"])})
        except (TypeError, KeyError, ValidationError) as problem:
            raise InvalidInput(f"the unit's payload is none of a suite's launches: {one_line(problem)}") from None


@dataclass(frozen=True)
class Order:
    """How a campaign is split. nodes: that measure each network; launches: on each of them. time_limit: s of a unit.

    machine_type, software: that nodes must have ("": any). check: whether doctor examines a node before it measures.
    """

    nodes: int = 1
    launches: int = 5
    time_limit: float = 3600.0
    machine_type: str = ""
    software: str = ""
    check: bool = True


def labelled(share: Share) -> str:
    """The label of a unit."""
    return f"{share.group} launches {share.first}-{share.first + share.launches - 1}"


def units_of(campaign: str, suite_name: str, suite: Suite, device: str, order: Order) -> list[Unit]:
    """The units of a campaign: for each network one a node, in an order that gives every network its first one first.

    Launches are numbered over the whole campaign, so that no two nodes have a launch in common.
    """
    cases = plan_cases.cases(suite, device)
    groups = dict.fromkeys(case.workload.launch_id for case in cases)
    cards = int(device == "cuda")
    made = []
    for number in range(order.nodes):
        for group in groups:
            share = Share(campaign, suite_name, suite, device, group, number * order.launches, order.launches)
            needs = Needs(order.machine_type, exclusive=True, cards=cards, apart=group if order.nodes > 1 else "")
            check = DOCTOR if order.check else ()
            made.append(Unit(labelled(share), COMMAND, share.payload(), needs, order.time_limit, check, order.software))
    return made
