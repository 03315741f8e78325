"""Scaling over devices on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reports.pages import campaign as page
from reports.rows.devices import devices
from results.schema.record import Case, Contestant, Record, Status
from results.store.campaigns import StoredCampaign
from results.tables.scaling import scaling
from results.words import SHARED_CORES
from tests.support.made_up import measured, workload

ALPHA, BETA = Contestant("alpha", "many"), Contestant("beta", "many")


def case(count: int, contestant: Contestant = ALPHA) -> Case:
    return Case(replace(workload(phase="train"), devices=count), contestant)


def made(*beta: Record) -> list[Record]:
    own = [(1, (4.0, 4.2)), (2, (2.0, 2.2)), (4, (1.6, 1.5))]
    return [*(measured(case(count), launch, [one]) for count, each in own for launch, one in enumerate(each)), *beta]


def test_each_number_of_devices_has_its_speedup_or_says_why(write_campaign: Callable[..., StoredCampaign]) -> None:
    campaign = write_campaign(
        made(measured(case(1, BETA), 0, [3.0]), Record(case(4, BETA), 0, Status.MISMATCH, "a score differs"))
    )
    (found,) = devices(scaling([campaign]), [ALPHA.id, BETA.id], "k")
    assert found.title == "alexnet 64, train, batch 8, float32 on cpu"
    shown = {(row.contestant, row.devices): row for row in found.rows}
    assert [shown[ALPHA.id, count].efficiency for count in (1, 2, 4)] == ["100%", "98%", "66%"]
    speedup = shown[ALPHA.id, 2].speedup
    assert speedup is not None
    assert speedup.value == pytest.approx((4 * 4.2 / (2 * 2.2)) ** 0.5)
    assert shown[BETA.id, 4].missing == "mismatch: a score differs"
    assert "ideal" in found.figure
    html = page.render([campaign])
    assert "<h3>Scaling over devices" in html
    assert SHARED_CORES[1:] in html
    assert "4 cpu devices" in html


def test_cards_share_nothing(write_campaign: Callable[..., StoredCampaign]) -> None:
    on_cards = [
        replace(one, case=replace(one.case, workload=replace(one.case.workload, device="cuda"))) for one in made()
    ]
    (found,) = devices(scaling([write_campaign(on_cards)]), [ALPHA.id], "k")
    assert found.remark == ""


def test_without_a_time_on_one_device_there_is_no_figure(write_campaign: Callable[..., StoredCampaign]) -> None:
    campaign = write_campaign([measured(case(2), 0, [1.0]), measured(case(4), 0, [1.0])])
    (found,) = devices(scaling([campaign]), [ALPHA.id], "k")
    assert found.figure == ""
    assert "no time on one device" in page.render([campaign])


def test_one_device_has_no_section(write_campaign: Callable[..., StoredCampaign]) -> None:
    assert "Scaling over devices" not in page.render([write_campaign([measured(case(1), 0, [1.0])])])
