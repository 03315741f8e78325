"""`list` and `describe`: what they say, and that they start without anything heavy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from impls.architectures import architectures


def test_list_json_has_what_there_is_and_what_comes_from_outside(run):
    found = json.loads(run("bench", "list", "--json").stdout)
    assert set(found["architectures"]) == set(architectures()) | {"outside-mlp", "outside-alexnet"}
    frameworks = {one["name"]: one for one in found["frameworks"]}
    assert set(frameworks) == {"pytorch", "tensorflow", "jax", "keras", "onnx", "outside"}
    assert frameworks["pytorch"]["executions"] == [
        "eager",
        "eager-nhwc",
        "compile",
        "compile-dynamic",
        "compile-graphs",
        "idiomatic",
        "compile-frozen",
        "aot",
        "ddp",
    ]
    assert frameworks["tensorflow"]["executions"] == [
        "graph",
        "xla",
        "graph-any-size",
        "eager",
        "idiomatic",
        "mirrored",
    ]
    assert frameworks["outside"]["installed"] is True
    assert {"smoke", "quick"} <= set(found["suites"])


def test_list_text_names_everything(run):
    text = run("bench", "list").stdout
    for name in ("outside-mlp", "vgg-e", "eager-nhwc", "quick", "runs inference only", "(idiomatic)"):
        assert name in text


def test_describe_json_has_the_totals(run):
    found = json.loads(run("bench", "describe", "lenet5", "--json").stdout)
    assert (found["architecture"], found["input_shape"]) == ("lenet5", [1, 32, 32])
    assert (found["parameters"], found["connections"]) == (60_000, 340_908)
    c3 = next(layer for layer in found["layers"] if layer["name"] == "c3")
    assert (c3["output_shape"], c3["parameters"], c3["macs"]) == ([16, 10, 10], 1_516, 150_000)
    assert sum(layer["macs"] for layer in found["layers"]) == found["macs"]


def test_describe_takes_size_channels_and_classes(run):
    found = json.loads(
        run("bench", "describe", "zf5-spp", "--size", "180x240", "--channels", "1", "--classes", "7", "--json").stdout
    )
    assert found["input_shape"] == [1, 180, 240]
    assert found["layers"][-1]["output_shape"] == [7]


def test_describe_text_cites_its_source_and_its_deviations(run):
    text = run("bench", "describe", "alexnet").stdout
    assert "60,965,224" in text
    assert "724,406,816" in text
    assert "Krizhevsky et al. 2012, section 3.5" in text
    assert "deviations from the source:" in text


@pytest.mark.parametrize(
    "arguments", [["list"], ["list", "--json"], ["describe", "vgg-e"], ["describe", "vgg-e", "--json"]]
)
def test_nothing_heavy_is_imported_to_look_around(arguments):
    script = (
        "import sys; from typer.testing import CliRunner; from bench.cli import app; "
        f"assert CliRunner().invoke(app, {arguments!r}).exit_code == 0; "
        "heavy = {'numpy', 'pandas', 'scipy', 'matplotlib', 'torch', 'tensorflow', 'jax', 'keras'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
