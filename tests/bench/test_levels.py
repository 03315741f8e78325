"""Which level of its contestants a campaign measures: the suite's, or that of --level."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.plan.suite import load_suite
from bench.runner import metadata
from bench.session import Options, Session, build_session
from impls.errors import DeadheatError
from results.schema.record import Case, Contestant, Workload

WORKLOADS = '[[workloads]]\narchitectures = ["lenet5"]\nbatches = [1]\nphases = ["infer"]\n'


def session(folder: Path, keys: str, **options: object) -> Session:
    suite = folder / "tiny.toml"
    suite.write_text(f'title = "tiny"\ncontrols = false\n{keys}\n{WORKLOADS}')
    return build_session(Options(str(suite), folder, **options))  # type: ignore[arg-type]


def contestants(session: Session) -> list[str]:
    return [case.contestant.id for case in session.cases]


BOTH = 'contestants = ["pytorch:idiomatic", "jax:jit"]'


@pytest.mark.parametrize(
    ("keys", "level", "expected"),
    [
        ("", None, ["pytorch:idiomatic", "jax:jit"]),
        ("", "idiomatic", ["pytorch:idiomatic", "jax:idiomatic"]),
        ("", "tuned", ["pytorch:eager", "jax:jit"]),
        ('level = "idiomatic"', None, ["pytorch:idiomatic", "jax:idiomatic"]),
        ('level = "idiomatic"', "tuned", ["pytorch:eager", "jax:jit"]),
    ],
)
def test_a_campaign_compares_like_with_like(tmp_path: Path, keys: str, level: str | None, expected: list[str]) -> None:
    assert contestants(session(tmp_path, f"{BOTH}\n{keys}", level=level)) == expected


def test_the_default_suite_is_tuned_and_has_as_many_contestants_at_the_other_level() -> None:
    suite = load_suite("quick")
    assert suite.level == "tuned"
    idiomatic = build_session(Options("quick", Path("results"), level="idiomatic")).suite
    assert idiomatic.contestants == (
        "pytorch:idiomatic",
        "tensorflow:idiomatic",
        "jax:idiomatic",
        "keras:tensorflow-idiomatic",
    )
    assert len(idiomatic.contestants) == len(suite.contestants)


def test_a_campaign_records_the_level_of_every_contestant(tmp_path: Path) -> None:
    begun = session(tmp_path, BOTH)
    described = metadata.describe("tiny", begun.suite, begun.cases, "pytest")
    levels = {name: facts.level for name, facts in described.contestants.items()}
    assert levels == {"pytorch:idiomatic": "idiomatic", "jax:jit": "tuned"}


@pytest.mark.parametrize(
    ("contestant", "tuned"),
    [
        (Contestant("jax", "jit"), None),
        (Contestant("jax", "idiomatic"), "jax:jit"),
        (Contestant("keras", "torch-idiomatic"), "keras:torch"),
        (Contestant("without", "jax.jit-pools"), "jax:jit"),
        (Contestant("jax", "idiomatic", setting="as-shipped"), "jax:jit+as-shipped"),
    ],
    ids=lambda one: one.id if isinstance(one, Contestant) else str(one),
)
def test_a_campaign_records_which_contestant_has_the_tricks_that_another_lacks(
    contestant: Contestant, tuned: str | None
) -> None:
    workload = Workload("lenet5", 32, 32, 1, 10, 1, "float32", "cpu", "infer")
    described = metadata.describe("quick", load_suite("quick"), [Case(workload, contestant)], "pytest")
    assert described.contestants[contestant.id].tuned == tuned


@pytest.mark.parametrize(
    ("keys", "level", "problem"),
    [
        (BOTH, "idiomtic", "unknown level 'idiomtic': did you mean 'idiomatic'"),
        ('contestants = ["onnx:openvino"]', "idiomatic", "onnx:openvino has no idiomatic counterpart"),
        (f'{BOTH}\nlevel = "plain"', None, "level"),
    ],
)
def test_a_level_that_is_not_there_is_refused_before_anything_is_measured(
    tmp_path: Path, keys: str, level: str | None, problem: str
) -> None:
    with pytest.raises(DeadheatError, match=problem):
        session(tmp_path, keys, level=level)
