"""The evidence cache: what is found again, what is not, and that no mismatch is ever reported from it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from simulated import A, B, C, Simulated, cases, lenet

from bench.gate import evidence_cache, parity
from bench.gate.evidence_cache import EvidenceCache, contents, default_folder
from bench.launch.fake import DIGITS, EVIDENCE, Behaviour
from bench.plan import interpreters, software
from bench.worker.evidence import Evidence, summarize
from bench.worker.messages import GiveEvidence, ProbeArithmetic
from impls.architectures import architectures, load_architecture
from impls.frameworks import load_framework
from impls.host import hardware, nvidia
from results.schema.record import Case, Status
from results.store.campaigns import read_campaign
from tests.support.started import tiny

CASE = Case(lenet(), A)
TIE = replace(EVIDENCE, gradients={"weight": [1.01, 0.5, 0.25]})
WRONG = Evidence(scores=summarize(np.array([[0.25, 0.75]])), loss=0.5, gradients={"weight": [1.0, 0.5, 9.0]})


@pytest.fixture
def cache(tmp_path) -> EvidenceCache:
    return EvidenceCache(tmp_path / "evidence")


@pytest.fixture
def kept(cache) -> EvidenceCache:
    """A cache with the evidence of CASE."""
    cache.keep_evidence(CASE, 0, EVIDENCE)
    cache.keep_arithmetic(CASE, "float32")
    return cache


def files(cache: EvidenceCache) -> list[Path]:
    return sorted(cache.folder.iterdir())


def test_what_was_kept_is_found_again_with_its_time(kept):
    again = EvidenceCache(kept.folder)
    found = again.evidence(CASE, 0)
    assert found.evidence == EVIDENCE
    assert datetime.now(UTC) - datetime.fromisoformat(found.made) < timedelta(hours=1)
    assert again.arithmetic(CASE) == "float32"
    assert again.evidence(Case(lenet("gradient"), A), 0) is None, "that would have gradients, too"


def planted_source(monkeypatch, tmp_path):
    """A change of one line in a copy of the translators."""
    copy = tmp_path / "impls"
    shutil.copytree(Path(software.__file__).parent.parent.parent / "impls", copy)
    translator = copy / "frameworks" / "jax" / "layers.py"
    original = software.sources

    def of_copy(package: str) -> list[tuple[str, bytes]]:
        if package != "impls":
            return original(package)
        return sorted((file.relative_to(copy).as_posix(), file.read_bytes()) for file in copy.rglob("*.py"))

    monkeypatch.setattr(software, "sources", of_copy)
    software.digest.cache_clear()
    assert software.digest("impls") == digest_of_original(original), "the copy alone changes nothing"
    translator.write_text(translator.read_text().replace("padding", "paddings", 1))
    software.digest.cache_clear()


def digest_of_original(original) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(software, "sources", original)
        return software.digest.__wrapped__("impls")


def planted_version(monkeypatch, tmp_path):
    found = software.distributions(("numpy",))
    monkeypatch.setattr(software, "distributions", lambda names: {**found, "numpy": "0.1"})


def planted_tolerance(monkeypatch, tmp_path):
    monkeypatch.setitem(parity.TOLERANCES, "float32", replace(parity.TOLERANCES["float32"], scores=1e-6))


CHANGES = {
    "a translator": planted_source,
    "a version": planted_version,
    "a tolerance": planted_tolerance,
    "the processor": lambda patch, _: patch.setattr(hardware, "processor", lambda: ["another model", "avx2"]),
    "the Python": lambda patch, _: patch.setattr(sys, "version", "3.99"),
    "a library path": lambda patch, _: patch.setenv("LD_LIBRARY_PATH", "/another"),
    "the threads": lambda patch, _: patch.setattr("bench.plan.settings.cores", lambda device: 97),
}


@pytest.mark.parametrize("what", CHANGES)
def test_evidence_is_not_found_if_what_it_depends_on_has_changed(kept, monkeypatch, tmp_path, what):
    CHANGES[what](monkeypatch, tmp_path)
    try:
        assert kept.evidence(CASE, 0) is None
        assert kept.arithmetic(CASE) == ""
    finally:
        software.digest.cache_clear()


@pytest.mark.parametrize(
    "case",
    [
        replace(CASE, workload=replace(CASE.workload, **change))
        for change in (
            {"batch": 2},
            {"height": 36},
            {"classes": 9},
            {"precision": "float64"},
            {"architecture": "nin-cifar10"},
        )
    ]
    + [Case(lenet(), B), Case(lenet(), replace(A, setting="as-shipped")), Case(lenet(), replace(A, interpreter=""))],
    ids=lambda case: case.id,
)
def test_evidence_is_of_one_network_and_contestant(kept, case):
    assert (kept.evidence(case, 0) is None) == (case != CASE)
    assert kept.evidence(CASE, 1) is None


def test_an_altering_variable_of_the_shell_counts_as_shipped_only(cache, monkeypatch):
    shipped = Case(lenet(), replace(A, setting="as-shipped"))
    for case in (CASE, shipped):
        cache.keep_evidence(case, 0, EVIDENCE)
    monkeypatch.setenv("XLA_FLAGS", "--planted")
    assert cache.evidence(CASE, 0) is not None
    assert cache.evidence(shipped, 0) is None


def test_variables_that_the_suite_sets_count(kept):
    assert replace(kept, environment={"MKL_CBWR": "COMPATIBLE"}).evidence(CASE, 0) is None


def test_cards_count_on_a_gpu(kept, monkeypatch):
    case = replace(CASE, workload=replace(CASE.workload, device="cuda"))
    monkeypatch.setattr(nvidia, "models", lambda: [["595.1", "A card", 2**34]])
    kept.keep_evidence(case, 0, EVIDENCE)
    assert kept.evidence(case, 0) is not None
    monkeypatch.setattr(nvidia, "models", lambda: [["596.0", "A card", 2**34]])
    assert kept.evidence(case, 0) is None


def test_another_interpreter_is_asked_for_its_own_software(monkeypatch):
    asked = []
    contestant = replace(A, interpreter="other")
    monkeypatch.setattr(
        interpreters, "_answer", lambda interpreter, *_: asked.append(interpreter.path) or {"software": {"python": "9"}}
    )
    assert interpreters.software_of(contestant, {"other": "/a/python"}, {}) == {"python": "9"}
    assert asked == ["/a/python"]


DAMAGE = {
    "empty": b"",
    "cut": b'{"key": "',
    "no JSON": b"\xff\xfe",
    "of another kind": b'{"schema": 1}',
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_ignored_and_replaced(kept, damage):
    for file in files(kept):
        file.write_bytes(DAMAGE[damage])
    assert kept.evidence(CASE, 0) is None
    assert contents(kept.folder).entries == 0
    kept.keep_evidence(CASE, 0, EVIDENCE)
    assert kept.evidence(CASE, 0) is not None


def test_an_entry_under_a_foreign_name_is_ignored(kept):
    kept.keep_evidence(Case(lenet(), B), 0, TIE)
    evidence = [file for file in files(kept) if json.loads(file.read_text())["evidence"]]
    contents_of = [file.read_bytes() for file in evidence]
    for file, content in zip(evidence, reversed(contents_of)):
        file.write_bytes(content)
    assert kept.evidence(CASE, 0) is None


def test_a_folder_that_cannot_be_written_to_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    for cache in (EvidenceCache(tmp_path / "file" / "below"), EvidenceCache(None)):
        cache.keep_evidence(CASE, 0, EVIDENCE)
        cache.remove_old()
        assert cache.evidence(CASE, 0) is None
        assert cache.arithmetic(CASE) == ""
    assert contents(tmp_path / "nothing").entries == 0


def test_a_write_that_fails_leaves_nothing(kept, monkeypatch):
    before = [(file, file.read_bytes()) for file in files(kept)]

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    kept.keep_evidence(CASE, 0, TIE)
    assert [(file, file.read_bytes()) for file in files(kept)] == before


def test_old_entries_are_not_used_and_removed(kept):
    old = datetime.now(UTC) - evidence_cache.LONGEST - timedelta(days=1)
    for file in files(kept):
        file.write_text(json.dumps({**json.loads(file.read_text()), "made": old.isoformat()}))
        os.utime(file, (old.timestamp(), old.timestamp()))
    assert kept.evidence(CASE, 0) is None
    assert contents(kept.folder).entries == 0
    kept.remove_old()
    assert files(kept) == []


def test_the_number_of_entries_is_bounded_and_the_newest_stay(cache, monkeypatch):
    monkeypatch.setattr(evidence_cache, "MOST_ENTRIES", 2)
    for seed in range(4):
        cache.keep_evidence(CASE, seed, EVIDENCE)
        for file in files(cache):
            os.utime(file, (file.stat().st_mtime - 60,) * 2)
    cache.remove_old()
    assert [cache.evidence(CASE, seed) is not None for seed in range(4)] == [False, False, True, True]


def test_the_folder_is_the_variables_or_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv(evidence_cache.FOLDER, str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv(evidence_cache.FOLDER)
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache" / project)
    assert default_folder() == tmp_path / "cache" / "deadheat" / "evidence"


THREE = tuple(cases((lenet(), lenet(batch=2)), (A, B, C)))


def campaign(cache: EvidenceCache, script=lambda case, launch: Behaviour()) -> Simulated:
    found = Simulated(script, these=THREE)
    found.runner.cache = cache
    return found.run()


def asked(done: Simulated, kind: type = GiveEvidence) -> list[Case]:
    """The cases that were asked, whatever the number of images."""
    return list(dict.fromkeys(one.case for one in done.launcher.requests if isinstance(one.request, kind)))


def behaving(contestant, **behaviour: object):
    return lambda case, launch: Behaviour(**behaviour) if case.contestant == contestant else Behaviour()


def test_a_second_campaign_starts_no_launch_for_evidence_and_its_records_say_so(cache):
    first, second = campaign(cache), campaign(cache)
    assert len(asked(first)) == len(THREE)
    assert {record.parity.evidence_from for record in first.records} == {""}
    assert not asked(second)
    assert not asked(second, ProbeArithmetic)
    assert len(second.launcher.launches) == len(second.records), "none beside those that measure"
    assert {record.status for record in second.records} == {Status.MEASURED}
    assert {record.effective_precision for record in second.records} == {"float32"}
    kept = {cache.evidence(case, parity.SEEDS[0]).made for case in THREE}
    assert {record.parity.evidence_from for record in second.records} == kept
    assert {replace(record.parity, evidence_from="") for record in second.records} == {
        record.parity for record in first.records
    }, "they are compared anew"


def test_only_what_is_missing_is_computed_and_all_are_compared(cache):
    campaign(cache)
    for file in files(cache):
        if B.id in json.loads(file.read_text())["about"]:
            file.unlink()
    done = campaign(cache)
    assert {case.contestant for case in asked(done)} == {B}
    for record in done.records:
        assert (record.parity.evidence_from == "") == (record.case.contestant == B)
        assert record.parity.contestants == 3


def test_evidence_is_computed_anew_where_that_is_asked_for_and_kept(cache):
    campaign(cache)
    done = campaign(replace(cache, reads=False))
    assert len(asked(done)) == len(THREE)
    assert len(asked(done, ProbeArithmetic)) == 3
    assert {record.parity.evidence_from for record in done.records} == {""}
    assert not asked(campaign(cache))


@pytest.mark.parametrize(
    "behaviour", [dict(evidence=WRONG), dict(arithmetic="bfloat16")], ids=["another network", "another arithmetic"]
)
def test_a_contestant_that_is_refused_is_not_kept(cache, behaviour):
    first = campaign(cache, behaving(C, **behaviour))
    assert {record.status for record in first.records if record.case.contestant == C} == {Status.MISMATCH}
    assert not any(C.id in file.read_text() for file in files(cache))
    again = campaign(cache, behaving(C, **behaviour))
    assert {record.status for record in again.records if record.case.contestant == C} == {Status.MISMATCH}
    assert {case.contestant for case in asked(again)} >= {C}


def test_a_mismatch_is_reported_only_of_evidence_that_is_all_of_this_campaign(cache):
    """Evidence in the cache that is wrong: what it makes differ is computed anew, and then nothing differs."""
    campaign(cache)
    cache.keep_evidence(THREE[0], parity.SEEDS[0], WRONG)
    done = campaign(cache)
    assert sorted(case.contestant.id for case in asked(done)) == sorted([A.id, B.id, C.id])
    assert {record.status for record in done.records} == {Status.MEASURED}
    fresh = [record for record in done.records if record.case.workload == THREE[0].workload]
    assert {record.parity.evidence_from for record in fresh} == {""}
    assert not asked(campaign(cache)), "the wrong evidence is replaced"


def test_a_contestant_that_has_changed_is_found_beside_cached_evidence_of_the_others(cache):
    campaign(cache)
    for file in files(cache):
        if C.id in json.loads(file.read_text())["about"]:
            file.unlink()
    done = campaign(cache, behaving(C, evidence=WRONG))
    refused = [record for record in done.records if record.status is Status.MISMATCH]
    assert {record.case.contestant for record in refused} == {C}
    assert {case.contestant for case in asked(done)} == {A, B, C}, "the others were computed anew, too"


def test_a_tie_that_was_cleared_once_needs_no_launch_later(cache):
    def script(case: Case, launch: int) -> Behaviour:
        return Behaviour(evidence=TIE if (case.contestant, launch) == (C, 0) and not seen_before(case) else EVIDENCE)

    seen: set[Case] = set()

    def seen_before(case: Case) -> bool:
        return case in seen or bool(seen.add(case))

    first = campaign(cache, script)
    assert {record.status for record in first.records} == {Status.MEASURED}
    seeds = {one.request.seed for one in first.launcher.requests if isinstance(one.request, GiveEvidence)}
    assert seeds > set(parity.SEEDS), "further images were asked for"
    second = campaign(cache)
    assert {record.status for record in second.records} == {Status.MEASURED}
    assert not asked(second)


@pytest.mark.parametrize(
    ("precision", "kept"), [("float32", {"float32"}), ("tf32", {"tf32", "float32"}), ("bfloat16", {"bfloat16"})]
)
def test_arithmetic_is_kept_only_if_it_is_as_requested(tmp_path, precision, kept):
    case = replace(CASE, workload=replace(CASE.workload, precision=precision))
    for computed in ("", "unknown", *DIGITS):
        cache = EvidenceCache(tmp_path / computed)
        cache.keep_arithmetic(case, computed)
        assert cache.arithmetic(case) == (computed if computed in kept else "")


@pytest.mark.slow
def test_campaigns_of_a_user_share_evidence_until_it_is_to_be_proved_anew(run, tmp_path, monkeypatch):
    monkeypatch.setenv(evidence_cache.FOLDER, str(tmp_path / "cache"))
    suite, data = tmp_path / "tiny.toml", tmp_path / "data"
    suite.write_text(tiny("outside", "outside.faulty:fine"))

    def evidence_times(*options: str) -> set[str]:
        before = set(data.iterdir()) if data.exists() else set()
        asked = f"--suite={suite}", f"--results={data}", "--no-report", *options
        done = run("pytest", "--benchmark-only", *asked, simulated=True)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder,) = set(data.iterdir()) - before
        return {record.parity.evidence_from for record in read_campaign(folder).records}

    assert evidence_times() == {""}
    made = {entry.made for entry in evidence_cache._valid(tmp_path / "cache") if entry.evidence}
    assert evidence_times() == made
    assert evidence_times("--prove-parity") == {""}


def test_entries_are_for_their_owner_only(kept):
    assert {stat.S_IMODE(file.stat().st_mode) for file in files(kept)} == {0o600}


def test_software_names_all_that_a_framework_requires_and_its_own_package():
    if missing := load_framework("jax").missing():
        pytest.skip(missing)
    found = software.describe("jax", "jit")
    assert {"jax", "jaxlib", "ml-dtypes", "numpy", "optax"} <= found["distributions"].keys()
    assert "pytest" not in found["distributions"], "it is for numpy's own tests at most"
    assert set(found["sources"]) == set(software.OWN)


def test_every_named_package_has_sources_and_a_contestant_of_another_package_brings_that():
    found = software.describe("fake-clock", "slow")["sources"]
    assert set(found) == {*software.OWN, "bench"}
    assert all(software.sources(package) for package in found)
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("name", architectures())
def test_a_table_as_text_is_the_same_in_every_process(name):
    assert " at 0x" not in repr(load_architecture(name).at())
