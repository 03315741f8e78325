"""What structural and speed checks find in the tables as they are, and that each finds the opposite in another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from impls import load_architecture
from impls.layers import Activation, Conv, Dense, Flatten, Layer, Pool
from impls.network import Architecture
from repro.claims.claim import Kind, claims
from repro.papers.alexnet import checks as alexnet
from repro.papers.lenet import checks as lenet
from repro.papers.nin import checks as nin
from repro.papers.spp import checks as spp
from repro.papers.spp import windows
from repro.papers.vgg import cards
from repro.papers.vgg import checks as vgg
from results.schema.findings import Verdict
from results.schema.record import Case, Contestant, Record, Status, Workload
from results.store.campaigns import CampaignWriter

SUPPORTED, CONTRADICTED = Verdict.SUPPORTED, Verdict.CONTRADICTED


class Found(NamedTuple):
    """A verdict, and numbers that the evidence must show."""

    verdict: Verdict
    numbers: tuple[str, ...]


FOUND = {
    "LN-1": Found(SUPPORTED, ("156/12/1,516/32/48,120/10,164", "60,000", "340,908", "60 links", "10 C3 maps")),
    "LN-7": Found(CONTRADICTED, ("325,680", "340,908", "401,000", "60,000")),
    "LN-8": Found(SUPPORTED, ("±1.7159", "±0.9999973", "12 (6 and 8) to 50 of 84")),
    "LN-E1": Found(CONTRADICTED, ("±0.98772",)),
    "AX-11": Found(CONTRADICTED, ("885,120", "60,965,224", "1.452 %", "1.089 %", "above 1 %: conv3, conv4")),
    "AX-12": Found(CONTRADICTED, ("33 x 33", "2,178", "2,048")),
    "AX-13": Found(SUPPORTED, ("60,965,224",)),
    "AX-E1": Found(CONTRADICTED, ("290,400", "253,440")),
    "AX-E2": Found(CONTRADICTED, ("659,272", "622,312", "650,000")),
    "NIN-8": Found(SUPPORTED, ("0 parameters", "10 x 640", "1/64")),
    "NIN-9": Found(SUPPORTED, ("cccp1 (192 to 160)", "cccp6 (192 to 10); different: none")),
    "VGG-1": Found(SUPPORTED, ("132,863,336", "133,047,848", "133,638,952", "138,357,544", "143,667,240")),
    "VGG-8": Found(SUPPORTED, ("5 x 5", "7 x 7", "27 C²", "49 C²", "81.48 % more", "18 C²", "25 C²", "28.0 % fewer")),
    "SPP-1": Found(SUPPORTED, ("zf5-spp 12,800", "overfeat7-spp 25,600", "zf5 256 to ")),
    "SPP-2": Found(SUPPORTED, ("50 bins of 256 maps: 12,800",)),
    "SPP-3": Found(SUPPORTED, ("13 cells", "5/4", "7/6", "13/13")),
    "SPP-4": Found(SUPPORTED, ("77,037,672", "77,058,408", "132,268,648", "136,988,264", "9,216 and 4,096")),
    "SPP-E1": Found(
        CONTRADICTED,
        (
            "14 of 189",
            "n=3: a=5 gives 4; n=4: a=6 gives 5, a=7 gives 6, a=11 gives 5",
            "n=6: a=8 gives 7, a=9 gives 8, a=10 gives 9, a=11 gives 10, a=15 gives 7, a=16 gives 7, a=17 gives 8, "
            "a=22 gives 7, a=23 gives 7, a=29 gives 7",
        ),
    ),
    "SPP-E2": Found(CONTRADICTED, ("zf5's pool2 gives 13, not 27", "before pool2 is 27")),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_check_finds_what_the_papers_arithmetic_is(name: str) -> None:
    check = claims()[name].check
    assert check is not None
    finding = check()
    assert finding.verdict is FOUND[name].verdict
    assert "\n" not in finding.evidence
    for number in FOUND[name].numbers:
        assert number in finding.evidence


Change = Callable[[Layer], Layer]


def changed(architecture: str, changes: Mapping[str, Change], **settings: Any) -> Architecture:
    """The architecture with some layers, by name, made into others."""
    own = load_architecture(architecture)

    def table(classes: int) -> tuple[Layer, ...]:
        layers = own.table(classes)
        assert set(changes) <= {layer.name for layer in layers}
        return tuple(changes[layer.name](layer) if layer.name in changes else layer for layer in layers)

    return replace(own, table=table, **settings)


def having(**settings: Any) -> Change:
    return lambda layer: replace(layer, **settings)


def a_flatten(layer: Layer) -> Layer:
    return Flatten(layer.name)


class Other(NamedTuple):
    """An architecture with which, or a value in place of a constant with which, a check must turn round."""

    module: Any
    architecture: Architecture | None = None
    constants: Mapping[str, Any] = {}


# What each change does is said where it isn't plain: the paper's number must come out of it, or must not.
OTHERS = {
    "LN-1 c3 is dense": Other(lenet, changed("lenet5", {"c3": having(connection_table=None)})),
    "LN-7 connections are 401,226 at 35 x 35": Other(lenet, changed("lenet5", {}, input_shape=(1, 35, 35))),
    "LN-8 f6's range ends at 1": Other(lenet, changed("lenet5", {"f6-squash": having(kind="tanh")})),
    "AX-11": Other(alexnet, changed("alexnet", {name: having(groups=8) for name in ("conv3", "conv4")})),
    "AX-12": Other(alexnet, constants={"RESIZED": 255}),
    "AX-13": Other(alexnet, changed("alexnet", {"fc6": having(units=8_192)})),
    "AX-E1 conv1 gives 55 x 48": Other(alexnet, changed("alexnet", {}, input_shape=(3, 227, 199))),
    "AX-E2 649,808 neurons": Other(alexnet, changed("alexnet", {"conv3": having(channels=328)})),
    "NIN-8": Other(nin, changed("nin-cifar10", {"cccp6-relu": a_flatten, "gap": lambda layer: Dense(layer.name, 10)})),
    "NIN-9": Other(nin, changed("nin-cifar10", {"cccp3": having(kernel=3, padding=1)})),
    "VGG-1": Other(vgg, changed("vgg-c", {"conv5_3": having(kernel=3, padding=1)})),
    "VGG-8": Other(vgg, changed("vgg-d", {"conv5_2": having(kernel=1, padding=0)})),
    "SPP-1": Other(spp, changed("convnet5-spp", {"spp": a_flatten})),
    "SPP-2": Other(spp, changed("zf5-spp", {"spp": having(levels=(4, 3, 2, 1))})),
    "SPP-3 the map has 12 cells a side": Other(spp, changed("zf5-spp", {"pool2": having(kernel=5)})),
    "SPP-4": Other(spp, changed("overfeat7-spp", {"spp": a_flatten})),
    "SPP-E1": Other(spp, constants={"SIDES": (12, 13)}),
    "SPP-E2 conv2 gives 55": Other(spp, changed("zf5", {"conv2": having(stride=1, padding=2)})),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_check_finds_the_opposite_in_another_table(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other, claim = OTHERS[name], name.split()[0]
    if other.architecture is not None:
        found = other.architecture
        monkeypatch.setattr(
            other.module, "load_architecture", lambda asked: found if asked == found.name else load_architecture(asked)
        )
    for constant, value in other.constants.items():
        monkeypatch.setattr(other.module, constant, value)
    assert_opposite(claim)


def test_curvature_peaks_at_one_with_another_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    """tanh(S a)'s second derivative is largest where the tanh is 1 / sqrt(3)."""
    monkeypatch.setattr(Activation, "SLOPE", math.atanh(3**-0.5))
    assert_opposite("LN-E1")


