"""Real Ray clusters on this machine: what a unit finds on a node, and what happens when nodes and drivers are lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import psutil
import pytest

from fleet import node as nodes
from fleet.driver import Driver
from fleet.engine import Attempt, Offer
from fleet.engines.ray import RayEngine
from fleet.part import Ended, Outcome
from fleet.unit import Needs, Unit
from fleet.work import Work
from impls.errors import DeadheatError
from results.schema.system import AttemptFacts
from results.store.campaigns import campaigns_in, read_campaign
from results.tables import load_table
from tests.fleet.engines.clusters import Fleet, fleet
from tests.support.started import MARK, PATIENCE, ROOT, read

SLEEP = (
    "import sys, time, pathlib; time.sleep(float(sys.argv[2])); pathlib.Path(sys.argv[1], 'x').write_text('measured')"
)
STATE = (
    "import json, sys; from dataclasses import asdict; from fleet import node; "
    "open(sys.argv[1] + '/state', 'w').write(json.dumps(asdict(node.state())))"
)
SUITE = """
title = "known durations"
preset = "smoke"
controls = false
contestants = ["fake-clock:slow", "fake-clock:fast"]
[[workloads]]
architectures = ["lenet5"]
batches = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
phases = ["infer"]
"""


@dataclass
class Sink:
    """A campaign that keeps what its units wrote."""

    folder: Path
    parts: dict[str, str] = field(default_factory=dict)
    given_up: dict[str, str] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)

    def accept(self, unit: Unit, ended: Ended, part: Path) -> None:
        self.accepted[unit.label] += 1
        self.parts[unit.label] = "".join(file.read_text() for file in sorted(part.iterdir()))

    def give_up(self, unit: Unit, reason: str, skipped: bool) -> None:
        self.given_up[unit.label] = reason

    def note(self, attempts: Sequence[AttemptFacts]) -> None: ...


@dataclass
class Watched:
    """An observer that keeps how attempts ended, and does something once, as soon as one runs on a node."""

    node: str = ""
    then: object = None
    ended_attempts: list[Ended] = field(default_factory=list)

    def changed(self, works: Sequence[Work], running: Sequence[Attempt], offers: Sequence[Offer]) -> None:
        if self.then and any(attempt.node == self.node for attempt in running):
            then, self.then = self.then, None
            time.sleep(1.0)  # the unit has begun by then, or is about to: it is lost in either case
            then()  # type: ignore[operator]

    def ended(self, work: Work, attempt: Attempt | None, ended: Ended, outcome: str) -> None:
        self.ended_attempts.append(ended)

    def close(self) -> None: ...


def sleeping(count: int, seconds: float = 0.3, exclusive: bool = True, time_limit: float = 60.0) -> list[Unit]:
    command = ("{python}", "-c", SLEEP, "{part}", str(seconds))
    needs = Needs(exclusive=exclusive)
    return [Unit(f"u{number}", command, {"number": number}, needs, time_limit) for number in range(count)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two nodes that every test finds and leaves alive."""
    with fleet(tmp_path_factory.mktemp("cluster")) as made:
        yield made


def run(made: Fleet, folder: Path, units: Sequence[Unit], watched: Watched | None = None, **more: float) -> Sink:
    folder.mkdir(exist_ok=True)
    sink, engine = Sink(folder), RayEngine(made.address, **more)
    try:
        with Work(sink, units) as work:
            Driver(engine, [work], watched or Watched(), join_seconds=20.0).run()
    finally:
        engine.close()
    return sink


def test_units_never_overlap_on_a_node(cluster: Fleet, tmp_path: Path) -> None:
    watched = Watched()
    sink = run(cluster, tmp_path / "campaign", sleeping(6), watched)
    assert sink.parts == {f"u{number}": "measured" for number in range(6)}
    assert {one.node for one in watched.ended_attempts} == {"n1", "n2"}
    for name in ("n1", "n2"):
        times = sorted((one.started, one.finished) for one in watched.ended_attempts if one.node == name)
        assert all(before[1] <= after[0] for before, after in zip(times, times[1:]))


