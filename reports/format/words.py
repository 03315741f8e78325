"""Classes of the style sheet, and missing values in words; other words: results.words."""

from __future__ import annotations

from collections.abc import Iterable

from reports.format.networks import Network
from results.schema.record import Status
from results.words import in_words


def kind(word: str) -> str:
    """A verdict's or a status's class in the style sheet."""
    return word.replace(" ", "-").replace("_", "-")


NEEDS = {
    "infer": ("infer",),
    "forward": ("forward",),
    "backward": ("gradient", "forward"),
    "update": ("train", "gradient"),
}
"""The components of a step, and the phases from which each is computed."""


def missing(network: Network, contestant: str, phases: Iterable[str]) -> str:
    """Why a contestant has no value that is computed from these phases."""
    for phase in phases:
        row = network.rows.get((phase, contestant))
        if row is None:
            return f"not measured: no record of {phase}"
        if row["status"] != Status.MEASURED:
            return f"not measured: {in_words(row['status'])}"
    return "not measured"
