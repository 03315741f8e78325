"""Verdicts: every training claim can come out in every way, and seldom comes out wrong."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.claims.claim import claims
from repro.claims.experiment import BELOW_ONE, BELOW_ZERO, Contrast, Experiment, Region
from repro.claims.judge import judge, values
from repro.claims.metrics import TEST_ERROR, images_to
from results import words
from results.schema.findings import SizeVerdict, Verdict
from results.schema.trial import Outcome, Trial
from results.stats.estimates import arithmetic
from tests.repro.planted import trial

EXPERIMENTS = [
    pytest.param(experiment, id=f"{claim.id}-{place}-{experiment.data}")
    for claim in claims().values()
    for place, experiment in enumerate(claim.experiments)
]
SEEDS = range(1, 6)


def curve(rng: random.Random, first: float, pace: float, test: float) -> tuple[tuple[float, float, float], ...]:
    """Training errors that fall from `first` at a pace, test errors that go to `test` with a turn on the way."""
    turn = rng.choice([0.0, 0.0, 0.02, 0.1])
    half = test * rng.choice([0.999, 1.0, 1.5])
    return tuple(
        (
            at,
            0.9 * math.exp(-pace * at) * first,
            half if at <= 5 else max(test - turn, 0.001) if at < 10 else test,
        )
        for at in range(1, 11)
    )


def arms(experiment: Experiment, rng: random.Random) -> dict[str, dict[int, Trial]]:
    """Trials of every arm whose errors differ by arm and view, and hardly, or wildly, by seed."""
    aims = [(c.claimed.low + c.claimed.high) / 2 for c in experiment.contrasts if c.scale == "value"]
    likely = [aim / 100 for aim in aims if math.isfinite(aim)]
    spread = rng.choice([0.0005, 0.0005, 0.4])
    found: dict[str, dict[int, Trial]] = {}
    for arm in experiment.arms:
        level = {view: rng.choice([*likely, rng.uniform(0.01, 0.6), 0.2]) for view in arm.views}
        pace, first = rng.uniform(0.1, 2.0), rng.choice([1.0, 0.01])
        found[arm.name] = {}
        for seed in SEEDS:
            noisy = {view: min(1.0, error * math.exp(spread * rng.gauss(0, 1))) for view, error in level.items()}
            drawn = curve(rng, first, pace * math.exp(spread * rng.gauss(0, 1)), noisy[next(iter(noisy))])
            found[arm.name][seed] = trial(seed, noisy, drawn)
    return found


def half_is_claimed(contrast: Contrast) -> bool:
    """Whether half of the paper's effect lies within the claimed region: otherwise less than half contradicts it."""
    if contrast.size is None:
        return False
    half = math.sqrt(contrast.size) if contrast.scale == "ratio" else contrast.size / 2
    return contrast.claimed.low < half < contrast.claimed.high


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_verdict_comes_out(experiment: Experiment) -> None:
    rng, seen = random.Random(0), set[Verdict]()
    wanted = {Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.INCONCLUSIVE}
    if any(map(half_is_claimed, experiment.contrasts)):
        wanted.add(Verdict.NOT_AT_THIS_SCALE)
    for _ in range(6000):
        seen.add(judge(experiment.contrasts, arms(experiment, rng))[0])
        if seen == wanted:
            break
    assert seen == wanted


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_contrasts_name_what_is_there(experiment: Experiment) -> None:
    names = {arm.name for arm in experiment.arms}
    assert len(names) == len(experiment.arms)
    for contrast in experiment.contrasts:
        assert {contrast.first, contrast.second or contrast.first} <= names
        drawn = (arms(experiment, random.Random(seed)) for seed in range(100))
        assert any(len(values(contrast, trials)) == len(SEEDS) for trials in drawn), "a metric that no trial here has"


def says(region: Region = BELOW_ZERO, paper: str = "-1 %") -> tuple[Contrast, ...]:
    return (Contrast("a less b", TEST_ERROR, "a", "b", region, paper),)


def errors(**given: list[float]) -> dict[str, dict[int, Trial]]:
    return {name: {s: trial(s, {"": e / 100}) for s, e in enumerate(found, 1)} for name, found in given.items()}


def test_pairs_go_by_seed() -> None:
    trials = errors(a=[10, 20, 30], b=[11, 21.5, 31])
    verdict, (found,) = judge(says(), trials)
    assert verdict is Verdict.SUPPORTED
    assert found.value == pytest.approx(-7 / 6)
    assert found.pairs == 3
    del trials["b"][2]
    assert judge(says(), trials)[1][0].pairs == 2


def test_one_seed_settles_nothing() -> None:
    verdict, (found,) = judge(says(), errors(a=[10], b=[90]))
    assert verdict is Verdict.INCONCLUSIVE
    assert (found.low, found.high) == (None, None)
    assert "2 seeds" in found.remedy


