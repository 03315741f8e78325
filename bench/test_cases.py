"""One test per case: run them with `python -m bench run`, select with -k and --suite.

The first test measures every selected case, interleaved by group; each test then reports the launch medians of its
case. A case that could not be measured skips or fails with its reason and has no number.
"""

from __future__ import annotations

import pytest

from bench.replay import TIMER, report
from results.schema.record import Status
from results.stats.estimates import launch_time
from results.stats.pairing import counted


@pytest.mark.benchmark(timer=TIMER)
def test_case(case, benchmark, campaign, reported):
    benchmark.group = case.workload.id
    records = [record for record in campaign().records if record.case == case]
    if not records:
        pytest.fail("the campaign ended before this case was measured; see its first failure", pytrace=False)
    measured = counted(records)
    if not measured and records[-1].status is Status.SKIPPED:
        pytest.skip(records[-1].reason)
    if not measured:
        pytest.fail(f"{records[-1].status}: {records[-1].reason}", pytrace=False)
    if case in reported:  # the test is repeated
        return
    reported.add(case)
    report(
        benchmark,
        [launch_time(record.seconds) for record in measured],
        case=case.id,
        first_call_seconds=[record.first_call_seconds for record in measured],
        images_per_step=case.workload.batch,
    )
