"""Few repeats of what `python -m bench.validation.coverage` simulates; the whole is in reference-coverage."""

import json
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.validation.coverage import cli, nodes
from bench.validation.coverage.checks import WIDENED, fixed, predicted, stopped, verdicts
from bench.validation.coverage.machines import CELLS, CONTROLS, MACHINES, MOST_LAUNCHES, Simulated
from bench.validation.coverage.measured import measured_campaigns, predictable, resampled
from bench.validation.coverage.methods import METHODS, chosen, limma, plain
from results.stats.estimates import CONFIDENCE

DATA = Path(__file__).parents[3] / "results" / "data"
STORED = json.loads((DATA / "reference-coverage" / "coverage.json").read_text())
USED = "narrower of both (used)"


@pytest.fixture(scope="module")
def measured():
    return measured_campaigns(DATA)


@pytest.fixture(scope="module")
def machines(measured):
    return {**MACHINES, cli.RESAMPLED: resampled(measured)}


NAMES = [*MACHINES, cli.RESAMPLED]


@pytest.mark.parametrize("name", NAMES)
def test_intervals_of_2_to_8_launches_hold_the_truth(machines, name):
    found = fixed(machines[name], {}, 40, seed=5)[WIDENED]
    assert [held.launches for held in found] == [2, 3, 4, 5, 6, 7, 8]
    assert all(0.915 <= held.covered <= 0.985 for held in found)
    assert all(held.false_differences <= 0.06 for held in found)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("noise", cli.NOISE)
def test_they_do_so_in_campaigns_that_stop_when_all_is_decided(machines, name, noise):
    held = stopped(machines[name], 40, 5, noise)
    assert held.covered >= 0.92
    assert held.false_differences <= 0.05


def test_campaigns_stop_early_where_there_is_little_noise(machines):
    assert stopped(machines["normal"], 20, 5, 0.25).launches < 3 < stopped(machines["normal"], 20, 5, 1.0).launches


def test_the_whole_simulation_held_what_is_asked_of_it():
    """93 to 97 %; the highest are of two launches, where the prior of variances that are alike can't be known to be."""
    covered = [held["covered"] for methods in STORED["coverage"].values() for held in methods[WIDENED]]
    covered += [held["covered"] for found in STORED["stopped"].values() for held in found]
    assert set(STORED["coverage"]) == set(NAMES)
    assert min(covered) >= cli.LEAST_COVERED
    assert max(covered) <= 0.98
    assert np.mean([0.93 <= one <= 0.9725 for one in covered]) > 0.95


def test_fewer_predictions_are_missed_than_by_plain_t(measured):
    found = predicted(predictable(measured), {"plain": plain, "chosen": chosen, "limma": limma}, (2, 3))
    for place in range(2):
        missed = {name: found[name][place].missed for name in found}
        assert missed["chosen"] < 0.8 * missed["plain"]
        assert missed["chosen"] < 0.8 * missed["limma"]
        assert missed["chosen"] < 0.08


def test_dead_heats_stay_dead_heats_but_for_one_that_its_rounds_contradict(measured):
    earlier = [campaign for campaign in measured if not campaign.name.startswith("reference-quick")]
    found = verdicts(earlier, {"plain": plain, "chosen": chosen})
    assert found["plain"].kept - found["chosen"].kept <= 1


@pytest.mark.xfail(reason="reference-quick has another, lost because two intervals share the allowed error")
def test_so_it_is_with_the_campaigns_measured_since_the_method_was_chosen(measured):
    found = verdicts(measured, {"plain": plain, "chosen": chosen})
    assert found["plain"].kept - found["chosen"].kept <= 1


def test_fewer_ratios_are_unclear_than_by_plain_t_and_more_dead_heats_kept_than_by_limma(measured):
    found = verdicts(measured, {"plain": plain, "limma": limma, "chosen": chosen})
    assert found["limma"].kept < found["chosen"].kept
    assert found["chosen"].unclear < 0.85 * found["plain"].unclear


def test_campaigns_that_predict_and_those_kept_back_are_different_ones(measured):
    by, back = predictable(measured), predictable(measured, kept_back=True)
    assert by
    assert back
    assert not {one.name for one in by} & {one.name for one in back}
    assert all(len({len(cell.ratios) for cell in one.cells}) == 1 for one in [*by, *back])


def test_simulated_ratios_have_the_true_mean_and_controls_are_of_the_same():
    campaigns = MACHINES["normal"].campaigns(np.random.default_rng(1), 200)
    assert campaigns.logs.shape == (200, CELLS, 8)
    assert np.mean(campaigns.logs - campaigns.truth[..., None]) == pytest.approx(0, abs=1e-3)
    assert not campaigns.truth[:, CONTROLS].any()
    assert campaigns.truth[:, ~CONTROLS].std() > 0.2


