"""Verdicts from stored trials: the same by the same rules, new ones by new rules, and what is gone stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repro.claims import claim as registry
from repro.claims.claim import Claim, Kind
from repro.runner import campaign, rejudge
from repro.runner.campaign import Options, ReproductionRunner
from repro.runner.plan import Target
from results.schema.findings import SizeVerdict, Verdict
from results.store import reproductions
from results.store.reproductions import Reproduction
from tests.repro.planted import EXPERIMENT
from tests.support.warm import warm_trials

AT = Target("oracle.regression", "numpy")
CLAIM = Claim("LN-2", Kind.TRAINING, "here", "a", "b", "c", experiments=(EXPERIMENT,))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, fashion: Path) -> Reproduction:
    data = tmp_path_factory.mktemp("rejudge")
    options = Options(AT, seeds=3, paths={"fashion-mnist": fashion}, quiet=True)
    with warm_trials(), ReproductionRunner(campaign.begin(data, "", "made-up"), options) as runner:
        runner.test([CLAIM, registry.load_claim("AX-11")])
    return reproductions.read(data / "made-up")


def known(monkeypatch: pytest.MonkeyPatch, claim: Claim) -> None:
    monkeypatch.setattr(rejudge, "claims", lambda: {claim.id: claim})


def test_the_same_rules_give_the_same_findings(kept: Reproduction, monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, CLAIM)
    assert rejudge.judged_again(kept) == kept.findings


def test_a_new_rule_gives_a_new_verdict(kept: Reproduction, monkeypatch: pytest.MonkeyPatch) -> None:
    sized = replace(EXPERIMENT, contrasts=(replace(EXPERIMENT.contrasts[0], size=-90.0),))
    known(monkeypatch, replace(CLAIM, experiments=(sized,)))
    training = next(one for one in rejudge.judged_again(kept).claims if one.id == "LN-2")
    assert training.contrasts[0].size_verdict is SizeVerdict.LESS_THAN_HALF
    assert training.verdict in (Verdict.SUPPORTED, Verdict.NOT_AT_THIS_SCALE)


def test_a_claim_whose_experiment_is_gone_stays(kept: Reproduction, monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, replace(CLAIM, experiments=(replace(EXPERIMENT, data="mnist"),)))
    assert rejudge.judged_again(kept) == kept.findings
