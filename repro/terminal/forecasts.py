"""What testing claims will take, as a table and as rows for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from impls.terminal import console
from repro.claims.claim import Claim
from repro.claims.judge import MAX_SEEDS
from repro.claims.power import POWER
from repro.runner import effort
from repro.runner.forecast import SEEDS, Forecast
from repro.terminal.console import print_table

HEADINGS = ("claim", "data", f"trials for {SEEDS} seeds", "core hours", "seeds needed", "core hours for these")


def as_json(forecast: Forecast) -> dict[str, Any]:
    """A claim's forecast; null where a number is unknown."""
    return {
        "id": forecast.claim,
        "data": forecast.data,
        "problem": forecast.problem,
        "trials": forecast.effort.trials,
        "macs_largest_trial": forecast.effort.largest,
        "macs": forecast.effort.total,
        "core_hours": forecast.hours,
        "seeds_needed": _finite(forecast.seeds_needed),
        "core_hours_needed": forecast.hours_needed,
        "contrasts": [
            {
                "statement": power.statement,
                "pilot_seeds": power.pilot_seeds,
                "spread": _finite(power.spread),
                "seeds_needed": _finite(power.seeds),
            }
            for power in forecast.powers
        ],
    }


def print_forecasts(forecasts: Sequence[Forecast], speed_known: bool) -> None:
    """Print a line per claim, and what the numbers rest on."""
    print_table(HEADINGS, map(_row, forecasts))
    out = console()
    for forecast in forecasts:
        if forecast.problem:
            out.print(f"{forecast.claim} can't be tested here: {forecast.problem}", highlight=False, markup=False)
    out.print(
        f"Seeds needed: so many decide in {100 * POWER:g} % of repetitions whether the paper's effect is there or less "
        "than half of it, by the spread of the seeds on record (python -m repro run gives these; 3 tell it roughly)."
        " Core hours are at the speed of the trials on record, on the machines that these ran on."
        + ("" if speed_known else " Hours are unknown until there is a trial on record."),
        highlight=False,
    )


def without_training(claim: Claim) -> str:
    """Why nothing is to be planned for a claim without an experiment."""
    if claim.check is None:
        return f"can't be tested: it needs {' or '.join(claim.wanted)}"
    return "takes no training: python -m repro run checks it at once"


def _row(forecast: Forecast) -> tuple[str, ...]:
    trials = f"{forecast.effort.trials}, at most {effort.macs(forecast.effort.largest)}MAC"
    return (
        forecast.claim,
        forecast.data,
        trials,
        _hours(forecast.hours),
        _seeds(forecast.seeds_needed),
        _hours(forecast.hours_needed),
    )


def _seeds(seeds: float) -> str:
    if math.isnan(seeds):
        return "unknown"
    return f"{seeds:.0f}" if math.isfinite(seeds) else f"over {MAX_SEEDS}"


def _hours(hours: float | None) -> str:
    return "unknown" if hours is None else f"{hours:.2g}" if hours < 10 else f"{hours:,.0f}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
