"""Every claim of a reproduction, with the comparisons that it is judged by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from results.schema.columns import Column
from results.schema.findings import SizeVerdict, Verdict
from results.store.reproductions import Reproduction
from results.tables import REPRODUCTIONS, Table
from results.tables._rows import blank, frame

COLUMNS = (
    Column("reproduction", "", "folder of the reproduction"),
    Column("claim", "", "id of the claim"),
    Column("paper", "", "title of its paper"),
    Column("kind", "", "structural, training or speed"),
    Column("claim_verdict", "", f"verdict of the whole claim: {', '.join(Verdict)}"),
    Column("statement", "", "what was compared; missing for a claim without a comparison of trials"),
    Column("unit", "", "unit of value, low and high"),
    Column("value", "as unit says", "mean over seeds"),
    Column("low", "as unit says", "lower end of its interval over seeds"),
    Column("high", "as unit says", "upper end of its interval over seeds"),
    Column("confidence", "", "level of the interval, as a share"),
    Column("pairs", "", "number of seeds that both arms have"),
    Column("verdict", "", "verdict of this comparison"),
    Column("size", "as unit says", "the effect that the paper reports; missing if it gives no figure"),
    Column("size_verdict", "", f"whether half of that is there: {', '.join(SizeVerdict)}"),
    Column("seeds", "", "smallest number of seeds in a comparison of the claim"),
    Column("scale", "", "scale of the trials (network, images, passes)"),
    Column("evidence", "", "summary of the evidence in one line"),
)


def claims(reproductions: Iterable[Reproduction]) -> pd.DataFrame:
    """One row for each comparison of a claim, or for a claim without any."""
    rows = []
    for one in reproductions:
        for claim in one.findings.claims:
            shared = {"reproduction": one.name, "claim": claim.id, "claim_verdict": str(claim.verdict)}
            shared |= {name: getattr(claim, name) for name in ("paper", "kind", "scale", "seeds", "evidence")}
            rows += [{**shared, **_contrast(contrast)} for contrast in claim.contrasts] or [
                {**blank(COLUMNS), **shared}
            ]
    return frame(rows, COLUMNS)


def _contrast(contrast: Any) -> dict[str, Any]:
    names = "statement", "unit", "value", "low", "high", "confidence", "pairs", "size"
    size_verdict = "" if contrast.size_verdict is None else str(contrast.size_verdict)
    verdicts = {"verdict": str(contrast.verdict), "size_verdict": size_verdict}
    return {**{name: getattr(contrast, name) for name in names}, **verdicts}


TABLE = Table(COLUMNS, claims, REPRODUCTIONS)
