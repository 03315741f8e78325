"""The harness measuring itself: known durations, known ratios, and whether it would notice its own mistakes."""

from __future__ import annotations

import json
import math
import re
import shutil
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.contestants import slowed
from bench.contestants.slowed import slow_down
from bench.contestants.virtual import nanoseconds
from bench.launch.fake import Behaviour, FakeLauncher, VirtualClock
from bench.machine import lock
from bench.machine.lock import CONCURRENT_CAMPAIGN_WARNING
from bench.validation import pairs, selftest
from bench.validation.known_clock import CHECKS, known_clock
from bench.validation.pairs import Pair
from bench.worker.messages import Load
from impls.frameworks import PHASES
from results.schema.record import Contestant
from results.stats.estimates import Estimate
from results.store.campaigns import read_campaign


@pytest.fixture(scope="module")
def tested(run):
    """Of two networks, the framework from outside can run the first only. `known` looks at the known clock."""
    networks = "--architecture", "outside-mlp", "--architecture", "lenet5"
    kinds = "--contestant", "outside:loop", *networks, "--slowdowns", "b,20"
    limits = "--pairs", "2", "--pair-seconds", "1s", "--budget", "2m", "--phase", "infer"
    done = run("tests.support.exact_clock", "selftest", *kinds, *limits, "--json")
    return done, json.loads(done.stdout)


def is_found(pair: dict) -> bool:
    """Whether a pair, as JSON has it, shows a difference, on the side of what was planted."""
    if pair["low"] is None:
        return False
    return Estimate(pair["ratio"], pair["low"], pair["high"], pair["launches"]).is_significant and (
        pair["ratio"] > 1 or not pair["slowdown"]
    )


@pytest.mark.slow
def test_selftest_measures_pairs_of_each_kind_and_says_what_it_saw(tested):
    done, found = tested
    assert found["aa"]["pairs"] == 2
    differ = [pair["slowdown"] for pair in found["measured"] if is_found(pair)]
    assert found["aa"]["false_differences"] == differ.count(0)
    (large,) = found["planted"]
    assert (large["slowdown"], large["pairs"]) == (0.2, 2)
    assert large["detected"] == differ.count(0.2)
    assert found["known_clock"]["exact"] is True
    assert len(found["measured"]) == 8
    assert found["failed"] == 4
    assert found["plan"]["slowdowns"] == ["b", "20"]
    assert found["machine"]["threads"] >= 1
    assert done.returncode == 1, "not everything could be measured"


@pytest.mark.slow
def test_a_pair_that_cannot_be_measured_has_its_reason_and_costs_only_itself(tested):
    failed = [pair for pair in tested[1]["measured"] if pair["failure"]]
    assert {pair["architecture"] for pair in failed} == {"lenet5"}
    assert {pair["ratio"] for pair in failed} == {None}
    assert all("no function for Conv" in pair["failure"] for pair in failed), failed[0]["failure"]


def test_every_pair_has_what_was_planted_and_an_interval_or_null(tested):
    _, found = tested
    measured = [pair for pair in found["measured"] if not pair["failure"]]
    assert sorted(pair["slowdown"] for pair in measured) == [0, 0, 0.2, 0.2]
    for pair in measured:
        assert (pair["contestant"], pair["architecture"]) == ("outside:loop", "outside-mlp")
        if pair["launches"] == 1:  # a busy machine has blocks run again until the time is spent
            assert pair["low"] is pair["high"] is None
        else:
            assert pair["low"] <= pair["ratio"] <= pair["high"]


