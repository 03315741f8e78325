"""Every total of the fact sheet, to the last digit (facts/papers.md; the sections are named below).

The numbers here were taken from the papers and computed by hand or by other people's code, not by `impls`.
"""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import NamedTuple

import pytest

from impls.architectures import architectures, load_architecture
from impls.architectures.lenet import C3_LINKS, digit_codes
from impls.layers import Activation, Conv, Dense, Pool, RadialBasis, Subsample
from impls.network import Architecture, Network, Row


class Total(NamedTuple):
    architecture: str
    size: int | None
    channels: int | None
    classes: int | None
    parameters: int
    macs: int | None = None
    statistics: int = 0


TOTALS = (
    # 1.1: Fig. 2's 60,000 free parameters
    Total("lenet5", None, None, None, 60_000),
    # 1.8: as many as d2l's; plain averages have no coefficients
    Total("lenet5-dense", None, None, None, 61_706),
    # 2.1; 2.2 says why 224 must give the same as 227
    Total("alexnet", None, None, None, 60_965_224, 724_406_816),
    Total("alexnet", 227, None, None, 60_965_224, 724_406_816),
    Total("alexnet", 224, None, None, 60_965_224, 724_406_816),
    Total("alexnet-1tower", None, None, None, 62_378_344, 1_135_256_096),
    Total("alexnet-1tower", 224, None, None, 62_378_344, 1_135_256_096),
    # 2.3, and torchvision's own count; 0.714 GMAC in its metadata
    Total("alexnet-owt", None, None, None, 61_100_840, 714_188_480),
    # 2.3: the same parameters as AlexNet; conv1 is 55 x 55 at 227 in both
    Total("caffenet", None, None, None, 60_965_224, 724_406_816),
    # by hand from examples/mnist/lenet.prototxt: 520 + 25,050 + 400,500 + 5,010
    Total("lenet-caffe", None, None, None, 431_080, 288_000 + 1_600_000 + 400_000 + 5_000),
    # by hand from Table 1: 34,944 + 614,656 + 1,180,160 + 4,719,616 + 9,438,208 + 113,249,280 + 12,587,008 + 4,097,000
    Total("overfeat-fast", None, None, None, 145_920_872),
    # 3.1 to 3.3
    Total("nin-cifar10", None, None, None, 966_986, 222_486_528),
    Total("nin-cifar100", None, None, None, 984_356, 223_592_448),
    Total("nin-mnist", None, None, None, 349_674, 50_699_712),
    Total("nin-svhn", None, None, None, 1_986_026, 274_235_392),
    Total("nin-imagenet", None, None, None, 7_595_176, 1_100_188_800),
    # 4.1
    Total("vgg-a", None, None, None, 132_863_336, 7_609_090_048),
    Total("vgg-a-lrn", None, None, None, 132_863_336, 7_609_090_048),
    Total("vgg-b", None, None, None, 133_047_848, 11_308_466_176),
    Total("vgg-c", None, None, None, 133_638_952, 11_770_888_192),
    Total("vgg-d", None, None, None, 138_357_544, 15_470_264_320),
    Total("vgg-e", None, None, None, 143_667_240, 19_632_062_464),
    # 4.1: torchvision's counts, which leave out the running statistics
    Total("vgg-a-bn", None, None, None, 132_868_840, 7_609_090_048, 2 * 2_752),
    Total("vgg-d-bn", None, None, None, 138_365_992, 15_470_264_320, 2 * 4_224),
    # 5.1; multiply-accumulates only where the sheet gives them
    Total("zf5", None, None, None, 62_357_608, 1_200_596_096),
    Total("zf5-spp", None, None, None, 77_037_672),
    Total("zf5-spp30", None, None, None, 56_066_152),
    Total("convnet5", None, None, None, 62_378_344, 3_041_370_656),
    Total("convnet5-spp", None, None, None, 77_058_408),
    Total("overfeat5", None, None, None, 102_908_520, 2_971_327_520),
    Total("overfeat5-spp", None, None, None, 132_268_648),
    Total("overfeat7", None, None, None, 107_628_136, 4_500_151_328),
    Total("overfeat7-spp", None, None, None, 136_988_264),
    # SPP-4: one set of parameters at every size
    Total("zf5-spp", 180, None, None, 77_037_672),
    Total("overfeat7-spp", 180, None, None, 136_988_264),
    # 7.1 to 7.4
    Total("lenet-tutorial", None, None, None, 5_414_936, 54_158_160),
    Total("lenet-tutorial", 32, 1, 10, 61_706),
    Total("alexnet-tutorial", None, None, None, 50_944_108, 1_010_045_728),
    Total("alexnet-tutorial", 227, None, None, 62_478_444),
    Total("nin-tutorial", None, None, None, 1_106_988, 11_591_860_224, 2_888),
    Total("nin-tutorial", 32, None, 10, 1_092_146 - 2_708, None, 2_708),
    Total("vgg16-tutorial", None, None, None, 138_349_985, 15_161_999_976),
    Total("vgg16-tutorial", 224, 3, 100, 138_349_985, 15_161_999_976),
)


