"""The folder of tables is their registry: what is in it is loaded, exported, offered and documented."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import bench.cli
import results
from docs import generate
from impls.errors import UnknownName
from results import tables
from results.schema.record import Case, Contestant
from results.store.campaigns import CampaignWriter
from results.tables import load_table, table_names
from tests.support.made_up import measured, workload

ADDED = '''
import pandas as pd

from results.schema.columns import Column
from results.tables import CAMPAIGNS, Table


def counts(campaigns):
    """One row a campaign."""
    return pd.DataFrame([{"records": len(one.records)} for one in campaigns], columns=["records"])


TABLE = Table((Column("records", "", "how many there are"),), counts, CAMPAIGNS)
'''


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A campaign, with a table in the registry's folder that no list names."""
    (tmp_path / "counts.py").write_text(ADDED)
    (tmp_path / "_helper.py").write_text("raise AssertionError('no table')")
    monkeypatch.setattr(tables, "__path__", [*tables.__path__, str(tmp_path)])
    case = Case(workload(), Contestant("alpha", "eager"))
    writer = CampaignWriter.create(tmp_path, "made-up", {})
    writer.append([measured(case, launch, [0.01]) for launch in range(3)])
    writer.close()
    yield writer.folder
    sys.modules.pop("results.tables.counts", None)


def fresh_command_line() -> typer.Typer:
    """As a new process has it."""
    spec = spec_from_file_location("cli_of_this_test", bench.cli.__file__)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(module := module_from_spec(spec))
    return module.app


def test_a_file_in_the_folder_is_a_table(added: Path) -> None:
    assert "counts" in table_names()
    assert results.load(added, rows="counts").to_dict("records") == [{"records": 3}]
    assert "_helper" not in table_names()


def test_it_is_offered_by_the_command_line_and_documented(added: Path) -> None:
    command_line = fresh_command_line()
    exported = CliRunner().invoke(command_line, ["export", str(added), "--rows", "counts", "--to", "json"])
    assert (exported.exit_code, exported.stdout) == (0, '[\n  {\n    "records": 3\n  }\n]\n')
    assert "counts" in CliRunner().invoke(command_line, ["export", "--help"]).stdout
    assert '### `results.load(rows="counts")`\n\nOf campaigns. One row a campaign.\n\n' in generate.columns()


def test_a_table_that_is_not_there_is_one_line() -> None:
    with pytest.raises(UnknownName, match="unknown table 'case': did you mean 'cases'"):
        results.load(rows="case")


@pytest.mark.parametrize("name", table_names())
def test_every_table_makes_its_columns_even_of_nothing(name: str) -> None:
    table = load_table(name)
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert list(table.make([]).columns) == names
    assert generate.what_a_row_is(table)[-1] == "."
