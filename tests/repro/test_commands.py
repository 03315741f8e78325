"""python -m repro as it is typed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from repro import cli, data
from repro.claims.claim import load_claim
from repro.runner import selection
from tests.support.preloaded import run_module

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def repro(tmp_path: Path) -> Run:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        keeps = ["--results", tmp_path / "results"] if arguments[0] in ("run", "train") else []
        return run_module(["repro", *arguments, *keeps], Path.cwd(), os.environ)

    return run


def test_list(repro: Run) -> None:
    listed = json.loads(repro("list", "--json").stdout)
    assert len(listed) > 50
    assert all({"id", "kind", "testable", "needs"} <= set(row) for row in listed)
    by_id = {row["id"]: row for row in listed}
    assert by_id["AX-11"]["testable"]
    assert by_id["AX-8"]["needs"] == ["imagenet"]
    assert "AX-11" in repro("list").stdout


def test_structural_claims_need_no_framework(repro: Run) -> None:
    listed = json.loads(repro("list", "--json").stdout)
    names = [row["id"] for row in listed if row["kind"] == "structural"]
    found = repro("run", "--claims", ",".join(names), "--json")
    assert found.returncode == 0, found.stderr
    verdicts = {one["id"]: one["verdict"] for one in json.loads(found.stdout)}
    assert set(verdicts) == set(names)
    assert set(verdicts.values()) == {"supported", "contradicted"}
    assert all(one["evidence"] for one in json.loads(found.stdout))


def test_unknown_claims_are_named_and_others_go_on(repro: Run) -> None:
    found = repro("run", "--claims", "AX-111, ln-1", "--json")
    assert found.returncode == 1
    assert [one["id"] for one in json.loads(found.stdout)] == ["LN-1"]
    assert found.stderr.startswith("error: unknown claim 'AX-111': did you mean 'AX-11'?")
    assert found.stderr.count("\n") == 1


def test_what_cannot_be_tested_says_what_it_needs(repro: Run) -> None:
    found = repro("run", "--claims", "AX-8,LN-1", "--json")
    assert found.returncode == 1
    untested, tested = json.loads(found.stdout)
    assert untested["verdict"] == "not testable here"
    assert "imagenet" in untested["evidence"].lower()
    assert tested["verdict"] == "supported"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--claims", "LN-2", "--framework", "pytroch"), "did you mean 'pytorch'"),
        (("run", "--claims", "LN-2", "--framework", "keras"), "can't be trained in parts"),
        (("run", "--claims", "LN-2", "--data", "fashion-mnits=/x"), "did you mean 'fashion-mnist'"),
        (("run", "--claims", "LN-2", "--data", "/x"), "not of the form NAME=PATH"),
        (("run", "--claims", "LN-2", "--budget", "soon"), "'soon' is not a number"),
        (("run", "--claims", "LN-1", "--resume", "nothing"), "no reproduction 'nothing'"),
        (("run", "--claims", "LN-1", "--name", "../x"), "a campaign's name is"),
        (("run", "--claims", "LN-2", "--device", "cuda"), "--device cuda: NVIDIA's driver cannot be asked"),
        (("plan", "--claims", "LN-2", "--framework", "pytroch"), "did you mean 'pytorch'"),
        (("run", "--claims", "LN-2", "--until-decided", "--seeds", "5"), "leave out --seeds"),
        (("judge", "nothing"), "no reproduction 'nothing'"),
        (("plan", "--data", "/x"), "not of the form NAME=PATH"),
        (("train", "lenet6"), "did you mean 'lenet5'"),
        (("train", "lenet5", "--framework", "jaxx"), "did you mean 'jax'"),
        (("download", "cifar11"), "did you mean 'cifar10'"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    keeps = ["--results", str(tmp_path / "results")] if arguments[0] in ("run", "train") else []
    found = CliRunner().invoke(cli.app, [*arguments, *keeps])
    assert found.exit_code == 2, found.output
    assert says in found.stderr
    assert found.stderr.startswith("error: ")
    assert found.stderr.strip().count("\n") == 0
    assert not found.stdout


def test_the_command_ends_with_the_status_of_a_mistake(repro: Run) -> None:
    found = repro("judge", "nothing")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("error: no reproduction 'nothing'")


def test_what_was_asked_for_in_vain_is_not_a_success(repro: Run, fashion: Path) -> None:
    out_of_time = repro("run", "--claims", "LN-5", "--budget", "0.001s", "--data", f"fashion-mnist={fashion}", "--json")
    assert out_of_time.returncode == 1
    assert json.loads(out_of_time.stdout)[0]["verdict"] == "inconclusive"
    typo = repro("run", "--claims", "LN-1", "--data", "cifar10=/no/such/folder", "--json")
    assert typo.returncode == 1
    assert "/no/such/folder" in typo.stderr
    assert json.loads(typo.stdout)[0]["verdict"] == "supported"  # the others go on


def test_plan(repro: Run, fashion: Path) -> None:
    found = repro("plan", "--claims", "AX-1,NIN-1,LN-1", "--data", f"fashion-mnist={fashion}", "--json")
    assert found.returncode == 0, found.stderr
    relu, nin = json.loads(found.stdout)
    assert (relu["id"], relu["data"], relu["problem"]) == ("AX-1", "fashion-mnist", "")
    assert relu["trials"] == 2 * 4 + 2 * 3
    assert relu["core_hours"] > 0, "by the trials of the reference reproduction"
    assert nin["problem"]
    assert "AX-1" in repro("plan", "--claims", "AX-1", "--data", f"fashion-mnist={fashion}").stdout
    assert repro("plan", "--claims", "AX-111").returncode == 2
    nothing = repro("plan", "--claims", "AX-7,LN-1")
    assert "AX-7: can't be tested: it needs ILSVRC-2010" in nothing.stderr
    assert "LN-1: takes no training" in nothing.stderr


def test_data(repro: Run) -> None:
    listed = json.loads(repro("data", "--json").stdout)
    assert {row["name"] for row in listed} >= {"mnist", "fashion-mnist", "cifar10", "cifar100", "svhn", "imagenet"}
    assert all(row["here"] or row["missing"] for row in listed)


def test_data_that_cheap_claims_need_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what goes wrong with that is said, and no more."""
    fetched, said = [], []

    def download(name: str) -> Path:
        fetched.append(name)
        raise data.DownloadFailed("no network")

    monkeypatch.setattr(data, "available", lambda name, path=None: False)
    monkeypatch.setattr(data, "download", download)
    wanted = [load_claim(name) for name in ("AX-1", "LN-2", "AX-8", "NIN-3", "LN-1")]
    selection.fetch(wanted, {}, said.append)
    assert fetched == ["fashion-mnist"]
    assert said == ["fashion-mnist is not here: fetching it", "error: no network"]
    selection.fetch(wanted, {"fashion-mnist": Path("given")}, said.append)
    assert len(fetched) == 1


