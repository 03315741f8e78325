"""When a group has launches enough."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from results.schema.record import Case, Contestant, Record, Status
from results.stats.stopping import is_precise, widest
from tests.support.made_up import measured, workload

FIRST, SECOND = (Case(workload(), Contestant(name, "eager")) for name in ("alpha", "beta"))


def records(*times: tuple[float, float]) -> list[Record]:
    return [
        measured(case, n, [t]) for n, pair in enumerate(times) for case, t in zip((FIRST, SECOND), pair, strict=True)
    ]


def test_the_widest_interval_is_of_a_time_or_of_a_ratio():
    together = records((1.0, 2.0), (1.1, 2.2), (0.9, 1.8))
    assert widest(together, "alpha:eager") == pytest.approx(0.25, rel=0.1), "times vary, their ratio does not"
    apart = records((1.00, 2.00), (1.01, 1.98), (0.99, 2.02))
    assert widest(apart, "alpha:eager") > widest(apart[::2], "alpha:eager")


def test_without_an_interval_nothing_is_precise():
    assert widest([], "alpha:eager") == math.inf
    assert widest(records((1.0, 2.0)), "alpha:eager") == math.inf


def test_a_group_whose_reference_is_lost_is_judged_by_its_first():
    assert widest(records((1.0, 2.0), (1.0, 2.0))[1::2], "alpha:eager") == 0


def test_one_lucky_launch_does_not_stop_a_campaign():
    wide, narrow = records((1.0, 2.0), (1.2, 2.0)), records((1.0, 2.0), (1.0, 2.0), (1.0, 2.0))
    assert is_precise(narrow, "alpha:eager", 0.02)
    assert not is_precise(narrow[:4], "alpha:eager", 0.02), "the one before had no interval yet"
    assert not is_precise(wide, "alpha:eager", 0.02)


def test_launches_that_failed_or_were_made_again_do_not_count():
    lost = Record(SECOND, 2, Status.CRASHED, "killed")
    block = [replace(record, attempt=1) for record in records((1.0, 2.0), (1.0, 2.0))[2:]]
    whole = [*records((1.0, 2.0), (9.0, 2.0)), *block, lost]
    assert widest(whole, "alpha:eager") == 0


def test_launches_of_two_attempts_are_no_pair():
    """One contestant's valid launch is of the second block, the other's, which then crashed, of the first."""
    first_block = records((1.0, 2.0), (9.0, 2.0), (1.0, 2.0))
    apart = [*first_block, replace(first_block[2], seconds=(1.0,), attempt=1)]
    assert widest(apart, "alpha:eager") == 0
