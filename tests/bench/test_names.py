"""Networks and frameworks that only benchmarks need have names of their own, which no listing shows."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import bench
from bench import options
from bench.plan import cases
from bench.plan import suite as suites
from bench.session import Options, build_session
from impls import registry
from impls.architectures import architectures, load_architecture
from impls.errors import DeadheatError, UnknownName
from impls.frameworks import Framework, frameworks, load_framework
from results.schema import renames
from results.schema.record import SCHEMA
from results.store.campaigns import read_campaign

ROOT = Path(__file__).parents[2]
NETWORKS = (*renames.ARCHITECTURES.values(), "probe-gemv")


@pytest.mark.parametrize("name", NETWORKS)
def test_an_unlisted_network_is_found_by_its_name(name):
    assert load_architecture(name).name == name
    assert load_architecture(name).at().macs > 0
    assert name not in architectures()


@pytest.mark.parametrize("name", renames.FRAMEWORKS.values())
def test_an_unlisted_framework_is_found_by_its_name(name):
    assert load_framework(name).name == name
    assert name not in frameworks()


def test_every_unlisted_name_is_renamed_from_its_earlier_one():
    """Or a campaign from before would not pair with one of today. Newer ones never had another."""
    found = registry.find_unlisted("deadheat.frameworks", Framework, ())
    assert sorted(found) == sorted([*renames.FRAMEWORKS.values(), "keras-applications", "torchvision", "without"])


def test_unlisted_names_are_found_without_the_plugin_and_frameworks_are_not_imported():
    """As in a zygote, or in another interpreter."""
    code = (
        "import sys, bench.worker.tasks;"
        "from impls import load_architecture; from impls.frameworks import load_framework;"
        "load_architecture('lenet5'); load_framework('pytorch');"
        "assert not {'bench.networks.probes', 'bench.contestants.slowed'} & set(sys.modules), "
        "'needed for no listed name';"
        "print(load_architecture('probe-gemv').name, load_framework('pytorch-spp').name);"
        "print({'bench.plugin', 'pytest', 'torch', 'jax', 'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "probe-gemv pytorch-spp\nset()\n", done.stderr


def test_a_listed_name_that_is_unlisted_too_is_refused():
    with pytest.raises(DeadheatError, match="two deadheat.frameworks are called 'slowed'; rename one"):
        registry.find_unlisted("deadheat.frameworks", Framework, {"slowed": None})


def test_a_name_that_is_nowhere_is_refused_and_unlisted_names_are_not_offered():
    with pytest.raises(UnknownName) as architecture:
        load_architecture("probe-gem")
    with pytest.raises(UnknownName) as framework:
        load_framework("pytorch-by-hand")
    assert "probe-gemv" not in str(architecture.value)
    assert "pytorch-handwritten" not in str(framework.value)


def test_modules_are_added_once():
    before = dict(registry._unlisted)
    registry.add_unlisted("deadheat.frameworks", bench.CONTESTANTS)
    assert registry._unlisted == before


CASES = {
    "deployment": (40, "bd43d033a5958426"),
    "gpu": (80, "9aa68262cefff71d"),
    "gpu-batches": (68, "9cba960b3b4070c4"),
    "gpu-first": (18, "c9b4b0bedc80cc67"),
    "gpu-latency": (20, "276def45a161da52"),
    "gpu-limits": (9, "e15932e9e58a1ea8"),
    "gpu-precisions": (72, "2e40c13cf88927f2"),
    "handwritten-jax": (4, "f97dde8bb14ca001"),
    "handwritten-keras": (4, "a935bf83504a3413"),
    "handwritten-pytorch": (4, "9f824acae686f74e"),
    "handwritten-tensorflow": (4, "b29d106bba8212d8"),
    "interference": (6, "28fd4e172057d0f8"),
    "latency": (12, "399aa1fd8c72ea9b"),
    "launches": (6, "28fd4e172057d0f8"),
    "layers": (138, "7379094173bc3373"),
    "levels-jax": (20, "52615684e235be00"),
    "levels-keras": (20, "b3c637db288d05c8"),
    "levels-pytorch": (20, "a9a422df547a1373"),
    "levels-tensorflow": (24, "fa7916b2ced90669"),
    "limits": (40, "d365954fcf262399"),
    "multisize": (16, "f728948604610e04"),
    "overhead": (0, "e3b0c44298fc1c14"),
    "parallel": (27, "0ba32389fec52c7f"),
    "parallel-gpu": (60, "d08665214f6fceaa"),
    "precisions": (48, "844c4c9319faa743"),
    "quick": (88, "4783d0d2b3bffde0"),
    "settings": (24, "5831c16c0a834b7c"),
    "smoke": (12, "0dd922acf3ee743c"),
    "spp": (300, "1c79b5c308c41e65"),
    "spp-layer": (0, "e3b0c44298fc1c14"),
    "stream": (35, "02ba497421acf817"),
    "stream-compile": (15, "6a512061ec0863f7"),
    "vendors": (12, "20c4b898a10aa741"),
    "windows": (15, "b59e711228f3acfe"),
}
"""How many cases of each suite are of listed networks in listed frameworks, and the start of a SHA-256 of their ids."""


@pytest.mark.parametrize("name", CASES)
def test_ids_of_the_papers_networks_stay(name):
    """An id is what old and new campaigns pair by: change one only with an entry in results.schema.renames."""
    listed = [
        case.id
        for case in cases.cases(suites.load_suite(name), "cpu")
        if case.workload.architecture.partition("/")[0] in architectures() and case.contestant.framework in frameworks()
    ]
    assert (len(listed), hashlib.sha256("\n".join(listed).encode()).hexdigest()[:16]) == CASES[name]


def test_every_suite_has_its_ids_held():
    assert set(CASES) == set(suites.suite_names())


def test_a_suite_with_earlier_names_has_todays_and_a_line_says_so(tmp_path, capsys):
    renames._tell.cache_clear()
    (tmp_path / "old.toml").write_text(
        'title = "old"\ncontestants = ["bench.virtual:fast"]\n'
        '[[workloads]]\narchitectures = ["bench.ceilings.PRODUCT"]\nbatches = [2]\nphases = ["infer"]\n'
        'contestants = ["bench.virtual:slow"]\n'
    )
    suite = suites.load_suite(str(tmp_path / "old.toml"))
    assert [case.id for case in cases.cases(suite, "cpu")] == [
        "probe-matmul-2x32x32-k2048-b2-float32-cpu-infer-fake-clock:slow"
    ]
    assert suite.contestants == ("fake-clock:fast",)
    said = capsys.readouterr().err
    assert said.count("'bench.virtual' was renamed to 'fake-clock'") == 1
    assert "'bench.ceilings.PRODUCT' was renamed to 'probe-matmul'" in said


def test_renamed_keys_are_todays_fields():
    assert set(renames.SUITE_KEYS.values()) <= set(suites.Suite.model_fields)
    assert not set(renames.SUITE_KEYS) & set(suites.Suite.model_fields)


def test_a_suite_with_earlier_keys_is_taken(tmp_path, capsys):
    renames._tell.cache_clear()
    (tmp_path / "old.toml").write_text(
        'title = "old"\ncontestants = ["fake-clock:fast"]\nredos = 2\nfresh = true\nturn_seconds = "7s"\nsoak = "3s"\n'
        '[[workloads]]\narchitectures = ["lenet5"]\nbatches = [2]\n'
    )
    suite = suites.load_suite(str(tmp_path / "old.toml"))
    assert (suite.max_retries, suite.fresh_interpreter, suite.max_turn_seconds, suite.sustained) == (2, True, 7, 3)
    assert capsys.readouterr().err.count("; the earlier name is still accepted") == 4


def test_an_earlier_suite_is_taken_and_not_listed(capsys):
    renames._tell.cache_clear()
    for earlier, now in renames.SUITES.items():
        assert suites.load_suite(earlier) == suites.load_suite(now)
        said = f"suite {earlier!r} was renamed to {now!r}; the earlier name is still accepted\n"
        assert capsys.readouterr().err == said
    assert not set(renames.SUITES) & set(suites.suite_names())


def test_an_earlier_option_is_taken_and_not_shown(capsys):
    renames._tell.cache_clear()
    assert options.in_full(["--soak=3s", "--soak", "4s"]) == ["--bench-sustained=3s", "--bench-sustained", "4s"]
    assert (
        capsys.readouterr().err == "option '--soak' was renamed to '--sustained'; the earlier name is still accepted\n"
    )
    assert not set(renames.OPTIONS) & {name for option in options.OPTIONS for name in (option.short, option.own)}
    assert set(renames.OPTIONS.values()) <= set(options.BY_SHORT)


def test_another_plug_ins_option_of_an_earlier_name_is_left_alone():
    assert options.in_full(["--soak=3s"], is_taken=lambda name: name == "--soak") == ["--soak=3s"]


@pytest.mark.parametrize("name", ["reference-overhead", "reference-windows", "reference-cpu-2cores"])
def test_a_campaign_of_an_earlier_schema_goes_on(name, tmp_path):
    shutil.copytree(ROOT / "results" / "data" / name, tmp_path / name)
    before = json.loads((tmp_path / name / "system.json").read_text())
    session = build_session(Options(suite="quick", results=tmp_path, resume=name))
    assert session.earlier
    assert len(session.cases) == len(before["cases"])
    for earlier, now in renames.SUITE_KEYS.items():
        assert getattr(session.suite, now) == before["suite"].get(earlier, 0)
    assert {record.case for record in session.earlier.records} <= set(session.cases)
    with_new = session._writer(session.cases, "again", [])
    with_new.append([replace(session.earlier.records[0], launch=99)])
    with_new.close()
    found = read_campaign(tmp_path / name)
    assert found.system.schema_version == SCHEMA
    assert not found.problems
    assert found.records[-1].case == found.records[0].case, "the first line is of the earlier schema, the last of ours"
