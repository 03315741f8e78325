"""The generated block of docs/gpu.md: the suites for a card, with the time that the schedule expects of them."""

from __future__ import annotations

import math
from collections.abc import Callable

from tabulate import tabulate

from bench.plan import suite as suites
from bench.plan.cases import cases
from bench.plan.controls import with_controls
from bench.plan.suite import Suite
from bench.scheduling.costs import first_launches
from bench.scheduling.ledger import Ledger

PREFIX = "gpu"
MINUTE = 60.0


def planned(suite: Suite) -> Ledger:
    """The cases of a suite on a card, before the first launch."""
    return Ledger(with_controls(suite, cases(suite, "cuda")), suite.reference.id, [])


def expected_seconds(suite: Suite) -> float:
    """Of the gate and the fewest launches of every network on a card, as the schedule's cost model has it."""
    ledger, launches = planned(suite), suite.launches[0]
    networks = sum(first_launches(ledger, group, launches) for group in ledger.groups())
    return networks + len(ledger.cases) * (launches * suite.latency + suite.sustained)


def card_suites() -> str:
    rows = []
    for name in (name for name in suites.suite_names() if name.startswith(PREFIX)):
        suite = suites.load_suite(name)
        ledger, budget = planned(suite), f"{suite.budget / MINUTE:.0f} min"
        launches = suite.launches[0]
        expected = "" if suite.largest_batch else f"{math.ceil(expected_seconds(suite) / MINUTE)} min"
        count = "" if suite.largest_batch else launches
        rows.append((f"`{name}`", suite.title, len(ledger.groups()), len(ledger.cases), count, expected, budget))
    headers = ["suite", "", "networks", "cases", "fewest launches", "expected", "budget"]
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True) + "\n"


BLOCKS: dict[str, Callable[[], str]] = {"card-suites": card_suites}
