"""Which worker of pytest-xdist runs which file of tests."""

from __future__ import annotations

from typing import Any

import pytest

WITH_CHILDREN = ("tests/impls/", "deadheat/contract/")
"""Their tests ask child processes of the frameworks, which a worker starts for itself, and keeps."""


def group_of(test_id: str) -> str:
    """The tests that a worker runs in one go: a file's, or all with child processes."""
    file = test_id.split("::", 1)[0]
    return "with children" if file.startswith(WITH_CHILDREN) else file


def schedule_by_file(config: pytest.Config, log: Any) -> Any:
    """pytest-xdist's scheduler of files, by `group_of`."""
    from xdist.scheduler.loadfile import LoadFileScheduling  # not where tests run in one process

    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = group_of  # type: ignore[method-assign]
    return scheduler
