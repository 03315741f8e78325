"""What several devices bring, from campaigns whose numbers are known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest

import results
from bench.terminal.scaling import scaling_lines
from results.schema.record import Case, Contestant, Record, Status
from results.store.campaigns import CampaignWriter, read_campaign
from results.words import SHARED_CORES
from tests.support.made_up import measured, workload

CONTESTANT = Contestant("alpha", "many")


def case(devices: int, contestant: Contestant = CONTESTANT, device: str = "cpu") -> Case:
    return Case(replace(workload("alexnet", "train"), devices=devices, device=device), contestant)


def times(devices: int, *seconds: float, **of: object) -> list[Record]:
    """One a launch."""
    return [measured(case(devices, **of), launch, [second]) for launch, second in enumerate(seconds)]


@pytest.fixture
def stored(tmp_path):
    def stored(*records: Iterable[Record]):
        writer = CampaignWriter.create(tmp_path, "known", {})
        writer.append(record for part in records for record in part)
        writer.close()
        return writer.folder

    return stored


def load(folder):
    return results.load(folder, rows="scaling")


def test_speedup_is_one_devices_time_over_that_of_all_paired_by_launch(stored):
    one, two, four = load(stored(times(1, 4.0, 8.0), times(2, 2.5, 5.0), times(4, 2.0, 4.0))).itertuples()
    assert [row.devices for row in (one, two, four)] == [1, 2, 4]
    assert [row.speedup for row in (one, two, four)] == pytest.approx([1, 1.6, 2])
    assert [row.efficiency for row in (one, two, four)] == pytest.approx([1, 0.8, 0.5])
    assert (two.speedup_low, two.speedup_high) == pytest.approx((1.6, 1.6)), "drift between launches is none"
    assert (four.efficiency_low, four.efficiency_high) == pytest.approx((0.5, 0.5))
    assert math.isnan(one.speedup_low), "the unit has no interval"
    assert (two.pairs, two.status) == (2, "measured")
    assert two.seconds == pytest.approx(math.sqrt(2.5 * 5))


def test_launches_that_differ_have_an_interval(stored):
    _, two = load(stored(times(1, 4.0, 4.0, 4.0), times(2, 2.0, 2.2, 2.1))).itertuples()
    assert two.speedup_low < two.speedup < two.speedup_high
    assert two.efficiency_high == pytest.approx(two.speedup_high / 2)


def test_a_launch_that_one_of_them_lacks_is_left_out(stored):
    _, two = load(stored(times(1, 4.0), times(2, 2.0, 9.0))).itertuples()
    assert (two.speedup, two.pairs) == (pytest.approx(2), 1)
    assert math.isnan(two.speedup_low), "one launch has no interval"


def test_without_a_time_on_one_device_there_is_a_time_and_no_speedup(stored):
    (two,) = load(stored(times(2, 2.0))).itertuples()
    assert (two.seconds, two.pairs) == (2.0, 0)
    assert math.isnan(two.speedup)
    assert math.isnan(two.efficiency)


def test_what_was_not_measured_says_why(stored):
    lost = [Record(case(4), 0, Status.MISMATCH, "the gradient of fc6.bias differs")]
    one, four = load(stored(times(1, 4.0), lost)).itertuples()
    assert (four.devices, four.status, four.reason) == (4, "mismatch", "the gradient of fc6.bias differs")
    assert math.isnan(four.speedup)
    assert one.status == "measured"


def test_contestants_and_devices_of_other_kinds_are_apart_and_one_device_alone_has_no_rows(stored):
    other, alone = Contestant("beta", "many"), Contestant("gamma", "one")
    copy = replace(CONTESTANT, copy=1)
    found = load(
        stored(
            times(1, 4.0), times(2, 2.0), times(1, 4.0, device="cuda"), times(2, 1.0, device="cuda"),
            times(1, 9.0, contestant=other), times(2, 9.0, contestant=other), times(1, 1.0, contestant=alone),
            times(1, 1.0, contestant=copy), times(2, 1.0, contestant=copy),
        )
    )  # fmt: skip
    several = found[found.devices == 2]
    assert list(zip(several.contestant, several.device, several.speedup)) == [
        ("alpha:many", "cpu", 2.0), ("alpha:many", "cuda", 4.0), ("beta:many", "cpu", 1.0),
    ]  # fmt: skip
    assert len(found) == 6


def test_the_terminal_says_speedup_interval_and_efficiency_and_that_cores_are_shared(stored):
    lost = [Record(case(4), 0, Status.TIMED_OUT, "no answer within 60 s")]
    alone = Contestant("gamma", "one")
    skipped = [Record(case(devices, alone), 0, Status.SKIPPED, "runs on one device") for devices in (2, 4)]
    folder = stored(times(1, 4.0, 4.0, 4.0), times(2, 2.0, 2.2, 2.1), lost, times(1, 1.0, contestant=alone), skipped)
    heading, line, remark = scaling_lines(read_campaign(folder))
    assert heading == "speedup over devices of alexnet 64, train, batch 8, float32 on cpu:"
    assert line == "  alpha:many: 1.91 [1.69, 2.15] on 2 (efficiency 95%), timed out on 4"
    assert remark == SHARED_CORES


def test_cards_share_nothing_and_steps_on_one_device_have_no_lines(stored, tmp_path):
    lines = scaling_lines(read_campaign(stored(times(1, 4.0, device="cuda"), times(2, 2.0, device="cuda"))))
    assert lines[1:] == ["  alpha:many: 2.00 on 2 (efficiency 100%)"]
    writer = CampaignWriter.create(tmp_path, "single", {})
    writer.append(times(1, 4.0))
    writer.close()
    assert scaling_lines(read_campaign(writer.folder)) == []
