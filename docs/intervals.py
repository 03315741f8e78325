"""The generated blocks of docs/method.md on intervals with few launches, from results/data/reference-coverage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench.validation.coverage.checks import WIDENED

STORED = Path(__file__).parent.parent / "results" / "data" / "reference-coverage" / "coverage.json"
PLAIN = "plain t"
WIDTHS = 2, 3, 5
"""Launches after which half-widths are shown."""


def _stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(STORED.read_text())
    return found


def _table(rows: list[list[str]], headers: list[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True) + "\n"


def candidates() -> str:
    """One row per way to make an interval."""
    stored = _stored()
    rows = []
    for method, said in stored["verdicts"].items():
        covered = [held["covered"] for machine in stored["coverage"].values() for held in machine[method]]
        normal = {held["launches"]: held["half_width"] for held in stored["coverage"]["normal"][method]}
        missed = (_missed(stored[kind][method]) for kind in ("predicted", "predicted_kept_back"))
        verdicts = f"{said['unclear']} of {said['ratios']}", f"{said['kept']} of {stored['verdicts'][PLAIN]['kept']}"
        widths = ", ".join(f"{normal[launches]:.1%}" for launches in WIDTHS)
        rows.append([method, f"{min(covered):.1%} to {max(covered):.1%}", widths, *missed, *verdicts])
    headers = ["interval", "coverage", f"half-width after {', '.join(map(str, WIDTHS[:-1]))} and {WIDTHS[-1]} launches"]
    headers += ["predictions missed", "predictions missed, campaigns kept back", "unclear", "dead heats kept"]
    return _table(rows, headers)


def _missed(found: list[dict[str, float]]) -> str:
    return ", ".join(f"{one['missed']:.1%}" for one in found)


def machines() -> str:
    """The intervals in use: one row per kind of machine."""
    stored = _stored()
    rows = []
    for machine, methods in stored["coverage"].items():
        held, stopped = methods[WIDENED], stored["stopped"][machine]
        false = max(one["false_differences"] for one in [*held, *stopped])
        ends = ", ".join(f"{one['covered']:.1%} ({one['launches']:.1f})" for one in stopped)
        rows.append([machine, *(f"{one['covered']:.1%}" for one in held), ends, f"{false:.1%}"])
    launches = [f"{one['launches']:.0f} launches" for one in next(iter(stored["coverage"].values()))[WIDENED]]
    return _table(rows, ["machine", *launches, "stopped when decided (launches)", "false differences, at most"])


def size() -> str:
    """What was simulated."""
    stored = _stored()
    return f"Simulated: {stored['campaigns']} campaigns per machine, seed {stored['seed']}.\n"


BLOCKS = {"intervals": candidates, "intervals-machines": machines, "intervals-size": size}
