"""Rows become tables without loss: neither a key that is no column, nor a column without a key, passes unseen."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from results.schema.columns import Column
from results.schema.findings import Findings
from results.schema.system import System
from results.schema.trial import Outcome, Trial
from results.store.campaigns import StoredCampaign
from results.store.reproductions import Reproduction
from results.tables import cases as table
from results.tables import trials
from results.tables._rows import blank, frame
from tests.support.made_up import lively_records

COLUMNS = (Column("a", "", ""), Column("b", "", ""))


def test_rows_are_columns_in_their_order():
    found = frame([{"b": 1, "a": 2}, {"a": 3, "b": None}], COLUMNS)
    assert list(found.columns) == ["a", "b"]
    assert found.a.tolist() == [2, 3]


def test_no_rows_are_a_table_of_no_rows():
    assert list(frame([], COLUMNS).columns) == ["a", "b"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"a": 1, "b": 2, "c": 3}, "keys that are no columns: c"),
        ({"a": 1}, "columns without a key: b"),
        ({"a": 1, "bb": 2}, "keys that are no columns: bb; columns without a key: b"),
    ],
)
def test_a_row_of_other_keys_is_an_error(row, said):
    with pytest.raises(ValueError, match=f"^a row of a table has {said}$"):
        frame([{"a": 0, "b": 0}, row], COLUMNS)


def test_of_what_is_unknown_a_row_has_nan():
    assert blank(COLUMNS).keys() == {"a", "b"}
    assert all(map(math.isnan, blank(COLUMNS).values()))


def test_a_misspelt_column_of_a_case_is_an_error(monkeypatch):
    """It was a column of NaN."""
    monkeypatch.setattr(table, "time_row", lambda estimate: {"second": 1.0, "seconds_low": 1.0, "seconds_high": 1.0})
    with pytest.raises(ValueError, match="keys that are no columns: second; columns without a key: seconds"):
        table.cases([StoredCampaign(Path("lively"), System(), tuple(lively_records()))])


def test_a_misspelt_column_of_a_trial_is_an_error(monkeypatch):
    trial = Trial("abc", "lenet5", "fashion-mnist", "jax", "jit", "cpu", 1, Outcome.DIVERGED, "the loss is nan")
    made_up = Reproduction(Path("made-up"), System(), {"abc": trial}, Findings())
    assert list(trials.trials([made_up]).reason) == ["the loss is nan"]
    monkeypatch.setattr(trials, "_trial", lambda one, trial: {"tests_error": 1.0})
    with pytest.raises(ValueError, match="keys that are no columns: tests_error"):
        trials.trials([made_up])
