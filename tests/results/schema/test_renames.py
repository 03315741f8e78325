"""What was stored under earlier names is read under today's, wherever it stands."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from pathlib import Path

import pytest

from bench.runner.usage import NO_SUSTAINED_RUN
from results import quality
from results.schema import renames
from results.schema.columns import USAGE
from results.schema.record import (
    SCHEMA,
    Case,
    Contestant,
    Parity,
    Record,
    Status,
    UnreadableRecord,
    Usage,
    Workload,
    from_json,
    to_json,
)
from results.store.campaigns import DATA, read_campaign
from results.tables import load_table, table_names

CASE = Case(Workload("alexnet", 227, 227, 3, 1000, 4, "float32", "cpu", "train"), Contestant("jax", "jit"))
EARLIER = {**renames.ARCHITECTURES, **renames.FRAMEWORKS}
PRODUCT = Workload("bench.ceilings.PRODUCT", 32, 32, 2, 2048, 512, "float32", "cpu", "infer")
VECTOR = replace(PRODUCT, channels=8, classes=4096, batch=1)


def line(case: Case, schema: int = 5, **facts: object) -> str:
    """A record's line as that schema wrote it."""
    of_today = json.loads(to_json(Record(case, 0, Status.FAILED, "x")))
    then = {key: value for key, value in of_today.items() if key not in renames.RECORD_FIELDS.values()}
    return json.dumps({**then, **facts, "schema": schema})


def case(architecture: str = "alexnet", framework: str = "jax", **shape: int) -> Case:
    return Case(replace(PRODUCT, architecture=architecture, **shape), Contestant(framework, "jit"))


@pytest.mark.parametrize(("earlier", "now"), renames.ARCHITECTURES.items())
def test_a_record_of_an_earlier_schema_has_todays_architecture(earlier, now):
    assert from_json(line(case(earlier))) == Record(case(now), 0, Status.FAILED, "x", schema=5)
    assert from_json(line(case(f"{earlier}/conv1"))).case.workload.architecture == f"{now}/conv1"


@pytest.mark.parametrize(("earlier", "now"), renames.FRAMEWORKS.items())
def test_a_record_of_an_earlier_schema_has_todays_framework(earlier, now):
    assert from_json(line(case(framework=earlier))) == Record(case(framework=now), 0, Status.FAILED, "x", schema=5)


@pytest.mark.parametrize("shape", [VECTOR, replace(VECTOR, channels=16, classes=16384, device="cuda")])
def test_the_matrix_product_in_the_shape_of_the_other_probe_is_that_one(shape):
    found = from_json(line(Case(shape, Contestant("jax", "jit"))))
    assert found.case.workload == replace(shape, architecture="probe-gemv")
    assert renames.in_text(f"see {shape.id}-jax:jit") == f"see {found.case.id}"


def test_the_matrix_product_of_one_row_in_another_shape_is_a_matrix_product():
    assert from_json(line(case("bench.ceilings.PRODUCT", batch=1))).case.workload.architecture == "probe-matmul"


@pytest.mark.parametrize("name", ["alexnet", "my.NET", "bench.ceilings.PRODUCTS", "my.bench.virtual", "my.bench"])
def test_other_names_stay(name):
    assert from_json(line(case(name, name))).case == case(name, name)
    assert renames.in_text(f"{name}, {name}-2x32") == f"{name}, {name}-2x32"


def test_what_this_schema_wrote_is_not_renamed():
    taken = case("bench.ceilings.PRODUCT", "bench.virtual")
    assert from_json(line(taken, schema=SCHEMA)).case == taken


def test_a_record_that_is_renamed_loses_nothing():
    parity = Parity(math.inf, 0.1 + 0.2, math.nan, "conv1.weight", 4)
    earlier = case(framework="bench.virtual")
    record = Record(earlier, 3, Status.MEASURED, seconds=(1e-9, 1 / 3), parity=parity, schema=5)
    found = from_json(to_json(record))
    assert repr(found) == repr(replace(record, case=case(framework="fake-clock")))


def test_system_json_has_todays_names_in_keys_and_texts_but_not_in_what_was_typed():
    typed = "pytest -k bench.virtual:fast"
    system = {
        "cases": [f"{VECTOR.id}-bench.virtual:fast"],
        "rules": {VECTOR.network_id: "launches"},
        "suite": {"contestants": ["bench.virtual:fast@old", 3], "ceilings": True},
        "note": "made by bench.virtual.",
        "command": typed,
        "resumed": [typed],
    }
    shape = VECTOR.id.removeprefix(VECTOR.architecture)
    assert renames.of_system(system) == {
        "cases": [f"probe-gemv{shape}-fake-clock:fast"],
        "rules": {f"probe-gemv{shape.removesuffix('-infer')}": "launches"},
        "suite": {"contestants": ["fake-clock:fast@old", 3], "ceilings": True},
        "note": "made by fake-clock.",
        "command": typed,
        "resumed": [typed],
    }
    assert renames.of_system({"schema": SCHEMA, "note": "bench.virtual"})["note"] == "bench.virtual"


