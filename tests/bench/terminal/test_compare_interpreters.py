"""Two interpreters of one campaign compared: CAMPAIGN@old against CAMPAIGN@new, paired, as they ran side by side."""

from __future__ import annotations

import json
import math
import random

import pytest
from typer.testing import CliRunner

from bench.cli import app
from results.compare.interpreters import resolve_campaigns
from results.compare.pairwise import compare
from results.schema.record import Case, Contestant
from results.stats.verdicts import TimingVerdict
from results.store.campaigns import CampaignWriter
from tests.support.made_up import SYSTEM, measured, workload

OLD, NEW = (Contestant("alpha", "eager", label) for label in ("old", "new"))
PHASES = ("infer", "train")


@pytest.fixture
def campaign(tmp_path):
    """Launches that a neighbour slows by up to a third, both interpreters alike; training is 5 % slower in the new."""
    rng = random.Random("neighbour")
    versions = {OLD.id: {"versions": {"alpha": "2.13.0"}}, NEW.id: {"versions": {"alpha": "2.14.0"}}}
    writer = CampaignWriter.create(tmp_path, "both", {**SYSTEM, "contestants": versions})
    for phase in PHASES:
        for launch in range(8):
            slowed = math.exp(rng.uniform(0, 0.3))
            for contestant in (OLD, NEW):
                factor = 1.05 if contestant is NEW and phase == "train" else 1.0
                seconds = 0.01 * slowed * factor * math.exp(rng.gauss(0, 0.002))
                writer.append([measured(Case(workload(phase=phase), contestant), launch, [seconds])])
    writer.close()
    return "both"


def compared(tmp_path, *arguments: str):
    return CliRunner().invoke(app, ["compare", *arguments, "--results", str(tmp_path)])


def test_what_is_slower_is_seen_through_noise_that_both_share(campaign, tmp_path):
    done = compared(tmp_path, "both@old", "both@new", "--json")
    assert done.exit_code == 1, done.stderr
    found = json.loads(done.stdout)
    assert (found["baseline"], found["candidate"]) == ("both@old", "both@new")
    verdicts = {case["case"].split("-")[-2]: case["verdict"] for case in found["cases"]}
    assert verdicts == {"infer": "dead heat", "train": "slower"}
    assert all(case["case"].endswith("-alpha:eager") for case in found["cases"])
    assert found["differences"] == ["alpha 2.13.0 and 2.14.0"]
    assert found["missing"] == {}


def test_as_if_they_had_been_campaigns_of_their_own_it_could_not_be_seen(campaign, tmp_path):
    before, after, side_by_side = resolve_campaigns("both@old", "both@new", tmp_path)
    assert side_by_side
    for change in compare(before, after).changes:
        assert change.verdict not in (TimingVerdict.SLOWER, TimingVerdict.FASTER)
        assert not change.judgement.is_decided


def test_the_other_way_round_it_is_faster(campaign, tmp_path):
    done = compared(tmp_path, "both@new", f"{tmp_path / 'both'}@old")
    assert done.exit_code == 0, done.stderr
    assert "faster" in done.stdout


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("both@old", "both@newer"), "error: no interpreter 'newer' in both; known: new, old\n"),
        (("both@old", "nowhere@new"), "error: no campaign 'nowhere'"),
        (("both@", "both@new"), "error: no case was measured both in both and in both@new; nothing to compare\n"),
    ],
)
def test_mistakes_are_one_line(campaign, tmp_path, names, says):
    done = compared(tmp_path, *names)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1
