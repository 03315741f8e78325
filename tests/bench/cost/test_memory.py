"""Which contestants are alive together."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cost.colocation import RESERVE, ZYGOTE_BYTES, max_concurrent, memory_limit, subsets, zygotes_on
from bench.cost.memory import estimate, estimate_evidence
from bench.launch.launcher import Launcher
from impls.host import cgroups, nvidia
from results.schema.record import Case, Contestant, Workload

LENET = Workload("lenet5", 32, 32, 1, 10, 1, "float32", "cpu", "infer")

contestants = st.integers(1, 12).map(lambda count: [Contestant("f", str(number)) for number in range(count)])


gibibytes = st.floats(0.1, 20).map(lambda count: int(count * 2**30))


@given(contestants, gibibytes, gibibytes, st.integers(1, 12))
def test_subsets_fit_share_the_reference_and_hold_every_contestant(these, each, limit, zygotes):
    found = subsets(these, each, limit, zygotes)
    standing = ZYGOTE_BYTES * zygotes
    assert {one for part in found for one in part} == set(these)
    assert all(standing + len(part) * each <= limit or len(part) == 1 for part in found)
    if standing + 2 * each <= limit:
        assert all(part[0] == these[0] for part in found)
        others = [one for part in found for one in part[1:]]
        assert len(others) == len(set(others)) == len(these) - 1


def test_those_that_need_the_same_share_a_zygote_unless_launches_are_fresh():
    names = ("fake-clock", "slow"), ("fake-clock", "fast"), ("jax-spp", "slices"), ("jax", "jit")
    these = [Case(LENET, Contestant(*name)) for name in names]
    with Launcher(10) as launcher:
        assert launcher.zygotes(these[:2]) == 1
        assert launcher.zygotes(these[2:]) == 2, "they import modules of their own"
        assert launcher.zygotes(these) == 3
        own, shipped = these[3], Contestant("jax", "jit", setting="as-shipped")
        assert launcher.zygotes([*these, Case(own.workload, shipped)]) == 4
        large = replace(
            LENET, architecture="alexnet", height=224, width=224, channels=3, classes=1000, phase="gradient"
        )
        assert launcher.zygotes([own, Case(large, own.contestant)]) == 2, (
            "one arena, for blocks that none but it can keep"
        )
        assert launcher.zygotes([Case(one, shipped) for one in (own.workload, large)]) == 1
    with Launcher(10, fresh=True) as launcher:
        assert launcher.zygotes(these) == 4


def test_a_training_step_needs_at_least_weights_gradients_and_momentum():
    def needs(phase: str) -> int:
        return estimate(Workload("vgg-a", 224, 224, 3, 1000, 1, "float32", "cpu", phase))

    weights = 4 * 132_863_336
    assert needs("infer") > weights
    assert needs("train") > 3 * weights
    assert needs("infer") < needs("forward") < needs("gradient") < needs("train")
    assert estimate_evidence(Workload("vgg-a", 224, 224, 3, 1000, 1, "float32", "cpu", "gradient")) > needs("gradient")
    assert estimate_evidence(Workload("vgg-a", 224, 224, 3, 1000, 1, "float32", "cpu", "infer")) == needs("infer")


def test_a_step_that_casts_weights_needs_its_copies_of_them_too():
    def needs(precision: str, phase: str) -> int:
        return estimate(Workload("vgg-a", 224, 224, 3, 1000, 1, precision, "cpu", phase))

    weights = 132_863_336
    assert needs("bfloat16", "infer") == needs("float16", "infer")
    assert needs("bfloat16", "infer") > 6 * weights
    assert needs("float16", "train") > 4 * 3 * weights + 2 * 2 * weights
    assert needs("bfloat16-weights", "infer") < needs("bfloat16", "infer") - 3 * weights


@pytest.mark.parametrize(("left", "room"), [(None, 5), (9, 5), (3, 3)])
def test_alive_together_are_no_more_than_machine_and_container_have_room_for(monkeypatch, left, room):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5 * 2**30))
    monkeypatch.setattr(cgroups, "memory_left", lambda: left and left * 2**30)
    assert memory_limit(8 * 2**30) == room * 2**30
    assert memory_limit(2 * 2**30) == 2 * 2**30


@pytest.mark.parametrize(
    ("host", "card", "room"),
    [(5, 24, 8), (64, 6, 5), (5, None, 5), (64, 0.5, 0)],
    ids=["a card larger than the host", "a card in use", "a card that shares the host's memory", "a card that is full"],
)
def test_on_a_card_its_free_memory_limits_and_not_the_hosts(monkeypatch, host, card, room):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=host * 2**30))
    monkeypatch.setattr(cgroups, "memory_left", lambda: None)
    monkeypatch.setattr(nvidia, "free_memory", lambda: card and int(card * 2**30))
    assert RESERVE == 2**30
    assert memory_limit(8 * 2**30, "cuda") == room * 2**30
    assert memory_limit(8 * 2**30, "cpu") == min(host, 8) * 2**30


def test_on_a_card_a_process_takes_more_and_zygotes_nothing():
    on_card = replace(LENET, device="cuda")
    assert estimate(on_card) > estimate(LENET)
    assert estimate_evidence(on_card) >= 2**30, "CUDA's context and the libraries' workspaces"
    each = estimate(on_card)
    assert max_concurrent(each, 3 * each, zygotes_on("cuda", 9)) == 3
    assert max_concurrent(each, 3 * each, zygotes_on("cpu", 1)) == 2
