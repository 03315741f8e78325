"""Verdicts, statuses and missing values in words."""

from __future__ import annotations

from collections.abc import Iterable

from reports.format.networks import Network
from results.schema.record import Status
from results.stats.estimates import TimingVerdict

MILLISECONDS = 1000.0


MARKS = {TimingVerdict.FASTER: "▲", TimingVerdict.SLOWER: "▼", TimingVerdict.DEAD_HEAT: "=", TimingVerdict.UNCLEAR: "?"}
"""A sign before the word, so that no verdict rests on colour alone."""


def kind(word: str) -> str:
    """A verdict's or a status's class in the style sheet."""
    return word.replace(" ", "-").replace("_", "-")


def status_word(status: str) -> str:
    """A status as a word on the page."""
    return status.replace("_", " ")


NEEDS = {
    "infer": ("infer",),
    "forward": ("forward",),
    "backward": ("gradient", "forward"),
    "update": ("train", "gradient"),
}
"""The parts of a step and the phases that each is computed from."""


def missing(network: Network, contestant: str, phases: Iterable[str]) -> str:
    """Why there is no number of a contestant that would need these phases."""
    for phase in phases:
        row = network.rows.get((phase, contestant))
        if row is None:
            return f"not measured: no record of {phase}"
        if row["status"] != Status.MEASURED:
            return f"not measured: {status_word(row['status'])}"
    return "not measured"
