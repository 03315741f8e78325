"""The answer of a campaign: which contestants are fastest, how sure that is, and a line for each workload."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reports.format import numbers
from reports.format.networks import Network, Row, text
from reports.format.words import kind
from results import strict_json, words
from results.compare.ranking import TITLES, Ranking, WorkloadRanking, unbeaten_words
from results.quality.comparability import other_precision
from results.schema.record import Status
from results.schema.system import RemainderFacts
from results.stats.verdicts import DECIDED_PERCENT, Judgement, TimingVerdict
from results.tables.cases import judgement
from results.tables.layers import is_alone
from results.units import step_time
from results.words import in_words

COLUMNS = (
    "architecture", "size", "batch", "precision", "device", "phase", "contestant", "launches", "seconds",
    "seconds_low", "seconds_high", "reference", "ratio", "ratio_low", "ratio_high", "verdict", "within_percent",
    "quality_flags",
)  # fmt: skip
"""What is copied as data: columns of the table of cases."""


DISAGREES = "the times have another order than the ratio, which is of rounds next to each other in time"
APART = ", as they could not run together: ratios are within a group"
MOST_NETWORKS = 12
"""More do not fit a first screen; the matrix of verdicts has all."""


class State(StrEnum):
    """How many of the verdicts are decided."""

    NONE = "none"
    SOME = "some"
    ALL = "all"


@dataclass(frozen=True)
class Sentence:
    """What is known about a phase: the headline, and the overall ratios ("" if there are none)."""

    title: str
    headline: str
    overall: str


@dataclass(frozen=True)
class Cell:
    """A contestant on a workload: time of a step, and its ratio to the reference with a mark; `kind`: style class.

    `value`: the ratio, unrounded. `flags`: quality flags in words, "" for none.
    `computed`: the precision that it was computed in where another one was requested, "" elsewhere.
    """

    kind: str
    time: str = ""
    ratio: str = ""
    value: float | None = None
    interval: str = ""
    word: str = ""
    flags: str = ""
    computed: str = ""


@dataclass(frozen=True)
class Line:
    """A workload: its network and conditions, a cell for each contestant, and the contestants that are unbeaten.

    `parity`: which contestants passed the parity check only in an examination of their own; "" for none.
    """

    network: str
    anchor: str
    conditions: str
    cells: Sequence[Cell]
    best: str
    parity: str


@dataclass(frozen=True)
class Group:
    """The workloads of a phase."""

    phase: str
    title: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class Answer:
    """The first screen of a page. `sure`: sentence on the verdicts; `why`: why there is none, "" if there is one;
    `more`: what further time would decide.

    `command` goes on where the campaign stopped; "" where nothing is left to decide. `common`: precision and device of
    all workloads, "" if they differ. `rows`: their cases as data, the names of the columns first. `left_out`: number of
    further networks. `scope`: which machines the verdicts are of, "" for one.
    """

    state: State
    sentences: Sequence[Sentence]
    sure: str
    why: str
    more: str
    command: str
    reference: str
    contestants: Sequence[str]
    groups: Sequence[Group]
    common: str
    rows: Sequence[Sequence[Any]]
    left_out: int
    scope: str


def answer(
    resume: Callable[[int], str],
    networks: Mapping[str, Network],
    contestants: Sequence[str],
    rankings: Sequence[Ranking],
    remainder: RemainderFacts | None,
    reference: str,
    parity: Mapping[str, str],
    believable: bool,
    scope: str = "",
) -> Answer:
    """The answer of a campaign; `networks` and notes on their `parity` by the anchors of their figures.

    `resume`: the command that goes on, from the minutes of its budget (0: the suite's own). Isolated layers are
    counted, not listed. `believable`: whether the controls allow for verdicts. `scope`: which
    machines these are of, "" for one.
    """
    ranked = {workload.workload: workload for found in rankings for workload in found.workloads}
    whole = {anchor: network for anchor, network in networks.items() if not is_alone(network.architecture)}
    shown = dict(list(whole.items())[:MOST_NETWORKS])
    groups = [
        Group(phase, title, list(_lines(shown, phase, contestants, ranked, parity))) for phase, title in TITLES.items()
    ]
    state, sure = _certainty(networks.values())
    undecided = sum(not one.is_decided for one in _judged(networks.values()))
    minutes = max(math.ceil(remainder.seconds / 60), 1) if remainder and remainder.seconds else 0
    return Answer(
        state=state,
        sentences=[Sentence(TITLES[found.phase], found.headline(), found.overall_sentence()) for found in rankings],
        sure=sure,
        why=_why(networks.values(), believable) if state is State.NONE else "",
        more=_more(remainder, minutes, undecided) if state is not State.ALL else "",
        command=resume(minutes) if state is not State.ALL else "",
        reference=reference,
        contestants=contestants,
        groups=[group for group in groups if group.lines],
        common=_common(shown.values()),
        rows=[COLUMNS, *_data(shown.values())],
        left_out=len(whole) - len(shown),
        scope=scope,
    )


def _data(networks: Iterable[Network]) -> Iterator[list[Any]]:
    """The measured cases of the ranked phases, with six digits; None for missing values."""
    for network in networks:
        for row in network.rows.values():
            if row["status"] == Status.MEASURED and row["phase"] in TITLES:
                yield [_short(strict_json.plain(row[name])) for name in COLUMNS]


def _short(value: Any) -> Any:
    """A number with as many digits as a measurement has."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _common(networks: Iterable[Network]) -> str:
    """ "float32, cpu" where that holds for all networks."""
    found = {(network.precision, network.device) for network in networks}
    return ", ".join(found.pop()) if len(found) == 1 else ""


def _lines(
    networks: Mapping[str, Network],
    phase: str,
    contestants: Sequence[str],
    ranked: Mapping[str, WorkloadRanking],
    parity: Mapping[str, str],
) -> Iterator[Line]:
    is_common = bool(_common(networks.values()))
    for anchor, network in networks.items():
        rows = {one: network.rows[phase, one] for one in contestants if (phase, one) in network.rows}
        if not rows:
            continue
        found = ranked.get(next(iter(rows.values()))["group"])
        yield Line(
            network.architecture,
            anchor,
            _conditions(network, is_common),
            [_cell(rows.get(one), rows) for one in contestants],
            unbeaten_words(found),
            parity.get(anchor, ""),
        )


def _conditions(network: Network, is_common: bool) -> str:
    """ "227 px, batch 2", and precision and device where they are not common to all workloads."""
    own = [] if is_common else [network.precision, network.device]
    own += [words.on(network.device, network.devices)] if network.devices > 1 else []
    batch = f"{network.batch} images" if network.size.startswith("stream ") else f"batch {network.batch}"
    return ", ".join([network.size, batch, *own])


def _cell(row: Row | None, rows: Mapping[str, Row]) -> Cell:
    """`rows`: of all contestants of the workload."""
    if row is None:
        return Cell("absent", word="no record")
    if row["status"] != Status.MEASURED:
        return Cell("status", word=in_words(row["status"]))
    time, flags, other = _time(row["seconds"]), in_words(text(row["quality_flags"])), other_precision(row)
    if _disagrees(row, rows.get(row["reference"])):
        flags = "; ".join(filter(None, (flags, DISAGREES)))
    if row["subsets"] > 1:
        flags = "; ".join(filter(None, (flags, f"contestants measured in {row['subsets']:.0f} groups{APART}")))
    if row["contestant"] == row["reference"]:
        return Cell("reference", time, word="reference", flags=flags, computed=other)
    judged, shown = judgement(row), numbers.estimate(row["ratio"], row["ratio_low"], row["ratio_high"])
    if judged is None or shown is None:
        return Cell("alone", time, word="no ratio", flags=flags, computed=other)
    mark = words.VERDICT_MARKS[judged.verdict]
    bound = "" if judged.percent is None else f" ({judged.percent} %)"
    ratio = f"{mark} {numbers.ratio(row['ratio'])}{bound}"
    return Cell(kind(judged.verdict), time, ratio, row["ratio"], shown.interval, str(judged), flags, other)


def _time(seconds: float) -> str:
    """The time of a step with three digits, a 0 at the end among them, as the page's other numbers have."""
    value, unit = step_time(seconds).split()
    return f"{numbers.plain(float(value))} {unit}"


def _disagrees(row: Row, reference: Row | None) -> bool:
    """Whether a ratio shows a direction and the two times have the other order."""
    judged = judgement(row)
    if reference is None or judged is None or judged.verdict not in (TimingVerdict.FASTER, TimingVerdict.SLOWER):
        return False
    return bool((row["ratio"] < 1) != (row["seconds"] < reference["seconds"]))


def _judged(networks: Iterable[Network]) -> list[Judgement]:
    """What is known of each ratio of the networks."""
    rows = (row for network in networks for row in network.rows.values())
    return [one for one in map(judgement, rows) if one]


def _certainty(networks: Iterable[Network]) -> tuple[State, str]:
    """How many of the verdicts are decided, of all phases and networks of the page."""
    judged = _judged(networks)
    decided = sum(one.is_decided for one in judged)
    unclear = sum(one.verdict is TimingVerdict.UNCLEAR for one in judged)
    if not judged:
        return State.NONE, "No contestant was measured in the same blocks as another, so there is no verdict."
    if unclear == len(judged):
        return State.NONE, f"None of the {len(judged)} verdicts is known."
    bounded = len(judged) - decided - unclear
    rest = [f"{bounded} bounded by more than {DECIDED_PERCENT} %"] if bounded else []
    rest += [f"{unclear} unclear"] if unclear else []
    said = f"{decided} of {len(judged)} verdicts decided" + "".join(f"; {one}" for one in rest) + "."
    return (State.ALL if decided == len(judged) else State.SOME), said


def _why(networks: Iterable[Network], believable: bool) -> str:
    """Why no verdict is known."""
    ratios = [row for network in networks for row in network.rows.values() if not math.isnan(row["ratio"])]
    if not ratios:
        return ""
    if not believable:
        return "The same code differs too much from itself on this machine (controls): no difference can be believed."
    if all(math.isnan(row["ratio_low"]) for row in ratios):
        return "Ratios without an interval are single draws: do not choose by them."
    return "The intervals are too wide."


def _more(remainder: RemainderFacts | None, minutes: int, undecided: int) -> str:
    if remainder is None or not remainder.decidable or not minutes:
        return "More launches make the intervals narrower."
    others = ", also of networks without a launch" if remainder.decidable > undecided else ""
    return f"About {minutes} more minutes are expected to decide {remainder.decidable} more{others}."
