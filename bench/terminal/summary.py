"""What is printed at the end of a campaign: tables, peaks of the machine, warnings."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bench.terminal.case_tables import flag_letters, use_tables, verdict_tables
from bench.terminal.grid import Column, Line, grids
from bench.terminal.latency import latency_tables
from bench.terminal.scaling import scaling_lines
from impls.host.environment import words
from impls.terminal import console
from results.compare.limits import limits_of
from results.compare.ranking import TITLES
from results.schema import environment
from results.schema.record import Status
from results.stats.nodes import FEWEST_NODES
from results.store.campaigns import StoredCampaign
from results.tables import cases
from results.tables.controls import control_of
from results.tables.largest import is_search, largest
from results.tables.nodes import differing, scope_of
from results.tables.ranking import rankings
from results.tables.streams import of_cases
from results.units import amount
from results.words import PEAKS, in_words
from results.words import control as control_words
from results.words import scope as scope_words

LEGEND = (
    "time of a step of the reference; ratio to the reference: below 1 is faster, "
    "± half of its 95 % interval over {replicates}"
)
STREAM_COLUMNS = ("cold", "warm", "compilations", "memory", "break-even")
STREAM_LEGEND = (
    "images/s cold (the first time) and warm; ! fallback; break-even: images after which compilation is amortised"
)
SHOW = "python -m bench show"
USE_LEGEND = "memory of a step; fraction of the machine's peak"


def print_summary(
    campaign: StoredCampaign, notes: Sequence[dict[str, str]], brief: bool = False, details: bool = False
) -> None:
    """Print the verdicts, the machine's peaks, the warnings, and the rankings.

    Brief: the verdicts, warnings without remedies, and the rankings. With `details`, memory, fractions of the peak and
    flags of every case, too.
    """
    out = console()
    for part in _tables(campaign, out.width, brief, details):
        out.print(part)
    for line in () if brief else (*ceilings(campaign), *_control(campaign), *variables(campaign)):
        out.print(line, style="dim", markup=False, highlight=False)
    for line in (*scaling_lines(campaign), *nodes(campaign)):
        out.print(line, markup=False, highlight=False)
    for note in notes:
        remedy = "" if brief else f"\n  → {note['remedy']}"
        out.print(f"! {note['what']}{remedy}", style="yellow", markup=False, highlight=False)
    for found in rankings(campaign):
        for line in filter(None, (f"{TITLES[found.phase]}: {found.headline()}", found.overall_sentence())):
            out.print(line, markup=False, highlight=False)


def _tables(campaign: StoredCampaign, width: int, brief: bool, details: bool) -> list[RenderableType]:
    if is_search(campaign):
        return list(largest_tables(campaign))
    frame = cases.cases([campaign])
    of_streams = frame.stream != ""
    single = frame[~of_streams]
    found: list[RenderableType] = [*verdict_tables(single, width)]
    if found and not brief:
        found.append(Text(LEGEND.format(replicates=_replicates(campaign)), style="dim"))
    if found and details:
        found += _use(single, width)
    elif found and not brief:
        found.append(Text(f"memory, fractions of the peak, flags: {SHOW} {campaign.name} --details", style="dim"))
    if found and not brief:
        found += latency_tables(campaign, width)
    if of_streams.any():
        found += [*stream_tables(frame, width), *([] if brief else [Text(STREAM_LEGEND, style="dim")])]
    return found


def _replicates(campaign: StoredCampaign) -> str:
    """What intervals are over."""
    scope = scope_of(campaign)
    return "nodes" if scope and max(scope.ratios, default=0) >= FEWEST_NODES else "launches"


def _use(frame: pd.DataFrame, width: int) -> list[RenderableType]:
    """The tables of memory, fractions of the peak and flags, with an explanation."""
    tables = use_tables(frame, width)
    flags = "".join(f"; {letter}: {in_words(flag)}" for flag, letter in flag_letters(frame).items())
    return [Text(), *tables, Text(f"{USE_LEGEND}{flags}", style="dim")] if tables else []


def _control(campaign: StoredCampaign) -> list[str]:
    return [said] if (said := control_words(control_of(campaign))) else []


def variables(campaign: StoredCampaign) -> list[str]:
    """Environment variables that all launches have, besides those of their setting."""
    found = environment.kept(campaign.system)
    return [f"environment variables of all launches: {words(found)}"] if found else []


def nodes(campaign: StoredCampaign) -> list[str]:
    """Which machines the verdicts are of, and the nodes that differ from the others; empty for one machine."""
    scope = scope_of(campaign)
    if scope is None:
        return []
    found = [scope_words(scope.type, len(scope.nodes), scope.ratios)]
    for node, rows in differing(campaign).groupby("node"):
        first = rows.iloc[0]
        where = f"most in {first.case}: {first.ratio:.2f}, {first.relative_ratio:.2f} of the others'"
        found.append(f"node {node} differs from the others in {len(rows)} ratio{'s' if len(rows) > 1 else ''}; {where}")
    return found


def ceilings(campaign: StoredCampaign) -> list[str]:
    """The measured peaks of the machine, one line each."""
    found = []
    for (of, (precision, device)), ceiling in sorted(limits_of(campaign).ceilings.items()):
        what, unit = PEAKS[of]
        found.append(f"peak of {what}, {precision} on {device}: {ceiling.rate / 1e9:.3g} {unit} ({ceiling.contestant})")
    return found


def largest_tables(campaign: StoredCampaign) -> list[Table]:
    """The largest batch of each contestant, ≥ if a larger one may fit, and how the next larger one failed."""
    frame = largest([campaign])
    found = Table(show_edge=False, pad_edge=False)
    for heading in ("network", "phase", "contestant", "largest batch", "memory", "next batch"):
        found.add_column(heading, justify="right" if heading in ("largest batch", "memory") else "left")
    for row in frame.to_dict("records"):
        known = "" if row["limited_by"] == "memory" else "≥ "  # what ended the search was not memory
        best = "none" if pd.isna(row["largest_batch"]) else f"{known}{row['largest_batch']:.0f}"
        took = "" if pd.isna(row["peak_rss_launch_bytes"]) else amount(row["peak_rss_launch_bytes"])
        beyond = "" if pd.isna(row["smallest_failing_batch"]) else f"{row['smallest_failing_batch']:.0f}: "
        network = f"{row['architecture']} {row['size']} {row['precision']}"
        found.add_row(network, row["phase"], row["contestant"], best, took, Text(f"{beyond}{row['failure']}"))
    return [found]


def stream_tables(frame: pd.DataFrame, width: int) -> list[Text]:
    """Images per second of each contestant on each stream, cold and warm, and what its compilation costs."""
    lines: list[Line] = []
    cells: dict[str, dict[str, Text]] = {title: {} for title in STREAM_COLUMNS}
    for row in of_cases(frame).to_dict("records"):
        stream = f"{row['architecture']} {row['phase']} {row['stream']}"
        line = Line(stream, row["contestant"], f"{row['group']} {row['contestant']}")
        lines.append(line)
        for title, cell in zip(STREAM_COLUMNS, _stream_cells(row)):
            cells[title][line.key] = cell
    leading, *others = (Column(title, found, right=True) for title, found in cells.items())
    return grids(lines, leading, others, width)


def _stream_cells(row: Mapping[Hashable, Any]) -> list[Text]:
    """One a column; of what was not measured the status alone."""
    if row["status"] != Status.MEASURED:
        return [Text(in_words(row["status"]), style="magenta")]
    rates = [f"{row[name]:.3g}" for name in ("cold_images_per_second", "images_per_second")]
    compiled = "" if pd.isna(row["compilations"]) else f"{row['compilations']:.0f}{' !' if row['fallback'] else ''}"
    memory = "" if pd.isna(row["memory_bytes"]) else amount(row["memory_bytes"])
    return [Text(cell) for cell in (*rates, compiled, memory, pays_after(row))]


def pays_after(row: Mapping[Hashable, Any]) -> str:
    """After how many images compilation is amortised; "" for the execution that does not compile, and without one."""
    after = row["break_even_images"]
    if pd.isna(after) or row["contestant"] == row["eager"]:
        return ""
    return f"{after:,.0f} images" if math.isfinite(after) else "never"
