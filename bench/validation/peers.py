"""Comparison with other harnesses on the selftest's pairs: `python -m bench.validation.peers --output FILE`.

Two functions, LeNet-5 in PyTorch and the same again (or 5 % slower, see bench.contestants.slowed), are timed by
pytest-benchmark, pyperf and torch.utils.benchmark as documented, one function after the other; and by Deadheat. All
tools have the same time limit and run interleaved. Each tool's own rule decides whether the two differ: pyperf has a
t test, Deadheat an interval; users of the others compare with a threshold, here Deadheat's band.
Needs `pip install 'deadheat[peers]'`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.clock import now
from bench.contestants.slowed import SLOWDOWNS
from bench.plan import settings
from bench.validation.load import background_load
from bench.validation.pairs import Plan, measure
from impls.command import main as start
from impls.command import one_line_errors, path_argument
from impls.errors import DeadheatError, InvalidInput
from impls.host import nvidia
from results import machine, strict_json
from results.schema.record import STEADY, Contestant
from results.stats.estimates import BAND
from results.units import seconds

ROOT = Path(__file__).parent.parent.parent
TOO_LONG = 600

STEP = """
import sys
sys.path.insert(0, {root!r})
import bench  # registers its frameworks
from impls import load_architecture
from impls.arrays import make_batch, make_statistics, make_weights
from impls.frameworks import Plan, load_framework

def step_of(suffix):
    network = load_architecture("lenet5").at()
    model = load_framework("slowed").build(Plan(network, "pytorch.eager-" + suffix))
    model.load(make_weights(network), make_statistics(network))
    images = make_batch(network, 1)
    batch, infer = model.put(images.images, images.labels), model.phase("infer")
    return lambda: model.synchronize(infer(batch))  # a slowed model adds its delay here
"""

PYTEST_BENCHMARK = """
def test_first(benchmark):
    benchmark(step_of({first!r}))

def test_second(benchmark):
    benchmark(step_of({second!r}))
"""

PYPERF = """
import pyperf
pyperf.Runner().bench_func("step", step_of({suffix!r}))
"""

TORCH = """
import json
import torch
from torch.utils.benchmark import Timer
torch_threads = torch.get_num_threads()
for suffix in ({first!r}, {second!r}):
    timer = Timer("step()", globals=dict(step=step_of(suffix)), num_threads=torch_threads)
    print(json.dumps(timer.blocked_autorange(min_run_time={seconds}).median))
"""


@dataclass(frozen=True)
class Outcome:
    """A tool's result for one pair; `different`: by the tool's own rule."""

    tool: str
    slowdown: float
    ratio: float
    different: bool
    seconds: float

    @property
    def found(self) -> bool:
        return self.different and (not self.slowdown or self.ratio > 1)


def pytest_benchmark(folder: Path, second: str, budget: float) -> tuple[float, bool]:
    """Two tests in turn; rule: --benchmark-compare-fail=median:2%."""
    (folder / "test_pair.py").write_text(
        STEP.format(root=str(ROOT)) + PYTEST_BENCHMARK.format(first="a", second=second)
    )
    options = [f"--benchmark-max-time={budget / 2}", "--benchmark-json=pair.json", "-p", "no:cacheprovider", "-q"]
    run(folder, "-m", "pytest", "--benchmark-only", "--rootdir=.", *options, "test_pair.py")
    medians = {
        entry["name"]: entry["stats"]["median"]
        for entry in json.loads((folder / "pair.json").read_text())["benchmarks"]
    }
    ratio = medians["test_second"] / medians["test_first"]
    return ratio, abs(ratio - 1) > BAND


def pyperf(folder: Path, second: str, budget: float) -> tuple[float, bool]:
    """As many fresh processes as the time allows; rule: the t test of compare_to."""
    processes = max(int(budget / 2 / PROCESS_SECONDS), 2)
    options = [f"--processes={processes}", "--values=20", "--warmups=1", "--min-time=0.02", "--quiet"]
    options += ["--inherit-environ", ",".join(environment())]
    for name, suffix in (("first", "a"), ("second", second)):
        (folder / f"{name}.py").write_text(STEP.format(root=str(ROOT)) + PYPERF.format(suffix=suffix))
        run(folder, f"{name}.py", *options, "-o", f"{name}.json")
    comparison = run(folder, "-m", "pyperf", "compare_to", "first.json", "second.json")
    means = [json.loads(run(folder, "-c", MEAN, f"{name}.json")) for name in ("first", "second")]
    return means[1] / means[0], "not significant" not in comparison.lower()


PROCESS_SECONDS = 2.5
"""Seconds of a pyperf process: two to import PyTorch, the rest for 20 values."""
MEAN = "import pyperf, sys; print(pyperf.Benchmark.load(sys.argv[1]).mean())"


def torch_benchmark(folder: Path, second: str, budget: float) -> tuple[float, bool]:
    """blocked_autorange of the first, then of the second; rule: Deadheat's band."""
    (folder / "pair.py").write_text(
        STEP.format(root=str(ROOT)) + TORCH.format(first="a", second=second, seconds=budget / 2)
    )
    first, after = map(json.loads, run(folder, "pair.py").split())
    return after / first, abs(after / first - 1) > BAND


