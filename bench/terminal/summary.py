"""The table at the end of a campaign: a row a workload, a column a contestant."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from impls.host.environment import words
from impls.terminal import console
from results.compare.limits import limits_of
from results.schema import environment
from results.schema.record import Status
from results.stats.verdicts import TimingVerdict
from results.store.campaigns import StoredCampaign
from results.tables import cases
from results.tables.largest import is_search, largest
from results.tables.streams import of_cases
from results.units import amount, step_time
from results.words import PEAKS, in_words

STYLES = {
    TimingVerdict.FASTER: "green",
    TimingVerdict.SLOWER: "red",
    TimingVerdict.DEAD_HEAT: "cyan",
    TimingVerdict.WITHIN: "",
    TimingVerdict.UNCLEAR: "dim",
}
COLUMNS = 4
"""Contestants beside the reference in one table."""
LEGEND = (
    "ratio to the reference: below 1 is faster; [95 % interval over launches]; ! flagged, see below; "
    "memory of a step; fraction of the machine's peak"
)


def print_summary(campaign: StoredCampaign, notes: Sequence[dict[str, str]], brief: bool = False) -> None:
    """Print times of the reference, ratios with intervals and verdicts of the others, then the warnings.

    Brief: the table, and warnings without remedies.
    """
    out = console()
    for part in largest_tables(campaign) if is_search(campaign) else case_tables(cases.cases([campaign])):
        out.print(part)
    for line in () if brief else (LEGEND, *ceilings(campaign), *variables(campaign)):
        out.print(line, style="dim", markup=False, highlight=False)
    for note in notes:
        remedy = "" if brief else f"\n  → {note['remedy']}"
        out.print(f"! {note['what']}{remedy}", style="yellow", markup=False, highlight=False)


def variables(campaign: StoredCampaign) -> list[str]:
    """Environment variables that all launches have, besides those of their setting."""
    found = environment.kept(campaign.system)
    return [f"environment variables of all launches: {words(found)}"] if found else []


def ceilings(campaign: StoredCampaign) -> list[str]:
    """The measured peaks of the machine, one line each."""
    found = []
    for (of, (precision, device)), ceiling in sorted(limits_of(campaign).ceilings.items()):
        what, unit = PEAKS[of]
        found.append(f"peak of {what}, {precision} on {device}: {ceiling.rate / 1e9:.3g} {unit} ({ceiling.contestant})")
    return found


def largest_tables(campaign: StoredCampaign) -> list[Table]:
    """The largest batch of each contestant, and how the next larger one failed."""
    frame = largest([campaign])
    found = Table(show_edge=False, pad_edge=False)
    for heading in ("network", "phase", "contestant", "largest batch", "memory", "next batch"):
        found.add_column(heading, justify="right" if heading in ("largest batch", "memory") else "left")
    for row in frame.to_dict("records"):
        best = "none" if pd.isna(row["largest_batch"]) else f"{row['largest_batch']:.0f}"
        took = "" if pd.isna(row["peak_rss_launch_bytes"]) else amount(row["peak_rss_launch_bytes"])
        beyond = "" if pd.isna(row["smallest_failing_batch"]) else f"{row['smallest_failing_batch']:.0f}: "
        network = f"{row['architecture']} {row['size']} {row['precision']}"
        found.add_row(network, row["phase"], row["contestant"], best, took, Text(f"{beyond}{row['failure']}"))
    return [found]


def case_tables(frame: pd.DataFrame) -> list[Table]:
    """Verdicts of what has one size of images, then every stream."""
    streamed = frame.stream != ""
    return [*summary_tables(frame[~streamed]), *([stream_table(frame)] if streamed.any() else [])]


def stream_table(frame: pd.DataFrame) -> Table:
    """Images per second of each contestant on each stream, cold and warm."""
    found = Table(show_edge=False, pad_edge=False)
    for heading in ("stream", "contestant", "images/s cold", "warm", "compilations", "memory", "break-even"):
        found.add_column(heading, justify="left" if heading in ("stream", "contestant") else "right")
    for row in of_cases(frame).to_dict("records"):
        name = f"{row['architecture']} {row['phase']} {row['stream']}"
        if row["status"] != Status.MEASURED:
            found.add_row(name, row["contestant"], Text(in_words(row["status"]), style="magenta"))
            continue
        rates = [f"{row[name]:.3g}" for name in ("cold_images_per_second", "images_per_second")]
        compiled = "" if pd.isna(row["compilations"]) else f"{row['compilations']:.0f}{' !' if row['fallback'] else ''}"
        memory = "" if pd.isna(row["memory_bytes"]) else amount(row["memory_bytes"])
        found.add_row(name, row["contestant"], *rates, compiled, memory, pays_after(row))
    return found


def pays_after(row: Mapping[Hashable, Any]) -> str:
    """After how many images compilation is amortised; "" for the execution that does not compile, and without one."""
    after = row["break_even_images"]
    if pd.isna(after) or row["contestant"] == row["eager"]:
        return ""
    return f"{after:,.0f} images" if math.isfinite(after) else "never"


def summary_tables(frame: pd.DataFrame) -> list[Table]:
    """As many tables as it takes for every contestant to have a readable column; the reference leads each."""
    frame = frame[frame.peak_probe == ""]
    if frame.empty:
        return []
    reference = frame.reference.iloc[0]
    others = [contestant for contestant in dict.fromkeys(frame.contestant) if contestant != reference]
    parts = [others[start : start + COLUMNS] for start in range(0, len(others), COLUMNS)] or [[]]
    return [_table(frame, [reference, *part]) for part in parts]


def _table(frame: pd.DataFrame, contestants: Sequence[str]) -> Table:
    found = Table(show_edge=False, pad_edge=False)
    found.add_column("workload", overflow="fold")
    for contestant in contestants:
        found.add_column(contestant, justify="right", overflow="fold")
    for group, rows in frame.groupby("group", sort=False):
        cells = {row["contestant"]: _cell(row) for row in rows.to_dict("records")}
        found.add_row(str(group), *(cells.get(contestant, Text("")) for contestant in contestants))
    return found


def _cell(values: dict[Hashable, Any]) -> Text:
    if values["status"] != Status.MEASURED:
        return Text(in_words(values["status"]), style="magenta")
    judged = cases.judgement(values)
    if judged is None:
        return Text(f"{step_time(values['seconds'])}{_caution(values)}\n{_use(values)}".strip(), style="bold")
    interval = "" if pd.isna(values["ratio_low"]) else f" [{values['ratio_low']:.3g}, {values['ratio_high']:.3g}]"
    use = f" · {said}" if (said := _use(values)) else ""
    return Text(f"×{values['ratio']:.3g}{interval}\n{judged}{_caution(values)}{use}", style=STYLES[judged.verdict])


def _caution(values: dict[Hashable, Any]) -> str:
    return " !" if values["quality_flags"] else ""


def _use(values: dict[Hashable, Any]) -> str:
    """Memory of a step and fraction of the peak, where known."""
    memory = "" if pd.isna(values["memory_bytes"]) else amount(values["memory_bytes"])
    share = "" if pd.isna(values["fraction_of_peak"]) else f"{values['fraction_of_peak']:.0%}"
    return " · ".join(filter(None, (memory, share)))
