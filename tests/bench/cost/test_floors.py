"""Floors from tables against arithmetic by hand, and ceilings from records made up for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.cost.floors import floor_of
from bench.networks import probes
from bench.plan import cases as plan_cases
from bench.plan import suite as suites
from impls.architectures import load_architecture
from impls.frameworks import PHASES
from impls.precision import POLICIES
from results.compare.limits import Limits, limits_of, roof
from results.quality.plausibility import quicker_with_more
from results.schema.record import Case, Contestant, Record, Status, Workload
from results.schema.system import System, system_of
from results.store.campaigns import StoredCampaign
from results.tables import cases

LENET = Workload("lenet5-dense", 32, 32, 1, 10, 2, "float32", "cpu", "infer")
WEIGHTS = 4 * load_architecture("lenet5-dense").at(32, 1, 10).parameters
"""Bytes: the table has no missing links, so parameters and arrays are as many."""


def test_infer_needs_the_weights_the_images_and_the_scores():
    floor = floor_of(LENET)
    assert floor.memory_bytes == WEIGHTS + 2 * 4 * (32 * 32 + 10)
    assert floor.traffic_bytes == floor.memory_bytes
    assert floor.macs == 2 * load_architecture("lenet5-dense").at(32, 1, 10).macs


def test_images_and_scores_are_as_a_step_gets_and_gives_them_and_weights_as_they_are_stored():
    images = 2 * 4 * (32 * 32 + 10)
    for precision, weights in {"bfloat16": WEIGHTS, "float16": WEIGHTS, "bfloat16-weights": WEIGHTS // 2}.items():
        floor = floor_of(replace(LENET, precision=precision))
        assert (floor.traffic_bytes, floor.memory_bytes) == (weights + images, weights + images)
    kept = {one: floor_of(replace(LENET, precision=one, phase="gradient")).memory_bytes for one in POLICIES}
    assert kept["float16"] == kept["bfloat16"] < kept["tf32"] == kept["float32"] < kept["float64"]


def test_backward_does_everything_again_twice_but_for_the_gradient_of_the_images():
    network = load_architecture("lenet5-dense").at(32, 1, 10)
    first = network.rows[0].facts.macs
    for phase in ("gradient", "train"):
        assert floor_of(replace(LENET, phase=phase)).macs == 2 * (3 * network.macs - first)


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "nin-cifar10", "vgg-a", "zf5-spp"])
def test_more_work_never_needs_less(name):
    network = load_architecture(name).at()
    channels, height, width = network.input_shape
    own = Workload(name, height, width, channels, network.classes, 1, "float32", "cpu", "infer")
    floors = {phase: floor_of(replace(own, phase=phase)) for phase in PHASES}
    for less, more in (("infer", "gradient"), ("forward", "gradient"), ("infer", "train")):
        assert floors[less].macs < floors[more].macs
        assert floors[less].memory_bytes < floors[more].memory_bytes
        assert floors[less].traffic_bytes < floors[more].traffic_bytes
    assert floor_of(replace(own, batch=8, phase="gradient")).memory_bytes > floors["gradient"].memory_bytes
    assert floors["gradient"].memory_bytes >= 2 * network.parameter_bytes()
    assert floors["train"].memory_bytes >= 2 * network.parameter_bytes()


def test_the_probes_of_a_cpu_are_what_they_were():
    """Campaigns are compared by them: another size is another peak."""
    suite = suites.load_suite("smoke", ceilings=True, contestants=("pytorch",))
    found = [case.workload.id for case in plan_cases.cases(suite, "cpu") if probes.probed(case.workload.architecture)]
    assert found == [
        "probe-matmul-2x32x32-k2048-b512-float32-cpu-infer",
        "probe-conv3x3-256x28x28-k256-b4-float32-cpu-infer",
        "probe-gemv-8x32x32-k4096-b1-float32-cpu-infer",
    ]


def test_on_a_card_products_are_bound_by_computing():
    """An H200 is estimated at 395e12 multiply-accumulates per second in bfloat16 and 4.3e12 bytes: 92 a byte."""
    suite = suites.load_suite("gpu-precisions")
    found = [case.workload for case in plan_cases.cases(suite, "cuda") if probes.probed(case.workload.architecture)]
    product = next(one for one in found if one.architecture == "probe-matmul-chain" and one.precision == "bfloat16")
    floor, cast = floor_of(product), 6  # bytes read and written for each weight that is cast
    network = load_architecture("probe-matmul-chain").at((32, 32), 8, 8192)
    assert floor.macs == 4 * 8192**3
    assert floor.macs / (floor.traffic_bytes + cast * network.parameters) > 4 * 92


def test_the_rate_of_reading_weights_is_that_of_a_precision_that_does_not_cast_them():
    suite = suites.load_suite("smoke", ceilings=True)
    grids = (suite.workloads[0].model_copy(update={"precisions": ("float16", "bfloat16-weights")}),)
    suite = suite.model_copy(update={"workloads": grids})
    found: dict[str, set[str]] = {}
    for case in plan_cases.cases(suite, "cpu"):
        if of := probes.probed(case.workload.architecture):
            found.setdefault(of, set()).add(case.workload.precision)
    assert found == {"macs": {"float16", "bfloat16-weights"}, "bytes": {"float32", "bfloat16-weights"}}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_probe_is_a_network_like_any_other(device):
    suite = suites.load_suite("smoke", ceilings=True)
    found = [case for case in plan_cases.cases(suite, device) if probes.probed(case.workload.architecture)]
    assert {case.contestant.framework for case in found} == {"pytorch", "tensorflow", "jax", "keras"}
    assert len(found) == len(probes.probes_on(device)) * 4
    for case in found:
        floor = floor_of(case.workload)
        of = probes.probed(case.workload.architecture)
        assert (floor.macs / floor.traffic_bytes > 50) == (of == "macs"), "work, or traffic, is nearly all of it"


def campaign(tmp_path, **seconds: float) -> StoredCampaign:
    """One launch a case: networks and probes by the name of their workload."""
    loads = {
        "network": LENET,
        "larger": replace(LENET, batch=4),
        "train": replace(LENET, phase="train"),
        "gradient": replace(LENET, phase="gradient"),
        "product": replace(LENET, architecture="probe-matmul", batch=512),
        "convolution": replace(LENET, architecture="probe-conv3x3", batch=4),
        "vector": replace(LENET, architecture="probe-gemv", batch=1),
    }
    facts = {"macs": 1000, "traffic_bytes": 100, "memory_bytes": 50}
    kinds = {"product": "macs", "convolution": "macs", "vector": "bytes"}
    system = {"workloads": {loads[name].id: {**facts, "ceiling": kinds.get(name)} for name in seconds}}
    records = [
        Record(Case(loads[name], Contestant("a", "b")), launch, Status.MEASURED, seconds=(taken,))
        for name, taken in seconds.items()
        for launch in range(2)
    ]
    return StoredCampaign(tmp_path, system_of(system), tuple(records))


def test_the_ceiling_is_the_best_of_the_probes_and_shares_are_of_it(tmp_path):
    given = campaign(tmp_path, network=2.0, product=1.0, convolution=0.5, vector=0.25)
    limits = limits_of(given)
    kind = ("float32", "cpu")
    assert limits.ceilings["macs", kind].rate == 2000
    assert limits.ceilings["bytes", kind].rate == 400
    assert roof(limits, kind, 1.0) == 400
    assert roof(limits, kind, 100.0) == 2000
    rows = cases.cases([given]).set_index("architecture")
    assert rows.fraction_of_peak["lenet5-dense"] == 0.25
    assert rows.macs_per_byte["lenet5-dense"] == 10
    assert rows.peak_probe["lenet5-dense"] == ""
    assert rows.peak_probe["probe-conv3x3"] == "macs"


def test_a_precision_that_casts_weights_has_the_ceiling_of_reading_them_as_they_are_stored(tmp_path):
    given = campaign(tmp_path, vector=0.25)
    limits = limits_of(given)
    ceiling = limits.ceilings["bytes", ("float32", "cpu")]
    assert [limits.ceiling("bytes", (one, "cpu")) for one in ("float32", "bfloat16", "float16")] == [ceiling] * 3
    assert limits.ceiling("bytes", ("bfloat16-weights", "cpu")) is None
    assert limits.ceiling("macs", ("bfloat16", "cpu")) is None
    own = Limits(ceilings={("bytes", ("bfloat16", "cpu")): ceiling})
    assert own.ceiling("bytes", ("bfloat16", "cpu")) == ceiling, "of a campaign from before"


def test_without_probes_there_is_no_share_and_a_campaign_from_before_has_nothing(tmp_path):
    rows = cases.cases([campaign(tmp_path, network=2.0)])
    assert rows.macs_per_second[0] == 500
    assert rows.fraction_of_peak.isna().all()
    before = StoredCampaign(tmp_path, System(), campaign(tmp_path, network=2.0).records)
    assert cases.cases([before]).macs_per_second.isna().all()
    assert limits_of(before).ceilings == {}


def test_a_case_above_the_peak_or_faster_with_more_work_is_flagged(tmp_path):
    fine = campaign(tmp_path, network=2.0, larger=3.0, gradient=4.0, train=5.0, product=1.0)
    assert set(cases.cases([fine]).quality_flags) == {""}
    odd = cases.cases([campaign(tmp_path, network=0.5, larger=0.4, gradient=4.0, train=3.0, product=1.0)])
    flags = dict(zip(odd.group, odd.quality_flags, strict=True))
    assert flags[LENET.id] == "above_peak"
    assert flags[replace(LENET, batch=4).id] == "above_peak, non_monotonic"
    assert flags[replace(LENET, phase="train").id] == "non_monotonic"
    assert flags[replace(LENET, phase="gradient").id] == ""


def test_one_launch_has_no_interval_and_casts_no_doubt():
    row = {"seconds": 1.0, "seconds_low": float("nan"), "seconds_high": float("nan"), "peak_probe": "", "case": "x"}
    key = dict.fromkeys(
        ("architecture", "size", "channels", "classes", "precision", "device", "devices", "contestant"), ""
    )
    rows = [{**row, **key, "phase": phase, "batch": 1} for phase in ("train", "gradient")]
    assert quicker_with_more(rows) == []
