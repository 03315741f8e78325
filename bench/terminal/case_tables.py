"""Tables of a campaign's cases: verdicts, and what else is known of each case; a line a workload."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import pandas as pd
from rich.text import Text

from bench.terminal.grid import Column, Line, grids
from results.quality.comparability import other_precision
from results.schema.record import Status
from results.stats.verdicts import TimingVerdict
from results.tables import cases
from results.units import amount, step_time
from results.words import in_words

STYLES = {
    TimingVerdict.FASTER: "green",
    TimingVerdict.SLOWER: "red",
    TimingVerdict.DEAD_HEAT: "cyan",
    TimingVerdict.WITHIN: "",
    TimingVerdict.UNCLEAR: "dim",
}
BOUNDED = (TimingVerdict.DEAD_HEAT, TimingVerdict.WITHIN)
"""Verdicts that say themselves how far from 1 the interval reaches."""

Row = Mapping[Hashable, Any]


def verdict_tables(frame: pd.DataFrame, width: int) -> list[Text]:
    """The reference's time of a step, and the ratio and verdict of every other contestant."""
    return _tables(frame, verdict_cell, width)


def use_tables(frame: pd.DataFrame, width: int) -> list[Text]:
    """Memory of a step, fraction of the peak, and letters for flags; none where nothing of these is known."""
    letters = flag_letters(frame)
    return _tables(frame, lambda row: _use(row, letters), width)


def flag_letters(frame: pd.DataFrame) -> dict[str, str]:
    """A letter for each flag that some case carries, in the order of their first cases."""
    flags = dict.fromkeys(flag for row in _shown(frame).to_dict("records") for flag in _flags(row))
    return {flag: chr(ord("a") + number) for number, flag in enumerate(flags)}


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The cases of networks; those that find the machine's peaks are below the tables."""
    return frame[frame.peak_probe == ""]


def _tables(frame: pd.DataFrame, cell: Callable[[Row], Text], width: int) -> list[Text]:
    frame = _shown(frame)
    cells: dict[str, dict[str, Text]] = {}
    for row in frame.to_dict("records"):
        cells.setdefault(row["contestant"], {})[row["group"]] = cell(row)
    if not any(text for column in cells.values() for text in column.values()):
        return []
    reference = frame.reference.iloc[0]
    others = [Column(who, found) for who, found in cells.items() if who != reference]
    return grids(_lines(frame), Column(reference, cells.get(reference, {})), others, width)


def _lines(frame: pd.DataFrame) -> list[Line]:
    """Every workload once, those of a network together."""
    networks: dict[str, list[Line]] = {}
    for group, phase in frame[["group", "phase"]].drop_duplicates().itertuples(index=False):
        network = group.removesuffix(f"-{phase}")
        networks.setdefault(network, []).append(Line(network, phase, group))
    return [line for lines in networks.values() for line in lines]


def verdict_cell(row: Row) -> Text:
    """ "911 µs" of the reference; "0.68 ±7% faster", "1.02 within 6 %", "1.09 unclear" (without an interval).

    After it "in float32", if it was computed in that where another precision was requested.
    """
    if row["status"] != Status.MEASURED:
        return Text(in_words(row["status"]), style="magenta")
    judged, other = cases.judgement(row), other_precision(row)
    computed = f" in {other}" if other else ""
    if judged is None:
        return Text(f"{step_time(row['seconds'])}{computed}")
    half = (row["ratio_high"] - row["ratio_low"]) / 2 / row["ratio"]
    interval = "" if judged.verdict in BOUNDED or pd.isna(half) else f" ±{_percent(half)}"
    return Text(f"{_ratio(row['ratio'])}{interval} {judged}{computed}", style=STYLES[judged.verdict])


def _ratio(value: float) -> str:
    return f"{value:.2f}" if 0.1 <= value < 10 else f"{value:.2g}" if value < 1 else f"{value:.3g}"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}"


def _use(row: Row, letters: Mapping[str, str]) -> Text:
    """ "25.4 MiB 60% a,b", each part where it is known."""
    memory: str = "" if pd.isna(row["memory_bytes"]) else amount(row["memory_bytes"])
    share: str = "" if pd.isna(row["fraction_of_peak"]) else f"{row['fraction_of_peak']:.0%}"
    return Text(" ".join(filter(None, (memory, share, ",".join(letters[flag] for flag in _flags(row))))))


def _flags(row: Row) -> list[str]:
    return [flag for flag in row["quality_flags"].split(", ") if flag]
