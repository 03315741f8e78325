"""The page of a reproduction: the papers' claims, their verdicts, and the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from reports.figures.training import agreement
from reports.format import system
from reports.pages import document
from reports.rows import claims, pictures, trials
from results import words
from results.schema.findings import Verdict
from results.schema.trial import Trial
from results.store.reproductions import Reproduction

PAGE = "reproduction.html"


def render(reproduction: Reproduction) -> str:
    """The page as one HTML text, the same for the same input."""
    findings = reproduction.findings
    papers = claims.papers(reproduction)
    galleries, left_out = pictures.galleries(reproduction)
    figure = Markup("")
    if findings.agreement:
        figure = agreement.agreement(findings.agreement, reproduction.trials, "agreement-figure")
    return document.document(
        "reproduction.html.j2",
        name=reproduction.name,
        facts=system.header(reproduction.system, None),
        warnings=system.warnings(reproduction.system, reproduction.name),
        problems=(*reproduction.problems, *left_out),
        counts=_counts(reproduction),
        verdicts={claims.KINDS[verdict]: words.claim_verdict(verdict) for verdict in Verdict},
        papers=papers,
        agreement=findings.agreement,
        agreement_sentence=words.agreement(findings.agreement) if findings.agreement else "",
        agreement_figure=figure,
        trained=trials.trained_rows(reproduction),
        galleries=galleries,
        trials=trials.trial_rows(reproduction, claims.anchors_of(findings.claims)),
        versions=_versions(reproduction.trials),
        system=system.system_details(reproduction.system, "reproduction"),
    )


def _counts(reproduction: Reproduction) -> Sequence[tuple[str, str, int]]:
    """(kind, word, number of claims) of each verdict."""
    found = [claim.verdict for claim in reproduction.findings.claims]
    return [(claims.KINDS[one], words.claim_verdict(one), found.count(one)) for one in Verdict]


def _versions(found: Mapping[str, Trial]) -> Sequence[tuple[str, str]]:
    """The versions that each framework's trials ran with; several lines if they changed."""
    lines = {
        (trial.framework, ", ".join(f"{name} {version}" for name, version in trial.versions.items())): None
        for trial in found.values()
        if trial.versions
    }
    return sorted(lines)
