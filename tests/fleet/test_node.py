from __future__ import annotations

import json
import os
import stat
from dataclasses import replace

import pytest

from fleet import node as nodes
from fleet.node import Node, State
from impls.errors import InvalidInput

OUTSIDE = State(0, 0, (0, 1), {"OMP_NUM_THREADS": "2"})
HERE = Node("n1", "t", {"cpu": "x"}, "digest", 2, "/nowhere", "/usr/bin/python3", {"A": "b"}, OUTSIDE, "/tmp")


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (OUTSIDE, []),
        (replace(OUTSIDE, niceness=15), ["niceness is 15, outside the engine it is 0"]),
        (replace(OUTSIDE, oom_score_adj=1000), ["oom_score_adj is 1000, outside the engine it is 0"]),
        (replace(OUTSIDE, cores=(0,)), ["allowed cores is (0,), outside the engine it is (0, 1)"]),
        (replace(OUTSIDE, variables={}), ["OMP_NUM_THREADS is not set, outside the engine it is 2"]),
        (
            replace(OUTSIDE, niceness=1, variables={"OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": "0"}),
            [
                "niceness is 1, outside the engine it is 0",
                "CUDA_VISIBLE_DEVICES is 0, outside the engine it is not set",
            ],
        ),
        (replace(OUTSIDE, variables={"OMP_NUM_THREADS": "2", "HOME": "/"}), []),
    ],
    ids=["same", "niceness", "oom", "cores", "unset", "two", "unwatched"],
)
def test_what_an_engine_changed(inside, said):
    assert list(nodes.differences(OUTSIDE, inside)) == said


@pytest.mark.parametrize(
    ("machine", "type"),
    [
        ({"cpu": "AMD EPYC 7763 64-Core Processor", "allowed_cores": 16}, "amd-epyc-7763-64-core-16c"),
        ({"cpu": "Intel(R) Xeon(R) Platinum 8480+ CPU @ 2.00GHz", "threads": 32}, "intel-xeon-platinum-8480-32c"),
        (
            {"cpu": "x", "allowed_cores": 4, "gpus": [{"name": "NVIDIA H100 80GB HBM3"}] * 2 + [{"name": None}]},
            "x-4c-2x-nvidia-h100-80gb-hbm-1x-card",
        ),
        ({}, "unknown-0c"),
    ],
    ids=["amd", "intel", "cards", "nothing"],
)
def test_the_type_of_a_machine(machine, type):
    assert nodes.machine_type(machine) == type


def test_a_node_is_read_as_it_was_written(tmp_path):
    node = replace(HERE, spool=str(tmp_path / "new" / "spool"))
    assert nodes.load(nodes.save(node)) == node


def test_only_the_user_can_read_the_variables_of_a_node(tmp_path):
    before = os.umask(0o022)
    try:
        path = nodes.save(replace(HERE, spool=str(tmp_path / "new" / "spool")))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_spool_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match=r"spool '.*file/spool' can't be written: Not a directory"):
        nodes.save(replace(HERE, spool=str(tmp_path / "file" / "spool")))


@pytest.mark.parametrize("text", ["", "[]", '{"id": "n"}'])
def test_a_file_that_is_no_node_is_one_line(tmp_path, text):
    (tmp_path / "node.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"node\.json' describes no node: ") as found:
        nodes.load(tmp_path / "node.json")
    assert "\n" not in str(found.value)
    with pytest.raises(InvalidInput, match=r"no node in '.*no\.json': No such file or directory"):
        nodes.load(tmp_path / "no.json")


def test_this_machine_describes_itself(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    here = nodes.describe("a name with/ü", slots=3)
    assert here.id == "a-name-with-"
    assert here.spool == str(tmp_path / "cache" / "deadheat" / "fleet" / here.id)
    assert (here.slots, here.folder, here.environment) == (3, os.getcwd(), dict(os.environ))
    assert list(nodes.differences(here.state, nodes.state())) == []
    assert here.type == nodes.machine_type(here.machine)
    assert json.dumps(here.facts())


def test_the_digest_of_the_software_is_of_versions_only(monkeypatch):
    class Package:
        def __init__(self, name: str, version: str):
            self.metadata, self.version = {"Name": name}, version

    def digest(*packages: Package) -> str:
        monkeypatch.setattr(nodes, "distributions", lambda: packages)
        return nodes.software()

    one = digest(Package("numpy", "2.0"), Package("Jinja2", "3"))
    assert digest(Package("jinja2", "3"), Package("numpy", "2.0")) == one
    assert digest(Package("jinja2", "3"), Package("numpy", "2.1")) != one