def test_a_process_is_as_outside_the_engine(cluster: Fleet, tmp_path: Path) -> None:
    """Niceness, oom_score_adj, cores and variables, which Ray changes by default, are those of this process."""
    unit = Unit("state", ("{python}", "-c", STATE, "{part}"), {})
    sink = run(cluster, tmp_path / "campaign", [unit])
    outside = cluster.nodes["n1"].state
    found = json.loads(sink.parts["state"])
    hidden = {**outside.variables, nodes.VISIBLE: ""}  # a unit without cards sees none
    assert found == {
        "niceness": outside.niceness,
        "oom_score_adj": outside.oom_score_adj,
        "cores": list(outside.cores),
        "variables": hidden,
    }


def test_ray_without_the_settings_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same on a node whose workers run at Ray's own niceness: the unit is not run."""
    monkeypatch.setenv("RAY_worker_niceness", "7")
    with fleet(tmp_path, ("n1",)) as made:
        sink = run(made, tmp_path / "campaign", sleeping(1))
    assert not sink.parts
    (reason,) = sink.given_up.values()
    assert "no machine joined within" in reason
    assert f"niceness is {os.nice(0) + 7}, outside the engine it is {os.nice(0)}" in reason


def tables(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = read_campaign(folder)
    assert not found.problems
    launches = load_table("launches").make([found])[["case", "launch", "status", "seconds", "rounds", "steps"]]
    cases = load_table("cases").make([found])[["case", "status", "launches", "seconds", "ratio"]]
    return launches.sort_values(["case", "launch"], ignore_index=True), cases.sort_values("case", ignore_index=True)


def measure(results: Path, *options: str) -> Path:
    """The folder of a campaign of SUITE by `fleet run`."""
    results.mkdir()
    suite = results / "known.toml"
    suite.write_text(SUITE)
    command = [sys.executable, "-m", "bench", "fleet", "run", "--suite", str(suite), "--launches", "2", *options]
    command += ["--no-doctor", "--no-report", "--results", str(results / "data")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = campaigns_in(results / "data")
    return folder


def test_two_nodes_give_the_table_of_one_machine(cluster: Fleet, tmp_path: Path) -> None:
    alone = tables(measure(tmp_path / "alone", "--engine", "local"))
    folder = measure(tmp_path / "fleet", "--engine", "ray", "--address", cluster.address)
    together = tables(folder)
    pd.testing.assert_frame_equal(together[0], alone[0], check_exact=True)
    pd.testing.assert_frame_equal(together[1], alone[1], check_exact=True)
    system = read_campaign(folder).system
    assert set(system.nodes) == {"n1", "n2"}
    assert [one.outcome for one in system.attempts] == ["accepted"] * 12


def test_a_node_that_is_lost_in_mid_unit_costs_one_attempt(tmp_path: Path) -> None:
    with fleet(tmp_path) as made:
        watched = Watched("n2", lambda: made.remove("n2"))
        sink = run(made, tmp_path / "campaign", sleeping(6, 2.0), watched)
    assert sink.accepted == Counter({f"u{number}": 1 for number in range(6)})
    outcomes = Counter(one.outcome for one in watched.ended_attempts)
    assert outcomes == {Outcome.WHOLE: 6, Outcome.LOST: 1}
    (lost,) = [one for one in watched.ended_attempts if one.outcome is Outcome.LOST]
    assert lost.reason.startswith("node n2 was lost")


def test_a_node_that_joins_later_takes_part(tmp_path: Path) -> None:
    with fleet(tmp_path, ("n1",)) as made:
        watched = Watched("n1", lambda: made.add("n2"))
        run(made, tmp_path / "campaign", sleeping(6, 2.0), watched)
    assert {one.node for one in watched.ended_attempts} == {"n1", "n2"}


WAIT = (
    "import sys, time, pathlib; go = pathlib.Path(sys.argv[2])\n"
    "while not go.exists(): time.sleep(0.1)\n"
    "pathlib.Path(sys.argv[1], 'x').write_text('measured')"
)


@dataclass
class Freeing(Watched):
    """Writes `go` when an attempt is lost."""

    go: Path = Path()

    def ended(self, work: Work, attempt: Attempt | None, ended: Ended, outcome: str) -> None:
        super().ended(work, attempt, ended, outcome)
        if ended.outcome is Outcome.LOST:
            self.go.write_text("")


def test_a_node_that_hangs_is_given_up(tmp_path: Path) -> None:
    """Its raylet stops: Ray declares the node dead, and what it ran is run elsewhere, once."""
    go = tmp_path / "go"
    units = [Unit(name, ("{python}", "-c", WAIT, "{part}", str(go)), {"name": name}) for name in ("u0", "u1")]
    with fleet(tmp_path) as made:
        raylet = made.raylets["n2"].all_processes["raylet"][0].process
        watched = Freeing("n2", lambda: raylet.send_signal(signal.SIGSTOP), go=go)
        sink = run(made, tmp_path / "campaign", units, watched)
        raylet.send_signal(signal.SIGCONT)
    assert sink.accepted == Counter({"u0": 1, "u1": 1})
    (lost,) = [one for one in watched.ended_attempts if one.outcome is Outcome.LOST]
    assert (lost.node, lost.reason[:16]) == ("n2", "node n2 was lost")


@dataclass
class Hanging(Watched):
    """The process of an attempt stops, and goes on when its unit has a part from elsewhere; then `go` is written."""

    go: Path = Path()
    stopped: psutil.Process | None = None

    def ended(self, work: Work, attempt: Attempt | None, ended: Ended, outcome: str) -> None:
        super().ended(work, attempt, ended, outcome)
        lost = {one.unit for one in self.ended_attempts if one.outcome is Outcome.LOST}
        if outcome == "accepted" and ended.unit in lost and self.stopped:
            self.stopped.resume()
        if outcome == "late":
            self.go.write_text("")


def test_a_late_part_is_fenced(tmp_path: Path) -> None:
    """An attempt stops for longer than its lease. Its part comes when another one has been accepted."""
    folder, go = tmp_path / "campaign", tmp_path / "go"
    folder.mkdir()
    with fleet(tmp_path, ("n1", "n2", "n3")) as made:
        sink, watched = Sink(folder), Hanging("n2", go=go)
        engine = RayEngine(made.address, lease_seconds=20.0)

        def hang() -> None:
            watched.stopped = executor(tmp_path / "n2")
            watched.stopped.suspend()

        watched.then = hang
        waiting = Unit("waiting", ("{python}", "-c", WAIT, "{part}", str(go)), {}, time_limit=3600.0)
        with Work(sink, [waiting, *sleeping(2, 2.0, time_limit=10.0)]) as work:
            Driver(engine, [work], watched, join_seconds=20.0).run()
            attempts = list(work.attempts.values())
    assert sink.accepted == Counter({"waiting": 1, "u0": 1, "u1": 1})
    (late,) = [one for one in attempts if one.outcome == "late"]
    assert late.node == "n2"
    assert (folder / "fleet/late" / late.unit / str(late.attempt) / "part/x").read_text() == "measured"


def executor(spool: Path) -> psutil.Process:
    """The process that runs an attempt for the node of this spool, once it has begun."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if "fleet.execute" in command and any(text.startswith(str(spool)) for text in command):
                return process
        time.sleep(0.05)
    raise AssertionError(f"nothing runs for {spool}")


def test_a_killed_driver_is_resumed_without_running_whole_units_again(cluster: Fleet, tmp_path: Path) -> None:
    suite, data = tmp_path / "known.toml", tmp_path / "data"
    suite.write_text(SUITE.replace("4, 5, 6, 7, 8, 9, 10, 11, 12", "4"))
    command = [sys.executable, "-m", "bench", "fleet", "run", "--engine", "ray", "--address", cluster.address]
    more = ["--no-doctor", "--no-report", "--results", str(data)]
    driver = subprocess.Popen([*command, "--suite", str(suite), "--launches", "2", *more])
    deadline = time.monotonic() + PATIENCE
    while not (folders := campaigns_in(data)) or not accepted(folders[0]):
        assert time.monotonic() < deadline, "no part came"
        time.sleep(0.1)
    driver.kill()
    driver.wait()
    (folder,) = folders
    before = accepted(folder)
    resumed = subprocess.run([*command, "--resume", folder.name, *more[1:]], capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    found = read_campaign(folder)
    assert Counter(record.case for record in found.records) == Counter({record.case: 2 for record in found.records})
    assert len({record.case for record in found.records}) == 8
    after = Counter(one.unit for one in found.system.attempts)
    assert before
    assert all(after[one.unit] == 1 for one in before)


def accepted(folder: Path) -> list[AttemptFacts]:
    return [one for one in read_campaign(folder).system.attempts if one.outcome == "accepted"]


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Runs commands of the fleet whose Ray is apart from any other of this machine, and ends what they leave."""
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="dh-", dir="/tmp") as ray:  # the paths of Ray's sockets must be short
        environment = {**os.environ, MARK: mark, "HOME": str(tmp_path), "RAY_TMPDIR": ray, "PYTHONPATH": str(ROOT)}

        def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "bench", "fleet", *arguments]
            return subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
            )

        try:
            yield typed
        finally:
            left = [one for one in psutil.process_iter() if f"{MARK}={mark}" in read(Path(f"/proc/{one.pid}/environ"))]
            for one in left:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            psutil.wait_procs(left, PATIENCE)


