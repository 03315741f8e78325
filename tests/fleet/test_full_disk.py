"""Disks that are really full, of a node and of the driver: what is said, what is kept, and how it goes on."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet import node as nodes
from fleet import part
from fleet import unit as units
from fleet.driver import Driver
from fleet.engines.local import LocalEngine
from fleet.execute import execute
from fleet.node import Node
from fleet.part import Outcome
from fleet.unit import PART, PYTHON, Unit
from fleet.work import Work
from impls.errors import DeadheatError
from tests.support.fleet.fakes import RecordingSink, outcomes
from tests.support.started import ROOT

WRITE = (
    "import sys, pathlib; folder = pathlib.Path(sys.argv[1], 'campaign'); folder.mkdir(); "
    "(folder / 'records.jsonl').write_bytes(bytes(int(sys.argv[2])))"
)
FULL = "No space left on device"


def unit(size: int) -> Unit:
    """A unit whose part has so many bytes."""
    return Unit(f"{size} bytes", (PYTHON, "-c", WRITE, PART, str(size)), {"size": size})


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 512 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can't be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return replace(nodes.describe("n1", spool=tmp_path / "spool"), folder=str(ROOT))


def fill(disk: Path) -> Path:
    """A file that takes all room that is left."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    return filler


def test_a_node_without_room_for_a_part_says_so_and_has_room_for_the_next(disk: Path, node: Node) -> None:
    large, small = unit(2**20), unit(1000)
    ended = execute(node, large, 1, disk / "1", units.write(large, disk / "units"))
    assert (ended.outcome, ended.files) == (Outcome.FAILED, {})
    assert ended.reason.startswith(f"{FULL} on node n1: {disk}")
    assert part.read(disk / "1") == ended
    assert "part" not in [path.name for path in (disk / "1").iterdir()]
    assert execute(node, small, 1, disk / "2", units.write(small, disk / "units")).outcome is Outcome.WHOLE


def test_a_driver_without_room_ends_in_one_line_and_goes_on_where_it_was(disk: Path, node: Node) -> None:
    sink, work = RecordingSink(disk / "campaign"), [unit(1000), unit(2000)]
    with Work(sink, work[:1]) as first:
        Driver(LocalEngine([node]), [first]).run()
    filler = fill(disk)
    with pytest.raises((DeadheatError, OSError), match=FULL), Work(sink, work) as stopped:
        Driver(LocalEngine([node]), [stopped]).run()
    filler.unlink()
    with Work(sink, work) as resumed:
        Driver(LocalEngine([node]), [resumed]).run()
    assert outcomes(resumed)["1000 bytes"] == ["accepted"]
    assert outcomes(resumed)["2000 bytes"][-1] == "accepted"
    assert len(sink.merged) == 2


def test_an_attempt_whose_end_cannot_be_written_is_lost_with_what_was_missing(disk: Path, node: Node) -> None:
    """The campaign is on another disk than the attempts, as with Ray's spools."""
    sink, one = RecordingSink(disk.parent / "campaign"), unit(1000)
    with Work(sink, [one]) as work:
        attempt = replace(work.begin(one, "n1"), folder=disk / "attempt")
        engine = LocalEngine([node])
        attempt.folder.mkdir()
        units.write(one, attempt.folder)
        fill(disk)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(units, "write", lambda unit, folder: folder / f"{unit.id}.json")
            engine.submit([attempt])
        while not (ended := list(engine.wait(1.0))):
            pass
        engine.close()
    assert ended[0].outcome is Outcome.LOST
    assert ended[0].reason == "its end could not be written; its disk may be full"
    assert not part.is_done(attempt.folder)