@pytest.mark.parametrize("odd", [{}, {"schema": "?", "cases": 3}, {"cases": [None, {"a": [1.5]}]}])
def test_system_json_that_says_something_odd_is_kept(odd):
    assert renames.of_system(odd) == odd


def test_a_record_of_an_earlier_schema_has_todays_fields_and_quantities():
    known = {
        "values": {"host_bytes": 1.5},
        "missing": {"soak_cores": "no card"},
        "sources": {"host_launch_bytes": "us"},
    }
    found = from_json(line(CASE, steady=False, bound_threads=2, arithmetic="tf32", usage=known))
    assert (found.warmup_converged, found.pinned_threads, found.effective_precision) == (False, 2, "tf32")
    assert found.usage == Usage(
        {"peak_rss_step_bytes": 1.5}, {"sustained_cpus_used": "no card"}, {"peak_rss_launch_bytes": "us"}
    )


def test_an_unasked_quantity_of_an_earlier_schema_is_still_unasked():
    """Or a campaign that goes on with --sustained would not ask."""
    missing = {"soak_cores": "no soak was asked for; --soak 3s gives one"}
    found = from_json(line(CASE, usage={"values": {}, "missing": missing, "sources": {}}))
    assert found.usage.missing == {"sustained_cpus_used": NO_SUSTAINED_RUN}


@pytest.mark.parametrize("usage", [3, {"values": 3}, {"missing": [1]}])
def test_damage_in_a_record_of_an_earlier_schema_is_named(usage):
    with pytest.raises(UnreadableRecord, match="usage"):
        from_json(line(CASE, usage=usage))


def test_system_json_has_todays_keys_of_the_suite_only():
    system = {"suite": {"redos": 3, "soak": 1.0, "fresh": True, "turn_seconds": 2, "rounds": 1}, "redos": 7}
    now = {"max_retries": 3, "sustained": 1.0, "fresh_interpreter": True, "max_turn_seconds": 2, "rounds": 1}
    assert renames.of_system(system) == {"suite": now, "redos": 7}


def test_every_renamed_column_is_one_of_today():
    of_today = {column.name for name in table_names() for column in load_table(name).columns}
    assert set(renames.COLUMNS.values()) <= of_today
    assert not set(renames.COLUMNS) & of_today
    assert set(renames.QUANTITIES.values()) <= {column.name for column in USAGE}
    assert set(renames.RECORD_FIELDS.values()) <= {field.name for field in fields(Record)}


def test_every_renamed_flag_is_one_of_today():
    of_today = quality.flags().keys()
    assert set(renames.FLAGS.values()) <= of_today
    assert not set(renames.FLAGS) & of_today


def test_of_an_earlier_key_and_todays_that_counts(capsys):
    renames._tell.cache_clear()
    assert renames.suite_keys({"redos": 1, "max_retries": 2, "soak": 3}) == {"max_retries": 2, "sustained": 3}
    assert capsys.readouterr().err.splitlines() == [
        "key 'redos' was renamed to 'max_retries'; the earlier name is still accepted",
        "key 'soak' was renamed to 'sustained'; the earlier name is still accepted",
    ]


def test_earlier_names_in_options_are_taken_and_a_line_says_todays(capsys):
    renames._tell.cache_clear()
    assert renames.architecture("bench.ceilings.PRODUCT/product") == "probe-matmul/product"
    assert renames.contestant("bench.handwritten.jax:jit@old+as-shipped") == "jax-handwritten:jit@old+as-shipped"
    assert renames.contestant("bench.handwritten.jax") == "jax-handwritten"
    assert renames.contestant("jax:jit") == "jax:jit"
    assert capsys.readouterr().err.splitlines() == [
        "architecture 'bench.ceilings.PRODUCT' was renamed to 'probe-matmul'; the earlier name is still accepted",
        "framework 'bench.handwritten.jax' was renamed to 'jax-handwritten'; the earlier name is still accepted",
    ], "each once"


COMMITTED = sorted(file.parent for file in (Path(__file__).parents[3] / DATA).glob("*/records.jsonl"))


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda folder: folder.name)
def test_committed_campaigns_agree_with_themselves_under_todays_names(folder):
    campaign = read_campaign(folder)
    cases = {record.case.id for record in campaign.records}
    workloads = {record.case.workload.id for record in campaign.records}
    assert not campaign.problems
    assert cases <= set(campaign.system.cases or cases)
    assert workloads <= set(campaign.system.workloads or workloads)
    assert {record.case.contestant.id for record in campaign.records} <= set(campaign.system.contestants)
    said = json.dumps(
        {key: value for key, value in campaign.system.content().items() if key not in ("command", "resumed")}
    )
    assert not [name for name in EARLIER if name in said]
