"""What an installation holds, and that folders of the user's take the place of nothing in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.slow import slow_but
from tests.support.started import ROOT, tiny

PACKAGES = ("impls", "results", "fleet", "bench", "repro", "reports", "deadheat")
BACKEND = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["build-backend"]
BUILD = f"import sys, {BACKEND} as backend; getattr(backend, sys.argv[1])(sys.argv[2])"


@pytest.fixture(scope="module", params=slow_but(["build_wheel"], ["build_editable", "build_wheel"]))
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip installs: for `pip install -e .`, and otherwise."""
    folder = tmp_path_factory.mktemp(request.param)
    subprocess.run([sys.executable, "-c", BUILD, request.param, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment in which the wheel is installed, with the dependencies of this one."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=os.name != "nt")
    (site,) = [*home.glob("lib/python*/site-packages"), *home.glob("Lib/site-packages")]
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    elsewhere = [path for path in sys.path if Path(path).name == "site-packages"]
    (site / "dependencies.pth").write_text("\n".join(elsewhere), encoding="utf-8")
    return next(file for file in (home / "bin" / "python", home / "Scripts" / "python.exe") if file.exists())


@pytest.fixture(scope="module")
def deadheat(python: Path) -> Path:
    """The console command there, written as pip would."""
    find = "from importlib.metadata import entry_points as e; print(*(one.value for one in e(name='deadheat')))"
    module, _, function = run(python, "-c", find, cwd=python.parent).stdout.strip().partition(":")
    script = python.parent / "deadheat"
    script.write_text(f"import sys\nfrom {module} import {function}\nsys.exit({function}())\n", encoding="utf-8")
    return script


def run(python: Path, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run([python, *arguments], cwd=cwd, env=outside, capture_output=True, text=True)


def test_folders_called_like_the_packages_take_the_place_of_none(python: Path, tmp_path: Path) -> None:
    for name in PACKAGES:
        (tmp_path / name / "data").mkdir(parents=True)
    done = run(python, "-m", "reports", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "error: no campaign in 'results/data' yet; measure one with: python -m bench run\n",
    )
    done = run(python, "-c", f"import {', '.join(PACKAGES)}; print(results.load, bench.__file__)", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_second_run_in_an_empty_folder_is_as_good_as_the_first(python: Path, tmp_path: Path) -> None:
    for _ in range(2):
        done = run(python, "-m", "repro", "run", "--claims", "SPP-1", "-q", "--no-report", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "results" / "data").iterdir())) == 2


@pytest.mark.parametrize("stranger", ["results.py", "results/__init__.py", "bench/__init__.py"])
def test_a_package_of_the_users_own_is_named_in_one_line(python: Path, tmp_path: Path, stranger: str) -> None:
    (tmp_path / stranger).parent.mkdir(exist_ok=True)
    (tmp_path / stranger).touch()
    name = Path(stranger).parts[0].removesuffix(".py")
    done = run(python, "-m", "reports", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {str(tmp_path / stranger)!r} takes the place of Deadheat's package {name!r}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("wheel", ["build_wheel"], indirect=True)
def test_a_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    not_packaged = (ROOT / "results" / "data", ROOT / "reports" / "html")
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not any(map(path.is_relative_to, not_packaged))
    }
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == files


SUITE = tiny(
    *("fake-clock:slow", "fake-clock:fast"),
    workloads='[[workloads]]\narchitectures = ["lenet5"]\nbatches = [1]\nphases = ["infer"]\n',
)


@pytest.mark.slow
def test_the_console_command_measures_in_an_empty_folder_and_reads_it_back(
    python: Path, deadheat: Path, tmp_path: Path
) -> None:
    (tmp_path / "my.toml").write_text(SUITE, encoding="utf-8")
    done = run(python, deadheat, "run", "--suite=my.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (tmp_path / "results" / "data").iterdir()
    assert json.loads((folder / "system.json").read_text(encoding="utf-8"))["command"] == "deadheat run --suite=my.toml"
    assert (tmp_path / "reports" / "html" / "index.html").exists()
    for arguments in (("show",), ("compare", folder.name, folder.name), ("export", folder.name)):
        done = run(python, deadheat, *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "lenet5" in done.stdout


def test_the_console_command_describes_and_reproduces(python: Path, deadheat: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from impls import load_architecture\nNET = load_architecture('alexnet')\n")
    for name in ("alexnet", "mine.NET"):
        done = run(python, deadheat, "describe", name, "--json", cwd=tmp_path)
        assert json.loads(done.stdout)["parameters"] > 60e6, done.stderr
    asked = "reproduce", "--claims", "SPP-1", "-q", "--no-report"
    done = run(python, deadheat, *asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "results" / "data").iterdir()
    assert json.loads((folder / "system.json").read_text())["command"] == f"deadheat {' '.join(asked)}"


def test_the_contract_tests_are_found_where_they_are_installed(python: Path, tmp_path: Path) -> None:
    asked = "--pyargs", "deadheat.contract", "-p", "no:cacheprovider", "-q", "-k", "lenet5 or titles"
    done = run(python, "-m", "pytest", *asked, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
