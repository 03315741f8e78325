"""The engine of this machine, with real small processes; and what engines are registered."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fleet import node as nodes
from fleet.driver import Driver
from fleet.engine import Attempt, engine_names, load_engine
from fleet.engines import local
from fleet.engines.local import LocalEngine
from fleet.node import Node
from fleet.part import Ended, Outcome
from fleet.unit import PART, PYTHON, Unit
from fleet.work import Work
from impls.errors import InvalidInput, UnknownName
from tests.support.fleet.fakes import RecordingSink
from tests.support.started import ROOT, poll

WRITE = (
    "import sys, pathlib; folder = pathlib.Path(sys.argv[1], 'campaign'); folder.mkdir(); "
    "(folder / 'records.jsonl').write_text(sys.argv[2])"
)


def unit(name: str, script: str = WRITE) -> Unit:
    return Unit(name, (PYTHON, "-c", script, PART, name), {"name": name})


@pytest.fixture
def here(tmp_path) -> list[Node]:
    """Two nodes on this machine."""
    one = nodes.describe("n1", spool=tmp_path / "spool 1")
    one = replace(one, folder=str(ROOT))
    return [one, replace(one, id="n2", spool=str(tmp_path / "spool 2"))]


def wait(engine: LocalEngine) -> Ended:
    found: list[Ended] = []
    poll(lambda: found or found.extend(engine.wait(0.1)), 60)
    return found[0]


def test_units_are_run_on_the_nodes_of_this_machine(here, tmp_path):
    sink, units = RecordingSink(tmp_path / "a campaign"), [unit(name) for name in ("one", "two", "three four")]
    with Work(sink, units) as work:
        Driver(LocalEngine(here), [work]).run()
    assert sorted(sink.merged.values()) == ["one", "three four", "two"]
    assert {one.node for one in work.attempts.values()} == {"n1", "n2"}
    assert not list(tmp_path.glob("spool*/node-*.json"))  # they hold the user's variables


def test_each_engine_has_a_nodes_file_of_its_own(here):
    """A second driver on this machine may have another environment."""
    engine = LocalEngine(here[:1])
    (file,) = Path(here[0].spool).glob("*.json")
    assert str(os.getpid()) in file.name
    engine.close()


def test_the_file_of_a_driver_that_was_killed_is_removed_by_the_next_one(here):
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    spool = Path(here[0].spool)
    spool.mkdir()
    left, others, alive = (spool / f"node-{one}.json" for one in (killed.pid, "other", os.getppid()))
    for file in (left, others, alive):
        file.write_text("{}")
    LocalEngine(here[:1]).close()
    assert not left.exists()
    assert others.exists()
    assert alive.exists()


def begun(engine: LocalEngine, folder: Path, script: str) -> Attempt:
    attempt = Attempt(unit("one", script), 1, folder / "1", "n1")
    engine.submit([attempt])
    return attempt


def test_an_attempt_that_is_cancelled_ends_with_its_process_and_is_not_told(here, tmp_path):
    engine = LocalEngine(here)
    attempt = begun(engine, tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    poll(lambda: any(log.read_text() for log in attempt.folder.glob("run-*/log")), 60)
    (log,) = attempt.folder.glob("run-*/log")
    process = Path(f"/proc/{log.read_text().strip()}")
    engine.cancel(attempt)
    poll(lambda: not process.exists(), 60)
    assert engine.wait(0.0) == []
    engine.close()


def test_an_attempt_whose_process_was_killed_is_lost_and_says_so(here, tmp_path):
    engine = LocalEngine(here)
    begun(engine, tmp_path, "import os, signal; os.kill(os.getppid(), signal.SIGKILL)")
    ended = wait(engine)
    assert (ended.outcome, ended.node) == (Outcome.LOST, "n1")
    assert ended.reason.startswith("killed by SIGKILL")
    engine.close()


def test_engines_are_found_by_name():
    assert {"local", "ray"} <= set(engine_names())
    assert all(not name.startswith("_") for name in engine_names())
    assert load_engine("local") is local.ENGINE
    with pytest.raises(UnknownName, match="unknown engine 'locale': did you mean 'local'"):
        load_engine("locale")


@pytest.mark.parametrize("slots", ["0", "-1", "two"])
def test_slots_are_a_number(slots):
    with pytest.raises(InvalidInput, match=f"--slots '{slots}' is no number of at least 1"):
        local.start({"slots": slots})


def test_the_engine_offers_this_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    engine = local.start({"slots": "3", "address": "ignored"})
    (offer,) = engine.nodes()
    assert (offer.slots, offer.cards) == (3, 0)
    engine.close()
