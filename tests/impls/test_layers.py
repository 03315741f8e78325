"""Layers against brute force: sizes, pads and bins by counting cells; and what is refused, in which words."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impls.architectures import architectures, load_architecture
from impls.errors import InvalidInput, UnknownName
from impls.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    Pool,
    RadialBasis,
    SpatialPyramid,
    Subsample,
)
from impls.network import Network

# --- Windows that slide ---------------------------------------------------------------------------------------------


class Side(NamedTuple):
    """One side of a map and of the window over it."""

    size: int
    kernel: int
    stride: int
    pads: tuple[int, int]


@st.composite
def sides(draw: st.DrawFn) -> Side:
    """Pads are smaller than the window, as every framework asks, and the window fits at least once."""
    kernel = draw(st.integers(1, 11))
    pads = draw(st.tuples(st.integers(0, kernel - 1), st.integers(0, kernel - 1)))
    return Side(draw(st.integers(max(1, kernel - sum(pads)), 60)), kernel, draw(st.integers(1, 12)), pads)


def starts_that_fit(side: Side) -> list[int]:
    """Floor: every start, counted from the first cell, whose window ends within the padded side."""
    end = side.size + side.pads[1]
    return [s for s in range(-side.pads[0], end, side.stride) if s + side.kernel <= end]


def starts_that_cover(side: Side) -> list[int]:
    """Ceil, as Caffe has it: windows until one reaches the padded end; the last must not start in the end padding."""
    starts = [-side.pads[0]]
    while starts[-1] + side.kernel < side.size + side.pads[1]:
        starts.append(starts[-1] + side.stride)
    return [s for s in starts if s < side.size]


def reach(side: Side, starts: list[int]) -> tuple[int, int]:
    """Cells that the windows touch before the first and after the last cell of the map."""
    touched = [cell for start in starts for cell in (start, start + side.kernel - 1)]
    return max(0, -min(touched)), max(0, max(touched) - side.size + 1)


@given(sides(), sides(), st.booleans())
def test_windows_are_those_found_by_counting(vertical: Side, horizontal: Side, ceil: bool) -> None:
    pool = Pool(
        "pool",
        kernel=(vertical.kernel, horizontal.kernel),
        stride=(vertical.stride, horizontal.stride),
        padding=(vertical.pads, horizontal.pads),
        ceil=ceil,
    )
    shape = (3, vertical.size, horizontal.size)
    starts = [(starts_that_cover if ceil else starts_that_fit)(side) for side in (vertical, horizontal)]
    assert pool.at(shape).output == (3, *map(len, starts))
    assert pool.pads(shape) == tuple(map(reach, (vertical, horizontal), starts))


@given(st.integers(1, 60), st.integers(1, 11), st.integers(1, 12))
def test_same_is_the_fewest_pads_that_keep_the_size(size: int, kernel: int, stride: int) -> None:
    conv = Conv("conv", 2, kernel=kernel, stride=stride, padding="same")
    wanted = len(range(0, size, stride))
    assert conv.at((1, size, size)).output == (2, wanted, wanted)
    (before, after), _ = conv.pads((1, size, size))
    assert 0 <= after - before <= 1
    fewer = before + after - 1
    assert fewer < 0 or len(starts_that_fit(Side(size, kernel, stride, (0, fewer)))) < wanted


@given(sides(), st.integers(0, 5))
def test_one_number_pads_every_side(side: Side, cells: int) -> None:
    size = max(side.size, side.kernel)
    one, explicit = (
        Conv("conv", 1, kernel=side.kernel, stride=side.stride, padding=p) for p in (cells, ((cells, cells),) * 2)
    )
    assert one.at((1, size, size)) == explicit.at((1, size, size))
    assert one.pads((1, size, size)) == explicit.pads((1, size, size))


# Section 8.2 of the fact sheet, and 7.4's kernel of two columns.
@pytest.mark.parametrize(
    ("layer", "size", "outputs", "pads"),
    [
        (Pool("even", kernel=3, stride=2, padding="same"), 6, 3, (0, 1)),
        (Pool("even up", kernel=3, stride=2, ceil=True), 6, 3, (0, 1)),
        (Pool("odd", kernel=3, stride=2, padding="same"), 7, 4, (1, 1)),
        (Pool("odd up", kernel=3, stride=2, ceil=True), 7, 3, (0, 0)),
        (Conv("two columns", 1, kernel=2, padding="same"), 9, 9, (0, 1)),
        (Conv("AlexNet at 224", 96, kernel=11, stride=4, ceil=True), 224, 55, (0, 3)),
        (Conv("AlexNet at 227", 96, kernel=11, stride=4, ceil=True), 227, 55, (0, 0)),
        (Pool("would start in the padding", kernel=2, stride=2, padding=1, ceil=True), 3, 2, (1, 0)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_known_windows(layer: Any, size: int, outputs: int, pads: tuple[int, int]) -> None:
    assert layer.at((1, size, size)).output[1:] == (outputs, outputs)
    assert layer.pads((1, size, size)) == (pads, pads)


def test_height_and_width_are_told_apart() -> None:
    conv = Conv("conv", 4, kernel=(3, 2), padding="same")
    assert conv.pads((1, 8, 9)) == ((1, 1), (0, 1))
    assert conv.at((5, 8, 9)).arrays["weight"] == (4, 5, 3, 2)
    assert Conv("conv", 4, kernel=(1, 5)).at((1, 8, 9)).output == (4, 8, 5)


# --- The pyramid's bins ---------------------------------------------------------------------------------------------

SLIDING, ADAPTIVE, ROUNDED = (SpatialPyramid("spp", (1,), rule) for rule in ("sliding", "adaptive", "rounded"))


def bins(text: str) -> tuple[tuple[int, int], ...]:
    """ "0-5 4-9" as ((0, 5), (4, 9))."""
    return tuple((int(start), int(end)) for start, end in (part.split("-") for part in text.split()))


# Section 5.3 of the fact sheet, "Worked bins": S and A, and the tutorial's K.
WORKED = (
    (13, 1, "0-13", "0-13"),
    (13, 2, "0-7 6-13", "0-6 6-13"),
    (13, 3, "0-5 4-9 8-13", "0-4 4-9 9-13"),
    (13, 4, "0-4 3-7 6-10 9-13", "0-3 3-6 6-10 10-13"),
    (13, 6, "0-3 2-5 4-7 6-9 8-11 10-13", "0-2 2-4 4-6 6-9 9-11 11-13"),
    (10, 1, "0-10", "0-10"),
    (10, 2, "0-5 5-10", "0-5 5-10"),
    (10, 3, "0-4 3-7 6-10", "0-3 3-7 7-10"),
    (10, 4, "0-3 2-5 5-8 7-10", "0-2 2-5 5-8 8-10"),
    (10, 6, "0-2 1-4 3-5 5-7 6-9 8-10", "0-2 2-3 3-5 5-7 7-8 8-10"),
)


@pytest.mark.parametrize(("side", "n", "adaptive", "rounded"), WORKED)
def test_bins_are_the_worked_ones(side: int, n: int, adaptive: str, rounded: str) -> None:
    assert ADAPTIVE.bins(side, n) == bins(adaptive)
    assert ROUNDED.bins(side, n) == bins(rounded)


@pytest.mark.parametrize(("side", "n"), [(13, 1), (13, 2), (13, 3), (13, 4), (13, 6), (10, 1), (10, 2), (10, 3)])
def test_sliding_equals_adaptive_where_the_paper_shows_numbers(side: int, n: int) -> None:
    assert SLIDING.bins(side, n) == ADAPTIVE.bins(side, n)


# Section 5.3, "Definition S is not a valid n-bin pooling": side -> bins that come out instead, sides whose end is
# left uncovered, and how far the sheet lists them.
WRONG_COUNT = {
    2: {},
    3: {5: 4},
    4: {6: 5, 7: 6, 11: 5},
    6: {8: 7, 9: 8, 10: 9, 11: 10, 15: 7, 16: 7, 17: 8, 22: None, 23: None, 29: 7},
}
UNCOVERED = {
    2: (),
    3: tuple(range(8, 41, 3)),
    4: (10, 14, 15, 18, 19, 22, 23),
    6: (14, 20, 21, 26, 27, 28),
}
LISTED = {2: 40, 3: 40, 4: 23, 6: 29}


@pytest.mark.parametrize("n", LISTED)
def test_sliding_is_refused_exactly_where_it_fails(n: int) -> None:
    for side in range(n, LISTED[n] + 1):
        if side in WRONG_COUNT[n]:
            count = WRONG_COUNT[n][side]
            with pytest.raises(InvalidInput, match=rf"gives {count or '[0-9]+'} bins, not {n}, on a side of {side}"):
                SLIDING.bins(side, n)
        elif side in UNCOVERED[n]:
            with pytest.raises(InvalidInput, match=f"with {n} bins leaves the end of a side of {side} uncovered"):
                SLIDING.bins(side, n)
        else:
            _assert_sliding(side, n)


def _assert_sliding(side: int, n: int) -> None:
    """n windows of ceil(side / n), floor(side / n) apart, up to the last cell."""
    found = SLIDING.bins(side, n)
    assert len(found) == n
    assert {end - start for start, end in found} == {math.ceil(side / n)}
    assert {b - a for (a, _), (b, _) in zip(found, found[1:])} <= {math.floor(side / n)}
    assert (found[0][0], found[-1][1]) == (0, side)


@pytest.mark.parametrize("n", range(1, 9))
def test_adaptive_bins_are_the_appendixs(n: int) -> None:
    """Appendix A, as written: bin i, from 1, goes from floor((i - 1) / n * side) to ceil(i / n * side)."""
    for side in range(1, 65):
        ends = [Fraction(i, n) * side for i in range(n + 1)]
        expected = [(math.floor(start), math.ceil(end)) for start, end in zip(ends, ends[1:])]
        assert list(ADAPTIVE.bins(side, n)) == expected


@given(st.integers(1, 128), st.integers(1, 16))
def test_rounded_bins_leave_nothing_out_and_overlap_nowhere(side: int, n: int) -> None:
    if side < n:
        with pytest.raises(InvalidInput, match=f"empty for {n} bins on a side of {side}"):
            ROUNDED.bins(side, n)
        return
    cells = [cell for start, end in ROUNDED.bins(side, n) for cell in range(start, end)]
    assert cells == list(range(side))
    assert len(ROUNDED.bins(side, n)) == n


def test_the_papers_own_180_network_needs_another_rule() -> None:
    """Section 9, 1: a = 10 with 6 x 6 bins."""
    with pytest.raises(InvalidInput, match="gives 9 bins, not 6"):
        SpatialPyramid("spp", (6, 3, 2, 1), "sliding").at((256, 10, 10))
    assert SpatialPyramid("spp", (6, 3, 2, 1)).at((256, 10, 10)).output == (12_800,)


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_pyramids_length_does_not_depend_on_the_size(height: int, width: int) -> None:
    """SPP-1."""
    assert SpatialPyramid("spp", (6, 3, 2, 1)).at((256, height, width)).output == (256 * 50,)


# --- What is refused, and what is said ------------------------------------------------------------------------------

# Found by hand: the last size that fails is one less.
SMALLEST = {"alexnet": 52, "alexnet-tutorial": 67, "lenet5": 32, "vgg-d": 32, "zf5": 63, "zf5-spp": 31, "nin-mnist": 6}


@pytest.mark.parametrize("name", SMALLEST)
def test_too_small_a_size_is_refused_with_the_smallest(name: str) -> None:
    smallest, architecture = SMALLEST[name], load_architecture(name)
    architecture.at(size=smallest)
    with pytest.raises(
        InvalidInput, match=rf"^{name} cannot take {smallest - 1}x{smallest - 1}: .*size is {smallest}$"
    ):
        architecture.at(size=smallest - 1)


def test_one_small_side_is_enough_to_be_refused() -> None:
    with pytest.raises(InvalidInput, match="alexnet cannot take 300x20: .*the smallest possible size is 52"):
        load_architecture("alexnet").at(size=(300, 20))


@pytest.mark.parametrize(("argument", "least"), [("size", 1), ("channels", 1), ("classes", 2)])
def test_zero_is_refused(argument: str, least: int) -> None:
    what = {"size": "height"}.get(argument, argument)
    with pytest.raises(InvalidInput, match=f"alexnet: {what} must be at least {least}, got 0"):
        load_architecture("alexnet").at(**{argument: 0})


def test_lenet5_has_codes_for_ten_digits_only() -> None:
    with pytest.raises(InvalidInput, match="10 classes .* got 11; use lenet5-dense"):
        load_architecture("lenet5").at(classes=11)
    assert load_architecture("lenet5").at(classes=3).rows[-1].facts.output == (3,)


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (Dense("fc", 10), (3, 4, 4), r"fc takes a vector, got shape \(3, 4, 4\); put a Flatten before it"),
        (Conv("conv", 4, kernel=3), (12,), r"conv takes maps .* got shape \(12,\)"),
        (Pool("pool", kernel=2), (12,), "pool takes maps"),
        (GlobalAverage("gap"), (12,), "gap takes maps"),
        (BatchNorm("bn"), (12,), "bn takes maps"),
        (Conv("conv", 4, kernel=1, groups=2), (3, 4, 4), "conv: 3 inputs and 4 outputs .* divisible by 2 groups"),
        (Conv("conv", 3, kernel=1, groups=2), (4, 4, 4), "conv: 4 inputs and 3 outputs .* divisible by 2 groups"),
        (Conv("conv", 1, kernel=1, connection_table=((0, 4),)), (4, 4, 4), "connection_table names input 4"),
        (Conv("conv", 1, kernel=5, padding=1), (1, 2, 9), "conv needs at least 3 cells a side, got 2"),
        (Subsample("s2"), (1, 1, 9), "s2 needs at least 2 cells a side, got 1x9"),
        (RadialBasis("output", ((1, -1),)), (3,), r"output takes vectors of 2, got shape \(3,\)"),
    ],
)  # fmt: skip
def test_what_a_layer_cannot_take_is_said(layer: Any, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        layer.at(shape)


@pytest.mark.parametrize(("wrong", "near"), [("alexnt", "alexnet"), ("vgg_d", "vgg-d"), ("lenet-5", "lenet5")])
def test_an_unknown_architecture_is_answered_with_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(UnknownName, match=f"unknown architecture '{wrong}': did you mean '{near}'") as failure:
        load_architecture(wrong)
    assert all(name in str(failure.value) for name in architectures())


def test_errors_are_one_line() -> None:
    for size, name in ((3, "alexnet"), ((1, 9), "vgg-a"), (0, "lenet5")):
        with pytest.raises(InvalidInput) as failure:
            load_architecture(name).at(size=size)
        assert "\n" not in str(failure.value)


# --- Arguments ------------------------------------------------------------------------------------------------------


def test_size_channels_and_classes_are_arguments() -> None:
    network = load_architecture("nin-cifar10").at(size=(20, 30), channels=5, classes=7)
    assert network.input_shape == (5, 20, 30)
    assert network.rows[0].facts.arrays["weight"] == (192, 5, 5, 5)
    assert network.classes == 7
    assert network.rows[-1].facts.output == (7,)


def test_what_is_left_out_is_as_in_the_source() -> None:
    assert load_architecture("lenet5").at().input_shape == (1, 32, 32)
    assert load_architecture("lenet5").at(channels=3).input_shape == (3, 32, 32)
    assert load_architecture("nin-cifar100").at().classes == 100


def test_vgg16_tutorial_keeps_its_17_classes() -> None:
    """Section 7.4: the 100 that the tutorial asks for are ignored."""
    network = load_architecture("vgg16-tutorial").at(classes=100)
    assert network.classes == 17
    assert network.rows[-1].facts.output == (17,)


def test_without_dropout_is_the_same_network_otherwise() -> None:
    network = load_architecture("alexnet").at()
    without = network.without_dropout()
    assert [layer for layer in network.layers if not isinstance(layer, Dropout)] == list(without.layers)
    assert sum(isinstance(layer, Dropout) for layer in network.layers) == 2
    assert (without.arrays, without.macs) == (network.arrays, network.macs)
    assert without.without_dropout() == without


def test_bytes_count_every_output_and_every_stored_number() -> None:
    layers = (
        Conv("conv", 2, kernel=3, connection_table=((0,), (0, 1))),
        Activation("relu", "relu"),
        Flatten("flatten"),
    )
    network = Network("two maps", (2, 5, 4), 1, layers)
    assert network.activation_bytes(4) == 4 * (2 * 5 * 4 + 3 * (2 * 3 * 2))
    assert network.parameter_bytes(8) == 8 * (2 * 2 * 9 + 2)  # the missing link is stored
    assert network.parameters == 3 * 9 + 2  # and not trained


def test_only_batch_normalisation_ties_images_together() -> None:
    tied = {name for name, found in architectures().items() if found.at().normalises_batches}
    assert "nin-tutorial" in tied
    assert not tied & {"alexnet", "lenet5", "vgg-a-lrn", "zf5-spp"}
    network = load_architecture("nin-tutorial").at()
    plain = tuple(layer for layer in network.layers if not isinstance(layer, BatchNorm))
    assert not replace(network, layers=plain).normalises_batches
