"""The table of single steps' percentiles: estimates over launches, and why there are none."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from results.schema.record import Case, Conditions, Contestant, Latency, Record, Status
from results.schema.system import System
from results.stats.estimates import geometric
from results.stats.percentiles import percentiles
from results.store.campaigns import StoredCampaign
from results.tables.latency import latency, percentiles_of, timed
from tests.support.made_up import measured, workload

ALPHA, BETA = (Case(workload(batch=1), Contestant(name, "eager")) for name in ("alpha", "beta"))


def campaign(tmp_path: Path, records: Sequence[Record]) -> StoredCampaign:
    return StoredCampaign(tmp_path, System(), tuple(records))


def steps(count: int, factor: float = 1.0) -> list[float]:
    rng = random.Random(7)
    return [factor * math.exp(rng.gauss(0, 0.3)) for _ in range(count)]


def launch(case: Case, number: int, seconds: Sequence[float], **changes: object) -> Record:
    own = Latency(len(seconds), percentiles(seconds), Conditions(2, wall=(4.0,), foreign_cpu=(1.0,)))
    return replace(measured(case, number, [0.1]), latency=own, **changes)


def test_an_estimate_is_the_geometric_mean_of_the_launches_percentiles(tmp_path: Path) -> None:
    made = [launch(ALPHA, number, steps(400, factor)) for number, factor in enumerate((0.010, 0.011, 0.0105))]
    (row,) = latency([campaign(tmp_path, made)]).to_dict("records")
    for name, column in (("50", "p50"), ("90", "p90"), ("99", "p99")):
        expected = geometric([record.latency.percentiles[name] for record in made if record.latency])
        assert (row[column], row[f"{column}_low"], row[f"{column}_high"]) == (
            expected.value, expected.low, expected.high,
        )  # fmt: skip
    assert row["tail"] == pytest.approx(row["p99"] / row["p50"])
    assert row["tail_high"] - row["tail_low"] == pytest.approx(0, abs=1e-9), "launches differ in speed, not in shape"
    assert (row["launches"], row["steps"], row["other_cpus_used"]) == (3, 400, 0.25)
    assert math.isnan(row["p99_9"])
    assert row["missing"] == "p99.9 needs 3688 steps in every launch, one made 400"


def test_a_percentile_that_one_launch_lacks_is_missing(tmp_path: Path) -> None:
    """Slow launches make the fewest steps: what the others have is not of all launches."""
    (row,) = latency([campaign(tmp_path, [launch(ALPHA, 0, steps(4000)), launch(ALPHA, 1, steps(40))])]).to_dict(
        "records"
    )
    assert row["p90"] > row["p50"] > 0
    assert math.isnan(row["p99"])
    assert math.isnan(row["tail"])
    assert row["missing"].startswith("p99 needs 368 steps in every launch, one made 40; p99.9 needs")


def test_a_launch_without_steps_is_left_out_and_says_why_if_there_is_no_other(tmp_path: Path) -> None:
    lost = replace(measured(ALPHA, 1, [0.1]), latency=Latency(0, reason="crashed: planted"))
    (row,) = latency([campaign(tmp_path, [launch(ALPHA, 0, steps(10)), lost])]).to_dict("records")
    assert (row["launches"], row["steps"]) == (1, 10)
    assert math.isnan(row["p50_low"]), "one launch has no interval"
    (row,) = latency([campaign(tmp_path, [lost])]).to_dict("records")
    assert (row["launches"], row["missing"]) == (0, "crashed: planted")
    assert math.isnan(row["p50"])


def test_a_case_that_was_not_measured_keeps_its_row(tmp_path: Path) -> None:
    failed = Record(BETA, 0, Status.FAILED, "no such layer")
    rows = latency([campaign(tmp_path, [launch(ALPHA, 0, steps(10)), failed])]).set_index("contestant")
    assert (rows.status["beta:eager"], rows.missing["beta:eager"]) == ("failed", "no such layer")
    assert math.isnan(rows.steps["beta:eager"])


def test_a_campaign_that_timed_no_single_steps_has_no_rows(tmp_path: Path) -> None:
    assert latency([campaign(tmp_path, [measured(ALPHA, 0, [0.1])])]).empty


def test_a_repeated_launch_counts_once(tmp_path: Path) -> None:
    made = [launch(ALPHA, 0, steps(10, 5.0)), launch(ALPHA, 0, steps(10), attempt=1)]
    (row,) = latency([campaign(tmp_path, made)]).to_dict("records")
    assert (row["launches"], row["p50"]) == (1, percentiles(steps(10))["50"])


def test_over_nodes_each_node_counts_once(tmp_path: Path) -> None:
    """Two launches on one node and one on the other: the estimate is the mean of the nodes', not of the launches."""
    made = [launch(ALPHA, number, steps(10, factor), node=node)
            for number, (node, factor) in enumerate((("n1", 1.0), ("n1", 1.0), ("n2", 4.0)))]  # fmt: skip
    found = percentiles_of(timed(campaign(tmp_path, made).launches[ALPHA]))
    assert found["50"].value == pytest.approx(2 * percentiles(steps(10))["50"])


def test_ratios_to_the_reference_are_of_launches_of_the_same_block(tmp_path: Path) -> None:
    """Launches differ in speed by a factor that both have: it cancels."""
    shared = (1.0, 3.0, 9.0)
    made = [
        launch(case, number, steps(400, factor * speed))
        for number, factor in enumerate(shared)
        for case, speed in ((ALPHA, 1.0), (BETA, 1.5))
    ]
    made.append(launch(BETA, 7, steps(400, 100.0)))  # in a block without the reference
    rows = latency([campaign(tmp_path, made)]).set_index("contestant").to_dict("index")
    beta = rows["beta:eager"]
    assert beta["reference"] == "alpha:eager"
    for name in ("p50_ratio", "p99_ratio"):
        assert (beta[name], beta[f"{name}_low"], beta[f"{name}_high"]) == pytest.approx((1.5, 1.5, 1.5))
        assert math.isnan(rows["alpha:eager"][name])
    few = [launch(case, 0, steps(40)) for case in (ALPHA, BETA)]
    found = latency([campaign(tmp_path, few)]).set_index("contestant").to_dict("index")["beta:eager"]
    assert found["p50_ratio"] == 1
    assert math.isnan(found["p50_ratio_low"]), "one launch"
    assert math.isnan(found["p99_ratio"])
