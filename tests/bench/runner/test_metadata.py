"""What system.json says of a campaign, from its suite and cases."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bench.plan import suite as suites
from bench.runner import metadata
from impls.layers import SpatialPyramid
from results.schema.record import SCHEMA, Case, Contestant, Workload
from tests.simulated import A, B, lenet

PYRAMID = Workload("zf5-spp", 180, 180, 3, 10, 1, "float32", "cpu", "infer")
PROBE = Workload("probe-matmul", 32, 32, 2, 2048, 512, "float32", "cpu", "infer")


def described(*workloads: Workload, contestants: tuple[Contestant, ...] = (A, B)) -> dict:
    suite = suites.load_suite("smoke")
    cases = [Case(workload, contestant) for workload in workloads for contestant in contestants]
    return metadata.describe("smoke", suite, cases, "pytest --benchmark-only").content()


def test_describe_names_cases_contestants_and_the_schema():
    found = described(lenet())
    assert json.loads(json.dumps(found)) == found
    assert found["schema"] == SCHEMA
    assert found["cases"] == [Case(lenet(), contestant).id for contestant in (A, B)]
    assert found["contestants"].keys() == {A.id, B.id}
    assert found["contestants"][A.id]["title"] == "known durations"


def test_describe_has_the_table_of_each_workload():
    found = described(lenet(), PYRAMID)
    assert found["workloads"][lenet().id]["parameters"] == 60_000
    assert found["networks"].keys() == {lenet().network_id, PYRAMID.network_id}
    assert sum(layer["macs"] for layer in found["networks"][lenet().network_id]) > 0


def test_describe_marks_a_probe_and_gives_it_no_layers():
    found = described(PROBE)
    assert found["workloads"][PROBE.id]["ceiling"] == "macs"
    assert found["networks"] == {}


def test_describe_places_the_bins_of_pyramids_and_says_why_a_rule_cannot():
    (pyramid,) = described(PYRAMID)["pyramids"]
    assert (pyramid["side"], pyramid["levels"]) == (10, [6, 3, 2, 1])
    adaptive = SpatialPyramid("spp", (6,), "adaptive").bins(10, 6)
    assert [tuple(one) for one in pyramid["rules"]["adaptive"]["6"]] == list(adaptive)
    assert pyramid["rules"]["sliding"]["6"].startswith("the sliding rule gives 9 bins, not 6, on a side of 10")


def test_the_reference_is_the_suite_s_first_or_the_first_that_is_selected():
    suite = suites.load_suite("smoke")
    assert metadata.reference_of(suite, [Case(lenet(), B), Case(lenet(), suite.reference)]) == suite.reference
    assert metadata.reference_of(suite, [Case(lenet(), B), Case(lenet(), A)]) == B


def test_environment_tells_what_steady_launches_drop_and_shipped_ones_inherit():
    shell = {"PATH": "/bin", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "0"}
    shipped = Contestant("fake-clock", "slow", setting="as-shipped")
    steady = metadata.environment([A], shell)
    assert (steady["passed"], steady["choosing"]) == (["PATH"], {"CUDA_VISIBLE_DEVICES": "0"})
    assert (steady["inherited"], steady["dropped"]) == ({}, ["OMP_NUM_THREADS"])
    both = metadata.environment([A, shipped], shell)
    assert (both["inherited"], both["dropped"]) == ({"OMP_NUM_THREADS": "1"}, ["OMP_NUM_THREADS"])


def test_an_absent_meter_is_a_warning(monkeypatch):
    monkeypatch.setattr(metadata, "absent", lambda: {"odd": "ImportError: no module named odd"})
    (warning,) = [one for one in described(lenet())["warnings"] if "meter" in one["what"]]
    assert warning["what"].startswith("the meter odd is absent")
    assert "ImportError" in warning["what"]


CUDA = replace(lenet(), device="cuda")
COMPILED = Contestant("jax", "jit")


@pytest.mark.parametrize(
    ("preset", "workload", "contestant", "warned"),
    [
        ("quick", CUDA, COMPILED, True),
        ("standard", CUDA, COMPILED, False),
        ("strict", CUDA, COMPILED, False),
        ("smoke", CUDA, COMPILED, False),  # a single launch
        ("quick", lenet(), COMPILED, False),
        ("quick", CUDA, Contestant("pytorch", "eager"), False),  # autotunes in every launch
    ],
    ids=lambda value: getattr(value, "id", str(value)),
)
def test_autotuning_that_is_done_once_on_a_card_is_a_warning(preset, workload, contestant, warned):
    suite = suites.load_suite("quick", preset=preset)
    found = metadata.describe("quick", suite, [Case(workload, contestant)], "").content()["warnings"]
    assert [one for one in found if "autotuning chose once" in one["what"]] == found[-1:] * warned
