"""Known clock: runs exactly known durations through the whole pipeline and reports where they change."""

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
"""Seconds; usually 10."""

VIRTUAL_SUITE = """
title = "known durations"
preset = "smoke"
contestants = ["fake-clock:slow", "fake-clock:fast", "fake-clock:level"]
launches = 3
controls = false

[[workloads]]
architectures = ["lenet5"]
batches = [1]
"""


def known_clock() -> list[str]:
    """Changed durations in records, pytest-benchmark's file, tables and report, one line each; empty if exact."""
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
            return [f"the pipeline did not end within {TOO_LONG} s"]
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
    for entry in json.loads((campaign / "benchmark.json").read_text(encoding="utf-8"))["benchmarks"]:
        expected_seconds = [expected(by_id[entry["extra_info"]["case"]], launch) for launch in range(3)]
        if entry["stats"]["data"] != expected_seconds:
            yield f"benchmark.json: {entry['name']}: {entry['stats']['data']}, expected {expected_seconds}"


def _check_table(campaign: Path, page: Path) -> Iterator[str]:
    by_id = {record.case.id: record.case for record in read_campaign(campaign).records}
    for row in results.load(campaign).to_dict("records"):
        if row["seconds"] != expected(by_id[row["case"]], row["launch"]):
            yield f"results.load(): {row['case']} launch {row['launch']}: {row['seconds']!r}"


def _check_page(campaign: Path, page: Path) -> Iterator[str]:
    """Check that the report holds each case's unrounded time as in the table.

    With equal launches that is the known duration, otherwise their mean.
    """
    if not page.is_file():
        yield "index.html was not written"
        return
    given = set(map(float, re.findall(r'<data value="([^"]+)"', page.read_text(encoding="utf-8"))))
    by_id = {record.case.id: record.case for record in read_campaign(campaign).records}
    for row in results.load(campaign, rows="cases").to_dict("records"):
        right = expected(by_id[row["case"]], 0) if row["execution"] == "level" else row["seconds"]
        if right not in given:
            yield f"index.html: {row['case']}: {right!r} is missing"


CHECKS = (_check_records, _check_benchmark_file, _check_table, _check_page)