def test_equal_arms_are_no_better_than_each_other() -> None:
    same = errors(a=[90, 90, 90], b=[90, 90, 90])
    assert judge(says(), same)[0] is Verdict.INCONCLUSIVE
    assert judge(says(Region(low=0.0)), same)[0] is Verdict.INCONCLUSIVE
    assert judge(says(Region(-1, 1)), same)[0] is Verdict.SUPPORTED


def test_a_ratio_with_nothing_is_missed() -> None:
    trials = errors(a=[0, 10, 10.5], b=[20, 21, 22])
    ratio = (Contrast("a over b", TEST_ERROR, "a", "b", Region(high=1), "0.5", scale="ratio"),)
    verdict, (found,) = judge(ratio, trials)
    assert (verdict, found.pairs) == (Verdict.INCONCLUSIVE, 2)
    assert found.remedy == "1 of 3 seeds have no pair, or a ratio with nothing"


def test_remedy_says_how_many_seeds() -> None:
    _, (found,) = judge(says(), errors(a=[10, 10.5, 9.8], b=[10.4, 10.6, 10.7]))
    assert found.verdict is Verdict.INCONCLUSIVE
    count = int(found.remedy.partition("--seeds ")[2].strip(")"))
    assert 4 <= count <= 20


def test_diverged_trials_are_left_out_and_named() -> None:
    """And nothing is said without them: which trials diverge is seldom chance."""
    trials = errors(a=[10, 11], b=[20, 21])
    assert judge(says(), trials)[0] is Verdict.SUPPORTED
    trials["b"][3] = trial(3, {}, outcome=Outcome.DIVERGED)
    trials["a"][3] = trial(3, {"": 0.1})
    verdict, (found,) = judge(says(), trials)
    assert found.pairs == 2
    assert verdict is found.verdict is Verdict.INCONCLUSIVE
    assert found.remedy == "1 trials of 'b' diverged: as planned"
    assert judge(says(), {"a": trials["a"], "b": {3: trials["b"][3]}})[1][0].remedy == (
        "1 trials of 'b' diverged: as planned"
    )


def test_never_reaching_an_error_is_no_number() -> None:
    flat = {s: trial(s, {}, ((1, 0.9, 0.9), (2, 0.8, 0.9))) for s in (1, 2)}
    steep = {s: trial(s, {}, ((1, 0.5, 0.9), (2, 0.1 + s / 100, 0.9))) for s in (1, 2)}
    ratio = (Contrast("b over a", images_to(25), "flat", "steep", Region(low=1), "6", scale="ratio"),)
    verdict, (found,) = judge(ratio, {"flat": flat, "steep": steep})
    assert verdict is Verdict.INCONCLUSIVE
    assert found.value is None
    assert "2 trials of 'flat' have no images to 25 % training error" in found.remedy
    assert 1000 < images_to(25).of(steep[1]) < 2000  # between the two measurements
    assert images_to(60).of(steep[1]) is None  # before the first one


def test_bonferroni_guards_contradiction_only() -> None:
    """With two statements a contradiction needs more than for one alone; support of each does not."""
    trials = errors(a=[10.55, 10.9, 10.75], b=[10, 10, 10], c=[30, 31, 30])
    alone = says()
    assert judge(alone, trials)[0] is Verdict.CONTRADICTED
    both = (*alone, Contrast("a less c", TEST_ERROR, "a", "c", BELOW_ZERO, "-1 %"))
    verdict, found = judge(both, trials)
    assert found[1].verdict is Verdict.SUPPORTED
    assert found[0].verdict is Verdict.CONTRADICTED or verdict is Verdict.INCONCLUSIVE


@given(st.lists(st.integers(-500, 500).map(lambda n: n / 10), min_size=2, max_size=8), st.integers(-100, 100))
def test_supported_and_contradicted_exclude_each_other(differences: list[float], tenths: int) -> None:
    border = tenths / 10 + 0.0321  # which no mean of so few falls on
    trials = errors(a=[50 + d / 2 for d in differences], b=[50 - d / 2 for d in differences])
    below, _ = judge(says(Region(high=border)), trials)
    above, _ = judge(says(Region(low=border)), trials)
    opposite = {Verdict.SUPPORTED: Verdict.CONTRADICTED, Verdict.CONTRADICTED: Verdict.SUPPORTED}
    assert above is opposite.get(below, Verdict.INCONCLUSIVE)


def wrong_share(seeds: int, repeats: int = 2000) -> Iterator[bool]:
    """Whether each of many experiments without an effect is called one."""
    rng = np.random.default_rng(0)
    for _ in itertools.repeat(None, repeats):
        found = arithmetic(rng.normal(0, 1, seeds).tolist())
        yield found.high < 0 or found.low > 0


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_of_no_effect_an_effect_is_seldom_seen(seeds: int) -> None:
    assert 0.035 <= np.mean(list(wrong_share(seeds))) <= 0.065


