"""Durations that are known to the last bit, through the whole pipeline: where do they come out changed?"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import results
from bench.contestants.virtual import nanoseconds
from bench.plan.interpreters import OWN
from results.schema.record import Case
from results.store.campaigns import read_campaign

TOO_LONG = 300
"""Seconds; seen: 10."""

VIRTUAL_SUITE = """
title = "durations that are known"
preset = "smoke"
contestants = ["fake-clock:slow", "fake-clock:fast", "fake-clock:level"]
launches = 3

[[workloads]]
architectures = ["lenet5"]
batches = [1]
"""


def known_clock() -> list[str]:
    """Where known durations come out changed: records, pytest-benchmark's file, tables, report. Nothing if exact."""
    with tempfile.TemporaryDirectory(prefix="deadheat-selftest-") as home:
        folder = Path(home)
        (folder / "known.toml").write_text(VIRTUAL_SUITE, encoding="utf-8")
        options = ["--suite=known.toml", "--results=data", "--report=html"]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "bench", "run", *options],
                cwd=folder, env={**os.environ, **OWN.environment()}, capture_output=True, text=True, timeout=TOO_LONG,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return [f"the pipeline had not ended after {TOO_LONG} s"]
        if done.returncode:
            return [f"the pipeline ended with status {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}"]
        (campaign,) = (folder / "data").iterdir()
        return list(itertools.chain(*(check(campaign, folder / "html" / "index.html") for check in CHECKS)))


def expected(case: Case, launch: int) -> float:
    """Seconds per step that a launch of a virtual case must give."""
    return nanoseconds(case.contestant.execution, case.workload.phase, launch) / 1e9  # type: ignore[arg-type]


def _check_records(campaign: Path, page: Path) -> Iterator[str]:
    records = read_campaign(campaign).records
    if len(records) != 3 * 3 * 4:
        yield f"records.jsonl: {len(records)} records, expected 36"
    for record in records:
        if set(record.seconds) != {expected(record.case, record.launch)}:
            yield f"records.jsonl: {record.case.id} launch {record.launch}: {record.seconds}"


def _check_benchmark_file(campaign: Path, page: Path) -> Iterator[str]:
    by_id = {record.case.id: record.case for record in read_campaign(campaign).records}
    for one in json.loads((campaign / "benchmark.json").read_text(encoding="utf-8"))["benchmarks"]:
        right = [expected(by_id[one["extra_info"]["case"]], launch) for launch in range(3)]
        if one["stats"]["data"] != right:
            yield f"benchmark.json: {one['name']}: {one['stats']['data']}, expected {right}"


def _check_table(campaign: Path, page: Path) -> Iterator[str]:
    by_id = {record.case.id: record.case for record in read_campaign(campaign).records}
    for row in results.load(campaign).to_dict("records"):
        if row["seconds"] != expected(by_id[row["case"]], row["launch"]):
            yield f"results.load(): {row['case']} launch {row['launch']}: {row['seconds']!r}"


def _check_page(campaign: Path, page: Path) -> Iterator[str]:
    """The report holds each case's time as it is in the table, behind the rounded one.

    Where launches are alike, that is the known duration; elsewhere a mean of them.
    """
    if not page.is_file():
        yield "index.html was not made"
        return
    given = set(map(float, re.findall(r'<data value="([^"]+)"', page.read_text(encoding="utf-8"))))
    by_id = {record.case.id: record.case for record in read_campaign(campaign).records}
    for row in results.load(campaign, rows="cases").to_dict("records"):
        right = expected(by_id[row["case"]], 0) if row["execution"] == "level" else row["seconds"]
        if right not in given:
            yield f"index.html: {row['case']}: {right!r} is not there"


CHECKS = (_check_records, _check_benchmark_file, _check_table, _check_page)
