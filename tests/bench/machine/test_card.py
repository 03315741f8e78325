"""What is asked of the card after each turn, and by whom it is taken to be used."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.machine.card import HIDDEN, CardWatch, foreign_processes, joined
from impls.host import nvidia
from results.schema.record import CardConditions


@pytest.fixture
def watch(stub_driver, monkeypatch):
    stub_driver.load(monkeypatch)
    with CardWatch("cuda") as watch:
        yield watch


def test_a_turn_leaves_the_cards_clock_and_what_lowers_it_and_who_else_is_there(watch, stub_driver):
    stub_driver.answer({"processes.own": "77", "processes.foreign": "1", "nvmlDeviceGetCurrentClocksEventReasons": "4"})
    assert watch.read({77, 78}) == CardConditions((1.5e9,), ("its power limit",), (1,))


def test_what_the_driver_refuses_once_is_asked_again_and_the_rest_is_there(watch, stub_driver):
    stub_driver.answer({"processes.own": "77", "nvmlDeviceGetClockInfo": "! 3"})
    first = watch.read({77})
    assert first == CardConditions((), ("",), (0,), {"clock_hz": "the driver does not tell: Not Supported"})
    stub_driver.answer({"processes.own": "77"})
    second = watch.read({77})
    assert second == CardConditions((1.5e9,), ("",), (0,))
    both = joined([first, second])
    assert both == CardConditions((1.5e9,), ("", ""), (0, 0), first.missing)


def test_where_not_even_the_launch_is_listed_others_are_unknown(watch):
    assert watch.read({77}) == CardConditions((1.5e9,), ("",), (), {"foreign_processes": HIDDEN})


def test_a_driver_that_cannot_be_asked_is_a_reason_for_everything(stub_driver, monkeypatch):
    stub_driver.load(monkeypatch)
    stub_driver.answer({"nvmlInit": "! 9"})
    with CardWatch("cuda") as watch:
        found = watch.read({77})
    assert found == CardConditions(missing=dict.fromkeys(found.missing, nvidia.undescribed()))
    assert set(found.missing) == {"clock_hz", "slowed_by", "foreign_processes"}


def test_on_the_processor_and_outside_a_campaign_nothing_is_asked(stub_driver, monkeypatch):
    stub_driver.load(monkeypatch)
    with CardWatch("cpu") as watch:
        assert watch.read({77}) is None
    assert CardWatch("cuda").read({77}) is None
    assert joined([]) is None


def test_what_a_launch_has_started_is_no_foreign_process():
    assert foreign_processes([os.getpid(), 2**22 + 1], {os.getppid()}) == 1, "hidden: one of two may be the launch"
    assert foreign_processes([os.getppid(), os.getpid(), 2**22 + 1], {os.getppid()}) == 1


@given(ours=st.frozensets(st.integers(2**22 + 1, 2**22 + 9), max_size=5), foreign=st.integers(0, 4))
def test_only_others_count(ours, foreign):
    listed = [*ours, *(2**23 + number for number in range(foreign))]
    assert foreign_processes(listed, ours) == foreign
