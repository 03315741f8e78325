"""What an exception in a launch makes of its case."""

from __future__ import annotations

import pytest

from bench.worker.tasks import status_of
from impls.errors import Unavailable, Unsupported
from results.schema.record import Status
from tests.support.exceptions import NOT_OF_MEMORY, SHORT_OF_MEMORY


@pytest.mark.parametrize("problem", SHORT_OF_MEMORY.values(), ids=SHORT_OF_MEMORY)
def test_a_framework_short_of_memory_is_out_of_memory(problem: Exception) -> None:
    assert status_of(problem) is Status.OUT_OF_MEMORY


@pytest.mark.parametrize("problem", NOT_OF_MEMORY.values(), ids=NOT_OF_MEMORY)
def test_any_other_exception_is_failed(problem: Exception) -> None:
    assert status_of(problem) is Status.FAILED


@pytest.mark.parametrize("problem", [Unavailable("no compiler"), Unsupported("no such layer")])
def test_what_cannot_run_here_is_skipped(problem: Exception) -> None:
    assert status_of(problem) is Status.SKIPPED
