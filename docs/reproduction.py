"""The generated blocks of docs/reproduction.md: claims from repro.papers, findings from the committed reproduction."""

from __future__ import annotations

from pathlib import Path

from tabulate import tabulate

from reports.figures.training import curves
from repro.claims import error_rates as simulated
from repro.claims.claim import claims, papers
from repro.terminal.verdicts import accuracy, agreed
from results import words
from results.schema.findings import ClaimResult, ContrastResult, Verdict
from results.store import reproductions
from results.store.reproductions import Reproduction

SPREAD, WIDE = 0.8, 100.0
"""Of a seed's difference in the simulations, in effects of the paper."""
DATA = Path(__file__).parent.parent / "results" / "data"
REFERENCE = DATA / "reference-reproduction"
NEAREST = (DATA / "reference-reproduction-own-data", DATA / "reference-reproduction-cifar10", REFERENCE)
"""The reference runs: on the papers' own data or photographs of ImageNet, on CIFAR-10, and on Fashion-MNIST."""
TEN = ("LN-5", "LN-6", "AX-1", "NIN-6", "VGG-3", "VGG-5", "AX-11", "NIN-9", "SPP-1", "SPP-4")
"""Claims that the first page shows: of each paper, by training and by arithmetic."""
PICTURES = Path(__file__).parent / "claims"
HEADINGS = {
    Verdict.SUPPORTED: "Held",
    Verdict.CONTRADICTED: "Fell",
    Verdict.NOT_AT_THIS_SCALE: "Not at this scale",
    Verdict.INCONCLUSIVE: "Open",
}


def _reference() -> Reproduction:
    return reproductions.read(REFERENCE)


def _references() -> list[Reproduction]:
    """The reference runs, the one on the data closest to the papers' first."""
    return [reproductions.read(folder) for folder in NEAREST if folder.is_dir()]


def _found() -> dict[str, tuple[Reproduction, ClaimResult]]:
    """The result of each claim on the data closest to the paper's that decides it; if none does, on the closest."""
    results = [(kept, claim) for kept in _references() for claim in kept.findings.claims]
    results.sort(key=lambda one: (_is_untested(*one), one[1].verdict is Verdict.INCONCLUSIVE))  # stable: closest first
    found: dict[str, tuple[Reproduction, ClaimResult]] = {}
    for kept, claim in results:
        found.setdefault(claim.id, (kept, claim))
    return found


def _shown() -> dict[str, list[tuple[Reproduction, ClaimResult]]]:
    """By claim: its result, after those on data closer to the paper's, which do not decide it."""
    runs, shown = _references(), {}
    for id, (kept, claim) in _found().items():
        closer = runs[: [run.name for run in runs].index(kept.name)]
        open_ones = [(run, one) for run in closer for one in run.findings.claims if one.id == id]
        shown[id] = [*(one for one in open_ones if not _is_untested(*one)), (kept, claim)]
    return shown


def _is_untested(kept: Reproduction, claim: ClaimResult) -> bool:
    """Whether nothing was trained for a claim that takes training, as a run that was cut short leaves it."""
    return claim.verdict is Verdict.NOT_TESTABLE or bool(claim.contrasts and not _data(kept, claim))


def _data(kept: Reproduction, claim: ClaimResult) -> str:
    """The data set that a claim was tested on; "" for one without trials."""
    trials = [kept.trials[id] for ids in claim.arms.values() for id in ids if id in kept.trials]
    return trials[0].data if trials else ""


