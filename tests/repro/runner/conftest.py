from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.warm import warm_trials


@pytest.fixture
def fresh_interpreters() -> None:
    """For tests of what trials are in processes that begin as a user's do."""


@pytest.fixture(autouse=True)
def _warm_trials(request: pytest.FixtureRequest) -> Iterator[None]:
    if "fresh_interpreters" in request.fixturenames:
        yield
    else:
        with warm_trials():
            yield
