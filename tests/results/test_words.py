"""Words and units that the terminal and the pages share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impls.terminal import SUBSTITUTES
from results import words
from results.schema.findings import Verdict
from results.schema.record import Status
from results.stats.verdicts import Judgement, TimingVerdict
from results.units import amount, elapsed, step_time


@pytest.mark.parametrize("status", Status)
def test_in_words_of_a_status_has_no_underscore(status: Status) -> None:
    assert words.in_words(status).split() == status.value.split("_")


def test_status_has_its_reason_if_there_is_one() -> None:
    assert words.status(Status.OUT_OF_MEMORY, "needs 31 GiB") == "out of memory: needs 31 GiB"
    assert words.status(Status.TIMED_OUT, "") == "timed out"


@pytest.mark.parametrize("verdicts", [words.VERDICT_MARKS, words.CLAIM_MARKS])
def test_every_verdict_has_a_mark_of_its_own_in_ascii_too(verdicts: dict[str, str]) -> None:
    marks = [SUBSTITUTES.get(mark, mark) for mark in verdicts.values()]
    assert len(set(marks)) == len(marks)
    assert all(mark.isascii() for mark in marks)


def test_every_verdict_has_a_mark_and_a_place() -> None:
    assert set(words.VERDICT_MARKS) == set(words.VERDICT_ORDER) == set(TimingVerdict)
    assert set(words.CLAIM_MARKS) == set(Verdict)
    assert words.verdict(Judgement(TimingVerdict.SLOWER)) == words.verdict_kind(TimingVerdict.SLOWER) == "▼ slower"
    assert words.verdict(Judgement(TimingVerdict.WITHIN, 6)) == "≈ within 6 %"
    assert words.verdict_kind(TimingVerdict.WITHIN) == "≈ within N %"
    assert words.claim_verdict(Verdict.SUPPORTED) == "✓ supported"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "None of 3 cases is"), (1, "1 of 3 cases is"), (2, "2 of 3 cases are")]
)
def test_share_of_cases_agrees_with_its_verb(count: int, text: str) -> None:
    assert words.share_of_cases(count, 3) == text


def test_an_unknown_stop_is_said_as_it_is_stored() -> None:
    assert words.stop_reason("budget") == "the time budget was spent"
    assert words.stop_reason("budget", 60) == "the time budget of 60 s was spent"
    assert words.stop_reason("power cut") == "power cut"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.05, "50 ms"), (3.21, "3.21 s"), (701.5, "11 min 42 s"), (7300, "2 h 1 min")]
)
def test_elapsed_has_at_most_two_units(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(1.5, "1.5 s"), (1.234e-3, "1.23 ms"), (2e-9, "2 ns")])
def test_step_time_has_three_digits(seconds: float, text: str) -> None:
    assert step_time(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(512, "512 bytes"), (2048, "2.0 KiB"), (16 * 2**30, "16.0 GiB"), (2**40, "1,024.0 GiB")]
)
def test_amount_is_in_binary_units(count: int, text: str) -> None:
    assert amount(count) == text


@pytest.mark.parametrize(
    ("nodes", "ratios", "said"),
    [
        (4, {4: 12}, "measured on 4 nodes of type T; verdicts are of 4 machines of this type"),
        (4, {3: 2, 4: 10}, "measured on 4 nodes of type T; verdicts are of 3 to 4 machines of this type"),
        (2, {2: 12}, "measured on 2 nodes of type T; verdicts are of these two machines"),
        (1, {1: 12}, "measured on 1 node of type T; verdicts are of this machine"),
        (
            5,
            {1: 3, 2: 4, 5: 12},
            "measured on 5 nodes of type T; verdicts are of 5 machines of this type (12), two machines (4), "
            "one machine (3)",
        ),
        (5, {2: 4}, "measured on 5 nodes of type T; verdicts are of two machines"),
        (3, {}, "measured on 3 nodes of type T"),
    ],
    ids=["type", "some", "two", "one", "mixed", "two of five", "no ratio"],
)
def test_the_scope_of_verdicts(nodes: int, ratios: dict[int, int], said: str) -> None:
    assert words.scope("T", nodes, ratios) == said
    assert words.scope("", nodes, ratios) == said.replace(" of type T", "")


names_of_quantities = st.lists(st.sampled_from(["gpu_watts", "gpu_clock_hz", "cpus_used"]), min_size=1, unique=True)
texts = st.sampled_from(["no run was asked for; --sustained 3s gives one", "the driver says: no", "a; b c: d", "why"])


@given(st.dictionaries(texts, names_of_quantities))
def test_reasons_of_missing_quantities_are_read_as_they_were_written(reasons: dict[str, list[str]]) -> None:
    assert words.missing_reasons(words.missing_words(reasons)) == reasons
