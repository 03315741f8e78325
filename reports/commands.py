"""The command that measures a case again."""

from __future__ import annotations

import shlex

SPECIAL = frozenset('"$`\\!\n')
"""What a shell still reads between double quotes; Windows knows no single ones, so they are the second choice."""


def reproduce(case: str, suite: str | None) -> str:
    """For one case; without the suite's name (the campaign didn't say) the default suite is asked."""
    node = f"bench/test_cases.py::test_case[{case}]"
    quoted = shlex.quote(node) if SPECIAL & set(node) else f'"{node}"'
    return f"pytest --benchmark-only {quoted}" + (f" --suite {shlex.quote(suite)}" if suite else "")
