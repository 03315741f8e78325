"""What a campaign says of itself beside its records: system.json."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, get_args

from bench.cost.floors import floor_of, layers_of
from bench.cost.workload import network_of
from bench.meters import absent, meters
from bench.networks import probes
from bench.plan import interpreters, settings
from bench.plan.suite import Suite
from bench.runner import parity
from impls.architectures import load_architecture
from impls.errors import InvalidInput
from impls.frameworks import load_framework
from impls.host import nvidia
from impls.host.environment import altering, choosing, clean, words
from impls.layers import EdgeRule, SpatialPyramid, WindowPyramid
from impls.network import can_be_alone
from results import VERSION, machine
from results.schema.record import SCHEMA, Case, Contestant, Workload
from results.schema.system import System


def reference_of(suite: Suite, cases: Sequence[Case]) -> Contestant:
    """The contestant that ratios are to: the suite's first, or the first there is where that was not selected."""
    return suite.reference if any(case.contestant == suite.reference for case in cases) else cases[0].contestant


def describe(suite_name: str, suite: Suite, cases: Sequence[Case], command: str) -> System:
    """Machine, suite, contestants with versions, settings, and what may have disturbed."""
    described = machine.describe(nvidia.state())
    contestants = list(dict.fromkeys(case.contestant for case in cases))
    inherits = environment(contestants, os.environ)
    workloads = list(dict.fromkeys(case.workload for case in cases))
    content = {
        "schema": SCHEMA,
        "deadheat": VERSION,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "suite": {"name": suite_name, **suite.model_dump(mode="json")},
        "cases": [case.id for case in cases],
        "workloads": {one.id: _workload(one) for one in workloads},
        "pyramids": _pyramids(workloads),
        "networks": {one.network_id: layers_of(one) for one in workloads if not (_probed(one) or one.stream)},
        "reference": reference_of(suite, cases).id,
        "machine": described,
        "meters": {"present": list(meters()), "absent": dict(absent())},
        "cards_undescribed": nvidia.undescribed(),
        "settings": {"cores": settings.cores(), **settings.environment()},
        "environment": inherits,
        "contestants": {one.id: _contestant(one, suite) for one in contestants},
        "parity_tolerances": {name: asdict(tolerance) for name, tolerance in parity.TOLERANCES.items()},
        "warnings": [*machine.warnings(described), *_inherited(inherits["inherited"]), *_absent_meters()],
    }
    return System.model_validate(content)


def environment(contestants: Sequence[Contestant], shell: Mapping[str, str]) -> dict[str, Any]:
    """What the contestants' launches have of the shell's variables.

    `passed` are names only; `choosing` and `inherited` (as shipped, of the known kinds) have values; `dropped` are of
    the known kinds, too, and set in vain.
    """
    steady = {settings.SETTINGS[one.setting].controlled for one in contestants}
    return {
        "passed": sorted(clean(shell).keys() - choosing(shell).keys()),
        "choosing": choosing(shell),
        "inherited": altering(shell) if False in steady else {},
        "dropped": list(altering(shell)) if True in steady else [],
    }


def _inherited(variables: Mapping[str, str]) -> list[dict[str, str]]:
    """The warning of what launches as shipped have from the shell."""
    what = f"launches as shipped have what the shell set, which may change times: {words(variables)}"
    return [{"what": what, "remedy": "unset them, or measure without --as-shipped"}] if variables else []


def _absent_meters() -> list[dict[str, str]]:
    """A warning for each meter that cannot be loaded."""
    return [
        {
            "what": f"the meter {name} is absent, and what it would read is in no table: {reason}",
            "remedy": "mend or remove what is named; nothing else depends on it",
        }
        for name, reason in absent().items()
    ]


def _workload(workload: Workload) -> dict[str, Any]:
    """What follows from the tables of a workload's network."""
    network = network_of(workload)
    return {
        **asdict(floor_of(workload)),
        "ceiling": _probed(workload),
        "parameters": network.parameters,
        "layers": [layer.name for layer in network.layers if can_be_alone(layer)],
        "windows": sum(len(layer.windows) for layer in network.layers if isinstance(layer, WindowPyramid)),
        "variant_of": load_architecture(workload.architecture).variant_of,
    }


def _pyramids(workloads: Sequence[Workload]) -> list[dict[str, Any]]:
    """Where the bins of each pyramid lie on a side of each map, under every rule; or why a rule cannot have them."""
    sides: dict[tuple[int, tuple[int, ...]], None] = {}
    for part in (part for workload in workloads for part in workload.batches):
        for row in network_of(part).rows:
            if isinstance(row.layer, SpatialPyramid) and not isinstance(row.layer, WindowPyramid):
                sides |= dict.fromkeys((side, row.layer.levels) for side in row.input[1:])
    return [
        {
            "side": side,
            "levels": list(levels),
            "rules": {rule: _bins(side, levels, rule) for rule in get_args(EdgeRule)},
        }
        for side, levels in sorted(sides)
    ]


def _bins(side: int, levels: Sequence[int], rule: EdgeRule) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for level in levels:
        try:
            found[str(level)] = SpatialPyramid("spp", (level,), rule).bins(side, level)
        except InvalidInput as problem:
            found[str(level)] = str(problem)
    return found


def _contestant(contestant: Contestant, suite: Suite) -> dict[str, Any]:
    framework = load_framework(contestant.framework)
    execution = framework.execution(contestant.execution)
    return {
        "title": framework.title,
        "note": execution.note,
        "versions": interpreters.versions(contestant, suite.interpreters, suite.environment),
        "environment": settings.environment_of(contestant, suite.environment),
        "large_environment": settings.large_block_environment_of(contestant),
    }


def _probed(workload: Workload) -> str | None:
    """Which ceiling a workload is there to find, if any."""
    return probes.probed(workload.architecture)
