"""The verdict matrix: a row per workload, a column per contestant; cells hold the verdict or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.format import numbers
from reports.format.networks import Network, Row, text
from reports.format.numbers import MILLISECONDS
from reports.format.words import kind
from results import words
from results.schema.record import Status
from results.stats.verdicts import Judgement, TimingVerdict
from results.tables.cases import judgement
from results.words import in_words


@dataclass(frozen=True)
class Cell:
    """`kind`: class in the style sheet; `value`: exact number of `text`; `why`: explanation, if there is one."""

    kind: str
    word: str
    text: str = ""
    interval: str = ""
    value: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Line:
    """One workload of a network."""

    phase: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Block:
    """The workloads of one network."""

    network: Network
    lines: Sequence[Line]


def matrix(networks: Sequence[Network], contestants: Sequence[str]) -> list[Block]:
    """Every workload with a cell for every contestant of the campaign."""
    return [
        Block(
            network,
            [
                Line(phase, [_cell(network, phase, contestant) for contestant in contestants])
                for phase in network.phases
            ],
        )
        for network in networks
    ]


def _cell(network: Network, phase: str, contestant: str) -> Cell:
    row = network.rows.get((phase, contestant))
    if row is None:
        return Cell("absent", "no record", why=f"the campaign has no record of {contestant} on this workload")
    if row["status"] != Status.MEASURED:
        return Cell("status", in_words(row["status"]), why=text(row["reason"]))
    time = numbers.estimate(row["seconds"], row["seconds_low"], row["seconds_high"], MILLISECONDS)
    if contestant == row["reference"]:
        return _shown("reference", "reference", time, " ms")
    ratio = numbers.estimate(row["ratio"], row["ratio_low"], row["ratio_high"])
    judged = judgement(row)
    if ratio is None or judged is None:
        return _shown("alone", "no ratio", time, " ms", _no_ratio(network.rows, phase, row["reference"]))
    return _shown(kind(judged.verdict), words.verdict(judged), ratio, why=_why(row, judged))


def _shown(kind: str, word: str, shown: numbers.FormattedEstimate | None, unit: str = "", why: str = "") -> Cell:
    if shown is None:
        return Cell(kind, word, why=why)
    return Cell(kind, word, f"{shown.text}{unit}", shown.interval, shown.value, why)


def _why(row: Row, judged: Judgement) -> str:
    if judged.verdict is TimingVerdict.UNCLEAR and row["pairs"] < 2:
        return "one launch has no interval: no verdict is possible"
    return ""


def _no_ratio(rows: Mapping[tuple[str, str], Row], phase: str, reference: str) -> str:
    row = rows.get((phase, reference))
    if row is None:
        return f"the reference {reference} has no record of this workload"
    if row["status"] != Status.MEASURED:
        return f"the reference {reference} was not measured here: {words.status(row['status'], text(row['reason']))}"
    return f"no launch ran in the same block as a launch of the reference {reference}"