@pytest.mark.parametrize("total", TOTALS, ids=lambda t: f"{t.architecture}@{t.size or 'own size'}/{t.classes or 'own'}")
def test_totals_are_the_papers(total: Total) -> None:
    network = load_architecture(total.architecture).at(total.size, total.channels, total.classes)
    assert network.parameters == total.parameters
    assert network.statistic_count == total.statistics
    assert total.macs in (None, network.macs)


def test_no_architecture_is_without_a_total() -> None:
    own = {name for name, found in architectures().items() if _is_ours(found)}
    assert own == {total.architecture for total in TOTALS}


def _is_ours(found: Architecture) -> bool:
    """Whether the table is in this repository, and not in a package that happens to be installed."""
    function = found.table.func if isinstance(found.table, partial) else found.table
    return function.__module__.startswith("impls.")


# Keras counts statistics as parameters: section 7.3's printed totals.
@pytest.mark.parametrize(("size", "classes", "printed"), [(None, None, 1_109_876), (32, 10, 1_092_146)])
def test_nin_tutorial_counts_as_keras_prints(size: int | None, classes: int | None, printed: int) -> None:
    network = load_architecture("nin-tutorial").at(size=size, classes=classes)
    assert network.parameters + network.statistic_count == printed


# Per layer: (parameters, multiply-accumulates); None where the sheet gives no number.
LAYERS: dict[str, dict[str, tuple[int, int | None]]] = {
    "alexnet": {  # 2.1
        "conv1": (34_944, 105_415_200),
        "conv2": (307_456, 223_948_800),
        "conv3": (885_120, 149_520_384),
        "conv4": (663_936, 112_140_288),
        "conv5": (442_624, 74_760_192),
        "fc6": (37_752_832, 37_748_736),
        "fc7": (16_781_312, 16_777_216),
        "fc8": (4_097_000, 4_096_000),
    },
    "nin-cifar10": {  # 3.1
        "conv1": (14_592, 14_745_600),
        "cccp1": (30_880, 31_457_280),
        "cccp2": (15_456, 15_728_640),
        "conv2": (460_992, 117_964_800),
        "cccp3": (37_056, 9_437_184),
        "cccp4": (37_056, 9_437_184),
        "conv3": (331_968, 21_233_664),
        "cccp5": (37_056, 2_359_296),
        "cccp6": (1_930, 122_880),
    },
    "nin-cifar100": {"cccp6": (19_300, 1_228_800)},
    "nin-mnist": {  # 3.2
        "conv1": (2_496, None),
        "cccp1": (6_208, None),
        "cccp2": (3_120, None),
        "conv2": (153_728, None),
        "cccp3": (12_384, None),
        "cccp4": (4_656, None),
        "conv3": (153_728, None),
        "cccp5": (12_384, None),
        "cccp6": (970, None),
    },
    "nin-svhn": {  # 3.2
        "conv1": (9_728, None),
        "cccp1": (12_384, None),
        "cccp2": (6_208, None),
        "conv2": (512_320, None),
        "cccp3": (82_176, None),
        "cccp4": (32_896, None),
        "conv3": (1_229_184, None),
        "cccp5": (98_560, None),
        "cccp6": (2_570, None),
    },
    "nin-imagenet": {  # 3.3
        "conv1": (34_944, None),
        "cccp1": (9_312, None),
        "cccp2": (9_312, None),
        "conv2": (614_656, None),
        "cccp3": (65_792, None),
        "cccp4": (65_792, None),
        "conv3": (885_120, None),
        "cccp5": (147_840, None),
        "cccp6": (147_840, None),
        "conv4": (3_539_968, None),
        "cccp7": (1_049_600, None),
        "cccp8": (1_025_000, None),
    },
    "vgg-d": {  # 4.1
        "conv1_1": (1_792, 86_704_128),
        "conv1_2": (36_928, 1_849_688_064),
        "conv2_1": (73_856, 924_844_032),
        "conv2_2": (147_584, 1_849_688_064),
        "conv3_1": (295_168, 924_844_032),
        "conv3_2": (590_080, 1_849_688_064),
        "conv3_3": (590_080, 1_849_688_064),
        "conv4_1": (1_180_160, 924_844_032),
        "conv4_2": (2_359_808, 1_849_688_064),
        "conv4_3": (2_359_808, 1_849_688_064),
        "conv5_1": (2_359_808, 462_422_016),
        "conv5_2": (2_359_808, 462_422_016),
        "conv5_3": (2_359_808, 462_422_016),
        "fc6": (102_764_544, 102_760_448),
        "fc7": (16_781_312, 16_777_216),
        "fc8": (4_097_000, 4_096_000),
    },
    "vgg-c": {"conv3_3": (65_792, None), "conv4_3": (262_656, None), "conv5_3": (262_656, None)},
    "zf5": {  # 5.1, "Layer counts"
        "conv1": (14_208, None),
        "conv2": (614_656, None),
        "conv3": (885_120, None),
        "conv4": (1_327_488, None),
        "conv5": (884_992, None),
        "fc6": (37_752_832, None),
        "fc7": (16_781_312, None),
        "fc8": (4_097_000, None),
    },
    "convnet5": {"conv1": (34_944, None), "conv2": (614_656, None), "conv3": (885_120, None)},
    "overfeat7": {
        "conv3": (1_180_160, None),
        "conv4": (2_359_808, None),
        "conv7": (2_359_808, None),
        "fc6": (75_501_568, None),
    },
    "zf5-spp": {"fc6": (52_432_896, None)},
    "zf5-spp30": {"fc6": (31_461_376, None)},
    "overfeat5-spp": {"fc6": (104_861_696, None)},
    "lenet-tutorial": {  # 7.1
        "conv1": (456, None),
        "conv2": (2_416, None),
        "dense1": (5_393_400, None),
        "dense2": (10_164, None),
        "dense3": (8_500, None),
    },
    "alexnet-tutorial": {  # 7.2
        "conv1": (34_944, None),
        "conv2": (614_656, None),
        "conv3": (885_120, None),
        "conv4": (1_327_488, None),
        "conv5": (884_992, None),
        "dense1": (26_218_496, None),
        "dense2": (16_781_312, None),
        "dense3": (4_097_000, None),
        "dense4": (100_100, None),
    },
    "nin-tutorial": {  # 7.3; batch normalisation's count there includes as many statistics as parameters
        "block0-conv0": (14_592, None),
        "block0-conv1": (37_056, None),
        "block0-conv2": (18_528, None),
        "block1-conv0": (460_992, None),
        "block1-conv1": (37_056, None),
        "block1-conv2": (18_528, None),
        "block2-conv0": (460_992, None),
        "block2-conv1": (37_056, None),
        "block2-conv2": (19_300, None),
        "block0-conv0-bn": (768 // 2, None),
        "block1-conv2-bn": (384 // 2, None),
        "block2-conv2-bn": (400 // 2, None),
    },
    "vgg16-tutorial": {  # 7.4
        "conv1_1": (1_792, None),
        "conv1_2": (36_928, None),
        "conv2_1": (49_280, None),
        "conv2_2": (147_584, None),
        "conv3_1": (295_168, None),
        "conv3_2": (590_080, None),
        "conv4_1": (1_180_160, None),
        "conv4_2": (2_359_808, None),
        "conv5_3": (2_359_808, None),
        "dense1": (102_764_544, None),
        "dense2": (16_781_312, None),
        "dense3": (4_097_000, None),
        "dense4": (17_017, None),
    },
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_count_as_in_the_tables(name: str) -> None:
    rows = _rows(load_architecture(name).at())
    for layer, (parameters, macs) in LAYERS[name].items():
        assert (layer, rows[layer].facts.parameters) == (layer, parameters)
        assert macs is None or (layer, rows[layer].facts.macs) == (layer, macs)


# LeCun 1998, section II-B: output, trainable parameters, connections (1.1).
LENET5 = {
    "c1": ((6, 28, 28), 156, 122_304),
    "s2": ((6, 14, 14), 12, 5_880),
    "c3": ((16, 10, 10), 1_516, 151_600),
    "s4": ((16, 5, 5), 32, 2_000),
    "c5": ((120, 1, 1), 48_120, 48_120),
    "f6": ((84,), 10_164, 10_164),
    "output": ((10,), 0, 840),
}


@pytest.mark.parametrize("name", LENET5)
def test_lenet5_layers_are_the_papers(name: str) -> None:
    facts = _rows(load_architecture("lenet5").at())[name].facts
    assert (facts.output, facts.parameters, facts.connections) == LENET5[name]


def test_lenet5_has_340_908_connections() -> None:
    assert load_architecture("lenet5").at().connections == 340_908


def test_a_dense_c3_has_2416_parameters() -> None:
    assert _rows(load_architecture("lenet5-dense").at())["c3"].facts.parameters == 2_416


def test_c3_table_has_the_papers_invariants() -> None:
    """1.2: 60 links, every S2 map feeds ten C3 maps, fan-ins six times 3, nine times 4, once 6, none repeated."""
    assert sum(map(len, C3_LINKS)) == 60
    assert [sum(source in connection_table for connection_table in C3_LINKS) for source in range(6)] == [10] * 6
    assert sorted(map(len, C3_LINKS)) == [3] * 6 + [4] * 9 + [6]
    assert len({frozenset(connection_table) for connection_table in C3_LINKS}) == 16


INK = (35, 27, 33, 32, 41, 35, 39, 25, 43, 39)


def test_output_codes_have_the_papers_ink() -> None:
    codes = digit_codes(10)
    assert {len(code) for code in codes} == {84}
    assert {cell for code in codes for cell in code} == {1, -1}
    assert tuple(code.count(1) for code in codes) == INK


def test_output_codes_lie_12_to_50_cells_apart() -> None:
    """1.4: the nearest are 6 and 8; the farthest 1-4, 1-8 and 4-7."""
    codes = digit_codes(10)
    apart = {
        pair: sum(a != b for a, b in zip(*(codes[digit] for digit in pair), strict=True))
        for pair in itertools.combinations(range(10), 2)
    }
    assert min(apart.values()) == 12
    assert [pair for pair, cells in apart.items() if cells == 12] == [(6, 8)]
    assert max(apart.values()) == 50
    assert [pair for pair, cells in apart.items() if cells == 50] == [(1, 4), (1, 8), (4, 7)]


def test_squashing_maps_one_to_almost_one() -> None:
    """1.3: f(1) = 0.9999973, so the targets of +-1 lie inside the range of +-1.7159 (LN-8)."""
    assert round(Activation.AMPLITUDE * math.tanh(Activation.SLOPE), 7) == 0.9999973
    assert Activation.AMPLITUDE == 1.7159


class Sides(NamedTuple):
    """Sides of the maps that every convolution and pool gives, in order, without repeats."""

    architecture: str
    size: int
    sides: tuple[int, ...]


SIDES = (
    Sides("lenet5", 32, (28, 14, 10, 5, 1)),
    Sides("alexnet", 227, (55, 27, 13, 6)),
    Sides("alexnet", 224, (55, 27, 13, 6)),
    Sides("alexnet-owt", 224, (55, 27, 13, 6)),
    Sides("nin-cifar10", 32, (32, 16, 8)),
    Sides("nin-mnist", 28, (28, 14, 7)),
    Sides("nin-svhn", 32, (32, 16, 8)),
    Sides("nin-imagenet", 224, (54, 27, 13, 6)),
    *(Sides(f"vgg-{letter}", 224, (224, 112, 56, 28, 14, 7)) for letter in ("a", "a-lrn", "b", "c", "d", "e")),
    # 5.1, Table 1 and "Working pads"; the baselines end with a pool to 6
    Sides("zf5", 224, (110, 55, 27, 13, 6)),
    Sides("zf5-spp", 224, (110, 55, 27, 13)),
    Sides("zf5-spp", 180, (88, 44, 21, 10)),
    Sides("convnet5", 224, (55, 27, 13, 6)),
    Sides("convnet5-spp", 224, (55, 27, 13)),
    Sides("convnet5-spp", 180, (44, 21, 10)),
    Sides("overfeat5", 224, (109, 36, 18, 6)),
    Sides("overfeat5-spp", 224, (109, 36, 18)),
    Sides("overfeat5-spp", 180, (87, 29, 14)),
    Sides("overfeat7", 224, (109, 36, 18, 6)),
    Sides("overfeat7-spp", 180, (87, 29, 14)),
    # 7.1 to 7.4
    Sides("lenet-tutorial", 224, (220, 110, 106, 53)),
    Sides("alexnet-tutorial", 224, (54, 26, 12, 5)),
    Sides("alexnet-tutorial", 227, (55, 27, 13, 6)),
    Sides("nin-tutorial", 224, (224, 112, 56, 28)),
    Sides("nin-tutorial", 32, (32, 16, 8, 4)),
    Sides("vgg16-tutorial", 224, (224, 112, 56, 28, 14, 7)),
)


@pytest.mark.parametrize("expected", SIDES, ids=lambda s: f"{s.architecture}@{s.size}")
def test_maps_have_the_papers_sides(expected: Sides) -> None:
    rows = load_architecture(expected.architecture).at(size=expected.size).rows
    sliding = [row for row in rows if isinstance(row.layer, (Conv, Pool, Subsample))]
    assert {row.facts.output[1] - row.facts.output[2] for row in sliding} == {0}
    assert tuple(side for side, _ in itertools.groupby(row.facts.output[1] for row in sliding)) == expected.sides


# The length of the vector that the first full connection reads (2.1, 4.1, 5.2, 7.2).
VECTORS = {
    "alexnet": 9_216, "alexnet-tutorial": 6_400, "lenet-tutorial": 44_944, "vgg-a": 25_088, "zf5": 9_216,
    "zf5-spp": 12_800, "zf5-spp30": 7_680, "overfeat5": 18_432, "overfeat5-spp": 25_600,
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_the_classifier_reads_a_vector_of_the_papers_length(name: str) -> None:
    first = next(row for row in load_architecture(name).at().rows if isinstance(row.layer, Dense))
    assert first.input == (VECTORS[name],)


def test_weight_layers_of_vgg() -> None:
    """4.1, Table 1."""
    counted = {
        letter: sum(isinstance(row.layer, (Conv, Dense)) for row in load_architecture(f"vgg-{letter}").at().rows)
        for letter in ("a", "a-lrn", "b", "c", "d", "e")
    }
    assert counted == {"a": 11, "a-lrn": 11, "b": 13, "c": 16, "d": 16, "e": 19}


def test_alexnets_neurons() -> None:
    """2.1: the sum over the layers is 659,272; the paper's 650,000 is round and its 253,440 for conv1 an error."""
    rows = load_architecture("alexnet").at().rows
    neurons = [math.prod(row.facts.output) for row in rows if isinstance(row.layer, (Conv, Dense))]
    assert neurons == [290_400, 186_624, 64_896, 64_896, 43_264, 4_096, 4_096, 1_000]
    assert sum(neurons) == 659_272


@pytest.mark.parametrize(("depth", "side"), [(1, 3), (2, 5), (3, 7)])
def test_stacks_of_3x3_see_5x5_and_7x7(depth: int, side: int) -> None:
    """VGG-8 (4.4)."""
    stack = tuple(Conv(f"conv{i}", 4, kernel=3, padding=1) for i in range(depth))
    network = Network("stack", (4, 16, 16), 1, stack)
    assert network.rows[-1].field == (side, side)


def test_three_3x3_have_27_parts_of_the_weights_of_49() -> None:
    """VGG-8: 27 C^2 against 49 C^2."""
    channels = 8
    three = [Conv(f"conv{i}", channels, kernel=3, padding=1) for i in range(3)]
    one = Conv("conv", channels, kernel=7, padding=3)
    weights = [sum(layer.at((channels, 16, 16)).macs for layer in stack) for stack in (three, [one])]
    assert weights[0] * 49 == weights[1] * 27


# How far one cell of the map before the classifier sees: the window of the input, worked out by hand.
FIELDS = {
    ("lenet5", "c1"): 5,
    ("lenet5", "s2"): 6,
    ("lenet5", "c3"): 14,
    ("lenet5", "s4"): 16,
    ("lenet5", "c5"): 32,  # C5 sees the whole image: "full connection" in the paper
    ("alexnet", "conv1"): 11,
    ("alexnet", "pool1"): 19,
    ("alexnet", "conv2"): 51,
    ("alexnet", "pool2"): 67,
    ("alexnet", "conv5"): 163,
    ("alexnet", "pool5"): 195,
    ("vgg-d", "conv2_2"): 14,
    ("vgg-d", "pool5"): 212,
}


@pytest.mark.parametrize(("name", "layer"), FIELDS)
def test_receptive_fields(name: str, layer: str) -> None:
    assert _rows(load_architecture(name).at())[layer].field == (FIELDS[name, layer],) * 2


def test_the_classifier_sees_everything() -> None:
    network = load_architecture("alexnet").at()
    assert [row.field for row in network.rows if isinstance(row.layer, Dense)] == [None] * 3


@pytest.mark.parametrize(
    ("baseline", "pyramid"), [("zf5", "zf5-spp30"), ("convnet5", "convnet5-spp"), ("overfeat5", "overfeat5-spp")]
)
def test_a_pyramid_keeps_its_backbone(baseline: str, pyramid: str) -> None:
    """Table 2 compares the same convolutions with and without: nothing else may differ."""
    convolutions = [
        [row for row in load_architecture(name).at().rows if isinstance(row.layer, Conv)]
        for name in (baseline, pyramid)
    ]
    assert convolutions[0] == convolutions[1]


def test_thirty_bins_have_fewer_parameters_than_no_pyramid() -> None:
    """SPP-6: the gain is not from parameters."""
    assert load_architecture("zf5-spp30").at().parameters < load_architecture("zf5").at().parameters


def test_lenet5s_output_is_fixed() -> None:
    """1.1: 840 numbers, none of them trained."""
    row = _rows(load_architecture("lenet5").at())["output"]
    assert isinstance(row.layer, RadialBasis)
    assert row.facts.arrays == {}


def _rows(network: Network) -> dict[str, Row]:
    return {row.layer.name: row for row in network.rows}
