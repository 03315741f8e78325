"""system.json is read once: what is of a wrong type is missing and named, what is not known is kept."""

from __future__ import annotations

import json

import pytest

from results.schema import renames
from results.schema.record import SCHEMA
from results.schema.system import Machine, System, Warned, read, system_of
from results.store.campaigns import CampaignWriter, read_campaign
from results.store.journal import SYSTEM as FILE
from tests.support.made_up import SYSTEM


def test_what_was_written_is_read_and_written_again_alike():
    system, problems = read(SYSTEM)
    assert not problems
    assert system.machine.memory_bytes == 16 * 2**30
    assert system.suite.launches == (5, 5), "older campaigns hold one number"
    again = {**SYSTEM, "suite": {**SYSTEM["suite"], "launches": [5, 5]}}
    assert json.loads(json.dumps(system.content())) == again


def test_what_is_missing_is_missing():
    assert read({}) == (System(), ())
    assert System().machine.cores is None
    assert System().suite.launches is None
    assert System().content() == {}


def test_keys_that_are_not_known_are_kept():
    said = {"later": {"a": [1, {"b": None}]}, "machine": {"sockets": 2}, "contestants": {"x:y": {"colour": "red"}}}
    assert system_of(said).content() == said


WRONG = {
    "a text for an object": ({"machine": "a box"}, "machine: "),
    "a list for an object": ({"suite": ["quick"]}, "suite: "),
    "a number for a text": ({"stop": 3}, "stop: "),
    "a text for a number": ({"machine": {"cores": "2"}}, "machine.cores: "),
    "yes for a number": ({"measuring_seconds": True}, "measuring_seconds: "),
    "more than there is": ({"machine": {"memory_bytes": 10**400}}, "machine.memory_bytes: "),
    "no number": ({"measuring_seconds": float("nan")}, "measuring_seconds: "),
    "nothing for an object": ({"contestants": None}, "contestants: "),
    "a value by name": ({"contestants": {"a:b": {"versions": {"numpy": 2}}}}, "contestants.a:b.versions.numpy: "),
    "one of two kinds of a number": ({"workloads": {"w": {"macs": "?"}}}, "workloads.w.macs: "),
    "a wrong range": ({"suite": {"launches": [1, 2, 3]}}, "suite.launches: "),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_value_of_a_wrong_type_is_missing_and_named_and_the_rest_is_read(wrong):
    said, where = WRONG[wrong]
    system, problems = read({**said, "reference": "alpha:eager"})
    (problem,) = problems
    assert problem.startswith(where)
    assert "(got " in problem
    assert system.reference == "alpha:eager"
    (key,) = said
    assert not any(_leaves(getattr(system, key)))


def _leaves(said):
    """What is left of a value: its leaves that say something."""
    content = said.content() if hasattr(said, "content") else said
    if isinstance(content, dict):
        return [leaf for one in content.values() for leaf in _leaves(one)]
    return [content] if content else []


def test_every_wrong_value_is_named_once():
    machine = {"cores": "2", "threads": [], "cpu": "Some CPU"}
    system, problems = read({"machine": machine, "stop": 1, "rules": {"a": 1, "b": "launches"}})
    assert sorted(problem.split(":")[0] for problem in problems) == [
        "machine.cores",
        "machine.threads",
        "rules.a",
        "stop",
    ]
    assert system.machine == Machine(cpu="Some CPU")
    assert system.rules == {"b": "launches"}


def test_a_list_with_a_wrong_item_is_missing_as_a_part_would_pass_for_the_whole():
    layers = [{"layer": "conv1", "macs": 1, "weight_bytes": 2}, "fc6", {"layer": "fc7", "macs": "?"}]
    system, problems = read({"networks": {"alexnet": layers, "vgg": layers[:1]}, "cases": ["a", 3]})
    assert list(system.networks) == ["vgg"]
    assert system.cases == ()
    named = sorted(problem.split(":")[0] for problem in problems)
    assert named == ["cases", "networks.alexnet", "networks.alexnet.2.macs"]


def test_what_was_given_is_not_changed():
    said = {"machine": {"cores": "2"}}
    read(said)
    assert said == {"machine": {"cores": "2"}}


def test_a_plain_text_is_a_warning_without_a_remedy():
    assert system_of({"warnings": ["plain", {"what": "w", "remedy": "r"}]}).warnings == (
        Warned(what="plain"),
        Warned(what="w", remedy="r"),
    )


def test_a_network_with_a_pyramid_was_known_by_its_name_and_now_says_so():
    earlier = renames.of_system({"workloads": {"zf5-spp30-3x32x32-infer": {}, "zf5-3x32x32-infer": {}}})
    assert [facts.variant_of for facts in system_of(earlier).workloads.values()] == ["zf5", ""]
    now = renames.of_system({"schema": SCHEMA, "workloads": {"mine-sppy-infer": {}, "mine": {"variant_of": "other"}}})
    assert [facts.variant_of for facts in system_of(now).workloads.values()] == ["", "other"]


@pytest.fixture
def damaged(tmp_path):
    writer = CampaignWriter.create(tmp_path, "one", {"schema": SCHEMA, "machine": {"cores": "2"}, "note": "mine"})
    writer.close()
    return writer.folder


def test_a_campaign_names_what_of_its_system_json_is_wrong(damaged):
    campaign = read_campaign(damaged)
    (problem,) = campaign.problems
    assert problem.startswith(f"one/{FILE}: machine.cores: Input should be a valid integer")
    assert campaign.system.machine == Machine()


def test_going_on_with_a_campaign_leaves_what_cannot_be_read_where_it_is(damaged):
    CampaignWriter.resume(damaged, System(resumed=("again",))).close()
    content = json.loads((damaged / FILE).read_text())
    assert content == {"schema": SCHEMA, "machine": {"cores": "2"}, "note": "mine", "resumed": ["again"]}


def test_names_of_an_earlier_schema_are_todays(tmp_path):
    CampaignWriter.create(
        tmp_path, "one", {"schema": 5, "reference": "bench.virtual:fast", "suite": {"fresh": True}}
    ).close()
    system = read_campaign(tmp_path / "one").system
    assert (system.reference, system.suite.fresh_interpreter) == ("fake-clock:fast", True)
