from __future__ import annotations

import pytest

from tests.support.fleet.fakes import without_syncing


@pytest.fixture(scope="session", autouse=True)
def _without_syncing():
    with without_syncing():
        yield