def assert_opposite(claim: str) -> None:
    check = claims()[claim].check
    assert check is not None
    assert {check().verdict, FOUND[claim].verdict} == {SUPPORTED, CONTRADICTED}


def test_every_structural_check_is_turned_round() -> None:
    structural = {claim.id for claim in claims().values() if claim.kind is Kind.STRUCTURAL}
    turned = {name.split()[0] for name in OTHERS} | {"LN-E1"}
    assert {name for name in structural if name.partition("-")[0] in ("AX", "LN", "NIN", "SPP", "VGG")} == turned
    assert set(FOUND) == turned


@pytest.mark.parametrize("side", [55, 27, 13])
def test_both_pools_of_ax_4_give_the_same_maps(side: int) -> None:
    """AX-4's method says so."""
    overlapping, plain = (Pool("pool", kernel=kernel, stride=2).outputs((1, side, side)) for kernel in (3, 2))
    assert overlapping == plain


def test_no_padding_of_conv3_makes_13_of_27() -> None:
    """SPP-E2's method says so."""
    conv3 = next(row.layer for row in load_architecture("zf5").at().rows if row.layer.name == "conv3")
    assert isinstance(conv3, Conv)
    assert all(replace(conv3, padding=cells).outputs((1, 27, 27)) != (13, 13) for cells in range(8))


SHARED = Workload("zf5-windows-96", 400, 400, 3, 1000, 1, "float32", "cpu", "infer")
EACH = Workload("zf5-spp", 224, 224, 3, 1000, 96, "float32", "cpu", "infer", "tens-224", ((224, 224, 96),))
FEW_SHARED, FEW_EACH = replace(SHARED, architecture="zf5-windows-10"), replace(EACH, batch=10)
NEEDED = {"macs": 1, "traffic_bytes": 1, "memory_bytes": 1}
SYSTEM = {"workloads": {SHARED.id: {**NEEDED, "windows": 96}, FEW_SHARED.id: {**NEEDED, "windows": 10}}}
Times = Mapping[Workload, tuple[float, ...]]


