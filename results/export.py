"""Tables of a campaign in formats other programs read."""

from __future__ import annotations

from pathlib import Path

import results
from results.store import ResultsError

FORMATS = ("csv", "parquet", "markdown")


def export(campaign: str, to: str, rows: str, output: Path | None, data: Path) -> str | None:
    """The table as text, or None once it is written to `output`. Raises ResultsError."""
    frame = results.load(campaign, rows, data)  # type: ignore[arg-type]
    if to == "parquet":
        if output is None:
            raise ResultsError("parquet is not text; name a file with --output")
        return _written(output, lambda: frame.to_parquet(output, index=False))
    text = frame.to_csv(index=False).rstrip("\n") if to == "csv" else frame.to_markdown(index=False)
    return text if output is None else _written(output, lambda: output.write_text(text + "\n", encoding="utf-8"))


def _written(output: Path, write: object) -> None:
    try:
        write()  # type: ignore[operator]
    except OSError as problem:
        raise ResultsError(f"{str(output)!r} can't be written: {problem.strerror or problem}; give another --output") from None