def test_arms_of_pools_differ_in_the_pools_alone() -> None:
    """AX-4: what follows the pools has the same shapes, and so the same first weights."""
    for experiment in claims()["AX-4"].experiments:
        first, second = (arm.architecture.at(channels=3).arrays for arm in experiment.arms)
        assert first == second


def sized(size: float, scale: str = "difference") -> tuple[Contrast, ...]:
    return (
        Contrast(
            "a less b", TEST_ERROR, "a", "b", BELOW_ZERO if scale == "difference" else BELOW_ONE, "", scale, size=size
        ),
    )


@pytest.mark.parametrize(
    ("a", "verdict", "size", "said"),
    [
        ([10.0, 10.1, 9.9], Verdict.SUPPORTED, SizeVerdict.AT_LEAST_HALF, "at least half of the paper's effect"),
        ([19.8, 19.81, 19.79], Verdict.SUPPORTED, SizeVerdict.LESS_THAN_HALF, "at most 0.22 %"),
        ([19.9, 20.1, 20.0], Verdict.NOT_AT_THIS_SCALE, SizeVerdict.LESS_THAN_HALF, "at most 0.25 %"),
        ([20.4, 20.5, 20.6], Verdict.CONTRADICTED, SizeVerdict.LESS_THAN_HALF, "no effect in the paper's direction"),
        ([19.0, 20.5, 19.5], Verdict.INCONCLUSIVE, SizeVerdict.OPEN, ""),
    ],
)
def test_size_is_judged_apart_from_direction(a: list[float], verdict: Verdict, size: SizeVerdict, said: str) -> None:
    found, (contrast,) = judge(sized(-1.0), errors(a=a, b=[20, 20, 20]))
    assert (found, contrast.verdict, contrast.size_verdict) == (verdict, verdict, size)
    assert said in words.effect_size(contrast)
    assert bool(said) == bool(words.effect_size(contrast))


def test_size_of_a_rise_is_judged_the_other_way_round() -> None:
    rises = (Contrast("a less b", TEST_ERROR, "a", "b", Region(low=0.0), "2 %", size=2.0),)
    found, (contrast,) = judge(rises, errors(a=[20.2, 19.9, 20.0], b=[20, 20, 20]))
    assert (found, contrast.size_verdict) == (Verdict.NOT_AT_THIS_SCALE, SizeVerdict.LESS_THAN_HALF)
    assert "at most 0.41 %" in words.effect_size(contrast)
    assert judge(rises, errors(a=[22.2, 21.9, 22.0], b=[20, 20, 20]))[1][0].size_verdict is SizeVerdict.AT_LEAST_HALF


def test_half_of_a_ratio_is_half_of_its_logarithm() -> None:
    halves = sized(0.25, "ratio")
    assert judge(halves, errors(a=[9, 9.1, 8.9], b=[20, 20, 20]))[1][0].size_verdict is SizeVerdict.AT_LEAST_HALF
    found, (contrast,) = judge(halves, errors(a=[20, 20.5, 19.5], b=[20, 20, 20]))
    assert (found, contrast.size_verdict) == (Verdict.NOT_AT_THIS_SCALE, SizeVerdict.LESS_THAN_HALF)
    assert "a factor of 0.94 at least" in words.effect_size(contrast)


def test_nothing_is_said_of_a_size_that_the_paper_does_not_give_or_that_lacks_a_trial() -> None:
    assert judge(says(), errors(a=[10, 10.1], b=[20, 20]))[1][0].size_verdict is None
    trials = errors(a=[10, 10.1, 10], b=[20, 20, 20])
    trials["b"][3] = trial(3, {}, outcome=Outcome.DIVERGED)
    assert judge(sized(-1.0), trials)[1][0].size_verdict is None


def test_remedy_says_how_many_hours() -> None:
    trials = errors(a=[10, 10.5, 9.8], b=[10.4, 10.6, 10.7])
    timed = {
        name: {seed: replace(one, seconds=1800.0) for seed, one in found.items()} for name, found in trials.items()
    }
    _, (found,) = judge(says(), timed)
    count, hours = re.search(r"\(--seeds (\d+), (\S+) hours of one core\)", found.remedy).groups()
    assert float(hours) == int(count) - 3


EVERY_SIZE = [
    contrast for claim in claims().values() for experiment in claim.experiments for contrast in experiment.contrasts
]


def test_a_papers_size_stands_in_its_text() -> None:
    """And it says what the claimed region says: an effect in that direction."""
    for contrast in EVERY_SIZE:
        if contrast.size is None:
            continue
        assert f"{abs(contrast.size):g}" in contrast.paper
        middle = 1.0 if contrast.scale == "ratio" else 0.0
        assert (contrast.size > middle) == (contrast.claimed.low > -math.inf)