MISTAKES = {
    "contestant": (("--contestant", "outsid:loop"), "unknown framework 'outsid': did you mean 'outside'?"),
    "architecture": (("--architecture", "lenet6"), "unknown architecture 'lenet6': did you mean 'lenet5'?"),
    "slowdown": (("--slowdowns", "b,21"), "unknown slowdown '21': "),
    "phase": (("--phase", "trian"), "unknown phase 'trian': did you mean 'train'?"),
    "time": (("--pair-seconds", "soon"), "duration 'soon' is not a number"),
    "too little time": (("--pair-seconds", "10s", "--budget", "5s"), "--budget 5s is less than a pair takes, 10s; "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_line_before_anything_is_measured(run, mistake):
    arguments, complaint = MISTAKES[mistake]
    done = run("bench", "selftest", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert complaint in done.stderr


def pair(slowdown: float = 0.0, ratio: float = 1.0, half: float = 0.005) -> Pair:
    return Pair("a:b", "lenet5", slowdown, ratio, ratio - half, ratio + half, 9, "", 10.0, "budget")


def summary(*groups: tuple[int, Pair], exact: bool = True) -> dict:
    return selftest.summary([one for count, one in groups for _ in range(count)], exact)


SAME, FALSE = pair(), pair(ratio=1.01)
FOUND, MISSED = pair(0.2, 1.2), pair(0.2, 1.1, half=0.15)


@pytest.mark.parametrize(
    ("slowdown", "low", "high", "found"),
    [
        (0.0, 0.99, 1.01, False), (0.0, 1.004, 1.01, True), (0.0, 0.985, 0.995, True),
        (0.0, 1.001, 1.01, False),  # as 95 % intervals do where there is nothing, in five of a hundred
        (0.05, 1.03, 1.07, True), (0.05, 0.93, 0.97, False), (0.05, 0.9, 1.1, False),
        (0.0, math.nan, math.nan, False),
    ],
)  # fmt: skip
def test_a_difference_is_seen_if_99_percent_intervals_leave_out_1_on_the_side_planted(slowdown, low, high, found):
    assert Pair("a:b", "lenet5", slowdown, math.sqrt(low * high), low, high, 5, "", 1.0, "").found is found


def test_the_summary_counts_and_has_errors_against_the_truth():
    found = summary((38, SAME), (2, FALSE), (3, FOUND), (1, MISSED))
    assert (found["aa"]["pairs"], found["aa"]["false_differences"], found["aa"]["rate"]) == (40, 2, 0.05)
    assert found["aa"]["low"] == pytest.approx(0.0061, abs=1e-4), "Clopper and Pearson's"
    assert found["aa"]["high"] == pytest.approx(0.1692, abs=1e-4)
    assert found["aa"]["covered"] == 38 / 40
    (large,) = found["planted"]
    assert (large["slowdown"], large["pairs"], large["detected"]) == (0.2, 4, 3)
    assert large["median_error"] == pytest.approx(0)
    assert len(found["measured"]) == 44


def test_rates_of_nothing_are_nothing():
    assert selftest.rate(0, 0) == {}
    assert selftest.rate(0, 10)["low"] == 0
    assert selftest.rate(10, 10)["high"] == 1


TRUST = {
    "nothing but the clock": ([], True),
    "few pairs, all wrong, are in doubt for it": ([(1, FALSE), (1, MISSED)], True),
    "one false difference in twenty": ([(190, SAME), (10, FALSE), (50, FOUND)], True),
    "one false difference in five": ([(80, SAME), (20, FALSE), (50, FOUND)], False),
    "blind": ([(100, SAME), (20, MISSED)], False),
    "half blind": ([(100, SAME), (20, FOUND), (20, MISSED)], False),
    "blind to what is small": ([(100, SAME), (20, FOUND), (20, pair(0.02))], True),
}


@pytest.mark.parametrize("case", TRUST)
def test_a_selftest_is_trustworthy_by_its_counts(case):
    groups, trusted = TRUST[case]
    assert selftest.is_trustworthy(summary(*groups)) is trusted


def test_a_clock_that_changes_durations_is_never_trusted():
    assert not selftest.is_trustworthy(summary((100, SAME), (50, FOUND), exact=False))


def test_a_selftest_that_measures_no_pair_fails_and_says_so(capsys):
    found = summary((100, SAME), (1, Pair("a:b", "x", 0.2, math.nan, math.nan, math.nan, 0, "", 1.0, "", "no layer")))
    assert (found["failed"], found["planted"]) == (1, [])
    assert not selftest.is_trustworthy(found)
    selftest.print_summary(found)
    assert "not measured: 1 pairs, for the reasons above" in capsys.readouterr().out


def test_a_pair_with_time_for_one_launch_is_null_in_json():
    found = json.dumps(summary((1, pair(half=math.nan))), allow_nan=False)
    assert json.loads(found)["measured"][0]["low"] is None


def test_a_pair_with_time_for_one_launch_has_words_in_place_of_its_interval():
    line = selftest._line(pair(half=math.nan))
    assert "×1.0000 (not enough data for an interval)" in line
    assert "nan" not in line
    assert "×1.0000 [0.9950, 1.0050]" in selftest._line(pair())


def test_the_text_says_rates_and_what_to_do_where_there_are_none(capsys):
    selftest.print_summary(summary((40, SAME), (4, FOUND)))
    said = capsys.readouterr().out
    assert "known durations: exact" in said
    assert "A/A pairs: 0 of 40 false differences, 0.0% [0.0%, 8.8%]" in said
    assert "20% slower: 4 of 4 detected, 100.0%" in said
    selftest.print_summary(summary(exact=False))
    said = capsys.readouterr().out
    assert "CHANGED" in said
    assert "raise --budget" in said


def test_a_plan_has_every_kind_as_often_as_asked_and_in_another_order_each_time():
    plan = pairs.Plan([Contestant("a", "b")], ["x", "y"], ["b", "2", "20"], 5, 1.0, 1.0)
    kinds = list(plan.kinds())
    passes = [kinds[start : start + 6] for start in range(0, 30, 6)]
    assert len(kinds) == 30
    assert all(len(set(one)) == 6 for one in passes)
    assert len(set(map(tuple, passes))) > 1
    assert list(plan.kinds()) == kinds, "the same seed gives the same order"


def test_a_pair_is_measured_in_all_phases_by_the_same_launches():
    clock = VirtualClock()
    launcher = FakeLauncher(clock, lambda case, launch: Behaviour())
    plan = pairs.Plan([Contestant("fake-clock", "slow")], ["lenet5"], ["b"], pairs=1, seconds=60, budget=200)
    found = list(pairs.measure(plan, 1, launcher, clock))
    assert [(pair.phase, pair.ratio, pair.found) for pair in found] == [(phase, 1.0, False) for phase in PHASES]
    loads = [asked for asked in launcher.requests if isinstance(asked.request, Load)]
    assert {pair.launches for pair in found} == {len(loads) // 2}


def test_a_framework_that_cannot_be_imported_is_a_failed_pair_with_its_reason(monkeypatch, tmp_path):
    (tmp_path / "jax.py").write_text("raise ImportError('planted: broken')")
    monkeypatch.syspath_prepend(tmp_path)
    plan = pairs.Plan([Contestant("jax", "jit")], ["lenet5"], ["b"], pairs=1, seconds=5, budget=60, phases=["infer"])
    (pair,) = pairs.measure(plan)
    assert "planted: broken" in pair.failure
    assert math.isnan(pair.ratio)


TEN = pairs.Plan([Contestant("outside", "loop")], ["lenet5"], ["b"], pairs=10, seconds=10, budget=60, phases=["infer"])


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass: 15 while the known clock is looked at, 5 while frameworks are imported, 10 a pair."""
    time = [0.0]

    def takes(seconds: float, gives: object):
        def spend(*_: object):
            time[0] += seconds
            return gives

        return spend

    for module in (selftest, pairs):
        monkeypatch.setattr(module, "now", lambda: time[0])
    monkeypatch.setattr(selftest, "known_clock", takes(15, []))
    monkeypatch.setattr(pairs, "_import_all", takes(5, None))
    monkeypatch.setattr(pairs, "measure_pair", takes(10, [SAME]))
    return time


@pytest.mark.parametrize(("budget", "count"), [(60, 4), (59, 3), (30, 1), (29, 0), (20, 0)])
def test_the_budget_is_for_the_clock_and_imports_too_and_no_pair_is_begun_that_it_has_no_time_for(clock, budget, count):
    found = selftest.run(replace(TEN, budget=budget), 0, quiet=True)
    assert len(found["measured"]) == count
    assert clock[0] <= budget
    assert found["plan"]["budget"] == budget


def test_a_budget_that_the_clock_and_imports_have_used_up_is_said_and_no_success(clock):
    done = CliRunner().invoke(app, ["selftest", "--contestant", "pytorch", "--pair-seconds", "10s", "--budget", "20s"])
    assert done.exit_code == 2
    assert "or --budget 20s is too little for one" in done.output


def test_a_known_clock_that_is_wrong_is_said(clock, monkeypatch, capsys):
    monkeypatch.setattr(selftest, "known_clock", lambda: ["planted"])
    assert selftest.run(TEN, 0, quiet=True)["known_clock"] == {"exact": False}
    assert "known clock: planted\n" in capsys.readouterr().err


def test_the_number_of_pairs_is_at_least_what_was_asked_for(clock):
    assert len(list(pairs.measure(replace(TEN, budget=1)))) == 1
    assert len(list(pairs.measure(replace(TEN, budget=1), at_least=3))) == 3


def test_beside_a_campaign_it_says_so_and_a_campaign_beside_it_is_told(clock, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(lock, "LOCK", tmp_path / "lock")
    company = []

    def measure(*_: object, **__: object):
        with lock.campaign_lock() as free:
            company.append(not free)
        yield SAME

    monkeypatch.setattr(selftest, "measure", measure)
    assert selftest.run(TEN, 0, quiet=True)["alone"] is True
    assert CONCURRENT_CAMPAIGN_WARNING["what"] not in capsys.readouterr().err
    with lock.campaign_lock():
        assert selftest.run(TEN, 0, quiet=True)["alone"] is False
    said = capsys.readouterr().err
    assert CONCURRENT_CAMPAIGN_WARNING["what"] in said
    assert CONCURRENT_CAMPAIGN_WARNING["remedy"] in said
    assert company == [True, True], "any campaign that starts while it measures"


class Sleeper:
    """A model whose step takes two milliseconds, more or less, and says how long it took."""

    def __init__(self) -> None:
        self.took = 0.0
        self.waited: list[object] = []

    def phase(self, name: str):
        return getattr(self, name)

    def infer(self, batch: object) -> object:
        start = time.perf_counter()
        time.sleep(0.002)
        self.took = time.perf_counter() - start
        return batch

    def synchronize(self, outputs: object) -> None:
        self.waited.append(outputs)


@pytest.mark.parametrize("share", slowed.SLOWDOWNS.values())
def test_a_slowed_round_takes_its_share_longer_than_the_steps_within_it(share):
    model = Sleeper()
    slow_down(model, share)
    step = model.phase("infer")
    for last in range(1, 5):
        taken, start = 0.0, time.perf_counter()
        for batch in range(last + 1):
            assert step(batch) == batch
            taken += model.took
        model.synchronize(last)
        assert time.perf_counter() - start >= (1 + share) * taken
    assert model.waited == list(range(1, 5)), "what the steps began is waited for, or its share would be too small"


def test_planted_executions_are_those_of_every_framework_with_what_they_need():
    names = {one.name: one for one in slowed.SLOWED.executions}
    assert {"pytorch.eager-a", "pytorch.eager-b", "jax.jit-2", "tensorflow.graph-5", "keras.jax-20"} <= set(names)
    assert names["pytorch.eager-20"].requires[0] == "torch"
    assert names["pytorch.eager-20"].note.endswith("every step 20% longer")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """The folder of the campaign of known durations, which is kept; and what was said of it."""
    home = tmp_path_factory.mktemp("virtual")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "TemporaryDirectory", lambda **_: nullcontext(str(home)))
        return home, known_clock()


@pytest.mark.slow
def test_known_durations_come_out_bit_for_bit_of_the_whole_pipeline(known):
    assert known[1] == []


@pytest.fixture
def virtual(known):
    return known[0]


@pytest.fixture
def tampered(virtual, tmp_path):
    """What each check says of a copy of the campaign in which a file was changed by a function of its text."""

    def tampered(name: str, change) -> dict[str, list[str]]:
        shutil.copytree(virtual, tmp_path / "copy")
        (campaign,) = (tmp_path / "copy" / "data").iterdir()
        page = tmp_path / "copy" / "html" / "index.html"
        file = page if name == page.name else campaign / name
        changed = change(file.read_text())
        assert changed != file.read_text()
        file.write_text(changed)
        return {check.__name__.removeprefix("_check_"): list(check(campaign, page)) for check in CHECKS}

    return tampered


def longer(text: str) -> str:
    """The text with its numbers that are a step of `fast` in its first launch an ulp longer."""
    seconds = nanoseconds("fast", "infer", 0) / 1e9
    return text.replace(repr(seconds), repr(math.nextafter(seconds, 1)))


@pytest.mark.slow
def test_checks_pass_on_an_unchanged_virtual_campaign(virtual):
    (campaign,) = (virtual / "data").iterdir()
    assert [list(check(campaign, virtual / "html" / "index.html")) for check in CHECKS] == [[]] * 4
    assert {record.status.value for record in read_campaign(campaign).records} == {"measured"}


@pytest.mark.slow
def test_an_ulp_in_one_round_of_the_records_is_noticed(tampered):
    seconds = nanoseconds("fast", "infer", 0) / 1e9
    found = tampered("records.jsonl", lambda text: text.replace(repr(seconds), repr(math.nextafter(seconds, 1)), 1))
    assert len(found["records"]) == 1
    assert "fake-clock:fast launch 0" in found["records"][0]


@pytest.mark.slow
def test_an_ulp_in_all_rounds_of_a_launch_is_noticed_in_the_records_and_in_the_table(tampered):
    found = tampered("records.jsonl", longer)
    assert len(found["records"]) == len(found["table"]) == 1
    assert "launch 0" in found["table"][0]
    assert found["benchmark_file"] == [], "that file was written by another way"


@pytest.mark.slow
def test_an_ulp_in_pytest_benchmarks_file_is_noticed(tampered):
    found = tampered("benchmark.json", longer)
    assert len(found.pop("benchmark_file")) == 1
    assert not any(found.values())


@pytest.mark.slow
def test_an_ulp_in_the_page_is_noticed(tampered):
    seconds = nanoseconds("level", "train", 0) / 1e9

    def change(text: str) -> str:
        return text.replace(f'<data value="{seconds!r}"', f'<data value="{math.nextafter(seconds, 1)!r}"')

    found = tampered("index.html", change)
    assert len(found.pop("page")) == 1
    assert not any(found.values())


@pytest.mark.slow
def test_a_launch_that_was_lost_is_noticed(tampered):
    found = tampered("records.jsonl", lambda text: re.sub(r"[^\n]*\n\Z", "", text))
    assert "35 records, expected 36" in found["records"][0]


def test_a_file_that_cannot_be_written_is_one_line_before_anything_is_measured(run, tmp_path):
    done = run("bench", "selftest", "--output", tmp_path / "nowhere" / "x.json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "is no folder to write in" in done.stderr
