"""Tables of a campaign in formats other programs read."""

from __future__ import annotations

from pathlib import Path

import results
from results.journal import ResultsError


def export(campaign: str, to: str, rows: str, output: Path | None, data: Path) -> str | None:
    """The table as text, or None once it is written to `output`. Raises ResultsError."""
    frame = results.load(campaign, rows, data)  # type: ignore[arg-type]
    if to == "parquet" and output is None:
        raise ResultsError("parquet is not text; name a file with --output")
    try:
        if to == "parquet":
            frame.to_parquet(output, index=False)
            return None
        text = frame.to_csv(index=False).rstrip("\n") if to == "csv" else frame.to_markdown(index=False)
        if output is None:
            return text
        output.write_text(text + "\n", encoding="utf-8")
        return None
    except OSError as problem:
        raise ResultsError(
            f"{str(output)!r} can't be written: {problem.strerror or problem}; name another with --output"
        ) from None
