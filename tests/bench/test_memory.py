"""Which contestants are alive together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.memory import ZYGOTE_BYTES, estimate, estimate_evidence, parts, subsets
from results.record import Contestant, Workload

contestants = st.integers(1, 12).map(lambda count: [Contestant("f", str(number)) for number in range(count)])


gibibytes = st.floats(0.1, 20).map(lambda count: int(count * 2**30))


@given(contestants, gibibytes, gibibytes)
def test_subsets_fit_share_the_reference_and_leave_nobody_out(these, each, limit):
    found = subsets(these, each, limit)
    standing = ZYGOTE_BYTES * len(these)
    assert {one for part in found for one in part} == set(these)
    assert all(standing + len(part) * each <= limit or len(part) == 1 for part in found)
    if standing + 2 * each <= limit:
        assert all(part[0] == these[0] for part in found)
        others = [one for part in found for one in part[1:]]
        assert len(others) == len(set(others)) == len(these) - 1


@given(contestants, gibibytes, gibibytes)
def test_parts_have_everyone_once(these, each, limit):
    assert [one for part in parts(these, each, limit) for one in part] == these


def test_a_training_step_needs_at_least_weights_gradients_and_momentum():
    def needs(phase: str) -> int:
        return estimate(Workload("vgg-a", 224, 224, 3, 1000, 1, "float32", "cpu", phase))

    weights = 4 * 132_863_336
    assert needs("infer") > weights
    assert needs("train") > 3 * weights
    assert needs("infer") < needs("forward") < needs("gradient") < needs("train")
    assert estimate_evidence(Workload("vgg-a", 224, 224, 3, 1000, 1, "float32", "cpu", "infer")) > needs("gradient")
