"""Percentiles of single steps on the page: every case of the table, and curves of what the launches have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reports.pages import campaign as page
from reports.sections.section import CampaignView
from reports.sections.times import times
from results.schema.record import Case, Contestant, Latency, Record, Status
from results.stats.percentiles import PER_MILLE, fewest, percentiles
from results.store.campaigns import StoredCampaign
from tests.support.made_up import measured, workload

ALPHA, BETA, LOST = (Case(workload(batch=1), Contestant(name, "eager")) for name in ("alpha", "beta", "lost"))


def launch(case: Case, number: int, steps: int) -> Record:
    seconds = [1e-3 * (1 + place / steps) for place in range(steps)]
    return replace(measured(case, number, [0.1]), latency=Latency(steps, percentiles(seconds)))


def records() -> list[Record]:
    made = [launch(case, number, steps) for case, steps in ((ALPHA, 400), (BETA, 40)) for number in range(2)]
    return [*made, Record(LOST, 0, Status.FAILED, "no such layer")]


def test_every_case_has_its_percentiles_or_why_it_has_none(write_campaign: Callable[..., StoredCampaign]) -> None:
    (chapter,) = times.build(CampaignView(write_campaign(records()), "c1")).latency
    rows = {row.contestant: row for row in chapter.rows}
    assert [one is not None for one in rows[ALPHA.contestant.id].percentiles] == [True, True, True, False]
    assert rows[ALPHA.contestant.id].percentiles[0].text.startswith("1.4975"), "milliseconds"
    assert [one is not None for one in rows[BETA.contestant.id].percentiles] == [True, True, False, False]
    assert rows[BETA.contestant.id].missing.startswith(f"p99 needs {fewest('99')} steps in every launch, one made 40")
    assert (rows[LOST.contestant.id].steps, rows[LOST.contestant.id].missing) == ("", "no such layer")
    assert chapter.figure.count("<use") > sum(fewest(name) <= 400 for name in PER_MILLE)


def test_the_page_has_them_only_where_single_steps_were_timed(write_campaign: Callable[..., StoredCampaign]) -> None:
    html = page.render([write_campaign(records())])
    assert "Latency of single steps" in html
    assert "p99.9 needs 3688 steps in every launch, one made 400" in html
    assert "Latency of single steps" not in page.render([write_campaign([measured(ALPHA, 0, [0.1])], "other")])
