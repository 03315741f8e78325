"""What a campaign says of itself beside its records: system.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bench import VERSION, machine, parity, setting
from bench.suites import Suite
from impls.frameworks import load_framework
from results.record import Case, Contestant


def describe(suite_name: str, suite: Suite, cases: Sequence[Case], command: str) -> dict[str, Any]:
    """Machine, suite, contestants with versions, settings, and what may have disturbed."""
    described = machine.describe()
    reference = suite.reference if any(case.contestant == suite.reference for case in cases) else cases[0].contestant
    return {
        "deadheat": VERSION,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "suite": {"name": suite_name, **suite.model_dump(mode="json", exclude={"workloads"})},
        "reference": reference.id,
        "machine": described,
        "settings": {"cores": setting.cores(), **setting.environment()},
        "contestants": {one.id: _contestant(one) for one in dict.fromkeys(case.contestant for case in cases)},
        "parity_tolerances": {name: asdict(tolerance) for name, tolerance in parity.TOLERANCES.items()},
        "warnings": machine.warnings(described),
    }


def _contestant(contestant: Contestant) -> dict[str, Any]:
    framework = load_framework(contestant.framework)
    execution = framework.execution(contestant.execution)
    return {
        "title": framework.title,
        "note": execution.note,
        "versions": framework.versions(),
        "environment": dict(execution.environment),
    }
