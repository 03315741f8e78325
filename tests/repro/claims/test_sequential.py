"""Seeds until a claim is decided: the looks, and the error rates that they were chosen for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.claims.error_rates import DRAWS, RULES, _judged, error_rates
from repro.claims.experiment import BELOW_ZERO, Contrast
from repro.claims.judge import judge
from repro.claims.metrics import TEST_ERROR
from repro.claims.sequential import CONFIDENCE, LOOKS, next_look, until_decided
from results.schema.findings import SizeVerdict, Verdict
from results.schema.trial import Outcome, Trial
from tests.repro.planted import trial

SAYS = (Contrast("a less b", TEST_ERROR, "a", "b", BELOW_ZERO, "-1 %", size=-1.0),)
ERRORS = 0.05 + 3 * (0.05 * 0.95 / 20_000) ** 0.5
"""The largest share of errors that is allowed, with the simulation's own uncertainty."""


def arms(differences: list[float]) -> dict[str, dict[int, Trial]]:
    """Two arms that differ by so much in each seed, in percent."""
    second = {seed: trial(seed, {"": 0.3}) for seed in range(1, len(differences) + 1)}
    return {"a": {s: trial(s, {"": 0.3 + d / 100}) for s, d in enumerate(differences, 1)}, "b": second}


@pytest.mark.parametrize("spread", [0.5, 2.0, 100.0])
@pytest.mark.parametrize("rule", RULES)
def test_at_most_one_claim_in_twenty_is_wrong_where_there_is_no_effect(rule: str, spread: float) -> None:
    """Whatever the spread: with a wide one the size is never excluded, as of a paper that gives none."""
    found = error_rates(DRAWS["normal"], 0.0, spread, *RULES[rule])
    assert found.verdicts[Verdict.SUPPORTED] + found.verdicts[Verdict.CONTRADICTED] <= ERRORS


@pytest.mark.parametrize("rule", RULES)
def test_half_of_the_effect_is_seldom_called_less(rule: str) -> None:
    assert error_rates(DRAWS["normal"], -0.5, 1.0, *RULES[rule]).less_than_half <= ERRORS / 2


def test_the_looks_of_a_95_percent_interval_would_be_wrong_more_often() -> None:
    found = error_rates(DRAWS["normal"], 0.0, 2.0, LOOKS, 0.95)
    assert found.verdicts[Verdict.SUPPORTED] + found.verdicts[Verdict.CONTRADICTED] > 0.1


@pytest.mark.parametrize("effect", [-2.0, 0.0, 2.0])
def test_large_effects_are_decided_early_and_by_their_sign(effect: float) -> None:
    found = error_rates(DRAWS["normal"], effect, 0.5, *RULES["until decided"])
    right = (Verdict.SUPPORTED,) if effect < 0 else (Verdict.NOT_AT_THIS_SCALE, Verdict.CONTRADICTED)
    assert sum(found.verdicts[verdict] for verdict in right) > 0.9
    assert found.seeds < LOOKS[-1] / 2


DIFFERENCES = st.lists(st.integers(-300, 300).map(lambda value: value / 100), min_size=2, max_size=12)


@given(DIFFERENCES)
def test_the_simulation_judges_as_claims_are_judged(differences: list[float]) -> None:
    verdict, (contrast,) = judge(SAYS, arms(differences), CONFIDENCE)
    (simulated,), (less,) = _judged(np.array([differences]), CONFIDENCE)
    ends = (contrast.low, contrast.high)
    if min(abs(end - border) for end in ends for border in (0.0, -0.5)) > 1e-6:  # shares of errors are rounded
        assert simulated == verdict
        assert less == (contrast.size_verdict is SizeVerdict.LESS_THAN_HALF)


def test_a_verdict_stands_when_more_seeds_come() -> None:
    clear = [-1.0, -1.01, -0.99]
    decided = until_decided(SAYS, arms(clear))
    assert (decided.verdict, decided.looks) == (Verdict.SUPPORTED, (3,))
    assert until_decided(SAYS, arms([*clear, 9.0, 9.0])) == decided


def test_only_whole_looks_are_judged() -> None:
    open_still = [-1.0, 0.4, -0.2, -3.0]
    decided = until_decided(SAYS, arms(open_still))
    assert (decided.verdict, decided.looks) == (Verdict.INCONCLUSIVE, (3,))
    assert decided.contrasts[0].pairs == 3
    assert decided.contrasts[0].confidence == CONFIDENCE


def test_fewer_seeds_than_the_first_look_decide_nothing() -> None:
    decided = until_decided(SAYS, arms([-1.0, -1.0001]))
    assert (decided.verdict, decided.looks) == (Verdict.INCONCLUSIVE, ())


def test_a_look_needs_every_seed_of_every_arm() -> None:
    trials = arms([-1.0, -1.01, -0.99, -1.0])
    del trials["a"][1]
    assert until_decided(SAYS, trials).looks == ()
    trials = arms([-1.0, -1.01, -0.99])
    del trials["b"][3]
    assert until_decided(SAYS, trials).looks == ()


def test_an_open_claim_names_the_next_look_and_its_hours() -> None:
    trials = {
        name: {seed: replace(one, seconds=1800.0) for seed, one in found.items()}
        for name, found in arms([-1.0, 0.4, -0.2]).items()
    }
    (found,) = until_decided(SAYS, trials).contrasts
    assert found.remedy == "the next look is at 5 seeds (--until-decided, 2.0 hours of one core)"
    (last,) = until_decided(SAYS, arms([(-1) ** seed * 4.0 for seed in range(LOOKS[-1])])).contrasts
    assert last.remedy == "27 seeds do not decide it; use a larger scale"


def test_a_missing_trial_is_what_an_open_claim_names() -> None:
    trials = arms([-1.0, 0.4, -0.2])
    trials["a"][2] = trial(2, {}, outcome=Outcome.DIVERGED)
    (found,) = until_decided(SAYS, trials).contrasts
    assert found.remedy == "1 trials of 'a' diverged: as planned"


def test_looks_follow_each_other() -> None:
    assert [next_look(look) for look in (0, *LOOKS)] == [*LOOKS, None]


@pytest.mark.parametrize("text", ["docs/reproduction.md", "repro/cli.py", "CHANGELOG.md"])
def test_the_looks_stand_in_the_texts_that_name_them(text: str) -> None:
    *first, last = LOOKS
    told = " ".join((Path(__file__).parents[3] / text).read_text(encoding="utf-8").split())
    assert f"{', '.join(map(str, first))} and {last}" in told
