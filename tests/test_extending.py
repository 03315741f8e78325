"""docs/extending.md: its package, installed as it stands there, measures, reproduces and is listed."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import results
from bench.plan import cases as plan_cases
from bench.plan import suite
from tests.support.preloaded import run_module

ROOT = Path(__file__).parent.parent
EXAMPLE = re.compile(r"```\w+\n# (?P<file>\S+)\n(?P<text>.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The page's files in a folder, with the entry points that installing them would leave."""
    home = tmp_path_factory.mktemp("package")
    for example in EXAMPLE.finditer((ROOT / "docs" / "extending.md").read_text()):
        file = home / example["file"]
        file.parent.mkdir(exist_ok=True)
        file.write_text(example["text"])
    groups = tomllib.loads((home / "pyproject.toml").read_text())["project"]["entry-points"]
    installed = home / "my_package-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    lines = [f"[{group}]\n{name} = {value}\n" for group, named in groups.items() for name, value in named.items()]
    (installed / "entry_points.txt").write_text("".join(lines))
    return home


@pytest.fixture(scope="module")
def use(package):
    """Runs `python -m MODULE ARGUMENT...` where the package is installed."""

    def use(*arguments: object, answers: int = 0, paths: Sequence[Path] = ()) -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, package, *paths))), "NO_COLOR": "1"}
        done = run_module(arguments, ROOT, environment)
        assert done.returncode == answers, done.stdout + done.stderr
        return done.stdout

    return use


def test_every_example_of_the_page_is_used_here():
    page = (ROOT / "docs" / "extending.md").read_text()
    assert page.count("```") == 2 * len(EXAMPLE.findall(page))


def test_the_suite_is_sound(package):
    assert len(plan_cases.cases(suite.load_suite(str(package / "alexnet.toml")), "cpu")) == 2 * 3 * 2 * 2


def test_the_network_is_described(use):
    for name in ("tiny", "my_package.network.TINY"):
        assert json.loads(use("bench", "describe", name, "--json"))["parameters"] == 16 * 10 + 16 * 14 * 14 * 10 + 10
    listed = json.loads(use("bench", "list", "--json"))
    assert {"tiny", "softmax"} <= set(listed["architectures"])
    assert "mine" in {one["name"] for one in listed["frameworks"]}


@pytest.mark.slow
def test_the_framework_computes_what_pytorch_does_and_the_suite_measures_both(use, package):
    data = package / "campaigns"
    use(
        *("pytest", "--benchmark-only", f"--suite={package / 'my_suite.toml'}", f"--results={data}", "--no-report"),
        *("-p", "no:cacheprovider", "-q", "-k", "20x24 and b64", "--budget=10m"),  # its own is too little beside others
    )
    cases = results.load(rows="cases", data=data)
    assert list(cases.contestant.unique()) == ["pytorch:eager", "mine:numpy"]
    assert set(cases.phase) == {"infer", "train"}
    assert (cases.status == "measured").all(), cases.reason
    assert (cases.launches == 3).all()
    assert cases[cases.contestant == "mine:numpy"].verdict.notna().all()


CONTRACT = "pytest", "--pyargs", "deadheat.contract", "-p", "no:cacheprovider", "-q", "-rfs", "-k"


@pytest.mark.slow
def test_the_package_passes_the_contract_tests(use):
    said = use(*CONTRACT, "tiny or softmax or mine")
    outcomes = re.search(r"(\d+) passed, (\d+) skipped", said)
    assert outcomes is not None
    assert int(outcomes[1]) > 20
    assert int(outcomes[2]) == 3, said  # dropout, which it does not have
    assert "mine: one full connection is all it knows" in said


PLANTED = """
from dataclasses import replace

from my_package.framework import MINE
from my_package.model import Regression

DOUBLED, REMEMBERS, STALE = (
    replace(MINE, name=name, model=f"planted:{name.title()}") for name in ("doubled", "remembers", "stale")
)


class Doubled(Regression):
    def gradients(self, outputs):
        return {name: 2 * array for name, array in outputs[1].items()}


class Remembers(Regression):
    def load(self, weights, statistics):
        velocity = getattr(self, "_velocity", None)
        super().load(weights, statistics)
        self._velocity = velocity or self._velocity


class Stale(Regression):
    def infer(self, batch):
        self._compiled = getattr(self, "_compiled", self.weights())
        return batch[0] @ self._compiled[self._weight].T + self._compiled[self._bias]
"""


@pytest.mark.slow
def test_the_contract_tests_fail_for_a_framework_that_computes_wrongly(use, tmp_path):
    (tmp_path / "planted.py").write_text(PLANTED)
    installed = tmp_path / "planted-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[deadheat.frameworks]\nplanted = planted\n")
    said = use(*CONTRACT, "doubled or remembers or stale", answers=1, paths=(tmp_path,))
    assert set(re.findall(r"FAILED \S+::test_(\w+)\[(\w+):numpy\]", said)) == {
        ("gradients_are_those_of_the_loss_by_the_networks_names", "doubled"),
        ("train_follows_the_one_update_rule", "doubled"),
        ("loading_forgets_the_momentum", "remembers"),
        ("phases_after_train_see_its_weights", "stale"),
    }


def test_the_simulated_campaign_is_as_the_page_says(use, package):
    said = use(
        "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={package}", package / "my_package/test_simulated.py"
    )
    assert "1 passed" in said


def test_the_data_set_is_read_and_the_claims_are_tested_on_it(use, package):
    digits = package / "data"
    digits.mkdir()
    np.savez(digits / "digits.npz", **made_up("train", 400), **made_up("test", 200))
    asked = "--claims", "XY-1,XY-2", "--seeds", 2, "--framework", "oracle.regression", "--data", f"my-digits={digits}"
    paths = [ROOT / "tests"]  # it imports in no time, unlike those that are listed
    found = json.loads(use("repro", "run", *asked, "--results", package / "trials", "--json", paths=paths))
    structural, training = found
    assert (structural["verdict"], structural["evidence"]) == ("supported", "60,000 parameters")
    assert training["id"] == "XY-2"
    assert training["seeds"] == 2
    assert training["contrasts"][0]["value"] < 0, "400 images teach more than 20"
    assert "my-digits" in {row["name"] for row in json.loads(use("repro", "data", "--json"))}


def made_up(part: str, count: int) -> dict[str, np.ndarray]:
    """Images of noise, in which a row that is the class's own is bright."""
    rng = np.random.default_rng(count)
    labels = rng.integers(10, size=count)
    images = rng.integers(200, size=(count, 1, 28, 28), dtype=np.uint8)
    images[np.arange(count), 0, 2 * labels] += 55
    return {f"{part}_images": images, f"{part}_labels": labels}
