"""Figures in the documents are generated from committed results; one that is typed is a fact that stands elsewhere.

Generated blocks are compared with what generates them in test_docs.py. Outside of them, and of code, every number with
a unit is looked up here: a setting of the harness in the file that sets it, a paper's figure beside its citation.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate import BLOCK, DOCUMENTS

ROOT = Path(__file__).parent.parent
PAGES = {str(page.relative_to(ROOT)): page for page in [*DOCUMENTS, ROOT / "CONTRIBUTING.md"]}

NUMBER = r"(?<![\w.,/-])\d[\d.,]*"
UNIT = (
    r"%|ns|µs|ms|s|h|seconds?|min|minutes?|hours?|[KMGT]?i?B|bytes?|W|J|Hz|[KMGT]?MACs?|images/s|points|times|"
    r"launches|cores?|lines|faster|slower"
)
WITH_UNIT = rf"{NUMBER}(?: (?:to|and|or|–) \d[\d.,]*)?\s?(?:{UNIT})(?!\w)"
FIGURE = re.compile(rf"{WITH_UNIT}|(?<!\d)[×±]\s?\d[\d.,]*(?:\s?%)?|(?<![\w.,])\d+\.\d+\b(?!\.\d)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
PLACE = re.compile(r"(section|table|figure|Table|Python ≥|Kubernetes) \d[\d.]*")

PRESETS = "bench/presets/standard.toml"
STATISTICS = "results/stats/estimates.py"
VERDICTS = "results/stats/verdicts.py"
STEPS = "tests/results/stats/test_steps.py"
FACTS = {
    ("README.md", "2 %"): (STATISTICS, "BAND = 0.02"),
    ("README.md", "6 %"): (VERDICTS, "DECIDED_PERCENT = 6"),
    ("README.md", "25 %"): (VERDICTS, "WIDEST_PERCENT = 25"),
    ("docs/ci.md", "2 %"): (STATISTICS, "BAND = 0.02"),
    ("docs/ci.md", "95 %"): (STATISTICS, "CONFIDENCE = 0.95"),
    ("docs/ci.md", "5 %"): (STATISTICS, "CONFIDENCE = 0.95"),
    ("docs/faq.md", "2 %"): (STATISTICS, "BAND = 0.02"),
    ("docs/faq.md", "6 %"): (VERDICTS, "DECIDED_PERCENT = 6"),
    ("docs/faq.md", "25 %"): (VERDICTS, "WIDEST_PERCENT = 25"),
    ("docs/faq.md", "1 %"): ("results/quality/interference.py", "THROTTLED_SHARE = 0.01"),
    ("docs/faq.md", "5 minutes"): (PRESETS, 'time_limit = "5m"'),
    ("docs/faq.md", "5 seconds"): ("bench/launch/process.py", "GRACE, GRACE_SHARE = 5.0, 0.1"),
    ("docs/fleet.md", "15 minutes"): ("fleet/engines/slurm.py", "SILENCE = 900.0"),
    ("docs/fleet.md", "24 hours"): ("repro/runner/remote.py", "TIME_LIMIT = 24 * 3600.0"),
    ("docs/fleet.md", "95 %"): ("fleet/engines/_ray_node.py", "Ray kills workers itself at 95 %"),
    ("docs/fleet.md", "15 s"): ("fleet/engines/_ray_node.py", "after five missed checks, 15 s"),
    ("docs/frameworks.md", "3 %"): ("reports/sections/ratios/levels.py", "LIMIT = 1.03"),
    ("docs/gpu.md", "50 ms"): ("bench/plan/suite.py", "GPU_ROUND_SECONDS = 0.05"),
    ("docs/gpu.md", "0.1 s"): ("bench/meters/nvml.py", "COUNTER_STEP = 0.1"),
    ("docs/gpu.md", "2 %"): ("results/quality/card.py", "CLOCK_SPREAD = 0.02"),
    ("docs/gpu.md", "8.0"): ("impls/host/hardware.py", '"bfloat16": (8, 0)'),
    ("docs/gpu.md", "95 %"): ("impls/frameworks/jax/__init__.py", '"XLA_PYTHON_CLIENT_MEM_FRACTION": ".95"'),
    ("docs/gpu.md", "1 GiB"): ("bench/cost/colocation.py", "RESERVE = 2**30"),
    ("docs/gpu.md", "2 s"): ("bench/meters/nvml.py", "SHORTEST = 2.0"),
    ("docs/gpu.md", "0.5 s"): ("bench/meters/nvml.py", "EDGE_LIMIT = 5 * COUNTER_STEP"),
    ("docs/gpu.md", "12 minutes"): ("bench/suites/gpu-first.toml", 'budget = "12m"'),
    ("docs/gpu.md", "90 %"): ("bench/worker/warmup.py", "ENOUGH = 0.9"),
    ("docs/method.md", "90 %"): ("bench/worker/warmup.py", "ENOUGH = 0.9"),
    ("docs/gpu.md", "10 s"): ("bench/scheduling/costs.py", "each case takes 10 s"),
    ("docs/gpu.md", "10 ns"): ("bench/scheduling/costs.py", "10 ns a weight"),
    ("docs/reproduction.md", "80 %"): ("repro/claims/power.py", "POWER = 0.8"),
    ("docs/method.md", "20 ms"): (PRESETS, "round_seconds = 0.02"),
    ("docs/method.md", "50 ms"): ("bench/plan/suite.py", "GPU_ROUND_SECONDS = 0.05"),
    ("docs/method.md", "2 %"): (STATISTICS, "BAND = 0.02"),
    ("docs/method.md", "6 %"): (VERDICTS, "DECIDED_PERCENT = 6"),
    ("docs/method.md", "25 %"): (VERDICTS, "WIDEST_PERCENT = 25"),
    ("docs/method.md", "95 %"): (STATISTICS, "CONFIDENCE = 0.95"),
    ("docs/method.md", "5 %"): (STATISTICS, "CONFIDENCE = 0.95"),
    ("docs/method.md", "93 %"): ("bench/validation/coverage/cli.py", "LEAST_COVERED = 0.93"),
    ("docs/method.md", "99 %"): (STATISTICS, "DETECTION_CONFIDENCE = 0.99"),
    ("docs/method.md", "64 MiB"): ("impls/host/process.py", "ARENA_BYTES = 64 * 2**20"),
    ("docs/method.md", "1 GB"): ("bench/worker/session.py", "NEW_BYTES_PER_SECOND = 1e9"),
    ("docs/method.md", "1 MiB"): ("bench/worker/session.py", "GROWTH_BYTES = 2**20"),
    ("docs/method.md", "0.15 cores"): ("results/quality/interference.py", "FOREIGN_CORES = 0.15"),
    ("docs/method.md", "1 %"): ("results/quality/interference.py", "STEAL_SHARE = 0.01"),
    ("docs/method.md", "10 ms"): ("results/schema/record.py", "TICK = 0.01"),
    ("docs/method.md", "1.5 %"): (STEPS, "rng.normal(0, 0.015, count)"),
    ("docs/method.md", "0.5"): (STEPS, "correlation 0.5"),
    ("docs/method.md", "10 %"): (STEPS, "[1.1, 1 / 1.1]"),
    ("docs/method.md", "85 %"): (STEPS, "0.85"),
    ("docs/method.md", "1.5 cores"): ("tests/impls/host/test_cgroups.py", "== 1.5"),
    ("docs/method.md", "5 s"): ("bench/launch/process.py", "GRACE, GRACE_SHARE = 5.0, 0.1"),
    ("docs/parallel.md", "3.75"): ("repro/papers/vgg/__init__.py", 'number="3.75 times"'),
    ("docs/parallel.md", "95 %"): (STATISTICS, "CONFIDENCE = 0.95"),
    ("docs/queries.md", "16 MiB"): ("results/store/mirroring.py", "LARGE = 2**24"),
    ("docs/reproduction.md", "95 %"): (STATISTICS, "CONFIDENCE = 0.95"),
    ("docs/reproduction.md", "98.9 %"): ("repro/claims/sequential.py", "CONFIDENCE = 0.989"),
    ("docs/results.md", "64 KiB"): ("results/store/logs.py", "HEAD_BYTES, TAIL_BYTES = 2**14, 2**16 - 2**14"),
    ("docs/sizes.md", "64 times"): ("docs/sizes.md", "He et al. 2015, tables 9 and 10"),
    ("docs/sizes.md", "24 times"): ("docs/sizes.md", "He et al. 2015, tables 9 and 10"),
    ("docs/sizes.md", "102 and 38 times"): ("docs/sizes.md", "He et al. 2015, tables 9 and 10"),
}
"""(page, figure): the file where it is set, and how it stands there."""


def figures(text: str) -> list[str]:
    prose = PLACE.sub("", CODE.sub("", BLOCK.sub("", text)))
    return [" ".join(found[0].split()).rstrip(".,") for found in FIGURE.finditer(prose)]


@pytest.mark.parametrize("page", PAGES)
def test_a_figure_that_is_typed_is_a_fact_that_stands_elsewhere(page):
    typed = {figure for figure in figures(PAGES[page].read_text()) if (page, figure) not in FACTS}
    assert not typed, f"generate them (docs/generate.py), or name in FACTS where they are set: {sorted(typed)}"


@pytest.mark.parametrize(("page", "figure"), FACTS)
def test_where_a_fact_is_said_to_stand_it_stands(page, figure):
    file, text = FACTS[page, figure]
    assert figure in figures(PAGES[page].read_text()), "it is no longer typed"
    assert text in (ROOT / file).read_text()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It took 12.5 ms, then 3 s.", ["12.5 ms", "3 s"]),
        ("It is ×0.8 or ±3% or 2.1 times faster.", ["×0.8", "±3%", "2.1 times"]),
        ("between 3 and 5 % of 2 cores in 1.06", ["3 and 5 %", "2 cores", "1.06"]),
        ("`--sustained 3s`, 1×1, section 2.3, Python ≥ 3.11, 10.0.0.1:6379, VGG-16, 224 by 224, 2 %ages", []),
        ("<!-- generated: x -->\n5 ms\n<!-- end -->", []),
        ("takes 8 GB, 512MiB, 7 minutes\nor 20\nminutes", ["8 GB", "512MiB", "7 minutes", "20 minutes"]),
    ],
)
def test_what_counts_as_a_figure(text, found):
    assert figures(text) == found
