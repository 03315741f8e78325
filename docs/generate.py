"""Writes every generated block of README.md and docs/: `python -m docs.generate`; with --check it only compares.

A block stands between `<!-- generated: NAME -->` and `<!-- end -->`. Figures come from the committed reference
campaigns (results/data/reference-*), lists from the registries: no number in the documents is typed.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from pathlib import Path

from tabulate import tabulate

from bench.plan.suite import load_suite
from bench.terminal import catalogue
from docs import cards, commands, frameworks, intervals, method, nodes, precisions, reproduction, scaling, sizes
from impls.architectures import architectures
from results import quality, words
from results.schema import renames as names
from results.store.campaigns import read_campaign
from results.tables import Table, cases, load_table, table_names
from results.units import step_time

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
REFERENCE = ROOT / "results" / "data" / "reference-quick"
HANDWRITTEN = sorted((ROOT / "results" / "data").glob("reference-handwritten-*"))


def verdicts() -> str:
    """The reference campaign's inference and training rows, without its probes."""
    campaign = read_campaign(REFERENCE)
    frame = cases.cases([campaign])
    frame = frame[frame.phase.isin(["infer", "train"]) & (frame.peak_probe == "")]
    contestants = list(dict.fromkeys(frame.contestant))
    rows = []
    for _, group in frame.groupby("group", sort=False):
        first = group.iloc[0]
        cells = {row["contestant"]: verdict_cell(row) for row in group.to_dict("records")}
        rows.append(
            [f"{first.architecture} {first['size']}, batch {first.batch}, {first.phase}", *map(cells.get, contestants)]
        )
    pairs = frame[frame.contestant != frame.reference].pairs
    launches = " to ".join(f"{count:.0f}" for count in dict.fromkeys((pairs.min(), pairs.max())))
    machine = campaign.system.machine
    where = f"{machine.cpu}, {machine.threads} cores, {(campaign.system.started or '')[:10]}"
    body = tabulate(rows, headers=["workload", *contestants], tablefmt="github", disable_numparse=True)
    return f"{body}\n\nMeasured on {where}; {launches} launches per contestant, paired with the reference's.\n"


def verdict_cell(row: dict) -> str:
    if row["status"] != "measured":
        return row["status"]
    if row["contestant"] == row["reference"]:
        return step_time(row["seconds"])
    interval = ""
    if row["pairs"] > 1:  # outwards, as the verdict is on the exact interval: it is never wider than what is printed
        low, high = math.floor(100 * row["ratio_low"]) / 100, math.ceil(100 * row["ratio_high"]) / 100
        interval = f" [{low:.2f}, {high:.2f}]"
    return f"×{row['ratio']:.2f}{interval} {cases.judgement(row)}"


def verdict_example() -> str:
    """How to read a cell, with the first of the reference campaign that is faster."""
    frame = cases.cases([read_campaign(REFERENCE)])
    row = frame[(frame.verdict == "faster") & (frame.peak_probe == "")].iloc[0].to_dict()
    return (
        f"- `{verdict_cell(row)}`: the contestant's time is {row['ratio']:.2f} of the reference's. The brackets\n"
        "  contain the 95 % interval over interleaved fresh processes, not over iterations of one process.\n"
    )


def effort() -> str:
    """How long the two commands take: the budget of the one, and the other on the machine of the reference results."""
    minutes = load_suite("quick").budget / 60
    trains = f"{reproduction.cheap_minutes():.0f} minutes ({reproduction.machine()})"
    return f"- `tox -e bench` measures for {minutes:.0f} minutes at most;\n- `tox -e reproduce` trains for {trains}.\n"


