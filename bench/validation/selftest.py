"""The harness measures itself: does it see differences that are not there, and those that are?"""

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
from impls import nvidia
from impls.errors import InvalidInput
from impls.frameworks import frameworks
from impls.termination import Termination
from results import machine, strict_json
from results.schema.record import Contestant

__all__ = ["PLANTED", "Plan", "known_contestant", "default_contestants", "is_trustworthy", "print_summary", "run"]


def rate(found: int, of: int) -> dict[str, float]:
    """A share with its 95 % interval (Clopper and Pearson's)."""
    if not of:
        return {}
    interval = binomtest(found, of).proportion_ci()
    return {"rate": found / of, "low": float(interval.low), "high": float(interval.high)}


def summary(pairs: Sequence[Pair], exact: bool) -> dict[str, Any]:
    """What `--json` prints: rates with intervals, errors of ratios, every pair, and how many could not be measured."""
    measured = [pair for pair in pairs if not pair.failure]
    same = [pair for pair in measured if not pair.slowdown]
    false = sum(pair.found for pair in same)
    return {
        "aa": {"pairs": len(same), "false_differences": false, **rate(false, len(same)), **_errors(same)},
        "planted": [_planted(share, measured) for share in sorted({pair.slowdown for pair in measured} - {0.0})],
        "known_clock": {"exact": exact},
        "failed": len(pairs) - len(measured),
        "measured": [strict_json.plain(asdict(pair)) for pair in pairs],
    }


def pairs_of(said: Mapping[str, Any]) -> list[Pair]:
    """The pairs of what `--json` printed."""
    return [_pair(**one) for one in said["measured"]]


def _pair(**facts: Any) -> Pair:
    known: dict[str, Any] = {name: math.nan if value is None else value for name, value in facts.items()}
    return Pair(**known)


def _planted(slowdown: float, pairs: Sequence[Pair]) -> dict[str, Any]:
    own = [pair for pair in pairs if pair.slowdown == slowdown]
    found = sum(pair.found for pair in own)
    return {"slowdown": slowdown, "pairs": len(own), "detected": found, **rate(found, len(own)), **_errors(own)}


def _errors(pairs: Sequence[Pair]) -> dict[str, float | None]:
    """Median and 90th percentile of ratios' relative errors, and the share of 95 % intervals that hold the truth."""
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
    """The contestant of that name; here it has our own Python and the steady setting."""
    contestant = parse_contestant(text)
    if contestant != Contestant(contestant.framework, contestant.execution):
        raise InvalidInput(f"contestant {text!r}: the selftest knows framework:execution only, without @ and +")
    return contestant


def run(plan: Plan, burning: int, quiet: bool) -> dict[str, Any]:
    """The known clock, then pairs until Ctrl-C or the plan's end; a line for each as it comes, unless `quiet`.

    The plan's budget begins here: pairs have what the clock has left of it.
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
    ):  # what was measured until then counts
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
    planted = f"{pair.slowdown:.0%} slower" if pair.slowdown else "the same"
    if pair.failure:
        return f"{pair.contestant} {pair.architecture}, {planted}: not measured: {pair.failure}"
    alone = math.isnan(pair.low) or math.isnan(pair.high)
    interval = "(not enough data for an interval)" if alone else f"[{pair.low:.4f}, {pair.high:.4f}]"
    saw = f"×{pair.ratio:.4f} {interval} {pair.verdict}"
    return f"{pair.contestant} {pair.architecture}, {planted}: {saw}, {pair.launches} launches, {pair.seconds:.1f} s"


FALSE_RATE, FOUND_RATE = 0.08, 0.9
"""What a trustworthy harness stays below with A/A pairs, and above with a planted 20 %."""


def is_trustworthy(summary: dict[str, Any]) -> bool:
    """Whether durations come out exact, all pairs could be measured, and rates are, beyond chance, not too bad."""
    same, large = summary["aa"], [one for one in summary["planted"] if one["slowdown"] >= 0.2]
    false = same.get("low", 0.0) > FALSE_RATE
    blind = any(one.get("high", 1.0) < FOUND_RATE for one in large)
    return summary["known_clock"]["exact"] and not false and not blind and not summary["failed"]


def print_summary(summary: dict[str, Any]) -> None:
    """Rates with their intervals, a line each."""
    same = summary["aa"]
    print(f"known durations come out {'bit for bit' if summary['known_clock']['exact'] else 'CHANGED'}")
    print(f"the same against the same: {_rate_words(same, 'false_differences', 'differences seen')}")
    for one in summary["planted"]:
        print(f"{one['slowdown']:.0%} slower: {_rate_words(one, 'detected', 'found')}")
    if summary["failed"]:
        print(f"not measured: {summary['failed']} pairs; the lines above say why")


def _rate_words(one: dict[str, Any], key: str, what: str) -> str:
    if not one["pairs"]:
        return "no pair was measured; give more time with --budget"
    interval = f"{one['rate']:.1%} [{one['low']:.1%}, {one['high']:.1%}]"
    errors = f"error of the ratio: median {one['median_error']:.2%}, nine in ten below {one['p90_error']:.2%}"
    return f"{one[key]} of {one['pairs']} {what}, {interval}; {errors}; {one['median_seconds']:.0f} s a pair"


def default_contestants() -> list[Contestant]:
    """The first execution of every framework that is installed."""
    return [
        Contestant(one.name, one.executions[0].name)
        for one in frameworks().values()
        if not one.missing(one.executions[0])
    ]
