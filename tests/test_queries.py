"""The queries of docs/queries.md work on the mirrors of committed campaigns, and the page names every column."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from docs.generate import ROOT
from results.store import mirror
from results.store.campaigns import DATA, MIRROR
from results.store.mirroring import write
from results.tables.launches import NAMES

PAGE = (ROOT / "docs" / "queries.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose results/data has two campaigns with mirrors."""
    root = tmp_path_factory.mktemp("root")
    for name in ("reference-quick", "reference-stream"):
        own = root / "results" / "data" / name
        shutil.copytree(ROOT / DATA / name, own, ignore=shutil.ignore_patterns(MIRROR))
        write(own)
    return root


def test_queries_run_one_after_another_and_find_something(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block, names)
    assert len(names["times"]) > 20
    assert names["times"].filename.nunique() == 2
    assert (names["times"].seconds > 0).all()
    assert len(names["rounds"]) > 5
    assert names["failed"].columns == ["status", "reason", "len"]
    assert names["taken"]["taken"].is_not_null().any()
    assert (names["medians"].seconds > 0).all()


def test_every_column_is_explained():
    named = {name for cell in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)}
    assert set(mirror.TABLE.names) - set(NAMES) <= named
    assert named <= set(mirror.TABLE.names)
