"""Tables of a campaign in formats other programs read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import results
from results.journal import ResultsError

if TYPE_CHECKING:
    import pandas as pd


def export(campaign: str, to: str, rows: str, output: Path | None, data: Path) -> str | None:
    """The table as text, or None once it is written to `output`. Raises ResultsError."""
    frame = results.load(campaign, rows, data)  # type: ignore[arg-type]
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
    return json.dumps(plain(frame), indent=2) if to == "json" else str(frame.to_markdown(index=False))


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows for JSON: null where there is no number, or one without an end."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    value = value.item() if hasattr(value, "item") else value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if value != value else str(value)  # pandas' own for no time at all is not equal to itself
