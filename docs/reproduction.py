"""The generated blocks of docs/reproduction.md: claims from repro.papers, findings from the committed reproduction."""

from __future__ import annotations

from pathlib import Path

from tabulate import tabulate

from repro.claims.claim import claims, papers
from repro.terminal.verdicts import accuracy, agreed
from results.schema.findings import ContrastResult, Verdict
from results.store import reproductions
from results.store.reproductions import Reproduction

REFERENCE = Path(__file__).parent.parent / "results" / "data" / "reference-reproduction"


def _reference() -> Reproduction:
    return reproductions.read(REFERENCE)


def _table(rows: list[tuple[str, ...]], headers: list[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True) + "\n"


def tested() -> str:
    """Every claim and how it is tested, paper by paper."""
    parts = []
    for paper in papers().values():
        rows = [(one.id, one.kind.value, one.statement, one.number, one.method) for one in paper.claims]
        body = _table(rows, ["claim", "kind", "statement", "the paper's figure", "how it is tested"])
        parts.append(f"### {paper.title}\n\n{paper.source}\n\n{body}")
    return "\n".join(parts)


def verdicts() -> str:
    """Results of the training claims in the reference run."""
    found = [one for one in _reference().findings.claims if one.contrasts]
    rows = [
        (one.id, str(one.verdict), contrast.statement, _interval(contrast), contrast.paper, str(contrast.pairs))
        for one in found
        for contrast in one.contrasts
    ]
    headers = ["claim", "verdict", "comparison", "result, 95 % interval", "the paper's figure", "seeds"]
    return _table(rows, headers)


def _interval(one: ContrastResult) -> str:
    if one.value is None:
        return "no comparison"
    unit = "" if one.unit == "ratio" else f" {one.unit}"
    ends = "" if one.low is None or one.high is None else f" [{one.low:.3g}, {one.high:.3g}]"
    return f"{one.value:.3g}{ends}{unit}"


def structural() -> str:
    """Results of the claims that need no training."""
    kinds = {one.id: one.kind for one in claims().values() if one.check}
    found = [one for one in _reference().findings.claims if one.id in kinds]
    return _table([(one.id, str(one.verdict), one.evidence) for one in found], ["claim", "verdict", "result"])


def agreement() -> str:
    found = _reference().findings.agreement
    return "not measured\n" if found is None else f"{agreed(found).strip()}\n"


def trained() -> str:
    """The accuracy that each recipe reached, in each framework."""
    kept = _reference()
    rows = []
    for one in kept.findings.trained:
        for name, id in one.trials.items():
            found = accuracy(kept.trials.get(id))
            cell = "not trained" if found is None else f"{100 * found:.2f} %"
            seconds = f"{kept.trials[id].seconds:.0f}" if id in kept.trials else "–"
            rows.append((f"`{one.name}`", name, cell, f"{100 * one.aim:.0f} %", one.scale, seconds))
    return _table(rows, ["network", "framework", "test accuracy", "target", "trained on", "seconds"])


def run() -> str:
    """Where and when the reference run was made, and how much it trained."""
    kept = _reference()
    machine = kept.system.machine
    seconds = sum(trial.seconds for trial in kept.trials.values())
    return (
        f"{len(kept.trials)} trials, {seconds / 3600:.1f} hours of single-core training, on {machine.cpu}, "
        f"{machine.threads} cores, {(kept.system.started or '')[:10]}.\n"
    )


def cheap_minutes() -> float:
    """Minutes that the trials of `tox -e reproduce` took on all cores of the reference run's machine together."""
    kept = _reference()
    cheap = {one.id for one in claims().values() if any(experiment.cheap for experiment in one.experiments)}
    tested = [one for one in kept.findings.claims if one.id in cheap]
    ids = {id for one in tested for own in one.arms.values() for id in own}
    return sum(kept.trials[id].seconds for id in ids) / 60 / (kept.system.machine.threads or 1)


def machine() -> str:
    """The processor of the reference run's machine, and its number of cores."""
    found = _reference().system.machine
    return f"{found.cpu}, {found.threads} cores"


def effort() -> str:
    return f"In the reference run these trials took {cheap_minutes():.0f} minutes on all cores of the machine.\n"


def counts() -> str:
    """The number of claims of each paper by verdict."""
    found = _reference().findings.claims
    rows = [
        (title, *(str(sum(one.paper == title and one.verdict is verdict for one in found)) for verdict in Verdict))
        for title in dict.fromkeys(one.paper for one in found)
    ]
    return _table(rows, ["paper", *map(str, Verdict)])


BLOCKS = {
    "claim-counts": counts,
    "claim-effort": effort,
    "claims": tested,
    "claim-verdicts": verdicts,
    "claim-structural": structural,
    "claim-agreement": agreement,
    "claim-trained": trained,
    "claim-run": run,
}
