"""JSON that other programs read: what is not known is null."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.terminal import comparison
from results import strict_json
from results.compare.pairwise import Change, Report
from results.stats.estimates import Estimate
from results.stats.verdicts import Judgement, TimingVerdict

VALUES = {
    "NaN": (math.nan, None),
    "infinity": ((1.0, -math.inf), [1.0, None]),
    "NumPy's": ({"a": np.float64("nan"), "b": np.int64(3), "c": np.float32(0.5)}, {"a": None, "b": 3, "c": 0.5}),
    "pandas' no time": (pd.NaT, None),
    "text for others": ([datetime(2026, 1, 2, tzinfo=UTC), Path("x")], ["2026-01-02 00:00:00+00:00", "x"]),
    "keys": ({1: True}, {"1": True}),
}


@pytest.mark.parametrize("case", VALUES)
def test_what_is_written_is_json_with_null_for_what_is_no_number(case):
    given, read = VALUES[case]
    assert json.loads(strict_json.dumps(given), parse_constant=pytest.fail) == read


def test_a_comparison_of_one_launch_each_has_null_for_what_one_launch_does_not_tell():
    single = Estimate(1.1, math.nan, math.nan, 1)
    change = Change("case", "a:b", "w", 0.1, 0.11, single, math.nan, Judgement(TimingVerdict.UNCLEAR), math.inf)
    report = Report("before", "after", (change,), {}, {"a:b": single}, ())
    (case,) = json.loads(strict_json.dumps(comparison.as_json(report)), parse_constant=pytest.fail)["cases"]
    assert (case["ratio"], case["ratio_low"], case["p_slower"], case["launches_needed"]) == (1.1, None, None, None)
