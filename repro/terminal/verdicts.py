"""Verdicts as they are printed: a table on the terminal, JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from impls.terminal import console
from repro.terminal.console import print_table
from results import words
from results.schema.findings import Agreement, ClaimResult, Trained, Verdict
from results.schema.trial import Trial

STYLES = {
    Verdict.SUPPORTED: "green",
    Verdict.CONTRADICTED: "red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_TESTABLE: "dim",
}


def as_json(result: ClaimResult) -> dict[str, Any]:
    """What a program reads of a claim."""
    names = "id", "kind", "verdict", "evidence", "scale", "seeds", "framework", "needs"
    return {name: getattr(result, name) for name in names} | {
        "contrasts": [
            {"statement": one.statement, "value": one.value, "low": one.low, "high": one.high, "verdict": one.verdict}
            for one in result.contrasts
        ]
    }


def is_untested(result: ClaimResult) -> bool:
    """Whether nothing that was asked for could be done about a claim."""
    return result.verdict is Verdict.NOT_TESTABLE or (bool(result.contrasts) and not result.seeds)


def _is_waiting(result: ClaimResult) -> bool:
    return result.verdict is Verdict.NOT_TESTABLE


def print_all(results: Sequence[ClaimResult], agreement: Agreement | None) -> None:
    """A line for every claim, and how many came out how. What can't be tested here says why."""
    out = console()
    if agreement is not None:
        out.print(agreed(agreement), highlight=False)
    print_table(("claim", "verdict", "evidence"), map(_row, (one for one in results if not _is_waiting(one))))
    counts = [f"{sum(one.verdict is verdict for one in results)} {verdict}" for verdict in Verdict]
    out.print(f"\n{', '.join(counts)}", highlight=False)
    for reason, names in _reasons(results).items():
        out.print(f"not testable here: {', '.join(names)}: {reason}", highlight=False, markup=False, soft_wrap=True)


def _reasons(results: Sequence[ClaimResult]) -> Mapping[str, list[str]]:
    """The claims that can't be tested here, by why."""
    found: dict[str, list[str]] = {}
    for result in filter(_is_waiting, results):
        found.setdefault(result.evidence, []).append(result.id)
    return found


def agreed(agreement: Agreement) -> str:
    """The statement, the frameworks, and for how many steps their losses agree."""
    return f"{agreement.statement} ({', '.join(agreement.trials)}). {words.agreement(agreement)}\n"


def is_met(trained: Trained, trials: Mapping[str, Trial]) -> bool:
    """Whether every framework came to the accuracy that the recipe aims at."""
    found = [accuracy(trials.get(id)) for id in trained.trials.values()]
    return bool(found) and all(one is not None and one >= trained.aim for one in found)


def accuracy(trial: Trial | None) -> float | None:
    """The share of all test images that a trial's network gets right; None if it never came to its end."""
    return None if trial is None or "" not in trial.errors else 1 - trial.errors[""]


def trained_as_json(trained: Trained, trials: Mapping[str, Trial]) -> dict[str, Any]:
    found = {name: accuracy(trials.get(id)) for name, id in trained.trials.items()}
    return {"name": trained.name, "scale": trained.scale, "aim": trained.aim, "accuracy": found}


def print_trained(trained: Sequence[Trained], trials: Mapping[str, Trial]) -> None:
    """A line for each network and framework."""
    headings = "network", "framework", "test accuracy", "target", "training set", "seconds"
    rows = [(one, name, trials[id]) for one in trained for name, id in one.trials.items()]
    print_table(headings, [_trained_row(one, name, trial) for one, name, trial in rows])


def _row(result: ClaimResult) -> tuple[str, Text, str]:
    found = f"{result.evidence} ({result.scale})" if result.scale else result.evidence
    return result.id, Text(words.claim_verdict(result.verdict), STYLES[result.verdict]), found


def _trained_row(trained: Trained, framework: str, trial: Trial) -> tuple[str, ...]:
    found = accuracy(trial)
    cell = words.status(trial.outcome, trial.reason) if found is None else f"{100 * found:.2f} %"
    return trained.name, framework, cell, f"{100 * trained.aim:.0f} %", trained.scale, f"{trial.seconds:.0f}"
