"""Workloads that are divided over several devices: their cases, ids, and what is refused before measuring."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulated import Kept

from bench.cost import memory
from bench.cost.floors import floor_of
from bench.gate import admission
from bench.plan import cases as plan
from bench.plan.executions import lacks
from bench.plan.parse import parse_devices
from bench.plan.suite import Suite, SuiteError, load_suite, with_devices
from bench.scheduling.ledger import Ledger
from impls.errors import InvalidInput

DDP, EAGER = "pytorch:ddp", "pytorch:eager"


def suite(batches=(8,), devices=(1, 2, 4), architectures=("lenet5",), **more) -> Suite:
    keys = {"architectures": architectures, "batches": batches, "devices": devices, "phases": ("gradient",)}
    base = load_suite("smoke").model_dump()
    return Suite.model_validate({**base, "contestants": (DDP, EAGER), "workloads": ({**keys, **more},)})


def test_each_number_of_devices_is_a_workload_and_one_device_keeps_its_id():
    ids = list(dict.fromkeys(case.workload.id for case in plan.cases(suite(), "cpu")))
    plain = "lenet5-1x32x32-k10-b8-float32-cpu"
    assert ids == [f"{plain}-gradient", f"{plain}-x2-gradient", f"{plain}-x4-gradient"]


def test_the_same_batch_is_divided():
    assert {case.workload.batch for case in plan.cases(suite(), "cpu")} == {8}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"batches": (10,)},
            "workloads.0: a batch of 10 cannot be divided evenly over 4 devices; give a multiple of 4",
        ),
        (
            {"streams": ("exact",), "architectures": ("zf5-spp",)},
            "workloads.0: .*a stream runs on one device; leave devices out",
        ),
    ],
    ids=["uneven", "stream"],
)
def test_what_cannot_be_divided_is_refused_in_one_line(changes, why):
    with pytest.raises(SuiteError, match=why) as refusal:
        plan.cases(suite(**changes), "cpu")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("devices", [(0,), (), ("two",)], ids=["zero", "none", "a word"])
def test_what_is_no_number_of_devices_is_refused(devices, tmp_path):
    (tmp_path / "bad.toml").write_text(
        f'title = "bad"\ncontestants = ["{DDP}"]\n[[workloads]]\narchitectures = ["lenet5"]\nbatches = [4]\n'
        f"devices = {list(devices)}\n"
    )
    with pytest.raises(SuiteError, match=r"bad.toml: workloads.0.devices"):
        load_suite(str(tmp_path / "bad.toml"))


def test_a_search_for_the_largest_batch_is_on_one_device():
    with pytest.raises(SuiteError, match="a search for the largest batch runs on one device"):
        plan.cases(suite().model_copy(update={"largest_batch": True}), "cpu")


def test_the_option_replaces_the_devices_of_all_workloads():
    changed = with_devices(suite(), parse_devices("2,1,2"))
    assert list(dict.fromkeys(case.workload.devices for case in plan.cases(changed, "cpu"))) == [2, 1]


@pytest.mark.parametrize("text", ["", "0", "two", "1,", "-1", "1;2", "12345"])
def test_an_option_that_is_no_list_of_numbers_is_refused(text):
    with pytest.raises(InvalidInput, match="give positive numbers with commas between, such as 4 or 1,2,4"):
        parse_devices(text)


def test_a_contestant_of_one_device_is_skipped_on_several():
    reasons = {(case.contestant.id, case.workload.devices): lacks(case) for case in plan.cases(suite(), "cpu")}
    assert reasons == {
        **{(DDP, devices): None for devices in (1, 2, 4)},
        (EAGER, 1): None,
        (EAGER, 2): "runs on one device",
        (EAGER, 4): "runs on one device",
    }


@pytest.mark.parametrize(
    ("architecture", "why"),
    [("nin-tutorial", "batch normalisation is not supported on several devices"), ("lenet5/c3", "a layer with")],
)
def test_what_cannot_be_divided_is_skipped(architecture, why):
    (one, *_) = plan.cases(suite(devices=(1,), architectures=(architecture,)), "cpu")
    assert lacks(one) is None
    assert lacks(replace(one, workload=replace(one.workload, devices=2))).startswith(why)


@pytest.mark.parametrize("phase", ["infer", "gradient", "train"])
def test_each_device_has_all_weights_and_its_part_of_the_batch(phase):
    one = replace(plan.cases(suite(), "cpu")[0].workload, phase=phase)
    four, quarter = replace(one, devices=4), replace(one, batch=2)
    assert memory.estimate(four) == pytest.approx(4 * memory.estimate(quarter), abs=4)
    assert floor_of(four).macs == floor_of(one).macs
    assert floor_of(four).memory_bytes == 4 * floor_of(quarter).memory_bytes
    assert floor_of(four).traffic_bytes == 4 * floor_of(quarter).traffic_bytes


def test_a_workload_on_more_cards_than_there_are_is_skipped(monkeypatch):
    asked = []

    def missing(device, cards):
        asked.append((device, cards))
        return None if cards == 2 else f"{cards} cards are needed, the driver sees 2"

    monkeypatch.setattr(admission.nvidia, "missing", missing)
    admission._missing_cards.cache_clear()
    ledger = Ledger(plan.cases(suite(), "cuda"), DDP, Kept())
    admission.Admission(ledger, suite()).rule_out()
    admission._missing_cards.cache_clear()
    said = {
        record.case.workload.devices: record.reason for record in ledger.records if record.case.contestant.id == DDP
    }
    assert sorted(set(asked)) == [("cuda", 2), ("cuda", 4)], "that there is a card was checked before"
    assert said.get(4) == "4 cards are needed, the driver sees 2" or "not installed" in said[4]
    assert 2 not in said or "not installed" in said[2]
