"""Reproductions on disk and as tables."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import results
from results.schema import trial
from results.schema.findings import Agreement, ClaimResult, ContrastResult, Findings, Trained, Verdict
from results.schema.trial import Outcome, Point, Trial
from results.store import pictures, reproductions
from results.store.journal import ResultsError
from results.store.pictures import Pictures
from results.store.reproductions import ReproductionWriter
from results.tables import load_table

TRIAL = Trial(
    "abc",
    network="lenet5",
    data="fashion-mnist",
    framework="jax",
    execution="jit",
    device="cpu",
    seed=1,
    outcome=Outcome.FINISHED,
    points=(Point(1.0, 60000, 0.1, 0.5, 0.2, 0.25), Point(2.0, 120000, 0.01, 0.25, None, 0.125)),
    errors={"": 0.125, "ten views": 0.1},
    losses=(2.3, 1.7),
    seconds=12.5,
)
DIVERGED = Trial(
    "def",
    network="lenet5",
    data="fashion-mnist",
    framework="jax",
    execution="jit",
    device="cpu",
    seed=2,
    outcome=Outcome.DIVERGED,
    reason="the mean loss came to nan",
)
CONTRAST = ContrastResult(
    "a less b",
    unit="%",
    value=-1.5,
    low=-2.0,
    high=-1.0,
    pairs=3,
    confidence=0.95,
    claimed=(None, 0.0),
    paper="-1 %",
    verdict=Verdict.SUPPORTED,
)
CLAIM = ClaimResult(
    "AX-4",
    paper="a paper",
    kind="training",
    place="3.4",
    statement="pools",
    number="-0.4",
    method="two arms",
    verdict=Verdict.SUPPORTED,
    evidence="a less b: -1.5 %",
    contrasts=(CONTRAST,),
    arms={"a": ("abc",), "b": ("def",)},
)
ARITHMETIC = replace(CLAIM, id="AX-11", kind="structural", verdict=Verdict.CONTRADICTED, contrasts=(), arms={})
FINDINGS = Findings(
    (CLAIM, ARITHMETIC),
    Agreement("the same", 1e-3, 5, 10, {"jax": "abc"}),
    (Trained("lenet5", "all", 0.89, {"jax": "abc"}, "the command"),),
)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    writer = ReproductionWriter.create(tmp_path, "made-up", {"command": "the command"})
    writer.append(TRIAL)
    writer.append(DIVERGED)
    writer.save_findings(FINDINGS)
    writer.close()
    return tmp_path / "made-up"


def test_comes_back_as_it_went(kept: Path) -> None:
    read = reproductions.read(kept)
    assert read.trials == {"abc": TRIAL, "def": DIVERGED}
    assert read.findings == FINDINGS
    assert read.system.command == "the command"
    assert read.problems == ()


def test_what_cannot_be_read_is_named_and_left(kept: Path) -> None:
    with (kept / "trials.jsonl").open("a") as lines:
        lines.write('{"id": "x"}\n' + trial.to_json(replace(TRIAL, id="new", schema=99)) + "\nrubbish")
    (kept / "findings.json").write_text('{"claims": 3}')
    (kept / "system.json").write_text("[]")
    read = reproductions.read(kept)
    assert set(read.trials) == {"abc", "def"}
    assert [problem.partition(":")[0] for problem in read.problems] == [
        *(f"made-up/trials.jsonl line {number}" for number in (3, 4, 5)),
        "made-up/findings.json",
        "made-up/system.json",
    ]
    assert f"schema 99 is newer than {trial.SCHEMA}" in read.problems[1]


def test_nothing_there(tmp_path: Path) -> None:
    for find in (lambda: reproductions.read(tmp_path), lambda: reproductions.find("x", tmp_path)):
        with pytest.raises(ResultsError, match="no reproduction"):
            find()
    with pytest.raises(ResultsError, match="python -m repro run"):
        reproductions.latest(tmp_path)


@pytest.mark.parametrize(("rows", "count"), [("trials", 2), ("curves", 2), ("claims", 2)])
def test_tables_have_their_columns(kept: Path, rows: str, count: int) -> None:
    frame = results.load("made-up", rows=rows, data=kept.parent)
    assert list(frame.columns) == [column.name for column in load_table(rows).columns]
    assert len(frame) == count
    assert results.load(rows=rows, data=kept.parent).equals(frame)


def test_tables_say_what_is_missing(kept: Path) -> None:
    trials = results.load(kept, rows="trials").set_index("trial")
    assert trials.test_error["abc"] == 0.125
    assert np.isnan(trials.test_error["def"])
    assert trials.reason["def"] == "the mean loss came to nan"
    claims = results.load(kept, rows="claims").set_index("claim")
    assert (claims.value["AX-4"], claims.low["AX-4"], claims.verdict["AX-4"]) == (-1.5, -2.0, "supported")
    assert np.isnan(claims.value["AX-11"])
    assert claims.claim_verdict["AX-11"] == "contradicted"


def test_export(kept: Path) -> None:
    command = [sys.executable, "-m", "bench", "export", str(kept), "--rows", "claims"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("made-up,AX-4,a paper,training,supported,a less b,%,-1.5")


def test_pictures(tmp_path: Path) -> None:
    path = tmp_path / "pictures" / "abc.npz"
    drawn = Pictures(("coat", "bag"), np.ones((6, 1, 5, 5), np.float32) / 3, wrong=12)
    pictures.write(path, drawn)
    read = pictures.read(path)
    assert read is not None
    assert (read.classes, read.wrong, read.filters.dtype) == (("coat", "bag"), 12, np.float16)
    assert read.maps.size == 0
    path.write_bytes(path.read_bytes()[:100])
    assert pictures.read(path) is None
    assert pictures.read(tmp_path / "none.npz") is None
