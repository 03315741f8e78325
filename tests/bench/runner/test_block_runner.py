"""Tasks of a schedule as blocks: which cases run together, which are repeated, and which are cold."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import A, B, C, Simulated, cases, group, lenet

from bench.cost import colocation, memory
from bench.launch.fake import Behaviour, Fault
from bench.launch.weights import Weights
from bench.runner.block import Block
from bench.runner.block_runner import BlockRunner
from bench.runner.retries import RetryPolicy
from bench.runner.usage import MEMORY, metered
from bench.scheduling.ledger import Group
from bench.scheduling.schedule import Task
from bench.worker.messages import FirstCall, Load, MeasureMemory, RunTurn, SustainedRun
from impls.frameworks import PHASES
from results.schema.record import Case, Contestant, Record, Status

FIVE = (A, B, C, Contestant("fake-clock", "nothing"), Contestant("fake-clock", "fast", setting="as-shipped"))
COPY = replace(A, copy=1)
Script = Callable[[Case, int], Behaviour]


def usual(case: Case, launch: int) -> Behaviour:
    return Behaviour()


class Runner:
    """A block runner of simulated launches. `room`: memory for so many contestants of the phases together."""

    def __init__(
        self,
        whole: Group,
        script: Script = usual,
        memory_limit: int = 2**50,
        **changes: object,
    ):
        self.whole = whole
        self.campaign = Simulated(script, whole.cases, **changes)
        self.blocks: list[Block] = []
        self._memory = memory_limit

    def run(self, launches: int = 1, retries: int = 0, deadline: float = math.inf) -> Runner:
        campaign = self.campaign
        with campaign.launcher as launcher:
            weights = Weights(launcher.folder)
            runner = BlockRunner(
                launcher, weights, campaign.suite, campaign.ledger, RetryPolicy(), self._memory, campaign.clock
            )
            for launch in range(launches):
                runner.run(Task(self.whole, launch, 2, retries, ""), deadline)
        assert launcher.is_clean
        return self

    @property
    def records(self) -> list[Record]:
        return self.campaign.records

    def parts(self, phase: str, launch: int = 0) -> list[list[Contestant]]:
        """The contestants of each subset of a phase."""
        found: dict[int, list[Contestant]] = {}
        for record in self.records:
            if (record.case.workload.phase, record.launch) == (phase, launch):
                found.setdefault(record.subset, []).append(record.case.contestant)
        return [found[subset] for subset in sorted(found)]

    def asked(self, kind: type) -> list[tuple[str, Contestant]]:
        requests = [one for one in self.campaign.launcher.requests if isinstance(one.request, kind)]
        return [(one.case.workload.phase, one.case.contestant) for one in requests]


def room_for(count: int, phases: Sequence[str]) -> int:
    """Memory for so many contestants of these phases, besides the zygote of their framework."""
    return colocation.ZYGOTE_BYTES + count * memory.estimate_together(map(lenet, phases))


def test_all_phases_of_all_contestants_run_together_where_they_fit():
    done = Runner(group(PHASES, FIVE), memory_limit=room_for(5, PHASES)).run()
    assert len(done.campaign.launcher.launches) == len(FIVE)
    assert {record.subset for record in done.records} == {0}
    assert all(done.parts(phase) == [list(FIVE)] for phase in PHASES)


@given(st.integers(1, 5), st.integers(1, 6), st.sets(st.sampled_from(PHASES), min_size=1))
def test_phases_that_do_not_fit_together_run_apart_in_subsets_that_share_the_reference(count, room, chosen):
    """Every ratio to the reference is of two launches that took turns with each other."""
    phases, contestants = [phase for phase in PHASES if phase in chosen], FIVE[:count]
    done = Runner(group(phases, contestants), memory_limit=room_for(room, phases)).run()
    assert {record.status for record in done.records} == {Status.MEASURED}
    for phase in phases:
        parts = done.parts(phase)
        assert {one for part in parts for one in part} == set(contestants)
        if room >= count:
            assert parts == [list(contestants)]
        elif colocation.max_concurrent(memory.estimate(lenet(phase)), room_for(room, phases), 1) > 1:
            assert all(part[0] == A for part in parts)
            assert all(sum(one in part for part in parts) == 1 for one in contestants[1:])
        else:
            assert all(len(part) == 1 for part in parts)
    if len(phases) > 1:
        assert (len(done.campaign.launcher.launches) == count) == (room >= count)


def test_memory_of_phases_together_is_that_of_the_largest_one():
    each = [memory.estimate(lenet(phase)) for phase in PHASES]
    assert memory.estimate_together(map(lenet, PHASES)) == max(each) < sum(each)


def busy_in(phases: Sequence[str], attempts: int) -> Script:
    """A machine that disturbs the first attempts of these phases."""
    return lambda case, launch: Behaviour(
        disturbance={"foreign_cpu": 1.0} if case.workload.phase in phases and launch < attempts else {}
    )


LONG = dict(rounds=10, round_seconds=0.5)
"""Rounds that last long enough for a disturbance to be told from the ticks of the counters."""


def test_phases_that_were_disturbed_are_made_again_and_the_others_are_not():
    done = Runner(group(("infer", "forward", "train")), busy_in(("forward", "train"), 2), **LONG).run(retries=5)
    attempts = {
        phase: [record.attempt for record in done.records if record.case == Case(lenet(phase), A)]
        for phase in ("infer", "forward", "train")
    }
    assert attempts == {"infer": [0], "forward": [0, 1, 2], "train": [0, 1, 2]}
    for phase in attempts:
        reference, other = (
            [record.attempt for record in done.records if record.case == Case(lenet(phase), one)] for one in (A, B)
        )
        assert reference == other, "contestants are compared within a block"


def test_a_phase_that_is_clean_when_made_again_is_left_out_of_the_next_attempt():
    def script(case: Case, launch: int) -> Behaviour:
        return (
            busy_in(("infer",), 1)(case, launch) if case.workload.phase == "infer" else busy_in(PHASES, 3)(case, launch)
        )

    done = Runner(group(("infer", "train")), script, **LONG).run(retries=9)
    assert [record.attempt for record in done.records if record.case == Case(lenet("infer"), A)] == [0, 1]
    assert [record.attempt for record in done.records if record.case == Case(lenet("train"), A)] == [0, 1, 2, 3]


def test_a_block_that_lost_all_its_cases_is_not_made_again():
    """A disturbed attempt in which every contestant failed after a turn."""

    def script(case: Case, launch: int) -> Behaviour:
        fault = Fault(RunTurn, Status.FAILED, after=1)
        return Behaviour(disturbance={"foreign_cpu": 1.0}, faults=(fault,))

    done = Runner(group(), script, **LONG).run(retries=3)
    assert [record.status for record in done.records] == [Status.FAILED] * 2


def test_a_task_whose_cases_are_ruled_out_makes_no_launch():
    done = Runner(group())
    done.campaign.ledger.rule_out(done.whole.cases, Status.SKIPPED, "planted")
    done.run()
    assert not done.campaign.launcher.launches


def first_calls(done: Runner, kind: str = "first_call_seconds") -> list[set[tuple[str, Contestant]]]:
    """Phase and contestant of the first calls that were timed, by launch."""
    timed = [record for record in done.records if getattr(record, kind) is not None]
    launches = range(1 + max(record.launch for record in done.records))
    return [
        {(one.case.workload.phase, one.case.contestant) for one in timed if one.launch == launch} for launch in launches
    ]


def everything(phases: Sequence[str], contestants: Sequence[Contestant]) -> set[tuple[str, Contestant]]:
    return {(phase, contestant) for phase in phases for contestant in contestants}


def test_the_first_launch_of_a_network_in_a_runner_is_cold_and_no_other():
    whole = group(PHASES)
    assert first_calls(Runner(whole).run(launches=3)) == [everything(PHASES, (A, B)), set(), set()]


@pytest.mark.parametrize("room", [1, 2, 3])
def test_the_second_launch_of_a_contestant_times_first_calls_that_find_compiled_code_and_no_other(room):
    """Where phases run apart, the reference runs in every subset of the first launch: there it is second."""
    done = Runner(group(PHASES, (A, B, C)), memory_limit=room_for(room, PHASES)).run(launches=3)
    cached = first_calls(done, "cached_first_call_seconds")
    assert set.union(*cached) == everything(PHASES, (A, B, C))
    assert sum(map(len, cached)) == len(PHASES) * 3
    assert cached[2] == set()
    assert everything(PHASES, (B, C)) <= cached[1]
    both = [one for one in done.records if one.first_call_seconds and one.cached_first_call_seconds]
    assert both == []


def test_a_copy_and_a_stream_have_no_time_of_a_first_call_that_finds_compiled_code():
    done = Runner(group(PHASES, (A, B, COPY))).run(launches=3)
    assert first_calls(done, "cached_first_call_seconds") == [set(), everything(PHASES, (A, B)), set()]
    stream = replace(lenet(), stream="exact", parts=((32, 32, 1), (32, 32, 1)))
    done = Runner(Group(tuple(cases([stream], (A, B))))).run(launches=3)
    assert first_calls(done, "cached_first_call_seconds") == [set(), set(), set()]


def test_another_network_has_a_cold_launch_of_its_own():
    campaign = Simulated(these=cases((lenet(batch=1), lenet(batch=2)))).run()
    timed = [(one.case, one.launch) for one in campaign.records if one.first_call_seconds is not None]
    assert sorted(timed) == sorted((case, 0) for case in campaign.ledger.cases)


@pytest.mark.parametrize("room", [1, 2])
def test_phases_apart_are_cold_in_their_own_first_launches(room):
    """Each compiles its own code, in a block of its own; the reference runs again beside others, and is then warm."""
    done = Runner(group(PHASES, (A, B, C)), memory_limit=room_for(room, PHASES)).run(launches=2)
    assert len(done.campaign.launcher.launches) > 2 * 3
    assert first_calls(done) == [everything(PHASES, (A, B, C)), set()]
    first = [record for record in done.records if record.launch == 0]
    assert all(record.first_call_seconds is None for record in first if record.case.contestant == A and record.subset)


def test_a_repeated_block_is_not_cold():
    done = Runner(group(), busy_in(("infer",), 1), **LONG).run(retries=1)
    assert {(record.attempt, record.first_call_seconds is not None) for record in done.records} == {
        (0, True),
        (1, False),
    }


def test_launches_of_a_stream_are_cold_every_time():
    stream = replace(lenet(), stream="exact", parts=((32, 32, 1), (32, 32, 1)))
    whole = Group(tuple(cases([stream, replace(stream, phase="train")], (A, COPY))))
    done = Runner(whole).run(launches=3)
    assert first_calls(done) == [everything(("infer", "train"), (A, COPY))] * 3


@pytest.mark.parametrize(
    ("device", "anew", "cold"), [("cuda", True, True), ("cuda", False, False), ("cpu", True, False)]
)
def test_on_a_card_every_launch_compiles_and_autotunes_anew_where_the_suite_says_so(device, anew, cold):
    """One at a time, as timing kernels beside others would choose at random."""
    whole = Group(tuple(cases([replace(lenet(), device=device)], (A, COPY))))
    done = Runner(whole, gpu_compiles_anew=anew).run(launches=2)
    assert {one.request.cold for one in done.campaign.launcher.requests if isinstance(one.request, Load)} == {cold}
    assert first_calls(done)[1] == (everything(("infer",), (A, COPY)) if cold else set())


@pytest.mark.parametrize("contestants", [(A, B, COPY), (COPY, B, A)])
def test_a_copy_is_not_cold_beside_its_original_and_its_usage_is_not_measured(contestants):
    done = Runner(group(PHASES, contestants), sustained="1s").run(launches=2)
    assert COPY.id == f"{A.id}#1"
    assert first_calls(done)[0] == everything(PHASES, (A, B))
    for kind in (MeasureMemory, SustainedRun):
        assert set(done.asked(kind)) == everything(PHASES, (A, B))
    own = [record for record in done.records if record.case.contestant == COPY]
    assert {record.status for record in own} == {Status.MEASURED}
    assert {record.usage for record in own} == {None}
    assert all(
        record.usage.names == MEMORY | metered() for record in done.records if record not in own and not record.launch
    )


def test_a_copy_whose_original_is_ruled_out_is_cold():
    done = Runner(group(("infer",), (A, B, COPY)))
    done.campaign.ledger.rule_out([Case(lenet(), A)], Status.SKIPPED, "planted")
    done.run(launches=2)
    assert first_calls(done) == [everything(("infer",), (B, COPY)), set()]


def test_first_calls_of_copies_follow_those_of_originals():
    calls = Runner(group(PHASES, (COPY, A))).run().asked(FirstCall)
    assert [contestant for _, contestant in calls] == [A] * len(PHASES) + [COPY] * len(PHASES)


def test_a_contestant_that_crashed_in_any_phase_has_a_zygote_of_its_own_at_the_next_launch():
    def script(case: Case, launch: int) -> Behaviour:
        crash = case == Case(lenet("train"), B) and launch == 0
        return Behaviour(faults=(Fault(RunTurn, Status.CRASHED),) if crash else ())

    done = Runner(group(("infer", "train")), script).run(launches=3)
    own = [one.dedicated_zygote for one in done.campaign.launcher.launches if one.case.contestant == B]
    assert own[-2:] == [True, False]
    assert not any(own[:-2])
