"""The command line: simulates, and prints a table or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from tabulate import tabulate

from bench.validation.coverage import nodes
from bench.validation.coverage.checks import WIDENED, Held, fixed, predicted, stopped, verdicts
from bench.validation.coverage.machines import MACHINES, Machine, Resampled
from bench.validation.coverage.measured import measured_campaigns, predictable, resampled
from bench.validation.coverage.methods import METHODS
from impls.command import ExitStatus, one_line_errors
from impls.errors import InvalidInput
from results import strict_json
from results.store.campaigns import DATA

LEAST_COVERED = 0.93
"""Of 95 % intervals, on any of the machines, with any number of launches."""
NOISE = 1.0, 0.5, 0.25
"""Of the machines: with less, campaigns stop earlier."""
RESAMPLED = "residuals of committed campaigns"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@one_line_errors
def main(
    campaigns: Annotated[int, typer.Option(help="Simulated campaigns per machine.", min=2)] = 400,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.", min=0)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    of_nodes: Annotated[bool, typer.Option("--nodes", help="Of campaigns of several machines instead.")] = False,
) -> None:
    """Simulate how often intervals hold the true ratio; exit status 1 if those in use do so in less than 93 %."""
    if of_nodes:
        _over_nodes(campaigns, seed, as_json)
    report = measure(Path(DATA), campaigns, seed)
    print(json.dumps(strict_json.plain(rounded(report))) if as_json else table(report))
    least = min(held.covered for found in report["coverage"].values() for held in found[WIDENED])
    least = min([least, *(held.covered for found in report["stopped"].values() for held in found)])
    raise typer.Exit(ExitStatus.OK if least >= LEAST_COVERED else ExitStatus.FINDINGS)


def _over_nodes(campaigns: int, seed: int, as_json: bool) -> None:
    """The same of intervals over nodes, and how often differences between nodes are reported."""
    covered, found = nodes.coverage(campaigns, seed), list(nodes.detection(campaigns, seed))
    stops = list(nodes.stopped(max(campaigns // nodes.STOPPED_PART, 2), seed))
    report = {"campaigns": campaigns, "seed": seed, "coverage": covered, "differences": found, "stopped": stops}
    print(json.dumps(strict_json.plain(rounded(report))) if as_json else nodes_table(covered, found, stops))
    least = min(min(one.covered) for one in covered if "used" in one.interval and one.kind != nodes.ODD_NODES)
    least = min([least, *(one.covered for one in stops)])
    raise typer.Exit(ExitStatus.OK if least >= LEAST_COVERED else ExitStatus.FINDINGS)


def nodes_table(
    covered: Sequence[nodes.Covered], found: Sequence[nodes.Found], stopped: Sequence[nodes.Stopped]
) -> str:
    """Coverage by nodes, deviation and interval, a column for each number of launches; then differences of nodes.

    Last, campaigns that stop when decided.
    """
    launches = [" ".join(map(str, one)) for one in nodes.LAUNCHES]
    rows = [
        [one.nodes, one.kind, f"{one.effect:.0%}", one.interval, *(f"{share:.1%}" for share in one.covered)]
        for one in covered
    ]
    headers = ["nodes", "deviations", "size", "interval", *(f"launches {one}" for one in launches)]
    shares = [
        [
            one.nodes,
            " ".join(map(str, one.launches)),
            *(f"{one:.1%}" for one in (one.false, one.false_noisy, one.found)),
        ]
        for one in found
    ]
    found_headers = ["nodes", "launches", "false differences", "with a noisier node", "planted ones found"]
    stops = [
        [one.nodes, f"{one.effect:.0%}", f"{one.covered:.1%}", f"{one.launches:.1f}", f"{one.false:.1%}"]
        for one in stopped
    ]
    stop_headers = ["nodes, stopping when decided", "size", "coverage", "launches a node", "false differences"]
    tables = (rows, headers), (shares, found_headers), (stops, stop_headers)
    return "\n\n".join(tabulate(*table, disable_numparse=True) for table in tables)


def measure(data: Path, campaigns: int, seed: int) -> dict[str, Any]:
    """All checks: `coverage`, `stopped` by machine; the others (of campaigns in `data`) by method."""
    measured = measured_campaigns(data)
    if not predictable(measured):
        raise InvalidInput(f"no reference campaigns in {str(data)!r}; start in a checkout of Deadheat")
    machines: dict[str, Machine | Resampled] = {**MACHINES, RESAMPLED: resampled(measured)}
    return {
        "campaigns": campaigns,
        "seed": seed,
        "coverage": {name: fixed(machine, METHODS, campaigns, seed) for name, machine in machines.items()},
        "stopped": {
            name: [stopped(machine, campaigns, seed, noise) for noise in NOISE] for name, machine in machines.items()
        },
        "predicted": predicted(predictable(measured), METHODS),
        "predicted_kept_back": predicted(predictable(measured, kept_back=True), METHODS),
        "verdicts": verdicts(measured, METHODS),
    }


def rounded(value: Any) -> Any:
    """The report in JSON's types, with four digits after the point."""
    if is_dataclass(value) and not isinstance(value, type):
        return rounded(asdict(value))
    if isinstance(value, Mapping):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def table(report: Mapping[str, Any]) -> str:
    """Coverage by machine and method, a column for each number of launches."""
    rows = [
        [machine, method, *(f"{held.covered:.1%}" for held in found)]
        for machine, methods in report["coverage"].items()
        for method, found in methods.items()
    ]
    first: Sequence[Held] = next(iter(next(iter(report["coverage"].values())).values()))
    headers = ["machine", "interval", *(f"{held.launches:.0f} launches" for held in first)]
    stops = [
        [machine, f"{held.covered:.1%}", f"{held.launches:.1f}", f"{held.false_differences:.1%}"]
        for machine, found in report["stopped"].items()
        for held in found
    ]
    stop_headers = ["machine, stopping when decided", "coverage", "launches", "false differences"]
    missed = [[method, *(f"{one.missed:.1%}" for one in found)] for method, found in report["predicted"].items()]
    missed_headers = ["interval", *(f"from {one.launches}: missed" for one in next(iter(report["predicted"].values())))]
    return "\n\n".join(
        [
            tabulate(rows, headers=headers, disable_numparse=True),
            tabulate(stops, headers=stop_headers, disable_numparse=True),
            tabulate(missed, headers=missed_headers, disable_numparse=True),
        ]
    )
