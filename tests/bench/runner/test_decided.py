"""Verdicts are told while a campaign runs: each once it is decided, and again when it changes."""

from __future__ import annotations

from dataclasses import replace

from simulated import A, B, C, Kept, Simulated, cases, launched, lenet

from bench.launch.fake import Behaviour
from bench.runner.decided import DecidedVerdicts
from bench.scheduling.ledger import Ledger

SPEED = {A: 0.01, B: 0.005, C: 0.02}
CASES = cases((lenet(),), (A, B))


def run(**changes: object) -> Simulated:
    script = lambda case, launch: Behaviour(step_seconds=SPEED[case.contestant.original])  # noqa: E731
    return Simulated(script, cases((lenet(), lenet("train")), (A, B, C)), **changes).run()


def test_every_decided_verdict_is_told_once():
    told = run(launches=(4, 4)).progress.verdicts
    assert sorted(line.split(" ×")[0] for line in told) == [
        "▲ faster: lenet5 32 infer fake-clock:fast",
        "▲ faster: lenet5 32 train fake-clock:fast",
        "▼ slower: lenet5 32 infer fake-clock:level",
        "▼ slower: lenet5 32 train fake-clock:level",
    ]
    assert all("×0.5 [0.5, 0.5]" in line or "×2 [2, 2]" in line for line in told)


def test_one_launch_decides_nothing():
    assert run(launches=(1, 1)).progress.verdicts == []


def test_a_verdict_that_changes_is_told_again():
    told: list[str] = []
    decided, ledger = DecidedVerdicts(told.append), Ledger(CASES, A.id, Kept())
    for number, seconds in enumerate((0.5, 0.5, 40.0, 40.0, 40.0, 40.0, 40.0, 40.0, 40.0, 40.0)):
        ledger.keep([launched(CASES[0], number), launched(CASES[1], number, seconds)])
        decided.update(ledger)
    assert [line.split(":")[0] for line in told] == ["▲ faster", "▼ slower"]


def test_a_copy_has_no_verdict():
    told: list[str] = []
    copy = replace(CASES[1], contestant=replace(B, copy=1))
    records = [
        launched(case, number, seconds) for number in range(3) for case, seconds in zip((*CASES, copy), (1.0, 1.0, 1.0))
    ]
    DecidedVerdicts(told.append).update(Ledger([*CASES, copy], A.id, Kept(), records))
    assert len(told) == 1
    assert "dead heat" in told[0]


def test_nothing_is_told_on_a_machine_whose_controls_differ_too_much():
    told: list[str] = []
    loads = [lenet(batch=2**number) for number in range(4)]
    own = cases(loads, (A, B))
    copies = [replace(case, contestant=replace(B, copy=1)) for case in own if case.contestant == B]
    seconds = {A: 1.0, B: 0.5}
    records = [
        launched(case, number, 0.9 if case.contestant.copy else seconds[case.contestant])
        for number in range(3)
        for case in (*own, *copies)
    ]
    DecidedVerdicts(told.append).update(Ledger([*own, *copies], A.id, Kept(), records))
    assert told == []