def ten() -> str:
    """Ten claims in a line each, by what became of them."""
    found = _found()
    parts = []
    for verdict, heading in HEADINGS.items():
        lines = [_line(*found[id]) for id in TEN if id in found and found[id][1].verdict is verdict]
        if lines:
            parts.append(f"**{heading}**\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def pictures() -> dict[Path, str]:
    """The learning curves of those of the ten claims that are tested by training, as files."""
    drawn = {}
    for id in TEN:
        kept, claim = _found().get(id, (None, None))
        if kept and claim and (picture := str(curves.learning(claim, kept.trials, id))):
            drawn[PICTURES / f"{id}.svg"] = _standing_alone(picture)
    return drawn


def _standing_alone(picture: str) -> str:
    """A page's picture as a file: with its namespace, font and ink, on white."""
    where = (
        'xmlns="http://www.w3.org/2000/svg" color="#222" fill="currentColor" font-family="sans-serif" font-size="11px"'
    )
    start, tag, rest = picture.partition(">")
    return f'{start.replace("<svg", f"<svg {where}", 1)}{tag}<rect width="100%" height="100%" fill="#fff"/>{rest}\n'


def _line(kept: Reproduction, claim: ClaimResult) -> str:
    if not claim.contrasts:
        return f"- {claim.statement} ({claim.id}) Here: {claim.evidence}."
    results = "; ".join(
        f"{contrast.statement} {_interval(contrast)} ({_paper(contrast)})" for contrast in claim.contrasts
    )
    picture = f"\n\n  ![Learning curves of {claim.id}](claims/{claim.id}.svg)"
    return f"- {claim.statement} ({claim.id}) On {_images(kept, claim)}, {claim.seeds} seeds: {results}.{picture}"


def _images(kept: Reproduction, claim: ClaimResult) -> str:
    """The data set of a claim's trials, and how many of its images all of them are trained on, if not on all."""
    trials = [kept.trials[id] for ids in claim.arms.values() for id in ids if id in kept.trials]
    found = {trial.settings.get("images", "") for trial in trials}
    number = found.pop() if len(found) == 1 else ""
    some, _, all_of_them = number.partition(" of ")
    return f"{number} images of {_data(kept, claim)}" if some != all_of_them else _data(kept, claim)


def _paper(contrast: ContrastResult) -> str:
    """The paper's figure, and whether an effect of that order is there, where that is known."""
    size = words.effect_size(contrast)
    return f"paper {contrast.paper}{f'; {size}' if size else ''}"


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
    """Results of the training claims in the reference runs, also those on closer data that decide nothing."""
    shown = [one for own in _shown().values() for one in own]
    rows = [
        (
            claim.id,
            str(claim.verdict),
            _data(kept, claim),
            contrast.statement,
            _interval(contrast),
            contrast.paper,
            words.effect_size(contrast),
            str(contrast.pairs),
        )
        for kept, claim in sorted(shown, key=lambda one: _order(one[1]))
        for contrast in claim.contrasts
    ]
    headers = ["claim", "verdict", "data", "comparison", "result and interval", "the paper's figure", "size", "seeds"]
    return _table(rows, headers)


def _order(claim: ClaimResult) -> int:
    return list(claims()).index(claim.id)


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
    rows = []
    for kept, one in [(run, one) for run in _references() for one in run.findings.trained]:
        for name, id in one.trials.items():
            found = accuracy(kept.trials.get(id))
            cell = "not trained" if found is None else f"{100 * found:.2f} %"
            seconds = f"{kept.trials[id].seconds:.0f}" if id in kept.trials else "–"
            rows.append((f"`{one.name}`", name, cell, f"{100 * one.aim:g} %", one.scale, seconds))
    return _table(rows, ["network", "framework", "test accuracy", "target", "trained on", "seconds"])


def run() -> str:
    """Where and when the reference runs were begun, and how much was trained."""
    lines = []
    for kept in _references():
        machine = kept.system.machine
        seconds = sum(trial.seconds for trial in kept.trials.values())
        lines.append(
            f"- `{kept.name}`: {len(kept.trials)} trials, {seconds / 3600:.1f} hours of single-core training, "
            f"{'begun ' if kept.system.resumed_by else ''}on {machine.cpu}, {machine.threads} cores, "
            f"{(kept.system.started or '')[:10]}{', and resumed later' if kept.system.resumed_by else ''}"
        )
    return "\n".join(lines) + "\n"


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
    return f"The default run's trials took {cheap_minutes():.0f} minutes on all cores of the reference machine.\n"


def counts() -> str:
    """The number of claims of each paper by verdict."""
    found = [claim for _, claim in _found().values()]
    rows = [
        (title, *(str(sum(one.paper == title and one.verdict is verdict for one in found)) for verdict in Verdict))
        for title in dict.fromkeys(one.paper for one in found)
    ]
    return _table(rows, ["paper", *map(str, Verdict)])


def error_rates() -> str:
    """How often verdicts are wrong, and how often the paper's effect is found, by simulation."""
    rows = []
    for rule, (looks, confidence) in simulated.RULES.items():
        for name, draw in simulated.DRAWS.items():
            none, half, whole = (
                simulated.error_rates(draw, effect, spread, looks, confidence)
                for effect, spread in ((0.0, WIDE), (-0.5, SPREAD), (-1.0, SPREAD))
            )
            wrong = none.verdicts[Verdict.SUPPORTED] + none.verdicts[Verdict.CONTRADICTED]
            found = whole.verdicts[Verdict.SUPPORTED]
            shares = [f"{100 * share:.1f} %" for share in (wrong, half.less_than_half, found)]
            rows.append((rule, name, *shares, f"{whole.seeds:.1f}"))
    headers = ["rule", "differences", "no effect: wrong", "half: called less", "whole: supported", "whole: seeds"]
    return _table(rows, headers)


BLOCKS = {
    "claim-error-rates": error_rates,
    "claim-ten": ten,
    "claim-counts": counts,
    "claim-effort": effort,
    "claims": tested,
    "claim-verdicts": verdicts,
    "claim-structural": structural,
    "claim-agreement": agreement,
    "claim-trained": trained,
    "claim-run": run,
}
