"""What packages of others import: public names exist, are listed, and cost nothing until they are used."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import bench
import impls
import repro
import repro.data
import results

ROOT = Path(__file__).parent.parent
PUBLIC = {module.__name__: module for module in (impls, results, bench, repro, repro.data)}
EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)
MENTIONED = re.compile(r"`((?:impls|results|bench|repro)(?:\.\w+)+)(?:\(\))?`")
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("module", PUBLIC.values(), ids=PUBLIC)
def test_every_listed_name_is_there(module: ModuleType) -> None:
    assert sorted(set(module.__all__)) == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("module", PUBLIC.values(), ids=PUBLIC)
def test_every_name_that_is_imported_to_be_given_is_listed(module: ModuleType) -> None:
    """Under TYPE_CHECKING stands what type checkers see of the names that are imported when they are asked for."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    (seen,) = [node for node in tree.body if isinstance(node, ast.If)]
    types = {alias.name for node in seen.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert types == {name for name in module.__all__ if _is_late(module, name)}


def _is_late(module: ModuleType, name: str) -> bool:
    """Whether the package's `__getattr__` gives that name."""
    try:
        module.__getattr__(name)
    except AttributeError:
        return False
    return True


@pytest.mark.parametrize("module", PUBLIC.values(), ids=PUBLIC)
def test_a_name_that_is_not_there_is_an_error_of_its_own(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'no_such_name'"):
        module.no_such_name  # noqa: B018


@pytest.mark.parametrize("example", EXAMPLE.findall(PAGE), ids=lambda example: example.splitlines()[0])
def test_examples_import_public_names_only(example: str) -> None:
    for node in ast.walk(ast.parse(example)):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in PUBLIC:
            assert node.module in PUBLIC
            assert {alias.name for alias in node.names} <= set(PUBLIC[node.module].__all__)
        if isinstance(node, ast.Import):
            assert all(alias.name in PUBLIC or alias.name.partition(".")[0] not in PUBLIC for alias in node.names)


def test_names_that_the_page_mentions_exist() -> None:
    mentioned = set(MENTIONED.findall(PAGE))
    assert len(mentioned) >= 3
    for place in mentioned:
        module, _, name = place.rpartition(".")
        assert name in getattr(PUBLIC.get(module), "__all__", ()) or importlib.util.find_spec(place), place


FRAMEWORKS = {"torch", "tensorflow", "jax", "keras"}
HEAVY = {"numpy", "pandas", "pydantic", "scipy", "PIL", "pytest", "typer", "rich"} | FRAMEWORKS


@pytest.mark.parametrize("name", ["impls", "results", "bench", "repro"])
def test_importing_a_package_imports_nothing_heavy(name: str) -> None:
    script = f"import sys, {name}; print(sorted({HEAVY} & set(sys.modules)), 'bench.plugin' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"
