"""What a node does with a unit: `python -m bench.fleet.measure UNIT PART` measures it into the folder PART."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.fleet.units import Share
from bench.gate.evidence_cache import EvidenceCache, default_folder
from bench.machine.lock import CONCURRENT_CAMPAIGN_WARNING, campaign_lock
from bench.runner.campaign import CampaignRunner
from bench.runner.metadata import describe, reference_of
from bench.scheduling.ledger import Ledger
from fleet import command
from fleet.unit import Unit
from impls.errors import DeadheatError
from impls.host import nvidia
from results.schema.system import System, Warned
from results.store.campaigns import CampaignWriter
from results.store.logs import Logs

CAMPAIGN = "campaign"
"""The name of the part's campaign, in the part's folder."""
BUDGET_SHARE = 0.9
"""Of a unit's time limit: a campaign whose budget ends keeps what it has, a unit whose time ends may lose it."""


def measure(share: Share, time_limit: float, part: Path) -> None:
    """Measure the launches into a campaign in the folder `part`. Raises DeadheatError; records up to then are kept."""
    if reason := nvidia.missing(share.device):
        raise DeadheatError(f"--device {share.device}: {reason}")
    changes = {"launches": (share.launches, share.launches), "budget": BUDGET_SHARE * time_limit}
    suite, cases = share.suite.model_copy(update=changes), share.own
    system = describe(share.suite_name, share.suite, share.cases, " ".join(sys.argv))
    cache = EvidenceCache(default_folder(), suite.interpreters, suite.environment)
    with campaign_lock() as free:
        told = () if free else (Warned.model_validate(CONCURRENT_CAMPAIGN_WARNING),)
        content = system.model_copy(update={"warnings": (*system.warnings, *told), "stop": "interrupted"}).content()
        writer = CampaignWriter.create(part, CAMPAIGN, content)
        with contextlib.closing(writer):
            ledger = Ledger(cases, reference_of(suite, cases).id, writer)
            campaign = CampaignRunner(ledger, suite, logs=Logs(writer.folder), cache=cache, first_launch=share.first)
            _run(campaign, writer)


def _run(campaign: CampaignRunner, writer: CampaignWriter) -> None:
    start = time.monotonic()
    try:
        campaign.run()
    finally:
        known = System(
            stop=campaign.stop,
            rules=campaign.rules,
            measuring_seconds=round(time.monotonic() - start, 1),
            preparation_seconds={name: round(seconds, 1) for name, seconds in campaign.seconds.items()},
        )
        writer.update_system(known)


def _measure(unit: Unit, part: Path) -> None:
    measure(Share.of(unit.payload), unit.time_limit, part)


def main(arguments: Sequence[str]) -> int:
    return command.main(_measure, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