def test_why_a_claim_could_not_be_tested_is_said(repro: Run, tmp_path: Path) -> None:
    """The file that is missing, on the terminal, and not only that something is."""
    (tmp_path / "empty").mkdir()
    found = repro("run", "--claims", "AX-1,LN-1", "--data", f"fashion-mnist={tmp_path / 'empty'}", "--no-report")
    assert found.returncode == 1
    (line,) = [line for line in found.stdout.splitlines() if line.startswith("not testable here: AX-1: ")]
    assert "train-images-idx3-ubyte" in line
    assert "LN-1" in found.stdout


def cifar_cut_short(folder: Path, fashion: Path) -> tuple[str, str]:
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    for name in names:
        (folder / name).write_bytes(bytes(3073 * 2 - (name == "data_batch_3.bin")))
    (folder / "batches.meta.txt").write_text("\n".join("abcdefghij"))
    return f"cifar10={folder}", "data_batch_3.bin is cut off or another format: expected 6146 bytes for 2 records"


def digits_named_as_cifar(folder: Path, fashion: Path) -> tuple[str, str]:
    return f"cifar10={fashion}", "cifar-10-binary.tar.gz is missing; its folder has: t10k-images-idx3-ubyte"


def photographs_of_other_classes(folder: Path, fashion: Path) -> tuple[str, str]:
    for part in ("train", "val"):
        (folder / part / "zebra").mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(folder / part / "zebra" / "one.png")
    return f"imagenette128={folder}", "the wrong classes: 'zebra' is none of Imagenette's"


def an_archive_in_place_of_a_folder(folder: Path, fashion: Path) -> tuple[str, str]:
    (folder / "imagenette2-160.tgz").write_bytes(b"packed")
    return f"imagenette128={folder / 'imagenette2-160.tgz'}", "is a file, and a folder is read; unpack it"


@pytest.mark.parametrize(
    "wrong",
    [cifar_cut_short, digits_named_as_cifar, photographs_of_other_classes, an_archive_in_place_of_a_folder],
    ids=lambda made: made.__name__,
)
def test_wrong_data_costs_its_claims_one_line(
    repro: Run, tmp_path: Path, fashion: Path, wrong: Callable[[Path, Path], tuple[str, str]]
) -> None:
    folder = tmp_path / "wrong"
    folder.mkdir()
    given, says = wrong(folder, fashion)
    claims = "AX-3,LN-1" if given.startswith("cifar10") else "AX-2,LN-1"
    found = repro("run", "--claims", claims, "--data", given, "--no-report")
    assert found.returncode == 1
    lines = [line for line in (found.stdout + found.stderr).splitlines() if says in line]
    assert lines, found.stdout + found.stderr
    assert len(set(lines)) <= 2, "on standard error before anything is read, and beside the claim"
    assert "1 supported" in found.stdout, "the other claim goes on"
    assert "Traceback" not in found.stderr
