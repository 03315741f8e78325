"""The generated blocks of docs/method.md on intervals over nodes, from results/data/reference-nodes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench.validation.coverage.machines import MOST_LAUNCHES
from bench.validation.coverage.nodes import EFFECTS, LAUNCHES, NOISY, ODD_NODES, PLANTED, STOPPED_PART

STORED = Path(__file__).parent.parent / "results" / "data" / "reference-nodes" / "coverage.json"


def _stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(STORED.read_text())
    return found


def coverage() -> str:
    """One row for each number of nodes and way to make an interval."""
    cases: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for one in _stored()["coverage"]:
        cases.setdefault((one["nodes"], one["interval"]), []).append(one)
    rows = []
    for (nodes, interval), found in cases.items():
        alike = [[one for one in found if one["effect"] == effect and one["kind"] != ODD_NODES] for effect in EFFECTS]
        odd = [one for one in found if one["effect"] == EFFECTS[-1] and one["kind"] == ODD_NODES]
        widths = ", ".join(f"{half:.1%}" for half in alike[0][0]["half_width"][:3])
        rows.append([str(nodes), interval, *map(_range, alike), _range(odd), widths])
    sizes = [f"nodes deviate by {effect:.0%}" for effect in EFFECTS]
    launches = ", ".join(str(*one) for one in LAUNCHES[:3])
    headers = ["nodes", "interval", *sizes, f"one in five is off by {EFFECTS[-1]:.0%}"]
    return _table(rows, [*headers, f"half-width at 0%, {launches} launches a node"])


def _range(found: Iterable[dict[str, Any]]) -> str:
    covered = [share for one in found for share in one["covered"]]
    return f"{min(covered):.1%} to {max(covered):.1%}"


def differences() -> str:
    """One row for each number of nodes and launches."""
    rows = [
        [
            str(one["nodes"]),
            ", ".join(map(str, one["launches"])),
            *map(_percent, (one["false"], one["false_noisy"], one["found"])),
        ]
        for one in _stored()["differences"]
    ]
    noisy = f"the same, one node {NOISY:g} times as noisy"
    return _table(rows, ["nodes", "launches a node", "campaigns with a false one", noisy, f"{PLANTED:.0%} found"])


def stopped() -> str:
    """One row for each number of nodes, a column for each size of their deviations."""
    found: dict[int, list[str]] = {}
    for one in _stored()["stopped"]:
        found.setdefault(one["nodes"], []).append(f"{one['covered']:.1%} ({one['launches']:.1f})")
    sizes = [f"nodes deviate by {effect:.0%}: coverage (launches)" for effect in EFFECTS]
    table = _table([[str(nodes), *cells] for nodes, cells in found.items()], ["nodes", *sizes])
    campaigns, seed = _stored()["campaigns"] // STOPPED_PART, _stored()["seed"]
    return f"{table}\nSimulated: {campaigns} campaigns a row, seed {seed}; at most {MOST_LAUNCHES} launches a node.\n"


def size() -> str:
    """What was simulated."""
    stored = _stored()
    return f"Simulated: {stored['campaigns']} campaigns a row, seed {stored['seed']}.\n"


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _table(rows: list[list[str]], headers: list[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True) + "\n"


BLOCKS = {"nodes": coverage, "nodes-stopped": stopped, "nodes-differences": differences, "nodes-size": size}