def test_a_second_machine_joins_by_its_command(typed, tmp_path: Path) -> None:
    """Both are this machine, under two names."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    here = ("--no-doctor", "--ip", "127.0.0.1")
    head = typed("node", "--head", *here, "--port", port, "--name", "n1", "--spool", str(tmp_path / "n1"))
    assert head.returncode == 0, head.stderr
    assert f"on the other machines: python -m bench fleet node --address 127.0.0.1:{port}" in head.stdout
    joined = typed("node", "--address", f"127.0.0.1:{port}", *here, "--name", "n2", "--spool", str(tmp_path / "n2"))
    assert joined.returncode == 0, joined.stderr
    (tmp_path / "s.toml").write_text(SUITE.replace("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]", "[1]"))
    run = typed(
        "run", "--engine", "ray", "--address", f"127.0.0.1:{port}", "--suite", str(tmp_path / "s.toml"), "--nodes", "2",
        "--launches", "1", "--no-doctor", "--no-report", "--results", str(tmp_path / "data"),
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    (folder,) = campaigns_in(tmp_path / "data")
    found = read_campaign(folder)
    assert set(found.system.nodes) == {"n1", "n2"}
    assert {(one.node, one.status.value) for one in found.records} == {("n1", "measured"), ("n2", "measured")}


def test_what_runs_ends_with_the_driver(cluster: Fleet, tmp_path: Path) -> None:
    """Else the next unit would find its node busy, or be timed beside it."""
    marker = 3600.25
    folder, engine = tmp_path / "campaign", RayEngine(cluster.address)
    folder.mkdir()
    with Work(Sink(folder), sleeping(1, marker)) as work:
        engine.nodes()
        engine.submit([work.begin(work.units[0], "n1")])
        deadline = time.monotonic() + PATIENCE
        while not running(marker):
            assert time.monotonic() < deadline, "the unit did not begin"
            time.sleep(0.1)
        engine.close()
        while running(marker):
            assert time.monotonic() < deadline + PATIENCE, "the unit did not end"
            time.sleep(0.1)


def running(seconds: float) -> list[int]:
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        command = process.info["cmdline"] or []
        if command[-1:] == [str(seconds)]:
            found.append(process.info["pid"])
    return found


def test_an_address_that_nobody_answers_at() -> None:
    with pytest.raises(DeadheatError, match="nothing answers at 127.0.0.1:1"):
        RayEngine("127.0.0.1:1")
    with pytest.raises(DeadheatError, match="is not of the form HOST:PORT"):
        RayEngine("localhost")


def test_a_full_disk_on_a_node(tmp_path: Path) -> None:
    """The node's spool can't be written: the unit is attempted again, and given up with the reason."""
    with fleet(tmp_path, ("n1",)) as made:
        spool = Path(made.nodes["n1"].spool)
        (spool / "attempts").write_text("a file where the folder should be")
        sink = run(made, tmp_path / "campaign", sleeping(1))
    assert sink.given_up["u0"].startswith("3 attempts; the last, on n1: on node n1: ")


def test_slots_run_trials_side_by_side(tmp_path: Path) -> None:
    with fleet(tmp_path, ("n1",), slots=2) as made:
        watched = Watched()
        run(made, tmp_path / "campaign", sleeping(4, 1.5, exclusive=False), watched)
    times = sorted((one.started, one.finished) for one in watched.ended_attempts)
    assert any(after[0] < before[1] for before, after in zip(times, times[1:]))