def deadheat(folder: Path, second: str, budget: float) -> tuple[float, bool]:
    """A pair of the selftest, each with another order of turns; rule: the interval."""
    seed, contestant = random.randrange(2**32), Contestant("pytorch", "eager")
    plan = Plan(
        [contestant], ["lenet5"], [second], pairs=1, seconds=budget, budget=budget, phases=("infer",), seed=seed
    )
    (pair,) = measure(plan)
    if pair.failure:
        raise DeadheatError(f"deadheat: {pair.failure}")
    return pair.ratio, pair.found


NEEDED = ("pytest_benchmark", "pyperf", "torch")
TOOLS: Mapping[str, Callable[[Path, str, float], tuple[float, bool]]] = {
    "pytest-benchmark": pytest_benchmark,
    "pyperf": pyperf,
    "torch.utils.benchmark": torch_benchmark,
    "deadheat": deadheat,
}


def environment() -> dict[str, str]:
    """The variables of Deadheat's workers on the CPU, for any framework."""
    return {**settings.inherited(STEADY, os.environ), **settings.environment(), **nvidia.environment("cpu")}


def run(folder: Path, *command: str) -> str:
    """Standard output of a Python process in `folder`, with the variables of Deadheat's workers. Or DeadheatError."""
    try:
        done = subprocess.run(
            [sys.executable, *command], cwd=folder, env=environment(), capture_output=True, text=True, timeout=TOO_LONG
        )
    except subprocess.TimeoutExpired:
        raise DeadheatError(f"{command[0]} did not end within {TOO_LONG} s") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise DeadheatError(f"{' '.join(command[:2])} failed: {last}")
    return done.stdout


@contextmanager
def _folder() -> Any:
    with tempfile.TemporaryDirectory(prefix="deadheat-peers-") as name:
        yield Path(name)


def ask(tool: str, second: str, budget: float) -> Outcome:
    start = now()
    with _folder() as folder:
        ratio, different = TOOLS[tool](folder, second, budget)
    return Outcome(tool, SLOWDOWNS[second], ratio, different, round(now() - start, 1))


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@one_line_errors
def main(
    output: Annotated[Path, typer.Option(parser=path_argument, help="JSON file to write.")],
    pairs: Annotated[int, typer.Option(help="Pairs of each kind and tool.")] = 20,
    pair_seconds: Annotated[str, typer.Option(help="Measuring time per pair.")] = "10s",
    budget: Annotated[str, typer.Option(help="Time for all pairs.")] = "20m",
    burning: Annotated[int, typer.Option("--burners", help="Background CPU hogs to run meanwhile.")] = 0,
) -> None:
    """Measure pairs with every tool, in random order, until all are measured or the budget is spent."""
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise InvalidInput(f"not installed: {', '.join(missing)}; pip install 'deadheat[peers]'")
    order, deadline, outcomes = random.Random(0), now() + seconds(budget), []
    if not output.parent.is_dir():
        raise InvalidInput(f"--output {output}: no such folder {output.parent}; create it first")
    combinations = [(tool, second) for tool in TOOLS for second in ("b", "5")]
    with background_load(burning):
        for tool, second in (pair for _ in range(pairs) for pair in order.sample(combinations, len(combinations))):
            if now() > deadline:
                break
            outcomes.append(ask(tool, second, seconds(pair_seconds)))
            print(outcomes[-1], flush=True)
    report = {
        "burners": burning,
        "machine": machine.describe(nvidia.state()),
        "outcomes": [asdict(outcome) for outcome in outcomes],
    }
    output.write_text(strict_json.dumps(report) + "\n", encoding="utf-8")


if __name__ == "__main__":
    start("bench.validation.peers", "python -m bench.validation.peers")
