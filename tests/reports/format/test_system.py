"""What a campaign says about itself, whatever of it is there."""

from __future__ import annotations

from reports.format import system
from results.schema.system import System, system_of
from tests.support.made_up import SYSTEM


def test_the_header_is_made_of_what_there_is() -> None:
    facts = dict(system.header(system_of(SYSTEM), "alpha:eager"))
    assert facts["When"] == "2026-11-22T15:00:00Z to 2026-11-22T15:12:00Z, 11 min 42 s measuring"
    assert facts["Machine"] == "Some CPU @ 2.4 GHz · 2 cores · 16.0 GiB · Debian 13 · 6.12 · Python 3.11.9"
    assert facts["Suite"] == "quick · Small sizes (5 launches, 20 rounds)"
    assert facts["Stopped"] == "the time budget was spent"
    assert system.header(System(), None) == []


def test_limits_of_a_container_stand_beside_the_machine() -> None:
    limited = {**SYSTEM, "machine": {**SYSTEM["machine"], "cpu_quota": 1.5, "memory_limit_bytes": 4 * 2**30}}
    said = dict(system.header(system_of(limited), None))["Machine"]
    assert said.startswith("Some CPU @ 2.4 GHz · 2 cores · CPU quota 1.5 · 16.0 GiB · memory limit 4.0 GiB · Debian 13")
    unlimited = {**SYSTEM, "machine": {**SYSTEM["machine"], "cpu_quota": None, "memory_limit_bytes": None}}
    assert system.header(system_of(unlimited), None) == system.header(system_of(SYSTEM), None)


def test_levels_are_a_sentence_where_all_have_one_and_a_sentence_each_where_they_differ() -> None:
    def said(**levels: str) -> str:
        contestants = {name: {"level": level} for name, level in levels.items()}
        return system.levels(system_of({"contestants": contestants}), list(levels))

    assert said(a="tuned", b="tuned").startswith("All contestants are tuned: each is written in the fastest way")
    both = said(a="tuned", b="idiomatic", c="tuned")
    assert both.startswith("a, c: tuned, written in the fastest way")
    assert both.endswith("b: idiomatic, written as the framework's own tutorials write it.")
    assert said(a="of another release") == ""
    assert system.levels(system_of(SYSTEM), ["alpha:eager"]) == "", "earlier campaigns do not say"


def test_the_header_has_the_variables_of_launches() -> None:
    said = {"suite": {"environment": {"OMP_X": "a b", "Z": "1"}}, "environment": {"inherited": {"JAX_Y": "2"}}}
    facts = dict(system.header(system_of(said), None))
    assert facts["Kept variables"] == "OMP_X='a b', Z=1"
    assert facts["Inherited variables"] == "JAX_Y=2"


def test_values_of_other_kinds_are_left_out() -> None:
    odd = system_of(
        {"machine": "a box", "suite": ["quick"], "stop": 3, "contestants": None, "warnings": "none", "started": True}
    )
    assert dict(system.header(odd, "r")) == {"Reference": "r"}
    assert system.warnings(odd, "c") == []
    assert system.versions(odd, "alpha:eager") == ""
    assert system.tolerances(system_of({"parity_tolerances": {"float32": {"scores": "small"}}}), "float32") == {}


def test_warnings_of_every_form_are_kept() -> None:
    found = {"warnings": [{"what": "w", "remedy": "r"}, "plain", {"other": 1}]}
    assert system.warnings(system_of(found), "c") == [("w", "r"), ("plain", ""), ('{"other": 1}', "")]


def test_a_remedy_names_the_campaign_as_its_folder_is_called_now() -> None:
    found = {"advice": [{"what": "w", "remedy": "resume with --resume 2026-11-29-quick, or not"}]}
    assert system.warnings(system_of(found), "my run") == [("w", "resume with --resume 'my run', or not")]


def test_everything_is_listed() -> None:
    sections = dict(system.system_details(system_of(SYSTEM)))
    assert ("memory_bytes", "17179869184 (16.0 GiB)") in sections["machine"]
    assert ("gpus", "none") in sections["machine"]
    assert ("alpha:eager · versions · alpha", "2.13.0") in sections["contestants"]
    assert ("allocator · mmap_threshold", "1073741824") in sections["settings"]
    assert ("stop", "budget") in sections["campaign"]


def test_deep_nesting_ends_as_json() -> None:
    value: dict[str, object] = {"end": 1}
    for _ in range(50):
        value = {"k": value}
    ((heading, entries),) = system.system_details(system_of({"deep": value}))
    assert heading == "deep"
    assert entries[0][1].startswith('{"k": {"k"')
