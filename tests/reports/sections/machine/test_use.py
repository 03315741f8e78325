"""Memory, utilisation, energy and limits on the page: the tables' numbers, and a reason where there is none."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from reports.format import networks, system
from reports.pages import campaign
from reports.sections.machine import use
from reports.sections.machine.limits import probe_rows
from results.compare.limits import limits_of
from results.schema.record import Case, Contestant
from results.schema.system import system_of
from results.tables import cases as table
from tests.support.made_up import SYSTEM, launches, measured, probe, workload


def test_every_measured_case_has_a_row_with_its_numbers(lively):
    cases = table.cases([lively])
    (alexnet, _) = networks.networks(cases[cases.peak_probe == ""])
    measured = use.measured_rows(alexnet)
    known = use.known_quantities(measured)
    names = [quantity.name for quantity in known]
    assert "memory of a step" in names
    assert "allocator peak" not in names, "no contestant has it"
    found = [use.use_row(row, known) for row in measured]
    rows = {(row.phase, row.contestant): dict(zip(names, row.values, strict=True)) for row in found}
    one = rows["infer", "alpha:eager"]
    assert one["memory of a step"][0] == pytest.approx(452.0), "the median of five launches, in MB"
    assert one["minimum memory"][0] == pytest.approx(300.0)
    assert one["energy"][0] == 0.25
    assert rows["infer", "gamma:graph"]["memory of a step"] is None
    assert rows["infer", "gamma:graph"]["CPU utilisation, sustained run"][0] == 75
    assert 0 < one["of peak"][0] < 100


def test_what_is_not_known_says_why(lively_page):
    assert "not counted" in lively_page
    assert "it runs on the CPU &lt;script&gt;" in lively_page


def test_ceilings_name_the_contestant_that_reached_them(lively, lively_page):
    rows = {row.what: row for row in use.ceiling_rows(limits_of(lively))}
    assert set(rows) == {"multiply-accumulates", "memory reads"}
    assert rows["multiply-accumulates"].case.startswith("probe-matmul")
    assert rows["multiply-accumulates"].rate == pytest.approx(10**10 / 0.03, rel=0.05)
    assert rows["memory reads"].shown in lively_page
    assert 'aria-label="float32 on cpu: multiply-accumulates per second' in lively_page


def test_floors_of_layers_are_work_over_the_ceiling(lively, lively_page):
    limits = limits_of(lively)
    cases = table.cases([lively])
    (alexnet, vgg) = networks.networks(cases[cases.peak_probe == ""])
    found = use.layer_table(alexnet, system.layers(lively.system, alexnet.id), limits)
    ceiling = {row.what: row.rate for row in use.ceiling_rows(limits)}
    assert [row.layer for row in found.rows] == ["conv1", "fc6"]
    assert found.rows[0].compute[0] == pytest.approx(1e3 * 8e7 / ceiling["multiply-accumulates"])
    assert found.rows[1].weights[0] == pytest.approx(1e3 * 1e8 / ceiling["memory reads"])
    assert found.total[0] == pytest.approx(sum(row.compute[0] for row in found.rows))
    assert found.measured[2] == "beta:jit", "the fastest"
    assert use.layer_table(vgg, system.layers(lively.system, vgg.id), limits) is None
    assert "shortest infer measured" in lively_page


@pytest.mark.parametrize("odd", [[{"layer": "a"}], [{"layer": 1, "macs": 1, "weight_bytes": 1}], "x", [3]])
def test_layers_that_are_none_are_left_out(odd):
    assert not system.layers(system_of({"networks": {"n": odd}}), "n")


def test_probes_are_no_networks_on_the_page(lively):
    names = {network.architecture for network in networks.networks(table.cases([lively])) if network.architecture}
    assert any(name.startswith("probe-") for name in names)
    html = campaign.render([lively])
    assert "probe-matmul</strong>" not in html


def test_a_campaign_of_times_alone_has_no_other_sections(write_campaign):
    records = launches(Case(workload(), Contestant("alpha", "eager")), 0.1, 3, 0.01, "old")
    bare = [replace(one, parity=None, usage=None, first_call_seconds=None) for one in records]
    old = write_campaign(bare, "2026-01-01-old", {"reference": "alpha:eager"})
    html = campaign.render([old])
    assert 'id="c1-times"' in html
    for absent in ("limits", "use", "first", "parts", "parity"):
        assert f"c1-{absent}" not in html
    assert not math.isnan(table.cases([old]).seconds[0])


def test_every_probe_of_multiply_accumulates_has_its_fastest_contestant(write_campaign):
    other = replace(probe("probe-matmul"), architecture="probe-conv1x1")
    facts = {**SYSTEM["workloads"], other.id: SYSTEM["workloads"][probe("probe-matmul").id]}
    made = [
        measured(Case(workload, Contestant(name, "eager")), launch, [seconds])
        for workload, name, seconds in (
            (probe("probe-matmul"), "alpha", 0.1),
            (probe("probe-matmul"), "beta", 0.2),
            (other, "beta", 0.4),
            (probe("probe-gemv"), "alpha", 0.1),
        )
        for launch in range(2)
    ]
    made_up = write_campaign(made, system={**SYSTEM, "workloads": facts})
    rows = probe_rows(networks.rows(table.cases([made_up])))
    assert [(row.probe, row.contestant, row.percent) for row in rows] == [
        ("probe-matmul", "alpha:eager", "100%"),
        ("probe-conv1x1", "beta:eager", "25%"),
    ]
    assert "Rates of the probes" in campaign.render([made_up])
