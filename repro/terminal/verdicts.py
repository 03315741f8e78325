"""Verdicts on the console, and as JSON."""

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
    Verdict.NOT_AT_THIS_SCALE: "cyan",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_TESTABLE: "dim",
}


def as_json(result: ClaimResult) -> dict[str, Any]:
    """A claim's result for JSON output."""
    names = "id", "kind", "verdict", "evidence", "scale", "seeds", "framework", "needs", "looks"
    return {name: getattr(result, name) for name in names} | {
        "contrasts": [
            {
                "statement": contrast.statement,
                "value": contrast.value,
                "low": contrast.low,
                "high": contrast.high,
                "verdict": contrast.verdict,
                "size": contrast.size,
                "size_verdict": contrast.size_verdict,
            }
            for contrast in result.contrasts
        ]
    }


def is_untested(result: ClaimResult) -> bool:
    """Whether a claim could not be tested at all."""
    return result.verdict is Verdict.NOT_TESTABLE or (bool(result.contrasts) and not result.seeds)


def _is_waiting(result: ClaimResult) -> bool:
    return result.verdict is Verdict.NOT_TESTABLE


def print_all(results: Sequence[ClaimResult], agreement: Agreement | None) -> None:
    """Print one line per claim, the number of each verdict, and reasons for claims that cannot be tested."""
    out = console()
    if agreement is not None:
        out.print(agreed(agreement), highlight=False)
    print_table(("claim", "verdict", "evidence"), map(_row, (result for result in results if not _is_waiting(result))))
    counts = [f"{sum(result.verdict is verdict for result in results)} {verdict}" for verdict in Verdict]
    out.print(f"\n{', '.join(counts)}", highlight=False)
    for reason, names in _reasons(results).items():
        out.print(f"not testable here: {', '.join(names)}: {reason}", highlight=False, markup=False, soft_wrap=True)


def _reasons(results: Sequence[ClaimResult]) -> Mapping[str, list[str]]:
    """The claims that cannot be tested here, by reason."""
    claims_by_reason: dict[str, list[str]] = {}
    for result in filter(_is_waiting, results):
        claims_by_reason.setdefault(result.evidence, []).append(result.id)
    return claims_by_reason


def agreed(agreement: Agreement) -> str:
    """The statement, the frameworks, and for how many steps their losses agree."""
    return f"{agreement.statement} ({', '.join(agreement.trials)}). {words.agreement(agreement)}\n"


def is_met(trained: Trained, trials: Mapping[str, Trial]) -> bool:
    """Whether every framework reached the recipe's target accuracy."""
    accuracies = [accuracy(trials.get(id)) for id in trained.trials.values()]
    return bool(accuracies) and all(share is not None and share >= trained.aim for share in accuracies)


def accuracy(trial: Trial | None) -> float | None:
    """Accuracy of a trial on all test images, as a share; None if it did not finish."""
    return None if trial is None or "" not in trial.errors else 1 - trial.errors[""]


def trained_as_json(trained: Trained, trials: Mapping[str, Trial]) -> dict[str, Any]:
    accuracies = {name: accuracy(trials.get(id)) for name, id in trained.trials.items()}
    return {"name": trained.name, "scale": trained.scale, "aim": trained.aim, "accuracy": accuracies}


def print_trained(trained: Sequence[Trained], trials: Mapping[str, Trial]) -> None:
    """Print one line per network and framework."""
    headings = "network", "framework", "test accuracy", "target", "training set", "seconds"
    rows = [(network, name, trials[id]) for network in trained for name, id in network.trials.items()]
    print_table(headings, [_trained_row(network, name, trial) for network, name, trial in rows])


def _row(result: ClaimResult) -> tuple[str, Text, str]:
    evidence = f"{result.evidence} ({result.scale})" if result.scale else result.evidence
    return result.id, Text(words.claim_verdict(result.verdict), STYLES[result.verdict]), evidence


def _trained_row(trained: Trained, framework: str, trial: Trial) -> tuple[str, ...]:
    share = accuracy(trial)
    cell = words.status(trial.outcome, trial.reason) if share is None else f"{100 * share:.2f} %"
    return trained.name, framework, cell, f"{100 * trained.aim:g} %", trained.scale, f"{trial.seconds:.0f}"
