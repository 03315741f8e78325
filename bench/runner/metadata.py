"""Metadata of a campaign, stored beside its records: system.json."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, get_args

from bench.cost.floors import floor_of, layers_of
from bench.cost.workload import most_devices, network_of
from bench.gate import parity
from bench.meters import absent, meters
from bench.networks import probes
from bench.plan import interpreters, settings
from bench.plan.suite import Suite
from impls.architectures import load_architecture
from impls.errors import InvalidInput
from impls.frameworks import Execution, is_card, load_framework
from impls.host import nvidia
from impls.host.environment import altering, choosing, clean, words
from impls.layers import EdgeRule, SpatialPyramid, WindowPyramid
from impls.network import can_be_alone
from results import VERSION, machine
from results.schema.record import SCHEMA, Case, Contestant, Workload
from results.schema.system import System


def reference_of(suite: Suite, cases: Sequence[Case]) -> Contestant:
    """The reference of ratios: the suite's first contestant, or the first selected one if that was not selected."""
    return suite.reference if any(case.contestant == suite.reference for case in cases) else cases[0].contestant


def describe(suite_name: str, suite: Suite, cases: Sequence[Case], command: str) -> System:
    """Machine, suite, contestants with versions, settings, and warnings."""
    described = machine.describe(nvidia.state(), nvidia.chosen(cases[0].workload.device, most_devices(cases)))
    contestants = list(dict.fromkeys(case.contestant for case in cases))
    inherits = environment(contestants, os.environ)
    workloads = list(dict.fromkeys(case.workload for case in cases))
    device = workloads[0].device
    tolerances = parity.tolerances(device)
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
        "settings": {"cores": settings.cores(device), **settings.environment(device=device)},
        "environment": inherits,
        "contestants": {one.id: _contestant(one, suite, device) for one in contestants},
        "parity_tolerances": {name: asdict(tolerance) for name, tolerance in tolerances.items()},
        "warnings": [
            *machine.warnings(described),
            *_inherited(inherits["inherited"]),
            *_absent_meters(),
            *_compiled_once(suite, cases),
        ],
    }
    return System.model_validate(content)


def environment(contestants: Sequence[Contestant], shell: Mapping[str, str]) -> dict[str, Any]:
    """The shell's variables and their effect on the contestants' launches.

    `passed`: names only. `choosing` and `inherited` (of the known kinds, as shipped): names and values. `dropped`:
    names of the known kinds that were set without effect.
    """
    steady = {settings.SETTINGS[one.setting].controlled for one in contestants}
    return {
        "passed": sorted(clean(shell).keys() - choosing(shell).keys()),
        "choosing": choosing(shell),
        "inherited": altering(shell) if False in steady else {},
        "dropped": list(altering(shell)) if True in steady else [],
    }


def _inherited(variables: Mapping[str, str]) -> list[dict[str, str]]:
    """Warn of variables that launches as shipped inherit from the shell."""
    what = f"launches as shipped inherit variables of the shell that may change times: {words(variables)}"
    return [{"what": what, "remedy": "unset them, or measure without --as-shipped"}] if variables else []


def _absent_meters() -> list[dict[str, str]]:
    """A warning for each meter that cannot be loaded."""
    return [
        {
            "what": f"the meter {name} is absent, so its quantities are missing: {reason}",
            "remedy": "repair or remove the named package; other measurements are not affected",
        }
        for name, reason in absent().items()
    ]


def _compiled_once(suite: Suite, cases: Sequence[Case]) -> list[dict[str, str]]:
    """Warn of compiled code that launches on a card find: it holds what autotuning chose in the first of them."""
    device = cases[0].workload.device
    if not is_card(device) or suite.compiles_anew(device) or suite.launches[1] == 1:
        return []
    keep = {case.contestant.id: None for case in cases if settings.keeps_compiled(case.contestant)}
    what = f"launches after the first find compiled code ({', '.join(keep)}), and in it what autotuning chose once: "
    what += "intervals do not contain what another choice would give"
    remedy = "use --preset standard or strict, or gpu_compiles_anew = true in the suite"
    return [{"what": what, "remedy": remedy}] if keep else []


def _workload(workload: Workload) -> dict[str, Any]:
    """Facts of a workload from its network's table."""
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
    """The bins of each pyramid on each side of its maps, by rule; or why a rule has none."""
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


def _contestant(contestant: Contestant, suite: Suite, device: str) -> dict[str, Any]:
    framework = load_framework(contestant.framework)
    execution = framework.execution(contestant.execution)
    return {
        "title": framework.title,
        "note": execution.note,
        "level": execution.level,
        "tuned": _tuned(contestant, execution),
        "versions": interpreters.versions(contestant, suite.interpreters, suite.environment),
        "environment": settings.environment_of(contestant, suite.environment, device),
        "large_environment": settings.large_block_environment_of(contestant, device),
    }


def _tuned(contestant: Contestant, execution: Execution) -> str | None:
    """The id of the contestant that this one is, but without all or one of the tricks; None if it lacks none."""
    if execution.idiomatic_of:
        return replace(contestant, execution=execution.idiomatic_of).original.id
    if not execution.lacks_trick_of:
        return None
    framework, _, name = execution.lacks_trick_of.partition(":")
    return replace(contestant, framework=framework, execution=name).original.id


def _probed(workload: Workload) -> str | None:
    """The peak rate that a workload measures, if it is a probe."""
    return probes.probed(workload.architecture)
