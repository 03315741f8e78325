"""A plug-in of pytest (`-p tests.support.simulated_launches`) with which a campaign's launches are simulated.

For tests of what a command decides, writes and prints. All else is real: options, plug-ins, the parity gate, the
schedule, records, summary and report. No process of a launch is started.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.launch.fake import EVIDENCE, Behaviour, FakeLauncher, VirtualClock
from bench.runner import campaign
from results.schema.record import Case

STEP_SECONDS = 0.001


def behaviour(case: Case, launch: int) -> Behaviour:
    """Launches of all contestants are alike, and each is a little slower than the one before."""
    evidence = replace(EVIDENCE, devices=(case.workload.device,))
    return Behaviour(step_seconds=STEP_SECONDS * (1 + launch / 1000), evidence=evidence)


def launcher(time_limit: float, *_: object, **__: object) -> FakeLauncher:
    return FakeLauncher(VirtualClock(), behaviour, time_limit)


def pytest_configure(config: pytest.Config) -> None:
    campaign.Launcher = launcher  # type: ignore[assignment,misc]
