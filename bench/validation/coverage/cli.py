"""The command line: simulates, and prints a table or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from tabulate import tabulate

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
) -> None:
    """Simulate how often intervals hold the true ratio; exit status 1 if those in use do so in less than 93 %."""
    report = measure(Path(DATA), campaigns, seed)
    print(json.dumps(strict_json.plain(rounded(report))) if as_json else table(report))
    least = min(held.covered for found in report["coverage"].values() for held in found[WIDENED])
    least = min([least, *(held.covered for found in report["stopped"].values() for held in found)])
    raise typer.Exit(ExitStatus.OK if least >= LEAST_COVERED else ExitStatus.FINDINGS)


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