def write(data: Path, name: str, times: Times, started: str = "") -> Path:
    """A campaign with a launch for each of the times, in seconds."""
    writer = CampaignWriter.create(data, name, {**SYSTEM, "started": started})
    writer.append(
        Record(Case(workload, Contestant("jax", "jit")), launch, Status.MEASURED, seconds=(seconds,), steps=1)
        for workload, launches in times.items()
        for launch, seconds in enumerate(launches)
    )
    writer.close()
    return writer.folder


ONE_CARD = Workload("vgg-d", 224, 224, 3, 1000, 64, "float32", "cuda", "train")
FOUR_CARDS = replace(ONE_CARD, devices=4)
OTHERS_OF_CARDS = {
    "on one card": {ONE_CARD: (1.0, 1.1)},
    "on four alone": {FOUR_CARDS: (1.0, 1.1)},
    "of a processor": {replace(one, device="cpu"): (1.0, 1.1) for one in (ONE_CARD, FOUR_CARDS)},
    "of another phase": {replace(one, phase="infer"): (1.0, 1.1) for one in (ONE_CARD, FOUR_CARDS)},
    "of another network": {replace(one, architecture="alexnet"): (1.0, 1.1) for one in (ONE_CARD, FOUR_CARDS)},
}
CARDS = {
    "three times as fast": ((0.4, 0.41, 0.39), SUPPORTED, ("vgg-d, float32, jax:jit 3.0", "paper 3.75x")),
    "slower": ((2.4, 2.41, 2.39), CONTRADICTED, ("0.50x",)),
    "not to be told": ((0.4, 5.0, 1.2), Verdict.INCONCLUSIVE, ("jax:jit",)),
    "one launch": ((0.4,), Verdict.INCONCLUSIVE, ("3.00x", "no interval", "--suite parallel-gpu")),
}


@pytest.mark.parametrize("name", CARDS)
def test_four_cards_are_judged_by_the_interval_of_what_was_measured(name: str, tmp_path: Path) -> None:
    four, verdict, numbers = CARDS[name]
    write(tmp_path, "measured", {ONE_CARD: (1.2, 1.21, 1.19), FOUR_CARDS: four})
    finding = cards.four_cards(tmp_path)
    assert finding.verdict is verdict
    for number in (*numbers, "campaign measured"):
        assert number in finding.evidence


@pytest.mark.parametrize("name", OTHERS_OF_CARDS)
def test_four_cards_are_not_testable_by_what_was_measured_otherwise(name: str, tmp_path: Path) -> None:
    write(tmp_path, "measured", OTHERS_OF_CARDS[name])
    finding = cards.four_cards(tmp_path)
    assert finding.verdict is Verdict.NOT_TESTABLE
    assert "--suite parallel-gpu" in finding.evidence


SPEEDS = {
    "ten times as fast": (((1.0, 1.1, 1.05), (10.0, 11.0, 10.5)), SUPPORTED, ("96 windows", "jax:jit 10.0x", "270x")),
    "half as fast": (((2.0, 2.1, 2.05), (1.0, 1.1, 1.05)), CONTRADICTED, ("0.5x",)),
    "not to be told": (((1.0, 5.0, 2.0), (3.0, 1.0, 2.0)), Verdict.INCONCLUSIVE, ("jax:jit",)),
    "one launch": (((1.0,), (10.0,)), Verdict.INCONCLUSIVE, ("10.0x", "no interval", "--suite windows")),
}


@pytest.mark.parametrize("name", SPEEDS)
def test_features_once_is_judged_by_the_interval_of_what_was_measured(name: str, tmp_path: Path) -> None:
    (shared, each), verdict, numbers = SPEEDS[name]
    write(tmp_path, "measured", {SHARED: shared, EACH: each, FEW_SHARED: each, FEW_EACH: shared})
    finding = windows.features_once(tmp_path)
    assert finding.verdict is verdict
    for number in (*numbers, "campaign measured"):
        assert number in finding.evidence


def test_features_once_reads_the_newest_campaign_that_has_both_ways(tmp_path: Path) -> None:
    write(tmp_path, "a-newest-without", {SHARED: (1.0, 1.1)}, "2026-11-24T00:00:00+00:00")
    write(tmp_path, "b-newer", {SHARED: (1.0, 1.1), EACH: (9.0, 9.1)}, "2026-11-23T00:00:00+00:00")
    write(tmp_path, "c-oldest", {SHARED: (1.0, 1.1), EACH: (0.5, 0.51)}, "2026-11-22T00:00:00+00:00")
    finding = windows.features_once(tmp_path)
    assert (finding.verdict, "campaign b-newer" in finding.evidence) == (SUPPORTED, True)


def test_features_once_is_not_testable_before_anything_was_measured(tmp_path: Path) -> None:
    finding = windows.features_once(tmp_path / "none")
    assert finding.verdict is Verdict.NOT_TESTABLE
    assert "tox -e bench -- --suite windows" in finding.evidence


def test_features_once_finds_the_campaign_that_is_committed() -> None:
    """Of the reference campaign or of a newer one of the user's, whose verdict isn't known here."""
    finding = windows.features_once()
    assert finding.verdict is not Verdict.NOT_TESTABLE
    assert "windows, features once" in finding.evidence
