"""Groups of tests that stay on one worker."""

from __future__ import annotations

import pytest

from tests.support.distribution import group_of


@pytest.mark.parametrize(
    ("test_id", "group"),
    [
        ("tests/results/test_names.py::test_one[a::b]", "tests/results/test_names.py"),
        ("tests/impls/frameworks/test_parity.py::test_one", "with children"),
        ("deadheat/contract/test_frameworks.py::test_one", "with children"),
        ("tests/test_docs.py::test_one", "tests/test_docs.py"),
    ],
)
def test_files_stay_together_and_those_with_child_processes_all(test_id: str, group: str) -> None:
    assert group_of(test_id) == group
