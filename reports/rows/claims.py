"""Claims as table rows: the paper's value, this project's value, the verdict with a mark, and the evidence."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.figures import forest
from reports.figures.training import curves
from reports.format import numbers
from results import words
from results.schema.findings import ClaimResult, ContrastResult, Verdict
from results.schema.trial import Outcome, Trial
from results.store.reproductions import Reproduction

KINDS = {verdict: verdict.name.lower().replace("_", "-") for verdict in Verdict}
"""Classes of the style sheet."""

ERRATUM = re.compile(r"-E\d+$")
PLAIN_ID = re.compile(r"[A-Z]+-E?\d+")


@dataclass(frozen=True)
class ContrastRow:
    """One formatted comparison; `shown` is None if there is no value; `size`: whether half of the paper's effect is."""

    statement: str
    shown: numbers.FormattedEstimate | None
    unit: str
    over: str
    claimed: str
    paper: str
    kind: str
    word: str
    remedy: str
    size: str


@dataclass(frozen=True)
class ClaimRow:
    """The page's content for a claim; `anchor`: its place, `lost`: its trials that did not finish, with the reason."""

    claim: ClaimResult
    anchor: str
    erratum: bool
    kind: str
    word: str
    contrasts: Sequence[ContrastRow]
    curves: Markup
    forest: Markup
    lost: Sequence[tuple[str, str]]
    absent: int


@dataclass(frozen=True)
class PaperRows:
    """A paper's claims; `counts`: (kind, number of rows) of each verdict."""

    name: str
    anchor: str
    rows: Sequence[ClaimRow]
    counts: Sequence[tuple[str, Sequence[ClaimRow]]]


def papers(reproduction: Reproduction) -> list[PaperRows]:
    """Every paper with its claims, in the order of the findings."""
    anchors = anchors_of(reproduction.findings.claims)
    by_paper: dict[str, list[ClaimRow]] = {}
    for number, (claim, anchor) in enumerate(zip(reproduction.findings.claims, anchors, strict=True), 1):
        by_paper.setdefault(claim.paper, []).append(_row(claim, anchor, reproduction.trials, f"claim{number}"))
    return [
        PaperRows(name, f"paper{number}", rows, [(KINDS[one], _of(rows, one)) for one in Verdict])
        for number, (name, rows) in enumerate(by_paper.items(), 1)
    ]


def anchors_of(claims: Sequence[ClaimResult]) -> list[str]:
    """The anchor of each claim: its id, if that is valid in a link and unique."""
    taken: set[str] = set()
    found = []
    for number, claim in enumerate(claims, 1):
        own = PLAIN_ID.fullmatch(claim.id) and claim.id not in taken
        found.append(claim.id if own else f"claim-{number}")
        taken.add(found[-1])
    return found


def _of(rows: Sequence[ClaimRow], verdict: Verdict) -> list[ClaimRow]:
    return [row for row in rows if row.claim.verdict is verdict]


def _row(claim: ClaimResult, anchor: str, trials: Mapping[str, Trial], key: str) -> ClaimRow:
    return ClaimRow(
        claim=claim,
        anchor=anchor,
        erratum=bool(ERRATUM.search(claim.id)),
        kind=KINDS[claim.verdict],
        word=words.claim_verdict(claim.verdict),
        contrasts=[_contrast(one) for one in claim.contrasts],
        curves=curves.learning(claim, trials, f"{key}-curves"),
        forest=forest.forest(claim, f"{key}-forest"),
        lost=_lost(claim, trials),
        absent=len({name for ids in claim.arms.values() for name in ids if name not in trials}),
    )


def _contrast(one: ContrastResult) -> ContrastRow:
    value, low, high = (math.nan if end is None else end for end in (one.value, one.low, one.high))
    seeds = f"{one.pairs} seed{'' if one.pairs == 1 else 's'}"
    return ContrastRow(
        statement=one.statement,
        shown=numbers.estimate(value, low, high),
        unit=one.unit,
        over=seeds if math.isnan(high - low) else f"{100 * one.confidence:g} % interval over {seeds}",
        claimed=_region(*one.claimed),
        paper=one.paper,
        kind=KINDS[one.verdict],
        word=words.claim_verdict(one.verdict),
        remedy=one.remedy,
        size=words.effect_size(one),
    )


def _region(low: float | None, high: float | None) -> str:
    """The claimed values, in words."""
    match low, high:
        case None, None:
            return ""
        case None, float() | int():
            return f"below {high:g}"
        case float() | int(), None:
            return f"above {low:g}"
        case _:
            return f"{low:g} to {high:g}"


def _lost(claim: ClaimResult, trials: Mapping[str, Trial]) -> list[tuple[str, str]]:
    """(arm and seed, outcome) of each trial that did not finish."""
    return [
        (f"{arm}, seed {trial.seed}", ended(trial))
        for arm, ids in claim.arms.items()
        for trial in (trials[name] for name in ids if name in trials)
        if trial.outcome is not Outcome.FINISHED
    ]


def ended(trial: Trial) -> str:
    """A trial's outcome and the reason."""
    return words.status(trial.outcome, trial.reason)