def handwritten() -> str:
    """Overhead of the tables: each translator over the handwritten network."""
    frame = cases.cases([read_campaign(folder) for folder in HANDWRITTEN])
    rows = [
        (
            row.contestant,
            f"{row.architecture}, batch {row.batch}, {row.phase}",
            f"{row.ratio:.3f}",
            f"[{row.ratio_low:.3f}, {row.ratio_high:.3f}]",
        )
        for row in frame[frame.contestant != frame.reference].itertuples()
    ]
    return (
        tabulate(
            rows,
            headers=["contestant", "workload", "time / handwritten", "95 % interval"],
            tablefmt="github",
            disable_numparse=True,
        )
        + "\n"
    )


def networks() -> str:
    rows = []
    for one in architectures().values():
        network = one.at()
        shape = "x".join(map(str, one.input_shape))
        rows.append((f"`{one.name}`", shape, f"{network.parameters:,}", f"{network.macs:,}", one.title))
    headers = ["network", "input", "parameters", "MACs", ""]
    return (
        tabulate(
            rows,
            headers=headers,
            tablefmt="github",
            colalign=("left", "left", "right", "right", "left"),
            disable_numparse=True,
        )
        + "\n"
    )


def suites() -> str:
    return "".join(f"- `{name}`: {title}\n" for name, title in catalogue.suites().items())


def columns() -> str:
    text = []
    for name in table_names():
        table = load_table(name)
        rows = [(f"`{column.name}`", column.unit, column.meaning) for column in table.columns]
        text.append(
            f'### `results.load(rows="{name}")`\n\nOf {table.source.kind}s. {what_a_row_is(table)}\n\n'
            + tabulate(rows, headers=["column", "unit", "meaning"], tablefmt="github")
        )
    return "\n\n".join(text) + "\n"


def what_a_row_is(table: Table) -> str:
    return " ".join(str(table.make.__doc__).partition("\n\n")[0].split())


def flags() -> str:
    rows = [(f"`{flag.name}`", flag.meaning, flag.hint) for flag in quality.flags().values()]
    return tabulate(rows, headers=["flag", "meaning", "what to do"], tablefmt="github", disable_numparse=True) + "\n"


def terms() -> str:
    """The words of tables and pages, as the pages have them."""
    rows = list(words.TERMS.items())
    return tabulate(rows, headers=["word", "meaning"], tablefmt="github", disable_numparse=True) + "\n"


def renames() -> str:
    """Every earlier name beside the current one, by kind."""
    kinds = {
        "network": names.ARCHITECTURES,
        "framework": names.FRAMEWORKS,
        "column": names.COLUMNS,
        "flag": names.FLAGS,
        "key of suites and presets": names.SUITE_KEYS,
        "option": names.OPTIONS,
        "suite": names.SUITES,
    }
    rows = [(kind, f"`{old}`", f"`{new}`") for kind, pairs in kinds.items() for old, new in pairs.items()]
    return tabulate(rows, headers=["", "earlier", "now"], tablefmt="github", disable_numparse=True) + "\n"


BLOCKS: dict[str, Callable[[], str]] = {
    "verdicts": verdicts,
    "verdict-example": verdict_example,
    "effort": effort,
    "handwritten": handwritten,
    "networks": networks,
    "suites": suites,
    "columns": columns,
    "flags": flags,
    "renames": renames,
    "terms": terms,
    **cards.BLOCKS,
    **commands.BLOCKS,
    **frameworks.BLOCKS,
    **intervals.BLOCKS,
    **method.BLOCKS,
    **nodes.BLOCKS,
    **precisions.BLOCKS,
    **reproduction.BLOCKS,
    **scaling.BLOCKS,
    **sizes.BLOCKS,
}


def generated(text: str) -> str:
    return BLOCK.sub(lambda block: f"{block[1]}{BLOCKS[block['name']]()}{block[3]}", text)


def main() -> int:
    stale = [document for document in DOCUMENTS if generated(document.read_text()) != document.read_text()]
    if "--check" in sys.argv:
        for document in stale:
            print(f"{document.relative_to(ROOT)} is stale; run: python -m docs.generate")
        return 1 if stale else 0
    for document in stale:
        document.write_text(generated(document.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
