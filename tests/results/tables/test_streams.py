"""When compiling has paid for itself, and where launches don't show that it does."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

import results
from results.schema.record import Case, Contestant, Record
from results.store.campaigns import CampaignWriter
from results.tables.streams import COLUMNS
from tests.support.made_up import measured, workload

EAGER, COMPILED, LATER = Contestant("f", "eager"), Contestant("f", "compile"), Contestant("f", "also-eager")
NAMES = {"contestants": {EAGER.id: {}, COMPILED.id: {}, LATER.id: {}}}


def times(contestant: Contestant, compilations: int, first: float, *seconds: float) -> list[Record]:
    """Launches of a stream of four images."""
    stream = replace(workload("zf5-spp", batch=4), stream="exact", parts=((64, 64, 4),))
    made = [measured(Case(stream, contestant), launch, [one]) for launch, one in enumerate(seconds)]
    return [replace(one, first_call_seconds=first, compilations=compilations) for one in made]


@pytest.fixture
def load(tmp_path):
    def load(*records: list[Record]):
        writer = CampaignWriter.create(tmp_path, "known", NAMES)
        writer.append(record for part in records for record in part)
        writer.close()
        return results.load(writer.folder, rows="streams").set_index("contestant")

    return load


def test_it_pays_when_all_time_is_even(load):
    """It costs 9 s more the first time and gains 1 s each time after: on the tenth time through both have run 30 s."""
    found = load(times(EAGER, 0, 3.0, 3.0), times(COMPILED, 2, 12.0, 2.0))
    assert set(found.reset_index().columns) == {column.name for column in COLUMNS}
    assert found.break_even_images[COMPILED.id] == 4 * 10
    assert found.break_even_seconds[COMPILED.id] == 12 + 9 * 2 == 3 + 9 * 3
    assert (found.break_even_images[EAGER.id], found.break_even_seconds[EAGER.id]) == (0, 0)


def test_what_is_sooner_from_the_start_pays_the_first_time(load):
    found = load(times(EAGER, 0, 3.0, 3.0), times(COMPILED, 2, 2.5, 2.0)).loc[COMPILED.id]
    assert (found.break_even_images, found.break_even_seconds) == (4, 2.5)


@pytest.mark.parametrize("seconds", [2.93, 2.99, 3.0, 3.01, 2.75, 3.2])
def test_one_launch_shows_no_small_gain_and_no_small_loss(load, seconds):
    found = load(times(EAGER, 0, 3.0, 3.0), times(COMPILED, 2, 12.0, seconds)).loc[COMPILED.id]
    assert found.eager == EAGER.id
    assert math.isnan(found.break_even_images)
    assert math.isnan(found.break_even_seconds)


def test_one_launch_that_is_much_slower_never_pays(load):
    found = load(times(EAGER, 0, 3.0, 3.0), times(COMPILED, 2, 12.0, 3.5)).loc[COMPILED.id]
    assert (found.break_even_images, found.break_even_seconds) == (math.inf, math.inf)


STEADY = (3.0, 3.01, 2.99)


@pytest.mark.parametrize(
    ("seconds", "pays"),
    [
        ((2.8, 2.81, 2.79), True),
        ((3.0, 3.01, 2.99), False),
        ((3.2, 3.21, 3.19), False),
        ((2.4, 3.3, 2.8), None),
        ((2.94, 2.95, 2.93), None),
    ],
    ids=["a small gain that is shown", "no more than a dead heat", "slower", "noise", "at the band's edge"],
)
def test_several_launches_go_by_their_intervals(load, seconds, pays):
    found = load(times(EAGER, 0, 3.0, *STEADY), times(COMPILED, 2, 12.0, *seconds)).loc[COMPILED.id]
    after = found.break_even_images
    assert (None if math.isnan(after) else math.isfinite(after)) is pays


def test_it_is_compared_with_the_first_of_the_suite_that_compiles_nothing(load):
    found = load(times(LATER, 0, 1.0, 1.0), times(COMPILED, 2, 12.0, 2.0), times(EAGER, 0, 3.0, 3.0))
    assert set(found.eager) == {EAGER.id}
    assert found.break_even_images[COMPILED.id] == 4 * 10


def test_a_stream_without_an_eager_contestant_has_no_break_even(load):
    found = load(times(COMPILED, 2, 12.0, 2.0)).loc[COMPILED.id]
    assert found.eager == ""
    assert math.isnan(found.break_even_seconds)
