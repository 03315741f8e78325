"""Each layer of a network alone, measured as a user would: what is asked for, what comes of it, and a part of it."""

from __future__ import annotations

import pytest

import results
from bench.cost.floors import floor_of
from bench.plan.cases import workloads
from bench.plan.suite import WorkloadGrid

ASKED = """
[[workloads]]
architectures = ["outside-mlp"]
layers = "each"
batches = [4]
phases = ["gradient"]
"""
LAYERS = ["hidden", "hidden-relu", "output"]


@pytest.mark.slow
def test_each_layer_is_measured_beside_the_whole(measure):
    done, campaign = measure(workloads=ASKED, contestants=("outside",))
    assert done.returncode == 0, done.stdout
    table = results.load(campaign.folder, rows="layers")
    assert list(table.layer) == LAYERS, "a Flatten is no work"
    assert set(table.network) == {"outside-mlp"}
    assert set(table.status) == {"measured"}
    assert (table.share > 0).all()
    assert (table.passes == 2).all()
    assert (table.sum_share >= 0.999 * table.share.sum()).all(), "the mean of sums is no less than the sum of means"


def test_a_layer_can_be_chosen_and_has_no_share_then(measure):
    asked = "-k", "outside-mlp/output"
    done, campaign = measure(*asked, workloads=ASKED, contestants=("outside",), simulated=True)
    assert done.returncode == 0, done.stdout
    (row,) = results.load(campaign.folder, rows="layers").to_dict("records")
    assert row["layer"] == "output"
    assert row["seconds"] > 0
    for name in ("whole_seconds", "share", "sum_share"):
        assert row[name] != row[name], f"{name} of a network that was not measured"


def test_floors_of_the_layers_are_those_of_the_network():
    """Each as often backward as there: the first layer has no gradient of its input."""
    entry = WorkloadGrid(architectures=("alexnet",), layers="each", batches=(2,), phases=("forward", "gradient"))
    for phase in entry.phases:
        whole, *alone = (floor_of(one).macs for one in workloads(entry, "cpu") if one.phase == phase)
        assert sum(alone) == whole
