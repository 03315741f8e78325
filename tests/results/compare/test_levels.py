"""Which tuned contestant has the tricks that another one lacks, by what campaigns record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from results.compare.levels import tuned_of
from results.schema.record import Case, Contestant
from results.schema.system import system_of
from results.store.campaigns import StoredCampaign
from tests.support.made_up import SYSTEM, measured, workload

FAST, OTHER, PLAIN = (Contestant("alpha", name) for name in ("fast", "other", "plain"))
LACKS_ONE = Contestant("without", "alpha.fast-kernels")
AS_SHIPPED = Contestant("alpha", "plain", setting="as-shipped")


def campaign(*contestants: Contestant, **said: Mapping[str, str]) -> StoredCampaign:
    """A record of each contestant; `said`: what system.json says of an execution."""
    facts = {one.id: {"level": "idiomatic" if one.execution == "plain" else "tuned"} for one in contestants}
    facts = {one.id: {**facts[one.id], **said.get(one.execution.rpartition("-")[2], {})} for one in contestants}
    records = tuple(measured(Case(workload(), one), 0, [0.01]) for one in contestants)
    return StoredCampaign(Path("made-up"), system_of({**SYSTEM, "contestants": facts}), records)


NAMED = {"plain": {"tuned": "alpha:fast"}, "kernels": {"tuned": "alpha:fast"}}


@pytest.mark.parametrize(
    ("contestants", "said", "found"),
    [
        ((FAST, OTHER, PLAIN), NAMED, {"alpha:plain": "alpha:fast"}),
        ((FAST, LACKS_ONE), NAMED, {"without:alpha.fast-kernels": "alpha:fast"}),
        ((OTHER, PLAIN), NAMED, {}),
        ((FAST, PLAIN), {}, {"alpha:plain": "alpha:fast"}),
        ((FAST, OTHER, PLAIN), {}, {}),
        ((Contestant("beta", "fast"), PLAIN), {}, {}),
        ((FAST, AS_SHIPPED), {}, {}),
        ((FAST, OTHER), {}, {}),
    ],
    ids=[
        "named",
        "lacks one trick",
        "the named one is not there",
        "earlier campaign",
        "earlier campaign with two tuned ones",
        "another framework",
        "another setting",
        "tuned alone",
    ],
)
def test_each_contestant_that_lacks_tricks_has_its_tuned_one(
    contestants: tuple[Contestant, ...], said: Mapping[str, Mapping[str, str]], found: Mapping[str, str]
) -> None:
    assert tuned_of(campaign(*contestants, **said)) == found
