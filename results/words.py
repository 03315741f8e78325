"""Words shared by terminal and pages: statuses, verdicts, reasons for the end of a campaign, units of peaks.

Headlines are methods of the results in results.compare. Durations and amounts of memory: results.units.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from impls.frameworks import is_card
from results.schema.findings import Agreement, ContrastResult, SizeVerdict, Verdict
from results.schema.system import System
from results.stats.moderation import Control
from results.stats.nodes import FEWEST_NODES
from results.stats.verdicts import Judgement, TimingVerdict

VERDICT_ORDER = (
    TimingVerdict.SLOWER, TimingVerdict.FASTER, TimingVerdict.UNCLEAR, TimingVerdict.WITHIN, TimingVerdict.DEAD_HEAT,
)  # fmt: skip
"""The order in which a comparison lists its cases."""

VERDICT_MARKS = {
    TimingVerdict.FASTER: "▲", TimingVerdict.SLOWER: "▼", TimingVerdict.DEAD_HEAT: "=", TimingVerdict.WITHIN: "≈",
    TimingVerdict.UNCLEAR: "?",
}  # fmt: skip
"""Marks before the words, so that no verdict depends on colour alone."""

CLAIM_MARKS = {
    Verdict.SUPPORTED: "✓", Verdict.CONTRADICTED: "✗", Verdict.NOT_AT_THIS_SCALE: "≈", Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_TESTABLE: "○",
}  # fmt: skip

STOP_REASONS = {
    "complete": "everything planned was measured",
    "budget": "the time budget{of} was spent",
    "interrupted": "interrupted",
}

PHASES = {
    "infer": "inference: forward pass in evaluation mode",
    "forward": "forward pass in training mode, to the loss",
    "gradient": "forward + backward pass",
    "train": "training step: forward + backward pass and update",
}
"""What a step of each phase computes."""

TERMS = {
    "campaign": "one run of a suite, with everything that it measured; campaigns are never pooled",
    "workload": "a network at a size, batch, precision and device, in one phase",
    "contestant": "a framework and how it executes, as pytorch:eager",
    "case": "a workload with a contestant: what has a time",
    "reference": "the contestant whose time is the denominator of all ratios",
    "step": "one call of a phase with one batch of images",
    "round": "as many steps as the clock needs, timed together; its value is the time of one step",
    "launch": "a run of a contestant in a fresh process: the unit of all intervals",
    "block": "one launch of each contestant of a network; all are alive at the same time and take turns, so that "
    "a disturbance affects all of them",
    "warm-up": "steps before the first turn, until their times settle; they are not counted",
    "first call": "the first step of a process, with tracing and compilation: cold without compiled code, cached where "
    "an earlier launch may have left some on disk",
    "interval": "the range that holds the true value with 95 % confidence, over launches",
    "unbeaten": "of a contestant: no other one is shown to be faster on the workload; several may be",
    "control": "a contestant that is launched twice in each block, so that its true ratio to itself is 1",
    "parity": "before they are timed, contestants must compute the same scores, loss and gradients to a tolerance",
    "flag": "a sign that the time of a case may not be trusted, with what to do about it",
    "peak": "the highest rate that a contestant reached in this campaign in a simple operation; no data sheet is used",
    "minimum memory": "what a step needs at least, by the network's table of layers",
}
"""The words of tables and pages; docs/method.md says more on each."""

PEAKS = {"macs": ("multiply-accumulates", "GMAC/s"), "bytes": ("memory reads", "GB/s")}
"""The quantity of each peak probe, and the unit of its rate (10^9 per second)."""


SHARED_CORES = (
    "devices of a CPU share its cores: what is seen is what dividing a step costs, not what further processors bring"
)


def on(device: str, devices: int) -> str:
    """What a step runs on: "cpu", "4 cpu devices"."""
    return device if devices == 1 else f"{devices} {device} devices"


def in_words(name: str) -> str:
    """A stored name of a status, flag or outcome as words: "out_of_memory" is "out of memory"."""
    return name.replace("_", " ")


def identity(device: str, precision: str) -> str:
    """On a card, where tolerances are wide, in which other precision a network was shown to be equal; else ""."""
    if not is_card(device):
        return ""
    return f"equal in {precision}" if precision else "not shown to be equal in float64 or float32"


def missing_words(reasons: Mapping[str, Sequence[str]]) -> str:
    """`usage_missing` of a table's row: each reason with the quantities that are missing for it."""
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())


MISSING = re.compile(r"(?:^|; )(?P<names>\w+(?:, \w+)*): (?P<reason>.*?)(?=; \w+(?:, \w+)*: |$)", re.DOTALL)


def missing_reasons(missing: str) -> dict[str, list[str]]:
    """The quantities by reason of `usage_missing`. A reason may have a semicolon, but not before a word and a colon."""
    return {found["reason"]: found["names"].split(", ") for found in MISSING.finditer(missing)}


def status(status: str, reason: str) -> str:
    """A status with its reason, if it has one: "out of memory: needs 31 GiB"."""
    return ": ".join(filter(None, (in_words(status), reason)))


