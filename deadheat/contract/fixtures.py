"""Fixtures that tests of models share: child processes, and what contestants do in them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from deadheat.contract.device import TESTED, unusable
from deadheat.contract.processes import Children, answer
from impls.frameworks import load_framework
from impls.host.hardware import unsupported_reason
from impls.precision import POLICIES

CHILDREN = pytest.StashKey[Children]()
Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def children(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Children:
    """The child processes of the session, whichever `conftest.py` asks for them. Without the device there are none."""
    if reason := unusable():
        pytest.exit(reason, returncode=pytest.ExitCode.USAGE_ERROR)
    stash = request.config.stash
    if CHILDREN not in stash:
        stash[CHILDREN] = Children(tmp_path_factory.mktemp("children"))
        request.config.add_cleanup(stash[CHILDREN].close)
    return stash[CHILDREN]


@pytest.fixture(scope="session")
def ask(children: Children) -> Ask:
    """The answer of a job for a contestant, asked once; skipped where it is not installed or has no such layer."""
    asked: dict[tuple[str, str, str], Future[Any]] = {}

    def ask(job: str, contestant: str, precision: str = "float32") -> Any:
        if reason := missing(contestant, precision):
            pytest.skip(reason)
        key = job, contestant, precision
        if key not in asked:
            asked[key] = children.of(contestant, precision).submit(
                f"deadheat.contract.jobs:{job}", contestant, precision
            )
        return answer(asked[key])

    return ask


def differentiates(contestant: str, precision: str = "float32") -> bool:
    """Whether framework:execution runs the phases that need gradients; others run inference only."""
    framework, _, execution = contestant.partition(":")
    return (
        load_framework(framework).execution(execution).lacks("gradient") is None and not POLICIES[precision].infers_only
    )


def missing(contestant: str, precision: str = "float32") -> str | None:
    """Why framework:execution can't be run in that precision on the device that is tested; None if it can."""
    framework, _, execution = contestant.partition(":")
    found = load_framework(framework)
    return unsupported_reason(precision, TESTED) or found.missing(found.execution(execution), TESTED)
