"""Self-test: the harness's false-positive rate on A/A pairs and its power for injected slowdowns."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from scipy.stats import binomtest

from bench.clock import now
from bench.machine.lock import CONCURRENT_CAMPAIGN_WARNING, campaign_lock
from bench.plan.parse import parse_contestant
from bench.validation.known_clock import known_clock
from bench.validation.load import background_load
from bench.validation.pairs import PLANTED, Pair, Plan, measure
from impls.errors import InvalidInput
from impls.frameworks import frameworks
from impls.host import nvidia
from impls.host.termination import Termination
from results import machine, strict_json
from results.schema.record import Contestant

__all__ = ["PLANTED", "Plan", "known_contestant", "default_contestants", "is_trustworthy", "print_summary", "run"]


def rate(count: int, total: int) -> dict[str, float]:
    """A proportion with its 95 % Clopper-Pearson interval; empty if `total` is 0."""
    if not total:
        return {}
    interval = binomtest(count, total).proportion_ci()
    return {"rate": count / total, "low": float(interval.low), "high": float(interval.high)}


def summary(pairs: Sequence[Pair], exact: bool) -> dict[str, Any]:
    """The output of `--json`: rates with intervals, errors of ratios, every pair, and the number of failed pairs."""
    measured = [pair for pair in pairs if not pair.failure]
    same = [pair for pair in measured if not pair.slowdown]
    false = sum(pair.found for pair in same)
    return {
        "aa": {"pairs": len(same), "false_differences": false, **rate(false, len(same)), **_errors(same)},
        "planted": [_detection(share, measured) for share in sorted({pair.slowdown for pair in measured} - {0.0})],
        "known_clock": {"exact": exact},
        "failed": len(pairs) - len(measured),
        "measured": [strict_json.plain(asdict(pair)) for pair in pairs],
    }


def pairs_of(report: Mapping[str, Any]) -> list[Pair]:
    """The pairs in the output of `--json`."""
    return [_pair(**pair) for pair in report["measured"]]


def _pair(**facts: Any) -> Pair:
    known: dict[str, Any] = {name: math.nan if value is None else value for name, value in facts.items()}
    return Pair(**known)


def _detection(slowdown: float, pairs: Sequence[Pair]) -> dict[str, Any]:
    slowed = [pair for pair in pairs if pair.slowdown == slowdown]
    detected = sum(pair.found for pair in slowed)
    return {
        "slowdown": slowdown,
        "pairs": len(slowed),
        "detected": detected,
        **rate(detected, len(slowed)),
        **_errors(slowed),
    }


def _errors(pairs: Sequence[Pair]) -> dict[str, float | None]:
    """Median and 90th percentile of the ratios' relative errors, and the coverage of 95 % intervals."""
    if not pairs:
        return {}
    errors = np.array([abs(pair.ratio / (1 + pair.slowdown) - 1) for pair in pairs])
    with_interval = [pair for pair in pairs if pair.launches > 1]
    held = sum(pair.low <= 1 + pair.slowdown <= pair.high for pair in with_interval)
    return {
        "median_error": float(np.median(errors)),
        "p90_error": float(np.quantile(errors, 0.9)),
        "covered": held / len(with_interval) if with_interval else None,
        "median_seconds": float(np.median([pair.seconds for pair in pairs])),
    }


def known_contestant(text: str) -> Contestant:
    """The contestant of that name, with the current interpreter and the default setting. InvalidInput for others."""
    contestant = parse_contestant(text)
    if contestant != Contestant(contestant.framework, contestant.execution):
        raise InvalidInput(f"contestant {text!r}: the selftest takes framework:execution only, without @ and +")
    return contestant


def run(plan: Plan, burning: int, quiet: bool) -> dict[str, Any]:
    """Run the known clock, then pairs until Ctrl-C or the plan's end; prints a line per pair unless `quiet`.

    The plan's budget includes the time of the known clock. `burning`: number of background CPU hogs.
    """
    start = now()
    wrong = known_clock()
    for line in wrong:
        print(f"known clock: {line}", file=sys.stderr)
    done = []
    with (
        Termination(),
        campaign_lock() as free,
        background_load(burning),
        suppress(KeyboardInterrupt),
    ):  # pairs measured before an interrupt count
        if not free:
            print(
                f"! {CONCURRENT_CAMPAIGN_WARNING['what']}\n  → {CONCURRENT_CAMPAIGN_WARNING['remedy']}", file=sys.stderr
            )
        for pair in measure(replace(plan, budget=plan.budget - (now() - start)), at_least=0):
            done.append(pair)
            if not quiet:
                print(_line(pair), file=sys.stderr, flush=True)
    return {
        **summary(done, exact=not wrong),
        "plan": {**asdict(plan), "burners": burning},
        "alone": free,
        "machine": machine.describe(nvidia.state()),
    }


def _line(pair: Pair) -> str:
    injected = f"{pair.slowdown:.0%} slower" if pair.slowdown else "A/A"
    if pair.failure:
        return f"{pair.contestant} {pair.architecture} {pair.phase}, {injected}: not measured: {pair.failure}"
    single = math.isnan(pair.low) or math.isnan(pair.high)
    interval = "(not enough data for an interval)" if single else f"[{pair.low:.4f}, {pair.high:.4f}]"
    outcome = f"×{pair.ratio:.4f} {interval} {pair.verdict}"
    return (
        f"{pair.contestant} {pair.architecture} {pair.phase}, {injected}: {outcome}, "
        f"{pair.launches} launches, {pair.seconds:.1f} s"
    )


FALSE_RATE, FOUND_RATE = 0.08, 0.9
"""Maximum false-positive rate on A/A pairs, and minimum detection rate of an injected 20 % slowdown."""


def is_trustworthy(summary: dict[str, Any]) -> bool:
    """Whether known durations are exact, all pairs were measured, and no rate is significantly beyond its limit."""
    same, large = summary["aa"], [rates for rates in summary["planted"] if rates["slowdown"] >= 0.2]
    false = same.get("low", 0.0) > FALSE_RATE
    blind = any(rates.get("high", 1.0) < FOUND_RATE for rates in large)
    return summary["known_clock"]["exact"] and not false and not blind and not summary["failed"]


def print_summary(summary: dict[str, Any]) -> None:
    """Print rates with their intervals, one line each."""
    same = summary["aa"]
    print(f"known durations: {'exact' if summary['known_clock']['exact'] else 'CHANGED'}")
    print(f"A/A pairs: {_rate_words(same, 'false_differences', 'false differences')}")
    for rates in summary["planted"]:
        print(f"{rates['slowdown']:.0%} slower: {_rate_words(rates, 'detected', 'detected')}")
    if summary["failed"]:
        print(f"not measured: {summary['failed']} pairs, for the reasons above")


def _rate_words(rates: dict[str, Any], key: str, what: str) -> str:
    if not rates["pairs"]:
        return "no pair was measured; raise --budget"
    interval = f"{rates['rate']:.1%} [{rates['low']:.1%}, {rates['high']:.1%}]"
    errors = f"error of the ratio: median {rates['median_error']:.2%}, 90th percentile {rates['p90_error']:.2%}"
    return f"{rates[key]} of {rates['pairs']} {what}, {interval}; {errors}; {rates['median_seconds']:.0f} s per pair"


def default_contestants() -> list[Contestant]:
    """The first execution of every framework that is installed."""
    return [
        Contestant(framework.name, framework.executions[0].name)
        for framework in frameworks().values()
        if not framework.missing(framework.executions[0])
    ]