def verdict(judged: Judgement) -> str:
    """A timing verdict with its mark: "▼ slower", "≈ within 6 %"."""
    return f"{VERDICT_MARKS[judged.verdict]} {judged}"


def verdict_kind(verdict: TimingVerdict) -> str:
    """A kind of timing verdict with its mark: "▼ slower", "≈ within N %"."""
    return f"{VERDICT_MARKS[verdict]} {verdict}{' N %' if verdict is TimingVerdict.WITHIN else ''}"


def control(control: Control) -> str:
    """What the controls of a campaign show; "" without any."""
    if not control.pairs:
        return ""
    return (
        f"the same code differed from itself by up to {control.largest:.1%}, "
        f"{control.median:.1%} in the middle of {control.pairs} controls"
    )


def scope(machine_type: str, nodes: int, ratios: Mapping[int, int]) -> str:
    """Which machines the verdicts are of: "measured on 4 nodes of type T; verdicts are of 4 machines of this type".

    `ratios`: how many ratios are from how many nodes.
    """
    of = f" of type {machine_type}" if machine_type else ""
    measured = f"measured on {nodes} node{'s' if nodes > 1 else ''}{of}"
    many = [number for number in ratios if number >= FEWEST_NODES]
    of_type = f"{many[0]}{f' to {many[-1]}' if len(many) > 1 else ''} machines of this type" if many else ""
    found = {of_type: sum(ratios[number] for number in many), "two machines": ratios.get(2, 0)}
    found = {what: count for what, count in {**found, "one machine": ratios.get(1, 0)}.items() if count}
    if not found:
        return measured
    if len(found) > 1:
        return f"{measured}; verdicts are of {', '.join(f'{what} ({count})' for what, count in found.items())}"
    (only,) = found
    these = {"two machines": "these two machines", "one machine": "this machine"} if nodes < FEWEST_NODES else {}
    return f"{measured}; verdicts are of {these.get(only, only)}"


def effect_size(contrast: ContrastResult) -> str:
    """Whether half of the paper's effect is there, with a bound: "less than half of the paper's effect: at most 0.3 %".

    "" where the paper gives no figure or the interval leaves it open.
    """
    if contrast.size is None or contrast.size_verdict in (None, SizeVerdict.OPEN):
        return ""
    if contrast.size_verdict is SizeVerdict.AT_LEAST_HALF:
        return f"{contrast.size_verdict} effect"
    if contrast.size_bound is None:
        return f"{contrast.size_verdict} effect"
    if contrast.size_bound == (1.0 if contrast.unit == "ratio" else 0.0):
        return "no effect in the paper's direction"
    if contrast.unit == "ratio":
        end = "most" if contrast.size > 1 else "least"
        return f"{contrast.size_verdict} effect: a factor of {contrast.size_bound:.3g} at {end}"
    return f"{contrast.size_verdict} effect: at most {abs(contrast.size_bound):.2g} {contrast.unit}"


def claim_verdict(verdict: Verdict) -> str:
    """A claim's verdict with its mark: "✓ supported"."""
    return f"{CLAIM_MARKS[verdict]} {verdict}"


def agreement(found: Agreement) -> str:
    """The number of steps for which the losses of the frameworks agree, as a sentence."""
    share = f"{100 * found.tolerance:g} %"
    which = "all" if found.together >= found.steps else f"the first {found.together:,} of"
    return f"The losses are within {share} of each other for {which} {found.steps:,} steps."


def stop_reason(stop: str, budget: object = None) -> str:
    """Why a campaign stopped: "the time budget of 60 s was spent"; the stored word if it is not in STOP_REASONS."""
    return STOP_REASONS.get(stop, stop).replace("{of}", "" if budget is None else f" of {budget} s")


def share_of_cases(count: int, total: int) -> str:
    """The subject and verb of a headline: "2 of 10 cases are", "None of 10 cases is"."""
    return f"{count or 'None'} of {total} cases {'are' if count > 1 else 'is'}"


def campaign_title(system: System, name: str) -> str:
    """What was compared, where and when: "PyTorch and JAX on Some CPU, 2 cores, 22 Nov 2026"; `name` if unknown."""
    compared = list(dict.fromkeys(one.title for one in system.contestants.values() if one.title))
    if not compared:
        return name
    *first, last = compared
    machine = system.machine
    where = [
        *([f"on {machine.cpu}"] if machine.cpu else []),
        *([f"{machine.cores} core{'s' if machine.cores > 1 else ''}"] if machine.cores else []),
        *([f"{len(system.nodes)} nodes"] if len(system.nodes) > 1 else []),
        *filter(None, [_day(system.started)]),
    ]
    return f"{', '.join(first)}{' and ' if first else ''}{last} {', '.join(where)}".strip()


def _day(moment: str | None) -> str:
    """ "22 Nov 2026" of an ISO 8601 time; "" for any other text."""
    try:
        day = datetime.fromisoformat(moment or "")
    except ValueError:
        return ""
    return f"{day.day} {calendar.month_abbr[day.month]} {day.year}"
