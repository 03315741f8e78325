"""Batch-size scaling, which figures are drawn of many, and what a large campaign's page is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.figures.drawing.selection import round_robin
from reports.pages import campaign as page
from reports.sections.times import batches
from results.schema.record import Case, Contestant, Status
from results.store.campaigns import StoredCampaign
from results.tables import cases
from tests.support import large
from tests.support.made_up import launches, workload

ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "eager")


def test_each_batch_has_its_images_per_second(write_campaign: Callable[..., StoredCampaign]) -> None:
    made = [
        record
        for batch in (8, 1, 2)
        for contestant in (ALPHA, BETA)
        if (batch, contestant) != (2, BETA)
        for record in launches(Case(workload(batch=batch), contestant), 0.01 * batch, 3, 0.01, contestant.id)
    ]
    campaign = write_campaign(made)
    frame = cases.cases([campaign])
    (found,) = batches.batches(frame, [ALPHA.id, BETA.id], "k")
    assert [batch for batch, _ in found.rows] == [1, 2, 8]
    at = {(row["batch"], row["contestant"]): row for row in frame.to_dict("records")}
    for batch, speeds in found.rows:
        for contestant, speed in zip((ALPHA, BETA), speeds, strict=True):
            row = at.get((batch, contestant.id))
            assert (speed and speed.value) == (row and row["status"] == Status.MEASURED and row["images_per_second"])
    assert "images in a step" in found.figure
    assert "<h3>Batch-size scaling" in page.render([campaign])


def test_two_batches_are_no_curve(write_campaign: Callable[..., StoredCampaign]) -> None:
    made = [record for batch in (1, 8) for record in launches(Case(workload(batch=batch), ALPHA), 0.01, 3, 0.01, "x")]
    campaign = write_campaign(made)
    assert batches.batches(cases.cases([campaign]), [ALPHA.id], "k") == []
    assert "Batch-size scaling" not in page.render([campaign])


@pytest.mark.parametrize(
    ("things", "most", "chosen"),
    [("", 3, ""), ("abc", 3, "abc"), ("aaaabc", 3, "abc"), ("aAaBbc", 4, "aABc"), ("aaaa", 2, "aa")],
)
def test_every_kind_has_its_turn(things: str, most: int, chosen: str) -> None:
    assert "".join(round_robin(things, str.lower, most)) == chosen


@pytest.mark.slow
def test_twice_the_networks_are_at_most_twice_the_page(tmp_path: Path) -> None:
    small, big = (page.render([large.write(tmp_path, networks, launches=2)]) for networks in (5, 10))
    assert len(big) < 2 * len(small)
    assert small.count("<svg") <= big.count("<svg") < 2 * small.count("<svg")
    assert "8 of 10 figures are shown" in big
