"""Lists claims and data sets, as rows for programs and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from impls.errors import DeadheatError
from repro import data
from repro.claims.claim import Claim, claims
from repro.terminal.console import print_table

YES = {True: "yes", False: "no"}
Rows = Sequence[Mapping[str, Any]]


def rows(paths: Mapping[str, Path]) -> Rows:
    """Every claim: `id`, `kind`, whether it is `testable` here, and what it `needs` if it is not."""
    here = {name: data.available(name, paths.get(name)) for name in data.sources()}
    return [_row(claim, here) for claim in claims().values()]


def print_rows(rows: Rows) -> None:
    shown = [
        (
            row["id"],
            row["kind"],
            row["statement"],
            row["paper"],
            YES[row["testable"]],
            ", ".join(row["needs"]),
        )
        for row in rows
    ]
    print_table(("claim", "kind", "statement", "value in the paper", "testable", "needs"), shown)


def data_rows() -> Rows:
    """Every data set: `name`, `here` (its folder, or None), and why it is missing."""
    return [_data_row(name) for name in data.sources()]


def print_data(rows: Rows) -> None:
    shown = [(row["name"], row["here"] or "missing", row["missing"]) for row in rows]
    print_table(("data set", "folder", "how to obtain it"), shown)


def _row(claim: Claim, here: Mapping[str, bool]) -> dict[str, Any]:
    testable = claim.check is not None or any(here[name] for name in claim.data)
    return {
        "id": claim.id,
        "kind": claim.kind.value,
        "testable": testable,
        "needs": [] if testable else list(claim.wanted),
        "statement": claim.statement,
        "paper": claim.number,
        "place": claim.place,
        "data": list(claim.data),
    }


def _data_row(name: str) -> dict[str, Any]:
    try:
        return {"name": name, "here": str(data.find(name)), "missing": ""}
    except DeadheatError as problem:
        return {"name": name, "here": None, "missing": str(problem)}
