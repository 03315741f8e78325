"""The Slurm engine with a real Slurm: two nodes on this machine, no accounting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fleet.driver import Driver
from fleet.engines.slurm import SlurmEngine, start
from fleet.part import Ended
from fleet.unit import PART, PYTHON, Needs, Unit
from fleet.work import ACCEPTED, Work
from impls.errors import Unavailable
from results.schema.system import AttemptFacts
from tests.support.fleet import slurm
from tests.support.fleet.slurm import Cluster
from tests.support.started import ROOT

pytestmark = pytest.mark.skipif(bool(slurm.missing()), reason=slurm.missing())

WHOLE = Needs()
RUN = """
import os, sys, time
part, runs, name, gate = sys.argv[1:]
with open(runs, "a") as file:
    file.write(f"{name} {os.environ['SLURMD_NODENAME']} {os.environ.get('SLURM_RESTART_COUNT', 0)}\\n")
while not os.path.exists(gate):
    time.sleep(0.05)
time.sleep(0.2)
open(os.path.join(part, "result"), "w").write(name)
"""
STATE = """
import dataclasses, json, pathlib, sys
from fleet import node
pathlib.Path(sys.argv[1], "state.json").write_text(json.dumps(dataclasses.asdict(node.state())))
"""


@dataclass
class Campaign:
    """The sink of a work: what it accepted, and what was given up."""

    folder: Path
    accepted: list[Ended] = field(default_factory=list)
    given_up: dict[str, str] = field(default_factory=dict)
    attempts: Sequence[AttemptFacts] = ()
    states: list[Any] = field(default_factory=list)

    def accept(self, unit: Unit, ended: Ended, part: Path) -> None:
        self.accepted.append(ended)
        if (file := part / "state.json").exists():
            self.states.append(json.loads(file.read_text()))

    def give_up(self, unit: Unit, reason: str, skipped: bool) -> None:
        self.given_up[unit.label] = reason

    def note(self, attempts: Sequence[AttemptFacts]) -> None:
        self.attempts = attempts

    @property
    def runs(self) -> list[list[str]]:
        """Of each time that a unit ran: its name, its node, how often Slurm had requeued it."""
        file = self.folder / "runs"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with slurm.cluster(tmp_path_factory.mktemp("slurm")) as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(made.configuration))
        patch.chdir(ROOT)
        yield made


@pytest.fixture
def campaign(cluster: Cluster, tmp_path: Path) -> Iterator[Campaign]:
    """A campaign on an idle cluster."""
    cluster.wait(cluster.idle, "the cluster is idle")
    yield Campaign(tmp_path)
    cluster.call("scancel", "--user=root")


def engine(folder: Path, *further: str, grace: float = 5.0) -> SlurmEngine:
    """The engine; its nodes keep their locks in the folder."""
    return SlurmEngine([f"--export=XDG_CACHE_HOME={folder / 'cache'}", *further], grace=grace, poll=0.3)


def units(folder: Path, names: Sequence[int], needs: Needs = WHOLE, gate: str = "") -> list[Unit]:
    """Units that run until there is a file `gate` in the folder."""
    command = PYTHON, "-c", RUN, PART, str(folder / "runs")
    return [Unit(f"unit {name}", (*command, str(name), str(folder / gate)), {}, needs) for name in names]


def drive(campaign: Campaign, made: Sequence[Unit], *further: str) -> None:
    with Work(campaign, made) as work:
        Driver(engine(campaign.folder, *further), [work]).run()


def test_units_are_spread_over_the_nodes_and_exclusive_ones_never_overlap(campaign: Campaign) -> None:
    made = [*units(campaign.folder, range(6)), *units(campaign.folder, range(6, 10), Needs(exclusive=False))]
    exclusive = {unit.id for unit in made if unit.needs.exclusive}

    drive(campaign, made)

    assert Counter(ended.unit for ended in campaign.accepted) == Counter(unit.id for unit in made)
    assert {ended.node for ended in campaign.accepted} == {"n1", "n2"}
    assert [one for one in campaign.attempts if one.outcome != ACCEPTED] == []
    for one in campaign.accepted:
        for other in campaign.accepted:
            if one.unit in exclusive and one is not other and one.node == other.node:
                assert one.finished <= other.started or other.finished <= one.started


def test_a_unit_whose_node_fails_is_requeued_and_comes_once(cluster: Cluster, campaign: Campaign) -> None:
    made = units(campaign.folder, range(4), gate="go")
    with Work(campaign, made) as work:
        fails = engine(campaign.folder)
        driver = Driver(fails, [work])
        wait, down = fails.wait, []

        def failing(seconds: float) -> Sequence[Ended]:
            if not down and any(node == "n1" for _, node, _ in campaign.runs):
                down.append(True)
                cluster.call("scontrol", "update", "nodename=n1", "state=down", "reason=test")
                (campaign.folder / "go").touch()
            return wait(seconds)

        fails.wait = failing  # type: ignore[method-assign]
        driver.run()

    assert Counter(ended.unit for ended in campaign.accepted) == Counter(unit.id for unit in made)
    assert [(one.attempt, one.outcome) for one in campaign.attempts] == [(1, ACCEPTED)] * 4
    again = [name for name, _, restarts in campaign.runs if int(restarts)]
    assert len(again) == 1
    assert Counter(name for name, _, _ in campaign.runs) == Counter([*"0123", *again])


DRIVER = """
import sys
from pathlib import Path
from tests.fleet.engines.test_slurm import Campaign, drive, units
folder = Path(sys.argv[1])
drive(Campaign(folder), units(folder, range(5), gate="go"))
"""


def test_a_killed_driver_s_units_go_on_and_none_runs_again(cluster: Cluster, campaign: Campaign) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    first = subprocess.Popen([sys.executable, "-c", DRIVER, str(campaign.folder)], env=environment, cwd=ROOT)
    cluster.wait(lambda: len(campaign.runs) >= 2 or first.poll() is not None, "two units run")
    first.kill()
    first.wait()
    assert [state for state, _ in cluster.states()].count("PENDING") == 3
    (campaign.folder / "go").touch()
    cluster.wait(lambda: len(campaign.runs) >= 4, "units go on without a driver")

    drive(campaign, units(campaign.folder, range(5), gate="go"))

    assert sorted(name for name, _, _ in campaign.runs) == [*"01234"]
    assert [(one.attempt, one.outcome) for one in campaign.attempts] == [(1, ACCEPTED)] * 5


def test_an_interrupted_driver_leaves_its_jobs(cluster: Cluster, campaign: Campaign) -> None:
    def interrupt(seconds: float) -> Sequence[Ended]:
        raise KeyboardInterrupt

    interrupted = engine(campaign.folder)
    interrupted.wait = interrupt  # type: ignore[method-assign]
    with Work(campaign, units(campaign.folder, range(2), gate="go")) as work:
        driver = Driver(interrupted, [work])
        with pytest.raises(KeyboardInterrupt):
            driver.run()
    assert len(cluster.states()) == 2

    (campaign.folder / "go").touch()
    drive(campaign, units(campaign.folder, range(2), gate="go"))
    assert sorted(name for name, _, _ in campaign.runs) == [*"01"]


@pytest.mark.parametrize("exclusive", [True, False], ids=["exclusive", "shared"])
def test_a_unit_runs_as_what_slurm_starts_otherwise(cluster: Cluster, campaign: Campaign, exclusive: bool) -> None:
    drive(campaign, [Unit("state", (PYTHON, "-c", STATE, PART), {}, Needs(exclusive=exclusive))])
    kept = campaign.folder / "plain"
    kept.mkdir()
    plain = ["--nodes=1", "--exclusive" if exclusive else "--cpus-per-task=1", f"--chdir={ROOT}", "--export=NONE"]
    script = f"#!/bin/sh\nexec {sys.executable} - {kept} <<'END'\n{STATE}END\n"
    cluster.call("sbatch", *plain, f"--output={kept}/log", text=script)
    cluster.wait(lambda: not cluster.states(), "the plain job has ended")
    outside = json.loads((kept / "state.json").read_text())

    assert campaign.states[0] == {**outside, "variables": {**outside["variables"], "CUDA_VISIBLE_DEVICES": ""}}


def test_units_apart_get_different_nodes_as_long_as_there_are_some(campaign: Campaign) -> None:
    drive(campaign, units(campaign.folder, range(3), Needs(apart="one network")))

    assert sorted(ended.node for ended in campaign.accepted) == ["n1", "n2"]
    assert [*campaign.given_up.values()] == [
        "3 attempts; the last, on a node: Slurm has no node besides n1, n2 for it: Batch job submission failed: "
        "Requested node configuration is not available"
    ]


def test_a_task_that_someone_cancels_is_lost_and_attempted_again(cluster: Cluster, campaign: Campaign) -> None:
    with Work(campaign, units(campaign.folder, range(1), gate="go")) as work:
        made = engine(campaign.folder, grace=1.0)
        wait, cancelled = made.wait, []

        def cancelling(seconds: float) -> Sequence[Ended]:
            if not cancelled and campaign.runs:
                cancelled.append(True)
                cluster.call("scancel", "--user=root")
                (campaign.folder / "go").touch()
            return wait(seconds)

        made.wait = cancelling  # type: ignore[method-assign]
        Driver(made, [work]).run()

    lost, whole = campaign.attempts
    assert lost.outcome == "lost"
    assert lost.reason.startswith("it left no part; Slurm says CANCELLED on node n")
    assert (whole.attempt, whole.outcome) == (2, ACCEPTED)


def test_a_node_that_may_have_had_other_jobs_says_so(campaign: Campaign) -> None:
    drive(campaign, units(campaign.folder, range(1)), "--oversubscribe")

    checks: Any = campaign.accepted[0].facts["checks"]
    assert [one["what"] for one in checks] == [
        "Slurm may have run other jobs on the node at the same time (OverSubscribe=YES)"
    ]


def test_a_partition_that_is_not_there_ends_the_start(cluster: Cluster) -> None:
    with pytest.raises(Unavailable) as problem:
        start({"sbatch": "-p nowhere"})
    assert str(problem.value) == (
        "Slurm takes no job: allocation failure: Invalid partition name specified (sbatch -p nowhere)"
    )
