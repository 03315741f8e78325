"""Export of tables in common file formats, and of cases in those of services (results.ci_formats)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import results
from results import ci_formats, strict_json
from results.store.journal import ResultsError

if TYPE_CHECKING:
    import pandas as pd


def export(campaign: str, to: str, rows: str, output: Path | None, data: Path) -> str | None:
    """The table as text, or None once it is written to `output`. Raises ResultsError."""
    if to in ci_formats.FORMATS and rows != "cases":
        raise ResultsError(f"--to {to} exports cases, not --rows {rows}; leave --rows out, or use csv, json or parquet")
    frame = results.load(campaign, rows, data)
    if to == "parquet" and output is None:
        raise ResultsError("parquet is not text; name a file with --output")
    try:
        if to == "parquet":
            frame.to_parquet(output, index=False)
            return None
        text = _text(frame, to)
        if output is None:
            return text
        output.write_text(text + "\n", encoding="utf-8")
        return None
    except OSError as problem:
        raise ResultsError(
            f"{str(output)!r} can't be written: {problem.strerror or problem}; name another with --output"
        ) from None


def _text(frame: pd.DataFrame, to: str) -> str:
    if to == "csv":
        return frame.to_csv(index=False).rstrip("\n")
    if to in ci_formats.FORMATS:
        return strict_json.dumps(ci_formats.FORMATS[to](frame))
    return strict_json.dumps(plain(frame)) if to == "json" else str(frame.to_markdown(index=False))


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows for JSON: null for NaN and infinity."""
    return [strict_json.plain(row) for row in frame.to_dict("records")]