def test_plain_t_holds_what_is_simulated_as_normal():
    found = fixed(MACHINES["normal"], {"plain t": plain}, 60, seed=2)["plain t"]
    assert all(held.covered == pytest.approx(CONFIDENCE, abs=0.012) for held in found)


def test_noise_is_of_deviations_only():
    one = Simulated(np.array([[[1.0, 3.0]]]), np.array([[2.0]]), np.array([[4.0]]))
    quieter = one.quieter(0.5)
    assert quieter.logs.tolist() == [[[1.5, 2.5]]]
    assert quieter.within.tolist() == [[1.0]]


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(cli, "METHODS", {USED: METHODS[USED]})
    monkeypatch.setattr(cli, "NOISE", (0.5,))


@pytest.mark.slow
def test_the_command_prints_json_or_tables(short, monkeypatch):
    monkeypatch.chdir(DATA.parents[1])
    monkeypatch.setattr(cli, "measure", cache(cli.measure))  # for both
    done = CliRunner().invoke(cli.app, ["--campaigns", "4", "--json"])
    assert set(json.loads(done.stdout)) == set(STORED)
    assert done.exit_code in (0, 1)
    shown = CliRunner().invoke(cli.app, ["--campaigns", "4"]).stdout
    assert "stopping when decided" in shown
    assert USED in shown


def test_outside_of_a_checkout_it_says_so_in_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.app, ["--campaigns", "4"])
    assert done.exit_code == 2
    assert "start in a checkout" in done.output


NODES = json.loads((DATA / "reference-nodes" / "coverage.json").read_text())


def test_the_interval_over_nodes_is_the_narrowest_that_held_in_the_whole_simulation():
    """The rule of bench.validation.coverage.nodes, by what is stored."""
    held, widths = {}, {}
    for one in NODES["coverage"]:
        key = one["nodes"] > 2, one["interval"]
        if one["kind"] != nodes.ODD_NODES:
            held[key] = min([held.get(key, 1.0), *one["covered"]])
        if not one["effect"]:
            widths.setdefault(key, []).append(np.median(one["half_width"]))
    for of_type in (False, True):
        good = [key for key, least in held.items() if key[0] == of_type and least >= cli.LEAST_COVERED]
        assert "used" in min(good, key=lambda key: np.median(widths[key]))[1]


def test_differences_of_nodes_were_seldom_false_in_the_whole_simulation():
    assert all(one["false"] <= 0.06 and one["false_noisy"] <= 0.09 for one in NODES["differences"])


def test_launching_until_decided_cost_no_coverage_in_the_whole_simulation():
    assert min(one["covered"] for one in NODES["stopped"]) >= cli.LEAST_COVERED
    assert max(one["false"] for one in NODES["stopped"]) <= 0.01
    assert all(2 <= one["launches"] <= MOST_LAUNCHES for one in NODES["stopped"])


@pytest.mark.parametrize(("count", "kind"), [(2, "own cells"), (3, "all cells"), (4, "contestants"), (8, "own cells")])
def test_intervals_over_nodes_hold_the_truth(count, kind):
    rng = np.random.default_rng(count)
    found = nodes.measure(rng, "normal", 60, count, (2, 3), nodes.DEVIATIONS[kind](rng, 60, count, 0.05))
    truth = found.truth if count > 2 else found.truth + found.deviations.mean(-1)
    held = np.abs(found.means.mean(-1) - truth) <= nodes.used(found)
    assert 0.9 <= held[:, ~CONTROLS].mean() <= 0.99
    if count > 2:
        within = np.abs(found.means.mean(-1) - truth) <= nodes.within_welch(found)
        assert within[:, ~CONTROLS].mean() < 0.8


def test_nodes_are_a_command_of_its_own(monkeypatch):
    monkeypatch.setattr(nodes, "NODES", (2, 3))
    monkeypatch.setattr(nodes, "LAUNCHES", ((3,),))
    found = CliRunner().invoke(cli.app, ["--nodes", "--campaigns", "20", "--json"])
    said = json.loads(found.stdout)
    assert {one["nodes"] for one in said["coverage"]} == {2, 3}
    assert len(said["differences"]) == 2
    assert [(one["nodes"], one["effect"]) for one in said["stopped"]] == list(product((2, 3), nodes.EFFECTS))
    assert "planted ones found" in CliRunner().invoke(cli.app, ["--nodes", "--campaigns", "4"]).stdout
