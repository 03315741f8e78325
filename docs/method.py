"""The generated blocks of docs/method.md: how the harness itself was measured."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from bench.networks import solo
from bench.plan.suite import PRESETS, MeasurementSettings, load_suite
from bench.validation.selftest import pairs_of, summary
from results.compare.limits import limits_of
from results.schema.record import STEADY, Case, Record, Status
from results.stats.estimates import launch_time, ratio
from results.stats.pairing import counted, group_by_block, group_by_pass
from results.store.campaigns import read_campaign
from results.tables import cases as table
from results.tables.layers import layers as layers_of
from results.units import step_time

DATA = Path(__file__).parent.parent / "results" / "data"
SELFTESTS = DATA / "reference-selftest"
PEERS = DATA / "reference-peers"
ONCE, AGAIN = DATA / "reference-quick", DATA / "reference-quick-again"
LAYERS = DATA / "reference-layers"
SETTINGS = DATA / "reference-settings"
INTERFERENCE = DATA / "reference-company"
INTERLEAVED, FRESH = DATA / "reference-launches", DATA / "reference-launches-fresh"


def _table(rows: Iterable[Iterable[str]], headers: list[str]) -> str:
    return tabulate(list(rows), headers=headers, tablefmt="github", disable_numparse=True) + "\n"


def presets() -> str:
    """The settings of the presets, one column per preset."""
    names = ("smoke", "quick", "standard", "strict")
    found = {name: load_suite("smoke", name).model_dump() for name in names}
    titles = [f"- `{name}`: {tomllib.loads((PRESETS / f'{name}.toml').read_text())['title']}\n" for name in names]
    rows = [[f"`{key}`", *(_setting(found[name][key]) for name in names)] for key in MeasurementSettings.model_fields]
    return "".join(titles) + "\n" + _table(rows, ["key", *names])


def _setting(value: object) -> str:
    if isinstance(value, tuple):
        return " to ".join(map(str, dict.fromkeys(value)))
    return f"{value:g}" if isinstance(value, float) else str(value)


def selftest() -> str:
    """False-positive rate and power, a row for each load and kind of pair."""
    rows = []
    for measured in _selftests():
        said, burners = summary(pairs_of(measured), exact=True), measured["plan"]["burners"]
        where = f"load on {burners} core{'s' if burners > 1 else ''}" if burners else "quiet"
        if said["aa"]["pairs"]:
            rows.append([where, "none", *_rates(said["aa"], "false_differences")])
        rows += [[where, f"{one['slowdown']:.0%}", *_rates(one, "detected")] for one in said["planted"]]
    headers = ["machine", "injected", "pairs", "detected", "rate", "95 % interval: coverage"]
    headers += ["error of the ratio: median", "90th percentile", "seconds per pair"]
    return _table(rows, headers) if rows else "Not measured yet.\n"


def _rates(one: dict, key: str) -> list[str]:
    rate = f"{one['rate']:.1%} [{one['low']:.1%}, {one['high']:.1%}]"
    held = "" if one["covered"] is None else f"{one['covered']:.0%}"
    errors = f"{one['median_error']:.2%}", f"{one['p90_error']:.2%}"
    return [str(one["pairs"]), str(one[key]), rate, held, *errors, f"{one['median_seconds']:.0f}"]


def peers() -> str:
    """False positives and detections of other tools and of Deadheat: LeNet-5 in PyTorch."""
    rows = []
    for file in sorted(PEERS.glob("*.json"), reverse=True):
        said = json.loads(file.read_text())
        where = "load on 1 core" if said["burners"] else "quiet"
        for tool in dict.fromkeys(one["tool"] for one in said["outcomes"]):
            rows.append([where, tool, *_peer_cells([one for one in said["outcomes"] if one["tool"] == tool])])
    headers = [
        "machine",
        "tool",
        "A/A: difference reported",
        "5 % slowdown: detected",
        "error of the ratio: median",
        "maximum",
        "seconds per pair",
    ]
    return _table(rows, headers) if rows else "Not measured yet.\n"


def _peer_cells(outcomes: list[dict]) -> list[str]:
    same = [one["different"] for one in outcomes if not one["slowdown"]]
    planted = [one["different"] and one["ratio"] > 1 for one in outcomes if one["slowdown"]]
    errors = [abs(one["ratio"] / (1 + one["slowdown"]) - 1) for one in outcomes]
    taken = float(np.median([one["seconds"] for one in outcomes]))
    return [
        f"{sum(same)} of {len(same)}",
        f"{sum(planted)} of {len(planted)}",
        f"{np.median(errors):.2%}",
        f"{max(errors):.1%}",
        f"{taken:.0f}",
    ]


def launching() -> str:
    """Forks and fresh interpreters: the time of a launch, and the spread over launches."""
    if not (INTERLEAVED.is_dir() and FRESH.is_dir()):
        return "Not measured yet.\n"
    sides = [counted(read_campaign(folder).records) for folder in (INTERLEAVED, FRESH)]
    cases = list(dict.fromkeys(record.case for record in sides[0]))
    rows = []
    for case in cases:
        forks, fresh = ([record for record in side if record.case == case] for side in sides)
        name = f"{case.workload.architecture}, {case.contestant.id}"
        rows.append([name, _cost(forks), _cost(fresh), _spread(forks), _spread(fresh)])
    headers = ["case", "fork: s to first step", "fresh: s to first step", "fork: spread", "fresh: spread"]
    return _table(rows, headers)


def _cost(records: list[Record]) -> str:
    """Median seconds from the request for a launch to the end of its first step."""
    taken = [(r.start_seconds or 0) + (r.build_seconds or 0) + (r.first_call_seconds or 0) for r in records]
    return f"{np.median(taken[1:]):.2f}" if len(taken) > 1 else "-"


def _spread(records: list[Record]) -> str:
    """Standard deviation over launches, on logarithms."""
    return f"{_deviation(records):.1%}" if len(records) > 1 else "-"


def _deviation(records: list[Record]) -> float:
    return float(np.std(np.log([launch_time(record.seconds) for record in records]), ddof=1))


def settings() -> str:
    """Time with `steady` over time as shipped, paired by block, and the spread over launches with each."""
    if not SETTINGS.is_dir():
        return "Not measured yet.\n"
    own: dict[Case, list[Record]] = {}
    for record in counted(read_campaign(SETTINGS).records):
        own.setdefault(record.case, []).append(record)
    rows = []
    for case, records in own.items():
        shipped = own.get(replace(case, contestant=replace(case.contestant, setting="as-shipped")), [])
        found = ratio(group_by_block(records), group_by_block(shipped)) if case.contestant.setting == STEADY else None
        if found:
            name = f"{case.workload.architecture}, {case.workload.phase}, {case.contestant.id}"
            interval = f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
            rows.append([name, interval, _spread(shipped), _spread(records)])
    return _table(rows, ["case", "steady / as shipped", "as shipped: spread", "steady: spread"])


def interleaved_vs_solo() -> str:
    """Interleaved over solo times of the same contestants, paired by pass."""
    if not INTERFERENCE.is_dir():
        return "Not measured yet.\n"
    own: dict[Case, list[Record]] = {}
    for record in counted(read_campaign(INTERFERENCE).records):
        own.setdefault(record.case, []).append(record)
    rows = []
    for case, records in own.items():
        if original := solo.original(case.workload.architecture):
            workload = replace(case.workload, architecture=original)
            sides = group_by_pass(own[replace(case, workload=workload)]), group_by_pass(records)
            found = ratio(*({launch: (time,) for launch, time in side.items()} for side in sides))
            if found:
                name = f"{workload.architecture}, {case.contestant.id}"
                times = (f"{1e3 * float(np.median(list(side.values()))):.3f} ms" for side in reversed(sides))
                rows.append([name, *times, f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"])
    return _table(rows, ["case", "solo", "interleaved", "interleaved / solo"])


def overhead() -> str:
    folder = DATA / "reference-overhead"
    if not folder.is_dir():
        return "Not measured yet.\n"
    row = table.cases([read_campaign(folder)]).iloc[0]
    return f"A step that does nothing takes {row.seconds * 1e9:.0f} ns.\n"


LARGE = 50e6
"""Bytes above which the memory of a case is large compared with the variation of allocators."""


def memory() -> str:
    """Memory of the same cases in two campaigns, compared with each other and with the minimum."""
    if not (ONCE.is_dir() and AGAIN.is_dir()):
        return "Not measured yet.\n"
    once, again = (table.cases([read_campaign(folder)]).set_index("case") for folder in (ONCE, AGAIN))
    both = once.join(again.peak_rss_step_bytes.rename("again_bytes"), how="inner")
    both = both.dropna(subset=["peak_rss_step_bytes", "again_bytes"])
    large = both[both.peak_rss_step_bytes > LARGE]
    apart = (large.again_bytes / large.peak_rss_step_bytes - 1).abs()
    above = both.peak_rss_step_bytes / both.min_memory_bytes
    worst = apart.idxmax()
    return (
        f"{len(large)} of {len(both)} cases use more than {LARGE / 1e6:.0f} MB. Between two campaigns their memory "
        f"differs by {apart.median():.1%} (median) and by {apart.max():.1%} at most (`{worst}`); "
        f"{(apart <= 0.05).sum()} of {len(large)} agree within 5 %. The smallest ratio of measured memory to "
        f"the minimum is {above.min():.2f} (`{above.idxmin()}`).\n"
    )


def ceilings() -> str:
    """The peak rates of two campaigns, and the largest fraction of peak of a case."""
    if not (ONCE.is_dir() and AGAIN.is_dir()):
        return "Not measured yet.\n"
    once, again = (limits_of(read_campaign(folder)).ceilings for folder in (ONCE, AGAIN))
    rows = [
        [
            f"{key[0]} per second, {key[1][0]} on {key[1][1]}",
            f"{once[key].rate / 1e9:.1f} G",
            f"{again[key].rate / 1e9:.1f} G",
            f"{again[key].rate / once[key].rate - 1:+.1%}",
        ]
        for key in once
        if key in again
    ]
    shares = (
        table.cases([read_campaign(ONCE)])
        .query("peak_probe == ''")
        .dropna(subset=["fraction_of_peak"])
        .set_index("case")
    )
    nearest = shares.fraction_of_peak.idxmax()
    most = f"{shares.fraction_of_peak[nearest]:.0%} (`{nearest}`)"
    text = f"The largest fraction of peak in {len(shares)} cases is {most}.\n"
    return _table(rows, ["peak rate", "first campaign", "second campaign", "difference"]) + "\n" + text


def launch_spread() -> str:
    """Spread over launches of one case, and the error of the ratio in A/A pairs."""
    launches: dict[Case, list[Record]] = {}
    for record in counted(read_campaign(INTERLEAVED).records):
        launches.setdefault(record.case, []).append(record)
    spreads = sorted(map(_deviation, launches.values()))
    quiet = [said["aa"] for said in _selftests() if said["aa"]["pairs"] and not said["plan"]["burners"]]
    return (
        f"- the standard deviation over launches of one case, within one campaign, is {spreads[0]:.1%} to "
        f"{spreads[-1]:.1%} ({len(spreads)} cases);\n"
        f"- the ratio of a contestant to itself, interleaved, has a median error of {quiet[0]['median_error']:.2%} "
        f"({quiet[0]['pairs']} pairs).\n"
    )


def _selftests() -> list[dict]:
    return [json.loads(file.read_text()) for file in sorted(SELFTESTS.glob("*.json"), reverse=True)]


def layers() -> str:
    """AlexNet's layers in isolation, forward and backward, with their shares of the network's step."""
    frame = layers_of([read_campaign(LAYERS)])
    frame = frame[frame.phase == "gradient"]
    contestants = list(dict.fromkeys(frame.contestant))
    cells = {(row["layer"], row["contestant"]): row for row in frame.to_dict("records")}
    rows = [[f"`{layer}`", *(_layer(cells[layer, one]) for one in contestants)] for layer in dict.fromkeys(frame.layer)]
    ends = [cells[frame.layer.iloc[0], one] for one in contestants]
    sums = [f"{row['sum_share']:.0%} of {step_time(row['whole_seconds'])}" for row in ends]
    return _table([*rows, ["all layers", *sums]], ["layer", *contestants])


def _layer(row: Mapping[Hashable, Any]) -> str:
    return f"{step_time(row['seconds'])} ({row['share']:.1%})" if row["status"] == Status.MEASURED else row["status"]


BLOCKS = {
    "layers": layers,
    "launch-spread": launch_spread,
    "memory": memory,
    "ceilings": ceilings,
    "presets": presets,
    "selftest": selftest,
    "peers": peers,
    "launching": launching,
    "settings": settings,
    "interleaved-vs-solo": interleaved_vs_solo,
    "overhead": overhead,
}
