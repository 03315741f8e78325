"""The child processes that the ring for `impls` shares for the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oracle.children import Children


@pytest.fixture(scope="session")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    found = Children(tmp_path_factory.mktemp("children"))
    yield found
    found.close()
