"""What going back and forth costs, from campaigns whose numbers are known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest

import results
from results.schema.record import Case, Contestant, Record, Status
from results.store.campaigns import CampaignWriter
from results.tables.switches import COLUMNS, switches
from tests.support.made_up import measured, workload

CONTESTANT, OTHER = Contestant("alpha", "eager"), Contestant("beta", "jit")
SIDES = {"always-224": (224,), "always-180": (180,), "alternate-224-180": (224, 180)}


def case(stream: str, images: int = 4, contestant: Contestant = CONTESTANT) -> Case:
    sides = (SIDES[stream] * images)[:images]
    parts = tuple((side, side, 1) for side in sides)
    return Case(replace(workload("zf5-spp", "train", sides[0], images), stream=stream, parts=parts), contestant)


def times(stream: str, *seconds: float, images: int = 4, contestant: Contestant = CONTESTANT) -> list[Record]:
    """A launch a pass."""
    return [measured(case(stream, images, contestant), launch, [second]) for launch, second in enumerate(seconds)]


def lost(stream: str, status: Status, reason: str) -> list[Record]:
    return [Record(case(stream), 0, status, reason)]


@pytest.fixture
def load(tmp_path):
    def load(*records: Iterable[Record]):
        writer = CampaignWriter.create(tmp_path, "known", {})
        writer.append(record for part in records for record in part)
        writer.close()
        return results.load(writer.folder, rows="switches")

    return load


def test_turns_are_over_the_mean_of_staying_paired_by_pass(load):
    found = load(
        times("always-224", 4.0, 8.0), times("always-180", 2.0, 4.0), times("alternate-224-180", 3.3, 6.6)
    ).iloc[0]
    assert found.switching_ratio == pytest.approx(1.1)
    assert (found.switching_ratio_low, found.switching_ratio_high) == pytest.approx((1.1, 1.1)), (
        "drift between passes is none"
    )
    assert (found.passes, found.status, found.contestant) == (2, "measured", CONTESTANT.id)
    assert found.staying_seconds == pytest.approx(math.sqrt(18))
    assert found.seconds == pytest.approx(1.1 * math.sqrt(18))


def test_each_size_counts_as_often_as_it_comes(load):
    """Of three images two are of the first size."""
    staying = times("always-224", 3.0, images=3), times("always-180", 1.5, images=3)
    found = load(*staying, times("alternate-224-180", 2.5, images=3)).iloc[0]
    assert found.switching_ratio == pytest.approx(1.0)
    assert math.isnan(found.switching_ratio_low), "one pass has no interval"


def test_a_pass_that_one_of_them_lacks_is_left_out(load):
    found = load(times("always-224", 4.0), times("always-180", 2.0, 9.0), times("alternate-224-180", 3.3, 9.9)).iloc[0]
    assert (found.switching_ratio, found.passes) == (pytest.approx(1.1), 1)


def test_staying_is_the_same_contestants_and_as_many_images(load):
    found = load(
        times("always-224", 4.0), times("always-180", 2.0), times("alternate-224-180", 3.0),
        times("always-224", 40.0, contestant=OTHER), times("always-180", 20.0, contestant=OTHER),
        times("alternate-224-180", 60.0, contestant=OTHER), times("always-180", 90.0, images=6),
    )  # fmt: skip
    assert list(found.switching_ratio) == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize(
    ("records", "status", "reason"),
    [
        (times("always-224", 4.0), "skipped", "the campaign has no constant stream of 180x180"),
        (times("always-224", 4.0) + lost("always-180", Status.CRASHED, "boom"), "crashed", "always-180: boom"),
        (
            [*times("always-224", 4.0), *(replace(one, launch=1) for one in times("always-180", 2.0))],
            "skipped",
            "no pass in which it and the constant streams of both sizes were measured",
        ),
    ],
)
def test_what_cannot_be_compared_says_why_and_has_no_number(load, records, status, reason):
    found = load(records, times("alternate-224-180", 3.3)).iloc[0]
    assert (found.status, found.reason, found.passes) == (status, reason, 0)
    assert math.isnan(found.switching_ratio)
    assert math.isnan(found.seconds)


def test_turns_that_were_not_measured_say_why(load):
    found = load(
        times("always-224", 4.0), times("always-180", 2.0), lost("alternate-224-180", Status.SKIPPED, "one size only")
    ).iloc[0]
    assert (found.status, found.reason) == ("skipped", "alternate-224-180: one size only")


def test_the_columns_are_the_documented_ones_and_without_turns_there_are_no_rows(load):
    assert list(switches([]).columns) == [column.name for column in COLUMNS]
    assert load(times("always-224", 4.0)).empty
